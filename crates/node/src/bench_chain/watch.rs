//! Blocks as they come to count, seen from outside.

use super::{rpc::Rpc, transfers::Transfer};
use alloy_primitives::{B256, U64, map::B256HashMap};
use serde::Deserialize;
use serde_json::json;
use std::sync::Arc;
use tokio::time::Instant;

/// Blocks that are asked for at once: the longest answer is some megabytes.
const ASKED_MAX: usize = 100;

/// When a transfer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// When its block is final.
    Final,
    /// When it is in a block: where nothing is ever final for a reason.
    Mined,
}

impl Counts {
    const fn tag(self) -> &'static str {
        match self {
            Self::Final => "finalized",
            Self::Mined => "latest",
        }
    }
}

/// What of a block is looked at.
#[derive(Deserialize)]
struct Block {
    number: U64,
    transactions: Vec<B256>,
}

/// Looks for transfers in blocks.
pub(super) struct Watch {
    rpc: Rpc,
    counts: Counts,
    /// Height of the last block that was looked at.
    seen: u64,
    places: B256HashMap<usize>,
    /// When each transfer counted, by its place.
    counted: Vec<Option<Instant>>,
    /// How many did.
    pub(super) count: usize,
    /// Blocks with any of them.
    pub(super) blocks: u64,
}

impl Watch {
    /// Looks at blocks that come from now on.
    pub(super) async fn begin(rpc: Rpc, counts: Counts, transfers: &[Arc<Transfer>]) -> anyhow::Result<Self> {
        let head: U64 = rpc.ask("eth_blockNumber", json!([])).await?;
        Ok(Self {
            rpc,
            counts,
            seen: head.to(),
            places: transfers
                .iter()
                .zip(0..)
                .map(|(transfer, place)| (transfer.hash, place))
                .collect(),
            counted: vec![None; transfers.len()],
            count: 0,
            blocks: 0,
        })
    }

    /// Looks once; gives how many transfers count now that did not before. Asking for the height is cheap for any server, so
    /// blocks are asked for only when there are new ones.
    pub(super) async fn look(&mut self) -> anyhow::Result<usize> {
        let head: U64 = self.rpc.ask("eth_blockNumber", json!([])).await?;
        if head.to::<u64>() <= self.seen {
            return Ok(0);
        }
        let newest: Block = self
            .rpc
            .ask("eth_getBlockByNumber", json!([self.counts.tag(), false]))
            .await?;
        let now = Instant::now();
        let number = newest.number.to();
        if number <= self.seen {
            return Ok(0);
        }
        let before = self.count;
        let between: Vec<_> = (self.seen + 1..number)
            .map(|number| json!([U64::from(number), false]))
            .collect();
        for some in between.chunks(ASKED_MAX) {
            let blocks: Vec<Block> = self.rpc.ask_each("eth_getBlockByNumber", some).await?;
            blocks.iter().for_each(|block| self.take(block, now));
        }
        self.take(&newest, now);
        self.seen = number;
        Ok(self.count - before)
    }

    fn take(&mut self, block: &Block, now: Instant) {
        let before = self.count;
        for hash in &block.transactions {
            let place = self.places.get(hash).and_then(|place| self.counted.get_mut(*place));
            if let Some(counted @ None) = place {
                *counted = Some(now);
                self.count += 1;
            }
        }
        self.blocks += u64::from(self.count > before);
    }

    /// When the last transfer counted.
    pub(super) fn last(&self) -> Option<Instant> {
        self.counted.iter().flatten().max().copied()
    }

    /// When each transfer counted.
    pub(super) fn counted(&self) -> &[Option<Instant>] {
        &self.counted
    }
}
