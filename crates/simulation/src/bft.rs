//! Validators of pos and dpos in a seeded world: links that lose, delay and part, nodes that crash with all that was not
//! durable and come back, validators that say one thing to some and another to others.
//!
//! | module | holds |
//! |---|---|
//! | `toy` | blocks with nothing in them, and who votes at which height |
//! | `node` | one node: its store, its log, its timers, its consensus |
//! | `cheat` | what an equivocator makes of what it should say |
//! | `world` | time, links, crashes, and the laws that must hold |

mod cheat;
mod node;
mod toy;
mod world;

use alloy_primitives::{Address, B256};
use rayswarm_consensus::{SealError, bft::BftRules};

/// How validators come to their power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// By stake, which moves in each epoch: everybody votes.
    Stake,
    /// By election in each epoch: some vote, all alike.
    Election,
}

/// What a run showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many nodes there were.
    pub nodes: usize,
    /// Who equivocated.
    pub cheats: Vec<Address>,
    /// Who was accused by honest nodes.
    pub accused: Vec<Address>,
    /// The lowest height of an honest node.
    pub height: u64,
    /// Hash of the block there.
    pub tip: B256,
    /// How often nodes crashed.
    pub crashes: u32,
    /// How often a log was read that held something.
    pub replays: u32,
    /// Blocks that were fetched from peers.
    pub fetched: u32,
    /// Fetched blocks that were refused.
    pub refused: u32,
    /// Blocks that were decided in a later round than the first.
    pub late_rounds: u32,
    /// From the end of the faults until everybody was on, in milliseconds.
    pub recovery_millis: u64,
    /// Events in all.
    pub events: u64,
}

/// A law that did not hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// Two honest nodes have two blocks at one height.
    #[error("node {node} has another block at height {height}")]
    Agreement {
        /// One of them.
        node: usize,
        /// The height.
        height: u64,
    },
    /// A final block is not in the chain that its node stored.
    #[error("node {node} calls a block final that is not in its chain above what was final")]
    Finality {
        /// The node.
        node: usize,
    },
    /// An honest node was accused, or evidence proves nothing.
    #[error("node {node} accuses {accused} wrongly")]
    Accusation {
        /// By whom.
        node: usize,
        /// Who.
        accused: Address,
    },
    /// Somebody heard both words of an equivocator and did not say so.
    #[error("node {node} heard {culprit} say two things at height {height} and accused nobody")]
    Silence {
        /// Who heard.
        node: usize,
        /// Who said it.
        culprit: Address,
        /// The height.
        height: u64,
    },
    /// An honest node is said to have misbehaved.
    #[error("node {node} parts with the honest node {peer}: {reason}")]
    Slander {
        /// By whom.
        node: usize,
        /// Who.
        peer: usize,
        /// Why.
        reason: &'static str,
    },
    /// A node refuses what an honest one decided.
    #[error("node {node} refuses a seal of honest making: {reason}")]
    Refusal {
        /// The node.
        node: usize,
        /// Why.
        reason: SealError,
    },
    /// Something left before what led to it was durable.
    #[error("node {node} speaks before its log is durable")]
    Unsynced {
        /// The node.
        node: usize,
    },
    /// Honest nodes stand still though nothing is wrong any more.
    #[error("{millis} ms after the last fault honest nodes are at {heights:?}, below {goal}")]
    Liveness {
        /// How long they were given.
        millis: u64,
        /// Where they are.
        heights: Vec<u64>,
        /// Where they should be.
        goal: u64,
    },
}

/// Runs one world.
///
/// # Errors
/// The first law that did not hold.
pub fn run(seed: u64, power: Power) -> Result<Report, Broken> {
    world::World::new(seed, power).run()
}

/// Short waits, so that a run has many rounds.
pub(crate) fn rules() -> BftRules {
    BftRules {
        block_millis: 150,
        propose_millis: 300,
        propose_growth_millis: 100,
        prevote_millis: 150,
        prevote_growth_millis: 100,
        precommit_millis: 150,
        precommit_growth_millis: 100,
        timeout_millis_max: 3_000,
        resend_millis: 250,
        ahead_seconds_max: 2,
    }
}
