//! The node as its faces see it: what it is, whom it knows, what it owns, how others join it.
//!
//! | module | holds |
//! |---|---|
//! | [`providers`] | whom it could ask, and what became of their work |
//! | [`wallet`] | its money |
//! | [`blocks`] | the newest blocks of its chain |
//! | [`counters`] | answers of its API, counted |

pub mod blocks;
pub mod counters;
pub mod providers;
#[cfg(test)]
mod tests;
pub mod wallet;

use crate::{
    http::{limits::Limits, tokens::Tokens},
    pictures::Pictures,
    requestor::{
        Requestor,
        refusal::{chain, failed},
    },
    services::Services,
    uploads::Uploads,
    webhooks::Webhooks,
};
use blocks::NewestBlocks;
use counters::HttpCounters;
use rayswarm_api::{
    Problem,
    farm::{EngineView, NodeChange, NodeSettings, NodeView},
};
use rayswarm_model::{B256, NodeId, UnixMillis};
use rayswarm_network::{Contracts, Ticket};
use rayswarm_settlement::Movements;
use std::{
    net::{IpAddr, SocketAddr},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

/// One running node.
pub struct Node {
    /// What all roles share.
    pub services: Arc<Services>,
    /// The requestor role; always on.
    pub requestor: Requestor,
    /// The newest blocks of the chain.
    pub blocks: NewestBlocks,
    /// Answers of the API.
    pub counters: HttpCounters,
    /// How often the API may be called.
    pub limits: Arc<Limits>,
    /// Scenes that came over HTTP.
    pub uploads: Arc<Uploads>,
    /// Pictures by their address.
    pub pictures: Arc<Pictures>,
    /// Who may call the API.
    pub tokens: Arc<Tokens>,
    /// Who is told what happens.
    pub webhooks: Arc<Webhooks>,
    parts: NodeParts,
    http: OnceLock<SocketAddr>,
    started: Instant,
    movements: tokio::sync::Mutex<Movements>,
}

/// What only the daemon knows.
pub struct NodeParts {
    /// Where the embedded chain listens, if it is embedded.
    pub rpc_listen: Option<SocketAddr>,
    /// Hash of block 0.
    pub genesis: B256,
    /// The peer that is this node's provider role, if it is on.
    pub provider: Option<NodeId>,
    /// Whether the provider role has measured itself.
    pub provider_ready: Arc<AtomicBool>,
    /// Scenes that came over HTTP.
    pub uploads: Arc<Uploads>,
    /// Pictures by their address.
    pub pictures: Arc<Pictures>,
    /// Who may call the API.
    pub tokens: Arc<Tokens>,
    /// Who is told what happens.
    pub webhooks: Arc<Webhooks>,
}

impl Node {
    /// A node whose roles have started. Tells of providers and blocks from then on.
    pub fn start(services: Arc<Services>, requestor: Requestor, parts: NodeParts) -> Arc<Self> {
        let node = Arc::new(Self {
            services,
            requestor,
            blocks: NewestBlocks::default(),
            counters: HttpCounters::default(),
            limits: Arc::default(),
            uploads: parts.uploads.clone(),
            pictures: parts.pictures.clone(),
            tokens: parts.tokens.clone(),
            webhooks: parts.webhooks.clone(),
            parts,
            http: OnceLock::new(),
            started: Instant::now(),
            movements: tokio::sync::Mutex::default(),
        });
        node.services.tracker.spawn(providers::watch(node.clone()));
        node.services.tracker.spawn(blocks::watch(node.clone()));
        node
    }

    /// Notes where the API answers.
    pub fn answers_at(&self, http: SocketAddr) {
        // It begins to answer once.
        let _ = self.http.set(http);
    }

    /// The node in short.
    pub fn view(&self) -> NodeView {
        let Services { config, engines, .. } = self.services.as_ref();
        let http = self.http.get().copied().unwrap_or(config.http);
        let installed = engines.installed();
        NodeView {
            id: self.services.network.node_id().to_string(),
            version: env!("CARGO_PKG_VERSION").into(),
            provides: config.provider.is_some(),
            provider_ready: self.parts.provider_ready.load(Ordering::Relaxed),
            provider_paused: self.provider_paused(),
            chain_id: self.services.domain.chain_id,
            rpc: self.services.rpc_url.clone(),
            active_jobs: self.active_jobs(),
            uptime_s: self.started.elapsed().as_secs(),
            pid: std::process::id(),
            engines: installed
                .iter()
                .map(|engine| EngineView {
                    name: engine.name().into(),
                    version: engine.version().into(),
                })
                .collect(),
            sandbox: self.sandbox_words(),
            loopback: http.ip().is_loopback(),
            settings: self.settings(http),
        }
    }

    /// How it was started, and what was changed since.
    fn settings(&self, http: SocketAddr) -> NodeSettings {
        let config = &self.services.config;
        let provider = config.provider.as_ref();
        NodeSettings {
            price_per_wu_hour: provider.map(|_| self.services.switch.price().per_wu_hour),
            threads: provider.map(|provider| provider.threads),
            memory_bytes: provider.map(|provider| provider.memory.0),
            cache_bytes: config.cache_size.0,
            http: http.to_string(),
        }
    }

    /// How engines are kept apart from the machine.
    fn sandbox_words(&self) -> String {
        match self.services.engines.sandbox() {
            Ok(sandbox) => format!(
                "bubblewrap {}: an engine sees its scene and no other file, and has no network",
                sandbox.version()
            ),
            Err(error) => format!("engines cannot run here: {}", chain(error)),
        }
    }

    /// Whether the provider role rests for its owner.
    pub fn provider_paused(&self) -> bool {
        self.services.config.provider.is_some() && self.services.switch.is_paused()
    }

    /// Jobs that are not final.
    pub fn active_jobs(&self) -> u64 {
        let jobs = self.requestor.list();
        jobs.iter().filter(|job| !job.summary.state.is_final()).count() as u64
    }

    /// Changes what may be changed while it runs.
    pub fn change(&self, change: NodeChange) -> Result<(), Problem> {
        if change == NodeChange::default() {
            return Ok(());
        }
        if self.services.config.provider.is_none() {
            let detail = "this node does not provide, so there is no provider role to change";
            return Err(Problem::new(409, "no_provider_role", detail).next("start it with `rayswarm up --provide`"));
        }
        let Services { switch, journal, .. } = self.services.as_ref();
        let changed = switch.change(journal, change.provider_paused, change.price_per_wu_hour);
        changed.map_err(|error| failed("journal", chain(&error)))
    }

    /// Forgets uploads that nobody uses. Those of the listed jobs are used, of ended ones too: a retry or a copy reads the
    /// scene again. Gives how many were forgotten; may block for as long as the disk takes.
    pub fn sweep_uploads(&self, now: UnixMillis) -> std::io::Result<usize> {
        let jobs = self.requestor.list();
        let in_use = |id: &str| jobs.iter().any(|job| self.uploads.is_part(id, &job.scene));
        self.uploads.sweep(now, in_use)
    }

    /// A ticket with which another machine joins.
    pub fn ticket(&self) -> String {
        let address = self.services.network.addr();
        let contracts = self.services.settlement.contracts();
        let ticket = Ticket {
            rpc_url: self.rpc_url_for_others(address.sockets.iter().map(SocketAddr::ip)),
            node: address,
            chain_id: self.services.domain.chain_id,
            genesis: self.parts.genesis,
            contracts: Contracts {
                registry: contracts.registry,
                escrow: contracts.escrow,
                token: contracts.token,
            },
        };
        ticket.to_string()
    }

    /// A chain that listens on every interface is reached by one of this machine's own addresses.
    fn rpc_url_for_others(&self, own: impl Iterator<Item = IpAddr>) -> String {
        match self.parts.rpc_listen.filter(|listen| listen.ip().is_unspecified()) {
            None => self.services.rpc_url.clone(),
            Some(listen) => {
                let usable = |ip: &IpAddr| ip.is_ipv4() && !ip.is_loopback();
                let host = own.into_iter().find(usable).unwrap_or(IpAddr::from([127, 0, 0, 1]));
                format!("http://{host}:{}", listen.port())
            }
        }
    }
}
