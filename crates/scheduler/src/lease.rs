//! Leases: given, prolonged by signs of life, run out.

use crate::{
    attempt::{Attempt, AttemptState, Purpose},
    audit,
    effect::{Effect, Grant},
    ending,
    farm::{Farm, Lease, index},
    grant::Planned,
    lifecycle::give_up,
    membership::note_failure,
    rate::scaled,
    reason::Reason,
};
use rayswarm_model::{AttemptId, LeaseId, NodeId, TaskId, UnixMillis};
use std::time::Duration;

/// Makes a lease of what was planned, and says so.
pub(crate) fn give(farm: &mut Farm, id: NodeId, planned: Vec<Planned>, now: UnixMillis, effects: &mut Vec<Effect>) {
    let lease_id = LeaseId(farm.next_lease);
    farm.next_lease += 1;
    let mut grants = Vec::with_capacity(planned.len());
    let mut milli_wu = 0u64;
    let price = farm.nodes.get(&id).map(|node| node.info.price).unwrap_or_default();
    for Planned {
        task,
        purpose,
        work,
        reason,
    } in planned
    {
        let attempt = AttemptId(farm.attempts.len() as u64);
        farm.attempts.push(Attempt {
            id: attempt,
            task,
            node: id,
            lease: lease_id,
            purpose,
            work,
            price,
            granted_at: now,
            started_at: None,
            permille: 0,
            committed: false,
            state: AttemptState::Queued,
            reason: reason.clone(),
            ended: None,
        });
        match purpose {
            Purpose::Render => {
                if let Some(task) = farm.task_mut(task) {
                    task.attempts.push(attempt);
                    task.stalled_since = None;
                }
            }
            Purpose::Audit { of, .. } => audit::given(farm, of, attempt),
        }
        milli_wu = milli_wu.saturating_add(work.milli_wu);
        grants.push(Grant {
            attempt,
            task,
            purpose,
            work,
            reason,
        });
    }
    let last_frame = grants
        .last()
        .and_then(|grant| farm.tasks.get(index(grant.task.0)))
        .map(|task| task.frame);
    farm.set_frame(id, last_frame);
    let attempts: Vec<AttemptId> = grants.iter().map(|grant| grant.attempt).collect();
    if let Some(node) = farm.nodes.get_mut(&id) {
        node.queue.extend(&attempts);
        node.leases.insert(lease_id);
    }
    farm.begin_heads(id, now);
    let deadline = lease_deadline(farm, id, 0, now);
    farm.expiries.insert((deadline, lease_id));
    farm.leases.insert(
        lease_id,
        Lease {
            node: id,
            deadline,
            attempts: attempts.into_iter().collect(),
        },
    );
    let rate_milli_wu = farm.rate_of(id);
    let reason = match grants.as_slice() {
        [only] => only.reason.clone(),
        _ => Reason::Share {
            rate_milli_wu,
            span_ms: scaled(milli_wu, 1000, rate_milli_wu),
        },
    };
    effects.push(Effect::Lease {
        node: id,
        lease: lease_id,
        tasks: grants,
        deadline,
        reason,
    });
}

/// When a lease given or renewed now should end.
pub(crate) fn lease_deadline(farm: &Farm, id: NodeId, extra_ms: u64, now: UnixMillis) -> UnixMillis {
    let setup = farm.nodes.get(&id).map_or(0, |node| farm.setup_left_ms(node));
    let expected = farm
        .free_in_ms(id, now)
        .saturating_add(setup)
        .saturating_mul(farm.policy.lease_factor);
    now.after(Duration::from_millis(
        farm.policy
            .lease_floor_ms
            .saturating_add(expected)
            .saturating_add(extra_ms),
    ))
}

/// A sign of life: the lease lasts as long as the attempt goes on at this pace.
pub(crate) fn progress(farm: &mut Farm, from: NodeId, id: AttemptId, permille: u16, now: UnixMillis) {
    let Some(attempt) = farm.attempt_mut(id).filter(|attempt| attempt.node == from) else {
        return;
    };
    let permille = permille.min(1000);
    if attempt.state != AttemptState::Queued || permille <= attempt.permille {
        return;
    }
    attempt.permille = permille;
    let lease = attempt.lease;
    prolong(farm, lease, 0, now);
}

/// A lease lasts at least its floor plus a multiple of what its provider is expected to need, counted from now.
pub(crate) fn prolong(farm: &mut Farm, lease_id: LeaseId, extra_ms: u64, now: UnixMillis) {
    let Some(lease) = farm.leases.get(&lease_id) else {
        return;
    };
    let (node, before) = (lease.node, lease.deadline);
    let deadline = lease_deadline(farm, node, extra_ms, now);
    if deadline > before {
        farm.set_deadline(lease_id, deadline);
    }
}

/// A result that was given up and comes late has a deadline again.
pub(crate) fn hold_until_delivered(farm: &mut Farm, attempt: &Attempt) {
    let deadline = UnixMillis(0);
    let lease = farm.leases.entry(attempt.lease);
    lease
        .or_insert_with(|| Lease {
            node: attempt.node,
            deadline,
            attempts: Default::default(),
        })
        .attempts
        .insert(attempt.id);
    if let Some(node) = farm.nodes.get_mut(&attempt.node) {
        node.leases.insert(attempt.lease);
    }
}

/// Ends every lease that has run out.
pub(crate) fn expire_overdue(farm: &mut Farm, now: UnixMillis, effects: &mut Vec<Effect>) {
    while let Some(&(deadline, id)) = farm.expiries.first() {
        if deadline > now {
            break;
        }
        farm.expiries.pop_first();
        if let Some(lease) = farm.leases.get(&id).cloned() {
            expire(farm, &lease, now, effects);
        }
    }
}

/// A lease ran out: its tasks go to others. The one its provider was at counts against both.
fn expire(farm: &mut Farm, lease: &Lease, now: UnixMillis, effects: &mut Vec<Effect>) {
    let started = |attempt: &AttemptId| {
        farm.attempt(*attempt)
            .is_some_and(|attempt| attempt.started_at.is_some())
    };
    let begun: Vec<AttemptId> = lease.attempts.iter().copied().filter(started).collect();
    for &attempt in &lease.attempts {
        give_up(farm, attempt, AttemptState::Expired, Reason::LeaseExpired, now, effects);
    }
    if !begun.is_empty() {
        note_failure(farm, lease.node, now);
    }
    let renders = |attempt: &AttemptId| farm.attempt(*attempt).filter(|attempt| attempt.purpose.is_render());
    let tasks: Vec<TaskId> = begun.iter().filter_map(renders).map(|attempt| attempt.task).collect();
    for task_id in tasks {
        let max = farm.policy.expiries_max;
        let Some(task) = farm.task_mut(task_id) else { continue };
        task.expiries += 1;
        task.refuse(lease.node, false);
        if task.expiries >= max && task.winner.is_none() {
            let reason = Reason::TaskHangs {
                task: task_id,
                leases: task.expiries,
            };
            ending::begin_for_task(farm, task_id, reason, now, effects);
        }
    }
}
