//! A node that keeps a chain with others and does nothing else: keys, an endpoint, the chain, JSON-RPC.

use crate::{
    chain::{ChainSpec, EmbeddedChain, Intensity, Keeping, SharedConfig, stored_chain},
    folder::take_folder,
    identity::Identity,
};
use anyhow::{Context, bail};
use rayswarm_model::Address;
pub use rayswarm_network::PeerAddr;
use rayswarm_network::{BlobOptions, Network, NetworkConfig};
use std::{fs::File, net::SocketAddr, path::PathBuf, time::Duration};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Where the chain is in a data folder.
pub const CHAIN_FOLDER: &str = "chain";
/// How often peers are greeted.
const GREET_EVERY: Duration = Duration::from_secs(10);

/// What a keeper is started with.
#[derive(Clone, Debug)]
pub struct KeeperConfig {
    /// Folder for keys and the chain.
    pub data_dir: PathBuf,
    /// The chain; the one in the data folder if it is not named.
    pub spec: Option<ChainSpec>,
    /// Where to listen for peers.
    pub listen: Vec<SocketAddr>,
    /// Where JSON-RPC is served.
    pub rpc_bind: SocketAddr,
    /// Peers to begin with.
    pub peers: Vec<PeerAddr>,
    /// Whether this node's account votes, where it is a validator.
    pub validate: bool,
    /// How much of this machine mines.
    pub mining: Option<Intensity>,
    /// What is kept of it.
    pub keeping: Keeping,
}

/// A running keeper.
pub struct Keeper {
    chain: EmbeddedChain,
    network: Network,
    account: Address,
    stop: CancellationToken,
    tasks: TaskTracker,
    /// Held while it runs: one process per data folder.
    _lock: File,
}

impl Keeper {
    /// Opens everything and takes part from then on.
    ///
    /// # Errors
    /// In words: what cannot be opened, and what to do.
    pub async fn start(config: KeeperConfig) -> anyhow::Result<Self> {
        let lock = take_folder(&config.data_dir)?;
        let folder = config.data_dir.join(CHAIN_FOLDER);
        let spec = match config.spec {
            Some(spec) => spec,
            None => match stored_chain(&folder)? {
                Some(spec) => spec,
                None => bail!(
                    "no chain is in {}; name its genesis with --genesis FILE, or make one with `rayswarm chain init`",
                    folder.display()
                ),
            },
        };
        if config.mining.is_some() && spec.consensus.name() != "pow" {
            bail!(
                "--mine is for proof of work; this chain's consensus is {}",
                spec.consensus.name()
            );
        }
        if config.validate && spec.consensus.contract().is_none() {
            bail!(
                "--validate is for proof of stake; this chain's consensus is {}",
                spec.consensus.name()
            );
        }
        let identity = Identity::load_or_create(&config.data_dir)?;
        let account = identity.account.address();
        let network = NetworkConfig {
            secret_key: identity.node_secret,
            bind: config.listen,
            relay: None,
            idle_timeout: NetworkConfig::IDLE_TIMEOUT,
            folder: config.data_dir.join("network"),
            blobs: BlobOptions::default(),
        };
        let (network, inbox) = Network::start(network).await?;
        let takes_part = config.validate || config.mining.is_some();
        let chain = EmbeddedChain::join(SharedConfig {
            dir: folder,
            spec,
            rpc_bind: config.rpc_bind,
            key: takes_part.then(|| identity.account.clone()),
            mining: config.mining,
            keeping: config.keeping,
            network: network.clone(),
            events: inbox.chain,
            known: config.peers.clone(),
        })
        .await
        .context("the chain cannot be kept")?;
        let stop = CancellationToken::new();
        let greeting = greet(network.clone(), config.peers);
        let tasks = TaskTracker::new();
        tasks.spawn(stop.clone().run_until_cancelled_owned(greeting));
        tasks.close();
        Ok(Self {
            chain,
            network,
            account,
            stop,
            tasks,
            _lock: lock,
        })
    }

    /// The chain.
    pub const fn chain(&self) -> &EmbeddedChain {
        &self.chain
    }

    /// This node's account: a validator's, or the one that mined coins go to.
    pub const fn account(&self) -> Address {
        self.account
    }

    /// Where peers find this node.
    pub fn address(&self) -> PeerAddr {
        self.network.addr()
    }

    /// Stops, in order.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.wait().await;
        self.chain.shutdown().await;
        self.network.shutdown().await;
    }
}

/// Peers tell of peers.
async fn greet(network: Network, peers: Vec<PeerAddr>) {
    loop {
        network.greet(peers.clone()).await;
        network.refresh_peers().await;
        tokio::time::sleep(GREET_EVERY).await;
    }
}
