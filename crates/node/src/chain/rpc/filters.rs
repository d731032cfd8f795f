//! Filters that a client polls: what happened since it last asked.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use alloy::rpc::types::{Filter, FilterChanges, Log as RpcLog, Transaction};
use alloy_primitives::U64;
use jsonrpsee::types::Params;
use rayswarm_chain::{Chain, SealedBlock};

use super::{
    Rpc,
    error::{Answer, not_found, too_much},
    logs::{self, Stretch},
};
use crate::chain::ledger::Ledger;

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
    asked: Instant,
}

enum Kind {
    Blocks(Place),
    /// Transactions as they come in, from the one with this number on.
    Arrivals(u64),
    Logs(Box<Filter>, Place),
}

/// How far along the best branch a filter was told.
#[derive(Clone)]
struct Place {
    /// The first height that it was not told of.
    next: u64,
    /// The blocks below that were not final, lowest first.
    open: Vec<Arc<SealedBlock>>,
}

/// What happened to the best branch since a filter was told.
struct News {
    /// Blocks that it was told of and that left, highest first.
    left: Vec<Arc<SealedBlock>>,
    /// The first height with a block that it was not told of.
    first: u64,
}

impl Place {
    fn at_head(chain: &Chain) -> Self {
        let open = chain.finalized().number() + 1..=chain.head().number();
        Self {
            next: chain.head().number() + 1,
            open: open.filter_map(|number| chain.block(number).cloned()).collect(),
        }
    }

    /// Goes on to the head.
    fn go_on(&mut self, chain: &Chain, ledger: &Ledger) -> News {
        let told = mem::replace(self, Self::at_head(chain));
        let has_left = |block: &Arc<SealedBlock>| {
            let number = block.number();
            let now = chain.block(number).map(|block| block.hash);
            match now.or_else(|| ledger.old_block(number).map(|block| block.hash)) {
                Some(hash) => hash != block.hash,
                // The head is lower, or the block so old that it is kept no more.
                None => number > chain.head().number(),
            }
        };
        let left: Vec<_> = told.open.into_iter().rev().take_while(has_left).collect();
        News {
            first: left.last().map_or(told.next, |lowest| lowest.number()),
            left,
        }
    }
}

impl Filters {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, kind: Kind) -> Answer<U64> {
        let mut table = self.table();
        table.filters.retain(|_, poll| poll.asked.elapsed() < IDLE);
        if table.filters.len() >= FILTERS_MAX {
            return Err(too_much(format!("{FILTERS_MAX} filters exist; uninstall some")));
        }
        table.last_id += 1;
        let id = table.last_id;
        let asked = Instant::now();
        table.filters.insert(id, Poll { kind, asked });
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
        logs::check_bounds(filter.get_from_block(), filter.get_to_block())?;
        let place = Place::at_head(&self.ledger.read());
        self.filters.add(Kind::Logs(Box::new(filter), place))
    }

    pub(super) fn new_block_filter(&self) -> Answer<U64> {
        let place = Place::at_head(&self.ledger.read());
        self.filters.add(Kind::Blocks(place))
    }

    pub(super) fn new_arrival_filter(&self) -> Answer<U64> {
        self.filters.add(Kind::Arrivals(self.ledger.arrivals().count()))
    }

    pub(super) fn uninstall_filter(&self, params: &Params<'_>) -> Answer<bool> {
        let id: U64 = params.one()?;
        Ok(self.filters.table().filters.remove(&id.to()).is_some())
    }

    /// What is new since the last time.
    pub(super) fn filter_changes(&self, params: &Params<'_>) -> Answer<FilterChanges<Transaction, RpcLog>> {
        let id: U64 = params.one()?;
        // While it is held nothing arrives and no block is appended.
        let chain = self.ledger.read();
        let head = chain.head().number();
        let (filter, before, News { left, first }) = {
            let mut table = self.filters.table();
            let poll = table.filters.get_mut(&id.to()).ok_or_else(unknown)?;
            poll.asked = Instant::now();
            match &mut poll.kind {
                Kind::Arrivals(next) => {
                    let first = mem::replace(next, self.ledger.arrivals().count());
                    return Ok(FilterChanges::Hashes(self.ledger.arrivals().since(first)));
                }
                Kind::Blocks(place) => (None, None, place.go_on(&chain, &self.ledger)),
                Kind::Logs(filter, place) => {
                    let before = place.clone();
                    (Some(filter.clone()), Some(before), place.go_on(&chain, &self.ledger))
                }
            }
        };
        let Some(filter) = filter else {
            let new = (first..=head).filter_map(|number| chain.block(number));
            return Ok(FilterChanges::Hashes(new.map(|block| block.hash).collect()));
        };
        let wanted = logs::log_filter(&filter)?;
        // A lower bound in the past does not bring old logs back, an upper one ends the filter.
        let (from, to) = (
            filter.get_from_block().unwrap_or_default(),
            filter.get_to_block().unwrap_or(u64::MAX),
        );
        let left = left.iter().filter(|block| (from..=to).contains(&block.number()));
        let mut told: Vec<RpcLog> = left.flat_map(|block| logs::removed(&wanted, block)).collect();
        let stretch = Stretch::of(&chain, first.max(from), head.min(to));
        drop(chain);
        match stretch.select(&self.ledger, &wanted) {
            Ok(new) => told.extend(new),
            Err(error) => {
                // What it was not told it may ask for again.
                if let (Some(poll), Some(before)) = (self.filters.table().filters.get_mut(&id.to()), before)
                    && let Kind::Logs(_, place) = &mut poll.kind
                {
                    *place = before;
                }
                return Err(error);
            }
        }
        Ok(FilterChanges::Logs(told))
    }

    /// All logs of a filter, whether told before or not.
    pub(super) fn filter_logs(&self, params: &Params<'_>) -> Answer<Vec<RpcLog>> {
        let id: U64 = params.one()?;
        let filter = {
            let mut table = self.filters.table();
            let poll = table.filters.get_mut(&id.to()).ok_or_else(unknown)?;
            poll.asked = Instant::now();
            match &poll.kind {
                Kind::Blocks(_) | Kind::Arrivals(_) => None,
                Kind::Logs(filter, _) => Some(filter.clone()),
            }
        };
        let filter = filter.ok_or_else(|| not_found("this filter is not for logs; ask with eth_getFilterChanges"))?;
        self.find_logs(&filter)
    }
}
