//! Settings twice: [`RawConfig`] as typed, [`Config`] resolved and checked.

use crate::{
    chain::{ChainSpec, ConsensusRules, Intensity, Keeping, stored_chain},
    keeper::CHAIN_FOLDER,
};
use crate::{
    fetch::{AllowedHost, ParseHostError},
    requestor::commands::sessions_at_a_time,
    traces::Collector,
};
use rayswarm_model::{Address, Amount, Bytes, WorkPrice, settings::Device};
use rayswarm_network::PeerAddr;
pub use rayswarm_network::Ticket;
pub use rayswarm_settlement::Contracts;
use rayswarm_settlement::{Chronicle, SettlementError};
use rustls::pki_types::ServerName;
use serde::{Deserialize, Serialize};
use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

/// Settings as typed; `None` means the default.
#[derive(Clone, Debug, Default)]
pub struct RawConfig {
    /// Folder for keys, journal, chain and caches.
    pub data_dir: Option<PathBuf>,
    /// Render for others.
    pub provide: bool,
    /// Threads per session.
    pub threads: Option<u32>,
    /// Memory per session.
    pub memory: Option<Bytes>,
    /// Most disk the blob cache may take.
    pub cache_size: Option<Bytes>,
    /// Price in tokens per WU-hour.
    pub price: Option<Amount>,
    /// Verified tasks without a voucher, after which no more work is done for a requestor.
    pub unpaid_tasks: Option<u64>,
    /// Judge quarrels about claims.
    pub judge: bool,
    /// What to keep at stake.
    pub stake: Option<Amount>,
    /// Terms of this node's jobs.
    pub job_terms: JobTermsConfig,
    /// HTTP address.
    pub http: Option<SocketAddr>,
    /// HTTPS address for other machines.
    pub https: Option<SocketAddr>,
    /// Certificate chain and private key for it, as PEM files.
    pub certificate: Option<(PathBuf, PathBuf)>,
    /// Names the HTTP API is known by besides its addresses.
    pub http_names: Vec<String>,
    /// Hosts from which pictures may be fetched wherever they are.
    pub fetch_allow: Vec<String>,
    /// The most that callers without a token may spend on pictures within 24 hours.
    pub render_cap: Option<Amount>,
    /// Chain to use instead of the embedded one.
    pub rpc: Option<String>,
    /// Address the embedded chain's JSON-RPC listens on.
    pub rpc_listen: Option<SocketAddr>,
    /// The chain to keep with others.
    pub genesis: Option<PathBuf>,
    /// What is kept of it.
    pub keeping: Keeping,
    /// Nodes that keep it too, to begin with.
    pub chain_peers: Vec<PeerAddr>,
    /// How much of this machine mines.
    pub mining: Option<Intensity>,
    /// Contracts that exist already.
    pub contracts: Option<Contracts>,
    /// Deploy contracts whatever chain it is.
    pub deploy: bool,
    /// Blocks after which one stays, where the chain does not say.
    pub confirmations: Option<u64>,
    /// A book with the settings of contracts to deploy.
    pub deploy_book: Option<PathBuf>,
    /// Ticket of a node to join.
    pub join: Option<String>,
    /// Addresses the peer-to-peer endpoint listens on.
    pub listen: Vec<SocketAddr>,
    /// Relay to use where no direct path is found.
    pub relay: Option<String>,
    /// Device sessions render on.
    pub device: Device,
    /// Accounts of its owner's other nodes.
    pub own_accounts: Vec<Address>,
    /// Run commands of anybody's jobs.
    pub commands_from_all: bool,
    /// Collector of traces.
    pub traces: Option<Collector>,
}

/// Settings with every default filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// Folder for keys, journal, chain and caches.
    pub data_dir: PathBuf,
    /// The provider role, if on.
    pub provider: Option<ProviderConfig>,
    /// Most disk the blob cache may take.
    pub cache_size: Bytes,
    /// HTTP address.
    pub http: SocketAddr,
    /// The API for other machines, if they may use it.
    pub https: Option<HttpsConfig>,
    /// Names the HTTP API is known by besides its addresses.
    pub http_names: Vec<String>,
    /// Hosts from which pictures may be fetched wherever they are.
    pub fetch_allow: Vec<AllowedHost>,
    /// The most that callers without a token may spend on pictures within 24 hours; nothing refuses them.
    pub render_cap: Amount,
    /// Where the chain is.
    pub chain: ChainChoice,
    /// What is kept of a chain that is kept with others.
    pub keeping: Keeping,
    /// Nodes that keep it too, to begin with.
    pub chain_peers: Vec<PeerAddr>,
    /// How much of this machine mines, where the chain is kept by proof of work.
    pub mining: Option<Intensity>,
    /// Which contracts, where no ticket names them.
    pub contracts: ContractChoice,
    /// Blocks after which one stays, where the chain does not say.
    pub confirmations: u64,
    /// A book with the settings of contracts to deploy.
    pub deploy_book: Option<PathBuf>,
    /// Ticket of a node to join.
    pub join: Option<String>,
    /// Addresses the peer-to-peer endpoint listens on; empty means every interface.
    pub listen: Vec<SocketAddr>,
    /// Relay to use where no direct path is found.
    pub relay: Option<String>,
    /// Threads of the requestor's own sessions (probe, finishing).
    pub local_threads: u32,
    /// Memory of the requestor's own sessions.
    pub local_memory: Bytes,
    /// Terms of this node's jobs.
    pub job_terms: JobTermsConfig,
    /// Accounts of its owner's other nodes: commands are sent to them and taken from them.
    pub own_accounts: Vec<Address>,
    /// Whether commands of anybody's jobs are run.
    pub commands_from_all: bool,
    /// Collector of traces, if they are sent.
    pub traces: Option<Collector>,
}

impl Config {
    /// Sessions of commands at a time.
    pub fn command_sessions(&self) -> usize {
        sessions_at_a_time(self.local_threads, self.local_memory)
    }
}

/// The HTTP API for other machines.
#[derive(Clone, Debug)]
pub struct HttpsConfig {
    /// Where it answers.
    pub address: SocketAddr,
    /// Certificate chain and private key as PEM files; the node makes its own by default.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// What the provider role may use and asks for.
#[derive(Clone, Debug)]
pub struct ProviderConfig {
    /// Threads per session.
    pub threads: u32,
    /// Memory per session.
    pub memory: Bytes,
    /// What it asks.
    pub price: WorkPrice,
    /// Verified tasks without a voucher, after which no more work is done for a requestor.
    pub unpaid_tasks: u64,
    /// Whether it judges quarrels about claims.
    pub judges: bool,
    /// What it keeps at stake; `None` leaves the stake as it is.
    pub stake: Option<Amount>,
    /// Device it renders on.
    pub device: Device,
}

/// Terms of this node's own jobs; `None` means what suits the chain.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JobTermsConfig {
    /// How long providers can redeem and claim after the close.
    pub exit: Option<Duration>,
    /// How long caps stay in force after the next were published.
    pub notice: Option<Duration>,
    /// How long a claim can be rejected.
    pub challenge: Option<Duration>,
    /// What a provider must have at stake to claim.
    pub provider_stake: Amount,
}

/// Which chain settles.
#[derive(Clone, Debug)]
pub enum ChainChoice {
    /// Our own, sealed by this node, JSON-RPC on this address.
    Embedded(SocketAddr),
    /// One that this node keeps with others, JSON-RPC on this address.
    Shared(SocketAddr, Box<ChainSpec>),
    /// Any Ethereum JSON-RPC.
    Remote(String),
    /// The one named by the ticket to join.
    FromTicket,
}

/// Which contracts a node uses when no ticket names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ContractChoice {
    /// Those noted at an earlier start. If there are none: new ones on a development chain, and a refusal on any other.
    #[default]
    Noted,
    /// These.
    Named(Contracts),
    /// Those noted at an earlier start, or new ones on whatever chain it is.
    Deploy,
}

/// Settings that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// No home folder to put data in.
    #[error("no home folder is known for this user; name one with --data-dir")]
    NoHome,
    /// Two settings exclude each other.
    #[error("{0} and {1} exclude each other; give one of them")]
    Conflict(&'static str, &'static str),
    /// Tokens would travel for everybody to read.
    #[error("--http {0} would answer other machines unencrypted; give them --https {0} instead")]
    HttpNotLoopback(SocketAddr),
    /// Neither a DNS name nor an address.
    #[error(
        "--http-name {0:?} is neither a DNS name nor an IP address; give it as in farm.example, without http:// and port"
    )]
    HttpName(String),
    /// No host to fetch from.
    #[error("--fetch-allow cannot be used: {0}")]
    FetchAllow(ParseHostError),
    /// A setting of the provider role without the role.
    #[error("{0} says what this node does for others; give it together with --provide")]
    NotProvided(&'static str),
    /// The genesis file.
    #[error("--genesis: {0}")]
    Genesis(String),
    /// It is of a chain that another way was chosen for.
    #[error(
        "{0} is for a chain that this node keeps with others: name that with --genesis FILE, or leave {0} out; \
         it has no use with --rpc and a chain of one's own"
    )]
    NotShared(&'static str),
    /// Zero threads.
    #[error("--threads 0 leaves nothing to render with; give at least 1")]
    NoThreads,
    /// Deploying would cost real coins and bring a token that is worth nothing.
    #[error(
        "chain {chain_id} at {url} is no development chain, and nothing says which contracts to use; \
         name existing ones with --contracts REGISTRY,ESCROW,TOKEN, or deploy new ones with --deploy"
    )]
    NoContracts {
        /// EIP-155 chain id.
        chain_id: u64,
        /// Its JSON-RPC.
        url: String,
    },
    /// What was typed names something else.
    #[error("the contracts named with --contracts cannot be used")]
    WrongContracts(#[source] Box<SettlementError>),
}

/// The default HTTP address.
pub const DEFAULT_HTTP: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 3000);
/// The voucher comes with the verdict, so that even one verified task without shows a requestor that does not pay; a few
/// may be under way when a connection breaks.
const DEFAULT_UNPAID_TASKS: u64 = 4;
/// What a provider asks by default: one token per WU-hour.
pub const DEFAULT_PRICE: Amount = Amount(1_000_000_000_000_000_000);
/// What callers without a token may spend on pictures within 24 hours by default: one token.
pub const DEFAULT_RENDER_CAP: Amount = Amount(1_000_000_000_000_000_000);
/// How long an engine may stay silent before it is killed. Building a heavy scene's BVH can take minutes.
pub const ENGINE_SILENCE: Duration = Duration::from_secs(900);

impl RawConfig {
    /// Fills in defaults.
    pub fn resolve(self) -> Result<Config, ConfigError> {
        let data_dir = self.data_dir.clone().map_or_else(default_data_dir, Ok)?;
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
        let threads = self.threads.unwrap_or(cores);
        if threads == 0 {
            return Err(ConfigError::NoThreads);
        }
        let http = self.http.unwrap_or(DEFAULT_HTTP);
        if !http.ip().is_loopback() {
            return Err(ConfigError::HttpNotLoopback(http));
        }
        if let Some(name) = self
            .http_names
            .iter()
            .find(|name| ServerName::try_from(name.as_str()).is_err())
        {
            return Err(ConfigError::HttpName(name.clone()));
        }
        let fetch_allow: Result<Vec<AllowedHost>, _> = self.fetch_allow.iter().map(|host| host.parse()).collect();
        let fetch_allow = fetch_allow.map_err(ConfigError::FetchAllow)?;
        let memory = self.memory.unwrap_or(Bytes(12 << 30));
        let kept = || {
            kept_chain(
                self.rpc_listen.unwrap_or(SocketAddr::from(([127, 0, 0, 1], 0))),
                self.genesis.as_deref(),
                &data_dir,
            )
        };
        let chain = match (self.rpc, &self.join) {
            (Some(_), _) if self.rpc_listen.is_some() => return Err(ConfigError::Conflict("--rpc", "--rpc-listen")),
            (Some(url), _) => ChainChoice::Remote(url),
            (None, None) => kept()?,
            // Whoever joins uses the chain where the ticket says, unless it keeps that with others.
            (None, Some(_)) => match kept()? {
                shared @ ChainChoice::Shared(..) => shared,
                _ if self.rpc_listen.is_some() => return Err(ConfigError::Conflict("--join", "--rpc-listen")),
                _ => ChainChoice::FromTicket,
            },
        };
        if !matches!(chain, ChainChoice::Shared(..)) {
            for (given, option) in [
                (self.genesis.is_some(), "--genesis"),
                (!self.chain_peers.is_empty(), "--peer"),
                (self.keeping.history.is_some(), "--history"),
                (self.keeping.archive == Some(true), "--archive"),
                (self.keeping.checkpoint.is_some(), "--checkpoint"),
            ] {
                if given {
                    return Err(ConfigError::NotShared(option));
                }
            }
        }
        let contracts = match (self.contracts, self.deploy, &self.join) {
            (Some(_), true, _) => return Err(ConfigError::Conflict("--contracts", "--deploy")),
            (Some(_), _, Some(_)) => return Err(ConfigError::Conflict("--contracts", "--join")),
            (None, true, Some(_)) => return Err(ConfigError::Conflict("--deploy", "--join")),
            (Some(named), ..) => ContractChoice::Named(named),
            (None, true, None) => ContractChoice::Deploy,
            (None, false, _) => ContractChoice::Noted,
        };
        if self.commands_from_all && !self.provide {
            return Err(ConfigError::NotProvided("--commands-from-all"));
        }
        if self.judge && !self.provide {
            return Err(ConfigError::NotProvided("--judge"));
        }
        if self.stake.is_some() && !self.provide {
            return Err(ConfigError::NotProvided("--stake"));
        }
        let price = WorkPrice {
            per_wu_hour: self.price.unwrap_or(DEFAULT_PRICE),
        };
        Ok(Config {
            data_dir,
            provider: self.provide.then_some(ProviderConfig {
                threads,
                memory,
                price,
                unpaid_tasks: self.unpaid_tasks.unwrap_or(DEFAULT_UNPAID_TASKS).max(1),
                judges: self.judge,
                stake: self.stake,
                device: self.device,
            }),
            cache_size: self.cache_size.unwrap_or(Bytes(50 << 30)),
            http,
            https: self.https.map(|address| HttpsConfig {
                address,
                certificate: self.certificate,
            }),
            http_names: self.http_names,
            fetch_allow,
            render_cap: self.render_cap.unwrap_or(DEFAULT_RENDER_CAP),
            chain,
            keeping: self.keeping,
            chain_peers: self.chain_peers,
            mining: self.mining,
            contracts,
            confirmations: self.confirmations.unwrap_or(Chronicle::STAYS_BELOW),
            deploy_book: self.deploy_book,
            join: self.join,
            listen: self.listen,
            relay: self.relay,
            local_threads: threads,
            local_memory: memory,
            own_accounts: self.own_accounts,
            job_terms: self.job_terms,
            commands_from_all: self.commands_from_all,
            traces: self.traces,
        })
    }
}

/// The chain that this node keeps: the named one, the one that is in its data folder, or one of its own.
fn kept_chain(listen: SocketAddr, genesis: Option<&Path>, data_dir: &Path) -> Result<ChainChoice, ConfigError> {
    let unreadable = |error: &dyn std::error::Error| ConfigError::Genesis(crate::requestor::refusal::chain(error));
    let spec = match genesis {
        Some(path) => Some(ChainSpec::read(path).map_err(|error| unreadable(&error))?),
        None => stored_chain(&data_dir.join(CHAIN_FOLDER)).map_err(|error| unreadable(&error))?,
    };
    Ok(match spec {
        Some(spec) if spec.consensus != ConsensusRules::Solo => ChainChoice::Shared(listen, Box::new(spec)),
        _ => ChainChoice::Embedded(listen),
    })
}

/// `$RAYSWARM_DATA`, `$XDG_DATA_HOME/rayswarm/node` or `~/.local/share/rayswarm/node`.
pub fn default_data_dir() -> Result<PathBuf, ConfigError> {
    let from = |name: &str| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    from("RAYSWARM_DATA")
        .or_else(|| from("XDG_DATA_HOME").map(|home| home.join("rayswarm/node")))
        .or_else(|| from("HOME").map(|home| home.join(".local/share/rayswarm/node")))
        .ok_or(ConfigError::NoHome)
}

/// Where a running daemon tells the command line how to reach it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DaemonFile {
    /// HTTP address.
    pub http: SocketAddr,
    /// Process id.
    pub pid: u32,
}

impl DaemonFile {
    /// Its path inside a data folder.
    pub fn path(data_dir: &Path) -> PathBuf {
        data_dir.join("daemon.json")
    }
    /// Reads it, if a daemon wrote one.
    pub fn read(data_dir: &Path) -> Option<Self> {
        let text = std::fs::read(Self::path(data_dir)).ok()?;
        serde_json::from_slice(&text).ok()
    }
}

#[cfg(test)]
mod tests;
