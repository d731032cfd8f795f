//! What this account puts at risk, and what jurors weigh.

use crate::{
    allowance::Allowance,
    bindings::{disputes::Disputes, registry::ProviderRegistry},
    error::SettlementError,
    jobs::{amount_from_chain, instant},
    sender::{Mined, REWEIGHING_GAS, Turn},
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, B256, TxKind, U256, aliases::U48, keccak256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolValue},
};
use rayswarm_model::{Amount, ComparisonClass, UnixMillis};
use serde::{Deserialize, Serialize};

/// An approval, a bond, and both again where another process of the same account interferes.
const LOOKS_MAX: usize = 6;

/// Where an account stands with what it has put at stake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// Counts as stake, frozen part included.
    pub bonded: Amount,
    /// Held for open disputes, out of bonded and unbonding together.
    pub frozen: Amount,
    /// On its way out; can still be frozen and slashed.
    pub unbonding: Amount,
    /// From when on the unbonding part may be withdrawn.
    pub release_at: UnixMillis,
    /// Until when the account is drawn for no committee.
    pub jailed_until: UnixMillis,
}

impl Standing {
    /// What of the unbonding part no open dispute holds.
    pub fn leaving(&self) -> Amount {
        let all: Amount = [self.bonded, self.unbonding].into_iter().sum();
        self.unbonding.min(all.checked_minus(self.frozen).unwrap_or_default())
    }
}

impl Settlement {
    /// The token of stakes, bonds and jurors' fees. Read once.
    pub async fn stake_token(&self) -> Result<Address, SettlementError> {
        let read = || self.read_disputes("looking for the stake token", Disputes::stakeTokenCall {});
        self.stake_token.get_or_try_init(read).await.copied()
    }

    /// Where an account stands.
    pub async fn stake_standing(&self, account: Address) -> Result<Standing, SettlementError> {
        let call = ProviderRegistry::standingCall { account };
        let found = self.read_registry("reading a stake", call).await?;
        Ok(Standing {
            bonded: Amount(found.bonded),
            frozen: Amount(found.frozen),
            unbonding: Amount(found.unbonding),
            release_at: instant(found.releaseAt),
            jailed_until: instant(found.jailedUntil),
        })
    }

    /// Bonded stake that no open dispute holds: what jobs ask for.
    pub async fn free_stake(&self, account: Address) -> Result<Amount, SettlementError> {
        let call = ProviderRegistry::freeStakeCall { account };
        amount_from_chain("freeStake", self.read_registry("reading a stake", call).await?)
    }

    /// Less bonded stake than this is drawn for no committee.
    pub async fn min_juror_stake(&self) -> Result<Amount, SettlementError> {
        let call = ProviderRegistry::minJurorStakeCall {};
        let least = self.read_registry("reading the least stake of jurors", call).await?;
        Ok(Amount(least))
    }

    /// Names the jurors of a comparison class and trust tier.
    pub fn juror_pool(class: ComparisonClass, tier: u8) -> B256 {
        keccak256((class.0, U256::from(tier)).abi_encode())
    }

    /// What all jurors of a pool weighed together at an instant that is past.
    pub async fn pool_weight(&self, pool: B256, at: UnixMillis) -> Result<Amount, SettlementError> {
        let call = ProviderRegistry::poolWeightCall {
            pool,
            time: U48::saturating_from(at.seconds_floor()),
        };
        amount_from_chain(
            "poolWeight",
            self.read_registry("reading the jurors' stake", call).await?,
        )
    }

    /// What `account` weighs in a pool now; nothing when it is drawn for no committee there.
    pub async fn juror_weight(&self, pool: B256, account: Address) -> Result<Amount, SettlementError> {
        let call = ProviderRegistry::jurorWeightCall { pool, account };
        amount_from_chain(
            "jurorWeight",
            self.read_registry("reading a juror's stake", call).await?,
        )
    }

    /// Makes this account's bonded stake exactly `target`: bonds what is missing, which the registry is allowed to take
    /// first, or starts the way out of what is too much. Nothing is sent when it is that already.
    pub async fn bring_stake_to(&self, target: Amount) -> Result<Vec<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        let mut transactions = Vec::new();
        for _ in 0..LOOKS_MAX {
            // A bond on its way would be made twice.
            let bonded = turn.settled(|| self.stake_standing(self.account())).await?.bonded;
            if bonded == target {
                return Ok(transactions);
            }
            let sent = match target.checked_minus(bonded) {
                Some(missing) => match self.allow_stake(&turn, missing).await {
                    Ok(None) => {
                        let call = ProviderRegistry::stakeCall { amount: missing.0 };
                        self.registry(&turn, "bonding stake", call).await
                    }
                    Ok(Some(approval)) => {
                        transactions.push(approval);
                        // What was on its way before the approval is mined now.
                        continue;
                    }
                    Err(error) => Err(error),
                },
                None => {
                    let surplus = bonded.checked_minus(target).unwrap_or_default();
                    let call = ProviderRegistry::unbondCall { amount: surplus.0 };
                    self.registry(&turn, "taking stake out", call).await
                }
            };
            match sent {
                Ok(receipt) => {
                    transactions.push(Mined::from(&receipt));
                    return Ok(transactions);
                }
                // Another process of this account was first.
                Err(SettlementError::Reverted { revert, .. }) if revert.is_stake_elsewhere() => {}
                Err(SettlementError::NotEnoughTokens { .. })
                    if self.stake_standing(self.account()).await?.bonded != bonded => {}
                Err(error) => return Err(error),
            }
        }
        Err(SettlementError::Overtaken {
            action: "bringing the stake to what it should be",
        })
    }

    /// Fetches what has been taken out of the stake; `None` when nothing is due, because there is nothing, an open dispute
    /// holds it, or the delay is not over ([`Standing::release_at`]).
    pub async fn withdraw_stake(&self) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        if self.stake_standing(self.account()).await?.leaving() == Amount::ZERO {
            return Ok(None);
        }
        let call = ProviderRegistry::withdrawCall {};
        match self.registry(&turn, "fetching stake", call).await {
            Err(SettlementError::Reverted { revert, .. }) if revert.is_no_stake_due() => Ok(None),
            other => other.map(|receipt| Some(Mined::from(&receipt))),
        }
    }

    /// Puts `account` back into the draws after its jail. Anybody's account may do this. Before its end the error is
    /// transient; `None` when it is in the draws, or would not be without jail either.
    pub async fn unjail(&self, account: Address) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        let standing = self.stake_standing(account).await?;
        let judges = self.provider(account).await?.map(|row| row.offer);
        let Some(offer) = judges.filter(|offer| offer.judges) else {
            return Ok(None);
        };
        let pool = Self::juror_pool(offer.comparison_class, offer.trust_tier as u8);
        if standing.jailed_until == UnixMillis::default()
            || standing.bonded < self.min_juror_stake().await?
            || self.juror_weight(pool, account).await? > Amount::ZERO
        {
            return Ok(None);
        }
        let call = ProviderRegistry::unjailCall { account };
        let receipt = self.registry(&turn, "leaving the jail", call).await?;
        Ok(Some(Mined::from(&receipt)))
    }

    async fn allow_stake(&self, turn: &Turn<'_>, needed: Amount) -> Result<Option<Mined>, SettlementError> {
        let allowance = Allowance {
            token: self.stake_token().await?,
            spender: self.contracts().registry,
            needed,
            action: "approving the stake",
            purpose: "the stake",
        };
        self.allow(turn, &allowance).await
    }

    async fn read_registry<C: SolCall>(&self, action: &'static str, call: C) -> Result<C::Return, SettlementError> {
        let registry = self.contracts().registry;
        self.rpc.read(action, self.account(), registry, call).await
    }

    async fn registry(
        &self,
        turn: &Turn<'_>,
        action: &'static str,
        call: impl SolCall,
    ) -> Result<TransactionReceipt, SettlementError> {
        let registry = TxKind::Call(self.contracts().registry);
        turn.send_with_room(action, registry, call.abi_encode(), REWEIGHING_GAS)
            .await
    }
}
