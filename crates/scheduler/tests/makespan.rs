//! How long jobs take in a small simulated world, against the bound no schedule can beat.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use rayswarm_scheduler::{Effect, Policy, objective::makespan_bound_ms};
use world::{Dice, Machine, World, plan};

const DAY: u64 = 86_400_000;

/// The bound for the true costs.
fn bound(world: &World, works: &[u64]) -> u64 {
    let total: u64 = if world.truth.is_empty() {
        works.iter().sum()
    } else {
        world.truth.values().sum()
    };
    let machines: Vec<(u64, u64)> = world.machines.values().map(|m| (m.speed, m.setup_ms)).collect();
    makespan_bound_ms(total, &machines).unwrap()
}

/// Two equal one-thread providers and 48 frames of 3 s: the benchmark the first release is held to.
#[test]
fn two_equal_providers_finish_together() {
    for seed in 0..20 {
        let works = [3000; 48];
        let mut world = World::new(
            plan(&works, 1),
            Policy::default(),
            vec![Machine::new(1, 1000), Machine::new(2, 1000)],
        );
        let mut dice = Dice::new(seed);
        for task in 0..48 {
            // Frames differ by a few per cent, and the plan does not know.
            world
                .truth
                .insert(rayswarm_model::TaskId(task), (3000.0 * dice.lognormal(0.03)) as u64);
        }
        // Steady state: the first tasks of known providers were audited long ago.
        world.audits = (0, 250, 50);
        let ideal = bound(&world, &works);
        let makespan = world.run(DAY).unwrap();
        world.assert_complete();
        let ratio = makespan as f64 / ideal as f64;
        assert!(
            ratio <= 1.03,
            "seed {seed}: {makespan} ms against {ideal} ms is {ratio:.3}"
        );
        let counts: Vec<u64> = world.farm.providers().iter().map(|node| node.verified).collect();
        assert!(counts[0].abs_diff(counts[1]) <= 1, "seed {seed}: {counts:?}");
    }
}

#[test]
fn a_slow_join_of_the_second_provider_is_made_up_for() {
    let works = [3000; 48];
    let mut world = World::new(plan(&works, 1), Policy::default(), vec![Machine::new(1, 1000)]);
    world.machines.insert(2, Machine::new(2, 1000));
    world.admit(2, 10_000);
    world.audits = (0, 250, 50);
    let makespan = world.run(DAY).unwrap();
    world.assert_complete();
    // Ten seconds alone, then 134 s of work for two, and one frame of unevenness.
    assert!(makespan <= 80_000, "{makespan}");
}

/// Ten providers of very different speed whose benchmarks and cost map lie.
#[test]
fn ten_lognormal_providers_stay_within_a_tenth_of_the_bound() {
    let mut worst: f64 = 0.0;
    let mut sum = 0.0;
    for seed in 0..10 {
        let mut dice = Dice::new(100 + seed);
        let machines: Vec<Machine> = (1..=10)
            .map(|name| {
                let speed = (1000.0 * dice.lognormal(0.8)) as u64;
                let benchmark = (speed as f64 * dice.lognormal(0.25)) as u64;
                Machine {
                    benchmark,
                    setup_ms: 4000,
                    rtt_ms: 20,
                    ..Machine::new(name, speed)
                }
            })
            .collect();
        let works = [20_000; 60];
        let mut world = World::new(plan(&works, 6), Policy::default(), machines);
        for task in 0..360 {
            world
                .truth
                .insert(rayswarm_model::TaskId(task), (20_000.0 * dice.lognormal(0.35)) as u64);
        }
        world.audits = (0, 250, 50);
        let ideal = bound(&world, &works);
        let makespan = world.run(DAY).unwrap();
        world.assert_complete();
        let ratio = makespan as f64 / ideal as f64;
        let waste = 1.0 - world.useful_ms as f64 / world.busy_ms as f64;
        println!("seed {seed}: {ratio:.3} of the bound, waste with audits {waste:.3}");
        worst = worst.max(ratio);
        sum += ratio;
    }
    assert!(sum / 10.0 <= 1.10, "mean {:.3}", sum / 10.0);
    assert!(worst <= 1.15, "worst {worst:.3}");
}

/// A provider a hundred times slower must neither hold up the end nor be given a frame it cannot finish in time.
#[test]
fn a_very_slow_provider_does_not_hold_up_the_end() {
    let works = [10_000; 40];
    let machines = vec![
        Machine::new(1, 1000),
        Machine::new(2, 1000),
        Machine {
            benchmark: 1000,
            ..Machine::new(3, 10)
        },
    ];
    let mut world = World::new(plan(&works, 1), Policy::default(), machines);
    let makespan = world.run(DAY).unwrap();
    world.assert_complete();
    let alone = 200_000;
    assert!(makespan <= alone * 108 / 100, "{makespan}");
}

#[test]
fn a_provider_that_hangs_costs_a_copy_and_not_the_job() {
    let works = [5000; 30];
    let machines = vec![
        Machine::new(1, 1000),
        Machine {
            hangs: true,
            ..Machine::new(2, 1000)
        },
        Machine::new(3, 1000),
    ];
    let mut world = World::new(plan(&works, 1), Policy::default(), machines);
    let makespan = world.run(DAY).unwrap();
    world.assert_complete();
    assert!(makespan <= 100_000, "{makespan}");
    let copied = world.effects.iter().any(|(_, effect)| {
        matches!(effect, Effect::Lease { tasks, .. }
        if tasks.iter().any(|grant| matches!(grant.reason, rayswarm_scheduler::Reason::Copied { .. })))
    });
    assert!(copied, "the hanging task was not copied");
}

/// Scenes that must be played in order stay with one provider.
#[test]
fn frames_in_order_stay_with_one_provider() {
    let mut plan = plan(&[2000; 30], 1);
    plan.sequential = true;
    let mut world = World::new(
        plan,
        Policy::default(),
        vec![Machine::new(1, 1000), Machine::new(2, 1000)],
    );
    world.audits = (0, 0, 50);
    world.run(DAY).unwrap();
    world.assert_complete();
    let mut last = None;
    for (_, effect) in &world.effects {
        if let Effect::Lease { node, tasks, .. } = effect {
            assert_eq!(node.as_bytes()[0], 1);
            for grant in tasks {
                assert!(
                    last.is_none_or(|last| grant.task > last),
                    "{last:?} before {}",
                    grant.task
                );
                last = Some(grant.task);
            }
        }
    }
}

/// Twenty thousand tasks on a hundred providers, near the bound; a quadratic step would show in the suite's time.
#[test]
fn many_tasks_are_dispatched_quickly() {
    let machines = (1..=100)
        .map(|name| Machine::new(name, 1000 + u64::from(name) * 10))
        .collect();
    let mut world = World::new(plan(&[10_000; 20_000], 1), Policy::default(), machines);
    let makespan = world.run(30 * DAY).unwrap();
    world.assert_complete();
    let ideal = bound(&world, &[10_000; 20_000]);
    assert!(makespan as f64 <= ideal as f64 * 1.05, "{makespan} against {ideal}");
}
