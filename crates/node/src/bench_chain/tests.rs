//! The client against a chain that one node seals.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::chain::{COIN, ChainConfig, EmbeddedChain, development_genesis};
use alloy_primitives::U256;
use rayswarm_chain::decode_transaction;
use std::{net::Ipv4Addr, sync::Arc, time::Duration};

const CHAIN_ID: u64 = 77;
/// Longer than any of it takes.
const LONG: Duration = Duration::from_secs(600);

async fn chain(folder: &std::path::Path, senders: &Senders, coins: U256) -> (EmbeddedChain, Target) {
    let mut genesis = development_genesis(CHAIN_ID, 1_800_000_000);
    for account in senders.accounts() {
        let account = genesis.alloc.entry(account).or_default();
        account.balance = coins;
    }
    let chain = EmbeddedChain::start(ChainConfig {
        dir: folder.to_path_buf(),
        genesis,
        rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
    });
    let chain = chain.await.unwrap();
    let target = Target {
        urls: vec![chain.rpc_url()],
        counts: Counts::Final,
        under_way: 300,
    };
    (chain, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_is_sent_comes_to_count() {
    let folder = tempfile::tempdir().unwrap();
    let senders = Arc::new(Senders::new(7, CHAIN_ID).unwrap());
    let (chain, target) = chain(folder.path(), &senders, COIN * U256::from(1_000)).await;
    let transfers = senders.sign(0..500).await.unwrap();
    let (full, rest) = without_a_pause(&target, &transfers, LONG).await.unwrap();
    assert_eq!((full.transfers, rest.len()), (500, 0), "{full:?}");
    assert!(full.blocks > 0 && full.per_second > 0.0, "{full:?}");
    let more = senders.sign(500..570).await.unwrap();
    let paced = at_a_rate(&target, &more, 500.0).await.unwrap();
    assert_eq!((paced.transfers, paced.offered_per_second), (70, 500.0));
    let waits = [0.0, paced.p50_ms, paced.p99_ms, paced.max_ms];
    assert!(waits.is_sorted() && paced.p50_ms > 0.0, "{paced:?}");
    let rpc = Rpc::new(&target.urls[0]).unwrap();
    let nonce = |account: &alloy_primitives::Address| serde_json::json!([account, "latest"]);
    let asked: Vec<_> = senders.accounts().iter().map(nonce).collect();
    let nonces: Vec<U256> = rpc.ask_each("eth_getTransactionCount", &asked).await.unwrap();
    assert_eq!(nonces.iter().sum::<U256>(), U256::from(570));
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_chain_refuses_ends_the_measurement() {
    let folder = tempfile::tempdir().unwrap();
    let senders = Arc::new(Senders::new(3, CHAIN_ID).unwrap());
    let (chain, target) = chain(folder.path(), &senders, U256::ZERO).await;
    let transfers = senders.sign(0..3).await.unwrap();
    let error = without_a_pause(&target, &transfers, LONG).await.unwrap_err();
    assert!(error.to_string().contains("insufficient funds"), "{error}");
    let none = without_a_pause(&target, &transfers, Duration::ZERO).await.unwrap_err();
    assert!(none.to_string().contains("no transfer was sent"), "{none}");
    chain.shutdown().await;
}

#[tokio::test]
async fn each_sender_sends_in_turn_to_the_next() {
    let senders = Arc::new(Senders::new(3, CHAIN_ID).unwrap());
    let accounts = senders.accounts();
    for (transfer, place) in senders.sign(2..9).await.unwrap().iter().zip(2..) {
        let call: serde_json::Value = serde_json::from_str(&transfer.call).unwrap();
        let raw: alloy_primitives::Bytes = serde_json::from_value(call["params"][0].clone()).unwrap();
        let sent = decode_transaction(&raw, CHAIN_ID).unwrap();
        assert_eq!((sent.signer(), transfer.sender), (accounts[place % 3], place % 3));
        assert_eq!(alloy::consensus::Transaction::nonce(sent.inner()), place as u64 / 3);
        assert_eq!(
            alloy::consensus::Transaction::to(sent.inner()),
            Some(accounts[(place + 1) % 3])
        );
        assert_eq!(*sent.inner().tx_hash(), transfer.hash);
    }
    assert!(Senders::new(0, CHAIN_ID).is_err());
}
