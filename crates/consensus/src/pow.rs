//! Proof of work: whoever finds a nonce makes the next block, and the chain with the most work is the best.
//!
//! | module | holds |
//! |---|---|
//! | [`rules`] | what a chain fixes in its genesis |
//! | [`puzzle`] | the puzzle, and trying a range of nonces |
//! | [`retarget`] | the difficulty of each block (ASERT) |
//! | [`tree`] | headers above the last final block, and the fork choice |
//! | [`walk`] | the headers of a branch, before its blocks are taken in |
//! | `check` | what a header must be at its place: number, time, difficulty, solution |
//!
//! ```text
//! Stored -> Head, Final, Build -> Built -> Mine -> Solved -> Store -> Stored
//! ```
//!
//! Solving is the node's: it tries [`puzzle::search`] on as many threads as it likes and answers with the finished block, nonce and
//! all ([`Event::Solved`]). It may answer [`Output::Build`] again at any time, with other transactions or a later time.
//!
//! A block is final when `confirmations` blocks stand on it, and never given up again: a heavier branch that leaves the chain
//! below is refused, and said to be ([`SealError::BelowFinal`], [`Output::Refuse`]). Nodes that were apart for longer than that
//! are two chains from then on, and people have to choose.
//!
//! There are no messages and no log: what must survive a crash is in the stored blocks, of which [`Pow::new`] makes the same state.

pub mod puzzle;
pub mod retarget;
pub mod rules;
pub mod tree;
pub mod walk;

mod check;
#[cfg(test)]
mod testing;

pub use rules::PowRules;
pub use tree::Root;
pub use walk::Walk;

use crate::{Block, BuildRequest, Consensus, Event, Header, Millis, Output, Seal, SealError, Site, Timer};
use alloy_primitives::{B256, Bytes, U256};
use std::time::Duration;
use tree::{Placed, Tree};

/// The time of the next block has come.
const TIMER_DUE: u8 = 1;

/// Consensus by proof of work, of one node.
#[derive(Clone, Debug)]
pub struct Pow {
    rules: PowRules,
    genesis: Header,
    tree: Tree,
    mines: bool,
}

impl Pow {
    /// Begins at the last block that is known to be final, with the blocks that are stored above it: each after its parent, and
    /// in the order in which they were stored if the head is to be the same among equals. Those that do not descend from
    /// the final block are passed over. With `mines`, every new head leads to a request for a block on it.
    pub fn new(
        rules: PowRules,
        genesis: Header,
        last_final: Root,
        stored: impl IntoIterator<Item = Header>,
        mines: bool,
    ) -> Self {
        let mut tree = Tree::new(last_final);
        for header in stored {
            tree.insert(header);
        }
        Self {
            rules,
            genesis,
            tree,
            mines,
        }
    }

    /// The rules.
    pub const fn rules(&self) -> &PowRules {
        &self.rules
    }

    /// The end of the best chain.
    pub const fn head(&self) -> &Header {
        self.tree.head()
    }

    /// The last final block, with what [`Pow::new`] asks for to begin there.
    pub const fn last_final(&self) -> &Root {
        self.tree.root()
    }

    fn stored(&mut self, header: Header) -> Vec<Output> {
        let (hash, number) = (header.hash, header.number);
        match self.tree.insert(header) {
            Placed::Head => self.head_outputs(),
            Placed::Nowhere => refuse(hash, self.below_final(number)),
            Placed::Aside | Placed::Known => Vec::new(),
        }
    }

    fn head_outputs(&mut self) -> Vec<Output> {
        let mut outputs = vec![Output::Head(self.head().hash)];
        let last_final = self.tree.finalize(self.rules.confirmations.get().into());
        outputs.extend(last_final.map(Output::Final));
        outputs.extend(self.mines.then(|| Output::Build(self.request())));
        outputs
    }

    fn request(&self) -> BuildRequest {
        let head = self.head();
        BuildRequest {
            parent: head.hash,
            nonce: 0,
            difficulty: retarget::difficulty_after(&self.rules, &self.genesis, head),
            timestamp_min: check::timestamp_min(head, &self.tree.times(head)),
        }
    }

    fn built(&self, now: Millis, block: &Block) -> Vec<Output> {
        if let Err(reason) = self.check_next(now, &block.header) {
            return self.wait_or_refuse(now, block.header.hash, reason);
        }
        vec![Output::Mine {
            puzzle: block.header.puzzle,
            target: puzzle::target(block.header.difficulty),
        }]
    }

    fn solved(&self, now: Millis, block: Block) -> Vec<Output> {
        let header = &block.header;
        match self.check_next(now, header).and_then(|()| check::solution(header)) {
            Err(reason) => self.wait_or_refuse(now, header.hash, reason),
            Ok(()) => vec![Output::Store {
                block,
                seal: Seal::Header,
            }],
        }
    }

    /// Where blocks came faster than their times may, the next is built again once its time has come.
    fn wait_or_refuse(&self, now: Millis, hash: B256, reason: SealError) -> Vec<Output> {
        let SealError::TooLate { got, .. } = reason else {
            return refuse(hash, reason);
        };
        let due = got
            .saturating_sub(self.rules.ahead_seconds_max.into())
            .saturating_mul(1_000);
        let after = Duration::from_millis(due.saturating_sub(now));
        vec![Output::Set {
            timer: self.due(),
            after,
        }]
    }

    /// The timer of the block after the head.
    const fn due(&self) -> Timer {
        Timer {
            height: self.head().number.saturating_add(1),
            round: 0,
            kind: TIMER_DUE,
        }
    }

    fn check_next(&self, now: Millis, header: &Header) -> Result<(), SealError> {
        let head = self.head();
        check::place(&self.rules, now, header, head, &self.tree.times(head), &self.genesis)
    }

    fn below_final(&self, number: u64) -> SealError {
        SealError::BelowFinal {
            number,
            last: self.tree.root().header.number,
        }
    }
}

fn refuse(hash: B256, reason: SealError) -> Vec<Output> {
    vec![Output::Refuse { hash, reason }]
}

impl Consensus for Pow {
    fn start(&mut self, _now: Millis, _written: &[Bytes]) -> Vec<Output> {
        self.head_outputs()
    }

    fn handle(&mut self, now: Millis, event: Event) -> Vec<Output> {
        match event {
            Event::Stored { header, .. } => self.stored(header),
            // A block on a former head comes too late to be of use.
            Event::Built { request, block } if request.parent == self.head().hash => self.built(now, &block),
            Event::Solved { block } if block.header.parent == self.head().hash => self.solved(now, block),
            Event::Timer(timer) if self.mines && timer == self.due() => vec![Output::Build(self.request())],
            Event::Built { .. }
            | Event::Solved { .. }
            | Event::Message { .. }
            | Event::Timer(_)
            | Event::Checked { .. } => Vec::new(),
        }
    }

    fn weight(&self) -> U256 {
        self.tree.work()
    }

    fn walk(&self, from: (u64, B256)) -> Option<Walk> {
        let (header, work) = self.tree.get(from)?;
        let times = self.tree.times(header);
        Some(Walk::new(self.rules, self.genesis.clone(), header.clone(), times, work))
    }

    /// Also refuses what would stand beside or below the last final block, before anything is executed for it.
    fn verify_seal(&self, now: Millis, header: &Header, seal: &Seal, site: &Site<'_>) -> Result<(), SealError> {
        if *seal != Seal::Header {
            return Err(SealError::Malformed(header.number));
        }
        if header.number <= self.tree.root().header.number {
            return Err(self.below_final(header.number));
        }
        check::place(&self.rules, now, header, site.parent, site.times, site.genesis)?;
        check::solution(header)
    }
}

#[cfg(test)]
mod tests;
