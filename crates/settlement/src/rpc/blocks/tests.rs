//! Batches with servers that do not take them, and headers.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::rpc::testing::server;
use serde_json::{Value, json};
use std::{
    net::TcpListener,
    sync::mpsc::{Receiver, channel},
};

/// How a server answers a batch.
#[derive(Clone, Copy, Debug)]
enum Refusal {
    Status(u16),
    OneError,
    ErrorEach,
}

/// A server that knows block 7 and takes no batches. Tells of each request whether it was one.
fn knows_block_7(refusal: Refusal) -> (String, Receiver<bool>) {
    let (sender, asked) = channel();
    let url = server(move |question| {
        // Nobody listens any more at the end of a test.
        let _ = sender.send(question.is_array());
        answer(question, refusal)
    });
    (url, asked)
}

fn answer(question: &Value, refusal: Refusal) -> (u16, Value) {
    let error = |id: &Value| json!({"jsonrpc": "2.0", "id": id, "error": {"code": -32600, "message": "no batches"}});
    match (question.as_array(), refusal) {
        (Some(_), Refusal::Status(status)) => (status, error(&Value::Null)),
        (Some(_), Refusal::OneError) => (200, error(&Value::Null)),
        (Some(all), Refusal::ErrorEach) => (200, all.iter().map(|one| error(&one["id"])).collect()),
        (None, _) => {
            let found = question["params"][0] == "0x7";
            (200, json!({"result": if found { block() } else { Value::Null }}))
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
        let (url, asked) = knows_block_7(refusal);
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

/// What a contract is shown of a block hashes to the block's hash, or is not shown.
#[test]
fn a_header_is_shown_only_if_it_is_that_of_its_block() {
    let inner = alloy::consensus::Header {
        number: 7,
        mix_hash: B256::repeat_byte(3),
        ..Default::default()
    };
    let right = Header {
        hash: inner.hash_slow(),
        inner,
        total_difficulty: None,
        size: None,
    };
    let shown = header_of(&right).unwrap();
    assert_eq!(keccak256(shown), right.hash);
    let wrong = Header {
        hash: B256::repeat_byte(9),
        ..right.clone()
    };
    let error = header_of(&wrong).unwrap_err();
    assert!(
        matches!(error, SettlementError::HeaderWrong { number: 7, actual, .. } if actual == right.hash),
        "{error}"
    );
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
