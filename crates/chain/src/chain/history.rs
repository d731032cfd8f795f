//! The states of the tree, and what calls see in them.

use std::sync::Arc;

use alloy_primitives::B256;

use super::Chain;
use crate::{
    block::SealedBlock, call::Snapshot, database::RecentHashes, execute::BlockEnvironment, past::PastState,
    state::State,
};

/// How far back the `BLOCKHASH` instruction sees.
pub const BLOCK_HASHES: u64 = 256;

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

impl Chain {
    /// The state after the block of the best branch at `number`.
    ///
    /// # Errors
    /// [`HistoryError`] for all but the last [`STATES_KEPT`](super::STATES_KEPT) blocks up to the final one, and those after
    /// it.
    pub fn state_at(&self, number: u64) -> Result<&State, HistoryError> {
        let block = self.block(number);
        block.and_then(|block| self.state_of(&block.hash)).ok_or(HistoryError {
            number,
            oldest: self.tree.oldest(),
            head: self.head.number(),
        })
    }

    /// The state after a stored block, of whichever branch.
    pub fn state_of(&self, hash: &B256) -> Option<&State> {
        self.tree.get(hash).map(|node| &node.state)
    }

    /// What calls see in the block of the best branch at `number`.
    ///
    /// # Errors
    /// As [`Chain::state_at`].
    pub fn snapshot(&self, number: u64) -> Result<Snapshot, HistoryError> {
        let block = self.block(number);
        block
            .and_then(|block| self.snapshot_of(&block.hash))
            .ok_or(HistoryError {
                number,
                oldest: self.tree.oldest(),
                head: self.head.number(),
            })
    }

    /// What calls see in a stored block, of whichever branch.
    pub fn snapshot_of(&self, hash: &B256) -> Option<Snapshot> {
        let node = self.tree.get(hash)?;
        let header = node.block.header();
        Some(Snapshot {
            rules: self.rules,
            environment: environment_of(&node.block),
            hashes: Arc::new(match self.tree.get(&header.parent_hash) {
                Some(parent) => self.hashes_up_to(&parent.block),
                None => self.best_hashes_before(header.number),
            }),
            state: node.state.clone().into(),
        })
    }

    /// What calls see in an old block whose state is kept elsewhere.
    pub fn snapshot_of_past(&self, block: &SealedBlock, state: Arc<dyn PastState>) -> Snapshot {
        Snapshot {
            rules: self.rules,
            environment: environment_of(block),
            hashes: Arc::default(),
            state: state.into(),
        }
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
        Snapshot {
            rules: self.rules,
            environment: BlockEnvironment {
                number: self.head.number().saturating_add(1),
                timestamp: now.max(header.timestamp),
                beneficiary: header.beneficiary,
                mix_hash: header.mix_hash,
                gas_limit: header.gas_limit,
                base_fee: self.next_base_fee(),
            },
            hashes: Arc::new(self.hashes_up_to(&self.head)),
            state: self.state.clone().into(),
        }
    }

    /// The hashes that the block after `last` may ask for, along its own branch.
    pub(super) fn hashes_up_to(&self, last: &Arc<SealedBlock>) -> RecentHashes {
        let mut beside = Vec::new();
        let mut block = last;
        while self.best.block_by_hash(&block.hash).is_none() && (beside.len() as u64) < BLOCK_HASHES {
            beside.push(block.hash);
            match self.tree.get(&block.header().parent_hash) {
                Some(parent) => block = &parent.block,
                None => break,
            }
        }
        let next = last.number().saturating_add(1);
        let mut recent = self.best_hashes_before(next - beside.len() as u64);
        recent.hashes.extend(beside.into_iter().rev());
        recent
    }

    fn best_hashes_before(&self, number: u64) -> RecentHashes {
        let first = number.saturating_sub(BLOCK_HASHES).max(self.oldest_known().min(number));
        let hashes = (first..number).filter_map(|number| self.best.block(number));
        RecentHashes {
            first,
            hashes: hashes.map(|block| block.hash).collect(),
        }
    }
}

fn environment_of(block: &SealedBlock) -> BlockEnvironment {
    let header = block.header();
    BlockEnvironment {
        number: header.number,
        timestamp: header.timestamp,
        beneficiary: header.beneficiary,
        mix_hash: header.mix_hash,
        gas_limit: header.gas_limit,
        base_fee: block.base_fee(),
    }
}
