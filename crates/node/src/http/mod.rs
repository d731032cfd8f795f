//! The HTTP API of a node: loopback by default, closed without the node's bearer token.

mod auth;
mod farm;
mod jobs;

use crate::node::Node;
use axum::{
    Json, Router,
    http::StatusCode,
    middleware,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use rayswarm_api::Problem;
use std::{net::SocketAddr, sync::Arc};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

pub use auth::Token;

/// The most one request body may hold; a job request is small.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Serves until `stop`. Returns the bound address and a future to run.
pub async fn serve(
    node: Arc<Node>,
    address: SocketAddr,
    token: Token,
    stop: CancellationToken,
) -> std::io::Result<(SocketAddr, impl Future<Output = ()> + Send + 'static)> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    let guard = Arc::new(auth::Guard { token, bound });
    let routes = Router::new()
        .route("/v1/node", get(farm::node))
        .route("/v1/providers", get(farm::providers))
        .route("/v1/wallet", get(farm::wallet))
        .route("/v1/wallet/faucet", post(farm::faucet))
        .route("/v1/invite", get(farm::invite))
        .route("/v1/inspect", post(jobs::inspect))
        .route("/v1/jobs", get(jobs::list).post(jobs::create))
        .route("/v1/jobs/{id}", get(jobs::show))
        .route("/v1/jobs/{id}/start", post(jobs::start))
        .route("/v1/jobs/{id}/cancel", post(jobs::cancel))
        .route("/v1/jobs/{id}/retry", post(jobs::retry))
        .route("/v1/jobs/{id}/explain", get(jobs::explain))
        .layer(axum::extract::DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(guard, auth::check))
        .with_state(node);
    let server = async move {
        let served = axum::serve(listener, routes)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the HTTP server stopped");
        }
    };
    Ok((bound, server))
}

/// A problem document as an HTTP answer.
pub struct Refusal(pub Problem);

impl From<Problem> for Refusal {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = [("content-type", "application/problem+json")];
        (status, kind, Json(self.0)).into_response()
    }
}

/// What every handler gives.
type Answer<T> = Result<Json<T>, Refusal>;
