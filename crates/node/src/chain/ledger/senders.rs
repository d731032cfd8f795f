//! Senders of transactions, recovered on as many threads as there are processors: most of what a block costs.

use std::thread;

use alloy_primitives::Address;
use rayswarm_chain::{block::Block, recover_sender};

/// Fewer are recovered faster on one thread.
const PARALLEL_MIN: usize = 8;

/// The sender of each transaction. `None` where one has none: whoever executes the block then finds which.
pub(super) fn recover_all(block: &Block) -> Option<Vec<Address>> {
    let transactions = &block.body.transactions;
    if transactions.len() < PARALLEL_MIN {
        return None;
    }
    let threads = thread::available_parallelism().map_or(1, |threads| threads.get());
    let part = transactions.len().div_ceil(threads);
    thread::scope(|scope| {
        let parts: Vec<_> = transactions
            .chunks(part)
            .map(|part| {
                scope.spawn(|| {
                    part.iter()
                        .map(|transaction| recover_sender(transaction).ok())
                        .collect::<Option<Vec<_>>>()
                })
            })
            .collect();
        let mut senders = Vec::with_capacity(transactions.len());
        for part in parts {
            senders.extend(part.join().ok().flatten()?);
        }
        Some(senders)
    })
}
