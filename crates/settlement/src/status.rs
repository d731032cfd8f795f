//! Where a chain stands, as its server tells it.

use crate::{
    error::SettlementError,
    rpc::{RawHead, Rpc},
    validators::SetKind,
};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{B256, U64},
};
use rayswarm_model::UnixMillis;
use serde::Serialize;

/// What a chain's server tells. Servers that do not know a thing leave it out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ChainStatus {
    /// The program that serves it.
    pub client: String,
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of block zero.
    pub genesis: B256,
    /// How its blocks are ordered, where that shows: `pos` and `dpos` by the contract that keeps the validators, `pow` by the
    /// difficulty of its newest block.
    pub consensus: Option<&'static str>,
    /// Its newest block.
    pub head: HeadStatus,
    /// Number of the newest block that is unlikely to be given up.
    pub safe: Option<u64>,
    /// Number of the newest block that stays.
    pub finalized: Option<u64>,
    /// Other nodes that the server is joined with.
    pub peers: Option<u64>,
    /// Transactions that wait for a block.
    pub waiting: Option<u64>,
    /// A final block whose state it gives to newcomers: height and hash, as `--checkpoint` takes them.
    pub checkpoint: Option<String>,
}

/// The newest block.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct HeadStatus {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// When it was made, as it says.
    pub at: UnixMillis,
    /// Gas that a block may use.
    pub gas_limit: u64,
    /// What a unit of gas costs at least, in wei.
    pub base_fee_wei: Option<u64>,
    /// How many hashes it took, about, by pow.
    pub difficulty: Option<u64>,
}

/// Asks the server at `rpc_url` where its chain stands.
///
/// # Errors
/// When it is no server of a chain, or none answers.
pub async fn chain_status(rpc_url: &str) -> Result<ChainStatus, SettlementError> {
    let rpc = Rpc::new(rpc_url)?;
    let newest = present(&rpc, BlockNumberOrTag::Latest).await?;
    let head = HeadStatus::from(&newest);
    let consensus = match SetKind::find(&rpc).await? {
        Some(SetKind::Staked) => Some("pos"),
        Some(SetKind::Delegated) => Some("dpos"),
        None => head.difficulty.map(|_| "pow"),
    };
    let number_of =
        async |tag| known(rpc.head(tag).await).map(|block| block.flatten().map(|block| block.number.to::<u64>()));
    Ok(ChainStatus {
        client: known(rpc.client_version().await)?.unwrap_or_else(|| "unknown".into()),
        chain_id: rpc.chain_id().await?,
        genesis: present(&rpc, BlockNumberOrTag::Number(0)).await?.hash,
        consensus,
        head,
        safe: number_of(BlockNumberOrTag::Safe).await?,
        finalized: number_of(BlockNumberOrTag::Finalized).await?,
        peers: known(rpc.peer_count().await)?,
        waiting: known(rpc.waiting_count().await)?,
        checkpoint: known(rpc.checkpoint().await)?.flatten(),
    })
}

/// A block that every chain has.
async fn present(rpc: &Rpc, block: BlockNumberOrTag) -> Result<RawHead, SettlementError> {
    let missing = || SettlementError::Nonsense {
        method: "eth_getBlockByNumber",
        reason: format!("no block {block}"),
    };
    rpc.head(block).await?.ok_or_else(missing)
}

/// What a server answered; nothing if it does not know the question.
fn known<T>(answer: Result<T, SettlementError>) -> Result<Option<T>, SettlementError> {
    match answer {
        Ok(answer) => Ok(Some(answer)),
        Err(SettlementError::Refused { .. } | SettlementError::Nonsense { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl From<&RawHead> for HeadStatus {
    fn from(head: &RawHead) -> Self {
        Self {
            number: head.number.to(),
            hash: head.hash,
            at: UnixMillis(head.timestamp.to::<u64>().saturating_mul(1_000)),
            gas_limit: head.gas_limit.to(),
            base_fee_wei: head.base_fee_per_gas.map(|fee: U64| fee.to()),
            difficulty: head
                .difficulty
                .filter(|difficulty| !difficulty.is_zero())
                .map(|difficulty| difficulty.saturating_to()),
        }
    }
}

#[cfg(test)]
mod tests;
