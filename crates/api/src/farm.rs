//! The node itself: its providers, wallet and invitation.

use rayswarm_model::Amount;
use serde::{Deserialize, Serialize};

/// A provider this node knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProviderView {
    /// Node id.
    pub id: String,
    /// The account that is paid.
    pub account: String,
    /// Engines and versions.
    pub engines: Vec<String>,
    /// Threads per session.
    pub threads: u32,
    /// Bytes one session may use.
    pub memory: u64,
    /// Measured speed in WU per second.
    pub wu_per_second: f64,
    /// Base units per WU-hour.
    pub price_per_wu_hour: Amount,
    /// Measured round-trip time in milliseconds, when measured.
    pub rtt_ms: Option<f64>,
    /// Comparison classes, one per engine, shortened.
    pub classes: Vec<String>,
    /// Seconds since it was last heard of.
    pub last_seen_s: f64,
    /// Whether it is known on chain.
    pub registered: bool,
}

/// The wallet of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WalletView {
    /// The account.
    pub account: String,
    /// Payment token balance in base units.
    pub tokens: Amount,
    /// Native coin for fees, in wei.
    pub native: Amount,
    /// Chain id.
    pub chain_id: u64,
    /// JSON-RPC address of the chain.
    pub rpc: String,
    /// Payment token contract.
    pub token: String,
    /// Escrow contract.
    pub escrow: String,
    /// Registry contract.
    pub registry: String,
}

/// The running node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeView {
    /// Node id.
    pub id: String,
    /// Version of the program.
    pub version: String,
    /// Whether the provider role is on.
    pub provides: bool,
    /// Whether the provider role has measured itself and takes tasks.
    pub provider_ready: bool,
    /// Chain id.
    pub chain_id: u64,
    /// JSON-RPC address of the chain.
    pub rpc: String,
    /// Jobs that are not final.
    pub active_jobs: u64,
    /// Process id.
    pub pid: u32,
}

/// A ticket with which another machine joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InviteView {
    /// The ticket.
    pub ticket: String,
}
