//! Transactions on their way to and from peers.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use rayswarm_chain::{PooledTransaction, decode_transaction};
use tokio::{sync::broadcast, time::Instant};

use crate::chain::{ledger::Ledger, parallel};

/// How long a first transaction waits for company.
const COALESCE: Duration = Duration::from_millis(20);
/// The most that are told of at once.
const BATCH_MAX: usize = 1_024;
/// Their bytes in all.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// What is told of to peers: every transaction that the pool takes, once.
pub(super) struct Gossip {
    arrivals: broadcast::Receiver<Arc<PooledTransaction>>,
    batch: Vec<Vec<u8>>,
    bytes: usize,
    due: Option<Instant>,
}

impl Gossip {
    pub(super) fn new(ledger: &Ledger) -> Self {
        Self {
            arrivals: ledger.arrivals().subscribe(),
            batch: Vec::new(),
            bytes: 0,
            due: None,
        }
    }

    /// The next batch. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Vec<Vec<u8>> {
        loop {
            let full = self.batch.len() >= BATCH_MAX || self.bytes >= BATCH_BYTES_MAX;
            if full || self.due.is_some_and(|due| due <= Instant::now()) {
                self.bytes = 0;
                self.due = None;
                return std::mem::take(&mut self.batch);
            }
            let arrival = match self.due {
                None => self.arrivals.recv().await,
                Some(due) => match tokio::time::timeout_at(due, self.arrivals.recv()).await {
                    Ok(arrival) => arrival,
                    Err(_) => continue,
                },
            };
            match arrival {
                Ok(transaction) => {
                    let encoded = transaction.encoded();
                    self.bytes += encoded.len();
                    self.batch.push(encoded);
                    self.due.get_or_insert_with(|| Instant::now() + COALESCE);
                }
                // They stay in the pool, and are told to whoever joins.
                Err(broadcast::error::RecvError::Lagged(_)) => {}
                Err(broadcast::error::RecvError::Closed) => std::future::pending().await,
            }
        }
    }
}

/// Takes a peer's transactions into the pool.
///
/// # Errors
/// What an honest peer would not have sent.
pub(super) fn take(ledger: &Ledger, transactions: &[Vec<u8>]) -> Result<(), String> {
    let chain_id = ledger.chain_id();
    let unknown: Vec<&Vec<u8>> = transactions.iter().filter(|raw| !ledger.knows(&hash_of(raw))).collect();
    for recovered in parallel::map(&unknown, |raw| decode_transaction(raw, chain_id)) {
        let transaction = recovered.map_err(|error| format!("a transaction: {error}"))?;
        // An honest peer's pool may have room, a nonce or a balance that ours has not.
        if let Err(reason) = ledger.submit(transaction) {
            tracing::trace!(%reason, "a peer's transaction was not taken");
        }
    }
    Ok(())
}

fn hash_of(raw: &[u8]) -> B256 {
    alloy_primitives::keccak256(raw)
}
