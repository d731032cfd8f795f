//! The chain itself: blocks in order, the states after the latest of them, and the pool of what may come next.
//!
//! [`Chain`] decides nothing: who may seal, and which of two blocks at one height wins, is settled before a
//! block reaches [`Chain::append`]. Time is an argument everywhere.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::{Address, B256, map::B256HashMap};

use crate::{
    block::{Block, BlockAttributes, BlockError, SealedBlock, check_attributes, decode_block, next_base_fee},
    call::Snapshot,
    execute::{BlockEnvironment, BlockProposal, BuiltBlock, ExecutedBlock, Rules, Site},
    genesis::{Genesis, GenesisError},
    mempool::{Pool, PoolError, PoolLimits, PooledTransaction},
    state::{RecentHashes, State},
    storage::Storage,
    transaction::{RecoveredTransaction, Transaction},
};

/// How many states are kept, the head's included. States share what did not change between them.
pub const STATES_KEPT: usize = 256;

/// How far back the `BLOCKHASH` instruction sees.
const BLOCK_HASHES: u64 = 256;

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

/// A state that is not kept any more, or not there yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "missing state: block {number} is outside {oldest}..={head}, the blocks whose state is kept; ask for a later block"
)]
pub struct HistoryError {
    /// The block asked for.
    pub number: u64,
    /// The oldest block whose state is kept.
    pub oldest: u64,
    /// The head.
    pub head: u64,
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

/// A chain of executed blocks, with its pool.
#[derive(Debug)]
pub struct Chain {
    genesis: Genesis,
    rules: Rules,
    head: Arc<SealedBlock>,
    state: State,
    blocks: Vec<Arc<SealedBlock>>,
    by_hash: B256HashMap<u64>,
    transactions: B256HashMap<(u64, usize)>,
    /// The latest states, oldest first; the last is the head's.
    states: VecDeque<State>,
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
        genesis.check()?;
        let state = genesis.state();
        let head = Arc::new(genesis.block_on(&state));
        Ok(Self {
            rules: Rules {
                chain_id: genesis.chain_id,
                hardfork: genesis.hardfork,
                gas_limit: genesis.gas_limit,
            },
            genesis,
            by_hash: std::iter::once((head.hash, 0)).collect(),
            blocks: vec![head.clone()],
            transactions: B256HashMap::default(),
            states: VecDeque::from([state.clone()]),
            pool: Pool::with_limits(limits),
            head,
            state,
        })
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
        self.blocks.first().map_or(self.head.hash, |block| block.hash)
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

    /// The block at a height.
    pub fn block(&self, number: u64) -> Option<&Arc<SealedBlock>> {
        self.blocks.get(usize::try_from(number).ok()?)
    }

    /// The block with a hash.
    pub fn block_by_hash(&self, hash: &B256) -> Option<&Arc<SealedBlock>> {
        self.block(*self.by_hash.get(hash)?)
    }

    /// Where a transaction was executed.
    pub fn transaction(&self, hash: &B256) -> Option<TransactionPlace> {
        let (number, index) = *self.transactions.get(hash)?;
        Some(TransactionPlace {
            block: self.block(number)?.clone(),
            index,
        })
    }

    /// The state after the block at `number`.
    ///
    /// # Errors
    /// [`HistoryError`] outside the last [`STATES_KEPT`] blocks.
    pub fn state_at(&self, number: u64) -> Result<&State, HistoryError> {
        let head = self.head.number();
        let oldest = (head + 1).saturating_sub(self.states.len() as u64);
        number
            .checked_sub(oldest)
            .and_then(|index| self.states.get(usize::try_from(index).ok()?))
            .ok_or(HistoryError { number, oldest, head })
    }

    /// What calls see in the block at `number`.
    ///
    /// # Errors
    /// [`HistoryError`] outside the last [`STATES_KEPT`] blocks.
    pub fn snapshot(&self, number: u64) -> Result<Snapshot, HistoryError> {
        let state = self.state_at(number)?.clone();
        let block = self.block(number).unwrap_or(&self.head);
        let header = block.header();
        Ok(Snapshot {
            rules: self.rules,
            environment: BlockEnvironment {
                number,
                timestamp: header.timestamp,
                beneficiary: header.beneficiary,
                mix_hash: header.mix_hash,
                gas_limit: header.gas_limit,
                base_fee: block.base_fee(),
            },
            hashes: Arc::new(self.hashes_before(number)),
            state,
        })
    }

    /// What calls see at the head, at the time `now`: the head stands still between transactions, the clock
    /// does not, and a contract that waits for a time must be seen to let go.
    pub fn snapshot_head(&self, now: u64) -> Snapshot {
        let mut snapshot = self.snapshot_next(now);
        snapshot.environment.number = self.head.number();
        snapshot.environment.base_fee = self.head.base_fee();
        snapshot
    }

    /// What calls see in the block that would be sealed at the time `now`.
    pub fn snapshot_next(&self, now: u64) -> Snapshot {
        let header = self.head.header();
        let number = self.head.number().saturating_add(1);
        Snapshot {
            rules: self.rules,
            environment: BlockEnvironment {
                number,
                timestamp: now.max(header.timestamp),
                beneficiary: header.beneficiary,
                mix_hash: header.mix_hash,
                gas_limit: header.gas_limit,
                base_fee: self.next_base_fee(),
            },
            hashes: Arc::new(self.hashes_before(number)),
            state: self.state.clone(),
        }
    }

    fn hashes_before(&self, number: u64) -> RecentHashes {
        let first = number.saturating_sub(BLOCK_HASHES);
        let hashes = (first..number)
            .filter_map(|number| self.block(number))
            .map(|block| block.hash);
        RecentHashes {
            first,
            hashes: hashes.collect(),
        }
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

    fn site(&self) -> Site {
        Site {
            rules: self.rules,
            parent: self.head.clone(),
            state: self.state.clone(),
            hashes: Arc::new(self.hashes_before(self.head.number().saturating_add(1))),
        }
    }

    /// Gathers what the next block is built from. Cheap; the work is in [`BlockProposal::build`], which needs
    /// the chain no more.
    ///
    /// # Errors
    /// [`BlockError::Timestamp`] before the head's time, [`BlockError::ExtraData`].
    pub fn prepare(&self, attributes: BlockAttributes) -> Result<BlockProposal, BlockError> {
        check_attributes(attributes.timestamp, &attributes.extra_data, &self.head)?;
        Ok(BlockProposal {
            site: self.site(),
            attributes,
            candidates: self.pool.ready(&self.state, self.next_base_fee()),
        })
    }

    /// Builds the next block from the pool, without appending it.
    ///
    /// # Errors
    /// As [`Chain::prepare`].
    pub fn build_block(&self, attributes: BlockAttributes) -> Result<BuiltBlock, BlockError> {
        self.prepare(attributes).map(BlockProposal::build)
    }

    /// Executes a received block and checks every claim of its header, without appending it.
    ///
    /// # Errors
    /// See [`BlockError`].
    pub fn verify_block(&self, block: Block) -> Result<ExecutedBlock, BlockError> {
        self.site().verify(block)
    }

    /// Makes an executed block the head. Store it first: what is appended here will be answered for.
    ///
    /// # Errors
    /// [`BlockError::Parent`] when the head has moved since it was executed.
    pub fn append(&mut self, executed: ExecutedBlock) -> Result<Arc<SealedBlock>, BlockError> {
        let ExecutedBlock { sealed, state } = executed;
        let parent = sealed.header().parent_hash;
        if parent != self.head.hash {
            return Err(BlockError::Parent {
                number: sealed.number(),
                expected: self.head.hash,
                got: parent,
            });
        }
        let number = sealed.number();
        let sealed = Arc::new(sealed);
        self.by_hash.insert(sealed.hash, number);
        for (index, transaction) in sealed.transactions().iter().enumerate() {
            self.transactions.insert(*transaction.tx_hash(), (number, index));
        }
        self.blocks.push(sealed.clone());
        if self.states.len() == STATES_KEPT {
            self.states.pop_front();
        }
        self.states.push_back(state.clone());
        self.pool.settle(&sealed.senders, &state);
        self.state = state;
        self.head = sealed.clone();
        Ok(sealed)
    }

    /// [`Chain::verify_block`] and [`Chain::append`] in one, for a block that is stored already.
    ///
    /// # Errors
    /// See [`BlockError`].
    pub fn import_block(&mut self, block: Block) -> Result<Arc<SealedBlock>, BlockError> {
        let executed = self.verify_block(block)?;
        self.append(executed)
    }
}

#[cfg(test)]
mod tests;
