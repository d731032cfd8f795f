//! Loss, delay, wrong clocks, a partition, crashes: what was final stays, and after all is well again nodes agree and go on.

use rayswarm_consensus::SealError;
use rayswarm_simulation::pow::{
    Faults, Violation, World,
    chain::Record,
    faults::{BLOCK, CONFIRMATIONS},
    world::Incident,
};

/// How long nodes may take to agree after the heal: with a fork of equal work it takes the next block, and a few of those may
/// be forks again.
const AGREE: u64 = 40 * BLOCK;
/// How long until the highest block of the heal is final everywhere: as many blocks as it takes confirmations, with as much again
/// for chance, and for the difficulty, which the smaller sides of the partition have not lowered for long.
const ADVANCE: u64 = 4 * BLOCK * CONFIRMATIONS as u64;

/// What one run showed.
struct Run {
    final_at_heal: u64,
    branches: u64,
    agreed_after: u64,
}

fn run(seed: u64) -> Result<Run, String> {
    let faults = Faults::draw(seed);
    let healed = faults.healed;
    let said = |violation: Violation| format!("{violation:?}");
    let mut world = faults.world(seed).map_err(said)?;
    world.run_until(healed, |_| false).map_err(said)?;
    let height = world.height();
    let final_at_heal = world.finals().keys().next_back().copied().unwrap_or_default();
    // The incidents of that very moment come first.
    world.run_until(healed + 1, |_| false).map_err(said)?;

    let agrees = world.run_until(healed + AGREE, |world| world.agrees()).map_err(said)?;
    if !agrees {
        return Err(format!("no agreement {AGREE} ms after the heal at {healed}"));
    }
    let agreed_after = world.elapsed() - healed;

    let is_final = |world: &World| world.nodes().iter().all(|node| node.final_number() > height);
    if !world.run_until(healed + ADVANCE, is_final).map_err(said)? {
        let finals: Vec<_> = world.nodes().iter().map(|node| node.final_number()).collect();
        return Err(format!(
            "block {height} of the heal is not final everywhere: {finals:?}"
        ));
    }
    for (index, node) in world.nodes().iter().enumerate() {
        let mut chain = node.store().chain(node.store().last_final());
        let strays = |record: &&Record| {
            let (number, hash) = (record.header.number, record.header.hash);
            number > 0 && world.finals().get(&number) != Some(&hash)
        };
        if let Some(stray) = chain.find(strays) {
            return Err(format!("node {index} has another final block {}", stray.header.number));
        }
    }
    let stored = world
        .nodes()
        .iter()
        .map(|node| node.store().blocks())
        .max()
        .unwrap_or_default();
    Ok(Run {
        final_at_heal,
        branches: stored as u64 - 1 - world.height(),
        agreed_after,
    })
}

#[test]
fn nodes_agree_after_a_partition_and_nothing_final_is_reverted() {
    let mut runs = Vec::new();
    for seed in super::seeds() {
        let run = run(seed).unwrap_or_else(|failure| panic!("RAYSWARM_SEED={seed}: {failure}"));
        runs.push(run);
    }
    let branches: u64 = runs.iter().map(|run| run.branches).sum();
    let slowest = runs.iter().map(|run| run.agreed_after).max().unwrap();
    let finals = runs.iter().filter(|run| run.final_at_heal > 0).count();
    println!(
        "{} seeds: {branches} blocks off the best chain; agreed within {slowest} ms of the heal; {finals} had final blocks before it",
        runs.len()
    );
    // A world in which nothing goes wrong shows nothing.
    assert!(branches as usize > runs.len(), "{branches} blocks off the best chain");
    if runs.len() >= 20 {
        assert!(finals * 2 > runs.len(), "{finals} runs had final blocks at the heal");
    }
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let history = || {
        let mut world = Faults::draw(7).world(7).unwrap();
        world.run_until(60 * BLOCK, |_| false).unwrap();
        let heads: Vec<_> = world.nodes().iter().map(|node| node.head().cloned()).collect();
        (heads, world.finals().clone())
    };
    assert_eq!(history(), history());
}

/// Confirmations hold as long as they are chosen for: a partition that outlasts them makes two chains, and both sides say so.
#[test]
fn a_partition_longer_than_the_confirmations_is_reported_not_reorganised() {
    let mut faults = Faults::draw(3);
    let count = faults.setup.rates.len();
    let halves: Vec<u8> = (0..count).map(|node| u8::from(node * 2 < count)).collect();
    faults.setup.rates.fill(1.0);
    faults.setup.rules.confirmations = 4.try_into().unwrap();
    faults.incidents = vec![(10 * BLOCK, Incident::Split(halves)), (60 * BLOCK, Incident::Heal)];
    let mut world = faults.world(3).unwrap();
    let violation = world.run_until(120 * BLOCK, |_| false).unwrap_err();
    // Either side has final blocks that the other has not: seen by the world when the second makes its own, ...
    assert!(matches!(violation, Violation::FinalDiffers { .. }), "{violation:?}");
    // ... and by the nodes when they meet.
    let violation = loop {
        match world.run_until(120 * BLOCK, |_| false) {
            Err(Violation::FinalDiffers { .. }) => {}
            other => break other.unwrap_err(),
        }
    };
    let is_below_final = |violation: &Violation| match violation {
        Violation::Refused { reason, .. } => matches!(reason, SealError::BelowFinal { .. }),
        _ => false,
    };
    assert!(is_below_final(&violation), "{violation:?}");
    assert!(world.elapsed() >= 60 * BLOCK, "after the heal");
}
