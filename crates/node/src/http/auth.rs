//! Who may call: holders of a token that opens what is asked, from no foreign web page, under no foreign host name.

use super::{
    Refusal,
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
    reads && !path.starts_with("/v1/") && path != "/metrics"
}

/// Lets a request through or answers with a problem.
pub async fn check(State(guard): State<Arc<Guard>>, mut request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<Peer>>()
        .map(|info| info.0.0.ip());
    match admit(&guard, request.method(), request.uri().path(), request.headers(), peer) {
        Ok(caller) => {
            if let Some(caller) = caller {
                request.extensions_mut().insert(caller);
            }
            next.run(request).await
        }
        Err(denied) => denied.into_response(),
    }
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
) -> Result<Option<Caller>, Denied> {
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
        return Ok(None);
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
    Ok(Some(caller))
}

fn no_token() -> Problem {
    let detail = "this call needs a token: `Authorization: Bearer …`";
    Problem::new(401, "no_token", detail)
        .next("`rayswarm studio` makes one; the root token is the file `token` in the node's data folder")
}

/// A page that rebinds its name to this address still sends its own name.
fn is_own_host(host: &str, guard: &Guard) -> bool {
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, _)) => address,
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    let (address, bound): (Option<IpAddr>, _) = (name.parse().ok(), guard.bound.ip());
    name == "localhost"
        || guard.names.iter().any(|own| own.eq_ignore_ascii_case(name))
        || address.is_some_and(|address| address == bound || address.is_loopback() || bound.is_unspecified())
}

/// The studio's own pages come from the host that is called.
fn is_own_origin(origin: &str, host: &str) -> bool {
    let authority = origin
        .strip_prefix("https://")
        .or_else(|| origin.strip_prefix("http://"));
    authority == Some(host)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::http::tokens::Token;
    use rayswarm_api::access::Scope::{Jobs, Node, Paths, Read, Spend, Tokens as OfTokens};

    fn guard(folder: &std::path::Path) -> Guard {
        Guard {
            tokens: Arc::new(Tokens::open(folder, Token::new("secret")).unwrap()),
            limits: Arc::default(),
            bound: SocketAddr::from(([127, 0, 0, 1], 3000)),
            names: vec!["farm.studio".into()],
        }
    }

    fn status(method: &Method, path: &str, headers: &[(&'static str, &str)]) -> u16 {
        let folder = tempfile::tempdir().unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        admit(&guard(folder.path()), method, path, &map, None).map_or_else(|denied| denied.problem.status, |_| 200)
    }

    const HOST: (&str, &str) = ("host", "127.0.0.1:3000");
    const TOKEN: (&str, &str) = ("authorization", "Bearer secret");

    #[test]
    fn only_a_token_opens_the_api() {
        let get = |headers: &[(&'static str, &str)]| status(&Method::GET, "/v1/jobs", headers);
        assert_eq!(get(&[HOST, TOKEN]), 200);
        assert_eq!(get(&[HOST]), 401);
        assert_eq!(get(&[HOST, ("authorization", "Bearer wrong")]), 401);
        assert_eq!(get(&[HOST, ("authorization", "Basic secret")]), 401);
        assert_eq!(status(&Method::GET, "/metrics", &[HOST]), 401);
        assert_eq!(status(&Method::GET, "/assets/a.js", &[HOST]), 200);
        assert_eq!(status(&Method::POST, "/", &[HOST]), 401);
    }

    #[test]
    fn foreign_hosts_and_pages_are_refused_even_with_a_token() {
        let get = |headers: &[(&'static str, &str)]| status(&Method::GET, "/v1/jobs", headers);
        for own in ["localhost:3000", "[::1]:3000", "farm.studio", "FARM.studio:443"] {
            assert_eq!(get(&[("host", own), TOKEN]), 200, "{own}");
        }
        for foreign in ["evil.example:3000", "127.0.0.1.evil.example", "10.0.0.1:3000"] {
            assert_eq!(get(&[("host", foreign), TOKEN]), 403, "{foreign}");
        }
        assert_eq!(get(&[TOKEN]), 403);
        assert_eq!(get(&[HOST, TOKEN, ("origin", "http://127.0.0.1:3000")]), 200);
        for foreign in [
            "https://evil.example",
            "null",
            "http://127.0.0.1:3001",
            "http://localhost:3000",
        ] {
            assert_eq!(get(&[HOST, TOKEN, ("origin", foreign)]), 403, "{foreign}");
        }
        assert_eq!(status(&Method::GET, "/", &[("host", "evil.example")]), 403);
    }

    #[test]
    fn each_call_has_its_scope() {
        for (method, path, scope) in [
            (Method::GET, "/v1/jobs", Read),
            (Method::GET, "/v1/openapi.json", Read),
            (Method::GET, "/metrics", Read),
            (Method::POST, "/v1/jobs", Jobs),
            (Method::PATCH, "/v1/jobs/x", Jobs),
            (Method::POST, "/v1/jobs/x/cancel", Jobs),
            (Method::POST, "/v1/jobs/x/start", Spend),
            (Method::POST, "/v1/wallet/faucet", Spend),
            (Method::PUT, "/v1/uploads/x/chunks/y", Jobs),
            (Method::GET, "/v1/node", Read),
            (Method::PATCH, "/v1/node", Node),
            (Method::GET, "/v1/invite", Node),
            (Method::GET, "/v1/webhooks", Node),
            (Method::GET, "/v1/tokens", OfTokens),
            (Method::DELETE, "/v1/tokens/x", OfTokens),
        ] {
            assert_eq!(needed(&method, path), scope, "{method} {path}");
        }
        let caller = Caller {
            token: Token::new("secret"),
            scopes: vec![Read],
        };
        assert!(caller.require(Paths).is_err());
    }

    #[test]
    fn guessers_wait_as_long_as_they_are_told_and_who_sends_no_token_is_no_guesser() {
        let folder = tempfile::tempdir().unwrap();
        let guard = guard(folder.path());
        let call = |authorization: Option<&str>| {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, HeaderValue::from_static("localhost"));
            if let Some(text) = authorization {
                headers.insert(header::AUTHORIZATION, text.parse().unwrap());
            }
            let admitted = admit(&guard, &Method::GET, "/v1/jobs", &headers, None);
            admitted.map_or_else(Denied::into_response, |_| ().into_response())
        };
        for _ in 0..100 {
            assert_eq!(call(None).status(), 401);
        }
        let mut guesses = 0;
        let stopped = loop {
            let answer = call(Some("Bearer wrong"));
            if answer.status() != 401 {
                break answer;
            }
            guesses += 1;
        };
        assert!(guesses >= 20 && stopped.status() == 429, "{guesses} {stopped:?}");
        let seconds = stopped.headers()[header::RETRY_AFTER].to_str().unwrap();
        assert!((1..=3).contains(&seconds.parse::<u64>().unwrap()), "{seconds}");
        let missing = call(None);
        assert_eq!(
            (missing.status().as_u16(), missing.headers().get(header::RETRY_AFTER)),
            (401, None)
        );
        assert_eq!(missing.headers()[header::WWW_AUTHENTICATE], "Bearer");
        assert_eq!(call(Some("Bearer secret")).status(), 200);
    }
}
