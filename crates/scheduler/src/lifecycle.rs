//! The way of an attempt: committed, delivered, verified, or given up on the way.

use crate::{
    attempt::{Attempt, AttemptState, Purpose},
    audit,
    effect::Effect,
    ending,
    event::ReceiptSummary,
    farm::{Farm, Phase, index, millis},
    grant,
    lease::{hold_until_delivered, prolong},
    membership::{exclude, note_failure},
    node::{Node, NodeState},
    rate::scaled,
    reason::{AuditOutcome, Reason},
};
use rayswarm_model::{AttemptId, FailureKind, NodeId, TaskId, UnixMillis};

/// The longest message of a failure that is kept, in bytes.
const MESSAGE_BYTES_MAX: usize = 1_024;

/// A provider has rendered an attempt and wants to upload it.
pub(crate) fn committed(
    farm: &mut Farm,
    from: NodeId,
    id: AttemptId,
    receipt: ReceiptSummary,
    now: UnixMillis,
    effects: &mut Vec<Effect>,
) {
    let Some(attempt) = farm.attempt(id).filter(|attempt| attempt.node == from).cloned() else {
        effects.push(Effect::Discard {
            node: from,
            attempt: id,
            reason: Reason::NeverGranted,
        });
        return;
    };
    if attempt.state.is_here() {
        effects.push(Effect::AlreadyHere {
            node: from,
            attempt: id,
            reason: Reason::BytesArrived,
        });
        return;
    }
    if attempt.state == AttemptState::Queued {
        learn(farm, &attempt, receipt, now);
        farm.unqueue(id, now);
    }
    if let Some(reason) = unwanted(farm, id) {
        if attempt.state.is_live() {
            give_up(farm, id, AttemptState::Superseded, reason.clone(), now, &mut Vec::new());
        }
        effects.push(Effect::Discard {
            node: from,
            attempt: id,
            reason,
        });
        grant::serve_parked(farm, from, now, effects);
        return;
    }
    if let Some(attempt) = farm.attempt_mut(id) {
        attempt.state = AttemptState::Committed;
        attempt.committed = true;
        attempt.ended = None;
    }
    if attempt.purpose.is_render() {
        farm.open_results.insert(id);
        farm.take(attempt.task);
        revoke_unstarted_copies(farm, attempt.task, id, now, effects);
    }
    hold_until_delivered(farm, &attempt);
    let upload_ms = scaled(receipt.bytes.0, 1000, farm.policy.upload_bytes_per_second_min);
    prolong(farm, attempt.lease, upload_ms, now);
    effects.push(Effect::Collect {
        node: from,
        attempt: id,
        reason: Reason::ResultWanted,
    });
    grant::serve_parked(farm, from, now, effects);
}

/// Learns speed and set-up from a rendered task. Audits teach nothing: a crop is mostly the change of frame.
fn learn(farm: &mut Farm, attempt: &Attempt, receipt: ReceiptSummary, now: UnixMillis) {
    let frame = farm.tasks.get(index(attempt.task.0)).map(|task| task.frame);
    farm.set_frame(attempt.node, frame);
    let Some(node) = farm.nodes.get_mut(&attempt.node) else {
        return;
    };
    node.failures_in_row = 0;
    node.cpu = node.cpu.plus(receipt.cpu);
    let cold = !std::mem::replace(&mut node.warm, true);
    let Some(started) = attempt.started_at.filter(|_| attempt.purpose.is_render()) else {
        return;
    };
    let elapsed = millis(now.since(started));
    let stated = receipt.cpu.millis / u64::from(node.info.threads.max(1));
    let mut render_ms = elapsed;
    if cold && stated > 0 && stated < elapsed {
        // The first task includes fetching and opening the scene; what the provider states for rendering is believed
        // only this once, and only to be shorter.
        render_ms = stated;
        farm.setup_ms = scaled(farm.setup_ms, 3, 4).saturating_add((elapsed - stated) / 4);
    }
    node.rate.observe(
        attempt.work.milli_wu.saturating_mul(node.slots() as u64),
        render_ms,
        &mut farm.calibration,
    );
    farm.recount(attempt.node);
}

/// Why a result is not wanted, if it is not.
fn unwanted(farm: &Farm, id: AttemptId) -> Option<Reason> {
    let attempt = farm.attempt(id)?;
    if let Phase::Complete | Phase::Failed { .. } = farm.phase {
        return Some(ending::reason(farm));
    }
    match attempt.purpose {
        Purpose::Audit { of, .. } => {
            let current = farm.audits.get(&of).is_some_and(|case| case.attempt == Some(id));
            (!current).then_some(Reason::AuditNotNeeded)
        }
        Purpose::Render => {
            if let Some(winner) = farm.winner(attempt.task) {
                return Some(Reason::AlreadyVerified { winner });
            }
            if farm
                .nodes
                .get(&attempt.node)
                .is_some_and(|node| node.state == NodeState::Excluded)
            {
                return Some(Reason::Excluded);
            }
            if !attempt.state.is_live() && !attempt.state.is_given_up() {
                return Some(Reason::AlreadyJudged);
            }
            let here = farm.live_attempt_where(attempt.task, AttemptState::is_here);
            here.filter(|here| *here != id).map(|by| Reason::AnotherArrived { by })
        }
    }
}

/// Once a result is rendered, copies that nobody has begun are pointless. Those under way go on: the result may yet be
/// rejected.
fn revoke_unstarted_copies(farm: &mut Farm, task: TaskId, id: AttemptId, now: UnixMillis, effects: &mut Vec<Effect>) {
    let by = farm
        .attempt(id)
        .map_or(NodeId::from_bytes([0; 32]), |attempt| attempt.node);
    for copy in farm.live_attempts(task) {
        let idle = |a: &Attempt| a.state == AttemptState::Queued && a.started_at.is_none();
        if copy != id && farm.attempt(copy).is_some_and(idle) {
            give_up(
                farm,
                copy,
                AttemptState::Revoked,
                Reason::TakenOver { by },
                now,
                effects,
            );
        }
    }
}

/// The bytes of an attempt are here.
pub(crate) fn delivered(farm: &mut Farm, from: NodeId, id: AttemptId, now: UnixMillis, effects: &mut Vec<Effect>) {
    let Some(attempt) = farm.attempt(id).filter(|attempt| attempt.node == from).cloned() else {
        return;
    };
    // A delivery without a commitment before it is not one of ours. One that was given up meanwhile is welcome.
    let due = attempt.state == AttemptState::Committed || (attempt.state.is_given_up() && attempt.committed);
    if !due || unwanted(farm, id).is_some() {
        return;
    }
    farm.unlease(id);
    if let Some(attempt) = farm.attempt_mut(id) {
        attempt.state = AttemptState::Delivered;
        attempt.ended = None;
    }
    if attempt.purpose.is_render() {
        farm.open_results.insert(id);
        farm.take(attempt.task);
        revoke_unstarted_copies(farm, attempt.task, id, now, effects);
    }
    let reason = Reason::BytesArrived;
    match attempt.purpose {
        Purpose::Audit { of, .. } => effects.push(Effect::JudgeAudit {
            attempt: id,
            of,
            reason,
        }),
        Purpose::Render => {
            let Some(node) = farm.nodes.get_mut(&from) else { return };
            let results_before = node.results;
            node.results += 1;
            effects.push(Effect::DrawAudit {
                node: from,
                attempt: id,
                task: attempt.task,
                results_before,
                reason,
            });
        }
    }
}

/// The draw spared a result.
pub(crate) fn no_audit(farm: &mut Farm, id: AttemptId, now: UnixMillis, effects: &mut Vec<Effect>) {
    let drawable = farm
        .attempt(id)
        .is_some_and(|a| a.state == AttemptState::Delivered && a.purpose.is_render());
    if drawable {
        accept(farm, id, AuditOutcome::NotDrawn, now, effects);
    }
}

/// A result is verified. The first of a task is paid and used; a later one changes nothing.
pub(crate) fn accept(farm: &mut Farm, id: AttemptId, audit: AuditOutcome, now: UnixMillis, effects: &mut Vec<Effect>) {
    let Some(attempt) = farm.attempt(id).cloned() else {
        return;
    };
    audit::close(farm, id, now, effects);
    if let Some(winner) = farm.winner(attempt.task) {
        give_up(
            farm,
            id,
            AttemptState::Superseded,
            Reason::AlreadyVerified { winner },
            now,
            effects,
        );
        return;
    }
    let amount = attempt.price.of_floor(attempt.work);
    let reason = Reason::Verified { audit };
    farm.open_results.remove(&id);
    farm.take(attempt.task);
    if let Some(attempt) = farm.attempt_mut(id) {
        attempt.state = AttemptState::Verified;
        attempt.ended = Some((now, reason.clone()));
    }
    if let Some(task) = farm.task_mut(attempt.task) {
        task.winner = Some(id);
        let work = task.milli_wu;
        farm.troubled.remove(&attempt.task);
        farm.unverified_milli_wu = farm.unverified_milli_wu.saturating_sub(work);
    }
    farm.verified += 1;
    farm.paid = farm.paid.checked_plus(amount).unwrap_or(farm.paid);
    let Some(node) = farm.nodes.get_mut(&attempt.node) else {
        return;
    };
    node.verified += 1;
    node.audited += u64::from(audit == AuditOutcome::Passed);
    node.paid = node.paid.checked_plus(amount).unwrap_or(node.paid);
    let account = node.info.account;
    effects.push(Effect::AcceptTask {
        task: attempt.task,
        attempt: id,
        node: attempt.node,
        account,
        amount,
        reason,
    });
    for other in farm.live_attempts(attempt.task) {
        if other != id {
            give_up(
                farm,
                other,
                AttemptState::Superseded,
                Reason::AlreadyVerified { winner: id },
                now,
                effects,
            );
        }
    }
}

/// Ends an attempt without a verdict: takes it from its provider (with a word to it, where it may still hold it) and puts
/// its task, or its audit, back where others find it.
pub(crate) fn give_up(
    farm: &mut Farm,
    id: AttemptId,
    state: AttemptState,
    reason: Reason,
    now: UnixMillis,
    effects: &mut Vec<Effect>,
) {
    let Some(attempt) = farm.attempt(id).cloned() else {
        return;
    };
    if !attempt.state.is_live() {
        return;
    }
    if let Some(attempt) = farm.attempt_mut(id) {
        attempt.state = state;
        attempt.ended = Some((now, reason.clone()));
    }
    farm.unqueue(id, now);
    farm.unlease(id);
    farm.open_results.remove(&id);
    let reachable = farm.nodes.get(&attempt.node).is_some_and(Node::is_connected);
    let told = matches!(
        state,
        AttemptState::Revoked | AttemptState::Superseded | AttemptState::Expired
    );
    // One that holds nothing of it any more must still know that it is not paid.
    if reachable && told {
        effects.push(Effect::Revoke {
            node: attempt.node,
            attempt: id,
            reason,
        });
    }
    match attempt.purpose {
        Purpose::Render => {
            audit::close(farm, id, now, effects);
            farm.release(attempt.task);
        }
        Purpose::Audit { of, .. } => audit::reopen(farm, of, id, state),
    }
}

/// An attempt gave no usable result.
pub(crate) fn failed(
    farm: &mut Farm,
    from: NodeId,
    id: AttemptId,
    kind: FailureKind,
    message: String,
    now: UnixMillis,
    effects: &mut Vec<Effect>,
) {
    let Some(attempt) = farm
        .attempt(id)
        .filter(|a| a.node == from && a.state.is_live())
        .cloned()
    else {
        return;
    };
    if attempt.state == AttemptState::Auditing {
        // Its bytes matched and are being judged: the verdict decides, not its provider's second thoughts.
        return;
    }
    let message = shortened(message);
    let malicious = kind == FailureKind::Malicious;
    let reason = match malicious {
        true => Reason::BrokeProtocol {
            message: message.clone(),
        },
        false => Reason::AttemptFailed {
            message: message.clone(),
        },
    };
    if attempt.purpose.is_render()
        && let Some(task) = farm.task_mut(attempt.task)
    {
        task.refuse(from, malicious || kind == FailureKind::Permanent);
        task.last_failure = message;
        // What a liar says about a task says nothing about the task.
        task.failures += u32::from(!malicious);
        farm.troubled.insert(attempt.task);
    }
    give_up(farm, id, AttemptState::Failed, reason.clone(), now, effects);
    if malicious {
        exclude(farm, from, reason, now, effects);
    } else {
        note_failure(farm, from, now);
    }
    let failures = farm.tasks.get(index(attempt.task.0)).map_or(0, |task| task.failures);
    if attempt.purpose.is_render() && failures >= farm.policy.failures_max {
        fail_task(farm, attempt.task, now, effects);
    }
}

/// The first line says what failed; of the engine's log that follows, the end says why.
fn shortened(message: String) -> String {
    if message.len() <= MESSAGE_BYTES_MAX {
        return message;
    }
    let (first, log) = message.split_once('\n').unwrap_or((&message, ""));
    let first = &first[..first.floor_char_boundary(MESSAGE_BYTES_MAX / 2)];
    let room = MESSAGE_BYTES_MAX - first.len();
    let end = &log[log.ceil_char_boundary(log.len().saturating_sub(room))..];
    format!("{first}\n{end}")
}

/// A task has failed as often as it may: the job ends, unless another copy was verified meanwhile.
fn fail_task(farm: &mut Farm, id: TaskId, now: UnixMillis, effects: &mut Vec<Effect>) {
    let Some(task) = farm.tasks.get(index(id.0)) else {
        return;
    };
    // A copy that is already rendered may still save it.
    if task.winner.is_some()
        || farm
            .live_attempt_where(id, |state| state != AttemptState::Queued)
            .is_some()
    {
        return;
    }
    let message = task.last_failure.clone();
    let reason = Reason::TaskFailedTooOften {
        task: id,
        failures: task.failures,
        message,
    };
    ending::begin_for_task(farm, id, reason, now, effects);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_keeps_what_failed_and_how_the_log_ends() {
        let log: String = (0..1000).map(|line| format!("Fra:{line} Mem:200M\n")).collect();
        let kept = shortened(format!("the engine stopped by signal 6\n{log}abort: out of textures"));
        assert!(kept.starts_with("the engine stopped by signal 6\n"), "{kept}");
        assert!(kept.ends_with("abort: out of textures"), "{kept}");
        assert!(kept.len() <= MESSAGE_BYTES_MAX + 1, "{}", kept.len());
        assert_eq!(shortened("short\nlog".into()), "short\nlog");
    }
}
