//! Which branch is worth taking in, by pow: the heaviest that any peer shows, seen by its headers before any of its blocks.
//!
//! A node whose head is old, because it joins or was away, could be given a branch of easy blocks that a liar made in a moment, and
//! would make it final. So it waits until its peers are there, believes the one that claims most only as far as it shows the
//! work, and neither takes in blocks that it did not ask for nor mines until then.

use std::time::{Duration, Instant};

use alloy_primitives::{B256, U256};
use rayswarm_consensus::{PowRules, SealError, Walk};
use rayswarm_model::NodeId;
use rayswarm_network::{ChainQuestion, chain::HEADERS_MAX};

use super::{
    Running,
    import::{Branch, Fetching},
    now,
};
use crate::chain::ledger::{chained, read_header};

/// How long a node that begins waits for peers to join and tell of their branches.
const PATIENCE: Duration = Duration::from_secs(10);

/// What branches are compared by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weighing {
    rules: PowRules,
    begun: Instant,
}

impl Weighing {
    pub(super) fn new(rules: PowRules) -> Self {
        Self {
            rules,
            begun: Instant::now(),
        }
    }

    /// How many blocks of one branch make one of it final.
    fn confirmations(&self) -> u64 {
        self.rules.confirmations.get().into()
    }
}

impl Running {
    /// Whether the head is so young that whatever stands on it costs what all miners' blocks cost. By votes it does not matter.
    pub(super) fn is_level(&self) -> bool {
        self.weighing.is_none_or(|weighing| {
            let span = weighing.confirmations() * u64::from(weighing.rules.block_seconds.get());
            self.ledger.head_time().saturating_add(span) >= now() / 1_000
        })
    }

    /// Whether all peers that can be heard soon have been heard.
    fn is_patient(&self, weighing: &Weighing) -> bool {
        self.peers.all_known_are_joined() || weighing.begun.elapsed() >= PATIENCE
    }

    /// Whether a block of this node's own would stand on the best branch that it can know of.
    pub(super) fn may_mine(&self) -> bool {
        self.weighing.is_none_or(|weighing| {
            let is_best = || self.peers.heaviest_above(self.consensus.weight()).is_none();
            self.is_level() || (self.is_patient(&weighing) && is_best())
        })
    }

    /// Whether a branch up to this height is to be looked at now. A long one waits for others.
    pub(super) fn is_time_for(&self, height: u64) -> bool {
        self.weighing.is_none_or(|weighing| {
            let is_long = height.saturating_sub(self.ledger.head().0) >= weighing.confirmations();
            !is_long || self.is_patient(&weighing)
        })
    }

    /// A peer has answered with headers.
    pub(super) fn walk_on(&mut self, fetching: Fetching, walk: Option<Box<Walk>>, headers: &[Vec<u8>]) {
        let from = fetching.from;
        let mut walk = walk.map(|walk| *walk);
        for bytes in headers {
            let header = match read_header(bytes) {
                Ok(header) => header,
                Err(error) => return self.peers.shun(from, &chained(&error)),
            };
            if walk.is_none() {
                walk = self.consensus.walk((header.number.wrapping_sub(1), header.parent));
            }
            let Some(walked) = &mut walk else {
                tracing::warn!(node = %from, number = header.number, "a peer's branch leaves this chain below its final block");
                return self.peers.disbelieve(from);
            };
            if let Err(error) = self.ledger.check_place(header.number, &header.hash) {
                return self.peers.shun(from, &error.to_string());
            }
            match walked.step(now(), header) {
                Ok(()) => {}
                // It may have gone over to another branch in between, and its clock or this one's may be wrong.
                Err(error @ (SealError::Parent { .. } | SealError::TooLate { .. } | SealError::TooFar(_))) => {
                    tracing::debug!(node = %from, %error, "a peer's branch was not walked along");
                    return self.peers.disbelieve(from);
                }
                Err(error) => return self.peers.shun(from, &error.to_string()),
            }
        }
        match walk {
            Some(walk) if headers.len() == HEADERS_MAX => {
                let question = ChainQuestion::HeadersAfter(vec![walk.last().hash]);
                self.ask(
                    Fetching {
                        branch: Branch::Headers(Some(Box::new(walk))),
                        ..fetching
                    },
                    question,
                );
            }
            walk => self.walked(&fetching, walk),
        }
    }

    /// The walk has come to the end of a peer's branch.
    fn walked(&mut self, fetching: &Fetching, walk: Option<Walk>) {
        let from = fetching.from;
        let shown = walk.as_ref().map_or(U256::ZERO, Walk::weight);
        if shown < fetching.claimed && shown > U256::ZERO {
            return self.peers.shun(from, "it claims more work than its headers show");
        }
        let Some(walk) = walk.filter(|walk| walk.weight() > self.consensus.weight()) else {
            return if shown > U256::ZERO {
                self.peers.forget_head(from);
            } else {
                self.peers.disbelieve(from);
            };
        };
        if self.peers.heaviest_above(shown).is_some() {
            // Somebody has come who claims more.
            return self.fetch_if_behind();
        }
        let after = walk.start();
        let awaited = walk.into_hashes();
        tracing::debug!(node = %from, blocks = awaited.len(), "the best branch that peers show");
        self.fetch_awaited(from, after, awaited, 0);
    }

    /// Asks for the blocks of a branch that was walked along, from the one on whose turn it is.
    pub(super) fn fetch_awaited(&mut self, from: NodeId, after: B256, awaited: Vec<B256>, next: usize) {
        if next == awaited.len() {
            return self.fetch_if_behind();
        }
        let fetching = Fetching {
            from,
            claimed: U256::ZERO,
            branch: Branch::Weighed { awaited, next },
        };
        self.ask(fetching, ChainQuestion::BlocksAfter(vec![after]));
    }
}
