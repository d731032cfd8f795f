//! Ethereum blocks on revm: execution, receipts, roots, a transaction pool. Pure: no clock, no socket, no
//! file, no randomness; time comes as an argument and blocks are kept by whoever implements [`Storage`].
//!
//! - [`Genesis`]: what a chain starts from, and the name (hash) it goes by.
//! - [`Chain`]: a tree of blocks from the final one on, the best branch, recent states, the pool. [`Chain::prepare`] and
//!   [`BlockProposal::build`] make the next block, [`Chain::verify_block`] checks somebody else's; building and checking
//!   share one path of execution. [`Chain::insert`], [`Chain::set_head`] and [`Chain::finalize`] do what consensus decides;
//!   [`Chain::append`] is all three, for a chain that never forks.
//! - [`SystemOutcome`]: rewards, and the contract that is told of the end of every block.
//! - [`State`]: accounts in a persistent Merkle Patricia trie ([`trie`]), so that a copy costs a pointer and a
//!   root costs only what changed. [`StateChanges`] are what a flat copy elsewhere needs of a block.
//! - [`Snapshot`]: calls, gas estimates and access lists on a state of one's choice, an old one ([`PastState`]) too.
//! - [`mod@bench`]: what a state root costs.
//! - [`decode_transaction`], [`LogFilter`], [`FeeHistory`]: what a JSON-RPC server needs besides.
//!
//! **The stored blocks are the truth.** States and indexes are derived. [`Chain::open`] executes everything from genesis,
//! which costs as much as it did the first time. [`Chain::resume`] opens at a final block
//! whose state was kept flat, and only what comes after is executed; a copy that is not what the blocks say is found by its
//! root.
//!
//! **Deliberately missing:** who seals, which branch is best and what is final (consensus), with what shows it (seals,
//! votes); the database in which blocks and flat state are; answers about blocks older than [`BLOCKS_KEPT`] once
//! [`Chain::forget_old_blocks`] was called; blobs, withdrawals, and the system contracts of the beacon chain (EIP-2935,
//! 4788, 7002, 7251); [`block`] says what stands in their place in a header.
//!
//! ```
//! use rayswarm_chain::{BlockAttributes, Chain, Genesis, Hardfork};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut chain = Chain::new(Genesis {
//!     chain_id: 5253,
//!     timestamp: 1_800_000_000,
//!     gas_limit: 100_000_000,
//!     base_fee: 7,
//!     hardfork: Hardfork::Osaka,
//!     sealer: Default::default(),
//!     alloc: Default::default(),
//!     extra_data: Default::default(),
//!     reward: Default::default(),
//!     system: None,
//! })?;
//! let built = chain.build_block(BlockAttributes { timestamp: 1_800_000_001, ..Default::default() })?;
//! let head = chain.append(built.executed)?;
//! assert_eq!(head.number(), 1);
//! # Ok(())
//! # }
//! ```

pub mod bench;
pub mod block;
mod call;
mod chain;
mod changes;
mod database;
mod execute;
mod fees;
mod genesis;
mod logs;
mod mempool;
mod past;
mod state;
mod storage;
mod stored;
mod system;
#[cfg(test)]
mod testing;
mod transaction;
pub mod trie;

pub use block::{Block, BlockAttributes, BlockError, SealedBlock, decode_block, decode_header, puzzle};
pub use call::{CallError, CallOutcome, CallRequest, Snapshot};
pub use chain::{
    BLOCK_HASHES, BLOCKS_KEPT, CANDIDATES_KEPT, Chain, FinalBlock, Finality, HeadChange, HistoryError, OpenError,
    ResumeError, SIDE_BLOCKS_MAX, STATES_KEPT, TransactionPlace, TreeError,
};
pub use changes::{AccountChange, AccountFields, FlatAccount, StateChanges};
pub use execute::{BlockCheck, BlockProposal, BuiltBlock, ExecutedBlock, Refused};
pub use fees::{FEE_HISTORY_BLOCKS_MAX, FeeHistory};
pub use genesis::{Genesis, GenesisAccount, GenesisError, Hardfork, SystemContract};
pub use logs::{LogEntry, LogFilter};
pub use mempool::{PoolError, PoolLimits, PooledTransaction, REPLACEMENT_BUMP_PERCENT};
pub use past::{PastError, PastState, StateView};
pub use state::{Account, State};
pub use storage::{MemoryStorage, Storage};
pub use system::{SYSTEM_ADDRESS, SYSTEM_GAS, SystemOutcome};
pub use transaction::{
    RecoveredTransaction, TRANSACTION_BYTES_MAX, Transaction, TransactionError, decode_transaction, recover,
    recover_sender,
};
