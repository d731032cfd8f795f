//! The node itself: its providers, wallet, settings and invitation.

use crate::time::Time;
use rayswarm_model::{Amount, JobId};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A provider this node knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
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
    pub memory_bytes: u64,
    /// Measured speed in WU per second.
    pub wu_per_second: f64,
    /// Base units per WU-hour.
    #[schema(value_type = String)]
    pub price_per_wu_hour: Amount,
    /// Measured round-trip time in milliseconds, when measured.
    pub rtt_ms: Option<f64>,
    /// Comparison classes, one per engine, shortened.
    pub classes: Vec<String>,
    /// What it renders on: `cpu`, `cuda`…
    pub device: String,
    /// Seconds since it was last heard of.
    pub last_seen_s: f64,
    /// Whether it is known on chain.
    pub registered: bool,
    /// Whether it is this node's own provider role.
    pub own: bool,
    /// Whose it is.
    pub tier: ProviderTier,
    /// Whether it renders for this node now.
    pub busy: bool,
    /// Its tasks that were verified, over all jobs of this node.
    pub tasks_verified: u64,
    /// Its results that were rejected, over all jobs of this node.
    pub tasks_rejected: u64,
    /// What this node has paid it.
    #[schema(value_type = String)]
    pub earned: Amount,
}

/// Whose machine a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProviderTier {
    /// This node's own account is paid.
    Private,
    /// Somebody else's.
    Open,
}

/// The wallet of this node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalletView {
    /// The account.
    pub account: String,
    /// Payment token balance in base units.
    #[schema(value_type = String)]
    pub tokens: Amount,
    /// Native coin for fees, in wei.
    #[schema(value_type = String)]
    pub native: Amount,
    /// Decimals of the payment token.
    pub token_decimals: u8,
    /// Its symbol.
    pub token_symbol: String,
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
    /// Whether test money can be had: on the development chain only.
    pub faucet: bool,
    /// Locked in the escrow by this node's jobs.
    #[schema(value_type = String)]
    pub locked: Amount,
    /// Vouchers this node holds as a provider and has not redeemed.
    pub vouchers: Vec<VoucherView>,
}

/// A promise of payment this node holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct VoucherView {
    /// The job it was given in.
    #[schema(value_type = String)]
    pub job: JobId,
    /// All that was earned in the job.
    #[schema(value_type = String)]
    pub cumulative: Amount,
    /// Until when it can be redeemed.
    #[schema(value_type = String, format = DateTime)]
    pub deadline: Time,
}

/// What moved money.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WalletEntryKind {
    /// A budget was locked.
    Opened,
    /// Providers were paid from it.
    Paid,
    /// The rest came back.
    Refunded,
    /// This node was paid as a provider.
    Earned,
}

/// One line of the wallet's history.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WalletEntry {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// What.
    pub kind: WalletEntryKind,
    /// For which job.
    #[schema(value_type = String)]
    pub job: JobId,
    /// How much, in base units.
    #[schema(value_type = String)]
    pub amount: Amount,
    /// The transaction.
    pub transaction: Option<String>,
    /// Number of its block.
    pub block: Option<u64>,
}

/// An engine of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EngineView {
    /// The adapter: `blender`, `povray`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// How the node was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeSettings {
    /// What this node asks as a provider, in base units per WU-hour.
    #[schema(value_type = Option<String>)]
    pub price_per_wu_hour: Option<Amount>,
    /// Threads of one session as a provider.
    pub threads: Option<u32>,
    /// Bytes one session may use as a provider.
    pub memory_bytes: Option<u64>,
    /// Bytes the cache of scenes may take.
    pub cache_bytes: u64,
    /// Where the HTTP API answers.
    pub http: String,
}

/// The running node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeView {
    /// Node id.
    pub id: String,
    /// Version of the program.
    pub version: String,
    /// Whether the provider role is on.
    pub provides: bool,
    /// Whether the provider role has measured itself and takes tasks.
    pub provider_ready: bool,
    /// Whether its owner has asked the provider role to rest.
    pub provider_paused: bool,
    /// Chain id.
    pub chain_id: u64,
    /// JSON-RPC address of the chain.
    pub rpc: String,
    /// Jobs that are not final.
    pub active_jobs: u64,
    /// Seconds since the node started.
    pub uptime_s: u64,
    /// Process id.
    pub pid: u32,
    /// Engines installed here.
    pub engines: Vec<EngineView>,
    /// How engines are kept apart from the machine; a sentence.
    pub sandbox: String,
    /// Whether the API answers this machine only.
    pub loopback: bool,
    /// How the node was started.
    pub settings: NodeSettings,
}

/// What may be changed while the node runs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NodeChange {
    /// Rest as a provider: running tasks are finished, no others taken.
    pub provider_paused: Option<bool>,
    /// What this node asks from now on, in base units per WU-hour.
    #[schema(value_type = Option<String>, pattern = "^[0-9]{1,38}$")]
    pub price_per_wu_hour: Option<Amount>,
}

/// A ticket with which another machine joins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct InviteView {
    /// The ticket.
    pub ticket: String,
}
