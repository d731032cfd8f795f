//! A server whose answers a test makes up.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
};

/// A JSON-RPC server that gives `answer` to each request: an HTTP status, and what is sent, where the version and the
/// request's id are filled in. Returns its address.
pub(crate) fn server(answer: impl Fn(&Value) -> (u16, Value) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // One after the other: each answer closes its connection.
            if serve(stream.unwrap(), &answer).is_none() {
                return;
            }
        }
    });
    url
}

fn serve(stream: TcpStream, answer: &impl Fn(&Value) -> (u16, Value)) -> Option<()> {
    let mut reader = BufReader::new(stream);
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim().to_lowercase().strip_prefix("content-length:") {
            Some(bytes) => length = bytes.trim().parse().ok()?,
            None if line.trim().is_empty() => break,
            None => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let question: Value = serde_json::from_slice(&body).ok()?;
    let (status, mut answer) = answer(&question);
    if let Some(fields) = answer.as_object_mut() {
        fields.insert("jsonrpc".into(), json!("2.0"));
        fields.entry("id").or_insert_with(|| question["id"].clone());
    }
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nConnection: close\r\n");
    write!(
        reader.get_mut(),
        "{head}Content-Length: {}\r\n\r\n{answer}",
        answer.len()
    )
    .ok()
}
