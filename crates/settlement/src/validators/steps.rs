//! What one account does: stakes and takes out, votes and takes back, claims.

use super::{SetKind, ValidatorsView, coins};
use crate::{
    bindings::{delegated::DelegatedValidators, staked::StakedValidators},
    error::SettlementError,
    outbox::{MemoryOutbox, Outbox},
    sender::{Call, Mined, SLOT_GAS, Sender},
};
use alloy::{
    primitives::{Address, TxKind, U256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolEvent},
};
use rayswarm_model::{Amount, signed::AccountKey};
use serde::Serialize;
use std::sync::Arc;

/// An epoch may begin between the estimate and the block: the account's stake, its last exit, its rewards, and the delegate's
/// votes then fill new slots.
const EPOCH_GAS: u64 = 6 * SLOT_GAS;

/// The contract that keeps a chain's validators, as one account uses it. Clones share the account's queue of transactions.
#[derive(Clone, Debug)]
pub struct Validators {
    view: ValidatorsView,
    sender: Sender,
}

/// Coins that came out of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PaidOut {
    /// How many.
    pub amount: Amount,
    /// The transaction.
    pub mined: Mined,
}

impl Validators {
    /// Finds the contract on the chain that the server at `rpc_url` serves, for `key`'s account. What is sent is forgotten
    /// with the process.
    ///
    /// # Errors
    /// As [`ValidatorsView::find`].
    pub async fn connect(rpc_url: &str, key: AccountKey) -> Result<Self, SettlementError> {
        Self::connect_with(rpc_url, key, Arc::new(MemoryOutbox::default())).await
    }

    /// The same with a place where transactions are written down before they are sent.
    ///
    /// # Errors
    /// As [`ValidatorsView::find`].
    pub async fn connect_with(
        rpc_url: &str,
        key: AccountKey,
        outbox: Arc<dyn Outbox>,
    ) -> Result<Self, SettlementError> {
        let view = ValidatorsView::find(rpc_url).await?;
        let sender = Sender::new(view.rpc().clone(), view.chain_id(), key, outbox);
        Ok(Self { view, sender })
    }

    /// What the contract shows to everybody.
    pub const fn view(&self) -> &ValidatorsView {
        &self.view
    }

    /// The account.
    pub fn account(&self) -> Address {
        self.sender.account()
    }

    /// Puts more coins at stake. By dpos the account must have registered.
    ///
    /// # Errors
    /// Whatever the contract refuses.
    pub async fn stake(&self, amount: Amount) -> Result<Mined, SettlementError> {
        const ACTION: &str = "staking";
        let is_first =
            self.view.kind() == SetKind::Staked && self.view.standing(self.account()).await?.stake == Amount::ZERO;
        if is_first {
            self.pay(ACTION, amount, StakedValidators::stakeCall {}).await
        } else {
            self.pay(ACTION, amount, StakedValidators::addStakeCall {}).await
        }
    }

    /// Starts the way out of the stake for some of it. What stays is nothing or at least the minimum.
    ///
    /// # Errors
    /// Whatever the contract refuses.
    pub async fn unstake(&self, amount: Amount) -> Result<Mined, SettlementError> {
        let amount = U256::from(amount.0);
        self.call("taking stake out", StakedValidators::unstakeCall { amount })
            .await
    }

    /// Fetches all that is due of what was taken out.
    ///
    /// # Errors
    /// Whatever the contract refuses, as when nothing is due.
    pub async fn withdraw(&self) -> Result<PaidOut, SettlementError> {
        let receipt = self
            .send("withdrawing", Amount::ZERO, StakedValidators::withdrawCall {})
            .await?;
        self.paid_out(&receipt, |event: StakedValidators::Withdrawn| event.amount)
    }

    /// Fetches the rewards.
    ///
    /// # Errors
    /// Whatever the contract refuses, as when there are none.
    pub async fn claim_rewards(&self) -> Result<PaidOut, SettlementError> {
        let call = StakedValidators::claimRewardsCall {};
        let receipt = self.send("claiming rewards", Amount::ZERO, call).await?;
        self.paid_out(&receipt, |event: StakedValidators::RewardsClaimed| event.amount)
    }

    /// Stands for the next set again after a jail for absence.
    ///
    /// # Errors
    /// Whatever the contract refuses; transient while the jail lasts.
    pub async fn unjail(&self) -> Result<Mined, SettlementError> {
        self.call("leaving the jail", StakedValidators::unjailCall {}).await
    }

    /// Becomes a delegate with a stake; `commission_bps` ten-thousandths of its voters' rewards are its own.
    ///
    /// # Errors
    /// [`SettlementError::NoDelegates`]; whatever the contract refuses.
    pub async fn register(&self, commission_bps: u16, stake: Amount) -> Result<Mined, SettlementError> {
        const ACTION: &str = "registering as a delegate";
        self.view.expect_delegates(ACTION)?;
        let call = DelegatedValidators::registerCall {
            commissionBps: commission_bps,
        };
        self.pay(ACTION, stake, call).await
    }

    /// Changes what a delegate keeps of its voters' rewards: less at once, more from the epoch after the next.
    ///
    /// # Errors
    /// [`SettlementError::NoDelegates`]; whatever the contract refuses.
    pub async fn set_commission(&self, commission_bps: u16) -> Result<Mined, SettlementError> {
        let call = DelegatedValidators::setCommissionCall {
            commissionBps: commission_bps,
        };
        self.call_delegated("changing the commission", call).await
    }

    /// Locks coins to vote with.
    ///
    /// # Errors
    /// [`SettlementError::NoDelegates`]; whatever the contract refuses.
    pub async fn lock(&self, amount: Amount) -> Result<Mined, SettlementError> {
        const ACTION: &str = "locking coins";
        self.view.expect_delegates(ACTION)?;
        self.pay(ACTION, amount, DelegatedValidators::lockCall {}).await
    }

    /// Starts the way out for locked coins that vote for nobody.
    ///
    /// # Errors
    /// [`SettlementError::NoDelegates`]; whatever the contract refuses.
    pub async fn unlock(&self, amount: Amount) -> Result<Mined, SettlementError> {
        let amount = U256::from(amount.0);
        self.call_delegated("unlocking coins", DelegatedValidators::unlockCall { amount })
            .await
    }

    /// Gives votes to a delegate, of locked coins that vote for nobody.
    ///
    /// # Errors
    /// [`SettlementError::NoDelegates`]; whatever the contract refuses.
    pub async fn vote(&self, delegate: Address, amount: Amount) -> Result<Mined, SettlementError> {
        let amount = U256::from(amount.0);
        self.call_delegated("voting", DelegatedValidators::voteCall { delegate, amount })
            .await
    }

    /// Takes votes back. They earn nothing from now on.
    ///
    /// # Errors
    /// [`SettlementError::NoDelegates`]; whatever the contract refuses.
    pub async fn unvote(&self, delegate: Address, amount: Amount) -> Result<Mined, SettlementError> {
        let amount = U256::from(amount.0);
        self.call_delegated(
            "taking votes back",
            DelegatedValidators::unvoteCall { delegate, amount },
        )
        .await
    }

    async fn call_delegated(&self, action: &'static str, call: impl SolCall) -> Result<Mined, SettlementError> {
        self.view.expect_delegates(action)?;
        self.call(action, call).await
    }

    async fn call(&self, action: &'static str, call: impl SolCall) -> Result<Mined, SettlementError> {
        self.pay(action, Amount::ZERO, call).await
    }

    async fn pay(&self, action: &'static str, coins: Amount, call: impl SolCall) -> Result<Mined, SettlementError> {
        Ok(Mined::from(&self.send(action, coins, call).await?))
    }

    async fn send(
        &self,
        action: &'static str,
        coins: Amount,
        call: impl SolCall,
    ) -> Result<TransactionReceipt, SettlementError> {
        let call = Call {
            to: TxKind::Call(self.view.contract()),
            value: U256::from(coins.0),
            input: call.abi_encode().into(),
        };
        self.sender.turn().await.make(action, call, EPOCH_GAS).await
    }

    /// What an event of the transaction says that the account was paid.
    fn paid_out<E: SolEvent>(
        &self,
        receipt: &TransactionReceipt,
        amount: impl Fn(E) -> U256,
    ) -> Result<PaidOut, SettlementError> {
        let contract = self.view.contract();
        let logs = receipt.logs().iter().filter(|log| log.address() == contract);
        let paid = logs.filter_map(|log| E::decode_log(&log.inner).ok()).next();
        let paid = paid.ok_or(SettlementError::Nonsense {
            method: E::SIGNATURE,
            reason: "the transaction does not show it".into(),
        })?;
        Ok(PaidOut {
            amount: coins(amount(paid.data))?,
            mined: Mined::from(receipt),
        })
    }
}
