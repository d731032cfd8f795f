//! A small deterministic world: machines of known speed behind a farm, on a simulated clock. It never sleeps; a day of
//! rendering takes milliseconds.
#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod dice;

pub use dice::Dice;

use rayswarm_model::{
    Address, Amount, AttemptId, B256, Bytes, CpuTime, FailureKind, Frames, NodeId, Plan, Rect, RenderSettings,
    Resolution, Slice, TaskId, TaskSpec, UnixMillis, Work, WorkPrice, offer::ComparisonClass, settings::Device,
};
use rayswarm_scheduler::{
    AuditVerdict, Departure, Effect, Event, Farm, Grant, Policy, ProviderInfo, Purpose, ReceiptSummary, Role, step,
};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// When worlds begin; not zero, as no real clock shows that.
pub const START: u64 = 1_800_000_000_000;
/// Frames of everyday plans.
const PICTURE: Resolution = Resolution {
    width: 640,
    height: 360,
};

/// A plan of `works.len()` frames cut into `tiles` tasks each; every task of frame i costs `works[i]` milli-WU.
pub fn plan(works: &[u64], tiles: u32) -> Plan {
    let frames = Frames::range(1, works.len() as i32, 1).unwrap();
    let rects: Vec<Rect> = (0..tiles)
        .map(|x| Rect {
            x: x * 8,
            y: 0,
            width: 8,
            height: 8,
        })
        .collect();
    let mut tasks = Vec::new();
    for (&frame, &milli_wu) in frames.as_slice().iter().zip(works) {
        for &tile in &rects {
            let (id, slice) = (TaskId(tasks.len() as u64), Slice::whole(64));
            tasks.push(TaskSpec {
                id,
                frame,
                tile,
                slice,
                work: Work { milli_wu },
            });
        }
    }
    Plan {
        engine: "blender".into(),
        engine_version: "4.5.15".into(),
        settings: RenderSettings {
            resolution: PICTURE,
            samples: 64,
            renderer_override: None,
            allowed_missing: vec![],
            options: vec![],
        },
        frames,
        tiles: rects,
        tile_padding: 0,
        slices: vec![Slice::whole(64)],
        sequential: false,
        tasks,
    }
}

/// How a machine behaves.
#[derive(Clone, Debug)]
pub struct Machine {
    pub name: u8,
    pub account: u8,
    pub class: u8,
    pub own_auditor: bool,
    /// What it says about its speed, milli-WU/s.
    pub benchmark: u64,
    /// What is true.
    pub speed: u64,
    pub setup_ms: u64,
    pub rtt_ms: u32,
    pub upload_ms: u64,
    /// Time to change to another frame.
    pub frame_ms: u64,
    pub price: u128,
    /// Renders garbage: every audit of it fails.
    pub cheats: bool,
    /// Judges every honest result a cheat.
    pub slanders: bool,
    /// Thousandths of attempts that fail.
    pub fails_permille: u64,
    /// Never finishes anything.
    pub hangs: bool,
}

impl Machine {
    pub fn new(name: u8, speed: u64) -> Self {
        Self {
            name,
            account: name,
            class: 0,
            own_auditor: false,
            benchmark: speed,
            speed,
            setup_ms: 0,
            rtt_ms: 1,
            upload_ms: 20,
            frame_ms: 0,
            price: 3_600_000,
            cheats: false,
            slanders: false,
            fails_permille: 0,
            hangs: false,
        }
    }
    pub fn id(&self) -> NodeId {
        NodeId::from_bytes([self.name; 32])
    }
    pub fn info(&self) -> ProviderInfo {
        ProviderInfo {
            verified_before: 0,
            node: self.id(),
            account: Address::repeat_byte(self.account),
            role: if self.own_auditor {
                Role::OwnAuditor
            } else {
                Role::Provider
            },
            class: ComparisonClass(B256::repeat_byte(self.class)),
            device: Device::Cpu,
            slots: 1,
            threads: 1,
            rate_milli_wu: self.benchmark,
            price: WorkPrice {
                per_wu_hour: Amount(self.price),
            },
            rtt_ms: self.rtt_ms,
        }
    }
}

/// What a provider process knows.
#[derive(Default)]
struct Live {
    /// Counts restarts: actions of an earlier life are void.
    life: u64,
    up: bool,
    queue: VecDeque<Grant>,
    running: Option<AttemptId>,
    undelivered: BTreeSet<AttemptId>,
    warm: bool,
    frame: Option<i32>,
    pull_open: bool,
    dismissed: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Action {
    Join(u8),
    Leave(u8),
    Pull(u8, u64),
    Finish(u8, u64, AttemptId),
    Deliver(u8, u64, AttemptId),
    Draw(AttemptId, TaskId, u64),
    Judge(AttemptId, AttemptId),
    Tick,
    Restart,
}

/// The world.
pub struct World {
    pub farm: Farm,
    pub now: u64,
    pub machines: BTreeMap<u8, Machine>,
    live: BTreeMap<u8, Live>,
    agenda: BTreeSet<(u64, u64, Action)>,
    sequence: u64,
    plan: Plan,
    /// True cost of each task in milli-WU, where it differs from the estimate.
    pub truth: BTreeMap<TaskId, u64>,
    pub dice: Dice,
    /// First tasks audited, thousandths later, thousandths of a task a crop costs.
    pub audits: (u64, u64, u64),
    /// Every event with its time, as a journal holds them.
    pub journal: Vec<(u64, Event)>,
    pub effects: Vec<(u64, Effect)>,
    pub accepted: BTreeMap<TaskId, AttemptId>,
    pub paid: BTreeMap<NodeId, u128>,
    pub over: bool,
    /// Milliseconds machines rendered, and of them for results that counted.
    pub busy_ms: u64,
    pub useful_ms: u64,
    cost: BTreeMap<AttemptId, u64>,
    /// Events are sometimes repeated.
    pub stutter: bool,
}

impl World {
    pub fn new(plan: Plan, policy: Policy, machines: Vec<Machine>) -> Self {
        let mut world = Self {
            farm: Farm::new(&plan, policy).unwrap(),
            now: START,
            machines: machines.iter().map(|machine| (machine.name, machine.clone())).collect(),
            live: machines.iter().map(|machine| (machine.name, Live::default())).collect(),
            agenda: BTreeSet::new(),
            sequence: 0,
            plan,
            truth: BTreeMap::new(),
            dice: Dice::new(1),
            audits: (10, 250, 50),
            journal: Vec::new(),
            effects: Vec::new(),
            accepted: BTreeMap::new(),
            paid: BTreeMap::new(),
            over: false,
            busy_ms: 0,
            useful_ms: 0,
            cost: BTreeMap::new(),
            stutter: false,
        };
        for machine in machines {
            world.at(0, Action::Join(machine.name));
        }
        world.at(1000, Action::Tick);
        world
    }

    fn at(&mut self, in_ms: u64, action: Action) {
        self.sequence += 1;
        self.agenda.insert((self.now + in_ms, self.sequence, action));
    }

    /// A machine added after the start comes up.
    pub fn admit(&mut self, name: u8, ms: u64) {
        self.live.insert(name, Live::default());
        self.start_at(ms, name);
    }

    /// A provider process is killed, or started.
    pub fn kill_at(&mut self, ms: u64, name: u8) {
        self.at(ms, Action::Leave(name));
    }
    pub fn start_at(&mut self, ms: u64, name: u8) {
        self.at(ms, Action::Join(name));
    }
    pub fn restart_at(&mut self, ms: u64) {
        self.at(ms, Action::Restart);
    }

    pub fn send(&mut self, event: Event) {
        let twice = self.stutter && self.dice.below(10) == 0;
        for _ in 0..=u8::from(twice) {
            self.journal.push((self.now, event.clone()));
            let effects = step(&mut self.farm, event.clone(), UnixMillis(self.now));
            for effect in effects {
                self.effects.push((self.now, effect.clone()));
                self.perform(effect);
            }
        }
    }

    /// Runs until the job is over; returns milliseconds from the start, or `None` if it is not over by `limit_ms`.
    pub fn run(&mut self, limit_ms: u64) -> Option<u64> {
        while let Some((time, _, action)) = self.agenda.pop_first() {
            if time > START + limit_ms {
                return None;
            }
            self.now = time;
            self.act(action);
            if self.over {
                return Some(self.now - START);
            }
        }
        None
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Join(name) => {
                let machine = self.machines[&name].clone();
                let live = self.live.get_mut(&name).unwrap();
                *live = Live {
                    life: live.life + 1,
                    up: true,
                    ..Live::default()
                };
                let life = live.life;
                self.send(Event::ProviderJoined(machine.info()));
                self.at(u64::from(machine.rtt_ms), Action::Pull(name, life));
            }
            Action::Leave(name) => {
                let node = self.machines[&name].id();
                let live = self.live.get_mut(&name).unwrap();
                *live = Live {
                    life: live.life + 1,
                    ..Live::default()
                };
                self.send(Event::ProviderLeft {
                    node,
                    why: Departure::ConnectionLost,
                });
            }
            Action::Pull(name, life) => self.pull(name, life),
            Action::Finish(name, life, attempt) => self.finish(name, life, attempt),
            Action::Deliver(name, life, attempt) => {
                let live = self.live.get_mut(&name).unwrap();
                if live.life == life && live.undelivered.remove(&attempt) {
                    let node = self.machines[&name].id();
                    self.send(Event::Delivered { node, attempt });
                }
            }
            Action::Draw(attempt, task, results_before) => {
                let (first, permille, crop) = self.audits;
                if results_before < first || self.dice.below(1000) < permille {
                    let spec = self.plan.task(task).unwrap();
                    let work = Work {
                        milli_wu: (spec.work.milli_wu * crop / 1000).max(1),
                    };
                    self.send(Event::AuditDrawn {
                        attempt,
                        crop: spec.tile,
                        work,
                    });
                } else {
                    self.send(Event::NoAudit { attempt });
                }
            }
            Action::Judge(audit, of) => {
                let name = |id: AttemptId, farm: &Farm| farm.attempt(id).unwrap().node.as_bytes()[0];
                let renderer = &self.machines[&name(of, &self.farm)];
                let auditor = &self.machines[&name(audit, &self.farm)];
                let differs = renderer.cheats != auditor.cheats || auditor.slanders;
                let verdict = if differs {
                    AuditVerdict::Failed
                } else {
                    AuditVerdict::Passed
                };
                self.send(Event::AuditJudged {
                    attempt: audit,
                    verdict,
                });
            }
            Action::Tick => {
                self.send(Event::Tick);
                self.at(1000, Action::Tick);
            }
            Action::Restart => {
                // The requestor's process is killed and rebuilt from its journal; providers live on and come back.
                let mut farm = Farm::new(&self.plan, self.farm.policy().clone()).unwrap();
                for (time, event) in &self.journal {
                    step(&mut farm, event.clone(), UnixMillis(*time));
                }
                assert_eq!(farm, self.farm, "a replayed farm differs");
                self.farm = farm;
                self.send(Event::RequestorRestarted);
                let names: Vec<u8> = self
                    .live
                    .iter()
                    .filter(|(_, live)| live.up)
                    .map(|(name, _)| *name)
                    .collect();
                for name in names {
                    self.live.get_mut(&name).unwrap().pull_open = false;
                    let info = self.machines[&name].info();
                    self.send(Event::ProviderJoined(info));
                    let life = self.live[&name].life;
                    self.at(5, Action::Pull(name, life));
                }
            }
        }
    }

    fn pull(&mut self, name: u8, life: u64) {
        let node = self.machines[&name].id();
        let live = self.live.get_mut(&name).unwrap();
        if live.life != life || !live.up || live.pull_open || live.dismissed || !live.queue.is_empty() {
            return;
        }
        live.pull_open = true;
        let held = live
            .queue
            .iter()
            .map(|grant| grant.attempt)
            .chain(live.running)
            .chain(live.undelivered.iter().copied());
        let (held, warm, warm_frame) = (held.collect(), live.warm, live.frame);
        self.send(Event::Pulled {
            node,
            warm,
            warm_frame,
            held,
        });
    }

    /// Starts the next task of a machine, and asks for more when nothing waits behind it.
    fn advance(&mut self, name: u8) {
        let machine = self.machines[&name].clone();
        let live = self.live.get_mut(&name).unwrap();
        let life = live.life;
        if live.up
            && live.running.is_none()
            && let Some(grant) = live.queue.pop_front()
        {
            live.running = Some(grant.attempt);
            let spec = *self.plan.task(grant.task).unwrap();
            let work = match grant.purpose {
                Purpose::Render => self.truth.get(&grant.task).copied().unwrap_or(spec.work.milli_wu),
                Purpose::Audit { .. } => grant.work.milli_wu,
            };
            let mut ms = work * 1000 / machine.speed.max(1);
            if !std::mem::replace(&mut live.warm, true) {
                ms += machine.setup_ms;
            }
            if live.frame.replace(spec.frame) != Some(spec.frame) {
                ms += machine.frame_ms;
            }
            self.cost.insert(grant.attempt, ms);
            if !machine.hangs {
                self.at(ms, Action::Finish(name, life, grant.attempt));
            }
        }

        if self.live[&name].queue.is_empty() {
            self.at(u64::from(machine.rtt_ms), Action::Pull(name, life));
        }
    }

    fn finish(&mut self, name: u8, life: u64, attempt: AttemptId) {
        let machine = self.machines[&name].clone();
        let live = self.live.get_mut(&name).unwrap();
        if live.life != life || live.running != Some(attempt) {
            return;
        }
        live.running = None;
        let ms = self.cost[&attempt];
        self.busy_ms += ms;
        if self.dice.below(1000) < machine.fails_permille {
            let (kind, message) = (FailureKind::Transient, "SIGABRT".to_owned());
            self.send(Event::Failed {
                node: machine.id(),
                attempt,
                kind,
                message,
            });
        } else {
            self.live.get_mut(&name).unwrap().undelivered.insert(attempt);
            let receipt = ReceiptSummary {
                cpu: CpuTime {
                    millis: ms.saturating_sub(machine.setup_ms),
                },
                bytes: Bytes(1000),
            };
            self.send(Event::Committed {
                node: machine.id(),
                attempt,
                receipt,
            });
        }
        self.advance(name);
    }

    fn perform(&mut self, effect: Effect) {
        match effect {
            Effect::Lease { node, tasks, .. } => {
                let name = node.as_bytes()[0];
                let live = self.live.get_mut(&name).unwrap();
                if !live.up || !live.pull_open {
                    // The answer is lost with the connection.
                    return;
                }
                live.pull_open = false;
                live.queue.extend(tasks);
                self.advance(name);
            }
            Effect::Dismiss { node, .. } => {
                let live = self.live.get_mut(&node.as_bytes()[0]).unwrap();
                live.dismissed = true;
                live.pull_open = false;
            }
            Effect::Collect { node, attempt, .. } => {
                let name = node.as_bytes()[0];
                let (life, ms) = (self.live[&name].life, self.machines[&name].upload_ms);
                self.at(ms, Action::Deliver(name, life, attempt));
            }
            Effect::Discard { node, attempt, .. } | Effect::AlreadyHere { node, attempt, .. } => {
                self.live
                    .get_mut(&node.as_bytes()[0])
                    .unwrap()
                    .undelivered
                    .remove(&attempt);
            }
            Effect::Revoke { node, attempt, .. } => {
                let name = node.as_bytes()[0];
                self.live
                    .get_mut(&name)
                    .unwrap()
                    .queue
                    .retain(|grant| grant.attempt != attempt);
                self.advance(name);
            }
            Effect::DrawAudit {
                attempt,
                task,
                results_before,
                ..
            } => self.at(0, Action::Draw(attempt, task, results_before)),
            Effect::JudgeAudit { attempt, of, .. } => self.at(0, Action::Judge(attempt, of)),
            Effect::AcceptTask {
                task,
                attempt,
                node,
                amount,
                ..
            } => {
                assert_eq!(self.accepted.insert(task, attempt), None, "{task} was paid twice");
                *self.paid.entry(node).or_default() += amount.0;
                self.useful_ms += self.cost[&attempt];
            }
            Effect::PayAudit { node, amount, .. } => *self.paid.entry(node).or_default() += amount.0,
            Effect::JobComplete { paid, .. } | Effect::JobFailed { paid, .. } => {
                assert!(!self.over, "the job ended twice");
                assert_eq!(paid.0, self.paid.values().sum::<u128>(), "the sum is not exact");
                self.over = true;
            }
            Effect::Wait { .. } | Effect::RejectAttempt { .. } | Effect::TaskFailed { .. } | Effect::Exclude { .. } => {
            }
        }
    }

    /// Every task accepted once, and nothing left over.
    pub fn assert_complete(&self) {
        assert_eq!(*self.farm.phase(), rayswarm_scheduler::Phase::Complete);
        assert_eq!(self.accepted.len(), self.plan.tasks.len());
        for (task, attempt) in &self.accepted {
            assert_eq!(self.farm.winner(*task), Some(*attempt));
        }
    }
}
