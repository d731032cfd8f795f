//! One event, one step: the way of an attempt from commitment to verdict, and of providers in and out.

use crate::{
    admit::admit_price,
    attempt::{AttemptState, Purpose},
    audit,
    effect::Effect,
    ending,
    event::{Event, ProviderInfo, ReceiptSummary},
    farm::{Farm, Lease, Phase, index, millis},
    grant,
    node::{Node, NodeState},
    rate::scaled,
    reason::{AuditOutcome, Reason},
};
use rayswarm_model::{AttemptId, FailureKind, LeaseId, NodeId, TaskId, UnixMillis};
use std::time::Duration;

/// The longest message of a failure that is kept, in bytes.
const MESSAGE_BYTES_MAX: usize = 1_024;
/// The longest rest of a provider that keeps failing, as a power of two of the first.
const REST_DOUBLINGS_MAX: u32 = 6;

/// Takes one event into the farm and says what to do about it. Journal the event and its time before calling; events that
/// come late, twice or out of order change nothing that was decided.
pub fn step(farm: &mut Farm, event: Event, now: UnixMillis) -> Vec<Effect> {
    let mut effects = Vec::new();
    match event {
        Event::ProviderJoined(info) => joined(farm, info, now, &mut effects),
        Event::ProviderLeft { node, .. } => left(farm, node, now, &mut effects),
        Event::Pulled {
            node,
            warm,
            warm_frame,
            held,
        } => {
            reconcile(farm, node, &held, now, &mut effects);
            grant::pulled(farm, node, warm, warm_frame, now, &mut effects);
        }
        Event::PullClosed { node } => {
            farm.parked.remove(&node);
        }
        Event::Progress {
            node,
            attempt,
            permille,
        } => progress(farm, node, attempt, permille, now),
        Event::Committed { node, attempt, receipt } => committed(farm, node, attempt, receipt, now, &mut effects),
        Event::Delivered { node, attempt } => delivered(farm, node, attempt, now, &mut effects),
        Event::AuditDrawn { attempt, crop, work } => audit::drawn(farm, attempt, crop, work, now),
        Event::NoAudit { attempt } => no_audit(farm, attempt, now, &mut effects),
        Event::AuditJudged { attempt, verdict } => audit::judged(farm, attempt, verdict, now, &mut effects),
        Event::Failed {
            node,
            attempt,
            kind,
            message,
        } => failed(farm, node, attempt, kind, message, now, &mut effects),
        Event::RequestorRestarted => restarted(farm, now),
        Event::Tick => tick(farm, now, &mut effects),
        Event::Pause => farm.paused = true,
        Event::Resume => {
            farm.paused = false;
            farm.work_arrived = true;
        }
        Event::Cancel => ending::begin(farm, Reason::Cancelled, now, &mut effects),
        Event::DeadlineReached => ending::begin(farm, Reason::DeadlinePassed, now, &mut effects),
        Event::RetryFailed => ending::retry(farm, now),
    }
    ending::finish_if_done(farm, now, &mut effects);
    if std::mem::take(&mut farm.work_arrived) {
        grant::wake(farm, now, &mut effects);
    }
    effects
}

/// A provider is there, for the first time or again.
fn joined(farm: &mut Farm, info: ProviderInfo, now: UnixMillis, effects: &mut Vec<Effect>) {
    let id = info.node;
    if farm
        .nodes
        .get(&id)
        .is_some_and(|node| node.state == NodeState::Excluded)
    {
        effects.push(Effect::Exclude {
            node: id,
            reason: Reason::Excluded,
        });
        return;
    }
    if let Err(refusal) = admit_price(info.price, farm.policy.price_cap) {
        // It may come back with another price, so it is as good as gone, not shut out for good.
        effects.push(Effect::Exclude {
            node: id,
            reason: Reason::Refused(refusal),
        });
        if farm.nodes.contains_key(&id) {
            left(farm, id, now, effects);
        }
        return;
    }
    // Class and account may have changed with the offer: out of the counts as the old, into them as the new.
    set_state(farm, id, NodeState::Away);
    let node = farm.nodes.entry(id).or_insert_with(|| Node::new(info.clone()));
    node.rate.set_prior(info.rate_milli_wu);
    node.info = info;
    set_state(farm, id, NodeState::Connected);
    farm.work_arrived = true;
}

/// A provider is gone: everything it has not delivered goes to others.
fn left(farm: &mut Farm, id: NodeId, now: UnixMillis, effects: &mut Vec<Effect>) {
    if !farm.nodes.get(&id).is_some_and(Node::is_connected) {
        return;
    }
    set_state(farm, id, NodeState::Away);
    farm.parked.remove(&id);
    if let Some(node) = farm.nodes.get_mut(&id) {
        node.warm = false;
    }
    farm.set_frame(id, None);
    for attempt in undelivered(farm, id) {
        give_up(farm, attempt, AttemptState::Lost, Reason::ProviderGone, now, effects);
    }
}

pub(crate) fn set_state(farm: &mut Farm, id: NodeId, state: NodeState) {
    if let Some(node) = farm.nodes.get_mut(&id) {
        node.state = state;
    }
    farm.recount(id);
}

/// Attempts a provider was given whose bytes are not here.
fn undelivered(farm: &Farm, id: NodeId) -> Vec<AttemptId> {
    let leases = farm.nodes.get(&id).map(|node| &node.leases).into_iter().flatten();
    leases
        .filter_map(|lease| farm.leases.get(lease))
        .flat_map(|lease| lease.attempts.iter().copied())
        .collect()
}

/// Compares what a provider holds with what it should hold: the answer to a lost answer.
fn reconcile(farm: &mut Farm, id: NodeId, held: &[AttemptId], now: UnixMillis, effects: &mut Vec<Effect>) {
    for attempt in undelivered(farm, id) {
        if !held.contains(&attempt) {
            give_up(farm, attempt, AttemptState::Lost, Reason::NotHeld, now, effects);
        }
    }
    for &attempt_id in held {
        let Some(attempt) = farm.attempt(attempt_id).filter(|attempt| attempt.node == id) else {
            continue;
        };
        let winner = farm.winner(attempt.task).filter(|winner| *winner != attempt_id);
        if let Some(winner) = winner
            && attempt.purpose.is_render()
        {
            let reason = Reason::AlreadyVerified { winner };
            effects.push(Effect::Revoke {
                node: id,
                attempt: attempt_id,
                reason,
            });
        }
    }
}

/// A sign of life: the lease lasts as long as the attempt goes on at this pace.
fn progress(farm: &mut Farm, from: NodeId, id: AttemptId, permille: u16, now: UnixMillis) {
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
fn prolong(farm: &mut Farm, lease_id: LeaseId, extra_ms: u64, now: UnixMillis) {
    let Some(lease) = farm.leases.get(&lease_id) else {
        return;
    };
    let (node, before) = (lease.node, lease.deadline);
    let deadline = lease_deadline(farm, node, extra_ms, now);
    if deadline > before {
        farm.set_deadline(lease_id, deadline);
    }
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

/// A provider has rendered an attempt and wants to upload it.
fn committed(
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
        learn(farm, &attempt.clone(), receipt, now);
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

/// A result that was given up and comes late has a deadline again.
fn hold_until_delivered(farm: &mut Farm, attempt: &crate::Attempt) {
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

/// Learns speed and set-up from a rendered task. Audits teach nothing: a crop is mostly the change of frame.
fn learn(farm: &mut Farm, attempt: &crate::Attempt, receipt: ReceiptSummary, now: UnixMillis) {
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
        let idle = |a: &crate::Attempt| a.state == AttemptState::Queued && a.started_at.is_none();
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
fn delivered(farm: &mut Farm, from: NodeId, id: AttemptId, now: UnixMillis, effects: &mut Vec<Effect>) {
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
fn no_audit(farm: &mut Farm, id: AttemptId, now: UnixMillis, effects: &mut Vec<Effect>) {
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
    if reachable && told && attempt.state == AttemptState::Queued {
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
fn failed(
    farm: &mut Farm,
    from: NodeId,
    id: AttemptId,
    kind: FailureKind,
    mut message: String,
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
    message.truncate(message.floor_char_boundary(MESSAGE_BYTES_MAX));
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

/// Counts a failure of a provider; several in a row send it to rest, longer each time.
pub(crate) fn note_failure(farm: &mut Farm, id: NodeId, now: UnixMillis) {
    let (max, first_rest) = (farm.policy.failures_in_row_max, farm.policy.rest_ms);
    let Some(node) = farm.nodes.get_mut(&id) else { return };
    node.failures_in_row += 1;
    node.warm = false;
    if node.failures_in_row >= max {
        let rest = first_rest.saturating_mul(1 << node.rests.min(REST_DOUBLINGS_MAX));
        node.rests_until = now.after(Duration::from_millis(rest));
        node.rests += 1;
    }
}

/// Shuts a provider out: it keeps what it earned, and gets and delivers nothing more.
pub(crate) fn exclude(farm: &mut Farm, id: NodeId, reason: Reason, now: UnixMillis, effects: &mut Vec<Effect>) {
    if farm.nodes.get(&id).is_none_or(|node| node.state == NodeState::Excluded) {
        return;
    }
    for attempt in undelivered(farm, id) {
        give_up(farm, attempt, AttemptState::Revoked, Reason::Excluded, now, effects);
    }
    set_state(farm, id, NodeState::Excluded);
    farm.parked.remove(&id);
    farm.set_frame(id, None);
    effects.push(Effect::Exclude { node: id, reason });
}

/// The daemon starts again: connections are gone, leases are not. Providers go on rendering and come back.
fn restarted(farm: &mut Farm, now: UnixMillis) {
    let ids: Vec<NodeId> = farm.nodes.keys().copied().collect();
    for id in ids {
        if farm.nodes.get(&id).is_some_and(Node::is_connected) {
            set_state(farm, id, NodeState::Away);
        }
    }
    farm.parked.clear();
    // The time nobody was listening counts against no one.
    let floor = now.after(Duration::from_millis(farm.policy.lease_floor_ms));
    let early: Vec<LeaseId> = farm
        .expiries
        .range(..(floor, LeaseId(0)))
        .map(|(_, lease)| *lease)
        .collect();
    for lease in early {
        farm.set_deadline(lease, floor);
    }
}

/// Time passes: leases run out, audits grow old, waiting providers are looked at again.
fn tick(farm: &mut Farm, now: UnixMillis, effects: &mut Vec<Effect>) {
    if farm.is_over() {
        return;
    }
    if farm.policy.deadline.is_some_and(|deadline| now >= deadline) {
        ending::begin(farm, Reason::DeadlinePassed, now, effects);
    }
    while let Some(&(deadline, lease)) = farm.expiries.first() {
        if deadline > now {
            break;
        }
        expire(farm, lease, now, effects);
    }
    audit::tick(farm, now, effects);
    ending::tick(farm, now, effects);
    farm.work_arrived = true;
}

/// A lease ran out: its tasks go to others. The one its provider was at counts against both.
fn expire(farm: &mut Farm, id: LeaseId, now: UnixMillis, effects: &mut Vec<Effect>) {
    let Some(lease) = farm.leases.get(&id).cloned() else {
        farm.expiries.retain(|(_, lease)| *lease != id);
        return;
    };
    let started = |attempt: &AttemptId| {
        farm.attempt(*attempt)
            .is_some_and(|attempt| attempt.started_at.is_some())
    };
    let begun: Vec<AttemptId> = lease.attempts.iter().copied().filter(started).collect();
    for attempt in lease.attempts {
        give_up(farm, attempt, AttemptState::Expired, Reason::LeaseExpired, now, effects);
    }
    if !begun.is_empty() {
        note_failure(farm, lease.node, now);
    }
    for attempt in begun {
        let Some(task_id) = farm.attempt(attempt).filter(|a| a.purpose.is_render()).map(|a| a.task) else {
            continue;
        };
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
