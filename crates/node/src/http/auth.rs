//! Who may call: holders of the node's token, from no foreign web page, under no foreign host name.

use super::Refusal;
use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use rayswarm_api::Problem;
use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
};

/// The node's bearer token. Never printed.
#[derive(Clone)]
pub struct Token(String);

impl Token {
    /// A token from its text.
    pub const fn new(text: String) -> Self {
        Self(text)
    }

    /// Compares in a time that does not depend on where the texts differ.
    fn matches(&self, given: &str) -> bool {
        let (ours, theirs) = (blake3::hash(self.0.as_bytes()), blake3::hash(given.as_bytes()));
        ours == theirs
    }
}

/// What a call is checked against.
pub struct Guard {
    pub token: Token,
    pub bound: SocketAddr,
}

/// Lets a request through or answers with a problem.
pub async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match refuse(&guard, request.headers()) {
        Some(problem) => Refusal(problem).into_response(),
        None => next.run(request).await,
    }
}

fn refuse(guard: &Guard, headers: &HeaderMap) -> Option<Problem> {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if text(header::ORIGIN).is_some() {
        return Some(problem(
            403,
            "foreign_origin",
            "calls from web pages are not taken; use the command line",
        ));
    }
    if !text(header::HOST).is_some_and(|host| is_own_host(host, guard.bound)) {
        return Some(problem(
            403,
            "foreign_host",
            "this node is not known by that host name; use its address",
        ));
    }
    let given = text(header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
    match given {
        Some(given) if guard.token.matches(given) => None,
        _ => Some(problem(
            401,
            "no_token",
            "this call needs the node's token: `Authorization: Bearer …`, from the file `token` in the data folder",
        )),
    }
}

/// A page that rebinds its name to this address still sends its own name.
fn is_own_host(host: &str, bound: SocketAddr) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let address: Option<IpAddr> = name.trim_matches(['[', ']']).parse().ok();
    name == "localhost"
        || address.is_some_and(|address| address == bound.ip() || address.is_loopback() || bound.ip().is_unspecified())
}

fn problem(status: u16, kind: &str, detail: &str) -> Problem {
    Problem {
        kind: kind.into(),
        status,
        detail: detail.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn status(headers: &[(&'static str, &str)]) -> Option<u16> {
        let guard = Guard {
            token: Token::new("secret".into()),
            bound: SocketAddr::from(([127, 0, 0, 1], 3000)),
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        refuse(&guard, &map).map(|problem| problem.status)
    }

    #[test]
    fn only_the_token_opens() {
        let host = ("host", "127.0.0.1:3000");
        let token = ("authorization", "Bearer secret");
        assert_eq!(status(&[host, token]), None);
        assert_eq!(status(&[("host", "localhost:3000"), token]), None);
        assert_eq!(status(&[host]), Some(401));
        assert_eq!(status(&[host, ("authorization", "Bearer wrong")]), Some(401));
        assert_eq!(status(&[host, token, ("origin", "https://evil.example")]), Some(403));
        assert_eq!(status(&[("host", "evil.example:3000"), token]), Some(403));
        assert_eq!(status(&[token]), Some(403));
    }
}
