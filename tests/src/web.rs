//! Programs of the web: one that asks, and one that serves files. HTTP as it is on the wire, so that nothing is tidied.

use anyhow::Context;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    thread,
};

/// What a server answered.
#[derive(Debug)]
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its head in lower case, status line included.
    pub head: String,
    /// Its body.
    pub body: Vec<u8>,
}

impl Reply {
    /// The body as JSON; null if it is something else.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// What went wrong, as a word for programs; empty if nothing did.
    pub fn problem(&self) -> String {
        self.json()["type"].as_str().unwrap_or_default().to_owned()
    }
}

/// Asks a server and waits for its whole answer.
///
/// # Errors
/// When there is none.
pub fn ask(host: &str, method: &str, path: &str, token: Option<&str>, body: Option<&str>) -> anyhow::Result<Reply> {
    let mut stream = TcpStream::connect(host)?;
    let token = token.map_or_else(String::new, |token| format!("Authorization: Bearer {token}\r\n"));
    let (kind, body) = match body {
        Some(body) => (
            format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len()),
            body,
        ),
        None => (String::new(), ""),
    };
    write!(
        stream,
        "{method} {path} HTTP/1.1\r\nHost: {host}\r\n{token}{kind}Connection: close\r\n\r\n{body}"
    )?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let end = answer
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .context("a head")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
    Ok(Reply {
        status: head.split(' ').nth(1).context("a status")?.parse()?,
        head,
        body: answer.split_off(end + 4),
    })
}

/// What a server has at a path.
#[derive(Clone, Debug)]
pub enum Page {
    /// A file of this media type.
    File(&'static str, Vec<u8>),
    /// It is elsewhere.
    Elsewhere(String),
}

/// Serves pages on loopback until this process ends. Returns where.
///
/// # Errors
/// When it cannot listen.
pub fn serve(pages: BTreeMap<String, Page>) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    thread::Builder::new().name("web".into()).spawn(move || {
        for stream in listener.incoming().flatten() {
            // Who goes away in the middle of it has no use for the rest.
            let _ = answer(stream, &pages);
        }
    })?;
    Ok(address)
}

fn answer(mut stream: TcpStream, pages: &BTreeMap<String, Page>) -> std::io::Result<()> {
    let mut lines = BufReader::new(stream.try_clone()?).lines();
    let asked = lines.next().transpose()?.unwrap_or_default();
    // The whole head, so that closing the connection takes nothing away.
    while lines.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let (head, body) = match pages.get(asked.split(' ').nth(1).unwrap_or_default()) {
        Some(Page::File(kind, bytes)) => (format!("200 OK\r\nContent-Type: {kind}"), bytes.as_slice()),
        Some(Page::Elsewhere(place)) => (format!("302 Found\r\nLocation: {place}"), [].as_slice()),
        None => ("404 Not Found".into(), [].as_slice()),
    };
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {head}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"
    )?;
    stream.write_all(body)
}
