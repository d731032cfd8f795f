//! Ethereum blocks on revm: execution, receipts, roots, a transaction pool. Pure: no clock, no socket, no
//! file, no randomness; time comes as an argument and blocks are kept by whoever implements [`Storage`].
//!
//! - [`Genesis`]: what a chain starts from, and the name (hash) it goes by.
//! - [`Chain`]: blocks in order, recent states, the pool. [`Chain::prepare`] and [`BlockProposal::build`] make
//!   the next block, [`Chain::verify_block`] checks somebody else's, [`Chain::append`] makes either the head.
//!   Building and checking share one path of execution.
//! - [`State`]: accounts in a persistent Merkle Patricia trie ([`trie`]), so that a copy costs a pointer and a
//!   root costs only what changed.
//! - [`Snapshot`]: calls, gas estimates and access lists on a state of one's choice.
//! - [`decode_transaction`], [`LogFilter`], [`FeeHistory`]: what a JSON-RPC server needs besides.
//!
//! **The block log is the truth.** States and indexes are derived: [`Chain::open`] executes the log from
//! genesis, so there is nothing beside the log that could disagree with it after a crash, and a damaged log
//! is found at the first root that does not match. It costs about 0.25 ms per transaction, nearly all of it
//! signature recovery; snapshots come when chains grow long enough to ask for them.
//!
//! **Deliberately missing:** who seals and which fork wins (consensus), blobs, withdrawals, the system
//! contracts of the beacon chain (EIP-2935, 4788, 7002, 7251) and proof of work; [`block`] says what stands in
//! their place in a header.
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
//! })?;
//! let built = chain.build_block(BlockAttributes { timestamp: 1_800_000_001, ..Default::default() })?;
//! let head = chain.append(built.executed)?;
//! assert_eq!(head.number(), 1);
//! # Ok(())
//! # }
//! ```

pub mod block;
mod call;
mod chain;
mod execute;
mod fees;
mod genesis;
mod logs;
mod mempool;
mod state;
mod storage;
#[cfg(test)]
mod testing;
mod transaction;
pub mod trie;

pub use block::{Block, BlockAttributes, BlockError, SealedBlock, decode_block};
pub use call::{CallError, CallOutcome, CallRequest, Snapshot};
pub use chain::{Chain, HistoryError, OpenError, STATES_KEPT, TransactionPlace};
pub use execute::{BlockProposal, BuiltBlock, ExecutedBlock, Refused};
pub use fees::{FEE_HISTORY_BLOCKS_MAX, FeeHistory};
pub use genesis::{Genesis, GenesisAccount, GenesisError, Hardfork};
pub use logs::{LogEntry, LogFilter};
pub use mempool::{PoolError, PoolLimits, PooledTransaction, REPLACEMENT_BUMP_PERCENT};
pub use state::{Account, State};
pub use storage::{MemoryStorage, Storage};
pub use transaction::{RecoveredTransaction, TRANSACTION_BYTES_MAX, Transaction, TransactionError, decode_transaction};
