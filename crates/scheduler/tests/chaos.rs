//! Providers come, go, fail, cheat and hang; messages come twice; the requestor is killed. Whatever happens, nobody is paid
//! twice, no task is lost, sums are exact, and the job ends complete while one honest provider stays.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use proptest::prelude::*;
use rayswarm_model::{
    Amount, AttemptId, Bytes, CpuTime, FailureKind, NodeId, Rect, TaskId, UnixMillis, Work, WorkPrice,
};
use rayswarm_scheduler::{AuditVerdict, Departure, Effect, Event, Farm, Phase, Policy, ReceiptSummary, step};
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

/// Any event whatever, for few nodes and attempts so that they often mean something.
fn any_event() -> impl Strategy<Value = Event> {
    let node = (1u8..5).prop_map(|name| NodeId::from_bytes([name; 32]));
    let attempt = (0u64..40).prop_map(AttemptId);
    let kind = prop_oneof![
        Just(FailureKind::Transient),
        Just(FailureKind::Permanent),
        Just(FailureKind::Malicious)
    ];
    let verdict = prop_oneof![
        Just(AuditVerdict::Passed),
        Just(AuditVerdict::Failed),
        Just(AuditVerdict::Inconclusive)
    ];
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
    prop_oneof![
        4 => (1u8..5).prop_map(|name| Event::ProviderJoined(Machine::new(name, 1000).info())),
        1 => node.clone().prop_map(|node| Event::ProviderLeft { node, why: Departure::ConnectionLost }),
        12 => (node.clone(), proptest::collection::vec(attempt.clone(), 0..12), any::<bool>())
            .prop_map(|(node, held, warm)| Event::Pulled { node, warm, warm_frame: Some(3), held }),
        1 => node.clone().prop_map(|node| Event::PullClosed { node }),
        3 => (node.clone(), attempt.clone(), 0u16..1500)
            .prop_map(|(node, attempt, permille)| Event::Progress { node, attempt, permille }),
        20 => (node.clone(), attempt.clone()).prop_map(move |(node, attempt)| Event::Committed { node, attempt, receipt }),
        20 => (node.clone(), attempt.clone()).prop_map(|(node, attempt)| Event::Delivered { node, attempt }),
        6 => attempt.clone().prop_map(move |attempt| Event::AuditDrawn { attempt, crop, work: Work { milli_wu: 5 } }),
        12 => attempt.clone().prop_map(|attempt| Event::NoAudit { attempt }),
        8 => (attempt.clone(), verdict).prop_map(|(attempt, verdict)| Event::AuditJudged { attempt, verdict }),
        2 => (node, attempt, kind)
            .prop_map(|(node, attempt, kind)| Event::Failed { node, attempt, kind, message: "no".into() }),
        1 => Just(Event::RequestorRestarted),
        6 => Just(Event::Tick),
        1 => prop_oneof![Just(Event::Pause), Just(Event::Resume), Just(Event::RetryFailed), Just(Event::Cancel),
            Just(Event::DeadlineReached)],
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nonsense_pays_nobody_twice_and_loses_nothing(
        events in proptest::collection::vec((any_event(), 0u64..40_000), 1..250)
    ) {
        let plan = plan(&[3000; 6], 2);
        let price_cap = WorkPrice { per_wu_hour: Amount(3_600_000) };
        let budget = Some(price_cap.of_floor(plan.total_work()));
        let mut farm = Farm::new(&plan, Policy { price_cap, budget, ..Policy::default() }).unwrap();
        let mut now = START;
        let (mut paid_tasks, mut paid_audits, mut paid) = (BTreeSet::new(), BTreeSet::new(), 0u128);
        for (event, pause) in events {
            now += pause;
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
                    Effect::Lease { tasks, .. } => prop_assert!(!tasks.is_empty()),
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
                let live = task.attempts.iter().any(|a| a.state.is_live() && a.purpose == rayswarm_scheduler::Purpose::Render);
                prop_assert!(!(task.winner.is_some() && live), "{} goes on after its end", id);
                waiting += u64::from(task.winner.is_none() && !live);
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
    let delivered = attempts.filter(|attempt| attempt.state == rayswarm_scheduler::AttemptState::Delivered);
    delivered
        .map(|attempt| match attempt.purpose {
            rayswarm_scheduler::Purpose::Render => Event::NoAudit { attempt: attempt.id },
            rayswarm_scheduler::Purpose::Audit { .. } => Event::AuditJudged {
                attempt: attempt.id,
                verdict: AuditVerdict::Passed,
            },
        })
        .collect()
}
