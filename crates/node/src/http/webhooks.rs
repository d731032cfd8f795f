//! Webhooks over HTTP: all need the scope `node`.

use super::{Answer, Body, Path, Refusal, blocking};
use crate::{clock, node::Node};
use axum::{Json, extract::State, http::StatusCode};
use rayswarm_api::{
    access::{MadeWebhook, NewWebhook, WebhookView},
    page::List,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Their routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(webhooks, add_webhook))
        .routes(routes!(remove_webhook))
}

/// Lists webhooks, oldest first.
///
/// One with 50 failures is off: nothing is sent to it any more.
#[utoipa::path(get, path = "/v1/webhooks", tag = "webhooks", responses(
    (status = 200, body = List<WebhookView>),
))]
async fn webhooks(State(node): State<Arc<Node>>) -> Answer<List<WebhookView>> {
    Ok(Json(List {
        items: node.webhooks.list(),
    }))
}

/// Makes a webhook, which is told what happens from now on.
#[utoipa::path(post, path = "/v1/webhooks", tag = "webhooks", request_body = NewWebhook, responses(
    (status = 201, body = MadeWebhook),
))]
async fn add_webhook(
    State(node): State<Arc<Node>>,
    Body(wanted): Body<NewWebhook>,
) -> Result<(StatusCode, Json<MadeWebhook>), Refusal> {
    let made = blocking(&node, move |node| {
        node.webhooks.add(wanted, &node.services.events, clock::now())
    });
    Ok((StatusCode::CREATED, Json(made.await?)))
}

/// Removes a webhook; nothing more is sent to it.
#[utoipa::path(delete, path = "/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "The webhook")), responses(
    (status = 204, description = "It is gone"),
))]
async fn remove_webhook(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    blocking(&node, move |node| node.webhooks.remove(&id)).await?;
    Ok(StatusCode::NO_CONTENT)
}
