//! How the tree grows, how the head moves in it, and what is settled for good.

use std::{collections::BTreeSet, sync::Arc};

use alloy_primitives::{Address, B256};

use super::{Chain, SIDE_BLOCKS_MAX, tree::Finality};
use crate::{
    block::{Block, BlockError, SealedBlock, next_base_fee},
    execute::ExecutedBlock,
    transaction::RecoveredTransaction,
};

/// Why a block can be neither head nor final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// It is not in the tree.
    #[error("block {0} is not in the tree; insert it first")]
    Unknown(B256),
    /// The head cannot go back behind the final block.
    #[error("block {number} is before block {finalized}, which is final")]
    BelowFinal {
        /// Height of the block.
        number: u64,
        /// Height of the final block.
        finalized: u64,
    },
    /// Only blocks of the best branch become final.
    #[error("block {0} is not on the best branch; make it or one after it the head first")]
    Beside(B256),
}

/// What a new head changed.
#[derive(Clone, Debug, Default)]
pub struct HeadChange {
    /// Blocks that are no longer on the best branch, highest first: in this order their logs are taken back.
    pub reverted: Vec<Arc<SealedBlock>>,
    /// Blocks that are on the best branch now, lowest first.
    pub applied: Vec<Arc<SealedBlock>>,
}

impl Chain {
    /// Holds a block that was executed or built and may be decided later, so that it is not executed again: for
    /// [`Chain::prepare_check`] and [`Chain::take_held`]. The oldest of more than
    /// [`CANDIDATES_KEPT`](super::CANDIDATES_KEPT) is forgotten.
    pub fn hold(&mut self, executed: ExecutedBlock) {
        self.candidates.hold(executed);
    }

    /// A block that is held. One built for a puzzle is found by the puzzle, which is its hash while its nonce is zero.
    pub fn held(&self, hash: &B256) -> Option<&ExecutedBlock> {
        self.candidates.get(hash)
    }

    /// Takes a held block out.
    pub fn take_held(&mut self, hash: &B256) -> Option<ExecutedBlock> {
        self.candidates.take(hash)
    }

    /// Puts an executed block into the tree, beside others; the head stays. A block that is there already is left as it is.
    ///
    /// # Errors
    /// [`BlockError::UnknownParent`], [`BlockError::BelowFinal`], [`BlockError::Crowded`].
    pub fn insert(&mut self, executed: ExecutedBlock) -> Result<Arc<SealedBlock>, BlockError> {
        let hash = executed.sealed.hash;
        if let Some(block) = self.stored(&hash) {
            return Ok(block.clone());
        }
        let (number, parent) = (executed.sealed.number(), executed.sealed.header().parent_hash);
        self.parent(number, &parent)?;
        if !self.has_room_on(&parent) {
            return Err(BlockError::Crowded(number));
        }
        self.candidates.take(&hash);
        Ok(self.tree.put(executed.into()))
    }

    /// Whether a block with this parent may be put into the tree: beside the best branch only [`SIDE_BLOCKS_MAX`] may stand.
    pub fn has_room_on(&self, parent: &B256) -> bool {
        // A block on the head is about to become the head.
        *parent == self.head.hash || self.side_blocks() < SIDE_BLOCKS_MAX
    }

    fn side_blocks(&self) -> usize {
        let best = self.head.number() - self.finalized().number();
        self.tree
            .after_final()
            .saturating_sub(usize::try_from(best).unwrap_or(usize::MAX))
    }

    /// Makes a stored block the head. Transactions of blocks that leave the best branch go back to the pool unless the new
    /// branch has them too or makes them invalid; those of the new branch leave it.
    ///
    /// # Errors
    /// [`TreeError::Unknown`], [`TreeError::BelowFinal`].
    pub fn set_head(&mut self, hash: &B256) -> Result<HeadChange, TreeError> {
        let block = self.stored(hash).cloned().ok_or(TreeError::Unknown(*hash))?;
        let (number, finalized) = (block.number(), self.finalized().number());
        if number < finalized {
            return Err(TreeError::BelowFinal { number, finalized });
        }
        Ok(self.move_head(&block))
    }

    fn move_head(&mut self, head: &Arc<SealedBlock>) -> HeadChange {
        let Some(state) = self.state_of(&head.hash).cloned() else {
            return HeadChange::default();
        };
        let mut change = HeadChange::default();
        let mut block = head;
        // Whatever is in the tree from the final block on descends from it, and it is on the best branch.
        while self.best.block_by_hash(&block.hash).is_none() {
            change.applied.push(block.clone());
            match self.tree.get(&block.header().parent_hash) {
                Some(parent) => block = &parent.block,
                None => return HeadChange::default(),
            }
        }
        change.applied.reverse();
        for _ in block.number()..self.head.number() {
            change.reverted.extend(self.best.pop());
        }
        for block in &change.applied {
            self.best.push(block.clone());
        }
        self.head = head.clone();
        self.state = state;
        self.move_pool(&change);
        change
    }

    fn move_pool(&mut self, change: &HeadChange) {
        self.pool.set_base_fee(next_base_fee(self.head.header()));
        let mut returned = Vec::new();
        for block in &change.reverted {
            let with_senders = block.transactions().iter().zip(&block.senders);
            let left = with_senders.filter(|(transaction, _)| self.best.place(transaction.tx_hash()).is_none());
            returned.extend(left.map(|(tx, sender)| RecoveredTransaction::new_unchecked(tx.clone(), *sender)));
        }
        // Delegations (EIP-7702) use nonces and contracts move coins of accounts that have sent nothing.
        let moved = change.reverted.iter().chain(&change.applied);
        let nodes = moved.filter_map(|block| self.tree.get(&block.hash));
        let touched: BTreeSet<Address> = nodes.flat_map(|node| node.changes.accounts.keys().copied()).collect();
        self.pool.settle(&touched, returned, &self.state);
    }

    /// Makes a block of the best branch final, with all before it: the head never goes back behind it, and branches that
    /// do not follow it are gone. A block that is final already changes nothing.
    ///
    /// # Errors
    /// [`TreeError::Unknown`], [`TreeError::Beside`].
    pub fn finalize(&mut self, hash: &B256) -> Result<Finality, TreeError> {
        match self.block_by_hash(hash).cloned() {
            Some(block) => Ok(self.finalize_best(&block)),
            None if self.stored(hash).is_some() => Err(TreeError::Beside(*hash)),
            None => Err(TreeError::Unknown(*hash)),
        }
    }

    fn finalize_best(&mut self, block: &Arc<SealedBlock>) -> Finality {
        if block.number() <= self.finalized().number() {
            return Finality::default();
        }
        self.best.forget(block.number());
        self.candidates.forget(block.number());
        self.tree.finalize(block)
    }

    /// Makes an executed block on the head the head, and final: the way of a chain that never forks. Store it first: what
    /// is appended here will be answered for.
    ///
    /// # Errors
    /// [`BlockError::Parent`] when the head has moved since it was executed.
    pub fn append(&mut self, executed: ExecutedBlock) -> Result<Arc<SealedBlock>, BlockError> {
        let parent = executed.sealed.header().parent_hash;
        if parent != self.head.hash {
            return Err(BlockError::Parent {
                number: executed.sealed.number(),
                expected: self.head.hash,
                got: parent,
            });
        }
        let block = self.insert(executed)?;
        self.move_head(&block);
        self.finalize_best(&block);
        Ok(block)
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
mod detours;
#[cfg(test)]
mod tests;
