//! What a new head does to the pool: used nonces leave, transactions of blocks that lost come back.

use std::collections::{BTreeMap, BTreeSet};

use alloy_consensus::Transaction as _;
use alloy_primitives::{Address, B256, U256};

use super::Pool;
use crate::{state::State, transaction::RecoveredTransaction};

impl Pool {
    /// Judges all that the `touched` accounts have waiting by the state at the new head, together with what `returned` from
    /// blocks that are no longer on the best branch. Each sender's transactions are looked at in the order of their nonces; those
    /// that the balance does not cover are dropped, while later ones that it covers wait behind the gap.
    pub(crate) fn settle(&mut self, touched: &BTreeSet<Address>, returned: Vec<RecoveredTransaction>, state: &State) {
        let mut by_sender: BTreeMap<Address, Vec<RecoveredTransaction>> = BTreeMap::new();
        for transaction in returned {
            by_sender.entry(transaction.signer()).or_default().push(transaction);
        }
        for sender in touched {
            let mut back = by_sender.remove(sender).unwrap_or_default();
            if back.is_empty() && !self.senders.contains_key(sender) {
                continue;
            }
            let next = state.nonce(*sender);
            if let Some(queue) = self.senders.get_mut(sender) {
                queue.next = next;
            }
            back.sort_by_key(|transaction| transaction.nonce());
            for transaction in back {
                self.take_back(transaction, next);
            }
            for hash in self.unfit(sender, state) {
                self.remove(&hash);
            }
        }
    }

    fn take_back(&mut self, transaction: RecoveredTransaction, next: u64) {
        let (sender, nonce) = (transaction.signer(), transaction.nonce());
        let taken = self.waiting_of(&sender).is_some_and(|own| own.contains_key(&nonce));
        // What waits already was sent later, and is what the sender wants now.
        if nonce < next || taken {
            return;
        }
        let candidate = self.pooled(transaction);
        if self.make_room(&candidate, next).is_ok() {
            self.put(candidate, next);
        }
    }

    /// What a sender has waiting that was used, is too far ahead, or not covered.
    fn unfit(&self, sender: &Address, state: &State) -> Vec<B256> {
        let Some(queue) = self.senders.get(sender) else {
            return Vec::new();
        };
        let balance = state.balance(*sender);
        let mut needed = U256::ZERO;
        let mut unfit = Vec::new();
        for (nonce, waiting) in &queue.waiting {
            let near = nonce
                .checked_sub(queue.next)
                .is_some_and(|ahead| ahead < self.limits.per_sender as u64);
            let with_it = needed.saturating_add(waiting.cost);
            if near && with_it <= balance {
                needed = with_it;
            } else {
                unfit.push(waiting.hash);
            }
        }
        unfit
    }
}
