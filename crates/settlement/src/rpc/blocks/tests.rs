//! Batches with servers that do not take them.

#![allow(clippy::unwrap_used)]

use super::*;
use serde_json::{Value, json};
use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::mpsc::{Receiver, Sender, channel},
};

/// How a server answers a batch.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    Status(u16),
    OneError,
    ErrorEach,
}

/// A server that knows block 7 and takes no batches. Tells of each request whether it was one.
fn server(refusal: Refusal) -> (String, Receiver<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (sender, asked) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // One after the other: each answer closes its connection.
            if serve(stream.unwrap(), refusal, &sender).is_none() {
                return;
            }
        }
    });
    (url, asked)
}

fn serve(stream: TcpStream, refusal: Refusal, asked: &Sender<bool>) -> Option<()> {
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
    asked.send(question.is_array()).ok()?;
    let (status, answer) = answer(&question, refusal);
    let answer = answer.to_string();
    let head = format!("HTTP/1.1 {status} -\r\nContent-Type: application/json\r\nConnection: close\r\n");
    write!(
        reader.get_mut(),
        "{head}Content-Length: {}\r\n\r\n{answer}",
        answer.len()
    )
    .ok()
}

fn answer(question: &Value, refusal: Refusal) -> (u16, Value) {
    let error = |id: &Value| json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32600, "message": "no batches"}});
    match (question.as_array(), refusal) {
        (Some(_), Refusal::Status(status)) => (status, error(&Value::Null)),
        (Some(_), Refusal::OneError) => (200, error(&Value::Null)),
        (Some(all), Refusal::ErrorEach) => (200, all.iter().map(|one| error(&one["id"])).collect()),
        (None, _) => {
            let found = question["params"][0] == "0x7";
            (
                200,
                json!({"jsonrpc": "2.0", "id": question["id"], "result": if found { block() } else { Value::Null }}),
            )
        }
    }
}

fn block() -> Value {
    let hash = B256::repeat_byte(7);
    json!({
        "number": "0x7", "hash": hash, "parentHash": hash, "timestamp": "0x1", "gasUsed": "0x0", "gasLimit": "0x1",
        "miner": Address::ZERO, "transactions": [],
    })
}

#[tokio::test]
async fn who_takes_no_batches_is_asked_one_by_one() {
    for refusal in [
        Refusal::Status(400),
        Refusal::Status(500),
        Refusal::OneError,
        Refusal::ErrorEach,
    ] {
        let (url, asked) = server(refusal);
        let rpc = Rpc::new(&url).unwrap();
        for _ in 0..2 {
            let found = rpc.blocks_by_number(&[7, 8]).await.unwrap();
            let numbers: Vec<u64> = found.iter().map(|block| block.number.to()).collect();
            assert_eq!(numbers, [7], "{refusal:?}");
        }
        let batches: Vec<bool> = asked.try_iter().collect();
        assert_eq!(
            batches,
            [true, false, false, false, false],
            "{refusal:?}: only the first time"
        );
    }
}

#[tokio::test]
async fn who_does_not_answer_is_not_asked_again() {
    let gone = TcpListener::bind("127.0.0.1:0").unwrap();
    let rpc = Rpc::new(&format!("http://{}", gone.local_addr().unwrap())).unwrap();
    drop(gone);
    let failed = rpc.blocks_by_number(&[7]).await;
    assert!(matches!(failed, Err(SettlementError::Unreachable { .. })), "{failed:?}");
    assert!(rpc.takes_batches());
}
