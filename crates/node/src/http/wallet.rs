//! The node's money over HTTP.

use super::{Answer, Query};
use crate::node::Node;
use axum::{Json, extract::State};
use rayswarm_api::{
    farm::{WalletEntry, WalletView},
    page::{Page, PageQuery},
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(wallet))
        .routes(routes!(history))
        .routes(routes!(faucet))
}

/// Shows balances, addresses, what is locked and what this node is owed.
#[utoipa::path(get, path = "/v1/wallet", tag = "wallet", responses(
    (status = 200, body = WalletView),
))]
async fn wallet(State(node): State<Arc<Node>>) -> Answer<WalletView> {
    Ok(Json(node.wallet().await?))
}

/// Lists what moved this node's money, newest first, as the chain has it.
#[utoipa::path(get, path = "/v1/wallet/history", tag = "wallet", params(PageQuery), responses(
    (status = 200, body = Page<WalletEntry>),
))]
async fn history(State(node): State<Arc<Node>>, Query(query): Query<PageQuery>) -> Answer<Page<WalletEntry>> {
    Ok(Json(node.wallet_history(&query).await?))
}

/// Gets test money, on the node's own development chain only.
#[utoipa::path(post, path = "/v1/wallet/faucet", tag = "wallet", responses(
    (status = 200, body = WalletView),
))]
async fn faucet(State(node): State<Arc<Node>>) -> Answer<WalletView> {
    node.fund_from_faucet().await?;
    Ok(Json(node.wallet().await?))
}
