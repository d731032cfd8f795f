//! Who is let through for what.

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
        scheme: "http",
        for_everybody: true,
    }
}

fn map_of(headers: &[(&'static str, &str)]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(*name, value.parse().unwrap());
    }
    map
}

fn status(method: &Method, path: &str, headers: &[(&'static str, &str)]) -> u16 {
    let folder = tempfile::tempdir().unwrap();
    let admitted = admit(&guard(folder.path()), method, path, &map_of(headers), None);
    admitted.map_or_else(|denied| denied.problem.status, |_| 200)
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
fn pictures_alone_need_no_token_and_only_on_this_machine() {
    let folder = tempfile::tempdir().unwrap();
    let open = guard(folder.path());
    let closed = Guard {
        for_everybody: false,
        ..guard(folder.path())
    };
    let (here, there) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([10, 0, 0, 7]));
    let ask = |guard: &Guard, method: &Method, path: &str, more: &[(&'static str, &str)], peer| {
        let headers = map_of(&[[HOST].as_slice(), more].concat());
        match admit(guard, method, path, &headers, Some(peer)) {
            Ok(admitted) => format!("{admitted:?}").split('(').next().unwrap().to_owned(),
            Err(denied) => denied.problem.status.to_string(),
        }
    };
    let post = |more: &[(&'static str, &str)], peer| ask(&open, &Method::POST, "/render", more, peer);
    assert_eq!(post(&[], here), "FromHere");
    assert_eq!(post(&[("origin", "http://127.0.0.1:3000")], here), "FromHere");
    assert_eq!(post(&[("origin", "https://evil.example")], here), "403");
    assert_eq!(post(&[("x-forwarded-for", "10.0.0.7")], here), "401");
    assert_eq!(post(&[], there), "401");
    assert_eq!(post(&[TOKEN], there), "Holder");
    assert_eq!(post(&[TOKEN], here), "Holder");
    assert_eq!(post(&[("authorization", "Bearer wrong")], here), "401");
    for (method, path, expected) in [
        (Method::GET, "/render/x", "FromHere"),
        (Method::DELETE, "/render", "FromHere"),
        (Method::GET, "/render", "Anybody"),
        (Method::GET, "/v1/jobs", "401"),
        (Method::POST, "/v1/jobs", "401"),
        (Method::POST, "/v1/render", "401"),
    ] {
        assert_eq!(ask(&open, &method, path, &[], here), expected, "{method} {path}");
    }
    for method in [Method::POST, Method::DELETE] {
        assert_eq!(ask(&closed, &method, "/render", &[], here), "401");
    }
    assert_eq!(ask(&closed, &Method::GET, "/render/x", &[], here), "401");
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
        (Method::POST, "/v1/commands/inspect", Jobs),
        (Method::PATCH, "/v1/jobs/x", Jobs),
        (Method::POST, "/v1/jobs/x/cancel", Jobs),
        (Method::POST, "/v1/jobs/x/start", Spend),
        (Method::POST, "/render", Spend),
        (Method::GET, "/render/x", Read),
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
