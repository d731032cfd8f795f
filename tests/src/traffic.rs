//! Transfers and settlements that go on while nodes are killed, and what must be there of them in the end: whatever was seen in a
//! final block is on every node, with the same receipt, and everybody has what it says.
//!
//! | module | holds |
//! |---|---|
//! | [`transfers`] | coins, to a new account each |
//! | [`settlements`] | jobs that are opened and paid through the contracts |

pub mod settlements;
pub mod transfers;

pub use settlements::Settlements;
pub use transfers::Transfers;

use crate::keeper::Door;
use anyhow::{Context, ensure};
use rayswarm_model::{Address, B256, keccak256};
use serde_json::{Value, json};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

/// Longest wait for one thing: nodes are killed meanwhile, and miners share their cores with other tests.
const PATIENCE: Duration = Duration::from_secs(240);

/// Work of a thread of its own that goes on until it is told to end.
struct Stream<T> {
    ending: Arc<AtomicBool>,
    thread: JoinHandle<anyhow::Result<T>>,
}

impl<T: Send + 'static> Stream<T> {
    /// `work` asks its argument whether to end.
    fn begin(
        name: &str,
        work: impl FnOnce(&dyn Fn() -> bool) -> anyhow::Result<T> + Send + 'static,
    ) -> anyhow::Result<Self> {
        let ending = Arc::new(AtomicBool::new(false));
        let told = ending.clone();
        let working = move || work(&|| told.load(Ordering::Relaxed));
        let thread = std::thread::Builder::new().name(name.into()).spawn(working)?;
        Ok(Self { ending, thread })
    }

    fn end(self) -> anyhow::Result<T> {
        self.ending.store(true, Ordering::Relaxed);
        let ended = self.thread.join();
        ended.map_err(|_| anyhow::anyhow!("a stream of transactions panicked"))?
    }
}

/// Nodes one after the other: the one before may be dead, or have forgotten with its life what it was told.
#[derive(Debug)]
struct Round {
    doors: Vec<Door>,
    turn: usize,
}

impl Round {
    fn of(doors: Vec<Door>) -> Self {
        Self { doors, turn: 0 }
    }

    fn next(&mut self) -> anyhow::Result<Door> {
        self.turn += 1;
        let door = self.doors.get(self.turn % self.doors.len().max(1));
        door.cloned().context("a node to ask")
    }
}

/// Transactions that are in blocks, and the receipts of those that were seen in a final one.
#[derive(Debug, Default)]
struct Receipts {
    waiting: Vec<B256>,
    of_final: Vec<Value>,
}

impl Receipts {
    /// Looks what has become final in the eyes of one node.
    fn look(&mut self, door: &Door) -> anyhow::Result<()> {
        let last = door.block("finalized")?.number;
        let mut waiting = Vec::new();
        for hash in std::mem::take(&mut self.waiting) {
            match receipt(door, hash) {
                Ok(Some((number, receipt))) if number <= last => self.of_final.push(receipt),
                // Not here, not final, or dead.
                _ => waiting.push(hash),
            }
        }
        self.waiting = waiting;
        Ok(())
    }

    /// A node has all of them.
    fn are_kept_by(&self, door: &Door) -> anyhow::Result<()> {
        for expected in &self.of_final {
            let hash = expected["transactionHash"].clone();
            let kept = door.ask("eth_getTransactionReceipt", &json!([hash]))?;
            ensure!(kept == *expected, "{}: {hash} was {expected}, is {kept}", door.url());
        }
        Ok(())
    }
}

/// The receipt of a transaction and the height of its block, if it is in one.
fn receipt(door: &Door, hash: B256) -> anyhow::Result<Option<(u64, Value)>> {
    let receipt = door.ask("eth_getTransactionReceipt", &json!([hash]))?;
    let Some(number) = receipt["blockNumber"].as_str() else {
        return Ok(None);
    };
    let number = u64::from_str_radix(number.trim_start_matches("0x"), 16)?;
    ensure!(receipt["status"] == "0x1", "a transaction failed: {receipt}");
    Ok(Some((number, receipt)))
}

/// An account that nobody has the key of: one for each purpose and number.
fn stranger(purpose: &str, number: u64) -> Address {
    let name = keccak256(format!("{purpose} {number}"));
    Address::from_slice(&name[12..])
}
