//! Transactions as they come in: a lone one is in a block a few milliseconds later, so whoever wants to hear of it
//! before has to be told, and cannot find it by looking into the pool.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use alloy_primitives::B256;
use rayswarm_chain::PooledTransaction;
use tokio::sync::broadcast;

/// Hashes kept for filters that are asked now and then: half a megabyte. An asker that is late misses the oldest.
const HASHES_KEPT: usize = 16_384;

/// How many transactions a slow subscriber may lag before it misses some.
const SUBSCRIBER_LAG: usize = 1_024;

/// The latest transactions that were taken into the pool, in their order.
pub(crate) struct Arrivals {
    recent: Mutex<Recent>,
    live: broadcast::Sender<Arc<PooledTransaction>>,
}

#[derive(Default)]
struct Recent {
    /// How many came before the first one kept.
    forgotten: u64,
    hashes: VecDeque<B256>,
}

impl Default for Arrivals {
    fn default() -> Self {
        Self {
            recent: Mutex::default(),
            live: broadcast::channel(SUBSCRIBER_LAG).0,
        }
    }
}

impl Arrivals {
    fn recent(&self) -> MutexGuard<'_, Recent> {
        self.recent.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of a transaction.
    pub(crate) fn note(&self, transaction: Arc<PooledTransaction>) {
        let mut recent = self.recent();
        if recent.hashes.len() == HASHES_KEPT {
            recent.hashes.pop_front();
            recent.forgotten += 1;
        }
        recent.hashes.push_back(transaction.hash);
        drop(recent);
        // Nobody listening is no error.
        let _ = self.live.send(transaction);
    }

    /// How many there were so far, which is the number of the next one.
    pub(crate) fn count(&self) -> u64 {
        let recent = self.recent();
        recent.forgotten + recent.hashes.len() as u64
    }

    /// The hashes from number `first` on, as far as they are kept.
    pub(crate) fn since(&self, first: u64) -> Vec<B256> {
        let recent = self.recent();
        let skipped = usize::try_from(first.saturating_sub(recent.forgotten)).unwrap_or(usize::MAX);
        recent.hashes.iter().skip(skipped).copied().collect()
    }

    /// Every transaction from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Arc<PooledTransaction>> {
        self.live.subscribe()
    }
}
