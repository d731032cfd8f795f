//! Transactions through restarts, reorganisations and full blocks, on a real anvil.
//!
//! Without anvil (`npm ci --prefix contracts`, or its path in `RAYSWARM_ANVIL`) each test says so and passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use alloy::providers::{Provider, ProviderBuilder};
use rayswarm_model::{Amount, B256};
use rayswarm_settlement::{Chronicle, JobState, MemoryOutbox, Outbox, Settlement};
use std::{sync::Arc, time::Duration};
use support::world::{REQUESTOR, TOKEN, World, caps, key};

/// What only a development server does.
async fn order(world: &World, method: &'static str, params: serde_json::Value) {
    let provider = ProviderBuilder::new().connect_http(world.anvil.url.parse().unwrap());
    let _: serde_json::Value = provider.raw_request(method.into(), params).await.unwrap();
}

/// The requestor's account with this outbox.
async fn life(world: &World, outbox: &Arc<MemoryOutbox>) -> Settlement {
    let chronicle = Chronicle {
        outbox: outbox.clone(),
        ..Chronicle::default()
    };
    Settlement::connect_with(&world.anvil.url, key(REQUESTOR), world.contracts, chronicle)
        .await
        .unwrap()
}

async fn written_down(outbox: &MemoryOutbox, count: usize) {
    while outbox.load().unwrap().len() < count {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_restart_goes_on_with_what_was_sent_and_sends_nothing_twice() {
    let Some(world) = World::new().await else { return };
    let outbox = Arc::new(MemoryOutbox::default());
    let terms = world.terms(0);
    order(&world, "evm_setAutomine", serde_json::json!([false])).await;
    let first = life(&world, &outbox).await;
    // Killed while the approval waits for a block.
    tokio::select! {
        opened = first.open_job(&terms, B256::ZERO) => panic!("{opened:?}"),
        () = written_down(&outbox, 1) => {}
    }
    let sent = outbox.load().unwrap();
    let second = life(&world, &outbox).await;
    order(&world, "evm_setAutomine", serde_json::json!([true])).await;
    order(&world, "evm_mine", serde_json::json!([])).await;
    let opened = second.open_job(&terms, B256::ZERO).await.unwrap();
    assert_eq!(world.audited(opened.job_id).await.deposited, Amount(100 * TOKEN));
    let nonces: Vec<u64> = outbox.load().unwrap().iter().map(|one| one.nonce).collect();
    assert_eq!(
        nonces,
        [sent[0].nonce, sent[0].nonce + 1],
        "the approval and the opening, once each"
    );
}

#[tokio::test]
async fn what_a_reorganisation_takes_out_comes_back() {
    let Some(world) = World::new().await else { return };
    let outbox = Arc::new(MemoryOutbox::default());
    let requestor = life(&world, &outbox).await;
    let job = requestor.open_job(&world.terms(0), B256::ZERO).await.unwrap().job_id;
    order(&world, "anvil_reorg", serde_json::json!([1, []])).await;
    requestor.tend().await.unwrap();
    // It may have come back by itself, or been sent again; mined it must be.
    order(&world, "evm_mine", serde_json::json!([])).await;
    assert_eq!(world.audited(job).await.state, JobState::Open);
    let caps = caps(1, TOKEN);
    requestor.allocate(job, &caps, B256::ZERO).await.unwrap();
    assert!(requestor.epochs(job).await.unwrap().in_force(&caps));
}

/// The first top-up comes back: the second adds only what is missing besides.
#[tokio::test]
async fn what_a_reorganisation_took_out_is_reckoned_with() {
    let Some(world) = World::new().await else { return };
    let outbox = Arc::new(MemoryOutbox::default());
    let requestor = life(&world, &outbox).await;
    let job = requestor.open_job(&world.terms(0), B256::ZERO).await.unwrap().job_id;
    requestor.top_up(job, Amount(110 * TOKEN)).await.unwrap();
    order(&world, "anvil_reorg", serde_json::json!([1, []])).await;
    requestor.top_up(job, Amount(120 * TOKEN)).await.unwrap();
    assert_eq!(world.audited(job).await.deposited, Amount(120 * TOKEN));
    assert_eq!(requestor.top_up(job, Amount(120 * TOKEN)).await.unwrap(), []);
}

#[tokio::test]
async fn what_stays_is_forgotten() {
    let Some(world) = World::new().await else { return };
    let outbox = Arc::new(MemoryOutbox::default());
    let requestor = life(&world, &outbox).await;
    requestor.open_job(&world.terms(0), B256::ZERO).await.unwrap();
    assert_eq!(outbox.load().unwrap().len(), 2, "it may still be replaced");
    order(&world, "anvil_mine", serde_json::json!([200])).await;
    requestor.tend().await.unwrap();
    assert_eq!(outbox.load().unwrap(), []);
    let settled = requestor.at_finalized().await.unwrap();
    assert_eq!(
        settled.job(requestor.job_id(B256::ZERO)).await.unwrap().state,
        JobState::Open
    );
}
