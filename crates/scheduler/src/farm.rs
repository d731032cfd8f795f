//! The state of one job: tasks, attempts, leases, providers.
//!
//! Changed only by [`crate::step`]; everything public here reads.

use crate::{
    attempt::{Attempt, AttemptState, Purpose},
    audit::AuditCase,
    event::{ProviderInfo, Role},
    node::{Node, NodeState},
    policy::Policy,
    pool::Pool,
    rate::{Calibration, scaled},
    reason::Reason,
};
use rayswarm_model::{
    Address, Amount, AttemptId, CpuTime, LeaseId, NodeId, Plan, TaskId, UnixMillis, Work, offer::ComparisonClass,
};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// One job's scheduling state. Serialisable, so that a journal may be shortened by a snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Farm {
    pub(crate) policy: Policy,
    /// Whether all frames must be rendered in order by one session.
    pub(crate) sequential: bool,
    pub(crate) phase: Phase,
    pub(crate) paused: bool,
    /// `tasks[i]` is the state of `TaskId(i)`.
    pub(crate) tasks: Vec<Task>,
    pub(crate) pool: Pool,
    pub(crate) nodes: BTreeMap<NodeId, Node>,
    /// `attempts[i]` is `AttemptId(i)`.
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) leases: BTreeMap<LeaseId, Lease>,
    pub(crate) next_lease: u64,
    /// Leases by when they run out.
    pub(crate) expiries: BTreeSet<(UnixMillis, LeaseId)>,
    /// Undecided audits by the attempt they check.
    pub(crate) audits: BTreeMap<AttemptId, AuditCase>,
    /// Those of them nobody renders yet, by frame.
    pub(crate) waiting_audits: BTreeSet<(i32, AttemptId)>,
    /// Render attempts that are committed, delivered or being audited.
    pub(crate) open_results: BTreeSet<AttemptId>,
    /// Providers whose pull is unanswered: work goes to them as it appears.
    pub(crate) parked: BTreeSet<NodeId>,
    /// Connected providers by class and account; who may audit whom.
    pub(crate) classes: BTreeMap<ComparisonClass, BTreeMap<Address, u32>>,
    /// How many providers are at each frame.
    pub(crate) at_frame: BTreeMap<i32, u32>,
    /// Sum of the rates of connected providers, and their number.
    pub(crate) rate_sum: u64,
    pub(crate) rated_nodes: u64,
    pub(crate) calibration: Calibration,
    /// Time from lease to first pixel on a cold provider, learned.
    pub(crate) setup_ms: u64,
    /// When a task last went to a provider.
    pub(crate) last_grant: UnixMillis,
    /// Who got tasks last: plays the frames, where that must be one.
    pub(crate) player: Option<NodeId>,
    /// Tasks that failed somewhere and have no verified result.
    pub(crate) troubled: BTreeSet<TaskId>,
    pub(crate) verified: u64,
    pub(crate) total_milli_wu: u64,
    pub(crate) unverified_milli_wu: u64,
    pub(crate) paid: Amount,
    /// Whether this step brought work that a parked provider may want.
    #[serde(skip)]
    pub(crate) work_arrived: bool,
}

/// Where a job stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Tasks are given out.
    Running,
    /// It will fail; results already committed to are awaited, judged and paid.
    Ending {
        /// Why.
        reason: Reason,
        /// Since when.
        since: UnixMillis,
    },
    /// Every task is verified.
    Complete,
    /// It ended without all its tasks.
    Failed {
        /// Why.
        reason: Reason,
    },
}

/// One task's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) frame: i32,
    pub(crate) milli_wu: u64,
    /// Attempts that render it, audits left out.
    pub(crate) attempts: Vec<AttemptId>,
    /// The verified one.
    pub(crate) winner: Option<AttemptId>,
    pub(crate) failures: u32,
    pub(crate) expiries: u32,
    /// Who failed at it.
    pub(crate) refused: Vec<Refused>,
    /// What was said last.
    pub(crate) last_failure: String,
    /// Since when nobody connected may try it.
    pub(crate) stalled_since: Option<UnixMillis>,
}

/// A provider that failed at a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Refused {
    pub(crate) node: NodeId,
    /// Whether it must not try again even if nobody else is there.
    pub(crate) for_good: bool,
}

/// One lease's state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lease {
    pub(crate) node: NodeId,
    pub(crate) deadline: UnixMillis,
    /// Attempts whose bytes are not here.
    pub(crate) attempts: BTreeSet<AttemptId>,
}

/// A job that cannot be scheduled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FarmError {
    /// Nothing to do.
    #[error("the plan has no tasks; plan at least one frame")]
    NoTasks,
    /// The budget cannot pay all tasks at the price cap.
    #[error(
        "the budget {budget} does not cover all tasks at the highest price allowed ({needed}); raise the budget or lower \
         the price cap"
    )]
    BudgetTooSmall {
        /// What escrow holds.
        budget: Amount,
        /// All work at the price cap.
        needed: Amount,
    },
}

/// A provider as faces show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeSummary {
    /// The provider.
    pub info: ProviderInfo,
    /// Where it stands.
    pub state: NodeState,
    /// Learned speed in milli-WU per second.
    pub rate_milli_wu: u64,
    /// Attempts it holds.
    pub holds: u64,
    /// Tasks verified.
    pub verified: u64,
    /// Of them, audited.
    pub audited: u64,
    /// Audits it rendered for others.
    pub audits: u64,
    /// CPU time its receipts state.
    pub cpu: CpuTime,
    /// What it earned.
    pub paid: Amount,
}

/// A task as faces show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSummary {
    /// The verified attempt.
    pub winner: Option<AttemptId>,
    /// How often it failed.
    pub failures: u32,
    /// What was said last.
    pub last_failure: String,
    /// All attempts in order, audits of its results included.
    pub attempts: Vec<Attempt>,
}

impl Farm {
    /// A farm for a plan, with all tasks waiting.
    pub fn new(plan: &Plan, policy: Policy) -> Result<Self, FarmError> {
        if plan.tasks.is_empty() {
            return Err(FarmError::NoTasks);
        }
        let total = plan.total_work();
        if let Some(budget) = policy.budget {
            let needed = policy.price_cap.of_floor(total);
            if needed > budget {
                return Err(FarmError::BudgetTooSmall { budget, needed });
            }
        }
        let mut pool = Pool::default();
        let mut tasks = Vec::with_capacity(plan.tasks.len());
        for (index, spec) in plan.tasks.iter().enumerate() {
            pool.insert(TaskId(index as u64), spec.frame, spec.work.milli_wu);
            tasks.push(Task::new(spec.frame, spec.work.milli_wu));
        }
        Ok(Self {
            setup_ms: policy.setup_ms,
            policy,
            sequential: plan.sequential,
            phase: Phase::Running,
            paused: false,
            tasks,
            pool,
            nodes: BTreeMap::new(),
            attempts: Vec::new(),
            leases: BTreeMap::new(),
            next_lease: 0,
            expiries: BTreeSet::new(),
            audits: BTreeMap::new(),
            waiting_audits: BTreeSet::new(),
            open_results: BTreeSet::new(),
            parked: BTreeSet::new(),
            classes: BTreeMap::new(),
            at_frame: BTreeMap::new(),
            rate_sum: 0,
            rated_nodes: 0,
            calibration: Calibration::default(),
            last_grant: UnixMillis(0),
            player: None,
            troubled: BTreeSet::new(),
            verified: 0,
            total_milli_wu: total.milli_wu,
            unverified_milli_wu: total.milli_wu,
            paid: Amount::ZERO,
            work_arrived: false,
        })
    }

    /// Where the job stands.
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Whether nothing more will happen (short of a retry).
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Complete | Phase::Failed { .. })
    }

    /// Whether the owner paused it.
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// How it decides.
    pub const fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Tasks in all.
    pub const fn task_count(&self) -> u64 {
        self.tasks.len() as u64
    }

    /// Tasks verified.
    pub const fn verified_count(&self) -> u64 {
        self.verified
    }

    /// Tasks nobody works on.
    pub const fn waiting_count(&self) -> u64 {
        self.pool.count()
    }

    /// Audits nobody has decided yet.
    pub fn open_audits(&self) -> u64 {
        self.audits.len() as u64
    }

    /// Everything accepted for payment so far.
    pub const fn paid(&self) -> Amount {
        self.paid
    }

    /// Work verified, and work in all.
    pub fn work_done(&self) -> (Work, Work) {
        let total = self.total_milli_wu;
        (
            Work {
                milli_wu: total.saturating_sub(self.unverified_milli_wu),
            },
            Work { milli_wu: total },
        )
    }

    /// Milliseconds until the last task is expected to be rendered, at the speeds of the providers connected now; `None`
    /// with nobody there.
    pub fn eta_ms(&self, now: UnixMillis) -> Option<u64> {
        let waiting = scaled(self.pool.milli_wu(), 1000, self.rate_sum);
        let slowest = self
            .nodes
            .iter()
            .filter(|(_, node)| node.is_connected())
            .map(|(id, _)| self.free_in_ms(*id, now));
        let held = slowest.max().unwrap_or(0);
        (self.rate_sum > 0).then(|| waiting.saturating_add(held))
    }

    /// The verified attempt of a task.
    pub fn winner(&self, task: TaskId) -> Option<AttemptId> {
        self.tasks.get(index(task.0)).and_then(|task| task.winner)
    }

    /// An attempt, past or present.
    pub fn attempt(&self, id: AttemptId) -> Option<&Attempt> {
        self.attempts.get(index(id.0))
    }

    /// Everything about one task: what `rayswarm jobs explain` tells.
    pub fn task(&self, id: TaskId) -> Option<TaskSummary> {
        let task = self.tasks.get(index(id.0))?;
        let attempts = self
            .attempts
            .iter()
            .filter(|attempt| attempt.task == id)
            .cloned()
            .collect();
        Some(TaskSummary {
            winner: task.winner,
            failures: task.failures,
            last_failure: task.last_failure.clone(),
            attempts,
        })
    }

    /// All providers this job has seen, the quickest to serve first: by learned speed and measured round-trip time, then
    /// by price.
    pub fn providers(&self) -> Vec<NodeSummary> {
        let mut ids: Vec<NodeId> = self.nodes.keys().copied().collect();
        ids.sort_by_key(|id| self.rank(*id));
        ids.iter()
            .filter_map(|id| self.nodes.get(id))
            .map(|node| self.summary(node))
            .collect()
    }

    fn summary(&self, node: &Node) -> NodeSummary {
        NodeSummary {
            info: node.info.clone(),
            state: node.state,
            rate_milli_wu: node.rate.per_second(&self.calibration),
            holds: node.queue.len() as u64,
            verified: node.verified,
            audited: node.audited,
            audits: node.audits,
            cpu: node.cpu,
            paid: node.paid,
        }
    }

    /// What orders providers that could do the same: milliseconds for an average task there, round trip and set-up
    /// included; then price; then name, so that the order never depends on chance.
    pub(crate) fn rank(&self, id: NodeId) -> (u64, u128, NodeId) {
        let Some(node) = self.nodes.get(&id) else {
            return (u64::MAX, u128::MAX, id);
        };
        let mean = self.total_milli_wu / self.task_count().max(1);
        let time = self.single_ms(id, mean) + self.setup_left_ms(node) + u64::from(node.info.rtt_ms);
        (time, node.info.price.per_wu_hour.0, id)
    }

    /// Learned speed of a provider, all slots together.
    pub(crate) fn rate_of(&self, id: NodeId) -> u64 {
        self.nodes
            .get(&id)
            .map_or(1, |node| node.rate.per_second(&self.calibration))
    }

    /// Milliseconds one task of `milli_wu` takes on one slot.
    pub(crate) fn single_ms(&self, id: NodeId, milli_wu: u64) -> u64 {
        let slots = self.nodes.get(&id).map_or(1, Node::slots) as u64;
        scaled(milli_wu, 1000 * slots, self.rate_of(id)).max(1)
    }

    /// What set-up a provider has before it.
    pub(crate) const fn setup_left_ms(&self, node: &Node) -> u64 {
        if node.warm { 0 } else { self.setup_ms }
    }

    /// Milliseconds until an attempt is expected to be rendered, once it has a slot. One that takes longer than expected
    /// is expected to take twice the excess more: slow runs tend to stay slow.
    pub(crate) fn remaining_ms(&self, attempt: &Attempt, now: UnixMillis) -> u64 {
        let single = self.single_ms(attempt.node, attempt.work.milli_wu);
        let Some(started) = attempt.started_at else {
            return single;
        };
        let elapsed = millis(now.since(started));
        let done = u64::from(attempt.permille);
        // Reports of the first tenth are mostly set-up.
        if done >= 100 {
            return scaled(elapsed, 1000u64.saturating_sub(done), done);
        }
        let setup = self.nodes.get(&attempt.node).map_or(0, |node| self.setup_left_ms(node));
        let expected = single.saturating_add(setup);
        if elapsed <= expected {
            expected - elapsed
        } else {
            (elapsed - expected).saturating_mul(2)
        }
    }

    /// Milliseconds until a provider is expected to have rendered all it holds.
    pub(crate) fn free_in_ms(&self, id: NodeId, now: UnixMillis) -> u64 {
        let Some(node) = self.nodes.get(&id) else { return 0 };
        let held = node.queue.iter().filter_map(|attempt| self.attempt(*attempt));
        held.fold(0u64, |sum, attempt| sum.saturating_add(self.remaining_ms(attempt, now))) / node.slots() as u64
    }

    /// Whether a provider may try a task: not where it failed before, unless nobody else can.
    pub(crate) fn may_try(&self, id: NodeId, task: TaskId) -> bool {
        let Some(task) = self.tasks.get(index(task.0)) else {
            return false;
        };
        match task.refused.iter().find(|refused| refused.node == id) {
            None => true,
            Some(refused) if refused.for_good => false,
            Some(_) => !self.anyone_else_for(task),
        }
    }

    /// Whether a provider is there and may try a task.
    pub(crate) fn may_try_now(&self, id: NodeId, task: TaskId) -> bool {
        let there = |node: &Node| node.is_connected() && node.info.role == Role::Provider;
        self.nodes.get(&id).is_some_and(there) && self.may_try(id, task)
    }

    /// Whether some connected provider has not failed at a task.
    pub(crate) fn anyone_else_for(&self, task: &Task) -> bool {
        self.nodes.iter().any(|(id, node)| {
            node.is_connected()
                && node.info.role == Role::Provider
                && task.refused.iter().all(|refused| refused.node != *id)
        })
    }

    /// The live attempts that render a task.
    pub(crate) fn live_attempts(&self, task: TaskId) -> Vec<AttemptId> {
        let ids = self
            .tasks
            .get(index(task.0))
            .map(|task| task.attempts.as_slice())
            .unwrap_or_default();
        ids.iter()
            .copied()
            .filter(|id| self.attempt(*id).is_some_and(|attempt| attempt.state.is_live()))
            .collect()
    }

    /// Whether one of a task's live attempts is in a state that `wanted` picks.
    pub(crate) fn live_attempt_where(&self, task: TaskId, wanted: impl Fn(AttemptState) -> bool) -> Option<AttemptId> {
        self.live_attempts(task)
            .into_iter()
            .find(|id| self.attempt(*id).is_some_and(|attempt| wanted(attempt.state)))
    }

    pub(crate) fn attempt_mut(&mut self, id: AttemptId) -> Option<&mut Attempt> {
        self.attempts.get_mut(index(id.0))
    }

    pub(crate) fn task_mut(&mut self, id: TaskId) -> Option<&mut Task> {
        self.tasks.get_mut(index(id.0))
    }

    /// Makes the sums agree with what a provider is and does now. Called after any change to its state, rate or offer.
    pub(crate) fn recount(&mut self, id: NodeId) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let counts = node.is_connected() && node.info.role == Role::Provider;
        let rate = if counts {
            node.rate.per_second(&self.calibration)
        } else {
            0
        };
        self.rate_sum = self.rate_sum.saturating_sub(node.counted_rate).saturating_add(rate);
        let before = node.counted_rate > 0;
        node.counted_rate = rate;
        let (class, account) = (node.info.class, node.info.account);
        if counts && !before {
            self.rated_nodes += 1;
            *self.classes.entry(class).or_default().entry(account).or_default() += 1;
        } else if !counts && before {
            self.rated_nodes -= 1;
            self.uncount_class(class, account);
        }
    }

    fn uncount_class(&mut self, class: ComparisonClass, account: Address) {
        let Some(accounts) = self.classes.get_mut(&class) else {
            return;
        };
        if let Some(count) = accounts.get_mut(&account) {
            *count -= 1;
            if *count == 0 {
                accounts.remove(&account);
            }
        }
        if accounts.is_empty() {
            self.classes.remove(&class);
        }
    }

    /// Notes which frame a provider works on.
    pub(crate) fn set_frame(&mut self, id: NodeId, frame: Option<i32>) {
        let Some(node) = self.nodes.get_mut(&id) else { return };
        let before = std::mem::replace(&mut node.frame, frame);
        if before == frame {
            return;
        }
        if let Some(before) = before
            && let Some(count) = self.at_frame.get_mut(&before)
        {
            *count = count.saturating_sub(1);
            if *count == 0 {
                self.at_frame.remove(&before);
            }
        }
        if let Some(frame) = frame {
            *self.at_frame.entry(frame).or_default() += 1;
        }
    }

    /// Puts a task back where it can be given out, if nobody works on it and nobody has finished it.
    pub(crate) fn release(&mut self, id: TaskId) {
        if !self.live_attempts(id).is_empty() {
            return;
        }
        let Some(task) = self.tasks.get(index(id.0)) else {
            return;
        };
        if task.winner.is_none() && self.pool.insert(id, task.frame, task.milli_wu) {
            self.work_arrived = true;
        }
    }

    /// Takes a task out of the pool.
    pub(crate) fn take(&mut self, id: TaskId) -> bool {
        match self.tasks.get(index(id.0)) {
            Some(task) => self.pool.remove(id, task.frame, task.milli_wu),
            None => false,
        }
    }

    /// Changes when a lease ends.
    pub(crate) fn set_deadline(&mut self, id: LeaseId, deadline: UnixMillis) {
        if let Some(lease) = self.leases.get_mut(&id) {
            self.expiries.remove(&(lease.deadline, id));
            lease.deadline = deadline;
            self.expiries.insert((deadline, id));
        }
    }

    /// Takes an attempt out of its provider's queue; the next one there begins.
    pub(crate) fn unqueue(&mut self, id: AttemptId, now: UnixMillis) {
        let Some(node_id) = self.attempt(id).map(|attempt| attempt.node) else {
            return;
        };
        if let Some(node) = self.nodes.get_mut(&node_id) {
            node.queue.retain(|queued| *queued != id);
        }
        self.begin_heads(node_id, now);
    }

    /// Takes an attempt out of its lease; an empty lease is done.
    pub(crate) fn unlease(&mut self, id: AttemptId) {
        let Some((lease_id, node_id)) = self.attempt(id).map(|attempt| (attempt.lease, attempt.node)) else {
            return;
        };
        let Some(lease) = self.leases.get_mut(&lease_id) else {
            return;
        };
        lease.attempts.remove(&id);
        if lease.attempts.is_empty() {
            self.expiries.remove(&(lease.deadline, lease_id));
            self.leases.remove(&lease_id);
            if let Some(node) = self.nodes.get_mut(&node_id) {
                node.leases.remove(&lease_id);
            }
        }
    }

    /// Notes that the attempts at the head of a provider's queue have begun.
    pub(crate) fn begin_heads(&mut self, id: NodeId, now: UnixMillis) {
        let Some(node) = self.nodes.get(&id) else { return };
        let heads: Vec<AttemptId> = node.queue.iter().copied().take(node.slots()).collect();
        for head in heads {
            if let Some(attempt) = self.attempt_mut(head) {
                attempt.started_at.get_or_insert(now);
            }
        }
    }
}

impl Task {
    const fn new(frame: i32, milli_wu: u64) -> Self {
        Self {
            frame,
            milli_wu,
            attempts: Vec::new(),
            winner: None,
            failures: 0,
            expiries: 0,
            refused: Vec::new(),
            last_failure: String::new(),
            stalled_since: None,
        }
    }

    pub(crate) fn refuse(&mut self, node: NodeId, for_good: bool) {
        match self.refused.iter_mut().find(|refused| refused.node == node) {
            Some(refused) => refused.for_good |= for_good,
            None => self.refused.push(Refused { node, for_good }),
        }
    }
}

impl Purpose {
    pub(crate) const fn is_render(self) -> bool {
        matches!(self, Self::Render)
    }
}

/// Ids of tasks and attempts are places in their vectors; one beyond the address space is in none.
pub(crate) fn index(id: u64) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

/// Whole milliseconds of a span.
pub(crate) fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}
