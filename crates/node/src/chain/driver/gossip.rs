//! Transactions on their way to and from peers, beside the loop: votes do not wait for them.
//!
//! What a wallet gives this node it tells to all its peers. What comes from a peer it only names: where all are joined to all,
//! each would get everything from everybody, and who lacks something can ask.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use alloy_primitives::{B256, keccak256};
use rayswarm_chain::{PooledTransaction, decode_transaction};
use rayswarm_model::{FailureKind, NodeId};
use rayswarm_network::{ChainAnswer, ChainLink, ChainQuestion, chain::HASHES_MAX};
use serde_bytes::ByteBuf;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, broadcast, mpsc},
    time::Instant,
};

use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::NOT_ASKED;
use crate::chain::{
    ledger::{Ledger, chained},
    parallel,
};

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

/// Words of peers that name transactions and wait to be looked at.
const ANNOUNCED_MAX: usize = 4_096;
/// Those of one peer: three times as many as it has to say while they wait. Whoever names what it has not keeps nobody else waiting.
const ANNOUNCED_BY_ONE: usize = 64;
/// How long to wait for transactions that a peer names: most are on their way here already.
const ASK_AFTER: Duration = Duration::from_millis(400);
/// How long to wait for a peer that was asked for some.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Questions that are asked at once.
const ASKED_MAX: usize = 64;
/// Those of one peer.
const ASKED_OF_ONE: usize = 8;
/// Hashes of transactions that came from peers lately.
const HEARD_MAX: usize = 65_536;

/// What peers are told of.
pub(super) enum Told {
    /// Transactions that wallets gave this node.
    Own(Vec<ByteBuf>),
    /// The hashes of those that came from peers: whoever told this node may have told all.
    Heard(Vec<B256>),
}

/// What the loop hands over and is handed.
pub(super) struct Exchange {
    /// What peers offer.
    offered: mpsc::Sender<(NodeId, Vec<ByteBuf>)>,
    /// What peers have and name.
    announced: mpsc::Sender<Announced>,
    /// How much of that each peer may still name.
    shares: HashMap<NodeId, Share>,
    /// What peers are to be told of.
    pub(super) told: mpsc::Receiver<Told>,
    /// Who offered what nobody honest would, and what was wrong with it.
    pub(super) liars: mpsc::Receiver<(NodeId, String)>,
}

/// How much of this node's attention is left for what one peer names.
#[derive(Clone)]
struct Share {
    named: Arc<Semaphore>,
    asked: Arc<Semaphore>,
}

impl Default for Share {
    fn default() -> Self {
        Self {
            named: Arc::new(Semaphore::new(ANNOUNCED_BY_ONE)),
            asked: Arc::new(Semaphore::new(ASKED_OF_ONE)),
        }
    }
}

impl Share {
    fn is_in_use(&self) -> bool {
        self.named.available_permits() < ANNOUNCED_BY_ONE || self.asked.available_permits() < ASKED_OF_ONE
    }
}

/// A peer named transactions.
struct Announced {
    by: ChainLink,
    hashes: Vec<B256>,
    at: Instant,
    share: Share,
    /// Its place among those that the peer named.
    place: OwnedSemaphorePermit,
}

impl Exchange {
    /// Begins to listen to the pool and to take in what is offered, until cancelled.
    pub(super) fn open(ledger: Arc<Ledger>, tasks: &TaskTracker, stop: &CancellationToken) -> Self {
        let (tell, told) = mpsc::channel(TOLD_MAX);
        let (offered, offers) = mpsc::channel(OFFERED_MAX);
        let (announced, announcements) = mpsc::channel(ANNOUNCED_MAX);
        let (accuse, liars) = mpsc::channel(OFFERED_MAX);
        let heard = Arc::<Heard>::default();
        let gossip = Gossip::new(&ledger, heard.clone());
        let asking = Asking {
            ledger: ledger.clone(),
            offered: offered.clone(),
            accuse: accuse.clone(),
            tasks: tasks.clone(),
        };
        tasks.spawn(stop.clone().run_until_cancelled_owned(gossip.tell(tell)));
        tasks.spawn(stop.clone().run_until_cancelled_owned(asking.run(announcements)));
        tasks.spawn(
            stop.clone()
                .run_until_cancelled_owned(take_all(ledger, heard, offers, accuse)),
        );
        Self {
            offered,
            announced,
            shares: HashMap::new(),
            told,
            liars,
        }
    }

    /// A peer offers transactions.
    pub(super) fn offer(&self, from: NodeId, transactions: Vec<ByteBuf>) {
        if self.offered.try_send((from, transactions)).is_err() {
            tracing::debug!(node = %from, "no room for a peer's transactions");
        }
    }

    /// A peer names transactions that it has.
    pub(super) fn announce(&mut self, by: ChainLink, hashes: Vec<B256>) {
        let node = by.node();
        self.shares.retain(|other, share| *other == node || share.is_in_use());
        let share = self.shares.entry(node).or_default().clone();
        let Ok(place) = share.named.clone().try_acquire_owned() else {
            return tracing::debug!(%node, "a peer names more than it is asked for");
        };
        let announced = Announced {
            by,
            hashes,
            at: Instant::now(),
            share,
            place,
        };
        if self.announced.try_send(announced).is_err() {
            tracing::debug!("no room for what a peer names");
        }
    }
}

/// The hashes of transactions that came from peers, the latest.
#[derive(Default)]
struct Heard(Mutex<(HashSet<B256>, VecDeque<B256>)>);

impl Heard {
    fn note(&self, hash: B256) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, order) = &mut *heard;
        if known.insert(hash) {
            order.push_back(hash);
        }
        if order.len() > HEARD_MAX
            && let Some(oldest) = order.pop_front()
        {
            known.remove(&oldest);
        }
    }

    fn has(&self, hash: &B256) -> bool {
        let heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        heard.0.contains(hash)
    }
}

/// Asks for what peers name and what has not come by itself.
#[derive(Clone)]
struct Asking {
    ledger: Arc<Ledger>,
    offered: mpsc::Sender<(NodeId, Vec<ByteBuf>)>,
    accuse: mpsc::Sender<(NodeId, String)>,
    tasks: TaskTracker,
}

impl Asking {
    /// Peers that answer late keep nobody else waiting.
    async fn run(self, mut announcements: mpsc::Receiver<Announced>) {
        let asked = Arc::new(Semaphore::new(ASKED_MAX));
        while let Some(announced) = announcements.recv().await {
            let Announced {
                by,
                mut hashes,
                at,
                share,
                place: named,
            } = announced;
            tokio::time::sleep_until(at + ASK_AFTER).await;
            hashes.retain(|hash| !self.ledger.knows(hash));
            drop(named);
            if hashes.is_empty() {
                continue;
            }
            let places = (asked.clone().try_acquire_owned(), share.asked.try_acquire_owned());
            let (Ok(place), Ok(of_it)) = places else {
                continue;
            };
            let asking = self.clone();
            self.tasks.spawn(async move {
                asking.ask(by, hashes).await;
                drop((place, of_it));
            });
        }
    }

    /// Only while the node stops is nobody there to take what comes.
    async fn ask(&self, peer: ChainLink, hashes: Vec<B256>) {
        let (node, question) = (peer.node(), ChainQuestion::Transactions(hashes));
        match tokio::time::timeout(ANSWER_MAX, peer.ask(&question)).await {
            Ok(Ok(ChainAnswer::Transactions(transactions))) => drop(self.offered.send((node, transactions)).await),
            Ok(Ok(_)) => drop(self.accuse.send((node, NOT_ASKED.into())).await),
            Ok(Err(error)) if error.kind() == FailureKind::Malicious => {
                drop(self.accuse.send((node, chained(&error))).await);
            }
            Ok(Err(error)) => tracing::debug!(%node, %error, "a peer does not give what it named"),
            Err(_) => tracing::debug!(%node, "a peer does not give in time what it named"),
        }
    }
}

async fn take_all(
    ledger: Arc<Ledger>,
    heard: Arc<Heard>,
    mut offers: mpsc::Receiver<(NodeId, Vec<ByteBuf>)>,
    accuse: mpsc::Sender<(NodeId, String)>,
) {
    while let Some((from, transactions)) = offers.recv().await {
        let (ledger, heard) = (ledger.clone(), heard.clone());
        let taken = tokio::task::spawn_blocking(move || take(&ledger, &heard, &transactions)).await;
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
    heard: Arc<Heard>,
    own: Vec<ByteBuf>,
    own_bytes: usize,
    others: Vec<B256>,
    due: Option<Instant>,
}

impl Gossip {
    fn new(ledger: &Ledger, heard: Arc<Heard>) -> Self {
        Self {
            arrivals: ledger.arrivals().subscribe(),
            heard,
            own: Vec::new(),
            own_bytes: 0,
            others: Vec::new(),
            due: None,
        }
    }

    async fn tell(mut self, tell: mpsc::Sender<Told>) {
        loop {
            if tell.send(self.next().await).await.is_err() {
                return;
            }
        }
    }

    async fn next(&mut self) -> Told {
        loop {
            let is_due = self.due.is_some_and(|due| due <= Instant::now());
            if self.own.len() >= BATCH_MAX || self.own_bytes >= BATCH_BYTES_MAX || is_due && !self.own.is_empty() {
                self.own_bytes = 0;
                return Told::Own(std::mem::take(&mut self.own));
            }
            if self.others.len() >= HASHES_MAX || is_due && !self.others.is_empty() {
                return Told::Heard(std::mem::take(&mut self.others));
            }
            self.due.take_if(|_| is_due);
            let arrival = match self.due {
                None => self.arrivals.recv().await,
                Some(due) => match tokio::time::timeout_at(due, self.arrivals.recv()).await {
                    Ok(arrival) => arrival,
                    Err(_) => continue,
                },
            };
            match arrival {
                Ok(transaction) => {
                    if self.heard.has(&transaction.hash) {
                        self.others.push(transaction.hash);
                    } else {
                        let encoded = transaction.encoded();
                        self.own_bytes += encoded.len();
                        self.own.push(encoded.into());
                    }
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
fn take(ledger: &Ledger, heard: &Heard, transactions: &[ByteBuf]) -> Result<(), String> {
    let chain_id = ledger.chain_id();
    let unknown: Vec<&ByteBuf> = transactions
        .iter()
        .filter(|raw| !ledger.knows(&keccak256(raw)))
        .collect();
    for recovered in parallel::map(&unknown, |raw| decode_transaction(raw, chain_id)) {
        let transaction = recovered.map_err(|error| format!("a transaction: {error}"))?;
        // Before the pool tells of it.
        heard.note(*transaction.tx_hash());
        // An honest peer's pool may have room, a nonce or a balance that ours has not.
        if let Err(reason) = ledger.submit(transaction) {
            tracing::trace!(%reason, "a peer's transaction was not taken");
        }
    }
    Ok(())
}
