//! The chain itself: a tree of executed blocks with one best branch, and the pool of what may come next.
//!
//! [`Chain`] decides nothing: who may seal, which branch is best and which block is final is settled elsewhere. Time is an
//! argument everywhere.
//!
//! | part | holds |
//! |---|---|
//! | `tree` | every block after the final one with its state, and the latest states before it |
//! | `best` | the best branch by height, and where its transactions are |
//! | `head` | how the head moves: [`Chain::insert`], [`Chain::set_head`], [`Chain::finalize`], [`Chain::append`] |
//! | `history` | states and what calls see in them |
//! | `resume` | opening at a final block |

use std::sync::Arc;

use alloy_primitives::{Address, B256};

use crate::{
    block::{Block, BlockAttributes, BlockError, SealedBlock, check_attributes, decode_block, next_base_fee},
    execute::{BlockCheck, BlockProposal, BuiltBlock, ExecutedBlock, Received, Rules, Site, Work},
    genesis::{Genesis, GenesisError, Opening},
    mempool::{Pool, PoolError, PoolLimits, PooledTransaction},
    state::State,
    storage::Storage,
    transaction::{RecoveredTransaction, Transaction},
};

mod best;
mod head;
mod history;
mod resume;
mod tree;

pub use head::{HeadChange, TreeError};
pub use history::{BLOCK_HASHES, HistoryError};
pub use resume::ResumeError;
pub use tree::{CANDIDATES_KEPT, FinalBlock, Finality, SIDE_BLOCKS_MAX, STATES_KEPT};

use best::Best;
use tree::{Candidates, Node, Tree};

/// How many blocks up to the final one are kept where old ones are forgotten: as far as one question about fees may go.
pub const BLOCKS_KEPT: usize = 1_024;

/// Where a transaction is in the chain.
#[derive(Clone, Debug)]
pub struct TransactionPlace {
    /// Its block.
    pub block: Arc<SealedBlock>,
    /// Its position in the block.
    pub index: usize,
}

impl TransactionPlace {
    /// The transaction with its sender.
    pub fn transaction(&self) -> Option<(&Transaction, Address)> {
        let sender = self.block.senders.get(self.index)?;
        Some((self.block.transactions().get(self.index)?, *sender))
    }
}

/// Why a stored chain cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Its genesis is impossible.
    #[error("the genesis cannot start a chain")]
    Genesis(#[from] GenesisError),
    /// A block could not be read.
    #[error("stored block {number} cannot be read")]
    Storage {
        /// Height of the block.
        number: u64,
        /// What the storage says.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A block does not follow from the ones before it: another genesis, or a damaged log.
    #[error("stored block {number} does not follow from the blocks before it; is this the log of another chain?")]
    Block {
        /// Height of the block.
        number: u64,
        /// What is wrong with it.
        #[source]
        source: BlockError,
    },
}

/// A tree of executed blocks, with its pool.
#[derive(Debug)]
pub struct Chain {
    genesis: Genesis,
    genesis_block: Arc<SealedBlock>,
    rules: Rules,
    head: Arc<SealedBlock>,
    /// The state after the head.
    state: State,
    tree: Tree,
    best: Best,
    candidates: Candidates,
    pool: Pool,
}

impl Chain {
    /// A chain that has only its genesis block.
    ///
    /// # Errors
    /// See [`GenesisError`].
    pub fn new(genesis: Genesis) -> Result<Self, GenesisError> {
        Self::with_limits(genesis, PoolLimits::default())
    }

    /// A chain that has only its genesis block, with a pool of the given size.
    ///
    /// # Errors
    /// See [`GenesisError`].
    pub fn with_limits(genesis: Genesis, limits: PoolLimits) -> Result<Self, GenesisError> {
        let opening = genesis.check_and_open()?;
        Ok(Self::on_opening(genesis, opening, limits))
    }

    fn on_opening(genesis: Genesis, opening: Opening, limits: PoolLimits) -> Self {
        let head = Arc::new(genesis.block_on(&opening.state));
        let mut pool = Pool::with_limits(limits);
        pool.set_base_fee(next_base_fee(head.header()));
        Self {
            rules: genesis.rules(),
            genesis,
            genesis_block: head.clone(),
            tree: Tree::new(Node::new(head.clone(), opening.state.clone())),
            best: Best::new(head.clone()),
            candidates: Candidates::default(),
            pool,
            state: opening.state,
            head,
        }
    }

    /// Opens a stored chain by executing every block of its log again.
    ///
    /// # Errors
    /// See [`OpenError`].
    pub fn open<S: Storage>(genesis: Genesis, storage: &mut S) -> Result<Self, OpenError> {
        let mut chain = Self::new(genesis)?;
        loop {
            let number = chain.head.number().saturating_add(1);
            let bytes = storage.read(number).map_err(|source| OpenError::Storage {
                number,
                source: Box::new(source),
            })?;
            let Some(bytes) = bytes else { return Ok(chain) };
            decode_block(&bytes)
                .and_then(|block| chain.import_block(block))
                .map_err(|source| OpenError::Block { number, source })?;
        }
    }

    /// What the chain started from.
    pub fn genesis(&self) -> &Genesis {
        &self.genesis
    }

    /// Hash of block 0.
    pub fn genesis_hash(&self) -> B256 {
        self.genesis_block.hash
    }

    /// Keeps only the last [`BLOCKS_KEPT`] blocks up to the final one in memory from now on, and their transactions in the
    /// index. Older ones are then unknown here, but for block 0: who asks must be answered from the stored blocks. The
    /// [`HeadChange`]s and [`FinalBlock`]s say what to keep an index of.
    pub fn forget_old_blocks(&mut self) {
        self.best.keep = Some(BLOCKS_KEPT);
        self.best.forget(self.tree.finalized().number());
    }

    /// The lowest height from which on every block of the best branch is known here.
    pub fn oldest_known(&self) -> u64 {
        self.best.first
    }

    /// The latest block.
    pub fn head(&self) -> &Arc<SealedBlock> {
        &self.head
    }

    /// The state after the latest block.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Base fee of the next block, in wei per gas.
    pub fn next_base_fee(&self) -> u64 {
        next_base_fee(self.head.header())
    }

    /// The latest final block. The head of a chain that only [`Chain::append`] has touched.
    pub fn finalized(&self) -> &Arc<SealedBlock> {
        self.tree.finalized()
    }

    /// The block of the best branch at a height. `None` past the head, and for what is not kept any more (see
    /// [`Chain::forget_old_blocks`]).
    pub fn block(&self, number: u64) -> Option<&Arc<SealedBlock>> {
        let kept = self.best.block(number);
        kept.or_else(|| (number == 0).then_some(&self.genesis_block))
    }

    /// The block of the best branch with a hash.
    pub fn block_by_hash(&self, hash: &B256) -> Option<&Arc<SealedBlock>> {
        let kept = self.best.block_by_hash(hash);
        kept.or_else(|| (*hash == self.genesis_block.hash).then_some(&self.genesis_block))
    }

    /// A block of any branch that may still become the best, or one whose state is kept.
    pub fn stored(&self, hash: &B256) -> Option<&Arc<SealedBlock>> {
        self.tree.get(hash).map(|node| &node.block)
    }

    /// Where a transaction was executed on the best branch.
    pub fn transaction(&self, hash: &B256) -> Option<TransactionPlace> {
        let (number, index) = self.best.place(hash)?;
        Some(TransactionPlace {
            block: self.block(number)?.clone(),
            index,
        })
    }

    /// Takes a transaction into the pool.
    ///
    /// # Errors
    /// See [`PoolError`].
    pub fn submit(&mut self, transaction: RecoveredTransaction) -> Result<B256, PoolError> {
        self.pool.add(transaction, &self.state, self.rules)
    }

    /// A transaction that waits in the pool.
    pub fn waiting(&self, hash: &B256) -> Option<&Arc<PooledTransaction>> {
        self.pool.get(hash)
    }

    /// All transactions that wait, each sender's in nonce order.
    pub fn waiting_all(&self) -> impl Iterator<Item = &Arc<PooledTransaction>> {
        self.pool.all()
    }

    /// Who sent each transaction of a block, of those that wait here: their senders were recovered when they came, and need
    /// not be again.
    pub fn waiting_senders(&self, block: &Block) -> Vec<Option<Address>> {
        let transactions = block.body.transactions.iter();
        let waiting = transactions.map(|transaction| self.pool.get(transaction.tx_hash()));
        waiting.map(|waiting| Some(waiting?.transaction.signer())).collect()
    }

    /// How many transactions wait, ready or not.
    pub fn waiting_count(&self) -> usize {
        self.pool.len()
    }

    /// Whether a block built now would hold a transaction.
    pub fn has_ready(&self) -> bool {
        self.pool.has_ready(&self.state, self.next_base_fee())
    }

    /// The nonce an account should use next, its waiting transactions counted.
    pub fn pending_nonce(&self, address: Address) -> u64 {
        self.pool.pending_nonce(address, &self.state)
    }

    /// Drops a waiting transaction that was found unfit.
    pub fn forget(&mut self, hash: &B256) {
        self.pool.remove(hash);
    }

    fn site_on(&self, number: u64, parent: &B256) -> Result<Site, BlockError> {
        let node = self.parent(number, parent)?;
        Ok(Site {
            rules: self.rules,
            parent: node.block.clone(),
            state: node.state.clone(),
            hashes: Arc::new(self.hashes_up_to(&node.block)),
        })
    }

    /// The node that a block can be put on.
    fn parent(&self, number: u64, parent: &B256) -> Result<&Node, BlockError> {
        let finalized = self.tree.finalized().number();
        let known_below = self
            .best
            .block_by_hash(parent)
            .is_some_and(|block| block.number() < finalized);
        if known_below {
            return Err(BlockError::BelowFinal { number, finalized });
        }
        let parent = *parent;
        self.tree
            .get(&parent)
            .ok_or(BlockError::UnknownParent { number, parent })
    }

    /// Gathers what the next block is built from. Cheap; the work is in [`BlockProposal::build`], which needs
    /// the chain no more.
    ///
    /// # Errors
    /// [`BlockError::Timestamp`] before the head's time, [`BlockError::ExtraData`].
    pub fn prepare(&self, attributes: BlockAttributes) -> Result<BlockProposal, BlockError> {
        self.prepare_on(&self.head.hash, attributes)
    }

    /// Gathers what a block on any stored block from the final one on is built from.
    ///
    /// # Errors
    /// As [`Chain::prepare`], [`BlockError::UnknownParent`], [`BlockError::BelowFinal`].
    pub fn prepare_on(&self, parent: &B256, attributes: BlockAttributes) -> Result<BlockProposal, BlockError> {
        let number = self
            .stored(parent)
            .map_or(0, |parent| parent.number().saturating_add(1));
        let site = self.site_on(number, parent)?;
        check_attributes(attributes.timestamp, &attributes.extra_data, &site.parent)?;
        let base_fee = next_base_fee(site.parent.header());
        Ok(BlockProposal {
            candidates: self.pool.ready(&site.state, base_fee),
            site,
            attributes,
        })
    }

    /// Builds the next block from the pool, without putting it anywhere.
    ///
    /// # Errors
    /// As [`Chain::prepare`].
    pub fn build_block(&self, attributes: BlockAttributes) -> Result<BuiltBlock, BlockError> {
        self.prepare(attributes).map(BlockProposal::build)
    }

    /// Gathers what a received block is checked with, on whichever stored block it builds. Cheap; the work is in
    /// [`BlockCheck::run`], which needs the chain no more and does nothing for a block that is stored or held already.
    /// `senders`, if the caller has them: one for each transaction in order, as [`recover_sender`](crate::recover_sender) gives
    /// them of these very transactions. **They are believed**: with a wrong sender one account spends another's coins.
    ///
    /// # Errors
    /// [`BlockError::UnknownParent`], [`BlockError::BelowFinal`].
    pub fn prepare_check(&self, block: Block, senders: Option<Vec<Address>>) -> Result<BlockCheck, BlockError> {
        let hash = block.header.hash_slow();
        let known = self.candidates.get(&hash).filter(|held| held.sealed.block == block);
        let stored = || self.tree.get(&hash).filter(|node| node.block.block == block);
        let done = known.cloned().or_else(|| stored().map(Node::executed));
        let work = match done {
            Some(executed) => Work::Done(Box::new(executed)),
            None => {
                let site = self.site_on(block.header.number, &block.header.parent_hash)?;
                Work::Execute(Box::new(Received { site, block, senders }))
            }
        };
        Ok(BlockCheck { work })
    }

    /// Executes a received block on its parent's state and checks every claim of its header, but for difficulty and nonce,
    /// which are consensus's. Puts it nowhere.
    ///
    /// # Errors
    /// See [`BlockError`].
    pub fn verify_block(&self, block: Block) -> Result<ExecutedBlock, BlockError> {
        self.prepare_check(block, None)?.run()
    }
}

#[cfg(test)]
mod tests;
