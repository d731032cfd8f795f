//! The headers from the last final block on, each with the work of the chain that it ends.

use crate::Header;
use alloy_primitives::{B256, U256};
use std::collections::{BTreeMap, BTreeSet};

/// How many times the median is of.
pub const TIMES: usize = 11;

/// The block that a [`Tree`] begins with: the last final one, or the genesis block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Root {
    /// The block.
    pub header: Header,
    /// The sum of all difficulties from genesis to it.
    pub work: U256,
    /// Timestamps of the blocks before it, its parent's first: ten, or all there are.
    pub times: Vec<u64>,
}

impl Root {
    /// The genesis block.
    pub fn genesis(header: Header) -> Self {
        Self {
            work: header.difficulty,
            header,
            times: Vec::new(),
        }
    }
}

/// What became of a header that was put into a [`Tree`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed {
    /// It is the new head.
    Head,
    /// Another chain has as much work or more.
    Aside,
    /// It was there before.
    Known,
    /// It descends from no block here: it is on a branch that leaves the chain below the root.
    Nowhere,
}

/// The fork choice: the head is the block with the most work behind it, and of several the one that was here first.
///
/// As many headers as there are blocks above the final one, on any branch. Each has solved its puzzle and was executed and
/// stored, so a header here is the least of what a block costs.
#[derive(Clone, Debug)]
pub struct Tree {
    /// The root and what descends from it.
    entries: BTreeMap<Place, Entry>,
    root: Root,
    head: Entry,
}

/// Height and hash: orders parents before children.
type Place = (u64, B256);

#[derive(Clone, Debug)]
struct Entry {
    header: Header,
    work: U256,
}

impl Entry {
    fn place(&self) -> Place {
        (self.header.number, self.header.hash)
    }

    fn parent_place(&self) -> Option<Place> {
        Some((self.header.number.checked_sub(1)?, self.header.parent))
    }
}

impl Tree {
    /// A tree of one block.
    pub fn new(root: Root) -> Self {
        let head = Entry {
            header: root.header.clone(),
            work: root.work,
        };
        Self {
            entries: BTreeMap::from([(head.place(), head.clone())]),
            root,
            head,
        }
    }

    /// Puts a header below its parent.
    pub fn insert(&mut self, header: Header) -> Placed {
        let mut entry = Entry {
            header,
            work: U256::ZERO,
        };
        if self.entries.contains_key(&entry.place()) {
            return Placed::Known;
        }
        let Some(parent) = entry.parent_place().and_then(|place| self.entries.get(&place)) else {
            return Placed::Nowhere;
        };
        entry.work = parent.work.saturating_add(entry.header.difficulty);
        let better = entry.work > self.head.work;
        if better {
            self.head = entry.clone();
        }
        self.entries.insert(entry.place(), entry);
        if better { Placed::Head } else { Placed::Aside }
    }

    /// A block of this tree by height and hash, and the sum of all difficulties from genesis to it.
    pub fn get(&self, place: (u64, B256)) -> Option<(&Header, U256)> {
        self.entries.get(&place).map(|entry| (&entry.header, entry.work))
    }

    /// The end of the best chain.
    pub const fn head(&self) -> &Header {
        &self.head.header
    }

    /// The sum of all difficulties from genesis to the head.
    pub const fn work(&self) -> U256 {
        self.head.work
    }

    /// The last final block.
    pub const fn root(&self) -> &Root {
        &self.root
    }

    /// Makes the block final that is `depth` below the head, and forgets all that does not descend from it. What it is, if
    /// it was not final before.
    pub fn finalize(&mut self, depth: u64) -> Option<B256> {
        let number = self.head.header.number.checked_sub(depth)?;
        if number <= self.root.header.number {
            return None;
        }
        let last = self
            .chain(&self.head)
            .find(|entry| entry.header.number == number)?
            .clone();
        let times = self.times(&last.header).into_iter().skip(1).collect();
        self.root = Root {
            header: last.header,
            work: last.work,
            times,
        };
        self.prune();
        Some(self.root.header.hash)
    }

    /// Timestamps of a block of this tree and of those before it, its own first: eleven, or all there are.
    pub fn times(&self, header: &Header) -> Vec<u64> {
        let entry = self.entries.get(&(header.number, header.hash));
        let above = entry
            .into_iter()
            .flat_map(|entry| self.chain(entry))
            .map(|entry| entry.header.timestamp);
        above.chain(self.root.times.iter().copied()).take(TIMES).collect()
    }

    /// An entry, its parent and so on to the root.
    fn chain<'a>(&'a self, entry: &'a Entry) -> impl Iterator<Item = &'a Entry> {
        std::iter::successors(Some(entry), |entry| self.entries.get(&entry.parent_place()?))
    }

    fn prune(&mut self) {
        let root = (self.root.header.number, self.root.header.hash);
        let mut kept = BTreeSet::from([root]);
        self.entries.retain(|place, entry| {
            let keeps = *place == root || entry.parent_place().is_some_and(|parent| kept.contains(&parent));
            if keeps {
                kept.insert(*place);
            }
            keeps
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pow::testing::{child, header};

    fn tree() -> (Tree, Header) {
        let genesis = header(0);
        (Tree::new(Root::genesis(genesis.clone())), genesis)
    }

    #[test]
    fn most_work_wins_not_most_blocks_and_first_seen_wins_ties() {
        let (mut tree, genesis) = tree();
        let light = [child(&genesis, 1, 10)];
        let second = child(&light[0], 1, 10);
        let tied = child(&genesis, 2, 20);
        let heavy = child(&genesis, 3, 21);
        assert_eq!(tree.insert(light[0].clone()), Placed::Head);
        assert_eq!(tree.insert(second.clone()), Placed::Head);
        assert_eq!(tree.insert(second.clone()), Placed::Known);
        assert_eq!(tree.insert(tied), Placed::Aside);
        assert_eq!(tree.head(), &second);
        assert_eq!(tree.insert(heavy.clone()), Placed::Head);
        assert_eq!(tree.head(), &heavy);
        assert_eq!(tree.work(), genesis.difficulty + U256::from(21));
    }

    #[test]
    fn what_descends_from_nothing_here_has_no_place() {
        let (mut tree, genesis) = tree();
        let orphan = child(&child(&genesis, 1, 10), 1, 10);
        assert_eq!(tree.insert(orphan), Placed::Nowhere);
        let mut second_genesis = header(0);
        second_genesis.hash = B256::repeat_byte(0xee);
        assert_eq!(tree.insert(second_genesis), Placed::Nowhere);
        let mut skips = child(&genesis, 1, 10);
        skips.number = 2;
        assert_eq!(tree.insert(skips), Placed::Nowhere, "a height is left out");
    }

    #[test]
    fn what_is_final_stays_and_branches_below_it_are_forgotten() {
        let (mut tree, genesis) = tree();
        let mut chain = vec![genesis.clone()];
        for _ in 0..5 {
            let next = child(&chain[chain.len() - 1], 1, 10);
            assert_eq!(tree.insert(next.clone()), Placed::Head);
            chain.push(next);
        }
        let forks = [child(&chain[1], 2, 10), child(&chain[3], 2, 10)];
        let upper = child(&forks[0], 2, 10);
        for fork in forks.iter().chain([&upper]) {
            assert_eq!(tree.insert(fork.clone()), Placed::Aside);
        }
        assert_eq!(tree.finalize(6), None, "there is no block that far down");
        assert_eq!(tree.finalize(2), Some(chain[3].hash));
        assert_eq!(tree.finalize(2), None, "it is final already");
        assert_eq!(tree.root().work, genesis.difficulty + U256::from(30));
        assert_eq!(tree.entries.len(), 4, "two above the final block, and one fork there");
        let heavier = child(&upper, 2, 1_000_000);
        assert_eq!(tree.insert(heavier), Placed::Nowhere);
        let heavier = child(&forks[1], 2, 1_000_000);
        assert_eq!(
            tree.insert(heavier.clone()),
            Placed::Head,
            "above the final block anything goes"
        );
        assert_eq!(
            tree.finalize(2),
            None,
            "a heavier chain may be shorter; what is final stays"
        );
        assert_eq!(tree.finalize(1), Some(forks[1].hash));
    }

    #[test]
    fn the_eleven_times_reach_below_the_final_block() {
        let (mut tree, mut parent) = tree();
        for number in 1..=30 {
            parent = child(&parent, 1, 10);
            tree.insert(parent.clone());
            tree.finalize(3);
            let times = tree.times(&parent);
            let expected: Vec<u64> = (0..=number)
                .rev()
                .take(TIMES)
                .map(|number| header(number).timestamp)
                .collect();
            assert_eq!(times, expected, "at block {number}");
            assert!(tree.root().times.len() < TIMES);
        }
    }
}
