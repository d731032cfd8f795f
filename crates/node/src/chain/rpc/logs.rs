//! Logs: the filter of a client, over a range of blocks.

use std::{ops::Range, sync::Arc};

use alloy::rpc::types::{Filter, FilterBlockOption, Log as RpcLog};
use jsonrpsee::types::{ErrorObjectOwned, Params};
use rayswarm_chain::{Chain, LogFilter, SealedBlock};

use super::{
    Rpc, convert,
    error::{Answer, failed, invalid, not_found, too_much},
};
use crate::chain::ledger::{BranchStep, Ledger};

/// Most logs in one answer.
const LOGS_MAX: usize = 10_000;

/// Most blocks that are looked through for one.
const BLOCKS_MAX: u64 = 100_000;

/// Most addresses, and most values of one topic, in a filter.
const ALTERNATIVES_MAX: usize = 1_000;

impl Rpc {
    pub(super) fn logs(&self, params: &Params<'_>) -> Answer<Vec<RpcLog>> {
        let filter: Filter = params.one()?;
        self.find_logs(&filter)
    }

    pub(super) fn find_logs(&self, filter: &Filter) -> Answer<Vec<RpcLog>> {
        let wanted = log_filter(filter)?;
        let (first, last) = self.range(filter)?;
        let stretch = Stretch::of(&self.ledger.read(), first, last);
        stretch.select(&self.ledger, &wanted)
    }

    /// The blocks a filter covers, both ends included. The future is no error: it only holds nothing yet.
    fn range(&self, filter: &Filter) -> Answer<(u64, u64)> {
        let head = self.head_number();
        match filter.block_option {
            FilterBlockOption::AtBlockHash(hash) => {
                let block = self
                    .ledger
                    .block_by_hash(&hash)
                    .ok_or_else(|| not_found(format!("block not found: {hash}")))?;
                Ok((block.number(), block.number()))
            }
            FilterBlockOption::Range { from_block, to_block } => {
                let height = |tag| convert::height(&self.ledger.read(), tag).unwrap_or(head);
                let first = from_block.map_or(head, height);
                let last = to_block.map_or(head, height);
                check_bounds(Some(first), to_block.map(|_| last))?;
                Ok((first, last.min(head)))
            }
        }
    }
}

/// Refuses a range that ends before it begins (execution-apis).
pub(super) fn check_bounds(first: Option<u64>, last: Option<u64>) -> Answer<()> {
    match first.zip(last) {
        Some((first, last)) if first > last => {
            Err(failed(format!("invalid block range params: from {first} to {last}")))
        }
        _ => Ok(()),
    }
}

/// What the client wants, without where.
pub(super) fn log_filter(filter: &Filter) -> Answer<LogFilter> {
    let wanted = LogFilter {
        addresses: filter.address.iter().copied().collect(),
        topics: filter.topics.each_ref().map(|topic| topic.iter().copied().collect()),
    };
    let widest = wanted.topics.iter().map(Vec::len).max().unwrap_or_default();
    if wanted.addresses.len().max(widest) > ALTERNATIVES_MAX {
        return Err(invalid(format!(
            "at most {ALTERNATIVES_MAX} addresses or values of a topic per filter"
        )));
    }
    Ok(wanted)
}

/// What a step of the best branch makes of the wanted logs of its block.
pub(super) fn of_step(wanted: &LogFilter, step: &BranchStep) -> Vec<RpcLog> {
    match step {
        BranchStep::Applied(block) => wanted.select(block).map(|entry| convert::log(&entry)).collect(),
        BranchStep::Reverted(block) => removed(wanted, block),
    }
}

/// The wanted logs of a block that left the best branch, the last first: they are taken back.
pub(super) fn removed(wanted: &LogFilter, block: &SealedBlock) -> Vec<RpcLog> {
    let entries = wanted.select(block).map(|entry| RpcLog {
        removed: true,
        ..convert::log(&entry)
    });
    let mut logs: Vec<RpcLog> = entries.collect();
    logs.reverse();
    logs
}

/// Blocks of the best branch, one after the other.
pub(super) struct Stretch {
    /// Those that the chain holds no more, by height; they are final.
    old: Range<u64>,
    /// Those that it holds, as the branch was at one moment.
    recent: Vec<Arc<SealedBlock>>,
}

impl Stretch {
    /// The blocks `first..=last`, as far as there are any.
    pub(super) fn of(chain: &Chain, first: u64, last: u64) -> Self {
        let last = last.min(chain.head().number());
        let mut recent: Vec<_> = (first..=last)
            .rev()
            .map_while(|number| chain.block(number).cloned())
            .collect();
        recent.reverse();
        let end = recent.first().map_or(last.saturating_add(1), |block| block.number());
        Self {
            old: first..end,
            recent,
        }
    }

    /// The wanted logs of them. Old blocks are read when their turn comes, and nobody waits for that.
    ///
    /// # Errors
    /// If there are too many, or if blocks are kept here no more: nobody is to think that there was nothing in them.
    pub(super) fn select(self, ledger: &Ledger, wanted: &LogFilter) -> Answer<Vec<RpcLog>> {
        let (first, last) = (self.old.start, self.last());
        if last.saturating_sub(first) >= BLOCKS_MAX {
            return Err(too_much(format!(
                "query covers more than {BLOCKS_MAX} blocks; ask for fewer than {first} to {last}"
            )));
        }
        let mut found = Vec::new();
        let old = self
            .old
            .map(|number| ledger.old_block(number).ok_or_else(|| gone(ledger, number)));
        for block in old.chain(self.recent.into_iter().map(Ok)) {
            let block = block?;
            found.extend(wanted.select(&block).map(|entry| convert::log(&entry)));
            if found.len() > LOGS_MAX {
                return Err(too_much(format!(
                    "query returned more than {LOGS_MAX} results; ask for fewer blocks than {first} to {last}"
                )));
            }
        }
        Ok(found)
    }

    fn last(&self) -> u64 {
        let recent = self.recent.last().map(|block| block.number());
        recent.unwrap_or(self.old.end.saturating_sub(1))
    }
}

fn gone(ledger: &Ledger, number: u64) -> ErrorObjectOwned {
    let from = ledger
        .first_block()
        .map_or_else(String::new, |first| format!(" from block {first} on"));
    not_found(format!(
        "block {number} is not kept by this node; ask{from}, or a node with the whole history"
    ))
}
