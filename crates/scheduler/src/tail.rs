//! The tail: once all tasks are given out, idle providers take what waits in slow queues, then copy what is slowest.

use crate::{
    attempt::{Attempt, AttemptState, Purpose},
    audit,
    effect::Effect,
    farm::{Farm, index},
    grant::{Planned, ready_in_ms},
    lifecycle::give_up,
    node::Node,
    reason::Reason,
};
use rayswarm_model::{AttemptId, NodeId, UnixMillis, Work};

/// What a take-over must gain at least, in milliseconds, beside the round trips: below this it is noise.
const GAIN_MS_MIN: u64 = 50;
/// An audit that begins later than this on the provider that has it may go to one that is idle.
const AUDIT_WAITS_MS_MIN: u64 = 1_000;
/// A copy must be expected within this part of what the slow attempt still needs, in tenths; it costs a whole task.
const COPY_WITHIN_TENTHS: u64 = 8;

/// Tasks taken from the ends of other providers' queues, one after another, as long as that finishes them sooner.
pub(crate) fn steal(farm: &mut Farm, thief: NodeId, now: UnixMillis, effects: &mut Vec<Effect>) -> Vec<Planned> {
    let mut stolen: Vec<Planned> = Vec::new();
    let Some(mut free_ms) = farm.nodes.get(&thief).map(|node| ready_in_ms(farm, thief, node, now)) else {
        return stolen;
    };
    while stolen.len() < farm.policy.lease_tasks_max {
        let Some(take) = best_theft(farm, thief, free_ms, now) else {
            break;
        };
        let Some((task, work)) = farm.attempt(take.attempt).map(|attempt| (attempt.task, attempt.work)) else {
            break;
        };
        give_up(
            farm,
            take.attempt,
            AttemptState::Revoked,
            Reason::TakenOver { by: thief },
            now,
            effects,
        );
        if !farm.take(task) {
            // Another copy of it is alive: nothing to render twice.
            continue;
        }
        free_ms = free_ms.saturating_add(farm.single_ms(thief, work.milli_wu) / slots(farm, thief));
        let reason = Reason::Stolen {
            from: take.from,
            sooner_ms: take.sooner_ms,
        };
        stolen.push(Planned {
            task,
            purpose: Purpose::Render,
            work,
            reason,
        });
    }
    stolen
}

/// Audits that wait in the queues of others, where an idle provider can begin them at once: at the end everything waits
/// for them.
pub(crate) fn steal_audits(farm: &mut Farm, thief: NodeId, now: UnixMillis, effects: &mut Vec<Effect>) -> Vec<Planned> {
    let idle = farm.nodes.get(&thief).is_some_and(|node| node.queue.is_empty());
    let waits = |id: &AttemptId| {
        let attempt = farm
            .attempt(*id)
            .filter(|attempt| attempt.started_at.is_none() && attempt.node != thief);
        let rtt = attempt
            .and_then(|attempt| farm.nodes.get(&attempt.node))
            .map_or(0, |node| u64::from(node.info.rtt_ms));
        attempt.is_some_and(|attempt| {
            let before_ms = farm
                .free_in_ms(attempt.node, now)
                .saturating_sub(farm.remaining_ms(attempt, now));
            before_ms > AUDIT_WAITS_MS_MIN + rtt
        })
    };
    if !idle {
        return Vec::new();
    }
    let given = farm.audits.values().filter_map(|case| case.attempt);
    let waiting: Vec<AttemptId> = given.filter(waits).take(audit::PER_LEASE_MAX).collect();
    for id in waiting {
        if audit::may_take_over(farm, thief, id) {
            give_up(
                farm,
                id,
                AttemptState::Revoked,
                Reason::TakenOver { by: thief },
                now,
                effects,
            );
        }
    }
    audit::plan(farm, thief, now)
}

struct Theft {
    attempt: AttemptId,
    from: NodeId,
    sooner_ms: u64,
}

/// The last waiting task of the provider that will be done last, if the thief would finish it sooner.
fn best_theft(farm: &Farm, thief: NodeId, thief_free_ms: u64, now: UnixMillis) -> Option<Theft> {
    let mut best: Option<(u64, Theft)> = None;
    for (&from, node) in farm
        .nodes
        .iter()
        .filter(|(id, node)| **id != thief && node.queue.len() > node.slots())
    {
        let done_ms = farm.free_in_ms(from, now);
        if best.as_ref().is_some_and(|(latest, _)| *latest >= done_ms) {
            continue;
        }
        let Some(attempt) = last_waiting(farm, node).filter(|attempt| farm.may_try(thief, attempt.task)) else {
            continue;
        };
        let margin = GAIN_MS_MIN + u64::from(node.info.rtt_ms);
        let starts_ms = done_ms.saturating_sub(farm.single_ms(from, attempt.work.milli_wu) / node.slots() as u64);
        let here_ms = thief_free_ms.saturating_add(farm.single_ms(thief, attempt.work.milli_wu));
        let sooner_ms = done_ms.saturating_sub(here_ms);
        // What begins before word of the theft arrives would be rendered twice.
        if sooner_ms > margin && starts_ms > margin {
            best = Some((
                done_ms,
                Theft {
                    attempt: attempt.id,
                    from,
                    sooner_ms,
                },
            ));
        }
    }
    best.map(|(_, theft)| theft)
}

/// The last task in a queue that is not begun.
fn last_waiting<'a>(farm: &'a Farm, node: &Node) -> Option<&'a Attempt> {
    let attempts = node.queue.iter().rev().filter_map(|id| farm.attempt(*id));
    attempts
        .take_while(|attempt| attempt.started_at.is_none())
        .find(|attempt| attempt.purpose.is_render())
}

/// A copy of the task that is expected to be finished last, if a fresh try would be quicker.
pub(crate) fn copy_slowest(farm: &Farm, helper: NodeId, now: UnixMillis) -> Option<Planned> {
    let free_ms = ready_in_ms(farm, helper, farm.nodes.get(&helper)?, now);
    let begun = |id: &AttemptId| farm.attempt(*id).filter(|attempt| attempt.started_at.is_some());
    let running = farm.nodes.values().flat_map(|node| node.queue.iter().filter_map(begun));
    let slow = running
        .filter(|attempt| attempt.purpose.is_render() && may_copy(farm, helper, attempt))
        // A copy that has begun is rendered to its end, and keeps its provider from the audit the original waits for.
        .filter(|attempt| !farm.may_end_any_moment(attempt, now))
        .map(|attempt| (farm.remaining_ms(attempt, now), attempt))
        .max_by_key(|(remaining_ms, attempt)| (*remaining_ms, std::cmp::Reverse(attempt.id)));
    let (remaining_ms, attempt) = slow?;
    let milli_wu = farm.tasks.get(index(attempt.task.0))?.milli_wu;
    let here_ms = free_ms.saturating_add(farm.single_ms(helper, milli_wu));
    if here_ms.saturating_add(GAIN_MS_MIN) > remaining_ms.saturating_mul(COPY_WITHIN_TENTHS) / 10 {
        return None;
    }
    Some(Planned {
        task: attempt.task,
        purpose: Purpose::Render,
        work: Work { milli_wu },
        reason: Reason::Copied {
            of: attempt.id,
            sooner_ms: remaining_ms - here_ms,
        },
    })
}

/// Copies are few, never on a provider that has one, and pointless once a result is rendered.
fn may_copy(farm: &Farm, helper: NodeId, attempt: &Attempt) -> bool {
    let live = farm.live_attempts(attempt.task);
    let all_queued_elsewhere = live
        .iter()
        .filter_map(|id| farm.attempt(*id))
        .all(|copy| copy.state == AttemptState::Queued && copy.node != helper);
    all_queued_elsewhere && live.len() < farm.policy.copies_max && farm.may_try(helper, attempt.task)
}

fn slots(farm: &Farm, id: NodeId) -> u64 {
    farm.nodes.get(&id).map_or(1, Node::slots) as u64
}
