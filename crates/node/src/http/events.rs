//! The event stream: server-sent events, resumable by `Last-Event-ID`.

use super::{Query, Refusal, auth::Caller, jobs::job_id};
use crate::{
    events::{Heard, Listener},
    node::Node,
};
use axum::{
    extract::State,
    http::HeaderMap,
    response::{
        IntoResponse, Response,
        sse::{Event, KeepAlive, Sse},
    },
};
use rayswarm_api::{
    Problem,
    event::{EventsQuery, NodeEvent},
};
use rayswarm_model::JobId;
use std::{convert::Infallible, pin::Pin, sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use utoipa_axum::{router::OpenApiRouter, routes};

/// A quiet stream says that it is alive: proxies close those that seem dead after a minute.
const ALIVE_EVERY: Duration = Duration::from_secs(15);

/// Its route.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Tells what happens, as it happens.
///
/// Each event's `id` is one more than that of the event before, over all jobs. A stream that goes on with
/// `Last-Event-ID` begins with `reset` when the node no longer has what came after. It ends with its caller's token.
#[utoipa::path(get, path = "/v1/events", tag = "events", params(
    EventsQuery,
    ("Last-Event-ID" = Option<String>, Header, description = "The last event that was heard"),
), responses(
    (status = 200, body = NodeEvent, content_type = "text/event-stream"),
))]
async fn events(
    State(node): State<Arc<Node>>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<EventsQuery>,
) -> Result<Response, Refusal> {
    let job = query.job.as_deref().map(job_id).transpose()?;
    let last = headers
        .get("last-event-id")
        .map(|last| last.to_str().unwrap_or_default());
    let last = last.map(|last| {
        let bad = || {
            Problem::new(
                400,
                "bad_last_event_id",
                format!("Last-Event-ID is a number, not {last:?}"),
            )
        };
        last.parse::<u64>().map_err(|_| bad())
    });
    let stream = Stream {
        listener: node.services.events.listen(last.transpose()?),
        stop: node.services.stop.clone(),
        token_ended: Box::pin(node.tokens.clone().ended(caller.token)),
        job,
    };
    let stream = n0_future::stream::unfold(stream, |mut stream| async move {
        let event = stream.next().await?;
        Some((Ok::<Event, Infallible>(event), stream))
    });
    let alive = KeepAlive::new().interval(ALIVE_EVERY);
    // Proxies must not collect what is to be seen at once.
    let headers = [("cache-control", "no-store"), ("x-accel-buffering", "no")];
    Ok((headers, Sse::new(stream).keep_alive(alive)).into_response())
}

struct Stream {
    listener: Listener,
    stop: CancellationToken,
    token_ended: Pin<Box<dyn Future<Output = ()> + Send>>,
    job: Option<JobId>,
}

impl Stream {
    async fn next(&mut self) -> Option<Event> {
        loop {
            let heard = tokio::select! {
                biased;
                () = &mut self.token_ended => return None,
                () = self.stop.cancelled() => return None,
                heard = self.listener.hear() => heard?,
            };
            match heard {
                Heard::Missed(next) => {
                    return Some(
                        Event::default()
                            .event("reset")
                            .id((next.saturating_sub(1)).to_string())
                            .data("{}"),
                    );
                }
                Heard::Event(told) if self.job.is_some() && told.job.is_some() && told.job != self.job => {}
                Heard::Event(told) => {
                    return Some(
                        Event::default()
                            .event(told.name)
                            .id(told.id.to_string())
                            .data(&told.data),
                    );
                }
            }
        }
    }
}
