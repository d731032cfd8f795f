//! All deliveries of one webhook, one after the other: an event waits until the one before it is taken or given up.

use super::{
    Webhooks,
    hook::{Hook, Outcome},
    message,
};
use crate::{
    clock,
    events::{Heard, Listener, Told},
    requestor::refusal::chain,
};
use std::sync::Arc;

/// Delivers what a webhook wants until it is gone or switched off. May be dropped at any time: what was under way then
/// is not settled.
pub async fn work(webhooks: Arc<Webhooks>, hook: Hook, mut listener: Listener) {
    while let Some(heard) = listener.hear().await {
        let told = match heard {
            Heard::Event(told) => told,
            Heard::Missed(next) => {
                tracing::debug!(hook = %hook.id, next, "what happened before is not told to this webhook");
                continue;
            }
        };
        let Some(wanted) = webhooks.look(&hook.id, |hook| hook.wants(&told)) else {
            return;
        };
        if !wanted {
            continue;
        }
        let outcome = deliver(&webhooks, &hook, &told).await;
        let settle = |hook: &mut Hook| {
            hook.settle(&told, outcome);
            hook.is_off()
        };
        let Some(is_off) = webhooks.note(&hook.id, settle) else {
            return;
        };
        if is_off {
            tracing::warn!(hook = %hook.id, "a webhook has failed too often and is off; remove it and make it anew");
            return;
        }
    }
}

/// Tries until it is taken or the schedule ends.
async fn deliver(webhooks: &Webhooks, hook: &Hook, told: &Told) -> Outcome {
    let body = message::body(told, clock::now().into());
    let mut tried = 0;
    loop {
        let answer = webhooks.poster.post(hook, told, &body, clock::now()).await;
        if let Err(error) = &answer {
            tracing::debug!(hook = %hook.id, event = told.id, error = chain(error), "a webhook could not be reached");
        }
        let status = answer.ok();
        webhooks.note(&hook.id, |hook| hook.last_status = status);
        if status.is_some_and(|status| (200..300).contains(&status)) {
            return Outcome::Delivered;
        }
        let Some(wait) = webhooks.schedule.wait(tried, &hook.id, told.id) else {
            tracing::info!(hook = %hook.id, event = told.id, status, "a delivery is given up");
            return Outcome::GivenUp;
        };
        tokio::time::sleep(wait).await;
        tried += 1;
    }
}
