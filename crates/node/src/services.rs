//! What every role of a node shares.

use crate::config::ENGINE_SILENCE;
use crate::{
    config::Config, engines::Engines, events::Events, identity::Identity, journal::Journal,
    provider::switch::ProviderSwitch, requestor::commands, traces::Traces,
};
use rayswarm_engines::{SessionLimits, commands::CommandLimits};
use rayswarm_model::{Address, B256, settings::Device, signed::Domain};
use rayswarm_network::Network;
use rayswarm_settlement::Settlement;
use std::{path::PathBuf, sync::Arc};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// The shared services of one node. Each role has its own endpoint and so its own copy; all else is the same.
#[derive(Clone)]
pub struct Services {
    /// Settings.
    pub config: Config,
    /// Keys.
    pub identity: Arc<Identity>,
    /// What must outlive the process.
    pub journal: Journal,
    /// What happens, told.
    pub events: Arc<Events>,
    /// Where spans are told.
    pub traces: Traces,
    /// What the owner of this machine wishes of its provider role.
    pub switch: Arc<ProviderSwitch>,
    /// Renderers.
    pub engines: Arc<Engines>,
    /// Peers and blobs.
    pub network: Network,
    /// The contracts.
    pub settlement: Arc<Settlement>,
    /// JSON-RPC of the chain, as this node reaches it.
    pub rpc_url: String,
    /// Where signatures are valid.
    pub domain: Domain,
    /// The contract that judges quarrels, on its chain: [`crate::quarrels::court`].
    pub court: B256,
    /// Turns of sessions of commands, those for this node's own jobs and for others' together.
    pub command_turns: Arc<Semaphore>,
    /// Every task of the node.
    pub tracker: TaskTracker,
    /// Cancelled when the node stops.
    pub stop: CancellationToken,
}

impl Services {
    /// A folder of this name in the data folder.
    pub fn folder(&self, name: &str) -> PathBuf {
        self.config.data_dir.join(name)
    }

    /// Whether an account belongs to the owner of this node.
    pub fn is_own_account(&self, account: Address) -> bool {
        account == self.identity.account.address() || self.config.own_accounts.contains(&account)
    }

    /// What one session of commands gets of this machine.
    pub fn command_limits(&self) -> CommandLimits {
        let config = &self.config;
        commands::limits(config.local_threads, config.local_memory, &config.data_dir)
    }

    /// Limits of the requestor's own sessions: inspection, probe, finishing.
    pub fn local_limits(&self) -> SessionLimits {
        SessionLimits {
            threads: self.config.local_threads,
            memory: self.config.local_memory,
            nice: 0,
            device: Device::Cpu,
            silence: ENGINE_SILENCE,
        }
    }
}
