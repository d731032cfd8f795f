//! Letting a contract take tokens.

use crate::{
    bindings::token::DevToken,
    error::SettlementError,
    sender::{Mined, Turn},
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, TxKind, U256},
    sol_types::SolCall,
};
use rayswarm_model::Amount;

/// What a contract may take, and why.
pub(crate) struct Allowance {
    pub(crate) token: Address,
    pub(crate) spender: Address,
    pub(crate) needed: Amount,
    /// What the approval is called.
    pub(crate) action: &'static str,
    /// What needs the tokens.
    pub(crate) purpose: &'static str,
}

impl Settlement {
    /// Lets `spender` take what is needed, and no more: an allowance outlives its reason. `None` when it may already.
    pub(crate) async fn allow(&self, turn: &Turn<'_>, allowance: &Allowance) -> Result<Option<Mined>, SettlementError> {
        let Allowance {
            token, spender, needed, ..
        } = *allowance;
        let account = self.account();
        let balance = self.balance_of(token, account).await?;
        if balance < needed {
            return Err(SettlementError::NotEnoughTokens {
                account,
                token,
                purpose: allowance.purpose,
                needed,
                balance,
            });
        }
        if self.allowance_of(token, spender).await? >= U256::from(needed.0) {
            return Ok(None);
        }
        let call = DevToken::approveCall {
            spender,
            value: U256::from(needed.0),
        };
        let receipt = turn
            .send(allowance.action, TxKind::Call(token), call.abi_encode())
            .await?;
        Ok(Some(Mined::from(&receipt)))
    }

    /// What `spender` may take of this account's tokens.
    pub(crate) async fn allowance_of(&self, token: Address, spender: Address) -> Result<U256, SettlementError> {
        let ask = DevToken::allowanceCall {
            owner: self.account(),
            spender,
        };
        self.rpc.read("reading the allowance", self.account(), token, ask).await
    }
}
