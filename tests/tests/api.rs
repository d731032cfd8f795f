//! The API is what its description says, and closed: opened by the right token alone, for no foreign page and under no
//! foreign name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Context;
use rayswarm_tests::{Farm, Node};
use serde_json::{Value, json};
use std::{
    io::{Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::Command,
};

/// Inputs of each operation that are made up. `scripts/test-api.sh` takes more by hand.
const EXAMPLES: &str = "6";
/// The same inputs each time.
const SEED: &str = "7";

/// One call as a stranger could make it.
#[derive(Clone, Copy)]
struct Call<'a> {
    method: &'a str,
    path: &'a str,
    token: Option<&'a str>,
    host: &'a str,
    origin: Option<&'a str>,
    body: Option<&'a Value>,
}

/// Its status and the kind of problem it was answered with.
fn ask(address: &str, call: &Call) -> anyhow::Result<(u16, Value)> {
    let mut stream = TcpStream::connect(address)?;
    let body = call.body.map(ToString::to_string).unwrap_or_default();
    write!(
        stream,
        "{} {} HTTP/1.1\r\nHost: {}\r\n",
        call.method, call.path, call.host
    )?;
    if let Some(token) = call.token {
        write!(stream, "Authorization: Bearer {token}\r\n")?;
    }
    if let Some(origin) = call.origin {
        write!(stream, "Origin: {origin}\r\n")?;
    }
    if call.body.is_some() {
        write!(
            stream,
            "Content-Type: application/json\r\nContent-Length: {}\r\n",
            body.len()
        )?;
    }
    write!(stream, "Connection: close\r\n\r\n{body}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer.split(' ').nth(1).context("a status")?.parse()?;
    let (_, body) = answer.split_once("\r\n\r\n").context("a head")?;
    Ok((status, serde_json::from_str(body).unwrap_or_default()))
}

/// Method, path with something in the place of its parameters, the scope that opens it, and whether nothing else does.
fn operations(document: &Value) -> Vec<(String, String, String, bool)> {
    let mut found = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let scope = operation["security"][0]["token"][0].as_str().unwrap_or_default();
            let parts: Vec<&str> = path
                .split('/')
                .map(|part| if part.starts_with('{') { "0" } else { part })
                .collect();
            let needs_token = operation["security"].as_array().is_some_and(|ways| ways.len() == 1);
            found.push((method.to_uppercase(), parts.join("/"), scope.to_owned(), needs_token));
        }
    }
    found
}

#[test]
fn every_endpoint_refuses_who_may_not_call_it() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let node = Node::start(&farm, "node", &[])?;
    let url = node.run(&["studio", "--no-browser", "--json"])?.json::<Value>()?["url"].clone();
    let (address, _) = url
        .as_str()
        .and_then(|url| url.strip_prefix("http://")?.split_once('/'))
        .context("an address")?;
    let root = std::fs::read_to_string(farm.scratch().join("node/token"))?;
    let right = Call {
        method: "GET",
        path: "/v1/openapi.json",
        token: Some(root.trim()),
        host: address,
        origin: None,
        body: None,
    };
    let (status, document) = ask(address, &right)?;
    assert_eq!(status, 200);
    let operations = operations(&document);
    assert!(operations.len() > 40, "{operations:?}");

    let scopes = ["read", "jobs", "spend", "node", "tokens", "paths"];
    let token_without = |left_out: &str| -> anyhow::Result<String> {
        let others: Vec<&str> = scopes.into_iter().filter(|scope| *scope != left_out).collect();
        let body = json!({"name": format!("without {left_out}"), "scopes": others});
        let call = Call {
            method: "POST",
            path: "/v1/tokens",
            body: Some(&body),
            ..right
        };
        let (_, made) = ask(address, &call)?;
        Ok(made["token"].as_str().context("a token")?.to_owned())
    };
    let under_scoped = scopes.map(token_without);
    let open = operations.iter().filter(|(.., needs_token)| !needs_token).count();
    assert_eq!(
        open, 2,
        "POST /render and GET /render/{{job_id}} alone need no token on this machine"
    );
    for (method, path, scope, needs_token) in &operations {
        let place = scopes.iter().position(|known| known == scope).context("a scope")?;
        let weak = under_scoped[place]
            .as_deref()
            .map_err(|error| anyhow::anyhow!("{error}"))?;
        let call = Call { method, path, ..right };
        let refused = |call: Call| -> anyhow::Result<String> {
            let (status, problem) = ask(address, &call)?;
            Ok(format!("{status} {}", problem["type"].as_str().unwrap_or_default()))
        };
        let named = format!("{method} {path}");
        if *needs_token {
            assert_eq!(refused(Call { token: None, ..call })?, "401 no_token", "{named}");
        }
        assert_eq!(
            refused(Call {
                token: Some(weak),
                ..call
            })?,
            "403 scope_missing",
            "{named}"
        );
        let wrong = refused(Call {
            token: Some("wrong"),
            ..call
        })?;
        // Who guesses often has to wait.
        assert!(
            wrong == "401 wrong_token" || wrong.starts_with("429 "),
            "{named}: {wrong}"
        );
        for origin in ["https://evil.example", "null"] {
            let foreign = Call {
                origin: Some(origin),
                ..call
            };
            assert_eq!(refused(foreign)?, "403 foreign_origin", "{named}");
        }
        for host in ["evil.example", "127.0.0.1.evil.example"] {
            assert_eq!(refused(Call { host, ..call })?, "403 foreign_host", "{named}");
        }
    }
    node.stop()
}

/// Where `scripts/setup-tools.sh` installs it; `None` after saying so when it did not.
#[allow(clippy::print_stderr)]
fn schemathesis(repository: &Path) -> Option<PathBuf> {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| repository.join("target"), PathBuf::from);
    let found = Some(target.join("tools/schemathesis/bin/st")).filter(|program| program.is_file());
    if found.is_none() {
        eprintln!("skipped: schemathesis is not installed; scripts/setup-tools.sh does it");
    }
    found
}

#[test]
fn the_node_does_what_its_description_says() -> anyhow::Result<()> {
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let Some(farm) = Farm::find()? else { return Ok(()) };
    if schemathesis(&repository).is_none() {
        return Ok(());
    }
    let node = Node::start(&farm, "node", &[])?;
    let asked = Command::new(repository.join("scripts/test-api.sh"))
        .arg(farm.scratch().join("node"))
        .args(["--max-examples", EXAMPLES, "--seed", SEED, "--no-color"])
        .output()?;
    let said = String::from_utf8_lossy(&asked.stdout);
    assert!(
        asked.status.success(),
        "{said}{}",
        String::from_utf8_lossy(&asked.stderr)
    );
    node.stop()
}
