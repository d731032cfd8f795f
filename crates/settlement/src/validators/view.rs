//! What the contract of the validators shows to everybody.

use super::{BallotFor, Candidate, Delegate, Exit, Jail, Member, SetKind, SetParams, Standing, ValidatorsView, coins};
use crate::{
    bindings::{delegated::DelegatedValidators, staked::StakedValidators},
    error::SettlementError,
    rpc::Rpc,
};
use alloy::{eips::BlockNumberOrTag, primitives::Address, sol_types::SolCall};
use rayswarm_model::Amount;

impl ValidatorsView {
    /// Finds the contract on the chain that the server at `rpc_url` serves.
    ///
    /// # Errors
    /// [`SettlementError::NoValidators`] on a chain without one; others as the server answers.
    pub async fn find(rpc_url: &str) -> Result<Self, SettlementError> {
        let rpc = Rpc::new(rpc_url)?;
        let chain_id = rpc.chain_id().await?;
        let kind = SetKind::find(&rpc).await?;
        let kind = kind.ok_or(SettlementError::NoValidators { chain_id })?;
        Ok(Self { rpc, chain_id, kind })
    }

    pub(super) const fn rpc(&self) -> &Rpc {
        &self.rpc
    }

    /// EIP-155 chain id.
    pub const fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// How validators come to their votes here.
    pub const fn kind(&self) -> SetKind {
        self.kind
    }

    /// Where the contract is.
    pub const fn contract(&self) -> Address {
        self.kind.contract()
    }

    /// Who votes at the next block, by account.
    pub async fn members(&self) -> Result<Vec<Member>, SettlementError> {
        let found = self.read(StakedValidators::validatorsCall {}).await?;
        let members = found.accounts.into_iter().zip(found.powers);
        Ok(members.map(|(account, power)| Member { account, power }).collect())
    }

    /// Who stands for the next sets, what counts most first.
    pub async fn candidates(&self) -> Result<Vec<Candidate>, SettlementError> {
        let found = self.read(StakedValidators::candidatesCall {}).await?;
        let candidates = found.accounts.into_iter().zip(found.weights);
        let mut candidates = candidates
            .map(|(account, weight)| {
                Ok(Candidate {
                    account,
                    weight: coins(weight)?,
                })
            })
            .collect::<Result<Vec<_>, SettlementError>>()?;
        candidates.sort_by_key(|candidate| (std::cmp::Reverse(candidate.weight), candidate.account));
        Ok(candidates)
    }

    /// Where an account stands.
    pub async fn standing(&self, account: Address) -> Result<Standing, SettlementError> {
        let found = self.read(StakedValidators::standingCall { account }).await?;
        Ok(Standing {
            power: found.power,
            candidate: found.candidate,
            jail: Jail::of(found.jailedUntil),
            turns: found.turns,
            missed: found.missed,
            stake: coins(found.stake)?,
            unbonding: coins(found.unbonding)?,
            rewards: coins(found.rewards)?,
        })
    }

    /// What an account has on its way out, the earliest first.
    pub async fn exits(&self, account: Address) -> Result<Vec<Exit>, SettlementError> {
        let found = self.read(StakedValidators::exitsOfCall { account }).await?;
        let exits = found.into_iter().map(|exit| {
            Ok(Exit {
                amount: coins(exit.amount)?,
                release_height: exit.releaseHeight,
                at_risk: exit.atRisk,
            })
        });
        let mut exits = exits.collect::<Result<Vec<_>, SettlementError>>()?;
        exits.sort_by_key(|exit| exit.release_height);
        Ok(exits)
    }

    /// The epoch of the next block.
    pub async fn epoch(&self) -> Result<u64, SettlementError> {
        self.read(StakedValidators::epochCall {}).await
    }

    /// Number of the newest block.
    pub async fn height(&self) -> Result<u64, SettlementError> {
        let newest = self.rpc.head(BlockNumberOrTag::Latest).await?;
        newest.map(|head| head.number.to()).ok_or(SettlementError::Nonsense {
            method: "eth_getBlockByNumber",
            reason: "no newest block".into(),
        })
    }

    /// What the genesis fixed.
    pub async fn params(&self) -> Result<SetParams, SettlementError> {
        let found = self.read(StakedValidators::parametersCall {}).await?;
        Ok(SetParams {
            epoch_blocks: found.epochBlocks,
            evidence_blocks: found.evidenceBlocks,
            unbonding_blocks: found.unbondingBlocks,
            jail_blocks: found.jailBlocks,
            missed_turns_max: found.missedTurnsMax,
            validators_max: found.validatorsMax,
            slash_bps: found.slashBps,
            reporter_bps: found.reporterBps,
            min_stake: Amount(found.minStake),
        })
    }

    /// What `account` has of the chain's own coin, outside of the contract.
    pub async fn balance(&self, account: Address) -> Result<Amount, SettlementError> {
        coins(self.rpc.native_balance(account).await?)
    }

    /// What a delegate is to its voters. By dpos only.
    pub async fn delegate(&self, delegate: Address) -> Result<Delegate, SettlementError> {
        self.expect_delegates("looking at a delegate")?;
        let found = self.read(DelegatedValidators::delegateInfoCall { delegate }).await?;
        let changes = found.nextCommissionEpoch != 0;
        Ok(Delegate {
            votes: coins(found.votes)?,
            commission_bps: found.commissionBps,
            next_commission: changes.then_some((found.nextCommissionBps, found.nextCommissionEpoch)),
        })
    }

    /// For whom an account votes. By dpos only.
    pub async fn ballots(&self, voter: Address) -> Result<Vec<BallotFor>, SettlementError> {
        self.expect_delegates("looking at votes")?;
        let found = self.read(DelegatedValidators::ballotsOfCall { voter }).await?;
        let ballots = found.delegates.into_iter().zip(found.amounts);
        ballots
            .map(|(delegate, votes)| {
                Ok(BallotFor {
                    delegate,
                    votes: coins(votes)?,
                })
            })
            .collect()
    }

    /// Coins that an account has locked and that vote for nobody. By dpos only.
    pub async fn free_coins(&self, voter: Address) -> Result<Amount, SettlementError> {
        self.expect_delegates("looking at locked coins")?;
        coins(self.read(DelegatedValidators::freeCoinsOfCall { voter }).await?)
    }

    pub(super) fn expect_delegates(&self, action: &'static str) -> Result<(), SettlementError> {
        match self.kind {
            SetKind::Delegated => Ok(()),
            consensus @ SetKind::Staked => Err(SettlementError::NoDelegates { action, consensus }),
        }
    }

    async fn read<C: SolCall>(&self, call: C) -> Result<C::Return, SettlementError> {
        // Nobody in particular asks.
        self.rpc
            .read("reading the validators", Address::ZERO, self.contract(), call)
            .await
    }
}
