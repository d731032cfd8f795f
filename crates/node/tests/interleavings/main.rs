//! The invariants of money over the client: random interleavings of everything that requestors, providers and strangers can
//! do, while their processes are killed, anvil reorganises its chain, and the embedded chain is killed too. In the end
//! nothing is lost and nothing paid twice, to the last unit. `contracts/test/SettlementInvariants.t.sol` does the same to
//! the contracts alone.
//!
//! | module | holds |
//! |---|---|
//! | `orders` | what a process is asked, and what it answers |
//! | `processes` | children that are killed and are there again |
//! | `actor` | one account in a process of its own, with keystore and journal |
//! | `chains` | anvil and the embedded chain, and what befalls them |
//! | `jobs` | jobs as their requestors mean them, and what may be done next |
//! | `story`, `faults` | one run from a seed: steps, and what befalls them |
//! | `ending` | how everything comes to its end |
//! | `books` | a job's books, kept a second time |
//! | `audit` | chain, books and balances are held against each other |
//!
//! | in the environment | |
//! |---|---|
//! | `RAYSWARM_SEEDS=N` | the first N seeds on each chain; with `cargo test`, since nextest ends what takes six minutes |
//! | `RAYSWARM_SEED=N` | that seed alone |
//! | `RAYSWARM_DIARY=1` | what happened is printed for runs that end well too |
//! | `RAYSWARM_FORGETFUL=1` | actors forget with their process what they sent: most runs on anvil must fail |
//!
//! A seed fixes what is tried, not how fast each process is: a failure may need several runs to come again.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod actor;
mod audit;
mod books;
mod chains;
mod ending;
mod faults;
mod jobs;
mod orders;
mod processes;
mod story;
#[path = "../../../settlement/tests/support/mod.rs"]
mod support;

use chains::Kind;
use orders::Part;
use std::{path::PathBuf, time::Duration};
use tokio::task::JoinSet;

/// Seeds of each chain in an everyday run.
const SEEDS: u64 = 3;
/// Runs at a time: each has seven processes, which mostly wait.
const AT_ONCE: usize = 3;
/// A run that takes longer has got stuck.
const RUN_WITHIN: Duration = Duration::from_secs(300);

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_paid_twice_on_anvil() {
    if let Err(reason) = support::Anvil::start() {
        eprintln!("skipped: {reason}");
        return;
    }
    runs(Kind::Anvil).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_paid_twice_on_the_embedded_chain() {
    runs(Kind::Embedded).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the life of a process that the other tests start"]
async fn a_child_process() {
    let (Ok(part), Some(socket)) = (std::env::var(processes::PART), std::env::var_os(processes::SOCKET)) else {
        return;
    };
    let socket = PathBuf::from(socket);
    match serde_json::from_str(&part).unwrap() {
        Part::Chain { folder, port } => chains::live(&socket, folder, port).await,
        Part::Actor {
            folder,
            rpc_url,
            contracts,
            forgetful,
        } => actor::live(&socket, &folder, &rpc_url, contracts, forgetful).await,
    }
}

/// All seeds on one chain, some at a time; names those that failed.
async fn runs(kind: Kind) {
    // The clients are built without a TLS provider of their own; an error means that one is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut waiting = seeds();
    let mut running = JoinSet::new();
    let mut failed = Vec::new();
    loop {
        while running.len() < AT_ONCE {
            let Some(seed) = waiting.pop() else { break };
            running.spawn(async move {
                // A task of its own, so that its panic names its seed.
                let mut one = JoinSet::new();
                one.spawn(tokio::time::timeout(RUN_WITHIN, story::run(kind, seed)));
                (seed, one.join_next().await)
            });
        }
        let Some(ended) = running.join_next().await else { break };
        let (seed, outcome) = ended.unwrap();
        match outcome {
            Some(Ok(Ok(summary))) => eprintln!("{kind:?}, seed {seed}: {summary}"),
            Some(Ok(Err(_))) => failed.push((seed, format!("it was stuck after {} s", RUN_WITHIN.as_secs()))),
            other => failed.push((seed, format!("{other:?}"))),
        }
    }
    for (seed, why) in &failed {
        eprintln!("{kind:?}, seed {seed} failed: {why}");
    }
    let seeds: Vec<u64> = failed.iter().map(|(seed, _)| *seed).collect();
    assert!(
        failed.is_empty(),
        "on {kind:?} these seeds failed: {seeds:?}; run one again with RAYSWARM_SEED=N"
    );
}

/// The last comes first.
fn seeds() -> Vec<u64> {
    let number = |name| {
        std::env::var(name)
            .ok()
            .map(|text: String| text.parse::<u64>().unwrap())
    };
    match (number("RAYSWARM_SEED"), number("RAYSWARM_SEEDS")) {
        (Some(seed), _) => vec![seed],
        (None, count) => (1..=count.unwrap_or(SEEDS)).rev().collect(),
    }
}
