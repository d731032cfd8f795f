//! The node, its providers and its invitation over HTTP.

use super::{Answer, Body};
use crate::node::Node;
use axum::{Json, extract::State};
use rayswarm_api::{
    farm::{InviteView, NodeChange, NodeView, ProviderView},
    page::List,
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Their routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(node, change))
        .routes(routes!(providers))
        .routes(routes!(invite))
}

/// Shows the node.
#[utoipa::path(get, path = "/v1/node", tag = "node", responses(
    (status = 200, body = NodeView),
))]
async fn node(State(node): State<Arc<Node>>) -> Answer<NodeView> {
    Ok(Json(node.view()))
}

/// Changes the node while it runs: its provider role rests, goes on, or asks another price. Kept over restarts.
#[utoipa::path(patch, path = "/v1/node", tag = "node", request_body = NodeChange, responses(
    (status = 200, body = NodeView),
))]
async fn change(State(node): State<Arc<Node>>, Body(change): Body<NodeChange>) -> Answer<NodeView> {
    node.change(change)?;
    Ok(Json(node.view()))
}

/// Lists the providers this node knows, quickest first.
#[utoipa::path(get, path = "/v1/providers", tag = "node", responses(
    (status = 200, body = List<ProviderView>),
))]
async fn providers(State(node): State<Arc<Node>>) -> Answer<List<ProviderView>> {
    let items = node.providers().await;
    Ok(Json(List { items }))
}

/// Makes a ticket with which another machine joins.
#[utoipa::path(get, path = "/v1/invite", tag = "node", responses(
    (status = 200, body = InviteView),
))]
async fn invite(State(node): State<Arc<Node>>) -> Answer<InviteView> {
    Ok(Json(InviteView { ticket: node.ticket() }))
}
