//! The best branch: its blocks by height and by hash, and where its transactions are.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::{B256, map::B256HashMap};

use crate::block::SealedBlock;

/// An unbroken run of blocks, each the parent of the next, that ends with the head.
#[derive(Debug)]
pub(super) struct Best {
    /// Height of the first block.
    pub(super) first: u64,
    blocks: VecDeque<Arc<SealedBlock>>,
    numbers: B256HashMap<u64>,
    /// Height and position of every transaction.
    places: B256HashMap<(u64, usize)>,
    /// How many blocks up to the final one are kept; all if there is no number.
    pub(super) keep: Option<usize>,
}

impl Best {
    pub(super) fn new(block: Arc<SealedBlock>) -> Self {
        let mut best = Self {
            first: block.number(),
            blocks: VecDeque::new(),
            numbers: B256HashMap::default(),
            places: B256HashMap::default(),
            keep: None,
        };
        best.push(block);
        best
    }

    pub(super) fn block(&self, number: u64) -> Option<&Arc<SealedBlock>> {
        let index = number.checked_sub(self.first)?;
        self.blocks.get(usize::try_from(index).ok()?)
    }

    pub(super) fn block_by_hash(&self, hash: &B256) -> Option<&Arc<SealedBlock>> {
        self.block(*self.numbers.get(hash)?)
    }

    pub(super) fn place(&self, transaction: &B256) -> Option<(u64, usize)> {
        self.places.get(transaction).copied()
    }

    /// Adds the block after the last.
    pub(super) fn push(&mut self, block: Arc<SealedBlock>) {
        self.numbers.insert(block.hash, block.number());
        for (index, transaction) in block.transactions().iter().enumerate() {
            self.places.insert(*transaction.tx_hash(), (block.number(), index));
        }
        self.blocks.push_back(block);
    }

    /// Takes the last block off.
    pub(super) fn pop(&mut self) -> Option<Arc<SealedBlock>> {
        let block = self.blocks.pop_back()?;
        self.unlist(&block);
        Some(block)
    }

    /// Forgets blocks that are too far below the final one.
    pub(super) fn forget(&mut self, finalized: u64) {
        let Some(keep) = self.keep else { return };
        while self.first.saturating_add(keep as u64) <= finalized {
            let Some(block) = self.blocks.pop_front() else { return };
            self.unlist(&block);
            self.first = self.first.saturating_add(1);
        }
    }

    fn unlist(&mut self, block: &SealedBlock) {
        self.numbers.remove(&block.hash);
        for transaction in block.transactions() {
            self.places.remove(transaction.tx_hash());
        }
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 3] {
        [self.blocks.len(), self.numbers.len(), self.places.len()]
    }
}
