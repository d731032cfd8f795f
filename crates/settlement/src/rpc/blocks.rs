//! Blocks and transactions as servers of any chain tell them. Only what is shown is read, so that the kinds of
//! transactions that other chains have do no harm.

use super::Rpc;
use crate::error::SettlementError;
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, Bytes, U64, U256, keccak256},
    providers::Provider,
    rpc::{
        client::BatchRequest,
        types::{Header, Log},
    },
    transports::{RpcError, TransportError, TransportResult, http::reqwest},
};
use serde::Deserialize;
use std::sync::atomic::Ordering;

const BLOCK_BY_NUMBER: &str = "eth_getBlockByNumber";

/// A block without its transactions.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawBlock {
    pub(crate) number: U64,
    pub(crate) hash: B256,
    pub(crate) parent_hash: B256,
    /// Seconds since 1970.
    pub(crate) timestamp: U64,
    pub(crate) gas_used: U64,
    pub(crate) gas_limit: U64,
    pub(crate) miner: Address,
    #[serde(default)]
    pub(crate) size: Option<U64>,
    pub(crate) transactions: Vec<B256>,
}

/// What a transaction says itself.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct RawTransaction {
    pub(crate) input: Bytes,
    pub(crate) value: U256,
}

/// What became of a transaction.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RawReceipt {
    pub(crate) block_number: U64,
    pub(crate) from: Address,
    pub(crate) to: Option<Address>,
    pub(crate) gas_used: U64,
    /// 1 is success.
    #[serde(default)]
    pub(crate) status: Option<U64>,
    pub(crate) logs: Vec<Log>,
}

impl Rpc {
    pub(crate) async fn block_by_number(&self, number: BlockNumberOrTag) -> Result<Option<RawBlock>, SettlementError> {
        let asked = self.provider.raw_request(BLOCK_BY_NUMBER.into(), (number, false));
        self.done(BLOCK_BY_NUMBER, asked.await)
    }

    pub(crate) async fn block_by_hash(&self, hash: B256) -> Result<Option<RawBlock>, SettlementError> {
        const METHOD: &str = "eth_getBlockByHash";
        self.done(METHOD, self.provider.raw_request(METHOD.into(), (hash, false)).await)
    }

    /// The header of a block in RLP, which hashes to the block's hash; `None` when the server has no such block.
    pub(crate) async fn header_rlp(&self, number: u64) -> Result<Option<Bytes>, SettlementError> {
        let wanted = (BlockNumberOrTag::Number(number), false);
        let asked = self.provider.raw_request(BLOCK_BY_NUMBER.into(), wanted);
        let header: Option<Header> = self.done(BLOCK_BY_NUMBER, asked.await)?;
        header.as_ref().map(header_of).transpose()
    }

    /// Those of these blocks that are there: in one request, or one by one where the server takes no batches.
    pub(crate) async fn blocks_by_number(&self, numbers: &[u64]) -> Result<Vec<RawBlock>, SettlementError> {
        if numbers.is_empty() {
            return Ok(Vec::new());
        }
        if self.takes_batches() {
            match self.in_one_batch(numbers).await {
                Err(error) if !is_unreachable(&error) => {
                    tracing::debug!(url = self.url, %error, "a batch was not answered; asking one by one");
                }
                answered => return self.done(BLOCK_BY_NUMBER, answered),
            }
        }
        let blocks = self.one_by_one(numbers).await?;
        // Each by itself was answered: it is batches that this server does not take.
        self.takes_batches.store(false, Ordering::Relaxed);
        Ok(blocks)
    }

    fn takes_batches(&self) -> bool {
        self.takes_batches.load(Ordering::Relaxed)
    }

    async fn in_one_batch(&self, numbers: &[u64]) -> TransportResult<Vec<RawBlock>> {
        let mut batch = BatchRequest::new(self.provider.client());
        let mut answers = Vec::with_capacity(numbers.len());
        for number in numbers {
            let wanted = (BlockNumberOrTag::Number(*number), false);
            answers.push(batch.add_call::<_, Option<RawBlock>>(BLOCK_BY_NUMBER, &wanted)?);
        }
        batch.send().await?;
        let mut blocks = Vec::with_capacity(numbers.len());
        for answer in answers {
            blocks.extend(answer.await?);
        }
        Ok(blocks)
    }

    async fn one_by_one(&self, numbers: &[u64]) -> Result<Vec<RawBlock>, SettlementError> {
        let mut blocks = Vec::with_capacity(numbers.len());
        for number in numbers {
            blocks.extend(self.block_by_number(BlockNumberOrTag::Number(*number)).await?);
        }
        Ok(blocks)
    }

    pub(crate) async fn transaction(&self, hash: B256) -> Result<Option<RawTransaction>, SettlementError> {
        const METHOD: &str = "eth_getTransactionByHash";
        self.done(METHOD, self.provider.raw_request(METHOD.into(), (hash,)).await)
    }

    pub(crate) async fn raw_receipt(&self, hash: B256) -> Result<Option<RawReceipt>, SettlementError> {
        const METHOD: &str = "eth_getTransactionReceipt";
        self.done(METHOD, self.provider.raw_request(METHOD.into(), (hash,)).await)
    }
}

fn header_of(header: &Header) -> Result<Bytes, SettlementError> {
    let encoded = alloy_rlp::encode(&header.inner);
    let actual = keccak256(&encoded);
    if actual != header.hash {
        return Err(SettlementError::HeaderWrong {
            number: header.inner.number,
            expected: header.hash,
            actual,
        });
    }
    Ok(encoded.into())
}

/// Whether nobody has answered at all: asking in another way would be no better.
fn is_unreachable(error: &TransportError) -> bool {
    let RpcError::Transport(kind) = error else { return false };
    kind.as_custom().is_some_and(|cause| cause.is::<reqwest::Error>())
}

#[cfg(test)]
mod tests;
