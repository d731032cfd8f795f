//! Servers that tell much, and servers that tell little.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::{rpc::testing::server, validators::STAKED_VALIDATORS};
use alloy::primitives::Address;
use serde_json::{Value, json};

fn header(number: u64, difficulty: &str) -> Value {
    json!({
        "number": format!("{number:#x}"), "hash": B256::repeat_byte(number as u8), "timestamp": "0x64",
        "gasLimit": "0x5f5e100", "baseFeePerGas": "0x7", "difficulty": difficulty, "transactions": [],
    })
}

/// A server that answers `eth_` questions, and the others only if it is talkative.
fn chain(talkative: bool, validators: bool, difficulty: &'static str) -> String {
    server(move |question| {
        let params = &question["params"];
        let result = match (question["method"].as_str().unwrap(), params[0].as_str()) {
            ("eth_chainId", _) => json!("0x1485"),
            ("eth_getCode", Some(address)) => {
                let is_there = validators
                    && address
                        .parse()
                        .is_ok_and(|address: Address| address == STAKED_VALIDATORS);
                json!(if is_there { "0x60" } else { "0x" })
            }
            ("eth_getBlockByNumber", Some("0x0")) => header(0, difficulty),
            ("eth_getBlockByNumber", Some("latest")) => header(40, difficulty),
            ("eth_getBlockByNumber", Some("safe")) if talkative => header(39, difficulty),
            ("eth_getBlockByNumber", Some("finalized")) => header(10, difficulty),
            ("web3_clientVersion", _) if talkative => json!("rayswarm/1/pos"),
            ("rayswarm_checkpoint", _) if talkative => json!("10:0x07"),
            ("net_peerCount", _) if talkative => json!("0x3"),
            ("txpool_status", _) if talkative => json!({"pending": "0x2", "queued": "0x1"}),
            _ => return (200, json!({"error": {"code": -32601, "message": "no such method"}})),
        };
        (200, json!({"result": result}))
    })
}

#[tokio::test]
async fn all_that_a_server_tells_is_there() {
    let status = chain_status(&chain(true, true, "0x0")).await.unwrap();
    assert_eq!(status.genesis, B256::ZERO);
    assert_eq!((status.client.as_str(), status.chain_id), ("rayswarm/1/pos", 5_253));
    assert_eq!((status.head.number, status.head.at), (40, UnixMillis(100_000)));
    assert_eq!((status.safe, status.finalized), (Some(39), Some(10)));
    assert_eq!((status.peers, status.waiting), (Some(3), Some(3)));
    assert_eq!((status.consensus, status.head.difficulty), (Some("pos"), None));
    assert_eq!(status.checkpoint.as_deref(), Some("10:0x07"));
}

#[tokio::test]
async fn what_a_server_does_not_know_is_left_out() {
    let status = chain_status(&chain(false, false, "0x10")).await.unwrap();
    assert_eq!(status.client, "unknown");
    assert_eq!((status.safe, status.finalized), (None, Some(10)));
    assert_eq!((status.peers, status.waiting), (None, None));
    assert_eq!(status.checkpoint, None);
    assert_eq!((status.consensus, status.head.difficulty), (Some("pow"), Some(16)));
}
