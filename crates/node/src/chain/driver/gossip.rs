//! Transactions on their way to and from peers, beside the loop: votes do not wait for them.

use std::{sync::Arc, time::Duration};

use alloy_primitives::B256;
use rayswarm_chain::{PooledTransaction, decode_transaction};
use rayswarm_model::NodeId;
use tokio::{
    sync::{broadcast, mpsc},
    time::Instant,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::chain::{ledger::Ledger, parallel};

/// How long a first transaction waits for company.
const COALESCE: Duration = Duration::from_millis(20);
/// The most that are told of at once.
const BATCH_MAX: usize = 1_024;
/// Their bytes in all.
const BATCH_BYTES_MAX: usize = 1 << 20;

/// Batches that wait to be told of.
const TOLD_MAX: usize = 16;
/// Words of peers that wait to be taken in; what comes while there is no room is lost, as any word may be.
const OFFERED_MAX: usize = 64;

/// What the loop hands over and is handed.
pub(super) struct Exchange {
    /// What peers offer.
    offered: mpsc::Sender<(NodeId, Vec<Vec<u8>>)>,
    /// What peers are to be told of.
    pub(super) told: mpsc::Receiver<Vec<Vec<u8>>>,
    /// Who offered what nobody honest would, and what was wrong with it.
    pub(super) liars: mpsc::Receiver<(NodeId, String)>,
}

impl Exchange {
    /// Begins to listen to the pool and to take in what is offered, until cancelled.
    pub(super) fn open(ledger: Arc<Ledger>, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let (tell, told) = mpsc::channel(TOLD_MAX);
        let (offered, offers) = mpsc::channel(OFFERED_MAX);
        let (accuse, liars) = mpsc::channel(OFFERED_MAX);
        let gossip = Gossip::new(&ledger);
        tasks.spawn(stop.clone().run_until_cancelled_owned(gossip.tell(tell)));
        tasks.spawn(stop.clone().run_until_cancelled_owned(take_all(ledger, offers, accuse)));
        Self { offered, told, liars }
    }

    /// A peer offers transactions.
    pub(super) fn offer(&self, from: NodeId, transactions: Vec<Vec<u8>>) {
        if self.offered.try_send((from, transactions)).is_err() {
            tracing::debug!(node = %from, "no room for a peer's transactions");
        }
    }
}

async fn take_all(
    ledger: Arc<Ledger>,
    mut offers: mpsc::Receiver<(NodeId, Vec<Vec<u8>>)>,
    accuse: mpsc::Sender<(NodeId, String)>,
) {
    while let Some((from, transactions)) = offers.recv().await {
        let ledger = ledger.clone();
        let taken = tokio::task::spawn_blocking(move || take(&ledger, &transactions)).await;
        let lie = match taken {
            Ok(Ok(())) => continue,
            Ok(Err(lie)) => lie,
            Err(error) => {
                tracing::error!(%error, "a peer's transactions were not taken in");
                continue;
            }
        };
        if accuse.send((from, lie)).await.is_err() {
            return;
        }
    }
}

/// What is told of to peers: every transaction that the pool takes, once.
struct Gossip {
    arrivals: broadcast::Receiver<Arc<PooledTransaction>>,
    batch: Vec<Vec<u8>>,
    bytes: usize,
    due: Option<Instant>,
}

impl Gossip {
    fn new(ledger: &Ledger) -> Self {
        Self {
            arrivals: ledger.arrivals().subscribe(),
            batch: Vec::new(),
            bytes: 0,
            due: None,
        }
    }

    async fn tell(mut self, tell: mpsc::Sender<Vec<Vec<u8>>>) {
        loop {
            if tell.send(self.next().await).await.is_err() {
                return;
            }
        }
    }

    async fn next(&mut self) -> Vec<Vec<u8>> {
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
fn take(ledger: &Ledger, transactions: &[Vec<u8>]) -> Result<(), String> {
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
