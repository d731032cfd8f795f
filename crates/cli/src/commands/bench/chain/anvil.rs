//! The chain that ours is compared with: Foundry's anvil, a development chain in memory.

use super::{process::Process, validators};
use crate::exit::Missing;
use anyhow::Context;
use rayswarm_model::Address;
use rayswarm_node::{
    bench_chain::{BATCH, CONNECTIONS, Counts, Rpc, Target},
    chain::{DEVELOPMENT_CHAIN_ID, development_genesis},
    local::find_program,
};
use serde_json::json;
use std::{
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::Command,
};

/// Where the contracts' npm packages of a checkout have it.
const PACKAGE: &str = "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
/// What each sender has, in wei: a million coins.
const BALANCE: &str = "0xd3c21bcecceda1000000";

/// When it makes blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mining {
    /// As soon as transactions come, which is its default.
    AtOnce,
    /// Once a second.
    EverySecond,
}

impl Mining {
    /// Both.
    pub const ALL: [Self; 2] = [Self::AtOnce, Self::EverySecond];

    /// For a folder.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AtOnce => "anvil-at-once",
            Self::EverySecond => "anvil-every-second",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AtOnce => "blocks at once (its default)",
            Self::EverySecond => "--block-time 1",
        }
    }

    /// Transfers under way. With thousands of them anvil 1.7.1 stood still in its default way: no block, one core busy, all
    /// transfers pending. There each connection has one batch under way.
    pub const fn under_way(self) -> usize {
        match self {
            Self::AtOnce => BATCH * CONNECTIONS,
            Self::EverySecond => validators::UNDER_WAY,
        }
    }

    const fn options(self) -> &'static [&'static str] {
        match self {
            Self::AtOnce => &[],
            Self::EverySecond => &["--block-time", "1"],
        }
    }
}

/// The program: as typed, on PATH, or among the npm packages of a checkout from here upwards.
pub fn find(typed: Option<&Path>) -> anyhow::Result<Option<PathBuf>> {
    if let Some(typed) = typed {
        if typed.is_file() {
            return Ok(Some(typed.to_path_buf()));
        }
        return Err(Missing(format!("there is no anvil at {}", typed.display())).into());
    }
    let here = std::env::current_dir().context("the current folder is unknown")?;
    let packaged = || {
        here.ancestors()
            .map(|folder| folder.join(PACKAGE))
            .find(|program| program.is_file())
    };
    Ok(find_program("anvil").or_else(packaged))
}

/// A running anvil.
pub struct Anvil {
    process: Process,
    url: String,
    mining: Mining,
}

impl Anvil {
    /// Starts one with the limits of our chains, on which the senders have coins. What it keeps on disk is in `folder`.
    pub async fn start(program: &Path, folder: &Path, mining: Mining, senders: &[Address]) -> anyhow::Result<Self> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        // One that was free a moment ago: it does not say which one it took unless it tells of every call as well.
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let gas_limit = development_genesis(DEVELOPMENT_CHAIN_ID, 0).gas_limit;
        let mut command = Command::new(program);
        command.args(["--quiet", "--host", "127.0.0.1"]).args(mining.options());
        command.arg("--port").arg(port.to_string());
        command.arg("--chain-id").arg(DEVELOPMENT_CHAIN_ID.to_string());
        command.arg("--gas-limit").arg(gas_limit.to_string());
        command.arg("--cache-path").arg(folder.join("cache"));
        let mut process = Process::start(command, &folder.join("log"))?;
        let url = format!("http://127.0.0.1:{port}");
        let rpc = Rpc::new(&url)?;
        let answers = async |_: &Process| rpc.ask::<String>("eth_chainId", json!([])).await.ok();
        process.until("it answered", answers).await?;
        let balances: Vec<_> = senders.iter().map(|sender| json!([sender, BALANCE])).collect();
        rpc.ask_each::<()>("anvil_setBalance", &balances).await?;
        Ok(Self { process, url, mining })
    }

    /// What is measured. Nothing is ever final on a chain of one's own wish, so a transfer counts when it is in a block.
    pub fn target(&self) -> Target {
        Target {
            urls: vec![self.url.clone()],
            counts: Counts::Mined,
            under_way: self.mining.under_way(),
        }
    }

    /// The id of the process.
    pub fn process(&self) -> u32 {
        self.process.id()
    }

    /// The end of what it said.
    pub fn words(&self) -> String {
        self.process.words()
    }

    /// Stops it.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        self.process.stop().await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn an_anvil_that_was_named_must_be_there() {
        let error = find(Some(Path::new("/nowhere/anvil"))).unwrap_err();
        assert!(
            error.is::<Missing>() && error.to_string().contains("/nowhere/anvil"),
            "{error}"
        );
        let here = std::env::current_exe().unwrap();
        assert_eq!(find(Some(&here)).unwrap(), Some(here));
    }
}
