//! WebSocket subscriptions: `newHeads` and `logs`.

use std::sync::Arc;

use alloy::rpc::types::{Filter, pubsub::SubscriptionKind};
use jsonrpsee::{PendingSubscriptionSink, SubscriptionSink, types::Params};
use rayswarm_chain::{LogFilter, SealedBlock};
use serde::Serialize;
use tokio::sync::broadcast::error::RecvError;

use super::{
    Rpc, convert,
    error::{Answer, invalid},
    logs::log_filter,
};

/// What a subscriber hears of.
enum Interest {
    Heads,
    Logs(LogFilter),
}

/// Serves one subscription until either side ends it.
pub(super) async fn serve(params: Params<'static>, pending: PendingSubscriptionSink, rpc: Arc<Rpc>) {
    let interest = match interest(&params) {
        Ok(interest) => interest,
        Err(error) => return pending.reject(error).await,
    };
    let mut blocks = rpc.ledger.subscribe();
    let Ok(sink) = pending.accept().await else { return };
    loop {
        let block = tokio::select! {
            () = rpc.stopping.cancelled() => return,
            () = sink.closed() => return,
            block = blocks.recv() => block,
        };
        match block {
            Ok(block) => {
                if tell(&sink, &interest, &block).await.is_none() {
                    return;
                }
            }
            // Better some blocks missed than a queue without end; the client sees the gap in the numbers.
            Err(RecvError::Lagged(missed)) => tracing::warn!(missed, "a subscriber is too slow"),
            Err(RecvError::Closed) => return,
        }
    }
}

fn interest(params: &Params<'_>) -> Answer<Interest> {
    let mut params = params.sequence();
    match params.next()? {
        SubscriptionKind::NewHeads => Ok(Interest::Heads),
        SubscriptionKind::Logs => {
            let filter: Option<Filter> = params.optional_next()?;
            Ok(Interest::Logs(log_filter(&filter.unwrap_or_default())?))
        }
        other => Err(invalid(format!(
            "no subscription {other:?}; there are newHeads and logs"
        ))),
    }
}

/// `None` when the subscriber is gone.
async fn tell(sink: &SubscriptionSink, interest: &Interest, block: &SealedBlock) -> Option<()> {
    match interest {
        Interest::Heads => send(sink, &convert::header(block)).await,
        Interest::Logs(filter) => {
            let found: Vec<_> = filter.select(block).map(|entry| convert::log(&entry)).collect();
            for log in found {
                send(sink, &log).await?;
            }
            Some(())
        }
    }
}

async fn send(sink: &SubscriptionSink, value: &impl Serialize) -> Option<()> {
    let message = serde_json::value::to_raw_value(value).ok()?;
    sink.send(message).await.ok()
}
