//! How a job ends: complete, or failed with everybody paid for what was already rendered.

use crate::{
    attempt::AttemptState,
    audit,
    effect::Effect,
    farm::{Farm, Phase, index, millis},
    lifecycle::{accept, give_up},
    reason::{AuditOutcome, Reason},
};
use rayswarm_model::{AttemptId, TaskId, UnixMillis};

/// The job is to end without all its tasks. What is not rendered is taken back; what is, is awaited and judged.
pub(crate) fn begin(farm: &mut Farm, reason: Reason, now: UnixMillis, effects: &mut Vec<Effect>) {
    if farm.phase != Phase::Running {
        return;
    }
    farm.phase = Phase::Ending {
        reason: reason.clone(),
        since: now,
    };
    for id in queued(farm) {
        let render = farm.attempt(id).is_some_and(|attempt| attempt.purpose.is_render());
        if render {
            give_up(farm, id, AttemptState::Revoked, reason.clone(), now, effects);
        }
    }
}

/// The job is to end because of one task.
pub(crate) fn begin_for_task(
    farm: &mut Farm,
    task: TaskId,
    reason: Reason,
    now: UnixMillis,
    effects: &mut Vec<Effect>,
) {
    if farm.phase == Phase::Running {
        effects.push(Effect::TaskFailed {
            task,
            reason: reason.clone(),
        });
        begin(farm, reason, now, effects);
    }
}

/// Whether everything is decided; says so once.
pub(crate) fn finish_if_done(farm: &mut Farm, now: UnixMillis, effects: &mut Vec<Effect>) {
    if farm.is_over() {
        return;
    }
    let (paid, complete) = (farm.paid, farm.verified == farm.task_count());
    if complete {
        farm.phase = Phase::Complete;
        take_back_all(farm, now, effects);
        effects.push(Effect::JobComplete {
            paid,
            reason: Reason::AllVerified,
        });
    } else if let Phase::Ending { reason, .. } = farm.phase.clone()
        && farm.open_results.is_empty()
    {
        farm.phase = Phase::Failed { reason: reason.clone() };
        take_back_all(farm, now, effects);
        effects.push(Effect::JobFailed { paid, reason });
    }
}

/// Why the job is over or ending.
pub(crate) fn reason(farm: &Farm) -> Reason {
    match &farm.phase {
        Phase::Failed { reason } | Phase::Ending { reason, .. } => reason.clone(),
        Phase::Running | Phase::Complete => Reason::AllVerified,
    }
}

fn take_back_all(farm: &mut Farm, now: UnixMillis, effects: &mut Vec<Effect>) {
    let reason = reason(farm);
    for id in queued(farm) {
        give_up(farm, id, AttemptState::Revoked, reason.clone(), now, effects);
    }
    for node in std::mem::take(&mut farm.parked) {
        effects.push(Effect::Dismiss {
            node,
            reason: reason.clone(),
        });
    }
}

fn queued(farm: &Farm) -> Vec<AttemptId> {
    farm.nodes
        .values()
        .flat_map(|node| node.queue.iter().copied())
        .collect()
}

/// Ends drains that take too long, and jobs with a task that nobody can do.
pub(crate) fn tick(farm: &mut Farm, now: UnixMillis, effects: &mut Vec<Effect>) {
    if let Phase::Ending { since, .. } = farm.phase {
        if millis(now.since(since)) >= farm.policy.drain_ms {
            drain(farm, now, effects);
        }
        return;
    }
    let idle = |task: &TaskId| farm.live_attempts(*task).is_empty();
    let waiting: Vec<TaskId> = farm.troubled.iter().copied().filter(idle).collect();
    for id in waiting {
        if stalled(farm, id, now) {
            let message = farm
                .tasks
                .get(index(id.0))
                .map(|task| task.last_failure.clone())
                .unwrap_or_default();
            begin_for_task(farm, id, Reason::NobodyElse { task: id, message }, now, effects);
            return;
        }
    }
}

/// Whether a task has waited too long for a provider that may try it, while there are providers.
fn stalled(farm: &mut Farm, id: TaskId, now: UnixMillis) -> bool {
    let providers = farm.rated_nodes > 0;
    let hopeless = providers && farm.nodes.keys().all(|node| !farm.may_try_now(*node, id));
    let patience = farm.policy.stall_ms;
    let Some(task) = farm.task_mut(id).filter(|task| task.winner.is_none()) else {
        return false;
    };
    if !hopeless {
        task.stalled_since = None;
        return false;
    }
    let since = *task.stalled_since.get_or_insert(now);
    millis(now.since(since)) >= patience
}

/// Decides what is still open at once: results that are here are taken as they are, unless an auditor found a difference.
fn drain(farm: &mut Farm, now: UnixMillis, effects: &mut Vec<Effect>) {
    let open: Vec<AttemptId> = farm.open_results.iter().copied().collect();
    for id in open {
        match farm.attempt(id).map(|attempt| attempt.state) {
            Some(AttemptState::Committed) => {
                let reason = reason(farm);
                give_up(farm, id, AttemptState::Revoked, reason, now, effects);
            }
            Some(AttemptState::Delivered) => accept(farm, id, AuditOutcome::Inconclusive, now, effects),
            Some(AttemptState::Auditing) => audit::decide_without_auditor(farm, id, now, effects),
            _ => {}
        }
    }
}

/// The owner wants failed tasks tried again: old failures are forgotten, verified tasks stay.
pub(crate) fn retry(farm: &mut Farm, now: UnixMillis) {
    if farm.phase == Phase::Complete {
        return;
    }
    farm.phase = Phase::Running;
    farm.policy.deadline = farm.policy.deadline.filter(|deadline| now < *deadline);
    for node in farm.nodes.values_mut() {
        node.failures_in_row = 0;
        node.rests_until = UnixMillis(0);
    }
    let unfinished: Vec<TaskId> = (0u64..)
        .zip(&farm.tasks)
        .filter(|(_, task)| task.winner.is_none())
        .map(|(id, _)| TaskId(id))
        .collect();
    for id in unfinished {
        if let Some(task) = farm.task_mut(id) {
            task.failures = 0;
            task.expiries = 0;
            task.refused.clear();
            task.stalled_since = None;
        }
        farm.release(id);
    }
    farm.work_arrived = true;
}
