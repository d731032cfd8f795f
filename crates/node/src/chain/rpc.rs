//! Ethereum JSON-RPC over HTTP and WebSocket, as alloy, cast, ethers, viem and wallets speak it.
//!
//! One method per line in [`methods`]; what they do is in the submodules, by subject. Where blocks are final at once, `latest`, `safe`
//! and `finalized` are the same block; by pow the latter two are the last with enough confirmations.

mod accounts;
mod blocks;
mod calls;
mod convert;
mod error;
mod filters;
mod history;
mod logs;
mod room;
mod subscriptions;
mod transactions;

use std::{io, net::SocketAddr, sync::Arc};

use alloy_primitives::U64;
use jsonrpsee::{
    RpcModule,
    server::{BatchRequestConfig, PingConfig, RegisterMethodError, Server, ServerConfig, ServerHandle},
};
use rayswarm_network::Network;
use serde::Serialize;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tower_http::cors::{Any, CorsLayer};

use self::{
    error::Answer,
    filters::Filters,
    room::{Room, Work, register},
};
use super::{faucet::Faucet, ledger::Ledger, solo::MineRequest};

/// The largest request, in bytes: a batch of some dozens of the largest transactions.
const REQUEST_BYTES_MAX: u32 = 8 * 1024 * 1024;

/// The largest answer, in bytes.
const RESPONSE_BYTES_MAX: u32 = 64 * 1024 * 1024;

/// Most calls in one batch.
const BATCH_CALLS_MAX: u32 = 2_000;

/// Most connections at once.
const CONNECTIONS_MAX: u32 = 512;

/// Most subscriptions on one WebSocket.
const SUBSCRIPTIONS_MAX: u32 = 64;

/// Why the server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum RpcError {
    /// The address cannot be had.
    #[error("cannot listen on {address} for JSON-RPC; choose another address or stop what uses it")]
    Bind {
        /// The address asked for.
        address: SocketAddr,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// A method was registered twice: our own mistake.
    #[error("JSON-RPC methods collide")]
    Methods(#[from] RegisterMethodError),
}

/// What every method works with.
pub(crate) struct Rpc {
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) faucet: Option<Faucet>,
    /// Whom to ask for a block at will, on a chain that this node seals.
    pub(crate) mine: Option<mpsc::Sender<MineRequest>>,
    pub(crate) filters: Filters,
    room: Room,
    /// How blocks are ordered.
    pub(crate) consensus: &'static str,
    /// Where peers of the chain are, if it is kept with others.
    pub(crate) network: Option<Network>,
    /// Ends subscriptions.
    pub(crate) stopping: CancellationToken,
}

/// How full the pool is, as geth says it.
#[derive(Clone, Debug, Serialize)]
pub(super) struct PoolStatus {
    /// All that waits.
    pending: U64,
    /// Counted with the others.
    queued: U64,
}

impl Rpc {
    pub(crate) fn new(
        ledger: Arc<Ledger>,
        faucet: Option<Faucet>,
        mine: Option<mpsc::Sender<MineRequest>>,
        (consensus, network): (&'static str, Option<Network>),
        stopping: CancellationToken,
    ) -> Self {
        Self {
            consensus,
            network,
            ledger,
            faucet,
            mine,
            filters: Filters::default(),
            room: Room::default(),
            stopping,
        }
    }
}

/// How far this node is behind its peers, as geth says it.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum Syncing {
    /// It is not: `false`.
    No(bool),
    #[serde(rename_all = "camelCase")]
    Behind {
        /// Where it began.
        starting_block: U64,
        current_block: U64,
        /// As peers say.
        highest_block: U64,
    },
}

impl Rpc {
    fn syncing(&self) -> Answer<Syncing> {
        Ok(match self.ledger.behind() {
            None => Syncing::No(false),
            Some((begun, head, aim)) => Syncing::Behind {
                starting_block: convert::quantity(begun),
                current_block: convert::quantity(head),
                highest_block: convert::quantity(aim),
            },
        })
    }

    fn peers(&self) -> usize {
        self.network.as_ref().map_or(0, |network| network.chain_peers().len())
    }

    fn pool_status(&self) -> Answer<PoolStatus> {
        Ok(PoolStatus {
            pending: convert::quantity(self.ledger.read().waiting_count() as u64),
            queued: U64::ZERO,
        })
    }
}

/// Starts serving; returns where.
pub(crate) async fn serve(rpc: Rpc, address: SocketAddr) -> Result<(ServerHandle, SocketAddr), RpcError> {
    let bind = |source| RpcError::Bind { address, source };
    // Any page may ask: nothing is answered that is not public, and nothing is done without a signature.
    let cors = CorsLayer::new().allow_origin(Any).allow_methods(Any).allow_headers(Any);
    let server = Server::builder()
        .set_config(config())
        .set_http_middleware(tower::ServiceBuilder::new().layer(cors))
        .build(address)
        .await
        .map_err(bind)?;
    let address = server.local_addr().map_err(bind)?;
    Ok((server.start(methods(rpc)?), address))
}

/// How much is read, answered and kept open.
pub(super) fn config() -> ServerConfig {
    ServerConfig::builder()
        .max_request_body_size(REQUEST_BYTES_MAX)
        .max_response_body_size(RESPONSE_BYTES_MAX)
        .set_batch_request_config(BatchRequestConfig::Limit(BATCH_CALLS_MAX))
        .max_connections(CONNECTIONS_MAX)
        .max_subscriptions_per_connection(SUBSCRIPTIONS_MAX)
        // Whoever has gone without a word makes room for others.
        .enable_ws_ping(PingConfig::new())
        .set_id_provider(subscriptions::HexIds)
        .build()
}

/// Every method there is.
pub(super) fn methods(rpc: Rpc) -> Result<RpcModule<Rpc>, RegisterMethodError> {
    let is_development = rpc.faucet.is_some();
    let sealer = rpc.mine.clone().filter(|_| is_development);
    let mut module = RpcModule::new(rpc);
    let m = &mut module;

    m.register_method("web3_clientVersion", |_, rpc, _| {
        format!(concat!("rayswarm/", env!("CARGO_PKG_VERSION"), "/{}"), rpc.consensus)
    })?;
    m.register_method("net_peerCount", |_, rpc, _| convert::number(rpc.peers() as u64))?;
    m.register_method("txpool_status", |_, rpc, _| rpc.pool_status())?;
    m.register_method("net_version", |_, rpc, _| rpc.chain_id().to_string())?;
    m.register_method("net_listening", |_, _, _| true)?;
    m.register_method("eth_chainId", |_, rpc, _| convert::number(rpc.chain_id()))?;
    m.register_method("eth_syncing", |_, rpc, _| rpc.syncing())?;
    m.register_method("eth_accounts", |_, _, _| Vec::<String>::new())?;

    m.register_method("eth_blockNumber", |_, rpc, _| convert::number(rpc.head_number()))?;
    register(m, "eth_getBlockByNumber", Work::Read, Rpc::block_by_number)?;
    register(m, "eth_getBlockByHash", Work::Read, Rpc::block_by_hash)?;
    register(m, "eth_getBlockReceipts", Work::Read, Rpc::block_receipts)?;
    register(
        m,
        "eth_getBlockTransactionCountByNumber",
        Work::Read,
        Rpc::transaction_count_by_number,
    )?;
    register(
        m,
        "eth_getBlockTransactionCountByHash",
        Work::Read,
        Rpc::transaction_count_by_hash,
    )?;

    register(m, "eth_getBalance", Work::Read, Rpc::balance)?;
    register(m, "eth_getCode", Work::Read, Rpc::code)?;
    register(m, "eth_getStorageAt", Work::Read, Rpc::storage_at)?;
    register(m, "eth_getTransactionCount", Work::Read, Rpc::nonce)?;
    register(m, "eth_getProof", Work::Run, Rpc::proof)?;

    register(m, "eth_call", Work::Run, Rpc::call)?;
    register(m, "eth_estimateGas", Work::Run, Rpc::estimate_gas)?;
    register(m, "eth_createAccessList", Work::Run, Rpc::create_access_list)?;

    m.register_method("eth_gasPrice", |_, rpc, _| convert::number(rpc.gas_price()))?;
    m.register_method("eth_maxPriorityFeePerGas", |_, _, _| {
        convert::number(calls::SUGGESTED_TIP)
    })?;
    m.register_method("eth_blobBaseFee", |_, _, _| convert::number(1))?;
    register(m, "eth_feeHistory", Work::Read, Rpc::fee_history)?;

    register(m, "eth_sendRawTransaction", Work::Read, Rpc::send_raw_transaction)?;
    register(m, "eth_getTransactionByHash", Work::Read, Rpc::transaction_by_hash)?;
    register(
        m,
        "eth_getTransactionByBlockNumberAndIndex",
        Work::Read,
        Rpc::transaction_by_number_and_index,
    )?;
    register(
        m,
        "eth_getTransactionByBlockHashAndIndex",
        Work::Read,
        Rpc::transaction_by_hash_and_index,
    )?;
    register(m, "eth_getTransactionReceipt", Work::Read, Rpc::receipt)?;

    register(m, "eth_getLogs", Work::Run, Rpc::logs)?;
    m.register_method("eth_newFilter", |p, rpc, _| rpc.new_log_filter(&p))?;
    m.register_method("eth_newBlockFilter", |_, rpc, _| rpc.new_block_filter())?;
    m.register_method("eth_newPendingTransactionFilter", |_, rpc, _| rpc.new_arrival_filter())?;
    register(m, "eth_getFilterChanges", Work::Read, Rpc::filter_changes)?;
    register(m, "eth_getFilterLogs", Work::Run, Rpc::filter_logs)?;
    m.register_method("eth_uninstallFilter", |p, rpc, _| rpc.uninstall_filter(&p))?;
    m.register_subscription(
        "eth_subscribe",
        "eth_subscription",
        "eth_unsubscribe",
        |p, sink, rpc, _| subscriptions::serve(p, sink, rpc),
    )?;

    m.register_method("rayswarm_checkpoint", |_, rpc, _| rpc.checkpoint())?;

    // On a development chain only: elsewhere nobody gets coins, or a block, for nothing.
    if let Some(sealer) = sealer {
        m.register_async_method("rayswarm_mine", move |_, _, _| blocks::mine(sealer.clone()))?;
    }
    if is_development {
        register(m, "rayswarm_faucet", Work::Read, Rpc::drip)?;
    }
    Ok(module)
}
