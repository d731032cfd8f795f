//! The node, its providers and its wallet over HTTP.

use super::Answer;
use crate::{
    node::Node,
    requestor::refusal::{chain, failed, missing},
};
use axum::{Json, extract::State};
use rayswarm_api::{
    Problem,
    farm::{InviteView, NodeView, ProviderView, WalletView},
};
use rayswarm_model::Amount;
use rayswarm_settlement::SettlementError;
use std::sync::Arc;

pub async fn node(State(node): State<Arc<Node>>) -> Answer<NodeView> {
    Ok(Json(node.view()))
}

pub async fn providers(State(node): State<Arc<Node>>) -> Answer<Vec<ProviderView>> {
    Ok(Json(node.providers().await))
}

pub async fn wallet(State(node): State<Arc<Node>>) -> Answer<WalletView> {
    Ok(Json(read_wallet(&node).await?))
}

pub async fn faucet(State(node): State<Arc<Node>>) -> Answer<WalletView> {
    node.fund_from_faucet()
        .await
        .map_err(|error| missing("no_faucet", chain(&error)))?;
    Ok(Json(read_wallet(&node).await?))
}

pub async fn invite(State(node): State<Arc<Node>>) -> Answer<InviteView> {
    Ok(Json(InviteView { ticket: node.ticket() }))
}

async fn read_wallet(node: &Node) -> Result<WalletView, Problem> {
    let unreadable = |error: SettlementError| failed("chain_unreadable", chain(&error));
    let settlement = &node.services.settlement;
    let account = settlement.account();
    let tokens = settlement.token_balance(account).await.map_err(unreadable)?;
    let native = settlement.native_balance(account).await.map_err(unreadable)?;
    let contracts = settlement.contracts();
    Ok(WalletView {
        account: account.to_string(),
        tokens,
        native: Amount(u128::try_from(native).unwrap_or(u128::MAX)),
        chain_id: settlement.chain_id(),
        rpc: node.services.rpc_url.clone(),
        token: contracts.token.to_string(),
        escrow: contracts.escrow.to_string(),
        registry: contracts.registry.to_string(),
    })
}
