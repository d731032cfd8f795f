//! The chain over HTTP: its newest blocks, any block, any transaction.

use super::{Answer, Path, Query};
use crate::{
    node::{Node, blocks},
    requestor::refusal::{bad_input, chain, failed},
};
use axum::{Json, extract::State};
use rayswarm_api::{
    Problem,
    chain::{BlockView, BlocksQuery, ChainView, TransactionView},
    page::Page,
};
use rayswarm_model::B256;
use rayswarm_settlement::{BlockName, SettlementError};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Blocks in an answer when nobody says how many.
const BLOCKS: u32 = 25;

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(show))
        .routes(routes!(list))
        .routes(routes!(block))
        .routes(routes!(transaction))
}

/// Shows the chain in short.
#[utoipa::path(get, path = "/v1/chain", tag = "chain", responses(
    (status = 200, body = ChainView),
))]
async fn show(State(node): State<Arc<Node>>) -> Answer<ChainView> {
    Ok(Json(node.chain_view().await?))
}

/// Lists blocks, newest first. `next_cursor` is the `before` of the next page.
#[utoipa::path(get, path = "/v1/chain/blocks", tag = "chain", params(BlocksQuery), responses(
    (status = 200, body = Page<BlockView>),
))]
async fn list(State(node): State<Arc<Node>>, Query(query): Query<BlocksQuery>) -> Answer<Page<BlockView>> {
    let limit = query.limit.unwrap_or(BLOCKS);
    let items = node.chain_blocks(query.before, limit.into()).await?;
    let last = items.last().map_or(0, |block| block.number);
    let next_cursor = (last > 0).then(|| last.to_string());
    Ok(Json(Page { items, next_cursor }))
}

/// Shows one block.
#[utoipa::path(get, path = "/v1/chain/blocks/{id}", tag = "chain",
    params(("id" = String, Path, description = "Its number or hash", pattern = "^([0-9]{1,15}|0x[0-9a-fA-F]{64})$")), responses(
    (status = 200, body = BlockView),
))]
async fn block(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<BlockView> {
    let name = id
        .parse::<BlockName>()
        .map_err(|error| bad_input("not_a_block", chain(&error)))?;
    let found = node.services.settlement.block(name).await.map_err(unreadable)?;
    let unknown = || Problem::new(404, "no_such_block", format!("the chain has no block {name}"));
    Ok(Json(blocks::shown(found.ok_or_else(unknown)?)))
}

/// Shows one transaction and what it made known.
#[utoipa::path(get, path = "/v1/chain/transactions/{hash}", tag = "chain",
    params(("hash" = String, Path, description = "Its hash", pattern = "^0x[0-9a-fA-F]{64}$")), responses(
    (status = 200, body = TransactionView),
))]
async fn transaction(State(node): State<Arc<Node>>, Path(hash): Path<String>) -> Answer<TransactionView> {
    let not_a_hash = || {
        let detail = format!("{hash:?} is no hash of a transaction; write 0x and 64 hex digits");
        bad_input("not_a_transaction", detail)
    };
    let wanted: B256 = hash.parse().map_err(|_| not_a_hash())?;
    let found = node.services.settlement.transaction(wanted).await.map_err(unreadable)?;
    let unknown = || {
        let detail = format!("no block of the chain has a transaction {wanted}");
        Problem::new(404, "no_such_transaction", detail).next("if it was sent just now, ask again after the next block")
    };
    Ok(Json(blocks::shown_transaction(found.ok_or_else(unknown)?)))
}

fn unreadable(error: SettlementError) -> Problem {
    failed("chain_unreadable", chain(&error))
}
