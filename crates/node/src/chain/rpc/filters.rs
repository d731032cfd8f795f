//! Filters that a client polls: what happened since it last asked.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy::rpc::types::{Filter, FilterChanges, Log as RpcLog, Transaction};
use alloy_primitives::U64;
use jsonrpsee::types::Params;

use super::{
    Rpc,
    error::{Answer, not_found, too_much},
    logs,
};

/// Most filters at once.
const FILTERS_MAX: usize = 1_024;

/// A filter nobody asks about for this long is dropped.
const IDLE: Duration = Duration::from_secs(300);

/// The filters that exist.
#[derive(Default)]
pub(crate) struct Filters {
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    last_id: u64,
    filters: BTreeMap<u64, Poll>,
}

struct Poll {
    kind: Kind,
    /// The first block not yet told of; the first transaction, for arrivals.
    next: u64,
    asked: Instant,
}

#[derive(Clone)]
enum Kind {
    Blocks,
    /// Transactions as they come in.
    Arrivals,
    Logs(Box<Filter>),
}

impl Filters {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, kind: Kind, next: u64) -> Answer<U64> {
        let mut table = self.table();
        table.filters.retain(|_, poll| poll.asked.elapsed() < IDLE);
        if table.filters.len() >= FILTERS_MAX {
            return Err(too_much(format!("{FILTERS_MAX} filters exist; uninstall some")));
        }
        table.last_id += 1;
        let id = table.last_id;
        let asked = Instant::now();
        table.filters.insert(id, Poll { kind, next, asked });
        Ok(U64::from(id))
    }
}

fn unknown() -> jsonrpsee::types::ErrorObjectOwned {
    not_found("filter not found; it was uninstalled or not asked about for five minutes")
}

impl Rpc {
    pub(super) fn new_log_filter(&self, params: &Params<'_>) -> Answer<U64> {
        let filter: Filter = params.one()?;
        logs::log_filter(&filter)?;
        self.filters.add(Kind::Logs(Box::new(filter)), self.head_number() + 1)
    }

    pub(super) fn new_block_filter(&self) -> Answer<U64> {
        self.filters.add(Kind::Blocks, self.head_number() + 1)
    }

    pub(super) fn new_arrival_filter(&self) -> Answer<U64> {
        self.filters.add(Kind::Arrivals, self.ledger.arrivals().count())
    }

    pub(super) fn uninstall_filter(&self, params: &Params<'_>) -> Answer<bool> {
        let id: U64 = params.one()?;
        Ok(self.filters.table().filters.remove(&id.to()).is_some())
    }

    /// What is new since the last time.
    pub(super) fn filter_changes(&self, params: &Params<'_>) -> Answer<FilterChanges<Transaction, RpcLog>> {
        let id: U64 = params.one()?;
        // While it is read nothing arrives and no block is appended.
        let chain = self.ledger.read();
        let head = chain.head().number();
        let (kind, next) = {
            let mut table = self.filters.table();
            let poll = table.filters.get_mut(&id.to()).ok_or_else(unknown)?;
            let next = poll.next;
            poll.next = match poll.kind {
                Kind::Arrivals => self.ledger.arrivals().count(),
                Kind::Blocks | Kind::Logs(_) => head + 1,
            };
            poll.asked = Instant::now();
            (poll.kind.clone(), next)
        };
        match kind {
            Kind::Blocks => {
                let new = (next..=head).filter_map(|number| chain.block(number));
                Ok(FilterChanges::Hashes(new.map(|block| block.hash).collect()))
            }
            Kind::Arrivals => Ok(FilterChanges::Hashes(self.ledger.arrivals().since(next))),
            Kind::Logs(filter) => {
                let wanted = logs::log_filter(&filter)?;
                // A lower bound in the past does not bring old logs back, an upper one ends the filter.
                let first = filter.get_from_block().map_or(next, |from| from.max(next));
                let last = filter.get_to_block().map_or(head, |to| to.min(head));
                logs::select((&chain, &self.ledger), &wanted, first, last).map(FilterChanges::Logs)
            }
        }
    }

    /// All logs of a filter, whether told before or not.
    pub(super) fn filter_logs(&self, params: &Params<'_>) -> Answer<Vec<RpcLog>> {
        let id: U64 = params.one()?;
        let kind = {
            let mut table = self.filters.table();
            let poll = table.filters.get_mut(&id.to()).ok_or_else(unknown)?;
            poll.asked = Instant::now();
            poll.kind.clone()
        };
        match kind {
            Kind::Blocks | Kind::Arrivals => {
                Err(not_found("this filter is not for logs; ask with eth_getFilterChanges"))
            }
            Kind::Logs(filter) => self.find_logs(&filter),
        }
    }
}
