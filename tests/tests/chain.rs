//! Real processes keep a chain together: validators by pos and dpos, miners by pow. They are killed, one and all, while coins
//! move and jobs are paid; nothing final is lost, and all end with the same state.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_model::signed::AccountKey;
use rayswarm_tests::{
    Farm,
    keeper::Keeper,
    keepers::Keepers,
    traffic::{Settlements, Transfers},
};

/// Kills one and all while coins move and contracts are used; then lets a fresh node follow.
fn play(farm: Option<Farm>, consensus: &str, nodes: usize, mining: &[u8], more: &[&str]) -> anyhow::Result<()> {
    let Some(farm) = farm else { return Ok(()) };
    let named = |number| Keeper::new(&farm, &format!("{consensus}-{number}"));
    let nodes = (0..nodes).map(named).collect::<anyhow::Result<_>>()?;
    let mut keepers = Keepers::begin(&farm, consensus, nodes, mining, more)?;
    keepers.wait_for_final(2)?;
    let mut seen = vec![keepers.all[0].finalized()?];
    let payer = AccountKey::from_bytes(&[0x50; 32])?;
    keepers.give(0, payer.address())?;
    let settlements = Settlements::begin(keepers.doors())?;
    let transfers = Transfers::begin(payer, keepers.doors())?;

    // One is killed, the others go on, and it catches up.
    keepers.all[1].kill()?;
    let height = keepers.all[0].head()?.number + 2;
    keepers.wait_for_head_of(0, height)?;
    keepers.all[1].start_again()?;
    keepers.wait_for_final(height)?;
    seen.push(keepers.all[1].finalized()?);

    // All are killed, again and again.
    for round in 0..2 {
        for keeper in &mut keepers.all {
            keeper.kill()?;
        }
        for keeper in &mut keepers.all {
            keeper.spawn()?;
        }
        let height = seen.last().map_or(0, |block| block.number) + 2;
        keepers.wait_for_final(height)?;
        seen.push(keepers.all[round].finalized()?);
    }
    let (sent, settled) = (transfers.end()?, settlements.end()?);

    // A node that was never there gets everything.
    let peer = keepers.all[0].peer()?;
    let mut fresh = Keeper::new(&farm, &format!("{consensus}-fresh"))?;
    fresh.start(&["--genesis", &keepers.genesis, "--peer", &peer])?;
    keepers.all.push(fresh);
    let height = keepers.all[0].finalized()?.number;
    keepers.wait_for_final(height)?;
    keepers.all_agree(&seen)?;
    for door in keepers.doors() {
        sent.are_kept_by(&door)?;
        settled.are_kept_by(&door)?;
    }
    Ok(())
}

#[test]
fn four_validators_by_pos_are_killed_one_and_all_and_nothing_final_is_lost() -> anyhow::Result<()> {
    play(
        Farm::find()?,
        "pos",
        4,
        &[],
        &["--block-time", "200ms", "--epoch", "20"],
    )
}

#[test]
fn four_delegates_by_dpos_are_killed_one_and_all_and_nothing_final_is_lost() -> anyhow::Result<()> {
    play(
        Farm::long()?,
        "dpos",
        4,
        &[],
        &["--block-time", "200ms", "--epoch", "20"],
    )
}

#[test]
fn three_miners_by_pow_are_killed_one_and_all_and_nothing_final_is_lost() -> anyhow::Result<()> {
    play(Farm::long()?, "pow", 3, &[30; 3], &["--block-time", "1s"])
}
