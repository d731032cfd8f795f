//! Opening a chain at a final block whose state was kept, instead of executing everything again.

use std::sync::Arc;

use alloy_primitives::B256;

use super::{
    Chain,
    history::BLOCK_HASHES,
    tree::{Node, Tree},
};
use crate::{
    block::{SealedBlock, next_base_fee},
    genesis::{Genesis, GenesisError},
    mempool::PoolLimits,
    state::State,
};

/// Why a chain does not open at a block.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// Its genesis is impossible.
    #[error("the genesis cannot start a chain")]
    Genesis(#[from] GenesisError),
    /// Block 0 is another chain's.
    #[error("stored block 0 is {got}, the genesis makes it {expected}; is this the data of another chain?")]
    OtherChain {
        /// Block 0 of the genesis.
        expected: B256,
        /// The one given.
        got: B256,
    },
    /// The state is not the block's.
    #[error("the kept state has the root {got}, block {number} says {expected}; execute the stored blocks again")]
    StateRoot {
        /// Height of the final block.
        number: u64,
        /// Root in its header.
        expected: B256,
        /// Root of the state given.
        got: B256,
    },
    /// The blocks before it are not its ancestors.
    #[error("stored block {0} is not followed by the next one that was given")]
    Gap(u64),
    /// Contracts may ask for hashes that are not there.
    #[error("{got} blocks before the final one were given, at least {needed} are needed")]
    TooFew {
        /// How many are needed.
        needed: u64,
        /// How many there are.
        got: usize,
    },
}

impl Chain {
    /// Opens at the final block `finalized`, whose state is `state`. `before` are blocks before it, lowest first, without
    /// a gap: as many as are to be known here, and 256 (or all) at least, since the `BLOCKHASH` instruction reaches so
    /// far. Older blocks are unknown here then, and those that grow old are forgotten (see [`Chain::forget_old_blocks`]).
    /// Blocks after the final one are put in as they were the first time: verified, inserted, made the head.
    ///
    /// # Errors
    /// See [`ResumeError`].
    pub fn resume(
        genesis: Genesis,
        finalized: SealedBlock,
        before: Vec<SealedBlock>,
        state: State,
        limits: PoolLimits,
    ) -> Result<Self, ResumeError> {
        let mut chain = Self::with_limits(genesis, limits)?;
        let number = finalized.number();
        let (expected, got) = (finalized.header().state_root, state.root());
        if expected != got {
            return Err(ResumeError::StateRoot { number, expected, got });
        }
        let needed = number.min(BLOCK_HASHES);
        if (before.len() as u64) < needed {
            let got = before.len();
            return Err(ResumeError::TooFew { needed, got });
        }
        let head = Arc::new(finalized);
        let mut blocks = before.into_iter().map(Arc::new).chain([head.clone()]);
        let first = blocks.next().unwrap_or_else(|| head.clone());
        if first.number() == 0 && first.hash != chain.genesis_hash() {
            return Err(ResumeError::OtherChain {
                expected: chain.genesis_hash(),
                got: first.hash,
            });
        }
        chain.best = super::Best::new(first.clone());
        let mut last = first;
        for block in blocks {
            let follows =
                block.header().parent_hash == last.hash && last.number().checked_add(1) == Some(block.number());
            if !follows {
                return Err(ResumeError::Gap(last.number()));
            }
            chain.best.push(block.clone());
            last = block;
        }
        chain.tree = Tree::new(Node::new(head.clone(), state.clone()));
        chain.pool.set_base_fee(next_base_fee(head.header()));
        chain.state = state;
        chain.head = head;
        chain.forget_old_blocks();
        Ok(chain)
    }
}

#[cfg(test)]
mod tests;
