//! A walk along the headers of a branch, before any of its blocks is taken in.
//!
//! What a branch of work is worth is in its headers alone. Whoever joins a chain, or was away from it, walks along the headers that a
//! peer shows, and takes the blocks in only where no other peer has more: as many easy blocks as the confirmations cost next to
//! nothing on an old block, since its successors may say that they came late, and would be final here for good.

use super::{PowRules, check, tree::TIMES};
use crate::{Header, Millis, SealError};
use alloy_primitives::{B256, U256};
use std::collections::VecDeque;

/// The longest walk, in headers: 128 MiB of hashes.
pub const WALK_MAX: usize = 1 << 22;

/// Headers that follow each other from a stored block on, each with its puzzle solved.
#[derive(Clone, Debug)]
pub struct Walk {
    rules: PowRules,
    genesis: Header,
    start: B256,
    last: Header,
    /// Timestamps up to the last header's, which comes first: eleven, or all there are.
    times: VecDeque<u64>,
    weight: U256,
    hashes: Vec<B256>,
}

impl Walk {
    /// Begins at a stored block. `times` are those up to its own, which comes first; `weight` is the work of all blocks up to it.
    pub fn new(rules: PowRules, genesis: Header, from: Header, times: Vec<u64>, weight: U256) -> Self {
        Self {
            rules,
            genesis,
            start: from.hash,
            last: from,
            times: times.into(),
            weight,
            hashes: Vec::new(),
        }
    }

    /// Goes to the next header.
    ///
    /// # Errors
    /// Why it may not stand there; the walk stays where it was.
    pub fn step(&mut self, now: Millis, header: Header) -> Result<(), SealError> {
        if self.hashes.len() == WALK_MAX {
            return Err(SealError::TooFar(header.number));
        }
        let times = self.times.make_contiguous();
        check::place(&self.rules, now, &header, &self.last, times, &self.genesis)?;
        check::solution(&header)?;
        self.weight = self.weight.saturating_add(header.difficulty);
        self.times.push_front(header.timestamp);
        self.times.truncate(TIMES);
        self.hashes.push(header.hash);
        self.last = header;
        Ok(())
    }

    /// The stored block that it began at.
    pub const fn start(&self) -> B256 {
        self.start
    }

    /// Where it has come to.
    pub const fn last(&self) -> &Header {
        &self.last
    }

    /// The work of all blocks up to there.
    pub const fn weight(&self) -> U256 {
        self.weight
    }

    /// Hashes of the headers, in their order.
    pub fn into_hashes(self) -> Vec<B256> {
        self.hashes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pow::retarget::difficulty_after;
    use crate::pow::testing::{child, header, rules, solved};

    /// The next header of a walk, with the nonce that solves it.
    fn next(walk: &Walk) -> Header {
        let difficulty = difficulty_after(&walk.rules, &walk.genesis, walk.last());
        solved(child(walk.last(), 1, difficulty.to())).header
    }

    fn walk() -> Walk {
        let genesis = header(0);
        let times = vec![genesis.timestamp];
        Walk::new(rules(), genesis.clone(), genesis.clone(), times, genesis.difficulty)
    }

    #[test]
    fn a_walk_sums_up_the_work_of_what_it_passes() {
        let (mut walk, mut work) = (walk(), header(0).difficulty);
        for number in 1..=40 {
            let next = next(&walk);
            work += next.difficulty;
            walk.step(u64::MAX, next.clone()).unwrap();
            assert_eq!((walk.last().number, walk.weight()), (number, work));
            assert_eq!(walk.hashes.last(), Some(&next.hash));
            assert!(walk.times.len() <= TIMES);
        }
        assert_eq!(walk.into_hashes().len(), 40);
    }

    #[test]
    fn what_does_not_follow_is_not_walked_on() {
        let mut walk = walk();
        let good = next(&walk);
        walk.step(u64::MAX, good.clone()).unwrap();
        let after = next(&walk);
        let mut unsolved = after.clone();
        // Some nonce near by does not solve it: the puzzle takes many.
        while check::solution(&unsolved).is_ok() {
            unsolved.nonce += 1;
        }
        assert_eq!(walk.step(u64::MAX, unsolved), Err(SealError::Unsolved(2)));
        let easier = Header {
            difficulty: after.difficulty - U256::ONE,
            ..after.clone()
        };
        assert!(matches!(walk.step(u64::MAX, easier), Err(SealError::Difficulty { .. })));
        assert!(matches!(
            walk.step(u64::MAX, good.clone()),
            Err(SealError::Parent { number: 1, parent: 1 })
        ));
        assert!(matches!(walk.step(0, after.clone()), Err(SealError::TooLate { .. })));
        assert_eq!((walk.last(), walk.hashes.len()), (&good, 1), "it stays where it was");
        walk.step(u64::MAX, after).unwrap();
    }
}
