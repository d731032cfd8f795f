//! Single rules, each in the smallest farm that shows it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use rayswarm_model::{
    Address, Amount, AttemptId, B256, Bytes, CpuTime, FailureKind, NodeId, Rect, TaskId, UnixMillis, Work, WorkPrice,
    offer::ComparisonClass, settings::Device,
};
use rayswarm_scheduler::{
    AuditOutcome, AuditVerdict, Departure, Effect, Event, Farm, FarmError, Phase, Policy, ProviderInfo, Purpose,
    Reason, ReceiptSummary, Role, step,
};
use world::{Machine, START, plan};

/// A farm under test: `farm(&[3, 3]).join(a)…`, with a clock.
struct Scene {
    farm: Farm,
    now: u64,
    effects: Vec<Effect>,
}

fn farm(works: &[u64]) -> Scene {
    with_policy(works, Policy::default())
}

fn with_policy(works: &[u64], policy: Policy) -> Scene {
    Scene {
        farm: Farm::new(&plan(works, 1), policy).unwrap(),
        now: START,
        effects: Vec::new(),
    }
}

fn provider(name: u8) -> ProviderInfo {
    Machine::new(name, 1000).info()
}

fn id(name: u8) -> NodeId {
    NodeId::from_bytes([name; 32])
}

impl Scene {
    fn send(&mut self, event: Event) -> Vec<Effect> {
        let effects = step(&mut self.farm, event, UnixMillis(self.now));
        self.effects.extend(effects.iter().cloned());
        effects
    }
    fn join(&mut self, info: ProviderInfo) -> Vec<Effect> {
        self.send(Event::ProviderJoined(info))
    }
    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += 1000;
            self.send(Event::Tick);
        }
    }
    /// What a pull of a node that holds nothing else is answered with.
    fn pull(&mut self, name: u8) -> Effect {
        let held = self
            .farm
            .providers()
            .iter()
            .find(|node| node.info.node == id(name))
            .map_or(0, |node| node.holds);
        assert_eq!(held, 0, "this pull would lose what the provider holds");
        self.pull_holding(name, vec![])
    }
    fn pull_holding(&mut self, name: u8, held: Vec<AttemptId>) -> Effect {
        self.send(Event::Pulled {
            node: id(name),
            warm: true,
            warm_frame: None,
            held,
        })
        .pop()
        .unwrap()
    }
    fn render(&mut self, name: u8) -> AttemptId {
        match self.pull(name) {
            Effect::Lease { tasks, .. } => tasks[0].attempt,
            other => panic!("no lease but {other}"),
        }
    }
    fn commit(&mut self, name: u8, attempt: AttemptId) -> Vec<Effect> {
        let receipt = ReceiptSummary {
            cpu: CpuTime { millis: 3000 },
            bytes: Bytes(1000),
        };
        self.send(Event::Committed {
            node: id(name),
            attempt,
            receipt,
        })
    }
    fn deliver(&mut self, name: u8, attempt: AttemptId) -> Vec<Effect> {
        self.commit(name, attempt);
        self.send(Event::Delivered {
            node: id(name),
            attempt,
        })
    }
    fn draw(&mut self, attempt: AttemptId) -> Vec<Effect> {
        let crop = Rect {
            x: 0,
            y: 0,
            width: 4,
            height: 4,
        };
        self.send(Event::AuditDrawn {
            attempt,
            crop,
            work: Work { milli_wu: 150 },
        })
    }
    fn judge(&mut self, attempt: AttemptId, verdict: AuditVerdict) -> Vec<Effect> {
        self.send(Event::AuditJudged { attempt, verdict })
    }
    fn fail(&mut self, name: u8, attempt: AttemptId, kind: FailureKind) -> Vec<Effect> {
        self.send(Event::Failed {
            node: id(name),
            attempt,
            kind,
            message: "engine aborted".into(),
        })
    }
    fn audits_given(&self) -> Vec<(NodeId, AttemptId, Reason)> {
        let leases = self.effects.iter().filter_map(|effect| match effect {
            Effect::Lease { node, tasks, .. } => Some((node, tasks)),
            _ => None,
        });
        let audits = leases.flat_map(|(node, tasks)| tasks.iter().map(move |grant| (*node, grant)));
        audits
            .filter(|(_, grant)| matches!(grant.purpose, Purpose::Audit { .. }))
            .map(|(node, grant)| (node, grant.attempt, grant.reason.clone()))
            .collect()
    }
}

#[test]
fn a_budget_below_the_work_is_refused() {
    let policy = Policy {
        price_cap: WorkPrice {
            per_wu_hour: Amount(3_600_000),
        },
        ..Policy::default()
    };
    let plan = plan(&[3000, 3000], 1);
    let error = Farm::new(
        &plan,
        Policy {
            budget: Some(Amount(5999)),
            ..policy.clone()
        },
    )
    .unwrap_err();
    assert_eq!(
        error,
        FarmError::BudgetTooSmall {
            budget: Amount(5999),
            needed: Amount(6000)
        }
    );
    assert!(
        Farm::new(
            &plan,
            Policy {
                budget: Some(Amount(6000)),
                ..policy
            }
        )
        .is_ok()
    );
}

#[test]
fn audits_are_paid_only_from_what_tasks_leave() {
    let price_cap = WorkPrice {
        per_wu_hour: Amount(3_600_000),
    };
    let policy = Policy {
        price_cap,
        budget: Some(Amount(6100)),
        ..Policy::default()
    };
    let mut scene = with_policy(&[3000, 3000], policy);
    scene.join(provider(1));
    scene.join(provider(2));
    let (first, second) = (scene.render(1), scene.render(2));
    scene.deliver(1, first);
    scene.draw(first);
    scene.deliver(2, second);
    scene.draw(second);
    for name in [1, 2] {
        let audit = scene.render(name);
        scene.deliver(name, audit);
        scene.judge(audit, AuditVerdict::Passed);
    }
    assert_eq!(*scene.farm.phase(), Phase::Complete);
    assert_eq!(scene.farm.paid(), Amount(6100));
}

#[test]
fn nobody_audits_its_own_account() {
    let mut scene = farm(&[3000; 4]);
    scene.join(provider(1));
    scene.join(ProviderInfo {
        account: Address::repeat_byte(1),
        ..provider(2)
    });
    let attempt = scene.render(1);
    scene.deliver(1, attempt);
    scene.draw(attempt);
    scene.pull(1);
    scene.pull(2);
    assert_eq!(scene.audits_given(), []);
    scene.join(provider(3));
    scene.pull(3);
    assert_eq!(scene.audits_given()[0].0, id(3));
}

#[test]
fn an_audit_stays_within_the_class_while_somebody_of_it_is_there() {
    let other_class = ComparisonClass(B256::repeat_byte(9));
    let mut scene = farm(&[3000; 9]);
    scene.join(provider(1));
    scene.join(provider(2));
    scene.join(ProviderInfo {
        class: other_class,
        ..provider(3)
    });
    let attempt = scene.render(1);
    scene.deliver(1, attempt);
    scene.draw(attempt);
    scene.pull(3);
    assert_eq!(scene.audits_given(), []);
    scene.pull(2);
    assert_eq!(
        scene.audits_given().last().map(|audit| (audit.0, audit.2.clone())),
        Some((id(2), Reason::AuditWithinClass))
    );
}

#[test]
fn across_classes_only_processors_are_compared() {
    let other_class = ComparisonClass(B256::repeat_byte(9));
    let mut scene = farm(&[3000; 9]);
    scene.join(provider(1));
    scene.join(ProviderInfo {
        class: other_class,
        device: Device::Optix,
        ..provider(3)
    });
    let attempt = scene.render(1);
    scene.deliver(1, attempt);
    scene.draw(attempt);
    scene.pull(3);
    assert_eq!(scene.audits_given(), []);
    scene.join(ProviderInfo {
        class: other_class,
        ..provider(4)
    });
    scene.pull(4);
    assert_eq!(
        scene.audits_given().last().map(|audit| audit.2.clone()),
        Some(Reason::AuditAcrossClasses)
    );
}

#[test]
fn alone_a_provider_is_audited_by_the_requestors_own_machine() {
    let mut scene = farm(&[3000; 2]);
    scene.join(provider(1));
    scene.join(ProviderInfo {
        role: Role::OwnAuditor,
        ..provider(9)
    });
    let attempt = scene.render(1);
    assert!(matches!(
        scene.pull(9),
        Effect::Wait {
            reason: Reason::NothingToAudit,
            ..
        }
    ));
    scene.deliver(1, attempt);
    // Its pull is waiting, so the audit goes there at once; it never gets a frame to render.
    scene.draw(attempt);
    let (node, audit, reason) = scene.audits_given().remove(0);
    assert_eq!((node, reason), (id(9), Reason::AuditByRequestor));
    scene.deliver(9, audit);
    let effects = scene.judge(audit, AuditVerdict::Failed);
    // Its word is final, and it is not paid.
    assert!(
        effects.iter().any(|effect| matches!(effect, Effect::Exclude { .. })),
        "{effects:?}"
    );
    assert_eq!(scene.farm.paid(), Amount::ZERO);
}

#[test]
fn with_nobody_to_judge_an_audit_is_inconclusive_and_the_result_counts() {
    let mut scene = farm(&[3000]);
    scene.join(provider(1));
    let attempt = scene.render(1);
    scene.deliver(1, attempt);
    scene.draw(attempt);
    scene.wait(70);
    let outcome = scene.effects.iter().find_map(|effect| match effect {
        Effect::AcceptTask {
            reason: Reason::Verified { audit },
            ..
        } => Some(*audit),
        _ => None,
    });
    assert_eq!(outcome, Some(AuditOutcome::Inconclusive));
    assert_eq!(*scene.farm.phase(), Phase::Complete);
}

#[test]
fn a_difference_nobody_confirms_costs_the_task_and_a_second_one_the_place() {
    let mut scene = farm(&[3000; 9]);
    scene.join(provider(1));
    scene.join(provider(2));
    for round in 1..=2 {
        let Effect::Lease { tasks, .. } = scene.pull_holding(1, vec![]) else {
            panic!("no lease")
        };
        let attempt = tasks[0].attempt;
        scene.deliver(1, attempt);
        scene.draw(attempt);
        let audit = scene.pull_holding(2, vec![]);
        let Effect::Lease { tasks, .. } = audit else {
            panic!("no audit but {audit}")
        };
        let audit = tasks
            .iter()
            .find(|grant| !matches!(grant.purpose, Purpose::Render))
            .unwrap()
            .attempt;
        scene.deliver(2, audit);
        let effects = scene.judge(audit, AuditVerdict::Failed);
        let excluded = effects.iter().any(|effect| matches!(effect, Effect::Exclude { .. }));
        assert!(
            effects
                .iter()
                .any(|effect| matches!(effect, Effect::RejectAttempt { .. }))
        );
        assert_eq!(excluded, round == 2, "round {round}");
        // The auditor's own frames are let through.
        let holds: Vec<AttemptId> = tasks
            .iter()
            .map(|grant| grant.attempt)
            .filter(|id| *id != audit)
            .collect();
        for render in holds {
            scene.deliver(2, render);
            scene.send(Event::NoAudit { attempt: render });
        }
    }
}

#[test]
fn a_failed_task_goes_to_somebody_else_while_there_is_somebody() {
    let mut scene = farm(&[3000; 4]);
    scene.join(provider(1));
    scene.join(provider(2));
    let attempt = scene.render(1);
    scene.fail(1, attempt, FailureKind::Transient);
    let task = scene.farm.attempt(attempt).unwrap().task;
    let Effect::Lease { tasks, .. } = scene.pull(1) else {
        panic!("no lease")
    };
    assert!(tasks.iter().all(|grant| grant.task != task));
    let Effect::Lease { tasks, .. } = scene.pull(2) else {
        panic!("no lease")
    };
    assert_eq!(
        (tasks[0].task, tasks[0].reason.clone()),
        (task, Reason::TriedElsewhere { failures: 1 })
    );
}

#[test]
fn a_task_that_failed_for_good_everywhere_ends_the_job() {
    let mut scene = farm(&[3000; 2]);
    scene.join(provider(1));
    let attempt = scene.render(1);
    scene.fail(1, attempt, FailureKind::Permanent);
    let other = scene.render(1);
    scene.deliver(1, other);
    scene.send(Event::NoAudit { attempt: other });
    scene.wait(30);
    assert_eq!(*scene.farm.phase(), Phase::Running, "another provider may come");
    scene.wait(40);
    let Phase::Failed { reason } = scene.farm.phase() else {
        panic!("{:?}", scene.farm.phase())
    };
    let task = scene.farm.attempt(attempt).unwrap().task;
    assert_eq!(
        *reason,
        Reason::NobodyElse {
            task,
            message: "engine aborted".into()
        }
    );
}

#[test]
fn a_provider_that_breaks_the_protocol_is_out_and_the_task_is_not_to_blame() {
    let mut scene = farm(&[3000; 2]);
    scene.join(provider(1));
    scene.join(provider(2));
    let attempt = scene.render(1);
    scene.fail(1, attempt, FailureKind::Malicious);
    assert!(matches!(scene.pull(1), Effect::Dismiss { .. }));
    assert_eq!(scene.farm.task(TaskId(0)).unwrap().failures, 0);
    assert!(matches!(
        scene.join(provider(1)).as_slice(),
        [Effect::Exclude {
            reason: Reason::Excluded,
            ..
        }]
    ));
}

#[test]
fn failures_in_a_row_send_a_provider_to_rest() {
    let mut scene = farm(&[3000; 20]);
    scene.join(provider(1));
    scene.join(provider(2));
    for _ in 0..3 {
        let attempt = scene.render(1);
        scene.fail(1, attempt, FailureKind::Transient);
        // Its process starts again, with nothing left of its lease.
        scene.send(Event::ProviderLeft {
            node: id(1),
            why: Departure::ConnectionLost,
        });
        scene.join(provider(1));
    }
    assert!(matches!(
        scene.pull(1),
        Effect::Wait {
            reason: Reason::Rests { failures: 3 },
            ..
        }
    ));
    scene.wait(61);
    assert!(matches!(scene.effects.last(), Some(Effect::Lease { .. })));
}

#[test]
fn the_tail_is_left_to_faster_providers() {
    let mut scene = farm(&[10_000; 3]);
    for name in [1, 2] {
        scene.join(ProviderInfo {
            rate_milli_wu: 4000,
            ..provider(name)
        });
    }
    scene.join(ProviderInfo {
        rate_milli_wu: 100,
        ..provider(3)
    });
    scene.render(1);
    let Effect::Wait {
        reason: Reason::LeftToFaster {
            would_take_ms,
            others_ms,
        },
        ..
    } = scene.pull(3)
    else {
        panic!("a frame was given to a provider that needs 100 s for it")
    };
    assert!(
        would_take_ms >= 100_000 && others_ms < 20_000,
        "{would_take_ms} {others_ms}"
    );
    // But a job never hangs on providers that do not come for it.
    scene.wait(31);
    assert!(matches!(scene.effects.last(), Some(Effect::Lease { node, .. }) if *node == id(3)));
}

#[test]
fn equal_providers_are_ranked_by_distance_and_then_by_price() {
    let mut scene = farm(&[3000; 3]);
    scene.join(ProviderInfo {
        price: WorkPrice { per_wu_hour: Amount(9) },
        ..provider(1)
    });
    scene.join(ProviderInfo {
        price: WorkPrice { per_wu_hour: Amount(5) },
        ..provider(2)
    });
    scene.join(ProviderInfo {
        rtt_ms: 80,
        price: WorkPrice { per_wu_hour: Amount(1) },
        ..provider(3)
    });
    scene.join(ProviderInfo {
        rate_milli_wu: 2000,
        rtt_ms: 300,
        ..provider(4)
    });
    let ranking: Vec<NodeId> = scene.farm.providers().iter().map(|node| node.info.node).collect();
    assert_eq!(ranking, [id(4), id(2), id(1), id(3)]);
}

#[test]
fn the_deadline_ends_the_job_and_pays_what_is_verified() {
    let policy = Policy {
        deadline: Some(UnixMillis(START + 10_000)),
        ..Policy::default()
    };
    let mut scene = with_policy(&[3000; 9], policy);
    scene.join(provider(1));
    let attempt = scene.render(1);
    scene.deliver(1, attempt);
    scene.send(Event::NoAudit { attempt });
    scene.wait(9);
    assert_eq!(*scene.farm.phase(), Phase::Running);
    scene.wait(1);
    assert_eq!(
        *scene.farm.phase(),
        Phase::Failed {
            reason: Reason::DeadlinePassed
        }
    );
    assert_eq!(scene.farm.paid(), Amount(3000));
}

#[test]
fn a_lease_lasts_as_long_as_its_provider_shows_progress() {
    let mut scene = farm(&[600_000]);
    scene.join(ProviderInfo {
        rate_milli_wu: 100_000,
        ..provider(1)
    });
    // Expected within six seconds, it takes hours; but it moves.
    let attempt = scene.render(1);
    for permille in (10..=900).step_by(10) {
        scene.now += 60_000;
        scene.send(Event::Progress {
            node: id(1),
            attempt,
            permille,
        });
        scene.send(Event::Tick);
        assert!(
            scene.farm.attempt(attempt).unwrap().state.is_live(),
            "taken away at {permille} thousandths"
        );
    }
    // Repeating itself is no progress.
    for _ in 0..3000 {
        scene.now += 60_000;
        scene.send(Event::Progress {
            node: id(1),
            attempt,
            permille: 900,
        });
        scene.send(Event::Tick);
    }
    assert!(!scene.farm.attempt(attempt).unwrap().state.is_live());
}

#[test]
fn strangers_and_forgers_change_nothing() {
    let mut scene = farm(&[3000; 2]);
    scene.join(provider(1));
    scene.join(provider(2));
    let attempt = scene.render(1);
    let before = scene.farm.clone();
    assert!(matches!(
        scene.commit(2, attempt).as_slice(),
        [Effect::Discard {
            reason: Reason::NeverGranted,
            ..
        }]
    ));
    scene.send(Event::Delivered { node: id(2), attempt });
    scene.send(Event::Delivered { node: id(1), attempt });
    scene.send(Event::NoAudit { attempt });
    scene.judge(attempt, AuditVerdict::Passed);
    scene.fail(2, attempt, FailureKind::Permanent);
    assert!(matches!(
        scene.pull(7),
        Effect::Wait {
            reason: Reason::NotJoined,
            ..
        }
    ));
    assert_eq!(scene.farm, before);
}
