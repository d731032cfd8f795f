//! The tree: every block from the final one on with its state, the latest states before it, and blocks at hand that
//! stand nowhere yet.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use alloy_primitives::{B256, map::B256HashMap};

use crate::{block::SealedBlock, changes::StateChanges, execute::ExecutedBlock, state::State, system::SystemOutcome};

/// How many states up to the final block's are kept. States share what did not change between them.
pub const STATES_KEPT: usize = 256;

/// How many blocks there may be beside the best branch. Each costs whoever makes it a share of the puzzle, or a signature
/// that can be punished, so that more of them than this are an attack.
pub const SIDE_BLOCKS_MAX: usize = 4_096;

/// How many executed blocks are held that stand nowhere yet.
pub const CANDIDATES_KEPT: usize = 16;

/// A block that is final now.
#[derive(Clone, Debug)]
pub struct FinalBlock {
    /// The block.
    pub block: Arc<SealedBlock>,
    /// What it changed in the state: to be applied to a flat copy in the order of the blocks.
    pub changes: Arc<StateChanges>,
}

/// What finality settled.
#[derive(Clone, Debug, Default)]
pub struct Finality {
    /// Blocks that are final since, lowest first.
    pub blocks: Vec<FinalBlock>,
    /// Blocks that do not follow the final one and are gone from the tree.
    pub pruned: Vec<B256>,
}

/// A block in the tree.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) block: Arc<SealedBlock>,
    pub(super) state: State,
    pub(super) changes: Arc<StateChanges>,
    system: Option<SystemOutcome>,
}

impl Node {
    /// A block that was final from the beginning.
    pub(super) fn new(block: Arc<SealedBlock>, state: State) -> Self {
        Self {
            block,
            state,
            changes: Arc::default(),
            system: None,
        }
    }

    /// The block as execution gave it.
    pub(super) fn executed(&self) -> ExecutedBlock {
        ExecutedBlock {
            sealed: SealedBlock::clone(&self.block),
            state: self.state.clone(),
            changes: self.changes.clone(),
            system: self.system.clone(),
        }
    }
}

impl From<ExecutedBlock> for Node {
    fn from(executed: ExecutedBlock) -> Self {
        Self {
            block: Arc::new(executed.sealed),
            state: executed.state,
            changes: executed.changes,
            system: executed.system,
        }
    }
}

/// Blocks by hash and by height. All above the final one descend from it; those below are its ancestors.
#[derive(Debug)]
pub(super) struct Tree {
    nodes: B256HashMap<Node>,
    heights: BTreeMap<u64, Vec<B256>>,
    finalized: Arc<SealedBlock>,
}

impl Tree {
    pub(super) fn new(root: Node) -> Self {
        let mut tree = Self {
            nodes: B256HashMap::default(),
            heights: BTreeMap::new(),
            finalized: root.block.clone(),
        };
        tree.put(root);
        tree
    }

    pub(super) const fn finalized(&self) -> &Arc<SealedBlock> {
        &self.finalized
    }

    pub(super) fn get(&self, hash: &B256) -> Option<&Node> {
        self.nodes.get(hash)
    }

    /// Height of the oldest state.
    pub(super) fn oldest(&self) -> u64 {
        self.heights.keys().next().copied().unwrap_or_default()
    }

    /// How many blocks come after the final one.
    pub(super) fn after_final(&self) -> usize {
        let above = self.heights.range(self.finalized.number().saturating_add(1)..);
        above.map(|(_, hashes)| hashes.len()).sum()
    }

    pub(super) fn put(&mut self, node: Node) -> Arc<SealedBlock> {
        let block = node.block.clone();
        self.heights.entry(block.number()).or_default().push(block.hash);
        self.nodes.insert(block.hash, node);
        block
    }

    /// Makes a block above the final one final, with those between. What their execution changed is forgotten here.
    pub(super) fn finalize(&mut self, block: &Arc<SealedBlock>) -> Finality {
        let mut blocks = Vec::new();
        let mut hash = block.hash;
        while hash != self.finalized.hash {
            let Some(node) = self.nodes.get_mut(&hash) else { break };
            blocks.push(FinalBlock {
                block: node.block.clone(),
                changes: std::mem::take(&mut node.changes),
            });
            hash = node.block.header().parent_hash;
        }
        blocks.reverse();
        let mut pruned = Vec::new();
        for FinalBlock { block, .. } in &blocks {
            self.retain_at(block.number(), &mut pruned, |node| node.block.hash == block.hash);
        }
        let mut parents = vec![block.hash];
        let mut number = block.number();
        while let Some(next) = number.checked_add(1).filter(|next| self.heights.contains_key(next)) {
            self.retain_at(next, &mut pruned, |node| {
                parents.contains(&node.block.header().parent_hash)
            });
            parents = self.heights.get(&next).cloned().unwrap_or_default();
            number = next;
        }
        self.finalized = block.clone();
        while self.oldest().saturating_add(STATES_KEPT as u64) <= block.number() {
            for hash in self.heights.pop_first().into_iter().flat_map(|(_, hashes)| hashes) {
                self.nodes.remove(&hash);
            }
        }
        Finality { blocks, pruned }
    }

    fn retain_at(&mut self, number: u64, gone: &mut Vec<B256>, keep: impl Fn(&Node) -> bool) {
        let Some(hashes) = self.heights.get_mut(&number) else {
            return;
        };
        let (left, lost): (Vec<B256>, Vec<B256>) =
            hashes.iter().partition(|hash| self.nodes.get(*hash).is_some_and(&keep));
        if left.is_empty() {
            self.heights.remove(&number);
        } else {
            *hashes = left;
        }
        for hash in &lost {
            self.nodes.remove(hash);
        }
        gone.extend(lost);
    }

    #[cfg(test)]
    pub(super) fn sizes(&self) -> [usize; 2] {
        [self.nodes.len(), self.heights.values().map(Vec::len).sum()]
    }
}

/// Executed blocks that stand nowhere yet, the latest of them.
#[derive(Debug, Default)]
pub(super) struct Candidates {
    held: VecDeque<ExecutedBlock>,
}

impl Candidates {
    pub(super) fn get(&self, hash: &B256) -> Option<&ExecutedBlock> {
        self.held.iter().find(|held| held.sealed.hash == *hash)
    }

    pub(super) fn hold(&mut self, executed: ExecutedBlock) {
        self.take(&executed.sealed.hash);
        if self.held.len() == CANDIDATES_KEPT {
            self.held.pop_front();
        }
        self.held.push_back(executed);
    }

    pub(super) fn take(&mut self, hash: &B256) -> Option<ExecutedBlock> {
        let index = self.held.iter().position(|held| held.sealed.hash == *hash)?;
        self.held.remove(index)
    }

    /// Drops blocks that can stand nowhere any more.
    pub(super) fn forget(&mut self, finalized: u64) {
        self.held.retain(|held| held.sealed.number() > finalized);
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.held.len()
    }
}
