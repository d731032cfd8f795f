//! The journal is the farm: events written down, read back and stepped through again give the same farm and the same
//! effects, to the byte.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use rayswarm_model::{AttemptId, UnixMillis};
use rayswarm_scheduler::{AttemptState, Effect, Event, Farm, Policy, Purpose, step};
use world::{Machine, World, plan};

/// A busy world: failures, cheats, a restart, repeated messages.
fn busy() -> (World, rayswarm_model::Plan, Policy) {
    let plan = plan(&[4000; 40], 2);
    let machines = vec![
        Machine::new(1, 1000),
        Machine {
            fails_permille: 30,
            ..Machine::new(2, 1700)
        },
        Machine {
            cheats: true,
            ..Machine::new(3, 900)
        },
        Machine {
            class: 7,
            ..Machine::new(4, 1100)
        },
        Machine {
            own_auditor: true,
            ..Machine::new(9, 1000)
        },
    ];
    let policy = Policy {
        failures_max: 6,
        ..Policy::default()
    };
    let mut world = World::new(plan.clone(), policy.clone(), machines);
    world.stutter = true;
    world.kill_at(20_000, 2);
    world.start_at(26_000, 2);
    world.restart_at(40_000);
    world.run(86_400_000).unwrap();
    world.assert_complete();
    (world, plan, policy)
}

#[test]
fn a_written_journal_replays_to_the_same_farm_and_effects() {
    let (world, plan, policy) = busy();
    let lines: Vec<String> = world
        .journal
        .iter()
        .map(|entry| serde_json::to_string(entry).unwrap())
        .collect();
    let mut farm = Farm::new(&plan, policy).unwrap();
    let mut effects: Vec<Effect> = Vec::new();
    for line in lines {
        let (time, event): (u64, Event) = serde_json::from_str(&line).unwrap();
        effects.extend(step(&mut farm, event, UnixMillis(time)));
    }
    assert_eq!(farm, world.farm);
    assert!(effects.iter().eq(world.effects.iter().map(|(_, effect)| effect)));
}

#[test]
fn a_snapshot_stands_for_the_journal_before_it() {
    let (world, plan, policy) = busy();
    let mut farm = Farm::new(&plan, policy).unwrap();
    for (index, (time, event)) in world.journal.iter().enumerate() {
        step(&mut farm, event.clone(), UnixMillis(*time));
        if index % 97 == 0 {
            let snapshot = serde_json::to_string(&farm).unwrap();
            farm = serde_json::from_str(&snapshot).unwrap();
        }
    }
    assert_eq!(farm, world.farm);
}

#[test]
fn effects_survive_being_written_down() {
    let (world, _, _) = busy();
    for (_, effect) in &world.effects {
        let json = serde_json::to_string(effect).unwrap();
        assert_eq!(&serde_json::from_str::<Effect>(&json).unwrap(), effect);
    }
}

#[test]
fn a_restart_asks_again_for_what_was_never_answered() {
    let (world, plan, policy) = busy();
    let mut farm = Farm::new(&plan, policy).unwrap();
    let (mut draws, mut judgements, mut ends) = (0, 0, 0);
    for (time, event) in &world.journal {
        step(&mut farm, event.clone(), UnixMillis(*time));
        // Killed right here: the effects of this step and of those before it may have been lost.
        let again = step(&mut farm.clone(), Event::RequestorRestarted, UnixMillis(*time));
        let attempts = (0..).map_while(|id| farm.attempt(AttemptId(id)));
        for open in attempts.filter(|attempt| attempt.state == AttemptState::Delivered) {
            let asked = again.iter().any(|effect| match effect {
                Effect::DrawAudit { attempt, .. } => *attempt == open.id && open.purpose == Purpose::Render,
                Effect::JudgeAudit { attempt, of, .. } => {
                    *attempt == open.id && matches!(open.purpose, Purpose::Audit { of: wanted, .. } if wanted == *of)
                }
                _ => false,
            });
            assert!(asked, "nobody asks about {open} after {event:?}");
            draws += u32::from(open.purpose == Purpose::Render);
            judgements += u32::from(open.purpose != Purpose::Render);
        }
        let ended = again.iter().any(|effect| matches!(effect, Effect::JobComplete { .. }));
        assert_eq!(ended, farm.is_over(), "after {event:?}");
        ends += u32::from(ended);
    }
    assert!(draws > 0 && judgements > 0 && ends > 0, "{draws} {judgements} {ends}");
}
