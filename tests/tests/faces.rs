//! The two faces of a running node: the studio in a browser, and `rayswarm top` in a terminal.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Context;
use rayswarm_tests::{Farm, Node, Terminal, nothing_left, processes::send, web::ask};
use rustix::process::Signal;
use serde::Deserialize;
use std::process::Command;

const BAD_INPUT: i32 = 2;
const MISSING: i32 = 3;
const INTERRUPTED: i32 = 130;
/// What a terminal is told to go back to its first screen.
const FIRST_SCREEN_AGAIN: &str = "\x1b[?1049l";

/// The last line of `rayswarm studio --json`.
#[derive(Debug, Deserialize)]
struct Opened {
    url: String,
    token_id: String,
    expires_at: Option<String>,
}

/// Asks like a browser; the head of the answer.
fn get(host: &str, path: &str, token: Option<&str>) -> anyhow::Result<String> {
    Ok(ask(host, "GET", path, token, None)?.head)
}

#[test]
fn the_studio_is_served_and_its_token_opens_the_node() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let nobody = farm.run(["--data-dir", "nobody", "studio"])?;
    assert_eq!(nobody.code, MISSING, "{nobody:?}");

    let node = Node::start(&farm, "node", &[])?;
    let opened: Opened = node.run(&["studio", "--no-browser", "--json"])?.json()?;
    assert!(!opened.token_id.is_empty() && opened.expires_at.is_some(), "{opened:?}");
    let (address, token) = opened.url.split_once("/#token=").context("an address with a token")?;
    let host = address.strip_prefix("http://").context("an address")?;

    // Served without a token, by its own policy; whether it was built is for those who built the program to know.
    for path in ["/", "/jobs"] {
        let head = get(host, path, None)?;
        assert!(head.contains("content-type: text/html"), "{head}");
        assert!(head.contains("content-security-policy: default-src 'none'"), "{head}");
    }
    assert!(get(host, "/v1/node", None)?.starts_with("http/1.1 401"));
    for path in ["/v1/node", "/v1/jobs", "/v1/wallet"] {
        let head = get(host, path, Some(token))?;
        assert!(head.starts_with("http/1.1 200"), "{path}: {head}");
    }
    assert!(get(host, "/v1/nothing", Some(token))?.starts_with("http/1.1 404"));
    node.stop()
}

fn top(farm: &Farm, data_dir: &str) -> Command {
    let mut command = farm.command(["--data-dir"]);
    command.arg(farm.scratch().join(data_dir)).arg("top");
    command
}

#[test]
fn top_shows_the_node_and_gives_the_terminal_back() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let node = Node::start(&farm, "node", &["--provide", "--threads", "1"])?;
    let without_terminal = node.run(&["top"])?;
    assert_eq!(without_terminal.code, BAD_INPUT, "{without_terminal:?}");

    let mut left = Terminal::open(&top(&farm, "node"), &farm.scratch().join("left"))?;
    // Only what differs from the screen before is sent, so that words are found and sentences are not.
    left.shows("WU-hour")?;
    left.types(b"p")?;
    left.shows("rests")?;
    left.types(b"q")?;
    let (code, screen) = left.end()?;
    assert_eq!(code, 0, "{screen}");
    assert!(screen.contains(FIRST_SCREEN_AGAIN), "{screen}");

    let mut interrupted = Terminal::open(&top(&farm, "node"), &farm.scratch().join("interrupted"))?;
    interrupted.shows("resume")?;
    send(node.pid(), Signal::KILL)?;
    interrupted.shows("OFFLINE")?;
    interrupted.types(b"\x03")?;
    let (code, screen) = interrupted.end()?;
    assert_eq!(code, INTERRUPTED, "{screen}");
    assert!(screen.contains(FIRST_SCREEN_AGAIN), "{screen}");
    drop(node);
    nothing_left(farm.scratch())
}
