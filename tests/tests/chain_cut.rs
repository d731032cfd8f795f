//! Nodes of a chain on machines of their own, whose cables are pulled and plugged in again. Who cannot be final alone waits, who
//! can goes on, and in the end all have one chain in which nothing final was taken back.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_model::{Address, U256, signed::AccountKey};
use rayswarm_tests::{
    Farm,
    keeper::{BlockSeen, Keeper},
    keepers::Keepers,
    lan::Lan,
    traffic::Transfers,
    until,
};
use serde_json::{Value, json};
use std::time::Duration;

/// Longest wait for what healing brings about. Miners share their cores with other tests.
const HEALED: Duration = Duration::from_secs(240);
/// Looks in which nothing may change until what was under way is taken to be over: as long as several blocks take.
const LOOKS: u32 = 10;

fn begin(farm: &Farm, lan: &Lan, consensus: &str, mining: &[u8], more: &[&str]) -> anyhow::Result<Keepers> {
    let nodes = if mining.is_empty() { 4 } else { mining.len() };
    let named = |number| Keeper::on(lan.machine(number)?, farm, &format!("{consensus}-{number}"));
    let nodes = (0..nodes).map(named).collect::<anyhow::Result<_>>()?;
    Keepers::begin(farm, consensus, nodes, mining, more)
}

/// A payer that has coins, by a node.
fn payer(keepers: &Keepers, by: usize, secret: u8) -> anyhow::Result<AccountKey> {
    let payer = AccountKey::from_bytes(&[secret; 32])?;
    keepers.give(by, payer.address())?;
    Ok(payer)
}

fn finals(keepers: &Keepers) -> anyhow::Result<Vec<BlockSeen>> {
    keepers.all.iter().map(Keeper::finalized).collect()
}

/// A number of JSON-RPC.
fn number(value: &Value) -> U256 {
    value.as_str().unwrap().parse().unwrap()
}

/// One of four is cut off and comes back, then two are cut off from two.
fn voters(farm: Option<Farm>, consensus: &str) -> anyhow::Result<()> {
    let Some(farm) = farm else { return Ok(()) };
    let Some(lan) = Lan::lay(4)? else { return Ok(()) };
    // An epoch so long that nobody is jailed for its absence.
    let keepers = begin(
        &farm,
        &lan,
        consensus,
        &[],
        &["--block-time", "200ms", "--epoch", "1000"],
    )?;
    keepers.wait_for_final(2)?;
    let payer = payer(&keepers, 0, 0x53)?;
    let mut seen = vec![keepers.all[3].finalized()?];

    lan.pull(3)?;
    let others = &keepers.doors()[..3];
    let transfers = Transfers::begin(payer, others.to_vec())?;
    let height = keepers.all[0].finalized()?.number;
    // What was under way to it when its cable was pulled is over by then.
    keepers.wait_for_final_of(&[0, 1, 2], height + 4)?;
    let alone = keepers.all[3].finalized()?;
    keepers.wait_for_final_of(&[0, 1, 2], height + 10)?;
    let sent = transfers.end()?;
    assert_eq!(keepers.all[3].finalized()?, alone, "one of four makes nothing final");
    seen.push(keepers.all[0].finalized()?);
    assert!(seen[1].number > alone.number);

    lan.plug(3)?;
    keepers.wait_for_final(seen[1].number)?;
    keepers.all_agree(&seen)?;
    for door in keepers.doors() {
        sent.are_kept_by(&door)?;
    }

    lan.part(&[2, 3])?;
    let (mut before, mut looks) = (Vec::new(), 0);
    let still = until("what was under way is over", HEALED, || {
        let now = finals(&keepers)?;
        looks = if now == before { looks + 1 } else { 0 };
        before.clone_from(&now);
        Ok((looks == LOOKS).then_some(now))
    })?;
    let waiting = keepers.all[0].ask("rayswarm_faucet", &json!([Address::repeat_byte(7)]))?;
    for keeper in &keepers.all {
        until("only one other is heard", HEALED, || {
            let peers = number(&keeper.ask("net_peerCount", &json!([]))?);
            Ok((peers == U256::ONE).then_some(()))
        })?;
    }
    assert_eq!(finals(&keepers)?, still, "two of four make nothing final");
    seen.extend(still);

    lan.join()?;
    let height = seen.iter().map(|block| block.number).max().unwrap() + 3;
    keepers.wait_for_final(height)?;
    keepers.all_agree(&seen)?;
    for keeper in &keepers.all {
        until("what waited is in a block", HEALED, || {
            let receipt = keeper.ask("eth_getTransactionReceipt", &json!([waiting]))?;
            Ok((receipt["status"] == "0x1").then_some(()))
        })?;
    }
    Ok(())
}

#[test]
fn validators_by_pos_are_cut_off_and_heal() -> anyhow::Result<()> {
    voters(Farm::find()?, "pos")
}

#[test]
fn delegates_by_dpos_are_cut_off_and_heal() -> anyhow::Result<()> {
    voters(Farm::long()?, "dpos")
}

/// The work of a node's blocks above a height.
fn work_above(keeper: &Keeper, height: u64) -> anyhow::Result<U256> {
    let mut work = U256::ZERO;
    for above in height + 1..=keeper.head()?.number {
        let block = keeper.ask("eth_getBlockByNumber", &json!([format!("{above:#x}"), false]))?;
        work += number(&block["difficulty"]);
    }
    Ok(work)
}

#[test]
fn a_miner_that_is_cut_off_comes_back_to_the_branch_with_the_most_work() -> anyhow::Result<()> {
    let Some(farm) = Farm::long()? else { return Ok(()) };
    let Some(lan) = Lan::lay(3)? else { return Ok(()) };
    let keepers = begin(&farm, &lan, "pow", &[30, 30, 10], &["--block-time", "1s"])?;
    let payers = [payer(&keepers, 0, 0x54)?, payer(&keepers, 0, 0x55)?];
    let lonely = &keepers.all[2];
    until("the cut-off one has the coins", HEALED, || {
        let balance = lonely.ask("eth_getBalance", &json!([payers[1].address(), "latest"]))?;
        Ok((number(&balance) > U256::ZERO).then_some(()))
    })?;
    keepers.wait_for_final(1)?;
    let seen = [lonely.finalized()?];

    lan.pull(2)?;
    let [payer, lonely_payer] = payers;
    let transfers = Transfers::begin(payer, keepers.doors()[..2].to_vec())?;
    let lonely_transfers = Transfers::begin(lonely_payer, keepers.doors()[2..].to_vec())?;
    let parted = lonely.head()?.number;
    let (own, best) = until("both branches grow, and one has more work", HEALED, || {
        let (own, head) = (lonely.head()?, keepers.all[0].head()?);
        // Some blocks ahead, so that neither what is on its way nor a branch of a block or two turns it round.
        if own.number < parted + 2 || head.number < own.number + 6 {
            return Ok(None);
        }
        let (base, best) = (seen[0].number, keepers.all[0].block_at(own.number + 1)?);
        let leads = work_above(&keepers.all[0], base)? > work_above(lonely, base)?;
        Ok(leads.then_some((own, best)))
    })?;
    assert_ne!(keepers.all[0].block_at(own.number)?, own, "there are two branches");

    lan.plug(2)?;
    until("all are on the branch with the most work", HEALED, || {
        let same = keepers.all.iter().map(|keeper| keeper.block_at(best.number).ok());
        Ok(same
            .into_iter()
            .all(|block| block.as_ref() == Some(&best))
            .then_some(()))
    })?;
    assert_ne!(lonely.block_at(own.number)?, own, "its own branch is given up");
    // What was in a block of the branch that was given up is in one of the other in the end.
    let (sent, lonely_sent) = (transfers.end()?, lonely_transfers.end()?);
    let height = lonely.head()?.number;
    keepers.wait_for_final(height)?;
    keepers.all_agree(&seen)?;
    for door in keepers.doors() {
        sent.are_kept_by(&door)?;
        lonely_sent.are_kept_by(&door)?;
    }
    Ok(())
}
