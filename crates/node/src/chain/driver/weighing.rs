//! Which branch is worth taking in, by pow: the heaviest that any peer shows, seen by its headers before any of its blocks.
//!
//! A node whose head is old, because it joins or was away, could be given a branch of easy blocks that a liar made in a moment, and
//! would make it final. So it waits until its peers are there, believes the one that claims most only as far as it shows the
//! work, and neither takes in blocks that it did not ask for nor mines until then.

use std::{
    collections::HashSet,
    time::{Duration, Instant},
};

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

/// The best branch that a peer has shown by its headers. Others that say they have more are heard before its blocks are fetched: each
/// once, and those only who were joined when the first branch was shown. There is no end to who may still come.
pub(super) struct InHand {
    from: NodeId,
    walk: Walk,
    since: Instant,
    heard: HashSet<NodeId>,
}

impl InHand {
    /// A peer is asked that says it has more.
    pub(super) fn hear(&mut self, node: NodeId) {
        self.heard.insert(node);
    }
}

/// Why a peer's headers are not walked along.
enum Fault {
    /// No honest peer sends them.
    Lie(String),
    /// It may not be the peer's fault.
    Odd(String),
}

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
            let is_seen_to = self.fetching.is_none() && self.in_hand.is_none();
            let is_best = || is_seen_to && self.peers.heaviest_above(self.consensus.weight()).is_none();
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

    /// A peer, which says that so much stands behind its head, has answered with headers.
    pub(super) fn walk_on(&mut self, (from, claimed): (NodeId, U256), walk: Option<Box<Walk>>, headers: &[Vec<u8>]) {
        let mut walk = walk.map(|walk| *walk);
        for bytes in headers {
            if let Err(fault) = self.step(&mut walk, bytes) {
                match fault {
                    Fault::Lie(reason) => self.peers.shun(from, &reason),
                    Fault::Odd(reason) => {
                        tracing::debug!(node = %from, reason, "a peer's branch was not walked along");
                        self.peers.disbelieve(from);
                    }
                }
                return self.fetch_if_behind();
            }
        }
        match walk {
            Some(walk) if headers.len() == HEADERS_MAX => {
                let question = ChainQuestion::HeadersAfter(vec![walk.last().hash]);
                let branch = Branch::Headers(Some(Box::new(walk)));
                self.ask(Fetching { from, claimed, branch }, question);
            }
            walk => {
                self.walked((from, claimed), walk);
                self.fetch_if_behind();
            }
        }
    }

    fn step(&self, walk: &mut Option<Walk>, bytes: &[u8]) -> Result<(), Fault> {
        let header = read_header(bytes).map_err(|error| Fault::Lie(chained(&error)))?;
        if walk.is_none() {
            *walk = self.consensus.walk((header.number.wrapping_sub(1), header.parent));
        }
        let Some(walked) = walk else {
            return Err(Fault::Odd("it leaves this chain below its final block".into()));
        };
        let place = self.ledger.check_place(header.number, &header.hash);
        place.map_err(|error| Fault::Lie(error.to_string()))?;
        walked.step(now(), header).map_err(|error| match error {
            // It may have gone over to another branch in between, and its clock or this one's may be wrong.
            SealError::Parent { .. } | SealError::TooLate { .. } | SealError::TooFar(_) => {
                Fault::Odd(error.to_string())
            }
            error => Fault::Lie(error.to_string()),
        })
    }

    /// The walk has come to the end of a peer's branch. If it is the best that was seen, it is kept in hand until those who say
    /// that they have more were heard.
    fn walked(&mut self, (from, claimed): (NodeId, U256), walk: Option<Walk>) {
        let shown = walk.as_ref().map_or(U256::ZERO, Walk::weight);
        if shown < claimed && shown > U256::ZERO {
            return self.peers.shun(from, "it claims more work than its headers show");
        }
        self.peers.forget_head(from);
        match walk {
            // What it had may have come by another way meanwhile.
            None if claimed > self.consensus.weight() => self.peers.disbelieve(from),
            None => {}
            Some(walk) => {
                let best = self.in_hand.as_ref().map(|in_hand| in_hand.walk.weight());
                if shown > best.unwrap_or_default().max(self.consensus.weight()) {
                    self.peers.believe(from);
                    let before = self.in_hand.take();
                    let (since, mut heard) = before.map_or_else(
                        || (Instant::now(), HashSet::new()),
                        |before| (before.since, before.heard),
                    );
                    heard.insert(from);
                    self.in_hand = Some(InHand {
                        from,
                        walk,
                        since,
                        heard,
                    });
                }
            }
        }
    }

    /// The peer that is to be asked next, and the height of its head: one that says it has more than is here, and in hand.
    pub(super) fn best_to_ask(&self) -> Option<(NodeId, u64)> {
        let weight = self.consensus.weight();
        match &self.in_hand {
            None => self.peers.heaviest_above(weight),
            Some(in_hand) => {
                let is_heard = |node, since| since <= in_hand.since && !in_hand.heard.contains(&node);
                self.peers.heaviest_of(is_heard, weight.max(in_hand.walk.weight()))
            }
        }
    }

    /// Fetches the blocks of the branch that is in hand, once it is time for one of its height.
    pub(super) fn fetch_in_hand(&mut self) {
        let height = self.in_hand.as_ref().map(|in_hand| in_hand.walk.last().number);
        if !height.is_some_and(|height| self.is_time_for(height)) {
            return;
        }
        let Some(InHand { from, walk, .. }) = self.in_hand.take() else {
            return;
        };
        if walk.weight() <= self.consensus.weight() {
            return;
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
