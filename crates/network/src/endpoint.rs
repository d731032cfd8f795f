//! The endpoint: one UDP socket, one identity, six protocols, and what the node may do with them.

use crate::{
    address::{self, PeerAddr},
    blobs::{self, BlobOptions, BlobStore, BlobsProtocol, FetchProgress, FetchReport, Want},
    call,
    chain::{self, ChainEvent, ChainLink, ChainPeers},
    commands::{self, CommandsProtocol, SessionCaller, SessionOrder, SessionRequest},
    error::{CloseCode, NetworkError},
    juries::{self, ATTEMPTS_MAX, Brief, BriefAnswer, ClaimedResults, JuriesProtocol, JuryEvent},
    peer_book::{PeerBook, PeerCard, PeerInfo, SignedOffer},
    peers::{self, OwnCard, PeersProtocol},
    work::{self, Links, ProviderEvent, RequestorEvent, RequestorLink, Spool, WorkProtocol, serve_requestor},
};
use iroh::{
    Endpoint, PublicKey, RelayMode, SecretKey, Signature, Watcher,
    endpoint::{Connection, IdleTimeout, PortmapperConfig, QuicTransportConfig, VarInt, presets},
    protocol::Router,
};
use n0_future::{BufferedStreamExt, StreamExt};
use rayswarm_model::{AttemptId, B256, JobId, NodeId};
use std::{
    fmt,
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{sync::mpsc, time::Instant};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Events waiting for the program; when it is slower, peers wait.
const EVENTS_MAX: usize = 256;
/// The same of the chain.
const CHAIN_EVENTS_MAX: usize = 32;
/// Streams one peer may have open at once.
const STREAMS_MAX: u32 = 64;
/// How long connecting may take.
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// How long to wait for the operating system to list this machine's addresses.
const ADDRESS_DEADLINE: Duration = Duration::from_secs(5);
/// Peers refreshed at once.
const REFRESH_AT_ONCE: usize = 16;

/// How to take part in the network.
#[derive(Clone)]
pub struct NetworkConfig {
    /// The node's ed25519 secret key. Never shown.
    pub secret_key: [u8; 32],
    /// Where to listen: `0.0.0.0:0` to be found by other machines, `127.0.0.1:0` for this one alone.
    pub bind: Vec<SocketAddr>,
    /// A relay for nodes that cannot reach each other directly. None is used unless one is named.
    pub relay: Option<String>,
    /// How long a silent peer is believed alive; [`NetworkConfig::IDLE_TIMEOUT`] if in doubt.
    pub idle_timeout: Duration,
    /// Folder for blobs and partial uploads.
    pub folder: PathBuf,
    /// How the blob store behaves.
    pub blobs: BlobOptions,
}

impl NetworkConfig {
    /// Five seconds: four keep-alives may be lost before a peer is given up.
    pub const IDLE_TIMEOUT: Duration = Duration::from_secs(5);

    /// A node that only this machine can reach.
    pub fn loopback(secret_key: [u8; 32], folder: PathBuf) -> Self {
        Self {
            secret_key,
            bind: vec![([127, 0, 0, 1], 0).into()],
            relay: None,
            idle_timeout: Self::IDLE_TIMEOUT,
            folder,
            blobs: BlobOptions::default(),
        }
    }
}

impl fmt::Debug for NetworkConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("NetworkConfig");
        shown
            .field("bind", &self.bind)
            .field("relay", &self.relay)
            .field("idle_timeout", &self.idle_timeout);
        shown
            .field("folder", &self.folder)
            .field("blobs", &self.blobs)
            .finish_non_exhaustive()
    }
}

/// What the network asks of the program. All must be read, or peers wait; one that was dropped turns them away.
#[derive(Debug)]
pub struct Inbox {
    /// From providers, to this node as requestor.
    pub requestor: mpsc::Receiver<RequestorEvent>,
    /// From requestors, to this node as provider.
    pub provider: mpsc::Receiver<ProviderEvent>,
    /// From requestors that order sessions of commands.
    pub sessions: mpsc::Receiver<SessionRequest>,
    /// About quarrels.
    pub juries: mpsc::Receiver<JuryEvent>,
    /// From peers of the chain that this node keeps, if it keeps one.
    pub chain: mpsc::Receiver<ChainEvent>,
}

/// This node in the network. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Network {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    router: Router,
    blobs: BlobStore,
    book: Arc<PeerBook>,
    offer: Arc<Mutex<Option<SignedOffer>>>,
    /// Connections to providers, dialled by this node.
    providers: Arc<Links>,
    /// Connections from requestors.
    requestors: Arc<Links>,
    spool: Arc<Spool>,
    chain: ChainPeers,
    requestor_events: mpsc::Sender<RequestorEvent>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Network {
    /// Binds the socket, opens the stores and answers from then on.
    pub async fn start(config: NetworkConfig) -> Result<(Self, Inbox), NetworkError> {
        let blobs = BlobStore::open(config.folder.join("blobs"), config.blobs).await?;
        let spool = Arc::new(Spool::open(config.folder.join("uploads"))?);
        let endpoint = bind(&config).await?;
        let (requestor_events, requestor) = mpsc::channel(EVENTS_MAX);
        let (provider_events, provider) = mpsc::channel(EVENTS_MAX);
        let (session_requests, sessions) = mpsc::channel(EVENTS_MAX);
        // Documents are large: few wait.
        let (jury_events, juries) = mpsc::channel(1);
        // A word may hold a block: few wait.
        let (chain_events, chain_inbox) = mpsc::channel(CHAIN_EVENTS_MAX);
        let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
        let chain = ChainPeers::new(chain_events, tasks.clone(), stop.clone());
        let (book, offer) = (Arc::new(PeerBook::default()), Arc::new(Mutex::new(None)));
        let own = own_card(endpoint.clone(), offer.clone());
        let (providers, requestors) = (Arc::new(Links::default()), Arc::new(Links::default()));
        let work = WorkProtocol::new(provider_events, requestors.clone(), tasks.clone(), stop.clone());
        let sessions_of_commands = CommandsProtocol::new(session_requests, tasks.clone(), stop.clone());
        let router = Router::builder(endpoint)
            .accept(peers::ALPN, PeersProtocol::new(own, book.clone()))
            .accept(work::ALPN, work)
            .accept(commands::ALPN, sessions_of_commands)
            .accept(juries::ALPN, JuriesProtocol::new(jury_events))
            .accept(chain::ALPN, chain.clone())
            .accept(blobs::ALPN, BlobsProtocol::new(blobs.clone()))
            .spawn();
        let inner = Inner {
            router,
            blobs,
            book,
            offer,
            providers,
            requestors,
            spool,
            chain,
            requestor_events,
            tasks,
            stop,
        };
        let inbox = Inbox {
            requestor,
            provider,
            sessions,
            juries,
            chain: chain_inbox,
        };
        Ok((Self { inner: Arc::new(inner) }, inbox))
    }

    /// The identity of a node by its secret key.
    pub fn node_id_of(secret_key: &[u8; 32]) -> NodeId {
        address::node_id(SecretKey::from_bytes(secret_key).public())
    }

    /// This node's identity.
    pub fn node_id(&self) -> NodeId {
        address::node_id(self.endpoint().id())
    }

    /// This node's ed25519 signature over `text`, which says what it is for.
    pub fn sign(&self, text: &[u8]) -> [u8; 64] {
        self.endpoint().secret_key().sign(text).to_bytes()
    }

    /// Whether `node` has signed `text`.
    pub fn is_signed_by(node: NodeId, text: &[u8], signature: &[u8; 64]) -> bool {
        let key = PublicKey::from_bytes(node.as_bytes());
        key.is_ok_and(|key| key.verify(text, &Signature::from_bytes(signature)).is_ok())
    }

    /// Where this node can be found, as far as it knows itself.
    pub fn addr(&self) -> PeerAddr {
        PeerAddr::from_iroh(&self.endpoint().addr())
    }

    /// The blob store.
    pub fn blobs(&self) -> &BlobStore {
        &self.inner.blobs
    }

    /// Sets what this node tells others it sells; `None` when it is no provider.
    pub fn set_offer(&self, offer: Option<SignedOffer>) {
        *self.inner.offer.lock().unwrap_or_else(PoisonError::into_inner) = offer;
    }

    /// Introduces this node to another and learns whom that one knows. Returns how many it named.
    pub async fn hello(&self, peer: &PeerAddr) -> Result<usize, NetworkError> {
        let connection = connect(self.endpoint(), peer, peers::ALPN).await?;
        let me = own_card(self.endpoint().clone(), self.inner.offer.clone())();
        let named = peers::hello(&connection, me, &self.inner.book).await;
        CloseCode::Done.close(&connection, "");
        named
    }

    /// Measures the round trip to a node, and notes it in its entry of [`Self::peers`] if there is one.
    pub async fn ping(&self, peer: &PeerAddr) -> Result<Duration, NetworkError> {
        let connection = connect(self.endpoint(), peer, peers::ALPN).await?;
        let round_trip = peers::ping(&connection).await;
        CloseCode::Done.close(&connection, "");
        let round_trip = round_trip?;
        self.inner.book.measured(peer.node, round_trip, Instant::now());
        Ok(round_trip)
    }

    /// Says hello to those given, several at once. Who does not answer is passed over: it may be elsewhere by now.
    pub async fn greet(&self, peers: Vec<PeerAddr>) {
        self.greet_each(peers, |_| {}).await;
    }

    async fn greet_each(&self, peers: Vec<PeerAddr>, silent: impl Fn(NodeId)) {
        let hellos = peers
            .into_iter()
            .map(|peer| async move { (self.hello(&peer).await, peer) });
        let mut hellos = n0_future::stream::iter(hellos).buffered_unordered(REFRESH_AT_ONCE);
        while let Some((outcome, peer)) = hellos.next().await {
            match outcome {
                Ok(_) => self.inner.book.seen(peer.node, Instant::now()),
                Err(error) => {
                    tracing::debug!(node = %peer.node, %error, "a peer did not answer");
                    silent(peer.node);
                }
            }
        }
    }

    /// Says hello to known nodes and forgets acquaintances that do not answer. To be called now and then: in one round
    /// everybody has a turn whom this node knows itself, and a few of those it was told of.
    pub async fn refresh_peers(&self) {
        let book = &self.inner.book;
        let silent = |node| book.silent(node);
        self.greet_each(book.to_greet(Instant::now()), silent).await;
    }

    /// Measures the round trip to acquaintances to which it is not known, several at once.
    pub async fn measure_peers(&self) {
        let pings = self.inner.book.unmeasured().into_iter();
        let pings = pings.map(|peer| async move { (self.ping(&peer).await, peer) });
        let mut pings = n0_future::stream::iter(pings).buffered_unordered(REFRESH_AT_ONCE);
        while let Some((outcome, peer)) = pings.next().await {
            if let Err(error) = outcome {
                tracing::debug!(node = %peer.node, %error, "a round trip was not measured");
                self.inner.book.silent(peer.node);
            }
        }
    }

    /// Every node this one knows, the most recently seen first.
    pub fn peers(&self) -> Vec<PeerInfo> {
        self.inner.book.list(Instant::now())
    }

    /// Where a node can be found, as far as this one knows: from its card, and from the connections that stand.
    pub fn address_of(&self, node: NodeId) -> PeerAddr {
        let inner = &self.inner;
        let mut address = inner.book.address(node).unwrap_or(PeerAddr {
            node,
            sockets: Vec::new(),
            relay: None,
        });
        let standing = [inner.requestors.get(node), inner.providers.get(node)];
        for connection in standing.into_iter().flatten() {
            address.add_observed(&connection);
        }
        address
    }

    /// The working connection to a provider: the one that stands, or a new one. What the provider asks comes as
    /// [`RequestorEvent`]s.
    pub async fn provider_link(&self, peer: &PeerAddr) -> Result<RequestorLink, NetworkError> {
        let dialling = connect(self.endpoint(), peer, work::ALPN);
        let (connection, is_new) = self.inner.providers.get_or_dial(peer.node, dialling).await?;
        if !is_new {
            return Ok(RequestorLink::new(connection));
        }
        let inner = &self.inner;
        let serving = serve_requestor(
            connection.clone(),
            inner.providers.clone(),
            inner.requestor_events.clone(),
            inner.spool.clone(),
            inner.tasks.clone(),
            inner.stop.clone(),
        );
        inner.tasks.spawn(serving);
        Ok(RequestorLink::new(connection))
    }

    /// Orders a session of commands of a provider. The first word heard says whether it is opened.
    pub async fn order_session(&self, peer: &PeerAddr, order: SessionOrder) -> Result<SessionCaller, NetworkError> {
        let connection = connect(self.endpoint(), peer, commands::ALPN).await?;
        commands::order(connection, order, &self.inner.tasks, &self.inner.stop).await
    }

    /// Gives a juror what a party of a quarrel has to say.
    pub async fn brief(&self, juror: &PeerAddr, brief: Brief) -> Result<BriefAnswer, NetworkError> {
        let connection = connect(self.endpoint(), juror, juries::ALPN).await?;
        let answer = juries::brief(&connection, brief).await;
        CloseCode::Done.close(&connection, "");
        answer
    }

    /// Asks a provider what its claim in a job counts, by what that commits to.
    pub async fn claimed(
        &self,
        provider: &PeerAddr,
        job: JobId,
        commitment: B256,
    ) -> Result<ClaimedResults, NetworkError> {
        let connection = connect(self.endpoint(), provider, juries::ALPN).await?;
        let answer = juries::claimed(&connection, job, commitment).await;
        CloseCode::Done.close(&connection, "");
        answer
    }

    /// Asks a requestor which of these results it does not need; the first [`ATTEMPTS_MAX`] of them.
    pub async fn not_needed(
        &self,
        requestor: &PeerAddr,
        job: JobId,
        mut attempts: Vec<AttemptId>,
    ) -> Result<Vec<AttemptId>, NetworkError> {
        attempts.truncate(ATTEMPTS_MAX);
        let connection = connect(self.endpoint(), requestor, juries::ALPN).await?;
        let answer = juries::not_needed(&connection, job, attempts).await;
        CloseCode::Done.close(&connection, "");
        Ok(answer?.attempts)
    }

    /// From now on this node keeps the chain with this genesis block, and others that do may join.
    pub fn keep_chain(&self, genesis: B256) {
        self.inner.chain.keep(genesis);
    }

    /// Joins a peer of the chain that this node keeps, unless it is joined. It comes as a [`ChainEvent::Joined`].
    pub async fn join_chain_peer(&self, peer: &PeerAddr) -> Result<(), NetworkError> {
        if self.inner.chain.has(peer.node) {
            return Ok(());
        }
        let connection = connect(self.endpoint(), peer, chain::ALPN).await?;
        self.inner.chain.join(connection).await
    }

    /// The peers of the chain that are joined.
    pub fn chain_peers(&self) -> Vec<ChainLink> {
        self.inner.chain.links()
    }

    /// Forgets a finished job's uploads and removes their partial files.
    pub fn clear_uploads(&self, job: JobId) -> Result<(), NetworkError> {
        self.inner.spool.clear(job)
    }

    /// Fetches what is missing of `wants` for `job` from `peers`, which must have granted it. What arrived stays when it
    /// fails, whatever the reason: the next fetch goes on from there. Pin the job first if it is about to run.
    pub async fn fetch(
        &self,
        job: JobId,
        peers: &[PeerAddr],
        wants: &[Want],
        progress: impl Fn(FetchProgress) + Send + Sync,
    ) -> Result<FetchReport, NetworkError> {
        blobs::fetch(self.endpoint(), &self.inner.blobs, job, peers, wants, &progress).await
    }

    /// Closes every connection with a word of farewell, then the stores. Waits until all is done.
    pub async fn shutdown(&self) {
        self.inner.stop.cancel();
        self.inner.tasks.close();
        if let Err(error) = self.inner.router.shutdown().await {
            tracing::warn!(%error, "the network did not stop cleanly");
        }
        self.inner.tasks.wait().await;
        self.inner.blobs.shutdown().await;
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        self.inner.router.endpoint()
    }
}

/// Connects to a peer under one protocol.
pub(crate) async fn connect(endpoint: &Endpoint, peer: &PeerAddr, alpn: &[u8]) -> Result<Connection, NetworkError> {
    let address = peer.to_iroh()?;
    let connecting = async {
        endpoint
            .connect(address, alpn)
            .await
            .map_err(|source| NetworkError::Unreachable {
                node: peer.node,
                addresses: peer.to_string(),
                source: source.into(),
            })
    };
    call::within(peer.node, "a connection", CONNECT_DEADLINE, connecting).await
}

async fn bind(config: &NetworkConfig) -> Result<Endpoint, NetworkError> {
    let failed = |source| NetworkError::Bind {
        addresses: config.bind.clone(),
        source,
    };
    let relay = match &config.relay {
        Some(url) => RelayMode::custom([address::relay_url(url)?]),
        None => RelayMode::Disabled,
    };
    let mut builder = Endpoint::builder(presets::Minimal)
        .secret_key(SecretKey::from_bytes(&config.secret_key))
        .relay_mode(relay)
        .portmapper_config(PortmapperConfig::Disabled)
        .transport_config(transport(config.idle_timeout))
        .clear_ip_transports();
    for address in &config.bind {
        builder = builder.bind_addr(*address).map_err(|source| failed(source.into()))?;
    }
    let endpoint = builder.bind().await.map_err(|source| failed(source.into()))?;
    let mut watcher = endpoint.watch_addr();
    let found = async {
        while watcher.get().is_empty() {
            if watcher.updated().await.is_err() {
                break;
            }
        }
    };
    if tokio::time::timeout(ADDRESS_DEADLINE, found).await.is_err() {
        tracing::warn!("this machine lists no address that others could reach; only this node can dial");
    }
    Ok(endpoint)
}

/// QUIC with limits fit for a few streams of messages, and a short memory for silent peers.
fn transport(idle_timeout: Duration) -> QuicTransportConfig {
    let keep_alive = (idle_timeout / 5).min(Duration::from_secs(5));
    // Fails only beyond 2^62 ms; then QUIC's own default stays.
    let idle = IdleTimeout::try_from(idle_timeout).ok();
    QuicTransportConfig::builder()
        .max_idle_timeout(idle)
        .keep_alive_interval(keep_alive)
        .default_path_keep_alive_interval(keep_alive)
        .default_path_max_idle_timeout(idle_timeout.min(Duration::from_secs(15)))
        .max_concurrent_bidi_streams(VarInt::from_u32(STREAMS_MAX))
        .max_concurrent_uni_streams(VarInt::from_u32(STREAMS_MAX))
        .build()
}

fn own_card(endpoint: Endpoint, offer: Arc<Mutex<Option<SignedOffer>>>) -> OwnCard {
    Arc::new(move || PeerCard {
        address: PeerAddr::from_iroh(&endpoint.addr()),
        offer: offer.lock().unwrap_or_else(PoisonError::into_inner).clone(),
    })
}
