//! The requestor's own machine is the last to be asked and the one whose silence counts: no drawn audit is given up while
//! it could do it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use rayswarm_model::{AttemptId, Bytes, CpuTime, NodeId, Rect, UnixMillis, Work};
use rayswarm_scheduler::{
    AuditOutcome, AuditVerdict, Effect, Event, Farm, Policy, ProviderInfo, Purpose, Reason, ReceiptSummary, Role, step,
};
use world::{Machine, START, plan};

/// The requestor's own machine.
const OWN: u8 = 9;

/// One result of provider 1, drawn for an audit.
struct Drawn {
    farm: Farm,
    now: u64,
    result: AttemptId,
    effects: Vec<Effect>,
}

fn id(name: u8) -> NodeId {
    NodeId::from_bytes([name; 32])
}

impl Drawn {
    /// With auditors of these names.
    fn with(auditors: &[u8]) -> Self {
        let mut drawn = Self {
            farm: Farm::new(&plan(&[3000], 1), Policy::default()).unwrap(),
            now: START,
            result: AttemptId(0),
            effects: Vec::new(),
        };
        drawn.join(1);
        drawn.pull(1);
        drawn.deliver(1, AttemptId(0));
        auditors.iter().for_each(|name| drawn.join(*name));
        drawn.send(Event::AuditDrawn {
            attempt: AttemptId(0),
            crop: Rect {
                x: 0,
                y: 0,
                width: 4,
                height: 4,
            },
            work: Work { milli_wu: 150 },
        });
        drawn
    }

    fn send(&mut self, event: Event) -> Vec<Effect> {
        let effects = step(&mut self.farm, event, UnixMillis(self.now));
        self.effects.extend(effects.iter().cloned());
        effects
    }

    fn join(&mut self, name: u8) {
        let role = if name == OWN { Role::OwnAuditor } else { Role::Provider };
        self.send(Event::ProviderJoined(ProviderInfo {
            role,
            ..Machine::new(name, 1000).info()
        }));
    }

    fn wait(&mut self, seconds: u64) {
        for _ in 0..seconds {
            self.now += 1000;
            self.send(Event::Tick);
        }
    }

    fn pull(&mut self, name: u8) -> Vec<Effect> {
        self.send(Event::Pulled {
            node: id(name),
            warm: true,
            warm_frame: None,
            held: vec![],
        })
    }

    fn deliver(&mut self, name: u8, attempt: AttemptId) {
        let receipt = ReceiptSummary {
            cpu: CpuTime { millis: 100 },
            bytes: Bytes(1000),
        };
        let node = id(name);
        self.send(Event::Committed { node, attempt, receipt });
        self.send(Event::Delivered { node, attempt });
    }

    /// The audit that `name` is given when it asks.
    fn audit_for(&mut self, name: u8) -> Option<AttemptId> {
        let effects = self.pull(name);
        let mut granted = effects.iter().filter_map(|effect| match effect {
            Effect::Lease { node, tasks, .. } if *node == id(name) => Some(tasks),
            _ => None,
        });
        let audits = granted.next()?.iter();
        let mut audits = audits.filter(|grant| matches!(grant.purpose, Purpose::Audit { .. }));
        audits.next().map(|grant| grant.attempt)
    }

    /// `name` delivers an audit that shows nothing.
    fn audits_in_vain(&mut self, name: u8) {
        let audit = self.audit_for(name).expect("no audit");
        self.deliver(name, audit);
        self.send(Event::AuditJudged {
            attempt: audit,
            verdict: AuditVerdict::Inconclusive,
        });
    }

    fn accepted(&self) -> Option<AuditOutcome> {
        self.effects.iter().find_map(|effect| match effect {
            Effect::AcceptTask {
                attempt,
                reason: Reason::Verified { audit },
                ..
            } if *attempt == self.result => Some(*audit),
            _ => None,
        })
    }
}

#[test]
fn auditors_that_show_nothing_do_not_make_a_result_count() {
    let mut drawn = Drawn::with(&[2, 3, 4, 5, OWN]);
    for name in [2, 3, 4] {
        drawn.audits_in_vain(name);
    }
    assert_eq!(drawn.accepted(), None, "three silent auditors are not a verdict");
    assert_eq!(drawn.audit_for(5), None, "a fourth would be no better");
    let audit = drawn.audit_for(OWN).expect("the requestor's own machine is asked");
    drawn.deliver(OWN, audit);
    let effects = drawn.send(Event::AuditJudged {
        attempt: audit,
        verdict: AuditVerdict::Failed,
    });
    let excluded = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Exclude { node, .. } if *node == id(1)));
    assert!(excluded && drawn.accepted().is_none(), "{effects:?}");
}

#[test]
fn an_audit_waits_for_the_requestors_own_machine_however_busy_it_is() {
    let mut drawn = Drawn::with(&[OWN]);
    // It finishes frames for twenty minutes and asks for nothing.
    drawn.wait(1200);
    assert_eq!(drawn.accepted(), None);
    assert!(drawn.audit_for(OWN).is_some());
}

#[test]
fn where_the_own_machine_cannot_judge_either_the_result_counts() {
    let mut drawn = Drawn::with(&[2, 3, 4, OWN]);
    for name in [2, 3, 4] {
        drawn.audits_in_vain(name);
    }
    drawn.audits_in_vain(OWN);
    assert_eq!(drawn.accepted(), Some(AuditOutcome::Inconclusive));
}
