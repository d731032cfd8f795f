//! Real processes keep a chain together: validators by pos and dpos, miners by pow. They are killed, one and all, while coins
//! move; nothing final is lost, and all end with the same state.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Context;
use rayswarm_model::{Address, Amount};
use rayswarm_settlement::{Settlement, ask_faucet, keystore};
use rayswarm_tests::{
    Farm,
    keeper::{BlockSeen, Keeper},
    until,
};
use serde_json::json;
use std::{path::Path, time::Duration};
use tokio::runtime::Runtime;

/// Longest wait for blocks. Miners share their cores with other tests.
const BLOCKS: Duration = Duration::from_secs(240);

struct World<'a> {
    farm: &'a Farm,
    keepers: Vec<Keeper>,
    genesis: String,
    runtime: Runtime,
}

impl<'a> World<'a> {
    /// Makes a chain and starts its nodes.
    fn new(farm: &'a Farm, consensus: &str, nodes: usize, more: &[&str]) -> anyhow::Result<Self> {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let names = (0..nodes).map(|number| format!("{consensus}-{number}"));
        let keepers: Vec<Keeper> = names
            .map(|name| Keeper::new(farm, &name))
            .collect::<anyhow::Result<_>>()?;
        let accounts: Vec<String> = keepers
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
        if consensus != "pow" {
            init.extend(["--validators", &validators]);
        }
        init.extend(more);
        let made = farm.run(init)?;
        assert_eq!(made.code, 0, "{made:?}");
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let mut world = Self {
            farm,
            keepers,
            genesis,
            runtime,
        };
        for number in 0..nodes {
            world.start(number, consensus)?;
        }
        Ok(world)
    }

    fn start(&mut self, number: usize, consensus: &str) -> anyhow::Result<()> {
        let peers: Vec<String> = self.keepers[..number]
            .iter()
            .map(Keeper::peer)
            .collect::<anyhow::Result<_>>()?;
        let mut options = vec!["--genesis", &self.genesis];
        if consensus == "pow" {
            options.extend(["--mine", "1", "--mine-percent", "30"]);
        } else {
            options.push("--validate");
        }
        for peer in &peers {
            options.extend(["--peer", peer]);
        }
        self.keepers[number].start(&options)
    }

    /// Waits until every node has a final block at least this high.
    fn wait_for_final(&self, number: u64) -> anyhow::Result<()> {
        for keeper in &self.keepers {
            until("a block becomes final", BLOCKS, || {
                Ok(keeper.finalized().ok().filter(|block| block.number >= number))
            })
            .with_context(|| keeper.log_end())?;
        }
        Ok(())
    }

    /// Gives coins to a new account by a node, and waits until it has them.
    fn give(&self, by: usize, to: Address) -> anyhow::Result<()> {
        let keeper = &self.keepers[by];
        self.runtime
            .block_on(ask_faucet(&keeper.rpc_url(), to))
            .with_context(|| keeper.log_end())
    }

    /// Every node has the same final blocks, and those seen before are still there.
    fn all_agree(&self, seen: &[BlockSeen]) -> anyhow::Result<u64> {
        let finals: Vec<BlockSeen> = self
            .keepers
            .iter()
            .map(Keeper::finalized)
            .collect::<anyhow::Result<_>>()?;
        let lowest = finals.iter().map(|block| block.number).min().context("a node")?;
        let expected = self.keepers[0].block_at(lowest)?;
        for keeper in &self.keepers {
            assert_eq!(keeper.block_at(lowest)?, expected, "block {lowest} of each node");
            for block in seen {
                assert_eq!(keeper.block_at(block.number)?, *block, "what was final stays");
            }
        }
        Ok(lowest)
    }
}

fn account(number: u8) -> Address {
    Address::repeat_byte(number)
}

/// Kills one and all while coins move and contracts are used; then lets a fresh node follow.
fn play(farm: Option<Farm>, consensus: &str, nodes: usize, more: &[&str]) -> anyhow::Result<()> {
    let Some(farm) = farm else { return Ok(()) };
    let mut world = World::new(&farm, consensus, nodes, more)?;
    world.wait_for_final(2)?;
    let mut seen = vec![world.keepers[0].finalized()?];
    world.give(0, account(1))?;
    let settlement = settle(&world)?;

    // One is killed, the others go on, and it catches up.
    world.keepers[1].kill()?;
    world.give(0, account(2))?;
    let height = world.keepers[0].head()?.number;
    world.keepers[1].start_again()?;
    world.wait_for_final(height)?;
    seen.push(world.keepers[1].finalized()?);

    // All are killed, again and again.
    for round in 0..2 {
        world.give(round, account(3 + round as u8))?;
        for keeper in &mut world.keepers {
            keeper.kill()?;
        }
        for keeper in &mut world.keepers {
            keeper.spawn()?;
        }
        let height = seen.last().map_or(0, |block| block.number) + 2;
        world.wait_for_final(height)?;
        seen.push(world.keepers[round].finalized()?);
    }
    assert_eq!(
        world.runtime.block_on(settlement.token_balance(settlement.account()))?,
        TOKENS
    );

    // A node that was never there gets everything.
    let peers = world.keepers[0].peer()?;
    let mut fresh = Keeper::new(&farm, &format!("{consensus}-fresh"))?;
    fresh.start(&["--genesis", &world.genesis, "--peer", &peers])?;
    world.keepers.push(fresh);
    let height = world.keepers[0].finalized()?.number;
    world.wait_for_final(height)?;
    world.all_agree(&seen)?;
    for number in 1..=4 {
        for keeper in &world.keepers {
            let balance = keeper.ask("eth_getBalance", &json!([account(number).to_string(), "latest"]))?;
            assert_ne!(balance, "0x0", "account {number} has its coins on every node");
        }
    }
    Ok(())
}

/// What the settling account has in the end.
const TOKENS: Amount = Amount(1_000);

/// Deploys the contracts by one node and mints tokens.
fn settle(world: &World<'_>) -> anyhow::Result<Settlement> {
    let folder = world.farm.scratch().join("settler");
    std::fs::create_dir_all(&folder)?;
    let key = keystore::load_or_create(Path::new(&folder), None)?;
    world.give(0, key.address())?;
    let rpc = world.keepers[0].rpc_url();
    Ok(world.runtime.block_on(async {
        let contracts = Settlement::deploy(&rpc, key.clone()).await?;
        let settlement = Settlement::connect(&rpc, key, contracts).await?;
        settlement.mint_dev_tokens(settlement.account(), TOKENS).await?;
        Ok::<_, rayswarm_settlement::SettlementError>(settlement)
    })?)
}

#[test]
fn four_validators_by_pos_are_killed_one_and_all_and_nothing_final_is_lost() -> anyhow::Result<()> {
    play(Farm::find()?, "pos", 4, &["--block-time", "200ms", "--epoch", "20"])
}

#[test]
fn four_delegates_by_dpos_are_killed_one_and_all_and_nothing_final_is_lost() -> anyhow::Result<()> {
    play(Farm::long()?, "dpos", 4, &["--block-time", "200ms", "--epoch", "20"])
}

#[test]
fn three_miners_by_pow_are_killed_one_and_all_and_nothing_final_is_lost() -> anyhow::Result<()> {
    play(Farm::find()?, "pow", 3, &["--block-time", "1s"])
}
