//! How a job was rendered: the scheduler decides as it always does, and machines that only exist here do what it says.

use super::{SeedError, records::Shot};
use crate::requestor::ledger::Ledger;
use rayswarm_imaging::PixelCommitment;
use rayswarm_model::{
    Address, AttemptId, Bytes, ComparisonClass, CpuTime, NodeId, TaskId, UnixMillis, Work, keccak256, settings::Device,
};
use rayswarm_scheduler::{AuditVerdict, Effect, Event, Farm, Grant, ProviderInfo, ReceiptSummary, Role, step};
use rayswarm_verifier::{AuditPolicy, AuditSeed, Subject, draw};
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// Events per task beyond which the job will not end any more.
const EVENTS_PER_TASK_MAX: usize = 50;
/// Bytes of one result.
const RESULT_BYTES: Bytes = Bytes(3 << 20);
/// How long the farm is left alone when nobody has anything to do.
const PAUSE: Duration = Duration::from_secs(1);

/// A job that was rendered to its end.
pub struct History {
    /// What happened, in order.
    pub events: Vec<(UnixMillis, Event)>,
    /// Who did and earned what.
    pub ledger: Ledger,
    /// When the last task was verified.
    pub ended_at: UnixMillis,
}

/// Renders the job.
pub fn of(shot: &Shot) -> Result<History, SeedError> {
    let mut farm = Pretended {
        shot,
        farm: Farm::new(&shot.plan, shot.policy())?,
        ledger: Ledger::default(),
        events: Vec::new(),
        machines: BTreeMap::new(),
        now: shot.started_at(),
    };
    for (number, offer) in (0..).zip(shot.offers()) {
        farm.machines.insert(offer.node, Machine::default());
        farm.happens(Event::ProviderJoined(ProviderInfo {
            node: offer.node,
            account: offer.account,
            role: Role::Provider,
            class: ComparisonClass(keccak256("one kind of processor")),
            device: Device::Cpu,
            slots: 1,
            threads: offer.threads,
            rate_milli_wu: offer.benchmark_milli_wu,
            price: offer.price,
            rtt_ms: 8 + number,
            verified_before: 0,
        }));
    }
    while !farm.farm.is_over() {
        if farm.events.len() > shot.plan.tasks.len() * EVENTS_PER_TASK_MAX {
            return Err(SeedError::Unfinished {
                events: farm.events.len(),
            });
        }
        farm.goes_on();
    }
    Ok(History {
        events: farm.events,
        ledger: farm.ledger,
        ended_at: farm.now,
    })
}

/// A machine and what it still has to do.
#[derive(Default)]
struct Machine {
    queue: VecDeque<Grant>,
    /// When the one in front is half done, and when it is done.
    turns: VecDeque<UnixMillis>,
    /// Whether it has asked and got nothing yet.
    waits: bool,
}

struct Pretended<'s> {
    shot: &'s Shot,
    farm: Farm,
    ledger: Ledger,
    events: Vec<(UnixMillis, Event)>,
    machines: BTreeMap<NodeId, Machine>,
    now: UnixMillis,
}

impl Pretended<'_> {
    /// Whoever has nothing asks for work; then comes whatever is next.
    fn goes_on(&mut self) {
        let idle = |machine: &Machine| machine.queue.is_empty() && !machine.waits;
        let asking = self.machines.iter().find(|(_, machine)| idle(machine));
        if let Some(node) = asking.map(|(node, _)| *node) {
            self.machines.entry(node).or_default().waits = true;
            self.happens(Event::Pulled {
                node,
                warm: true,
                warm_frame: None,
                held: Vec::new(),
            });
            return;
        }
        self.begin_what_is_in_front();
        let next = self
            .machines
            .iter()
            .filter_map(|(node, machine)| Some((*machine.turns.front()?, *node)));
        match next.min() {
            Some((at, node)) => {
                self.now = self.now.max(at);
                self.turns(node);
            }
            None => {
                self.now = self.now.after(PAUSE);
                self.happens(Event::Tick);
            }
        }
    }

    fn begin_what_is_in_front(&mut self) {
        for (node, machine) in &mut self.machines {
            if let (true, Some(grant)) = (machine.turns.is_empty(), machine.queue.front()) {
                let span = Duration::from_millis(cpu_ms(grant.attempt, *node, grant.work) / 2 / THREADS);
                let half = self.now.after(span);
                machine.turns.extend([half, half.after(span)]);
            }
        }
    }

    /// Half of what is in front is done, or all of it.
    fn turns(&mut self, node: NodeId) {
        let Some(machine) = self.machines.get_mut(&node) else {
            return;
        };
        machine.turns.pop_front();
        let Some(grant) = machine.queue.front().cloned() else {
            return;
        };
        let attempt = grant.attempt;
        if !machine.turns.is_empty() {
            self.happens(Event::Progress {
                node,
                attempt,
                permille: 500,
            });
            return;
        }
        machine.queue.pop_front();
        let millis = cpu_ms(attempt, node, grant.work);
        self.happens(Event::Committed {
            node,
            attempt,
            receipt: ReceiptSummary {
                cpu: CpuTime { millis },
                bytes: RESULT_BYTES,
            },
        });
    }

    /// An event, and those that follow from it at once.
    fn happens(&mut self, event: Event) {
        let mut pending = VecDeque::from([event]);
        while let Some(event) = pending.pop_front() {
            let effects = step(&mut self.farm, event.clone(), self.now);
            self.ledger.observe(&event, &effects);
            self.events.push((self.now, event));
            pending.extend(effects.iter().filter_map(|effect| self.perform(effect)));
        }
    }

    fn perform(&mut self, effect: &Effect) -> Option<Event> {
        match effect {
            Effect::Lease { node, tasks, .. } => {
                let machine = self.machines.get_mut(node)?;
                machine.queue.extend(tasks.iter().cloned());
                machine.waits = false;
                None
            }
            Effect::Wait { node, .. } => {
                self.machines.get_mut(node)?.waits = true;
                None
            }
            Effect::Revoke { node, attempt, .. } => {
                let machine = self.machines.get_mut(node)?;
                if machine.queue.front().is_some_and(|front| front.attempt == *attempt) {
                    machine.turns.clear();
                }
                machine.queue.retain(|grant| grant.attempt != *attempt);
                None
            }
            Effect::Collect { node, attempt, .. } => Some(Event::Delivered {
                node: *node,
                attempt: *attempt,
            }),
            Effect::DrawAudit {
                attempt,
                task,
                results_before,
                ..
            } => self.draw(*attempt, *task, *results_before),
            Effect::JudgeAudit { attempt, .. } => Some(Event::AuditJudged {
                attempt: *attempt,
                verdict: AuditVerdict::Passed,
            }),
            _ => None,
        }
    }

    /// The draw of the node, over a commitment that stands for the pixels.
    fn draw(&self, attempt: AttemptId, task: TaskId, results_before: u64) -> Option<Event> {
        let spec = self.shot.plan.task(task)?;
        let subject = Subject {
            job: self.shot.id,
            task,
            attempt,
            commitment: PixelCommitment(keccak256(attempt.0.to_be_bytes())),
            tile: spec.tile,
        };
        let seed = AuditSeed::from_bytes(self.shot.audit_seed().0);
        let drawn = draw(&AuditPolicy::default(), &seed, &subject, results_before, None);
        Some(match drawn.crop {
            Some(crop) => {
                let milli_wu = (spec.work.milli_wu * crop.pixels() / spec.tile.pixels().max(1)).max(1);
                let work = Work { milli_wu };
                Event::AuditDrawn { attempt, crop, work }
            }
            None => Event::NoAudit { attempt },
        })
    }
}

/// Threads of each machine.
pub const THREADS: u64 = 8;

/// CPU time of an attempt: machines differ by a third, and tasks from what was expected by as much.
fn cpu_ms(attempt: AttemptId, node: NodeId, work: Work) -> u64 {
    let luck = keccak256(attempt.0.to_be_bytes())[0];
    let percent = 80 + u64::from(luck % 40) + u64::from(node.as_bytes()[0] % 30);
    (work.milli_wu * percent / 100).max(2 * THREADS)
}

/// The account of a machine.
pub fn account_of(node: NodeId) -> Address {
    Address::from_word(keccak256(node.as_bytes()))
}
