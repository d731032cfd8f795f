//! Transactions that wait for a block.
//!
//! Each sender's transactions are kept by nonce; the *ready* ones (an unbroken run from the account's nonce,
//! able to pay the base fee) are offered best tip first, oldest first among equals. A nonce that is already
//! taken is replaced only by a bid at least [`REPLACEMENT_BUMP_PERCENT`] higher. A full pool makes room for a better bid
//! (`room`); a new head takes transactions out and gives others back (`settle`). Messages begin with the words that client
//! libraries look for ("nonce too low", "already known", ...).

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BinaryHeap},
    sync::Arc,
};

use alloy_consensus::Transaction as _;
use alloy_eips::Encodable2718;
use alloy_primitives::{Address, B256, U256, map::B256HashMap};

mod error;
mod room;
mod settle;

pub use error::PoolError;

use crate::{
    execute::Rules,
    state::State,
    transaction::{RecoveredTransaction, evm_transaction, intrinsic_gas},
};

/// How much more a replacement must bid, on both fee fields, in percent.
pub const REPLACEMENT_BUMP_PERCENT: u128 = 10;

/// The largest code that may create a contract, in bytes (EIP-3860).
const INIT_CODE_BYTES_MAX: usize = 49_152;

/// What a pool may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// Transactions of one sender, and how far ahead of the account its nonce may run.
    pub per_sender: usize,
    /// Transactions in total.
    pub transactions: usize,
    /// Encoded bytes in total.
    pub bytes: usize,
}

impl Default for PoolLimits {
    fn default() -> Self {
        Self {
            per_sender: 1_024,
            transactions: 16_384,
            bytes: 64 * 1024 * 1024,
        }
    }
}

/// A transaction in the pool.
#[derive(Clone, Debug)]
pub struct PooledTransaction {
    /// The transaction and its sender.
    pub transaction: RecoveredTransaction,
    /// Its hash.
    pub hash: B256,
    /// What it can cost at most: gas limit × fee cap + value, in wei.
    pub cost: U256,
    size: usize,
    arrival: u64,
}

impl PooledTransaction {
    /// Its EIP-2718 encoding, as wallets send it.
    pub fn encoded(&self) -> Vec<u8> {
        self.transaction.inner().encoded_2718()
    }
}

/// What one sender has waiting.
#[derive(Debug, Default)]
struct Queue {
    /// The account's next nonce when it was last looked at.
    next: u64,
    waiting: BTreeMap<u64, Arc<PooledTransaction>>,
}

/// The pool.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    limits: PoolLimits,
    senders: BTreeMap<Address, Queue>,
    by_hash: B256HashMap<Arc<PooledTransaction>>,
    bytes: usize,
    arrivals: u64,
    /// Of the next block, in wei per gas.
    base_fee: u64,
}

impl Pool {
    pub(crate) fn with_limits(limits: PoolLimits) -> Self {
        Self {
            limits,
            ..Self::default()
        }
    }

    /// Bids are compared by what they pay above this.
    pub(crate) fn set_base_fee(&mut self, base_fee: u64) {
        self.base_fee = base_fee;
    }

    fn waiting_of(&self, sender: &Address) -> Option<&BTreeMap<u64, Arc<PooledTransaction>>> {
        self.senders.get(sender).map(|queue| &queue.waiting)
    }

    /// Takes a transaction, judged by the state at the head.
    pub(crate) fn add(
        &mut self,
        transaction: RecoveredTransaction,
        state: &State,
        rules: Rules,
    ) -> Result<B256, PoolError> {
        let hash = *transaction.inner().tx_hash();
        if self.by_hash.contains_key(&hash) {
            return Err(PoolError::AlreadyKnown(hash));
        }
        check_alone(&transaction, rules)?;
        let candidate = self.pooled(transaction);
        self.check_sender(&candidate, state)?;
        self.check_share(&candidate)?;
        let next = state.nonce(candidate.transaction.signer());
        self.make_room(&candidate, next)?;
        self.put(candidate, next);
        Ok(hash)
    }

    /// Hashes of all that waits.
    #[cfg(test)]
    pub(crate) fn hashes(&self) -> std::collections::BTreeSet<B256> {
        let waiting = self.senders.values().flat_map(|queue| queue.waiting.values());
        let bytes: usize = waiting.clone().map(|waiting| waiting.size).sum();
        assert_eq!(bytes, self.bytes);
        let hashes: std::collections::BTreeSet<B256> = waiting.map(|waiting| waiting.hash).collect();
        assert_eq!(hashes, self.by_hash.keys().copied().collect());
        hashes
    }

    /// A transaction as the pool holds it, for blocks of a test's choice.
    #[cfg(test)]
    pub(crate) fn wrap(transaction: RecoveredTransaction) -> Arc<PooledTransaction> {
        Arc::new(Self::default().pooled(transaction))
    }

    fn pooled(&mut self, transaction: RecoveredTransaction) -> PooledTransaction {
        self.arrivals = self.arrivals.saturating_add(1);
        PooledTransaction {
            hash: *transaction.inner().tx_hash(),
            cost: cost(&transaction),
            size: transaction.encode_2718_len(),
            arrival: self.arrivals,
            transaction,
        }
    }

    fn check_sender(&self, candidate: &PooledTransaction, state: &State) -> Result<(), PoolError> {
        let sender = candidate.transaction.signer();
        let nonce = candidate.transaction.nonce();
        let account = state.account(sender);
        if account.is_some_and(|account| account.has_foreign_code()) {
            return Err(PoolError::SenderHasCode(sender));
        }
        let next = account.map_or(0, |account| account.nonce);
        if nonce < next {
            return Err(PoolError::NonceTooLow { next, got: nonce });
        }
        let ahead = self.limits.per_sender;
        if nonce - next >= ahead as u64 {
            return Err(PoolError::NonceTooHigh {
                next,
                got: nonce,
                ahead,
            });
        }
        let mut needed = candidate.cost;
        for (other_nonce, other) in self.waiting_of(&sender).into_iter().flatten() {
            if *other_nonce == nonce {
                check_replacement(other, candidate)?;
            } else {
                needed = needed.saturating_add(other.cost);
            }
        }
        let balance = account.map_or(U256::ZERO, |account| account.balance);
        if needed > balance {
            return Err(PoolError::InsufficientFunds { balance, needed });
        }
        Ok(())
    }

    fn check_share(&self, candidate: &PooledTransaction) -> Result<(), PoolError> {
        let sender = candidate.transaction.signer();
        let own = self.waiting_of(&sender);
        if own.is_some_and(|own| own.contains_key(&candidate.transaction.nonce())) {
            return Ok(());
        }
        let waiting = own.map_or(0, BTreeMap::len);
        if waiting >= self.limits.per_sender {
            return Err(PoolError::SenderFull { sender, waiting });
        }
        Ok(())
    }

    fn put(&mut self, candidate: PooledTransaction, next: u64) {
        let candidate = Arc::new(candidate);
        let sender = candidate.transaction.signer();
        self.bytes += candidate.size;
        self.by_hash.insert(candidate.hash, candidate.clone());
        let own = self.senders.entry(sender).or_default();
        own.next = next;
        if let Some(replaced) = own.waiting.insert(candidate.transaction.nonce(), candidate) {
            self.bytes -= replaced.size;
            self.by_hash.remove(&replaced.hash);
        }
    }

    /// The transaction with this hash, if it waits here.
    pub(crate) fn get(&self, hash: &B256) -> Option<&Arc<PooledTransaction>> {
        self.by_hash.get(hash)
    }

    /// All that waits, each sender's in nonce order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<PooledTransaction>> {
        self.senders.values().flat_map(|queue| queue.waiting.values())
    }

    /// How many transactions wait, ready or not.
    pub(crate) fn len(&self) -> usize {
        self.by_hash.len()
    }

    /// The nonce the sender should use next: after its unbroken run of waiting transactions.
    pub(crate) fn pending_nonce(&self, sender: Address, state: &State) -> u64 {
        let mut next = state.nonce(sender);
        if let Some(own) = self.waiting_of(&sender) {
            while own.contains_key(&next) {
                next = next.saturating_add(1);
            }
        }
        next
    }

    /// Whether any transaction could be executed at `base_fee` now.
    pub(crate) fn has_ready(&self, state: &State, base_fee: u64) -> bool {
        self.senders.iter().any(|(sender, own)| {
            own.waiting
                .get(&state.nonce(*sender))
                .is_some_and(|first| first.transaction.effective_tip_per_gas(base_fee).is_some())
        })
    }

    /// The ready transactions, best tip first, each sender's in nonce order.
    pub(crate) fn ready(&self, state: &State, base_fee: u64) -> Vec<Arc<PooledTransaction>> {
        let mut heads = BinaryHeap::new();
        let rank = |waiting: &Arc<PooledTransaction>| {
            waiting.transaction.effective_tip_per_gas(base_fee).map(|tip| {
                (
                    tip,
                    Reverse(waiting.arrival),
                    waiting.transaction.signer(),
                    waiting.transaction.nonce(),
                )
            })
        };
        for (sender, own) in &self.senders {
            heads.extend(own.waiting.get(&state.nonce(*sender)).and_then(rank));
        }
        let mut ready = Vec::new();
        while let Some((_, _, sender, nonce)) = heads.pop() {
            let Some(own) = self.waiting_of(&sender) else { continue };
            ready.extend(own.get(&nonce).cloned());
            heads.extend(nonce.checked_add(1).and_then(|next| own.get(&next)).and_then(rank));
        }
        ready
    }

    /// Drops one transaction.
    pub(crate) fn remove(&mut self, hash: &B256) {
        let Some(gone) = self.by_hash.remove(hash) else { return };
        self.bytes -= gone.size;
        let sender = gone.transaction.signer();
        if let Some(own) = self.senders.get_mut(&sender) {
            own.waiting.remove(&gone.transaction.nonce());
            if own.waiting.is_empty() {
                self.senders.remove(&sender);
            }
        }
    }
}

/// The checks that need no account.
fn check_alone(transaction: &RecoveredTransaction, rules: Rules) -> Result<(), PoolError> {
    let gas = transaction.gas_limit();
    let limit = rules
        .hardfork
        .transaction_gas_cap()
        .unwrap_or(u64::MAX)
        .min(rules.gas_limit);
    if gas > limit {
        return Err(PoolError::GasLimit { got: gas, limit });
    }
    let size = transaction.input().len();
    if transaction.is_create() && size > INIT_CODE_BYTES_MAX {
        return Err(PoolError::InitCode { got: size });
    }
    let (tip, fee_cap) = bid(transaction);
    if tip > fee_cap {
        return Err(PoolError::TipAboveCap { tip, fee_cap });
    }
    let request = evm_transaction(transaction.inner(), transaction.signer());
    let needed = intrinsic_gas(&request, rules.hardfork.spec());
    if gas < needed {
        return Err(PoolError::IntrinsicGas { got: gas, needed });
    }
    Ok(())
}

/// Tip and fee cap in wei per gas; the same number twice before EIP-1559.
fn bid(transaction: &RecoveredTransaction) -> (u128, u128) {
    (transaction.priority_fee_or_price(), transaction.max_fee_per_gas())
}

fn cost(transaction: &RecoveredTransaction) -> U256 {
    U256::from(transaction.gas_limit())
        .saturating_mul(U256::from(transaction.max_fee_per_gas()))
        .saturating_add(transaction.value())
}

fn check_replacement(old: &PooledTransaction, new: &PooledTransaction) -> Result<(), PoolError> {
    // Rounded up, so that a bid of a few wei must really rise.
    let raised = |fee: u128| fee.saturating_add(fee.saturating_mul(REPLACEMENT_BUMP_PERCENT).div_ceil(100));
    let (old_tip, old_cap) = bid(&old.transaction);
    let (tip, cap) = bid(&new.transaction);
    let (tip_needed, cap_needed) = (raised(old_tip), raised(old_cap));
    if tip < tip_needed || cap < cap_needed || cap == old_cap {
        return Err(PoolError::Underpriced {
            nonce: old.transaction.nonce(),
            fee_cap: cap_needed.max(old_cap.saturating_add(1)),
            tip: tip_needed,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests;
