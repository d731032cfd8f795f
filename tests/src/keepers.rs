//! Nodes that keep one chain together, each a process of its own.

use crate::{
    Farm,
    keeper::{BlockSeen, Door, Keeper},
    until,
};
use anyhow::{Context, ensure};
use rayswarm_model::Address;
use serde_json::json;
use std::time::Duration;

/// Longest wait for blocks. Miners share their cores with other tests.
const BLOCKS: Duration = Duration::from_secs(240);

/// All nodes of a chain.
pub struct Keepers {
    /// The nodes, in the order in which they were started first.
    pub all: Vec<Keeper>,
    /// The file of the chain.
    pub genesis: String,
}

impl Keepers {
    /// Makes a chain and starts its nodes, which have not started before: validators, or by pow miners with as many percent of a
    /// core as `mining` says of each.
    ///
    /// # Errors
    /// When one does not start.
    pub fn begin(
        farm: &Farm,
        consensus: &str,
        nodes: Vec<Keeper>,
        mining: &[u8],
        more: &[&str],
    ) -> anyhow::Result<Self> {
        let accounts: Vec<String> = nodes
            .iter()
            .map(|keeper| Ok(keeper.account()?.to_string()))
            .collect::<anyhow::Result<_>>()?;
        let genesis = farm.scratch().join(format!("{consensus}.json")).display().to_string();
        let validators = accounts.join(",");
        let mut init = vec![
            "chain",
            "init",
            "--consensus",
            consensus,
            "--out",
            &genesis,
            "--faucet",
            "--json",
        ];
        if mining.is_empty() {
            init.extend(["--validators", &validators]);
        }
        init.extend(more);
        let made = farm.run(init)?;
        ensure!(made.code == 0, "{made:?}");
        let mut keepers = Self { all: nodes, genesis };
        for number in 0..keepers.all.len() {
            keepers.start(number, mining.get(number).copied())?;
        }
        Ok(keepers)
    }

    fn start(&mut self, number: usize, mining: Option<u8>) -> anyhow::Result<()> {
        let peers: Vec<String> = self.all[..number]
            .iter()
            .map(Keeper::peer)
            .collect::<anyhow::Result<_>>()?;
        let percent = mining.map(|percent| percent.to_string());
        let mut options = vec!["--genesis", &self.genesis];
        match &percent {
            Some(percent) => options.extend(["--mine", "1", "--mine-percent", percent]),
            None => options.push("--validate"),
        }
        for peer in &peers {
            options.extend(["--peer", peer]);
        }
        self.all[number].start(&options)
    }

    /// Where they all are asked.
    pub fn doors(&self) -> Vec<Door> {
        self.all.iter().map(|keeper| keeper.door().clone()).collect()
    }

    /// Waits until every node has a final block at least this high.
    ///
    /// # Errors
    /// When one does not get it; the end of its log is in the message.
    pub fn wait_for_final(&self, number: u64) -> anyhow::Result<()> {
        let everybody: Vec<usize> = (0..self.all.len()).collect();
        self.wait_for_final_of(&everybody, number)
    }

    /// The same for some of them.
    ///
    /// # Errors
    /// As [`Keepers::wait_for_final`].
    pub fn wait_for_final_of(&self, some: &[usize], number: u64) -> anyhow::Result<()> {
        for keeper in some.iter().map(|index| &self.all[*index]) {
            until("a block becomes final", BLOCKS, || {
                Ok(keeper.finalized().ok().filter(|block| block.number >= number))
            })
            .with_context(|| keeper.log_end())?;
        }
        Ok(())
    }

    /// Waits until a node's chain is this high.
    ///
    /// # Errors
    /// When it does not get there; the end of its log is in the message.
    pub fn wait_for_head_of(&self, index: usize, number: u64) -> anyhow::Result<()> {
        let keeper = &self.all[index];
        until("the chain grows", BLOCKS, || {
            Ok(keeper.head().ok().filter(|block| block.number >= number).map(drop))
        })
        .with_context(|| keeper.log_end())
    }

    /// Gives coins to a new account by a node, and waits until it has them.
    ///
    /// # Errors
    /// When it does not get them.
    pub fn give(&self, by: usize, to: Address) -> anyhow::Result<()> {
        let keeper = &self.all[by];
        let hash = keeper.ask("rayswarm_faucet", &json!([to]))?;
        until("the faucet's transfer is in a block", BLOCKS, || {
            let receipt = keeper.ask("eth_getTransactionReceipt", &json!([hash]))?;
            Ok((!receipt.is_null()).then_some(()))
        })
        .with_context(|| keeper.log_end())
    }

    /// Every node has the same final blocks and state, and those seen before are still there. Gives the height up to which.
    ///
    /// # Errors
    /// Names the block that is another one.
    pub fn all_agree(&self, seen: &[BlockSeen]) -> anyhow::Result<u64> {
        let finals: Vec<BlockSeen> = self.all.iter().map(Keeper::finalized).collect::<anyhow::Result<_>>()?;
        let lowest = finals.iter().map(|block| block.number).min().context("a node")?;
        let last = self.all[0].block_at(lowest)?;
        for keeper in &self.all {
            for expected in seen.iter().chain([&last]) {
                let kept = keeper.block_at(expected.number)?;
                ensure!(kept == *expected, "{}: {kept:?} is not {expected:?}", keeper.rpc_url());
            }
        }
        Ok(lowest)
    }
}
