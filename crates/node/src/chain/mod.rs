//! The chain that a node keeps, with JSON-RPC: a `solo` chain of its own, or one that it keeps together with others.
//!
//! What a block is and does is `rayswarm-chain`'s, who may make one and which is final is `rayswarm-consensus`'s; here are the
//! hands: files, a clock, loops, sockets.
//!
//! | module | holds |
//! |---|---|
//! | [`spec`] | what a chain is, in one readable file |
//! | [`draft`] | a new chain of a few choices |
//! | [`ledger`] | the chain as loops and JSON-RPC share it |
//! | [`solo`] | the loop of a node that seals alone: a block whenever a transaction waits |
//! | [`checkpoint`] | a block that is trusted |
//! | [`kept`] | opening a chain that nodes keep together |
//! | [`driver`] | the loop of such a chain: what consensus wants done |
//! | [`miner`] | threads that look for nonces |
//! | [`parallel`] | work on many things on all processors |
//! | [`accuser`] | reports who signed two things |
//! | [`storage`], [`wal`], [`record_log`] | blocks, and what was signed, in files that a crash cannot tear |
//! | [`snapshots`] | the final state on disk |
//! | [`archive`] | the states after all final blocks, where they are kept |
//! | [`landmarks`] | states that newcomers may begin with |
//! | [`rpc`] | Ethereum JSON-RPC |
//! | [`client`] | a chain as the command line sees it |
//! | [`transfer`] | whole chains in files |
//! | [`faucet`] | coins for everybody on a development chain |
//! | [`fuzzing`] | ways to decoders, for `crates/fuzzing` |

mod accuser;
mod archive;
mod arrivals;
mod checkpoint;
pub mod client;
mod draft;
mod driver;
mod faucet;
#[doc(hidden)]
pub mod fuzzing;
mod kept;
mod landmarks;
mod ledger;
mod miner;
pub(crate) mod parallel;
mod record_log;
mod rpc;
mod snapshots;
mod solo;
mod spec;
mod storage;
#[cfg(test)]
mod tests;
pub mod transfer;
mod wal;

use std::{
    fs::{self, File},
    io::{self, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use alloy_primitives::{Address, B256};
use jsonrpsee::server::ServerHandle;
use rayswarm_chain::{Chain, Genesis, GenesisError, OpenError, ResumeError};
use rayswarm_consensus::RulesError;
use rayswarm_model::signed::AccountKey;
use rayswarm_network::{ChainEvent, Network, PeerAddr};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use self::{
    accuser::Accuser,
    driver::{
        Driver, Peers,
        beginning::{self, Wanted},
    },
    faucet::Faucet,
    kept::Part,
    ledger::{Ledger, chained, header_of},
    miner::Miner,
    rpc::Rpc,
    snapshots::SnapshotError,
    solo::{MINE_REQUESTS_MAX, Sealer},
    storage::BlockLog,
};
pub use self::{
    checkpoint::{Checkpoint, NotTheCheckpoint},
    draft::{COIN, ConsensusKind, Draft, new_chain_id},
    faucet::development_genesis,
    kept::Keeping,
    miner::Intensity,
    rpc::RpcError,
    spec::{ChainSpec, ConsensusRules, FirstValidator, ValidatorParams},
    storage::StorageError,
};

pub use rayswarm_settlement::chain_id::{DEVELOPMENT_CHAIN_ID, is_own_chain_id};

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
    /// [`stored_chain`] first to continue whatever is there.
    pub genesis: Genesis,
    /// Where JSON-RPC is served; port 0 takes any free one.
    pub rpc_bind: SocketAddr,
}

/// A chain that is kept together with others.
pub struct SharedConfig {
    /// Directory of the chain; made when missing, never shared by two processes.
    pub dir: PathBuf,
    /// The chain. One that is in `dir` already must be the same.
    pub spec: ChainSpec,
    /// Where JSON-RPC is served; port 0 takes any free one.
    pub rpc_bind: SocketAddr,
    /// The account that signs votes, or that mined coins go to; without one the node follows.
    pub key: Option<AccountKey>,
    /// How much of this machine mines, by pow.
    pub mining: Option<Intensity>,
    /// What is kept of it.
    pub keeping: Keeping,
    /// The network, and what peers of the chain say in it.
    pub network: Network,
    /// See [`rayswarm_network::Inbox::chain`].
    pub events: mpsc::Receiver<ChainEvent>,
    /// Peers that are looked for besides those that the network knows.
    pub known: Vec<PeerAddr>,
}

/// Why the chain cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ChainError {
    /// The rules cannot be written or read.
    #[error("the rules of the chain cannot be encoded")]
    Rules(#[source] serde_json::Error),
    /// Nobody could keep the validators.
    #[error(
        "the genesis has no code at {0}, where its consensus keeps the validators; make the chain with `rayswarm chain init`"
    )]
    NoContract(Address),
    /// No chain could run by them.
    #[error("the rules of the chain's consensus cannot be kept")]
    Numbers(#[source] RulesError),
    /// No chain can start from the genesis.
    #[error("the genesis cannot start a chain")]
    Impossible(#[from] GenesisError),
    /// The final state.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// What was kept of the final state does not fit the chain.
    #[error(
        "the chain does not go on where its final state was kept; remove state.redb, and it is made again from the block log"
    )]
    Resume(#[source] ResumeError),
    /// The blocks of the log do not follow from each other, or cannot be stored again.
    #[error(
        "the blocks of the log do not make the chain again; restore blocks.log from a copy, or fetch the chain anew"
    )]
    Replay(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Nobody can go on.
    #[error("the contract of the validators does not say who votes after block {0}")]
    NoValidators(u64),
    /// One node seals it.
    #[error("a solo chain is sealed by one node and not kept with others; start it with `rayswarm up`")]
    NotShared,
    /// Threads that mine.
    #[error("the miner's threads cannot be started")]
    Miner(#[source] io::Error),
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
    /// The chain is not the one that is trusted.
    #[error(
        "the chain in the data folder leaves the one that is trusted; fetch it anew, or look at the checkpoint again"
    )]
    Checkpoint(#[source] NotTheCheckpoint),
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
        let opening = tokio::task::spawn_blocking(move || open(&dir, genesis));
        let ledger = Arc::new(opening.await.map_err(ChainError::Interrupted)??);

        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        let (mine, requests) = mpsc::channel(MINE_REQUESTS_MAX);
        let rpc = Rpc::new(ledger.clone(), faucet, Some(mine), ("solo", None), stopping.clone());
        let (server, address) = rpc::serve(rpc, rpc_bind).await?;
        let sealer = Sealer {
            ledger: ledger.clone(),
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

    /// Opens a chain that nodes keep together and takes part in it.
    ///
    /// # Errors
    /// See [`ChainError`].
    pub async fn join(config: SharedConfig) -> Result<Self, ChainError> {
        let SharedConfig {
            dir,
            spec,
            network,
            mut events,
            ..
        } = config;
        let faucet = Faucet::of(&spec.genesis);
        let (contract, consensus) = (spec.consensus.contract(), spec.consensus.name());
        let part = Part {
            key: config.key.clone(),
            mines: config.mining.is_some(),
            keeping: config.keeping,
        };
        let pow = match &spec.consensus {
            ConsensusRules::Pow { rules } => Some(*rules),
            _ => None,
        };
        let first = spec.chain_genesis()?.block();
        network.keep_chain(first.hash);
        let stopping = CancellationToken::new();
        let tasks = TaskTracker::new();
        let mut peers = Peers::new(network.clone(), config.known, tasks.clone());
        let beginning = match config.keeping.checkpoint {
            Some(checkpoint) => {
                let (folder, chain, archive) = (dir.clone(), spec.clone(), config.keeping.archive);
                let looking = tokio::task::spawn_blocking(move || kept::start(&folder, &chain, checkpoint, archive));
                let start = looking.await.map_err(ChainError::Interrupted)??;
                let wanted = Wanted {
                    checkpoint,
                    genesis: header_of(first.hash, first.header()),
                    pow,
                };
                beginning::begin(start, &mut peers, &mut events, &wanted).await
            }
            None => None,
        };
        let opening = tokio::task::spawn_blocking(move || {
            claim(&dir, &spec)?;
            if let Some(beginning) = beginning {
                kept::begin_at(&dir, &spec, &part, &beginning)?;
            }
            kept::open(&dir, &spec, &part)
        });
        let opened = opening.await.map_err(ChainError::Interrupted)??;
        let ledger = Arc::new(opened.ledger);
        let rpc = Rpc::new(
            ledger.clone(),
            faucet,
            None,
            (consensus, Some(network.clone())),
            stopping.clone(),
        );
        let (server, address) = rpc::serve(rpc, config.rpc_bind).await?;
        let miner = config.mining.map(Miner::start).transpose().map_err(ChainError::Miner)?;
        let accuser = config
            .key
            .zip(contract)
            .map(|(key, contract)| Accuser::new(key, contract));
        let driver = Driver {
            ledger: ledger.clone(),
            consensus: opened.consensus,
            wal: opened.wal,
            written: opened.written,
            pow,
            miner,
            accuser,
            peers,
        };
        let (driving, stop) = (driver.run(events, tasks.clone(), stopping.clone()), stopping.clone());
        tasks.spawn(async move {
            if let Err(error) = driving.await {
                tracing::error!(error = %chained(&error), "this node takes part in its chain no more; start it again");
                stop.cancel();
            }
        });
        Ok(Self {
            ledger,
            address,
            server,
            tasks,
            stopping,
        })
    }

    /// Resolves when the chain has stopped, by its own fault too.
    pub async fn stopped(&self) {
        self.stopping.cancelled().await;
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
        self.ledger.chain_id()
    }

    /// Hash of block 0, the chain's name.
    pub fn genesis_hash(&self) -> B256 {
        self.ledger.genesis_header().hash
    }

    /// Height and hash of the latest block.
    pub fn head(&self) -> (u64, B256) {
        self.ledger.head()
    }

    /// The time that the latest block carries, in seconds since 1970.
    pub fn head_time(&self) -> u64 {
        self.ledger.head_time()
    }

    /// Finishes the block being sealed, answers what was asked, and stops. The directory is free afterwards.
    pub async fn shutdown(self) {
        self.stopping.cancel();
        self.tasks.close();
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

/// The chain in `dir`, if there is one.
///
/// # Errors
/// [`ChainError::Files`], [`ChainError::Genesis`].
pub fn stored_chain(dir: &Path) -> Result<Option<ChainSpec>, ChainError> {
    let path = dir.join(GENESIS_FILE);
    match fs::read(&path) {
        Ok(text) => ChainSpec::parse(&path, &text).map(Some),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(files("read", &path, source)),
    }
}

/// Makes `dir` the directory of a chain, or sees that it is.
///
/// # Errors
/// [`ChainError::OtherChain`] if it is another's; [`ChainError::Files`].
pub fn claim(dir: &Path, spec: &ChainSpec) -> Result<(), ChainError> {
    fs::create_dir_all(dir).map_err(|source| files("make", dir, source))?;
    match stored_chain(dir)? {
        None => store_spec(dir, spec),
        Some(stored) if stored == *spec => Ok(()),
        Some(stored) => Err(ChainError::OtherChain {
            dir: dir.to_owned(),
            stored: stored.chain_genesis()?.hash(),
            wanted: spec.chain_genesis()?.hash(),
        }),
    }
}

fn open(dir: &Path, genesis: Genesis) -> Result<Ledger, ChainError> {
    claim(dir, &ChainSpec::solo(genesis.clone()))?;
    let (name, sealer) = (genesis.hash(), genesis.sealer);
    let mut log = BlockLog::open(&dir.join(LOG_FILE), name)?;
    let chain = Chain::open(genesis, &mut log).map_err(|source| ChainError::Open {
        dir: dir.to_owned(),
        source: Box::new(source),
    })?;
    tracing::info!(dir = %dir.display(), genesis = %name, blocks = log.blocks(), "chain opened");
    Ok(Ledger::new(chain, log, sealer, None, None))
}

/// Writes the file beside its place and moves it there, so that it is never half a file.
fn store_spec(dir: &Path, spec: &ChainSpec) -> Result<(), ChainError> {
    let path = dir.join(GENESIS_FILE);
    let unfinished = dir.join("genesis.json.new");
    let text = spec.to_text()?;
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
