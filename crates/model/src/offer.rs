//! What a provider advertises.

use crate::{
    ids::NodeId,
    money::WorkPrice,
    settings::Device,
    units::{Bytes, UnixMillis},
};
use alloy_primitives::{Address, B256};
use serde::{Deserialize, Serialize};

/// Nodes whose published probe picture has the same pixel hash render bit for bit alike: engine build, CPU kernels, GPU
/// family. Measured, never claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ComparisonClass(pub B256);

/// An engine a provider has installed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EngineOffer {
    /// The adapter: `blender`, `povray`.
    pub name: String,
    /// Exact version.
    pub version: String,
    /// Its measured comparison class.
    pub class: ComparisonClass,
}

/// What a provider has for sessions of commands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CommandsOffer {
    /// Sessions at a time.
    pub sessions: u32,
    /// Its processor family in the words of Open Job Description: `x86_64`, `arm64`.
    pub architecture: String,
}

/// What a provider advertises; signed by its account, and good until it is replaced.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Offer {
    /// The node.
    pub node: NodeId,
    /// The account that is paid.
    pub account: Address,
    /// Engines it can start at once.
    pub engines: Vec<EngineOffer>,
    /// Threads one session uses.
    pub threads: u32,
    /// Memory one session may use.
    pub memory: Bytes,
    /// Measured speed in thousandths of WU per second.
    pub benchmark_milli_wu: u64,
    /// What it asks.
    pub price: WorkPrice,
    /// The device it renders on.
    pub device: Device,
    /// Whether strangers' scenes run in a sandbox there.
    pub sandboxed: bool,
    /// Sessions of commands it runs, if any. For whom is told when one is ordered.
    pub commands: Option<CommandsOffer>,
    /// When it was made.
    pub issued_at: UnixMillis,
}

impl Offer {
    /// The engine of this name and version, if offered.
    pub fn engine(&self, name: &str, version: &str) -> Option<&EngineOffer> {
        self.engines
            .iter()
            .find(|engine| engine.name == name && engine.version == version)
    }
}
