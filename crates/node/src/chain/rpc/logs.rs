//! Logs: the filter of a client, over a range of blocks.

use alloy::rpc::types::{Filter, FilterBlockOption, Log as RpcLog};
use jsonrpsee::types::Params;
use rayswarm_chain::{Chain, LogFilter, SealedBlock};

use super::{
    Rpc, convert,
    error::{Answer, failed, invalid, not_found, too_much},
};
use crate::chain::ledger::{BranchStep, Ledger};

/// Most logs in one answer.
const LOGS_MAX: usize = 10_000;

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
        select((&self.ledger.read(), &self.ledger), &wanted, first, last)
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

/// The wanted logs of blocks `first..=last`, of which the chain is held while they are looked for and the ledger has the old
/// ones.
pub(super) fn select(
    (chain, ledger): (&Chain, &Ledger),
    wanted: &LogFilter,
    first: u64,
    last: u64,
) -> Answer<Vec<RpcLog>> {
    let mut found = Vec::new();
    let block_at = |number| chain.block(number).cloned().or_else(|| ledger.old_block(number));
    for block in (first..=last).map_while(block_at) {
        found.extend(wanted.select(&block).map(|entry| convert::log(&entry)));
        if found.len() > LOGS_MAX {
            return Err(too_much(format!(
                "query returned more than {LOGS_MAX} results; ask for fewer blocks than {first} to {last}"
            )));
        }
    }
    Ok(found)
}
