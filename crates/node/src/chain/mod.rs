//! The embedded chain: a `solo` chain with JSON-RPC, for development and for a studio of its own.
//!
//! [`EmbeddedChain::start`] opens (or starts) the chain in a directory, serves JSON-RPC on an address, and
//! seals a block whenever a transaction waits. What a block is and does is `rayswarm-chain`'s; here are the
//! hands: a file ([`storage`]), a clock and a loop ([`solo`]), a socket ([`rpc`]).
//!
//! In the directory: `genesis.json`, which names the chain, and `blocks.log`, which is the chain.

mod arrivals;
mod faucet;
mod ledger;
mod rpc;
mod solo;
mod storage;
#[cfg(test)]
mod tests;

use std::{
    fs::{self, File},
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::B256;
use jsonrpsee::server::ServerHandle;
use rayswarm_chain::{Chain, Genesis, OpenError};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    faucet::Faucet,
    ledger::Ledger,
    rpc::Rpc,
    solo::{MINE_REQUESTS_MAX, Sealer},
    storage::BlockLog,
};
pub use self::{
    faucet::{DEVELOPMENT_CHAIN_ID, development_genesis},
    rpc::RpcError,
    storage::StorageError,
};

const GENESIS_FILE: &str = "genesis.json";
const LOG_FILE: &str = "blocks.log";

/// How long open connections may take to finish when the chain stops.
const CONNECTIONS_GRACE: Duration = Duration::from_secs(3);

/// Where and what.
#[derive(Clone, Debug)]
pub struct ChainConfig {
    /// Directory of the chain; made when missing, never shared by two processes.
    pub dir: PathBuf,
    /// What the chain starts from. A chain that is in `dir` already must have the same genesis hash; ask
    /// [`stored_genesis`] first to continue whatever is there.
    pub genesis: Genesis,
    /// Where JSON-RPC is served; port 0 takes any free one.
    pub rpc_bind: SocketAddr,
}

/// Why the chain cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The directory or its genesis file.
    #[error("cannot {action} {path}")]
    Files {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The genesis file does not read as one.
    #[error("{path} is not a genesis; restore it from a copy or start a new chain in another directory")]
    Genesis {
        /// The file.
        path: PathBuf,
        /// Where it goes wrong.
        #[source]
        source: serde_json::Error,
    },
    /// There is another chain.
    #[error("{dir} holds chain {stored}, not {wanted}; use its genesis or another directory")]
    OtherChain {
        /// The directory.
        dir: PathBuf,
        /// Genesis hash of the chain in it.
        stored: B256,
        /// Genesis hash asked for.
        wanted: B256,
    },
    /// The block log.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// The blocks in the log.
    #[error("the chain in {dir} cannot be opened")]
    Open {
        /// The directory.
        dir: PathBuf,
        /// What is wrong with it.
        #[source]
        source: Box<OpenError>,
    },
    /// JSON-RPC.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// Opening was broken off.
    #[error("opening the chain was interrupted")]
    Interrupted(#[source] tokio::task::JoinError),
}

/// A running chain. Dropping it stops sealing and serving without waiting; [`EmbeddedChain::shutdown`] waits.
pub struct EmbeddedChain {
    ledger: Arc<Ledger>,
    address: SocketAddr,
    server: ServerHandle,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl EmbeddedChain {
    /// Opens the chain (executing its blocks again, see `rayswarm-chain`) and starts serving and sealing.
    ///
    /// # Errors
    /// See [`ChainError`].
    pub async fn start(config: ChainConfig) -> Result<Self, ChainError> {
        let ChainConfig { dir, genesis, rpc_bind } = config;
        let faucet = Faucet::of(&genesis);
        let account = genesis.sealer;
        let opening = tokio::task::spawn_blocking(move || open(&dir, genesis));
        let ledger = Arc::new(opening.await.map_err(ChainError::Interrupted)??);

        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (mine, requests) = mpsc::channel(MINE_REQUESTS_MAX);
        let rpc = Rpc::new(ledger.clone(), faucet, mine, stopping.clone());
        let (server, address) = rpc::serve(rpc, rpc_bind).await?;
        let sealer = Sealer {
            ledger: ledger.clone(),
            account,
            requests,
        };
        tasks.spawn(sealer.run(stopping.clone()));
        tasks.close();
        Ok(Self {
            ledger,
            address,
            server,
            tasks,
            stopping,
        })
    }

    /// Where JSON-RPC is served.
    pub fn rpc_addr(&self) -> SocketAddr {
        self.address
    }

    /// The URL of JSON-RPC for this machine.
    pub fn rpc_url(&self) -> String {
        let mut address = self.address;
        if address.ip().is_unspecified() {
            address.set_ip(match address.ip() {
                IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
                IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
            });
        }
        format!("http://{address}")
    }

    /// EIP-155 chain id.
    pub fn chain_id(&self) -> u64 {
        self.ledger.read().genesis().chain_id
    }

    /// Hash of block 0, the chain's name.
    pub fn genesis_hash(&self) -> B256 {
        self.ledger.read().genesis_hash()
    }

    /// Height and hash of the latest block.
    pub fn head(&self) -> (u64, B256) {
        let chain = self.ledger.read();
        (chain.head().number(), chain.head().hash)
    }

    /// Finishes the block being sealed, answers what was asked, and stops. The directory is free afterwards.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        self.tasks.wait().await;
        if self.server.stop().is_ok() && timeout(CONNECTIONS_GRACE, self.server.clone().stopped()).await.is_err() {
            tracing::warn!("JSON-RPC connections did not end in time");
        }
        self.ledger.close();
    }
}

impl Drop for EmbeddedChain {
    fn drop(&mut self) {
        self.stopping.cancel();
        // Stopped already is no error.
        let _ = self.server.stop();
    }
}

/// The genesis of the chain in `dir`, if there is one.
///
/// # Errors
/// [`ChainError::Files`], [`ChainError::Genesis`].
pub fn stored_genesis(dir: &Path) -> Result<Option<Genesis>, ChainError> {
    let path = dir.join(GENESIS_FILE);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(files("read", &path, source)),
    };
    serde_json::from_slice(&text)
        .map(Some)
        .map_err(|source| ChainError::Genesis { path, source })
}

fn open(dir: &Path, genesis: Genesis) -> Result<Ledger, ChainError> {
    fs::create_dir_all(dir).map_err(|source| files("make", dir, source))?;
    let wanted = genesis.hash();
    match stored_genesis(dir)? {
        None => store_genesis(dir, &genesis)?,
        Some(stored) if stored == genesis => {}
        Some(stored) => {
            return Err(ChainError::OtherChain {
                dir: dir.to_owned(),
                stored: stored.hash(),
                wanted,
            });
        }
    }
    let mut log = BlockLog::open(&dir.join(LOG_FILE), wanted)?;
    let chain = Chain::open(genesis, &mut log).map_err(|source| ChainError::Open {
        dir: dir.to_owned(),
        source: Box::new(source),
    })?;
    tracing::info!(dir = %dir.display(), genesis = %wanted, blocks = log.blocks(), "chain opened");
    Ok(Ledger::new(chain, log))
}

/// Writes the genesis beside its place and moves it there, so that it is never half a file.
fn store_genesis(dir: &Path, genesis: &Genesis) -> Result<(), ChainError> {
    let path = dir.join(GENESIS_FILE);
    let unfinished = dir.join("genesis.json.new");
    let text = serde_json::to_vec_pretty(genesis).map_err(|source| ChainError::Genesis {
        path: path.clone(),
        source,
    })?;
    File::create(&unfinished)
        .and_then(|mut file| file.write_all(&text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&unfinished, &path))
        .and_then(|()| File::open(dir)?.sync_all())
        .map_err(|source| files("write", &path, source))
}

fn files(action: &'static str, path: &Path, source: io::Error) -> ChainError {
    ChainError::Files {
        action,
        path: path.to_owned(),
        source,
    }
}
