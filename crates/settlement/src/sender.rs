//! One account's transactions, one after the other: sign, send, wait until mined, explain a failure.

use crate::{error::SettlementError, rpc::Rpc};
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    primitives::{Address, B256, Bytes, TxKind},
    rpc::types::{TransactionInput, TransactionReceipt, TransactionRequest},
};
use rayswarm_model::signed::AccountKey;
use serde::{Deserialize, Serialize};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{Mutex, MutexGuard};

/// Our own chain seals a block as soon as a transaction comes, so the first looks are quick ones.
const POLL_QUICK: Duration = Duration::from_millis(50);
/// Other chains take seconds per block; asking more often only loads the server.
const POLL_SLOW: Duration = Duration::from_secs(1);
/// When to change from quick looks to slow ones.
const QUICK_FOR: Duration = Duration::from_secs(5);
/// Ten blocks of the slowest chain in use. Giving up is harmless: the next call finds the transaction's effect.
const MINED_WITHIN: Duration = Duration::from_secs(120);
/// Another process with the same key may take a nonce between our look and our sending.
const NONCE_TRIES: usize = 5;
/// Osaka's limit for one transaction (EIP-7825).
const TX_GAS_MAX: u64 = 1 << 24;

/// A transaction that is part of the chain and succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mined {
    /// Transaction hash.
    pub tx: B256,
    /// Height of its block.
    pub block: u64,
    /// Gas it used.
    pub gas_used: u64,
}

/// Holds an account's key and the queue of its transactions.
#[derive(Clone, Debug)]
pub(crate) struct Sender {
    rpc: Rpc,
    chain_id: u64,
    key: AccountKey,
    turn: Arc<Mutex<()>>,
}

/// The right to send for the account. Whoever holds it can look at the chain and act on what it saw.
pub(crate) struct Turn<'a> {
    sender: &'a Sender,
    _guard: MutexGuard<'a, ()>,
}

impl Sender {
    pub(crate) fn new(rpc: Rpc, chain_id: u64, key: AccountKey) -> Self {
        Self {
            rpc,
            chain_id,
            key,
            turn: Arc::default(),
        }
    }

    pub(crate) fn account(&self) -> Address {
        self.key.address()
    }

    pub(crate) async fn turn(&self) -> Turn<'_> {
        Turn {
            sender: self,
            _guard: self.turn.lock().await,
        }
    }
}

impl Turn<'_> {
    /// Sends a call or a creation and waits until it is mined.
    pub(crate) async fn send(
        &self,
        action: &'static str,
        to: TxKind,
        input: Vec<u8>,
    ) -> Result<TransactionReceipt, SettlementError> {
        let request = TransactionRequest {
            from: Some(self.sender.account()),
            to: Some(to),
            input: TransactionInput::new(Bytes::from(input.clone())),
            ..Default::default()
        };
        let estimate = match self.sender.rpc.estimate_gas(action, request.clone()).await {
            Err(error) => return Err(self.sender.explain(error).await),
            Ok(estimate) => estimate,
        };
        let tx = self.submit(to, input.into(), gas_limit(estimate)).await?;
        let receipt = self.wait(action, tx).await?;
        if receipt.status() {
            tracing::debug!(action, %tx, gas = receipt.gas_used, "mined");
            return Ok(receipt);
        }
        Err(self.sender.why_failed(action, request, &receipt).await)
    }

    async fn submit(&self, to: TxKind, input: Bytes, gas_limit: u64) -> Result<B256, SettlementError> {
        let sender = self.sender;
        let mut tries = 0;
        loop {
            tries += 1;
            let tx = sender.signed(to, input.clone(), gas_limit).await?;
            let hash = *tx.tx_hash();
            match sender.rpc.send(&tx).await {
                Ok(()) => return Ok(hash),
                Err(error) if already_known(&error) => return Ok(hash),
                Err(error) if nonce_taken(&error) && tries < NONCE_TRIES => {
                    tokio::time::sleep(POLL_QUICK).await;
                }
                Err(error) => return Err(sender.explain(error).await),
            }
        }
    }

    async fn wait(&self, action: &'static str, tx: B256) -> Result<TransactionReceipt, SettlementError> {
        let started = Instant::now();
        loop {
            match self.sender.rpc.receipt(tx).await {
                Ok(Some(receipt)) => return Ok(receipt),
                Ok(None) | Err(SettlementError::Unreachable { .. }) if started.elapsed() < MINED_WITHIN => {}
                Ok(None) => {
                    return Err(SettlementError::NotMined {
                        action,
                        tx,
                        waited: MINED_WITHIN,
                    });
                }
                Err(error) => return Err(error),
            }
            let pause = if started.elapsed() < QUICK_FOR {
                POLL_QUICK
            } else {
                POLL_SLOW
            };
            tokio::time::sleep(pause).await;
        }
    }
}

impl Sender {
    async fn signed(&self, to: TxKind, input: Bytes, gas_limit: u64) -> Result<TxEnvelope, SettlementError> {
        let nonce = self.rpc.next_nonce(self.account()).await?;
        let fees = self.rpc.fees().await?;
        let tx = TxEip1559 {
            chain_id: self.chain_id,
            nonce,
            gas_limit,
            max_fee_per_gas: fees.max_fee_per_gas,
            max_priority_fee_per_gas: fees.max_priority_fee_per_gas,
            to,
            input,
            ..Default::default()
        };
        let signature = self.key.sign_digest(&tx.signature_hash());
        Ok(tx.into_signed(signature).into())
    }

    /// A server's "insufficient funds" as our own error, with the balance.
    async fn explain(&self, error: SettlementError) -> SettlementError {
        let account = self.account();
        match &error {
            SettlementError::Refused { message, .. } if message.to_lowercase().contains("insufficient funds") => {
                match self.rpc.native_balance(account).await {
                    Ok(balance) => SettlementError::NoGas {
                        account,
                        balance_wei: balance.saturating_to(),
                    },
                    Err(_) => error,
                }
            }
            _ => error,
        }
    }

    async fn why_failed(
        &self,
        action: &'static str,
        request: TransactionRequest,
        receipt: &TransactionReceipt,
    ) -> SettlementError {
        let tx = receipt.transaction_hash;
        let Some(block) = receipt.block_number else {
            return SettlementError::Failed { action, tx };
        };
        match self.rpc.replay(action, request, block).await {
            Err(error @ SettlementError::Reverted { .. }) => error,
            _ => SettlementError::Failed { action, tx },
        }
    }
}

impl From<&TransactionReceipt> for Mined {
    fn from(receipt: &TransactionReceipt) -> Self {
        Self {
            tx: receipt.transaction_hash,
            block: receipt.block_number.unwrap_or_default(),
            gas_used: receipt.gas_used,
        }
    }
}

/// A fifth more than estimated, since the state may change until the transaction is mined.
fn gas_limit(estimate: u64) -> u64 {
    estimate.saturating_add(estimate / 5).min(TX_GAS_MAX.max(estimate))
}

fn already_known(error: &SettlementError) -> bool {
    refused_with(error, &["already known", "already imported"])
}

fn nonce_taken(error: &SettlementError) -> bool {
    refused_with(error, &["nonce too low", "replacement transaction underpriced"])
}

fn refused_with(error: &SettlementError, words: &[&str]) -> bool {
    let SettlementError::Refused { message, .. } = error else {
        return false;
    };
    let message = message.to_lowercase();
    words.iter().any(|word| message.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gas_limits_leave_room_but_stay_within_one_transaction() {
        assert_eq!(gas_limit(100_000), 120_000);
        assert_eq!(gas_limit(16_000_000), TX_GAS_MAX);
        assert_eq!(gas_limit(20_000_000), 20_000_000);
    }
}
