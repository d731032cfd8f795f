//! A chain by proof of stake on this machine: one process for each validator, as `rayswarm chain run --validate` starts them.

use super::process::Process;
use anyhow::Context;
use rayswarm_model::{Address, Amount};
use rayswarm_node::{
    bench_chain::{Counts, Rpc, Target},
    chain::{
        ConsensusKind, DEVELOPMENT_CHAIN_ID, Draft, FirstValidator,
        client::{own_key, wei, write_chain},
    },
    clock,
};
use serde_json::json;
use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

/// What each validator has at stake, and each sender to send: a million coins.
const COINS: Amount = Amount(10u128.pow(24));
/// Blocks of an epoch, and who votes at most: what `chain init` takes unless it is said.
const EPOCH_BLOCKS: u64 = 600;
const SEATS: u16 = 21;

/// Transfers under way: about half of what a pool holds, and more than a block does.
pub const UNDER_WAY: usize = 8_000;

/// The running validators.
pub struct Validators {
    processes: Vec<Process>,
    urls: Vec<String>,
}

impl Validators {
    /// Starts a new chain of `count` validators with their data below `folder`, on which the senders have coins, and waits until
    /// all of them see blocks.
    pub async fn start(folder: &Path, count: u16, block_time: Duration, senders: &[Address]) -> anyhow::Result<Self> {
        let folders: Vec<PathBuf> = (1..=count).map(|number| folder.join(number.to_string())).collect();
        let chain = folder.join("chain.json");
        draft(&folders, &chain, block_time, senders)?;
        let mut started = Self {
            processes: Vec::new(),
            urls: Vec::new(),
        };
        let mut first = None;
        for folder in &folders {
            let process = Process::start(command(folder, &chain, first.as_deref())?, &folder.join("log"))?;
            let process = started.processes.push_mut(process);
            let url = process
                .until("it served JSON-RPC", async |process| process.said("rpc "))
                .await?;
            started.urls.push(url);
            if first.is_none() {
                let peer = process.until("it named itself", async |process| process.said("peer "));
                first = Some(peer.await?);
            }
        }
        for (process, url) in started.processes.iter_mut().zip(&started.urls) {
            let rpc = Rpc::new(url)?;
            let is_moving = async |_: &Process| {
                let height: Option<String> = rpc.ask("eth_blockNumber", json!([])).await.ok();
                height.filter(|height| height != "0x0")
            };
            process.until("there were blocks", is_moving).await?;
        }
        Ok(started)
    }

    /// What is measured.
    pub fn target(&self) -> Target {
        Target {
            urls: self.urls.clone(),
            counts: Counts::Final,
            under_way: UNDER_WAY,
        }
    }

    /// The ids of the processes.
    pub fn processes(&self) -> Vec<u32> {
        self.processes.iter().map(Process::id).collect()
    }

    /// The end of what each said.
    pub fn words(&self) -> String {
        let all: Vec<String> = self.processes.iter().map(Process::words).collect();
        all.join("\n")
    }

    /// Stops them all; the first failure is reported after all were tried.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        for process in &mut self.processes {
            outcome = outcome.and(process.stop().await);
        }
        outcome
    }
}

/// Makes the keys of the validators, and the file of their chain.
fn draft(folders: &[PathBuf], chain: &Path, block_time: Duration, senders: &[Address]) -> anyhow::Result<()> {
    let mut validators = Vec::with_capacity(folders.len());
    for folder in folders {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        validators.push(FirstValidator {
            account: own_key(folder)?.address(),
            stake: wei(COINS),
        });
    }
    let draft = Draft {
        kind: ConsensusKind::Pos,
        chain_id: DEVELOPMENT_CHAIN_ID,
        timestamp: clock::now().seconds_floor(),
        block_time,
        epoch_blocks: EPOCH_BLOCKS,
        seats: SEATS,
        validators,
        coins: senders.iter().map(|sender| (*sender, wei(COINS))).collect(),
        faucet: true,
    };
    write_chain(chain, &draft.spec()).context("the chain was not written")
}

fn command(folder: &Path, chain: &Path, peer: Option<&str>) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let mut command = Command::new(program);
    command.args(["chain", "run", "--validate", "--with-parent"]);
    command.args(["--listen", "127.0.0.1:0", "--rpc-listen", "127.0.0.1:0"]);
    command.arg("--data-dir").arg(folder).arg("--genesis").arg(chain);
    if let Some(peer) = peer {
        command.args(["--peer", peer]);
    }
    Ok(command)
}
