//! WebSocket subscriptions: `newHeads`, `logs` and `newPendingTransactions`.

use std::sync::Arc;

use alloy::rpc::types::{Filter, pubsub::SubscriptionKind};
use alloy_primitives::U128;
use jsonrpsee::{
    PendingSubscriptionSink,
    core::{SubscriptionResult, traits::IdProvider},
    types::{Params, SubscriptionId},
};
use rand::random;
use rayswarm_chain::{LogFilter, PooledTransaction};
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    Rpc, convert,
    error::{Answer, invalid},
    logs,
};
use crate::chain::ledger::BranchStep;

/// One message to a subscriber.
type Word = serde_json::Result<Box<RawValue>>;

/// What a subscriber hears of.
enum Interest {
    Heads,
    Logs(LogFilter),
    /// Transactions as they come in, before they are in a block.
    Arrivals(Form),
}

/// How a transaction is told of.
#[derive(Clone, Copy)]
enum Form {
    Hash,
    Full,
}

/// Whether a subscriber that was too slow can know by what it is told that it missed some.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// Blocks have numbers, and who hears of transactions that wait cannot hear of all.
    Seen,
    /// Its subscription ends with a word about it.
    Unseen,
}

/// Names of subscriptions: 128 random bits, in Ethereum's hexadecimal form.
#[derive(Debug)]
pub(super) struct HexIds;

impl IdProvider for HexIds {
    fn next_id(&self) -> SubscriptionId<'static> {
        format!("{:#x}", U128::from(random::<u128>())).into()
    }
}

/// Serves one subscription until either side ends it.
///
/// # Errors
/// What the subscriber is told at the end, where it missed something.
pub(super) async fn serve(
    params: Params<'static>,
    pending: PendingSubscriptionSink,
    rpc: Arc<Rpc>,
) -> SubscriptionResult {
    let interest = match interest(&params) {
        Ok(interest) => interest,
        Err(error) => {
            pending.reject(error).await;
            return Ok(());
        }
    };
    let ledger = &rpc.ledger;
    match interest {
        Interest::Heads => {
            let words = |step: &BranchStep| match step {
                BranchStep::Applied(block) => vec![word(&convert::header(block))],
                BranchStep::Reverted(_) => Vec::new(),
            };
            relay(&rpc, pending, ledger.subscribe(), Gaps::Seen, words).await
        }
        Interest::Logs(filter) => {
            let words = |step: &BranchStep| logs::of_step(&filter, step).iter().map(word).collect();
            relay(&rpc, pending, ledger.subscribe(), Gaps::Unseen, words).await
        }
        Interest::Arrivals(form) => {
            let words = |arrival: &Arc<PooledTransaction>| match form {
                Form::Hash => vec![word(&arrival.hash)],
                Form::Full => vec![word(&convert::waiting(&arrival.transaction))],
            };
            relay(&rpc, pending, ledger.arrivals().subscribe(), Gaps::Seen, words).await
        }
    }
}

/// Sends what `words` makes of everything that comes, until the chain stops or the subscriber is gone. `source` listens
/// already, so that nothing falls between the client's hearing that it is subscribed and our listening.
async fn relay<T: Clone>(
    rpc: &Rpc,
    pending: PendingSubscriptionSink,
    mut source: Receiver<T>,
    gaps: Gaps,
    words: impl Fn(&T) -> Vec<Word>,
) -> SubscriptionResult {
    let Ok(sink) = pending.accept().await else {
        return Ok(());
    };
    loop {
        let next = tokio::select! {
            () = rpc.stopping.cancelled() => return Ok(()),
            () = sink.closed() => return Ok(()),
            next = source.recv() => next,
        };
        match next {
            Ok(next) => {
                for word in words(&next) {
                    let Ok(word) = word else { return Ok(()) };
                    if sink.send(word).await.is_err() {
                        return Ok(());
                    }
                }
            }
            // Better some missed than a queue without end.
            Err(RecvError::Lagged(missed)) => {
                tracing::warn!(missed, "a subscriber is too slow");
                if gaps == Gaps::Unseen {
                    return Err(
                        "logs were missed, as they were not read in time; subscribe again and ask for them".into(),
                    );
                }
            }
            Err(RecvError::Closed) => return Ok(()),
        }
    }
}

fn word(value: &impl Serialize) -> Word {
    serde_json::value::to_raw_value(value)
}

fn interest(params: &Params<'_>) -> Answer<Interest> {
    let mut params = params.sequence();
    match params.next()? {
        SubscriptionKind::NewHeads => Ok(Interest::Heads),
        SubscriptionKind::Logs => {
            let filter: Option<Filter> = params.optional_next()?;
            Ok(Interest::Logs(logs::log_filter(&filter.unwrap_or_default())?))
        }
        SubscriptionKind::NewPendingTransactions => {
            let is_full: Option<bool> = params.optional_next()?;
            let form = if is_full.unwrap_or_default() {
                Form::Full
            } else {
                Form::Hash
            };
            Ok(Interest::Arrivals(form))
        }
        other => Err(invalid(format!(
            "no subscription {other:?}; there are newHeads, logs and newPendingTransactions"
        ))),
    }
}
