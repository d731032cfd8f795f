//! The HTTP API of a node and its studio: loopback by default, closed without a token.
//!
//! | module | holds |
//! |---|---|
//! | [`auth`], [`here`], [`tokens`], [`limits`] | who may call what, and how often |
//! | [`tls`] | encryption wherever others could listen |
//! | [`described`], [`extract`] | bodies, queries and paths; what the description does not allow is a problem |
//! | [`jobs`], [`tasks`], [`files`], [`uploads`] | jobs, from the scene to the finished files |
//! | [`commands`] | jobs of commands |
//! | [`render`] | pictures by their address, in one call |
//! | [`events`], [`webhooks`] | what happens, told |
//! | [`farm`], [`wallet`], [`explorer`], [`metrics`] | the node, its money and its chain |
//! | [`traced`] | a span for each call |
//! | [`studio`] | the web studio's own files |
//! | [`openapi`] | the API's description |

mod auth;
mod commands;
mod described;
mod events;
mod explorer;
mod extract;
mod farm;
mod files;
mod here;
mod jobs;
pub mod limits;
mod metrics;
pub mod openapi;
mod render;
mod studio;
mod tasks;
pub mod tls;
pub mod tokens;
mod traced;
mod uploads;
mod wallet;
mod webhooks;

use crate::node::Node;
use auth::{Guard, Peer};
use axum::{
    Json, Router,
    extract::{DefaultBodyLimit, connect_info::Connected},
    http::{HeaderMap, Method, StatusCode, Uri},
    middleware,
    response::{IntoResponse, Response},
    serve::{IncomingStream, Listener},
};
use extract::{Body, Path, Query};
use rayswarm_api::Problem;
use std::{net::SocketAddr, sync::Arc};
use tls::{Certificate, TlsListener};
use tokio::net::TcpListener;
use tower_http::compression::{
    CompressionLayer, CompressionLevel, Predicate,
    predicate::{DefaultPredicate, NotForContentType},
};
use traced::Calls;
use utoipa_axum::router::OpenApiRouter;

/// The most one request body may hold, where a route does not say otherwise; a job request is small.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Serves this machine until the node stops. Returns where.
pub async fn serve(node: &Arc<Node>, address: SocketAddr) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(address).await?;
    let bound = listener.local_addr()?;
    node.answers_at(bound);
    spawn(node, listener, bound, "http");
    Ok(bound)
}

/// Serves other machines as well, encrypted, until the node stops. Returns where.
pub async fn serve_others(
    node: &Arc<Node>,
    address: SocketAddr,
    certificate: &Certificate,
) -> std::io::Result<SocketAddr> {
    let listener = TlsListener::bind(address, certificate).await?;
    let bound = listener.local_addr()?;
    spawn(node, listener, bound, "https");
    Ok(bound)
}

fn spawn<L>(node: &Arc<Node>, listener: L, bound: SocketAddr, scheme: &'static str)
where
    L: Listener<Addr = SocketAddr>,
    for<'a> Peer: Connected<IncomingStream<'a, L>>,
{
    let routes = routes(node, bound, scheme).into_make_service_with_connect_info::<Peer>();
    let stop = node.services.stop.child_token();
    node.services.tracker.spawn(async move {
        let served = axum::serve(listener, routes)
            .with_graceful_shutdown(stop.cancelled_owned())
            .await;
        if let Err(error) = served {
            tracing::error!(%error, "the HTTP server stopped");
        }
    });
}

/// All routes behind their guards.
fn routes(node: &Arc<Node>, bound: SocketAddr, scheme: &'static str) -> Router {
    let guard = Arc::new(Guard {
        tokens: node.tokens.clone(),
        limits: node.limits.clone(),
        bound,
        names: node.services.config.http_names.clone(),
        scheme,
        for_everybody: scheme == "http" && node.pictures.are_for_everybody(),
    });
    let calls = Calls {
        traces: node.services.traces.clone(),
        scheme,
    };
    let (routes, _) = api().split_for_parts();
    routes
        .method_not_allowed_fallback(wrong_method)
        .fallback(elsewhere)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn_with_state(guard, auth::check))
        .layer(middleware::from_fn_with_state(node.clone(), metrics::count))
        .layer(middleware::from_fn_with_state(calls, traced::tell))
        // Most callers are on this machine or in its network: time costs them more than bytes.
        .layer(
            CompressionLayer::new()
                .quality(CompressionLevel::Fastest)
                .compress_when(worth_compressing()),
        )
        .with_state(node.clone())
}

/// Text is; pictures, films and archives are compressed already, and would lose their length and their ranges.
fn worth_compressing() -> impl Predicate {
    let not = NotForContentType::const_new;
    DefaultPredicate::new()
        .and(not("video/"))
        .and(not("application/octet-stream"))
        .and(not("application/zip"))
}

/// What is no route of the API is a page or a file of the studio, or nothing.
async fn elsewhere(method: Method, uri: Uri, headers: HeaderMap) -> Response {
    if uri.path().starts_with("/v1/") {
        let detail = format!("there is no {}; /v1/openapi.json lists what there is", uri.path());
        return Refusal(Problem::new(404, "no_such_path", detail)).into_response();
    }
    studio::serve(method, uri, headers).await
}

async fn wrong_method(method: Method, uri: Uri) -> Refusal {
    let detail = format!(
        "{} does not take {method}; /v1/openapi.json lists what it takes",
        uri.path()
    );
    Refusal(Problem::new(405, "method_not_allowed", detail))
}

/// Every route of the API, with its description.
fn api() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .merge(jobs::routes())
        .merge(tasks::routes())
        .merge(commands::routes())
        .merge(files::routes())
        .merge(render::routes())
        .merge(uploads::routes())
        .merge(events::routes())
        .merge(webhooks::routes())
        .merge(farm::routes())
        .merge(wallet::routes())
        .merge(explorer::routes())
        .merge(metrics::routes())
        .merge(tokens::routes())
        .merge(openapi::routes())
}

/// A problem document as an HTTP answer.
#[derive(Debug)]
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

/// Runs what blocks on a thread of its own.
async fn blocking<T: Send + 'static>(
    node: &Arc<Node>,
    work: impl FnOnce(&Node) -> Result<T, Problem> + Send + 'static,
) -> Result<T, Refusal> {
    let node = node.clone();
    let done = tokio::task::spawn_blocking(move || work(&node)).await;
    let stopped = |error: tokio::task::JoinError| Problem::new(500, "stopped", error.to_string());
    Ok(done.map_err(stopped)??)
}
