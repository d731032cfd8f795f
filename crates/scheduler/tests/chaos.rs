//! Providers come, go, fail, cheat and hang; messages come twice; the requestor is killed. Whatever happens, nobody is paid
//! twice, no task is lost, sums are exact, and the job ends complete while one honest provider stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use proptest::prelude::*;
use rayswarm_model::{
    Amount, AttemptId, Bytes, CpuTime, FailureKind, NodeId, Rect, TaskId, UnixMillis, Work, WorkPrice,
};
use rayswarm_scheduler::{
    AttemptState, AuditVerdict, Departure, Effect, Event, Farm, Phase, Policy, Purpose, ReceiptSummary, step,
};
use std::collections::BTreeSet;
use world::{Machine, START, World, plan};

const DAY: u64 = 86_400_000;

#[derive(Clone, Debug)]
struct Trouble {
    kills: Vec<(u64, u8, u64)>,
    restarts: Vec<u64>,
    cheats: bool,
    slanders: bool,
    hangs: bool,
    fails_permille: u64,
    seed: u64,
}

fn trouble() -> impl Strategy<Value = Trouble> {
    let kills = proptest::collection::vec((0u64..200_000, 2u8..6, 1u64..60_000), 0..12);
    let restarts = proptest::collection::vec(0u64..200_000, 0..3);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>(), 0u64..30);
    (kills, restarts, flags, any::<u64>()).prop_map(
        |(kills, restarts, (cheats, slanders, hangs, fails_permille), seed)| Trouble {
            kills,
            restarts,
            cheats,
            slanders,
            hangs,
            fails_permille,
            seed,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_honest_provider_is_enough(trouble in trouble()) {
        let mut machines = vec![
            Machine::new(1, 1000),
            Machine { fails_permille: trouble.fails_permille, ..Machine::new(2, 1500) },
            Machine { cheats: trouble.cheats, ..Machine::new(3, 2000) },
            Machine { slanders: trouble.slanders, ..Machine::new(4, 700) },
            Machine { hangs: trouble.hangs, ..Machine::new(5, 900) },
        ];
        // The requestor's own machine audits when nobody else can, as the node arranges.
        machines.push(Machine { own_auditor: true, ..Machine::new(9, 1000) });
        let works: Vec<u64> = (0..50).map(|frame| 2000 + 100 * frame).collect();
        let total: u64 = works.iter().sum();
        let price_cap = WorkPrice { per_wu_hour: Amount(3_600_000) };
        let budget = price_cap.of_floor(Work { milli_wu: total * 102 / 100 });
        let policy = Policy { price_cap, budget: Some(budget), failures_max: 8, ..Policy::default() };
        let mut world = World::new(plan(&works, 1), policy, machines);
        world.dice = world::Dice::new(trouble.seed);
        world.stutter = true;
        for (at, name, away) in &trouble.kills {
            world.kill_at(*at, *name);
            world.start_at(at + away, *name);
        }
        for at in &trouble.restarts {
            world.restart_at(*at);
        }
        prop_assert!(world.run(DAY).is_some(), "not over after a day: {:?}", world.farm.phase());
        world.assert_complete();
        prop_assert!(world.farm.paid() <= budget);
        // No cheat was paid for a task of which an audit was drawn and judged by an honest auditor.
        let rejected: BTreeSet<AttemptId> = world.effects.iter().filter_map(|(_, effect)| match effect {
            Effect::RejectAttempt { attempt, .. } => Some(*attempt),
            _ => None,
        }).collect();
        prop_assert!(world.accepted.values().all(|attempt| !rejected.contains(attempt)));
    }
}

/// A move of the storm: which kind of event, about which attempt or node, with which detail. Attempts are picked among
/// those that exist and mostly spoken of by the provider that has them, so that the moves mean something.
#[derive(Clone, Copy, Debug)]
struct Move {
    kind: u8,
    pick: u64,
    detail: u64,
}

fn any_move() -> impl Strategy<Value = Move> {
    (0u8..100, any::<u64>(), any::<u64>()).prop_map(|(kind, pick, detail)| Move { kind, pick, detail })
}

/// The event a move stands for in a farm that has given out `attempts` so far.
fn event_of(Move { kind, pick, detail }: Move, farm: &Farm, attempts: u64) -> Event {
    let any_node = NodeId::from_bytes([1 + (detail % 4) as u8; 32]);
    // Late attempts are likelier to be under way.
    let recent = attempts.saturating_sub(1 + pick % attempts.clamp(1, 12));
    let attempt = AttemptId(if detail % 16 == 0 { pick % 40 } else { recent });
    let owner = farm.attempt(attempt).map_or(any_node, |attempt| attempt.node);
    let node = if detail % 10 == 0 { any_node } else { owner };
    let receipt = ReceiptSummary {
        cpu: CpuTime { millis: 3000 },
        bytes: Bytes(10),
    };
    let crop = Rect {
        x: 0,
        y: 0,
        width: 1,
        height: 1,
    };
    let one_of = |kinds: [FailureKind; 3]| kinds[(pick % 3) as usize];
    match kind {
        0..4 => Event::ProviderJoined(Machine::new(1 + (detail % 4) as u8, 500 + detail % 3000).info()),
        4 => Event::ProviderLeft {
            node: any_node,
            why: Departure::ConnectionLost,
        },
        5..23 => {
            // Honest about most of what it holds, or about nothing.
            let of_node = |id: &AttemptId| farm.attempt(*id).is_some_and(|attempt| attempt.node == any_node);
            let held = (0..attempts)
                .map(AttemptId)
                .filter(of_node)
                .filter(|_| detail % 9 != 0)
                .collect();
            Event::Pulled {
                node: any_node,
                warm: pick % 2 == 0,
                warm_frame: Some(3),
                held,
            }
        }
        23 => Event::PullClosed { node },
        24..27 => Event::Progress {
            node,
            attempt,
            permille: (pick % 1500) as u16,
        },
        27..47 => Event::Committed { node, attempt, receipt },
        47..65 => Event::Delivered { node, attempt },
        65..70 => Event::AuditDrawn {
            attempt,
            crop,
            work: Work { milli_wu: 5 },
        },
        70..79 => Event::NoAudit { attempt },
        79..84 => {
            let verdicts = [AuditVerdict::Passed, AuditVerdict::Failed, AuditVerdict::Inconclusive];
            Event::AuditJudged {
                attempt,
                verdict: verdicts[(pick % 3) as usize],
            }
        }
        84..86 => {
            let kind = one_of([FailureKind::Transient, FailureKind::Permanent, FailureKind::Malicious]);
            Event::Failed {
                node,
                attempt,
                kind,
                message: "no".into(),
            }
        }
        86 => Event::RequestorRestarted,
        87..97 => Event::Tick,
        97 => Event::RetryFailed,
        98 if pick % 8 == 0 => Event::Cancel,
        98 if pick % 8 == 1 => Event::DeadlineReached,
        98 => Event::Pause,
        _ => Event::Resume,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nonsense_pays_nobody_twice_and_loses_nothing(
        moves in proptest::collection::vec((any_move(), 0u64..20_000), 1..400)
    ) {
        let plan = plan(&[3000; 6], 2);
        let price_cap = WorkPrice { per_wu_hour: Amount(3_600_000) };
        let budget = Some(price_cap.of_floor(plan.total_work()));
        let mut farm = Farm::new(&plan, Policy { price_cap, budget, ..Policy::default() }).unwrap();
        let mut now = START;
        let mut attempts = 0;
        let (mut paid_tasks, mut paid_audits, mut paid) = (BTreeSet::new(), BTreeSet::new(), 0u128);
        for (next, pause) in moves {
            now += pause;
            if !farm.tick_is_due(UnixMillis(now)) {
                let mut ticked = farm.clone();
                prop_assert!(step(&mut ticked, Event::Tick, UnixMillis(now)).is_empty());
                prop_assert_eq!(&ticked, &farm);
            }
            let event = event_of(next, &farm, attempts);
            for effect in step(&mut farm, event, UnixMillis(now)) {
                match effect {
                    Effect::AcceptTask { task, amount, .. } => {
                        prop_assert!(paid_tasks.insert(task), "{} paid twice", task);
                        paid += amount.0;
                    }
                    Effect::PayAudit { attempt, amount, .. } => {
                        prop_assert!(paid_audits.insert(attempt), "{} paid twice", attempt);
                        paid += amount.0;
                    }
                    Effect::Lease { tasks, .. } => {
                        prop_assert!(!tasks.is_empty());
                        attempts += tasks.len() as u64;
                    }
                    _ => {}
                }
            }
            prop_assert_eq!(farm.paid().0, paid);
            prop_assert!(Some(farm.paid()) <= budget);
            prop_assert_eq!(farm.verified_count(), paid_tasks.len() as u64);
            // Every task is verified, waiting, or in somebody's hands.
            let mut waiting = 0;
            for id in (0..farm.task_count()).map(TaskId) {
                let task = farm.task(id).unwrap();
                let renders = |attempt: &&rayswarm_scheduler::Attempt| attempt.purpose == Purpose::Render;
                let live = task.attempts.iter().filter(renders).filter(|attempt| attempt.state.is_live()).count();
                prop_assert!(task.winner.is_none() || live == 0, "{} goes on after its end", id);
                let given = |attempt: &&rayswarm_scheduler::Attempt| attempt.state == AttemptState::Queued;
                let copies = task.attempts.iter().filter(renders).filter(given).count();
                prop_assert!(copies <= farm.policy().copies_max, "{} has {} copies", id, copies);
                waiting += u64::from(task.winner.is_none() && live == 0);
            }
            prop_assert_eq!(farm.waiting_count(), waiting);
        }
        // Whatever happened, once things calm down the job can end.
        finish(&mut farm, now);
        prop_assert_eq!(farm.phase(), &Phase::Complete);
    }
}

/// Lets one new honest provider and the requestor's own auditor finish whatever is left.
fn finish(farm: &mut Farm, mut now: u64) {
    let honest = Machine::new(7, 1000);
    let own = Machine {
        own_auditor: true,
        ..Machine::new(9, 1000)
    };
    let mut queue = vec![Event::Resume, Event::RetryFailed];
    for name in 1..5 {
        queue.push(Event::ProviderLeft {
            node: NodeId::from_bytes([name; 32]),
            why: Departure::Drained,
        });
    }
    queue.extend([Event::ProviderJoined(honest.info()), Event::ProviderJoined(own.info())]);
    for round in 0..2000 {
        let mut next = Vec::new();
        if matches!(farm.phase(), Phase::Failed { .. }) {
            next.push(Event::RetryFailed);
        }
        for event in queue.drain(..) {
            now += 100;
            for effect in step(farm, event, UnixMillis(now)) {
                match effect {
                    Effect::Lease { node, tasks, .. } => {
                        for grant in tasks {
                            let receipt = ReceiptSummary {
                                cpu: CpuTime { millis: 1 },
                                bytes: Bytes(1),
                            };
                            next.push(Event::Committed {
                                node,
                                attempt: grant.attempt,
                                receipt,
                            });
                            next.push(Event::Delivered {
                                node,
                                attempt: grant.attempt,
                            });
                        }
                    }
                    Effect::DrawAudit { attempt, .. } => next.push(Event::NoAudit { attempt }),
                    Effect::JudgeAudit { attempt, .. } => {
                        next.push(Event::AuditJudged {
                            attempt,
                            verdict: AuditVerdict::Passed,
                        });
                    }
                    _ => {}
                }
            }
        }
        if *farm.phase() == Phase::Complete {
            return;
        }
        if next.is_empty() {
            now += 30_000;
            next.push(Event::Tick);
            // Draws that the storm swallowed fall again, as a node does for results without a verdict.
            next.extend(undrawn(farm));
            for node in [honest.id(), own.id()] {
                next.push(Event::Pulled {
                    node,
                    warm: true,
                    warm_frame: None,
                    held: vec![],
                });
            }
        }
        queue = next;
        assert!(
            round < 1999,
            "it does not end: {:?}, {} waiting",
            farm.phase(),
            farm.waiting_count()
        );
    }
}

/// Delivered results without a draw.
fn undrawn(farm: &Farm) -> Vec<Event> {
    let tasks = (0..farm.task_count()).filter_map(|id| farm.task(TaskId(id)));
    let attempts = tasks.flat_map(|task| task.attempts);
    let delivered = attempts.filter(|attempt| attempt.state == AttemptState::Delivered);
    delivered
        .map(|attempt| match attempt.purpose {
            Purpose::Render => Event::NoAudit { attempt: attempt.id },
            Purpose::Audit { .. } => Event::AuditJudged {
                attempt: attempt.id,
                verdict: AuditVerdict::Passed,
            },
        })
        .collect()
}
