//! The chain for whoever looks: blocks and transactions, what was called, and what our contracts made known, in words.

mod words;

use crate::{error::SettlementError, rpc::RawBlock, settlement::Settlement};
use alloy::{
    eips::BlockNumberOrTag,
    primitives::{Address, B256, U64, U256},
};
use rayswarm_model::UnixMillis;
use std::{fmt, str::FromStr};
use words::Words;

/// A block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: B256,
    /// The hash of the one before.
    pub parent: B256,
    /// When it was sealed.
    pub at: UnixMillis,
    /// Hashes of its transactions.
    pub transactions: Vec<B256>,
    /// Gas used.
    pub gas_used: u64,
    /// Gas at most.
    pub gas_limit: u64,
    /// Who is paid for sealing it.
    pub proposer: Address,
    /// Its size in bytes; 0 where the server does not say.
    pub bytes: u64,
}

/// A transaction that is part of the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Its hash.
    pub hash: B256,
    /// Number of its block.
    pub block: u64,
    /// Who sent it.
    pub from: Address,
    /// Whom it calls; none when it makes a contract.
    pub to: Option<Address>,
    /// Native coin sent along, in wei.
    pub value: U256,
    /// Gas used.
    pub gas_used: u64,
    /// Whether it succeeded.
    pub ok: bool,
    /// The function called; its selector where it is none of our contracts'.
    pub method: Option<String>,
    /// What it made known.
    pub events: Vec<ChainEvent>,
}

/// What a contract made known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainEvent {
    /// Its name; its topic where it is none of our contracts'.
    pub name: String,
    /// Its fields as a sentence.
    pub text: String,
}

/// How a block is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockName {
    /// By its place.
    Number(u64),
    /// By its content.
    Hash(B256),
}

/// A text names no block.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} names no block; write its number, or its hash as 0x and 64 hex digits")]
pub struct ParseBlockNameError(String);

impl FromStr for BlockName {
    type Err = ParseBlockNameError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = text.parse().ok().map(Self::Number);
        let hash = || {
            text.starts_with("0x")
                .then(|| text.parse().ok().map(Self::Hash))
                .flatten()
        };
        number.or_else(hash).ok_or_else(|| ParseBlockNameError(text.into()))
    }
}

impl fmt::Display for BlockName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Hash(hash) => write!(f, "{hash}"),
        }
    }
}

impl Settlement {
    /// The newest block.
    pub async fn newest_block(&self) -> Result<Block, SettlementError> {
        let newest = self.rpc.block_by_number(BlockNumberOrTag::Latest).await?;
        newest.map(Block::from).ok_or_else(|| SettlementError::Nonsense {
            method: "eth_getBlockByNumber",
            reason: "no newest block".into(),
        })
    }

    /// A block, if there is one of this name.
    pub async fn block(&self, name: BlockName) -> Result<Option<Block>, SettlementError> {
        let found = match name {
            BlockName::Number(number) => self.rpc.block_by_number(BlockNumberOrTag::Number(number)).await?,
            BlockName::Hash(hash) => self.rpc.block_by_hash(hash).await?,
        };
        Ok(found.map(Block::from))
    }

    /// Those of these blocks that are there, in one request where the server takes batches: a hundred at most.
    pub async fn blocks(&self, numbers: &[u64]) -> Result<Vec<Block>, SettlementError> {
        let found = self.rpc.blocks_by_number(numbers).await?;
        Ok(found.into_iter().map(Block::from).collect())
    }

    /// The number of the newest block that stays, where `newest` is the newest of all.
    pub async fn finalized(&self, newest: u64) -> Result<u64, SettlementError> {
        Ok(self.rpc.stays().await?.min(newest))
    }

    /// A transaction, if it is part of the chain.
    pub async fn transaction(&self, hash: B256) -> Result<Option<Transaction>, SettlementError> {
        let Some(receipt) = self.rpc.raw_receipt(hash).await? else {
            return Ok(None);
        };
        let Some(sent) = self.rpc.transaction(hash).await? else {
            return Ok(None);
        };
        let words = Words {
            contracts: self.contracts(),
            disputes: self.disputes(),
            symbol: self.token_symbol().await?,
        };
        Ok(Some(Transaction {
            hash,
            block: receipt.block_number.to(),
            from: receipt.from,
            to: receipt.to,
            value: sent.value,
            gas_used: receipt.gas_used.to(),
            ok: receipt.status == Some(U64::ONE),
            method: receipt.to.and_then(|_| words::method(&sent.input)),
            events: receipt.logs.iter().map(|log| words.event(&log.inner)).collect(),
        }))
    }
}

impl From<RawBlock> for Block {
    fn from(raw: RawBlock) -> Self {
        Self {
            number: raw.number.to(),
            hash: raw.hash,
            parent: raw.parent_hash,
            at: UnixMillis(raw.timestamp.to::<u64>().saturating_mul(1_000)),
            transactions: raw.transactions,
            gas_used: raw.gas_used.to(),
            gas_limit: raw.gas_limit.to(),
            proposer: raw.miner,
            bytes: raw.size.map_or(0, |size| size.to()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_named_by_number_or_hash() {
        let hash = B256::repeat_byte(0xab);
        assert_eq!("12".parse(), Ok(BlockName::Number(12)));
        assert_eq!(hash.to_string().parse(), Ok(BlockName::Hash(hash)));
        for text in ["", "-1", "0x12", "latest", &hash.to_string()[2..]] {
            assert!(text.parse::<BlockName>().is_err(), "{text}");
        }
    }
}
