//! What a server tells of its chain as a whole.

use super::Rpc;
use crate::error::SettlementError;
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{B256, U64, U256},
    providers::Provider,
};
use serde::Deserialize;

/// A block's header as far as it tells where a chain stands.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawHead {
    pub(crate) number: U64,
    pub(crate) hash: B256,
    /// Seconds since 1970.
    pub(crate) timestamp: U64,
    pub(crate) gas_limit: U64,
    #[serde(default)]
    pub(crate) base_fee_per_gas: Option<U64>,
    #[serde(default)]
    pub(crate) difficulty: Option<U256>,
}

/// An empty list: some servers do not take `null`.
const NO_PARAMS: [(); 0] = [];

/// `txpool_status`.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Pool {
    pending: U64,
    #[serde(default)]
    queued: U64,
}

impl Rpc {
    /// The header of a block, if there is one.
    pub(crate) async fn head(&self, block: BlockNumberOrTag) -> Result<Option<RawHead>, SettlementError> {
        const METHOD: &str = "eth_getBlockByNumber";
        let asked = self.provider.raw_request(METHOD.into(), (block, false));
        self.done(METHOD, asked.await)
    }

    /// Name and version of the server's program.
    pub(crate) async fn client_version(&self) -> Result<String, SettlementError> {
        const METHOD: &str = "web3_clientVersion";
        self.done(METHOD, self.provider.raw_request(METHOD.into(), NO_PARAMS).await)
    }

    /// Nodes that the server is joined with.
    pub(crate) async fn peer_count(&self) -> Result<u64, SettlementError> {
        const METHOD: &str = "net_peerCount";
        let peers: U64 = self.done(METHOD, self.provider.raw_request(METHOD.into(), NO_PARAMS).await)?;
        Ok(peers.to())
    }

    /// A final block that newcomers may begin at.
    pub(crate) async fn checkpoint(&self) -> Result<Option<String>, SettlementError> {
        const METHOD: &str = "rayswarm_checkpoint";
        self.done(METHOD, self.provider.raw_request(METHOD.into(), NO_PARAMS).await)
    }

    /// Transactions that wait for a block.
    pub(crate) async fn waiting_count(&self) -> Result<u64, SettlementError> {
        const METHOD: &str = "txpool_status";
        let pool: Pool = self.done(METHOD, self.provider.raw_request(METHOD.into(), NO_PARAMS).await)?;
        Ok(pool.pending.to::<u64>().saturating_add(pool.queued.to()))
    }
}
