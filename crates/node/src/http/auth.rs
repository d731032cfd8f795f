//! Who may call: holders of a token that opens what is asked, from no foreign web page, under no foreign host name.

use super::{
    Refusal,
    here::{By, FromHere, is_for_pictures, is_from_here},
    limits::{Limits, TooMany},
    tls::TlsListener,
    tokens::{Token, Tokens},
};
use crate::clock;
use axum::{
    extract::{ConnectInfo, FromRequestParts, Request, State, connect_info::Connected},
    http::{HeaderMap, HeaderValue, Method, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
    serve::IncomingStream,
};
use rayswarm_api::{Problem, access::Scope};
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};
use tokio::net::TcpListener;

/// Who calls.
#[derive(Clone, Copy, Debug)]
pub struct Peer(SocketAddr);

impl Connected<IncomingStream<'_, TcpListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TcpListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

impl Connected<IncomingStream<'_, TlsListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, TlsListener>) -> Self {
        Self(*stream.remote_addr())
    }
}

/// What a call is checked against.
pub struct Guard {
    /// The node's tokens.
    pub tokens: Arc<Tokens>,
    /// How often callers may call, by whatever listener.
    pub limits: Arc<Limits>,
    /// Where this listener is bound.
    pub bound: SocketAddr,
    /// Names this node is known by besides its addresses.
    pub names: Vec<String>,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// Whether programs of this machine may have pictures made without a token, as long as they call in plain text.
    pub for_everybody: bool,
}

/// What the caller's token opens.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Its token.
    pub token: Token,
    /// The scopes of its token.
    pub scopes: Vec<Scope>,
}

impl Caller {
    /// Refuses a caller whose token does not open this.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) {
            return Ok(());
        }
        let detail = format!("this needs a token with the scope {scope}");
        Err(Problem::new(403, "scope_missing", detail).next("make one in the studio's settings, or use the root token"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Refusal> {
        let caller = parts.extensions.get::<Self>().cloned();
        Ok(caller.ok_or_else(no_token)?)
    }
}

/// The scope that a call needs, by its path or the path as described.
pub fn needed(method: &Method, path: &str) -> Scope {
    if path == "/render" {
        return Scope::Spend;
    }
    let path = path.strip_prefix("/v1/").unwrap_or(path);
    let first = path.split('/').next().unwrap_or_default();
    match (first, method) {
        ("tokens", _) => Scope::Tokens,
        ("webhooks" | "invite", _) | ("node", &Method::PATCH) => Scope::Node,
        (_, &Method::GET | &Method::HEAD) => Scope::Read,
        ("wallet", _) => Scope::Spend,
        ("jobs", _) if path.ends_with("/start") => Scope::Spend,
        _ => Scope::Jobs,
    }
}

/// The studio's own files are no secret; everything they show comes through the API.
fn is_open(method: &Method, path: &str) -> bool {
    let reads = method == Method::GET || method == Method::HEAD;
    reads && !path.starts_with("/v1/") && !path.starts_with("/render/") && path != "/metrics"
}

/// Lets a request through or answers with a problem.
pub async fn check(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .map(|info| info.0.0.ip());
    let admitted = admit(&guard, request.method(), request.uri().path(), request.headers(), peer);
    let extensions = request.extensions_mut();
    extensions.insert(By(guard.scheme));
    match admitted {
        Err(denied) => return denied.into_response(),
        Ok(Admitted::Anybody) => {}
        Ok(Admitted::Holder(caller)) => {
            extensions.insert(caller);
        }
        Ok(Admitted::FromHere) => {
            extensions.insert(FromHere);
        }
    }
    next.run(request).await
}

/// Whom a call is let through for.
#[derive(Debug)]
enum Admitted {
    /// It shows nothing that is anybody's.
    Anybody,
    /// The holder of a token.
    Holder(Caller),
    /// A program of this machine without one.
    FromHere,
}

/// Why a call is not let through.
#[derive(Debug)]
struct Denied {
    problem: Problem,
    /// What `Retry-After` says.
    retry_after_s: Option<u64>,
}

impl From<Problem> for Denied {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            retry_after_s: None,
        }
    }
}

impl From<TooMany> for Denied {
    fn from(too_many: TooMany) -> Self {
        Self {
            problem: too_many.problem(),
            retry_after_s: Some(too_many.retry_after_s),
        }
    }
}

impl IntoResponse for Denied {
    fn into_response(self) -> Response {
        let is_unknown = self.problem.status == 401;
        let mut answer = Refusal(self.problem).into_response();
        let headers = answer.headers_mut();
        if is_unknown {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

fn admit(
    guard: &Guard,
    method: &Method,
    path: &str,
    headers: &HeaderMap,
    peer: Option<IpAddr>,
) -> Result<Admitted, Denied> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text(header::HOST).filter(|host| is_own_host(host, guard));
    let Some(host) = host else {
        let detail = "this node is not known by that host name";
        let problem = Problem::new(403, "foreign_host", detail);
        return Err(problem.next("use its address, or start it with --http-name").into());
    };
    if let Some(origin) = headers.get(header::ORIGIN)
        && !origin.to_str().is_ok_and(|origin| is_own_origin(origin, host))
    {
        let detail = "calls from other web pages are not taken";
        let problem = Problem::new(403, "foreign_origin", detail);
        return Err(problem.next("use the studio, the command line or a program").into());
    }
    if is_open(method, path) {
        return Ok(Admitted::Anybody);
    }
    if guard.for_everybody && is_for_pictures(path) && is_from_here(peer, headers) {
        guard.limits.without_token()?;
        return Ok(Admitted::FromHere);
    }
    let given = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    let token = Token::new(given.ok_or_else(no_token)?);
    let Some(scopes) = guard.tokens.find(token, clock::now()) else {
        // Who has the right token is never held up by those who guess.
        guard.limits.guess(peer)?;
        let detail = "this token is not one of this node's, or has expired or been revoked";
        let problem = Problem::new(401, "wrong_token", detail);
        return Err(problem.next("`rayswarm studio` makes a new one").into());
    };
    let caller = Caller { token, scopes };
    caller.require(needed(method, path))?;
    guard.limits.call(token, method)?;
    Ok(Admitted::Holder(caller))
}

/// Refuses who has none.
pub(super) fn no_token() -> Problem {
    let detail = "this call needs a token: `Authorization: Bearer …`";
    Problem::new(401, "no_token", detail)
        .next("`rayswarm studio` makes one; the root token is the file `token` in the node's data folder")
}

/// A page that rebinds its name to this address still sends its own name.
fn is_own_host(host: &str, guard: &Guard) -> bool {
    let name = host_name(host);
    let (address, bound): (Option<IpAddr>, _) = (name.parse().ok(), guard.bound.ip());
    name == "localhost"
        || guard.names.iter().any(|own| own.eq_ignore_ascii_case(name))
        || address.is_some_and(|address| address == bound || address.is_loopback() || bound.is_unspecified())
}

/// A host without its port.
pub(super) fn host_name(host: &str) -> &str {
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    }
}

/// The studio's own pages come from the host that is called.
fn is_own_origin(origin: &str, host: &str) -> bool {
    let authority = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    authority == Some(host)
}

#[cfg(test)]
mod tests;
