//! What faces read of a farm: progress, providers, the story of a task.

use crate::{
    attempt::{Attempt, AttemptState},
    event::ProviderInfo,
    farm::{Farm, Phase, index, millis},
    node::{Node, NodeState},
    policy::Policy,
    rate::scaled,
};
use rayswarm_model::{Address, Amount, AttemptId, CpuTime, NodeId, TaskId, UnixMillis, Work};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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

/// Work verified, and the time it took.
struct VerifiedSpan {
    from: UnixMillis,
    to: UnixMillis,
    milli_wu: u64,
}

impl Farm {
    /// Where the job stands.
    pub const fn phase(&self) -> &Phase {
        &self.phase
    }

    /// Whether nothing more will happen (short of a retry).
    pub const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Complete | Phase::Failed { .. })
    }

    /// Whether nothing new is given out for now.
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

    /// Thousandths of the work done. Tasks under way count as far as their providers say, results that await a verdict in
    /// full; of several copies of a task the furthest counts.
    pub fn done_permille(&self) -> u32 {
        let mut under_way: BTreeMap<TaskId, u128> = BTreeMap::new();
        let held = self.nodes.values().flat_map(|node| node.queue.iter());
        for id in held.chain(&self.open_results) {
            let Some(attempt) = self.attempt(*id).filter(|attempt| attempt.purpose.is_render()) else {
                continue;
            };
            let open = self
                .tasks
                .get(index(attempt.task.0))
                .is_some_and(|task| task.winner.is_none());
            let permille = if attempt.committed {
                1000
            } else {
                attempt.permille.min(1000)
            };
            let done = under_way.entry(attempt.task).or_default();
            *done = (*done).max(u128::from(open) * u128::from(attempt.work.milli_wu) * u128::from(permille));
        }
        let verified = u128::from(self.total_milli_wu.saturating_sub(self.unverified_milli_wu)) * 1000;
        let done = verified + under_way.values().sum::<u128>();
        u32::try_from(done / u128::from(self.total_milli_wu.max(1))).map_or(1000, |permille| permille.min(1000))
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

    /// What the attempts under way are worth, by account.
    pub fn in_flight(&self) -> BTreeMap<Address, Amount> {
        let mut worth: BTreeMap<Address, Amount> = BTreeMap::new();
        for attempt in self.attempts.iter().filter(|attempt| attempt.state.is_live()) {
            if let Some(node) = self.nodes.get(&attempt.node) {
                let sum = worth.entry(node.info.account).or_default();
                *sum = [*sum, attempt.price.of_floor(attempt.work)].into_iter().sum();
            }
        }
        worth
    }

    /// How quickly results of each node were verified, in milli-WU per second from its first task to its last verdict, as
    /// the requestor's clock has it. Nodes without a verified task are left out. What a node says of itself counts for nothing.
    pub fn verified_rates(&self) -> BTreeMap<NodeId, u64> {
        let mut spans: BTreeMap<NodeId, VerifiedSpan> = BTreeMap::new();
        for attempt in self.attempts.iter().filter(|attempt| attempt.purpose.is_render()) {
            let span = spans.entry(attempt.node).or_insert(VerifiedSpan {
                from: attempt.granted_at,
                to: attempt.granted_at,
                milli_wu: 0,
            });
            if attempt.state == AttemptState::Verified
                && let Some((ended, _)) = &attempt.ended
            {
                span.to = span.to.max(*ended);
                span.milli_wu = span.milli_wu.saturating_add(attempt.work.milli_wu);
            }
        }
        let worked = spans.into_iter().filter(|(_, span)| span.milli_wu > 0);
        worked
            .map(|(node, span)| {
                let elapsed_ms = millis(span.to.since(span.from)).max(1);
                (node, scaled(span.milli_wu, 1000, elapsed_ms).max(1))
            })
            .collect()
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
}
