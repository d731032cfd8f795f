//! The state of one job: tasks, attempts, leases, providers.
//!
//! Changed only by [`crate::step()`]; everything public here reads.

use crate::{
    attempt::{Attempt, AttemptState, Purpose},
    audit::AuditCase,
    event::Role,
    node::Node,
    policy::Policy,
    pool::Pool,
    rate::Calibration,
    reason::Reason,
};
use rayswarm_model::{Address, Amount, AttemptId, LeaseId, NodeId, Plan, TaskId, UnixMillis, offer::ComparisonClass};
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
    /// Whether it is for the picture itself.
    pub const fn is_render(self) -> bool {
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
