//! Answers of this chain beside anvil's: one recorded list of requests and transactions is played to both, and what they say
//! is compared field by field. What may differ is in [`differences`], each with its reason, and nothing else may.
//!
//! | | |
//! |---|---|
//! | `beside_anvil/*.json` | the recording, in the order of [`RECORDING`]: a request a line |
//! | [`recording`] | how it is read |
//! | [`sides`] | both chains, from the same genesis |
//! | [`socket`] | JSON-RPC over a WebSocket |
//! | [`compare`] | two answers side by side |
//! | [`differences`] | what may differ, and why |
//!
//! No transaction of the recording reads a slot that was never written, or calls by a delegation an account that does not exist: anvil
//! then has a zero in the account's storage trie, or an empty account in the state, where the yellow paper and EIP-161 have nothing.
//! Its state roots would be others from there on, as they are from a creation on that fails.
#![allow(clippy::print_stderr)]

mod compare;
mod differences;
mod recording;
mod sides;
mod socket;
// An anvil of one's own; the world of contracts beside it is not used here.
#[path = "../../../../settlement/tests/support/mod.rs"]
mod support;

use compare::Comparison;
use recording::{Ask, Step};
use sides::{Anvil, Ours};

/// The recording, part by part.
const RECORDING: [(&str, &str); 7] = [
    ("transactions", include_str!("beside_anvil/transactions.json")),
    ("blocks", include_str!("beside_anvil/blocks.json")),
    ("accounts", include_str!("beside_anvil/accounts.json")),
    ("calls", include_str!("beside_anvil/calls.json")),
    ("logs", include_str!("beside_anvil/logs.json")),
    ("subscriptions", include_str!("beside_anvil/subscriptions.json")),
    ("refusals", include_str!("beside_anvil/refusals.json")),
];

#[tokio::test(flavor = "multi_thread")]
async fn both_chains_answer_alike() {
    let folder = tempfile::tempdir().unwrap();
    let mut anvil = match Anvil::start(folder.path()).await {
        Ok(anvil) => anvil,
        Err(reason) => {
            eprintln!("SKIPPED: {reason}");
            return;
        }
    };
    let mut ours = Ours::start(&folder.path().join("chain")).await;
    let mut comparison = Comparison::default();
    for (part, text) in RECORDING {
        let steps: Vec<Step> = serde_json::from_str(text).unwrap();
        for step in &steps {
            let (ours, anvil) = (ours.play(step).await, anvil.play(step).await);
            comparison.look(&format!("{part}: {}", step.what), step, &ours, &anvil);
        }
    }
    ours.stop().await;
    let found = comparison.end();
    assert!(found.is_empty(), "{} differences:\n{}", found.len(), found.join("\n"));
}

/// The list has every method of the interface, so that none is left out by mistake.
#[test]
fn every_method_is_in_the_recording() {
    let steps = RECORDING
        .iter()
        .flat_map(|(_, text)| serde_json::from_str::<Vec<Step>>(text).unwrap());
    let asked: std::collections::BTreeSet<String> = steps
        .filter_map(|step| match step.ask {
            Ask::Method { method, .. } => Some(method),
            _ => None,
        })
        .collect();
    let dir = tempfile::tempdir().unwrap();
    let missing: Vec<_> = sides::methods(dir.path())
        .into_iter()
        .filter(|method| method.starts_with("eth_") && !asked.contains(*method))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}
