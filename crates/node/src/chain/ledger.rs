//! The chain as the sealer and the JSON-RPC server share it.
//!
//! Locks are held for moments: executing, sealing and writing to disk happen on copies outside of them, so a
//! question never waits for a block.

mod answers;
mod blocks;

use std::{
    error::Error,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{Address, B256, Bytes, keccak256};
use rayswarm_chain::{
    BlockAttributes, BlockError, Chain, PoolError, RecoveredTransaction, SealedBlock, Storage, TransactionError,
    decode_transaction,
};
use rayswarm_consensus::{Header, ValidatorSet};
use tokio::sync::{Notify, broadcast};

pub(crate) use self::blocks::{FinalizeError, ImportError, Template, hash_of, header_of, read_block, read_header};
use super::{
    Checkpoint, NotTheCheckpoint,
    arrivals::Arrivals,
    snapshots::{Reader, Snapshots},
    storage::{BlockLog, StorageError},
};

/// How many blocks a slow subscriber may lag before it misses some.
const SUBSCRIBER_LAG_BLOCKS: usize = 256;

/// What our sealed blocks carry as extra data.
const EXTRA_DATA: &[u8] = b"rayswarm solo";

/// Why a transaction is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SubmitError {
    /// The bytes are no transaction of this chain.
    #[error(transparent)]
    Transaction(#[from] TransactionError),
    /// The pool refuses it.
    #[error(transparent)]
    Pool(#[from] PoolError),
    /// Blocks cannot be stored at the moment, so none would ever hold it.
    #[error("the chain cannot go on ({0}); free disk space or repair the disk, then send again")]
    Stalled(String),
}

/// Why no block was sealed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SealError {
    /// The block log.
    #[error("the block could not be stored")]
    Storage(#[from] StorageError),
    /// Our own block was not accepted by our own chain.
    #[error("the block does not fit the chain")]
    Block(#[from] BlockError),
    /// The chain was closed.
    #[error("the chain is closed")]
    Closed,
}

/// One block's step of the best branch.
#[derive(Clone, Debug)]
pub(crate) enum BranchStep {
    /// The block is its end now.
    Applied(Arc<SealedBlock>),
    /// The block left it, for those of a better branch.
    Reverted(Arc<SealedBlock>),
}

/// Chain, block log, and who wants to hear of them.
pub(crate) struct Ledger {
    chain: RwLock<Chain>,
    /// `None` once the chain is closed.
    log: Mutex<Option<BlockLog>>,
    wake: Notify,
    steps: broadcast::Sender<BranchStep>,
    arrivals: Arrivals,
    /// Why blocks cannot be stored, while they cannot.
    stalled: Mutex<Option<String>>,
    genesis_header: Header,
    /// Who receives the tips of blocks that are built here.
    beneficiary: Address,
    /// The final state on disk, of a chain that nodes keep together.
    snapshots: Mutex<Option<Snapshots>>,
    /// The same, for whoever only reads.
    reader: RwLock<Option<Reader>>,
    /// Height of the head when the chain was opened.
    begun: u64,
    /// How high the best chain is that peers tell of, if it is higher.
    aim: AtomicU64,
    /// A block that must be on the chain.
    checkpoint: Option<Checkpoint>,
    /// Who votes after blocks that were asked about lately.
    sets: Mutex<Vec<(B256, Arc<ValidatorSet>)>>,
}

impl Ledger {
    pub(crate) fn new(
        chain: Chain,
        log: BlockLog,
        beneficiary: Address,
        snapshots: Option<Snapshots>,
        checkpoint: Option<Checkpoint>,
    ) -> Self {
        let genesis = chain.genesis().block();
        Self {
            begun: chain.head().number(),
            aim: AtomicU64::new(0),
            genesis_header: header_of(genesis.hash, genesis.header()),
            beneficiary,
            reader: RwLock::new(snapshots.as_ref().map(Snapshots::reader)),
            snapshots: Mutex::new(snapshots),
            checkpoint,
            sets: Mutex::default(),
            chain: RwLock::new(chain),
            log: Mutex::new(Some(log)),
            wake: Notify::new(),
            steps: broadcast::channel(SUBSCRIBER_LAG_BLOCKS).0,
            arrivals: Arrivals::default(),
            stalled: Mutex::new(None),
        }
    }

    /// What consensus sees of block 0.
    pub(crate) const fn genesis_header(&self) -> &Header {
        &self.genesis_header
    }

    /// The chain, to read. Hold it for moments and never across an await.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Chain> {
        self.chain.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Chain> {
        self.chain.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn stalled(&self) -> MutexGuard<'_, Option<String>> {
        self.stalled.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn log(&self) -> MutexGuard<'_, Option<BlockLog>> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn snapshots(&self) -> MutexGuard<'_, Option<Snapshots>> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is on disk of the chain, to read: without waiting for what is being written.
    fn reader(&self) -> Option<Reader> {
        self.reader.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn sets(&self) -> MutexGuard<'_, Vec<(B256, Arc<ValidatorSet>)>> {
        self.sets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes to the block log; nobody's transactions are taken while that fails.
    fn keep(&self, write: impl FnOnce(&mut BlockLog) -> Result<(), StorageError>) -> Result<(), SealError> {
        let stored = match self.log().as_mut() {
            Some(log) => write(log),
            None => return Err(SealError::Closed),
        };
        *self.stalled() = stored.as_ref().err().map(chained);
        Ok(stored?)
    }

    /// Peers tell of a chain of this height.
    pub(crate) fn aim_at(&self, height: u64) {
        self.aim.store(height, Ordering::Relaxed);
    }

    /// Where the chain was when it was opened, where it is, and how high it is elsewhere, if that is more than the next block.
    pub(crate) fn behind(&self) -> Option<(u64, u64, u64)> {
        let (head, aim) = (self.head().0, self.aim.load(Ordering::Relaxed));
        (aim > head.saturating_add(1)).then_some((self.begun, head, aim))
    }

    /// No block will come any more: nobody's transactions are taken, and this is why.
    pub(crate) fn stall(&self, reason: String) {
        *self.stalled() = Some(reason);
    }

    /// Whether a block may be at its height, if somebody who is trusted has said which one is.
    pub(crate) fn check_place(&self, number: u64, hash: &B256) -> Result<(), NotTheCheckpoint> {
        self.checkpoint
            .map_or(Ok(()), |checkpoint| checkpoint.check(number, hash))
    }

    /// Closes the block log, so that another process may open it. Nothing is sealed afterwards.
    pub(crate) fn close(&self) {
        self.log().take();
        self.snapshots().take();
        self.reader.write().unwrap_or_else(PoisonError::into_inner).take();
    }

    /// Every step of the best branch from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<BranchStep> {
        self.steps.subscribe()
    }

    /// The transactions that were taken.
    pub(crate) fn arrivals(&self) -> &Arrivals {
        &self.arrivals
    }

    /// Returns once a transaction was submitted since the last time.
    pub(crate) async fn submitted(&self) {
        self.wake.notified().await;
    }

    /// Takes a wallet's transaction.
    pub(crate) fn submit_raw(&self, raw: &[u8]) -> Result<B256, SubmitError> {
        let chain_id = self.read().genesis().chain_id;
        let transaction = decode_transaction(raw, chain_id)?;
        self.submit_with(|_| Ok(transaction))
    }

    /// Takes the transaction that `make` makes of the chain, which cannot change in between.
    pub(crate) fn submit_with<E: From<SubmitError>>(
        &self,
        make: impl FnOnce(&Chain) -> Result<RecoveredTransaction, E>,
    ) -> Result<B256, E> {
        if let Some(reason) = self.stalled().clone() {
            return Err(SubmitError::Stalled(reason).into());
        }
        let mut chain = self.write();
        let transaction = make(&chain)?;
        let hash = chain.submit(transaction).map_err(SubmitError::from)?;
        // Before anybody can see it in a block.
        if let Some(waiting) = chain.waiting(&hash) {
            self.arrivals.note(waiting.clone());
        }
        drop(chain);
        self.wake.notify_one();
        Ok(hash)
    }

    /// Builds a block of what waits, stores it durably, and makes it the head. `None` when nothing is ready
    /// and an empty block was not asked for. Only the sealer calls this.
    pub(crate) fn seal(&self, empty: bool) -> Result<Option<Arc<SealedBlock>>, SealError> {
        let proposal = {
            let chain = self.read();
            if !empty && !chain.has_ready() {
                return Ok(None);
            }
            let head = chain.head();
            chain.prepare(BlockAttributes {
                timestamp: now().max(head.header().timestamp),
                beneficiary: self.beneficiary,
                // A single sealer has no randomness worth the name: predictable, but never twice the same.
                mix_hash: keccak256(head.hash),
                extra_data: Bytes::from_static(EXTRA_DATA),
                ..BlockAttributes::default()
            })?
        };
        let built = proposal.build();
        for (hash, reason) in &built.refused {
            tracing::warn!(transaction = %hash, %reason, "dropping a transaction that can no longer be executed");
            self.write().forget(hash);
        }
        let sealed = &built.executed.sealed;
        if sealed.transactions().is_empty() && !empty {
            return Ok(None);
        }
        self.keep(|log| log.append(sealed.number(), sealed.hash, &sealed.encode()))?;
        let block = self.write().append(built.executed)?;
        tracing::debug!(number = block.number(), hash = %block.hash, transactions = block.senders.len(), "sealed");
        // Nobody listening is no error.
        let _ = self.steps.send(BranchStep::Applied(block.clone()));
        Ok(Some(block))
    }
}

/// An error with its sources, on one line.
pub(crate) fn chained(error: &(impl Error + ?Sized)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |elapsed| elapsed.as_secs())
}
