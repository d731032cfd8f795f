//! The chain for its explorer.

use crate::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// How blocks are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsensusView {
    /// The embedded development chain: this node seals every block.
    Solo,
    /// Proof of work, kept by this node with others.
    Pow,
    /// Proof of stake, kept by this node with others.
    Pos,
    /// Delegated proof of stake, kept by this node with others.
    Dpos,
    /// Another chain, reached by JSON-RPC.
    Remote,
}

/// The chain in short.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ChainView {
    /// EIP-155 id.
    pub chain_id: u64,
    /// How blocks are ordered.
    pub consensus: ConsensusView,
    /// Number of the newest block.
    pub height: u64,
    /// Number of the newest block that stays.
    pub finalized: u64,
    /// Seconds between the last blocks, on average; none with fewer than two.
    pub block_time_s: Option<f64>,
    /// Who seals, among the last blocks.
    pub validators: Vec<ValidatorView>,
}

/// Who seals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ValidatorView {
    /// Its account.
    pub account: String,
    /// Its voting power; 1 where there is none.
    pub weight: String,
    /// Blocks it sealed among the last hundred.
    pub blocks: u64,
}

/// A block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BlockView {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: String,
    /// The hash of the one before.
    pub parent: String,
    /// When it was sealed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// Hashes of its transactions.
    pub transactions: Vec<String>,
    /// Gas used.
    pub gas_used: u64,
    /// Gas at most.
    pub gas_limit: u64,
    /// Who sealed it.
    pub proposer: String,
    /// Its size in bytes.
    pub bytes: u64,
}

/// A transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TransactionView {
    /// Its hash.
    pub hash: String,
    /// Number of its block.
    pub block: u64,
    /// Who sent it.
    pub from: String,
    /// Whom it calls; none when it makes a contract.
    pub to: Option<String>,
    /// Native coin sent along, in wei.
    pub value: String,
    /// Gas used.
    pub gas_used: u64,
    /// Whether it succeeded.
    pub ok: bool,
    /// The function called, where it is one of ours.
    pub method: Option<String>,
    /// What it made known.
    pub events: Vec<ChainEventView>,
}

/// One log entry of a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ChainEventView {
    /// The event's name; its topic where it is none of ours.
    pub name: String,
    /// Its fields as a sentence.
    pub text: String,
}

/// Which blocks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct BlocksQuery {
    /// Blocks below this number; from the newest on by default.
    #[param(maximum = 9_007_199_254_740_991u64)]
    pub before: Option<u64>,
    /// Blocks at most.
    #[param(minimum = 1, maximum = 100)]
    pub limit: Option<u32>,
}
