//! Worlds of validators. `RAYSWARM_SEEDS=1000` runs the long profile, `RAYSWARM_SEED=n` repeats one world.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use rayswarm_simulation::bft::{Power, Report, run};
use std::time::Instant;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|value| value.parse().unwrap())
}

fn worlds(power: Power) -> Vec<Report> {
    let seeds = match number("RAYSWARM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("RAYSWARM_SEEDS").unwrap_or(30),
    };
    let began = Instant::now();
    let reports: Vec<Report> = seeds
        .map(|seed| match run(seed, power) {
            Ok(report) => report,
            Err(broken) => panic!("seed {seed}, {power:?}: {broken}; repeat it with RAYSWARM_SEED={seed}"),
        })
        .collect();
    let sum = |count: &dyn Fn(&Report) -> u64| reports.iter().map(count).sum::<u64>();
    println!(
        "{power:?}: {} worlds in {:?}: {} heights, {} crashes, {} logs replayed, {} blocks fetched, {} refused, {} of late \
         rounds, {} cheats of whom {} were accused, slowest recovery {} ms, {} events",
        reports.len(),
        began.elapsed(),
        sum(&|report| report.height),
        sum(&|report| report.crashes.into()),
        sum(&|report| report.replays.into()),
        sum(&|report| report.fetched.into()),
        sum(&|report| report.refused.into()),
        sum(&|report| report.late_rounds.into()),
        sum(&|report| report.cheats.len() as u64),
        sum(&|report| report.accused.len() as u64),
        reports
            .iter()
            .map(|report| report.recovery_millis)
            .max()
            .unwrap_or_default(),
        sum(&|report| report.events),
    );
    reports
}

/// A world without faults proves nothing.
fn expect_faults(reports: &[Report]) {
    if reports.len() < 30 {
        return;
    }
    let count = |is: &dyn Fn(&Report) -> bool| reports.iter().filter(|report| is(report)).count();
    assert!(count(&|report| report.replays > 0) > 5, "logs are replayed");
    assert!(count(&|report| report.fetched > 0) > 5, "blocks are fetched");
    assert!(count(&|report| report.refused > 0) > 1, "false blocks are refused");
    assert!(count(&|report| report.late_rounds > 0) > 5, "rounds fail");
    assert!(
        count(&|report| !report.accused.is_empty()) > 5,
        "equivocators are caught"
    );
}

#[test]
fn validators_by_stake_agree_and_get_on() {
    expect_faults(&worlds(Power::Stake));
}

#[test]
fn validators_by_election_agree_and_get_on() {
    expect_faults(&worlds(Power::Election));
}

#[test]
fn the_same_seed_gives_the_same_world() {
    for power in [Power::Stake, Power::Election] {
        assert_eq!(run(7, power), run(7, power));
    }
}
