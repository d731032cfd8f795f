//! Starting and stopping a node: the one place where everything is wired.

mod chain_access;

use self::chain_access::ChainAccess;
use crate::{
    chain::EmbeddedChain,
    clock,
    config::{ChainChoice, Config, DaemonFile, HttpsConfig, ProviderConfig},
    contracts,
    engines::Engines,
    events::Events,
    folder::take_folder,
    http::{self, tls::Certificate, tokens::Tokens},
    identity::Identity,
    journal::{Journal, QuarrelRole},
    node::{Node, NodeParts},
    peers,
    pictures::Pictures,
    ports::{self, Ports},
    provider::{
        self, Provider, admission::OwnTerms, commands::CommandHost, occupancy::Occupancy, switch::ProviderSwitch,
    },
    quarrels::{
        self,
        juror::{self, Bench},
        party,
    },
    requestor::{Requestor, words},
    rounds::{Rounds, SaidOnce},
    services::Services,
    traces::Traces,
    uploads::Uploads,
    webhooks::Webhooks,
};
use anyhow::Context;
use rayswarm_engines::SessionLimits;
use rayswarm_model::{B256, Bytes, NodeId, signed::Domain};
use rayswarm_network::{BlobOptions, Inbox, Network, NetworkConfig, PeerAddr, RequestorEvent, juries::JuryEvent};
use rayswarm_settlement::Contracts;
use std::{
    fs::File,
    net::SocketAddr,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::sync::{Semaphore, mpsc};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Bytes of one upload at most: a feature film's scene with its textures.
const UPLOAD_BYTES_MAX: Bytes = Bytes(100 << 30);
/// How often old uploads are looked for.
const SWEEP_EVERY: Duration = Duration::from_secs(3600);
/// How often transactions in blocks that may still be replaced are looked after.
const TEND_EVERY: Duration = Duration::from_secs(15);

/// A running node.
pub struct Daemon {
    node: Arc<Node>,
    /// The provider role's endpoint.
    provider: Option<Network>,
    chain: Option<EmbeddedChain>,
    http: SocketAddr,
    /// Where it answers other machines, and the fingerprint of its certificate.
    https: Option<(SocketAddr, B256)>,
    /// Held while the daemon runs: one daemon per data folder.
    _lock: File,
}

impl Daemon {
    /// Starts every role that `config` asks for. Returns when the HTTP API answers. A chain that is kept with others may need them
    /// before that: `found_at` is told how they find this node.
    pub async fn start(config: Config, found_at: impl FnOnce(&PeerAddr)) -> anyhow::Result<Self> {
        let data_dir = config.data_dir.clone();
        let lock = take_folder(&data_dir)?;
        let mut ports = Ports::load(&data_dir);
        let identity = Arc::new(Identity::load_or_create(&data_dir)?);
        let token = identity.token;
        let journal = Journal::open(&data_dir.join("journal.sqlite"))?;
        let (network, inbox) = open_network(
            &config,
            identity.node_secret,
            "network",
            &config.listen,
            &mut ports.requestor,
        )
        .await?;
        if matches!(config.chain, ChainChoice::Shared(..)) {
            found_at(&network.addr());
        }
        let access = chain_access::open(&config, &mut ports, &identity, (network.clone(), inbox.chain)).await?;
        let settlement = contracts::open(
            &data_dir,
            config.contracts,
            &identity.account,
            access.site(&config),
            &journal,
        )
        .await?;
        let domain = Domain {
            chain_id: settlement.chain_id(),
            escrow: settlement.contracts().escrow,
        };
        let (tracker, stop) = (TaskTracker::new(), CancellationToken::new());
        let typed_price = config
            .provider
            .as_ref()
            .map(|provider| provider.price)
            .unwrap_or_default();
        let traces = Traces::open(config.traces.as_ref(), network.node_id());
        let genesis = settlement.genesis_hash().await;
        let genesis = genesis.context("the chain does not tell its first block")?;
        let services = Arc::new(Services {
            command_turns: Arc::new(Semaphore::new(config.command_sessions())),
            config,
            identity,
            switch: Arc::new(ProviderSwitch::load(&journal, typed_price)?),
            events: Events::new(clock::now()),
            traces,
            journal,
            engines: Arc::new(Engines::detect()?),
            network,
            rpc_url: access.rpc_url.clone(),
            domain,
            court: quarrels::court(genesis, &settlement),
            settlement: Arc::new(settlement),
            tracker,
            stop,
        });
        services.tracker.spawn(tend_transactions(services.clone()));
        services
            .tracker
            .spawn(party::watch(services.clone(), QuarrelRole::Requestor));
        let provider_ready = Arc::new(AtomicBool::new(false));
        let provider = start_provider(&services, &access, &mut ports, provider_ready.clone()).await?;
        ports.save(&data_dir)?;
        let parts = NodeParts {
            rpc_listen: access.rpc_listen,
            genesis,
            provider: provider.as_ref().map(Network::node_id),
            provider_ready,
            uploads: Arc::new(Uploads::open(data_dir.join("uploads"), UPLOAD_BYTES_MAX)?),
            pictures: Arc::new(Pictures::open(&services.config)?),
            tokens: Arc::new(Tokens::open(&data_dir, token)?),
            webhooks: Arc::new(Webhooks::open(&data_dir)?),
        };
        let node = Self::wire(services, (inbox.requestor, inbox.juries), &access, parts)?;
        let config = &node.services.config;
        let taken = |address: SocketAddr, option: &str| {
            format!("cannot listen on {address}; another program may use the port, choose one with {option}")
        };
        let http = http::serve(&node, config.http)
            .await
            .with_context(|| taken(config.http, "--http"))?;
        let mut https = None;
        if let Some(settings) = &config.https {
            let certificate = certificate(&data_dir, settings, &config.http_names)?;
            let served = http::serve_others(&node, settings.address, &certificate).await;
            let bound = served.with_context(|| taken(settings.address, "--https"))?;
            https = Some((bound, certificate.fingerprint));
        }
        let file = serde_json::to_vec(&DaemonFile {
            http,
            pid: std::process::id(),
        })?;
        let path = DaemonFile::path(&data_dir);
        std::fs::write(&path, file).with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Self {
            node,
            provider,
            chain: access.embedded,
            http,
            https,
            _lock: lock,
        })
    }

    fn wire(
        services: Arc<Services>,
        (asked, questions): (mpsc::Receiver<RequestorEvent>, mpsc::Receiver<JuryEvent>),
        access: &ChainAccess,
        parts: NodeParts,
    ) -> anyhow::Result<Arc<Node>> {
        let known = chain_access::known_peers(&services.config, access.ticket.as_ref());
        services.tracker.spawn(peers::keep_in_touch(services.clone(), known));
        let requestor = Requestor::start(services.clone(), asked)?;
        services.tracker.spawn(words::answer(requestor.clone(), questions));
        let node = Node::start(services, requestor, parts);
        let services = &node.services;
        let telling = node
            .webhooks
            .clone()
            .run(services.events.clone(), services.stop.clone());
        services.tracker.spawn(telling);
        services.tracker.spawn(sweep_uploads(node.clone()));
        Ok(node)
    }

    /// This node's id.
    pub fn node_id(&self) -> NodeId {
        self.node.services.network.node_id()
    }

    /// Where the HTTP API answers.
    pub const fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Where the HTTP API answers other machines, and the SHA-256 of its certificate.
    pub const fn https_address(&self) -> Option<(SocketAddr, B256)> {
        self.https
    }

    /// Jobs of its own that are not final.
    pub fn unfinished_jobs(&self) -> u64 {
        self.node.active_jobs()
    }

    /// The chain in use.
    pub fn chain_id(&self) -> u64 {
        self.node.services.domain.chain_id
    }

    /// Returns once the chain that this node keeps cannot go on; never for one that is kept elsewhere.
    pub async fn chain_failed(&self) {
        match &self.chain {
            Some(chain) => chain.stopped().await,
            None => std::future::pending().await,
        }
    }

    /// Its JSON-RPC.
    pub fn rpc_url(&self) -> &str {
        &self.node.services.rpc_url
    }

    /// The contracts in use.
    pub fn contracts(&self) -> Contracts {
        self.node.services.settlement.contracts()
    }

    /// Drains and stops: running tasks are given back, connections closed, the journal is whole at any moment anyway.
    pub async fn stop(self) {
        let services = &self.node.services;
        services.stop.cancel();
        services.tracker.close();
        services.tracker.wait().await;
        if let Some(provider) = self.provider {
            provider.shutdown().await;
        }
        services.network.shutdown().await;
        if let Some(chain) = self.chain {
            chain.shutdown().await;
        }
        services.traces.flush().await;
        let path = DaemonFile::path(&services.config.data_dir);
        if let Err(error) = std::fs::remove_file(&path) {
            tracing::warn!(path = %path.display(), %error, "cannot be removed");
        }
    }
}

/// The certificate that was named, or one of the node's own for the names and addresses it is known by.
fn certificate(data_dir: &Path, settings: &HttpsConfig, names: &[String]) -> anyhow::Result<Certificate> {
    if let Some((cert, key)) = &settings.certificate {
        return Ok(Certificate::read(cert, key)?);
    }
    let mut names = names.to_vec();
    names.push("localhost".into());
    if !settings.address.ip().is_unspecified() {
        names.push(settings.address.ip().to_string());
    }
    Ok(Certificate::own(&data_dir.join("tls"), &names, clock::now())?)
}

async fn open_network(
    config: &Config,
    secret_key: [u8; 32],
    folder: &str,
    listen: &[SocketAddr],
    last_port: &mut u16,
) -> anyhow::Result<(Network, Inbox)> {
    let settings = |bind: Vec<SocketAddr>| NetworkConfig {
        secret_key,
        bind,
        relay: config.relay.clone(),
        idle_timeout: NetworkConfig::IDLE_TIMEOUT,
        folder: config.data_dir.join(folder),
        blobs: BlobOptions {
            cache_bytes_max: Some(config.cache_size),
            ..BlobOptions::default()
        },
    };
    let (network, inbox) = Network::start(settings(ports::prefer_peers(*last_port, listen))).await?;
    *last_port = network.addr().sockets.first().map_or(0, SocketAddr::port);
    Ok((network, inbox))
}

/// Gives the provider role its own endpoint and starts it, if it is on.
async fn start_provider(
    services: &Arc<Services>,
    access: &ChainAccess,
    ports: &mut Ports,
    ready: Arc<AtomicBool>,
) -> anyhow::Result<Option<Network>> {
    if services.config.provider.is_none() {
        return Ok(None);
    }
    let secret = services.identity.provider_secret;
    let config = &services.config;
    let listen = ports::next_to(&config.listen);
    let (network, inbox) = open_network(config, secret, "provider-network", &listen, &mut ports.provider).await?;
    let own = Arc::new(Services {
        network: network.clone(),
        ..services.as_ref().clone()
    });
    let mut known = chain_access::known_peers(&services.config, access.ticket.as_ref());
    known.push(services.network.addr());
    own.tracker.spawn(peers::keep_in_touch(own.clone(), known));
    own.tracker.spawn(run_provider(own.clone(), inbox, ready));
    Ok(Some(network))
}

/// Measures this machine, offers it, and answers requestors.
async fn run_provider(services: Arc<Services>, inbox: Inbox, ready: Arc<AtomicBool>) {
    let Some(settings) = services.config.provider.clone() else {
        return;
    };
    if let Err(error) = services.engines.sandbox() {
        tracing::error!(%error, "the provider role is off: strangers' scenes need a sandbox");
        return;
    }
    let terms = OwnTerms {
        limits: provider_limits(&settings),
        unpaid_tasks: settings.unpaid_tasks,
        stake: settings.stake.unwrap_or_default(),
    };
    let bench = Arc::<Bench>::default();
    services
        .tracker
        .spawn(juror::answer(services.clone(), inbox.juries, bench.clone()));
    services
        .tracker
        .spawn(party::watch(services.clone(), QuarrelRole::Provider));
    let stop = services.stop.clone();
    let offering = async {
        match provider::offering::offer(&services, &terms.limits).await {
            Ok(offer) => {
                ready.store(true, Ordering::Relaxed);
                services
                    .tracker
                    .spawn(provider::offering::keep_priced(services.clone(), offer));
            }
            Err(error) => tracing::error!("the provider role is off: {error:#}"),
        }
    };
    tokio::select! {
        () = stop.cancelled() => return,
        () = offering => {}
    }
    if let Some(stake) = settings.stake {
        services.tracker.spawn(provider::staking::keep(services.clone(), stake));
    }
    if settings.judges {
        services
            .tracker
            .spawn(juror::serve(services.clone(), terms.limits.clone(), bench));
    }
    tracing::info!(at = clock::now().0, "ready to render");
    services.tracker.spawn(provider::vouchers::watch(services.clone()));
    let occupancy = Arc::<Occupancy>::default();
    let host = CommandHost::new(services.clone(), occupancy.clone());
    services.tracker.spawn(host.run(inbox.sessions));
    Provider::new(services, terms, occupancy)
        .run(inbox.provider, stop)
        .await;
}

/// Transactions stay in the chain, or are sent again.
async fn tend_transactions(services: Arc<Services>) {
    let mut said = SaidOnce::default();
    let mut rounds = Rounds::every(&services, TEND_EVERY);
    while rounds.next().await {
        let tended = rounds.work(services.settlement.tend()).await;
        if let Some(error) = tended.as_ref().and_then(|tended| said.hear(tended)) {
            tracing::debug!(error, "transactions were not looked after");
        }
    }
}

/// Uploads that nobody uses go.
async fn sweep_uploads(node: Arc<Node>) {
    let mut rounds = Rounds::every(&node.services, SWEEP_EVERY);
    while rounds.next().await {
        let node = node.clone();
        match tokio::task::spawn_blocking(move || node.sweep_uploads(clock::now())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!(%error, "old uploads were not removed"),
            Err(error) => tracing::warn!(%error, "old uploads were not removed"),
        }
    }
}

fn provider_limits(settings: &ProviderConfig) -> SessionLimits {
    SessionLimits {
        threads: settings.threads,
        memory: settings.memory,
        nice: 19,
        device: settings.device,
        silence: crate::config::ENGINE_SILENCE,
    }
}

#[cfg(test)]
mod tests;
