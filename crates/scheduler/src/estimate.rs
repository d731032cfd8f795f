//! What the farm expects: how long a provider takes, who is quickest, who may try what.

use crate::{
    attempt::Attempt,
    event::Role,
    farm::{Farm, Task, index, millis},
    node::Node,
    rate::scaled,
};
use rayswarm_model::{NodeId, TaskId, UnixMillis};

/// What start-up and transfer may add to any task without meaning anything.
const NOISE_MS: u64 = 1_000;

impl Farm {
    /// What orders providers that could do the same: milliseconds for an average task there, round trip and set-up
    /// included; then price; then name, so that the order never depends on chance.
    pub(crate) fn rank(&self, id: NodeId) -> (u64, u128, NodeId) {
        let Some(node) = self.nodes.get(&id) else {
            return (u64::MAX, u128::MAX, id);
        };
        let mean = self.total_milli_wu / self.task_count().max(1);
        let before = self.setup_left_ms(node).saturating_add(u64::from(node.info.rtt_ms));
        let time = self.single_ms(id, mean).saturating_add(before);
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

    /// Milliseconds an attempt is expected to take from its start, set-up included.
    pub(crate) fn expected_ms(&self, attempt: &Attempt) -> u64 {
        let setup = self.nodes.get(&attempt.node).map_or(0, |node| self.setup_left_ms(node));
        self.single_ms(attempt.node, attempt.work.milli_wu)
            .saturating_add(setup)
    }

    /// Whether an attempt takes longer than expected by no more than estimates are wrong by: its end is near then, though
    /// nobody can say how near.
    pub(crate) fn may_end_any_moment(&self, attempt: &Attempt, now: UnixMillis) -> bool {
        let elapsed = attempt.started_at.map_or(0, |started| millis(now.since(started)));
        let expected = self.expected_ms(attempt);
        attempt.permille < 100 && elapsed > expected && elapsed <= expected.saturating_mul(3) / 2 + NOISE_MS
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
        let expected = self.expected_ms(attempt);
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
}
