//! Room for a better bid: a full pool lets the cheapest go.
//!
//! Only the last transaction of a sender may go, so that nobody is left with a gap. Those that cannot be executed yet go
//! first; among the others, and among these, those that pay the smallest tip at the present base fee. A newcomer that is
//! no better than the cheapest is refused instead: junk cannot push paying transactions out.

use std::{cmp::Reverse, collections::BinaryHeap};

use alloy_consensus::Transaction as _;
use alloy_primitives::Address;

use super::{Pool, PoolError, PooledTransaction, Queue};

/// Higher is better: whether nothing is missing before it, and the tip it pays, if it can pay the base fee.
type Rank = (bool, Option<u128>);

impl Pool {
    /// Lets cheaper transactions go until `candidate` fits; `next` is its sender's next nonce.
    pub(super) fn make_room(&mut self, candidate: &PooledTransaction, next: u64) -> Result<(), PoolError> {
        let sender = candidate.transaction.signer();
        let nonce = candidate.transaction.nonce();
        let own = self.waiting_of(&sender);
        let replaced = own.and_then(|own| own.get(&nonce)).map(|replaced| replaced.size);
        let mut transactions = self.by_hash.len() + 1 - usize::from(replaced.is_some());
        let mut bytes = self.bytes + candidate.size - replaced.unwrap_or(0);
        let fits = |transactions, bytes| transactions <= self.limits.transactions && bytes <= self.limits.bytes;
        if fits(transactions, bytes) {
            return Ok(());
        }
        let before = own.map_or(0, |own| own.range(..nonce).count());
        let rank = (nonce == next + before as u64, self.tip(candidate));
        let others = self.senders.iter().filter(|(other, _)| **other != sender);
        let mut last: BinaryHeap<_> = others
            .filter_map(|(other, queue)| self.last(*other, queue, 0))
            .collect();
        let mut victims = Vec::new();
        while !fits(transactions, bytes) {
            let Some((_, _, other, taken)) = last.pop().filter(|(Reverse(cheapest), ..)| *cheapest < rank) else {
                return Err(PoolError::Full {
                    transactions: self.by_hash.len(),
                    bytes: self.bytes,
                });
            };
            let Some(queue) = self.senders.get(&other) else {
                continue;
            };
            let Some(victim) = queue.waiting.values().rev().nth(taken) else {
                continue;
            };
            transactions -= 1;
            bytes -= victim.size;
            victims.push(victim.hash);
            last.extend(self.last(other, queue, taken + 1));
        }
        for victim in victims {
            self.remove(&victim);
        }
        Ok(())
    }

    /// A sender's last transaction once `taken` are gone: worst rank and latest arrival first in a heap.
    fn last(&self, sender: Address, queue: &Queue, taken: usize) -> Option<(Reverse<Rank>, u64, Address, usize)> {
        let waiting = queue.waiting.values().rev().nth(taken)?;
        let before = queue.waiting.len() - taken - 1;
        let ready = waiting.transaction.nonce() == queue.next.saturating_add(before as u64);
        Some((Reverse((ready, self.tip(waiting))), waiting.arrival, sender, taken))
    }

    fn tip(&self, waiting: &PooledTransaction) -> Option<u128> {
        waiting.transaction.effective_tip_per_gas(self.base_fee)
    }
}
