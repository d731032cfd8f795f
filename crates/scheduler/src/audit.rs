//! Who checks whom, and what follows.
//!
//! An audit goes to a provider of another node *and* another account than the renderer's, of the same comparison class
//! where one is there in time (pixels must then be equal), with the frame in memory where possible. The requestor's own
//! machine audits what no other provider can. One auditor's word rejects nothing while somebody else could be asked: a
//! difference goes to a second auditor, and whoever is contradicted bears it. A drawn audit that nobody can judge, the
//! requestor's own machine included, is recorded as inconclusive and the result counts: silence is acceptance, rejection
//! needs evidence.

use crate::{
    attempt::{AttemptState, Purpose},
    effect::Effect,
    event::{AuditVerdict, Role},
    farm::{Farm, index, millis},
    grant::Planned,
    lifecycle::{accept, give_up},
    membership::{exclude, note_failure},
    node::Node,
    reason::{AuditOutcome, Reason},
};
use rayswarm_model::{Amount, AttemptId, NodeId, Rect, UnixMillis, Work, settings::Device};
use serde::{Deserialize, Serialize};

/// Audits in one lease at most; the next pull brings more.
pub(crate) const PER_LEASE_MAX: usize = 16;
/// Waiting audits looked at for one provider.
const LOOKED_AT_MAX: usize = 256;
/// Auditors that may fail to judge a result before only the requestor's own machine is asked, if it can judge at all.
const FRUITLESS_MAX: u32 = 3;
/// Results of a provider rejected on one word each before it is shut out.
const STRIKES_MAX: u32 = 2;
/// Audits of a provider contradicted by others before it is shut out.
const FALSE_ALARMS_MAX: u32 = 2;
/// How much longer than others the requestor's own machine leaves an audit alone: it should render nothing while there
/// are providers.
const OWN_PATIENCE: u64 = 2;

/// An undecided audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AuditCase {
    pub(crate) frame: i32,
    crop: Rect,
    work: Work,
    since: UnixMillis,
    /// The attempt under way.
    pub(crate) attempt: Option<AttemptId>,
    /// Auditors that were asked.
    asked: Vec<NodeId>,
    /// Audits that found a difference.
    differences: Vec<AttemptId>,
    /// Auditors that could not judge, failed or vanished.
    fruitless: u32,
}

/// The draw fell on a delivered result.
pub(crate) fn drawn(farm: &mut Farm, id: AttemptId, crop: Rect, work: Work, now: UnixMillis) {
    let drawable = |a: &&crate::Attempt| a.state == AttemptState::Delivered && a.purpose.is_render();
    let Some(task) = farm.attempt(id).filter(drawable).map(|attempt| attempt.task) else {
        return;
    };
    let Some(frame) = farm.tasks.get(index(task.0)).map(|task| task.frame) else {
        return;
    };
    if let Some(attempt) = farm.attempt_mut(id) {
        attempt.state = AttemptState::Auditing;
    }
    let (asked, differences) = (Vec::new(), Vec::new());
    farm.audits.insert(
        id,
        AuditCase {
            frame,
            crop,
            work,
            since: now,
            attempt: None,
            asked,
            differences,
            fruitless: 0,
        },
    );
    farm.waiting_audits.insert((frame, id));
    farm.work_arrived = true;
}

/// Audits a provider should do now; those of the frame it has in memory first.
pub(crate) fn plan(farm: &Farm, auditor: NodeId, now: UnixMillis) -> Vec<Planned> {
    let Some(node) = farm.nodes.get(&auditor) else {
        return Vec::new();
    };
    let own = node.frame.unwrap_or(i32::MIN);
    let from_own = farm.waiting_audits.range((own, AttemptId(0))..);
    let before = farm.waiting_audits.range(..(own, AttemptId(0)));
    let waiting = from_own.chain(before).take(LOOKED_AT_MAX);
    let suitable = waiting.filter_map(|(_, of)| {
        let reason = suits(farm, auditor, node, *of, now)?;
        let case = farm.audits.get(of)?;
        let task = farm.attempt(*of)?.task;
        Some(Planned {
            task,
            purpose: Purpose::Audit {
                of: *of,
                crop: case.crop,
            },
            work: case.work,
            reason,
        })
    });
    suitable.take(PER_LEASE_MAX).collect()
}

/// Why a provider is the one to audit a result now, if it is.
fn suits(farm: &Farm, auditor: NodeId, node: &Node, of: AttemptId, now: UnixMillis) -> Option<Reason> {
    let case = farm.audits.get(&of)?;
    if !may_audit(farm, auditor, node, of) {
        return None;
    }
    let waited = millis(now.since(case.since));
    let patience = if farm.pool.is_empty() {
        farm.policy.audit_patience_tail_ms
    } else {
        farm.policy.audit_patience_ms
    };
    let second = case
        .differences
        .last()
        .and_then(|audit| farm.attempt(*audit))
        .map(|audit| audit.node);
    let renderer = farm.nodes.get(&farm.attempt(of)?.node)?;
    let tired = case.fruitless >= FRUITLESS_MAX;
    if node.info.role == Role::OwnAuditor {
        // Its word is final, so it is the best second opinion there is.
        let needed = second.is_some() || tired || waited >= patience * OWN_PATIENCE || !others_may(farm, of);
        return needed.then(|| second.map_or(Reason::AuditByRequestor, |after| Reason::SecondOpinion { after }));
    }
    if tired {
        return None;
    }
    let same_class = node.info.class == renderer.info.class;
    if !same_class && waited < patience && peers_in_class(farm, renderer) {
        return None;
    }
    Some(match second {
        Some(after) => Reason::SecondOpinion { after },
        None if same_class => Reason::AuditWithinClass,
        None => Reason::AuditAcrossClasses,
    })
}

/// Whether a provider may judge a result at all.
fn may_audit(farm: &Farm, auditor: NodeId, node: &Node, of: AttemptId) -> bool {
    let Some(rendered) = farm.attempt(of) else { return false };
    let Some(renderer) = farm.nodes.get(&rendered.node) else {
        return false;
    };
    if !node.is_connected() || auditor == rendered.node {
        return false;
    }
    if farm.audits.get(&of).is_some_and(|case| case.asked.contains(&auditor)) {
        return false;
    }
    let comparable = node.info.class == renderer.info.class
        || (node.info.device == Device::Cpu && renderer.info.device == Device::Cpu);
    // The requestor's own machine is believed whoever it pays.
    let independent = node.info.role == Role::OwnAuditor || node.info.account != renderer.info.account;
    comparable && independent
}

/// Whether a provider may do an audit instead of the one that has it: without loss, so within the renderer's class if
/// that one is.
pub(crate) fn may_take_over(farm: &Farm, auditor: NodeId, audit: AttemptId) -> bool {
    let Some((of, has)) = farm.attempt(audit).and_then(|attempt| match attempt.purpose {
        Purpose::Audit { of, .. } => Some((of, attempt.node)),
        Purpose::Render => None,
    }) else {
        return false;
    };
    let class = |id: NodeId| farm.nodes.get(&id).map(|node| node.info.class);
    let renderer = farm.attempt(of).and_then(|attempt| class(attempt.node));
    let Some(node) = farm.nodes.get(&auditor) else {
        return false;
    };
    let as_good = Some(node.info.class) == renderer || class(has) != renderer;
    as_good && node.info.role == Role::Provider && may_audit(farm, auditor, node, of)
}

/// Whether some other connected provider of the renderer's class belongs to another account.
fn peers_in_class(farm: &Farm, renderer: &Node) -> bool {
    let accounts = farm.classes.get(&renderer.info.class);
    accounts.is_some_and(|accounts| accounts.keys().any(|account| *account != renderer.info.account))
}

/// Whether a provider other than the requestor's own machine could judge a result.
fn others_may(farm: &Farm, of: AttemptId) -> bool {
    let other = |(id, node): (&NodeId, &Node)| node.info.role == Role::Provider && may_audit(farm, *id, node, of);
    farm.nodes.iter().any(other)
}

/// Whether the requestor's own machine could still judge a result. While it can, no silence of others makes it count.
fn own_may(farm: &Farm, of: AttemptId) -> bool {
    let own = |(id, node): (&NodeId, &Node)| node.info.role == Role::OwnAuditor && may_audit(farm, *id, node, of);
    farm.nodes.iter().any(own)
}

fn anyone_may(farm: &Farm, of: AttemptId) -> bool {
    farm.nodes.iter().any(|(id, node)| may_audit(farm, *id, node, of))
}

/// An audit was given to a provider.
pub(crate) fn given(farm: &mut Farm, of: AttemptId, audit: AttemptId) {
    let auditor = farm.attempt(audit).map(|attempt| attempt.node);
    if let Some(case) = farm.audits.get_mut(&of) {
        case.attempt = Some(audit);
        case.asked.extend(auditor);
        farm.waiting_audits.remove(&(case.frame, of));
    }
}

/// An audit under way came to nothing: others may try.
pub(crate) fn reopen(farm: &mut Farm, of: AttemptId, audit: AttemptId, state: AttemptState) {
    let Some(case) = farm.audits.get_mut(&of).filter(|case| case.attempt == Some(audit)) else {
        return;
    };
    case.attempt = None;
    // An auditor that merely vanished, or never heard of it, may be asked again; that is no judgement.
    match state {
        AttemptState::Lost | AttemptState::Revoked => {
            case.asked.pop();
        }
        _ => case.fruitless += 1,
    }
    farm.waiting_audits.insert((case.frame, of));
    farm.work_arrived = true;
}

/// A result needs no audit any more: it was decided, or another was verified first.
pub(crate) fn close(farm: &mut Farm, of: AttemptId, now: UnixMillis, effects: &mut Vec<Effect>) {
    let Some(case) = farm.audits.remove(&of) else { return };
    farm.waiting_audits.remove(&(case.frame, of));
    if let Some(audit) = case.attempt {
        give_up(
            farm,
            audit,
            AttemptState::Superseded,
            Reason::AuditNotNeeded,
            now,
            effects,
        );
    }
}

/// An audit was compared with what it audits.
pub(crate) fn judged(
    farm: &mut Farm,
    audit: AttemptId,
    verdict: AuditVerdict,
    now: UnixMillis,
    effects: &mut Vec<Effect>,
) {
    let Some((of, auditor)) = farm.attempt(audit).and_then(|attempt| match attempt.purpose {
        Purpose::Audit { of, .. } if attempt.state == AttemptState::Delivered => Some((of, attempt.node)),
        _ => None,
    }) else {
        return;
    };
    let Some(case) = farm.audits.get_mut(&of).filter(|case| case.attempt == Some(audit)) else {
        return;
    };
    case.attempt = None;
    if let Some(attempt) = farm.attempt_mut(audit) {
        attempt.state = AttemptState::Verified;
        attempt.ended = Some((now, Reason::AuditServed));
    }
    match verdict {
        AuditVerdict::Passed => passed(farm, of, audit, now, effects),
        AuditVerdict::Failed => differs(farm, of, audit, auditor, now, effects),
        AuditVerdict::Inconclusive => {
            if let Some(case) = farm.audits.get_mut(&of) {
                case.fruitless += 1;
            }
            ask_on(farm, of, now, effects);
        }
    }
}

/// Agreement: nobody can agree by chance, so the result counts, and earlier differences were false alarms.
fn passed(farm: &mut Farm, of: AttemptId, audit: AttemptId, now: UnixMillis, effects: &mut Vec<Effect>) {
    pay(farm, audit, effects);
    let alarms = farm
        .audits
        .get(&of)
        .map(|case| case.differences.clone())
        .unwrap_or_default();
    accept(farm, of, AuditOutcome::Passed, now, effects);
    for alarm in alarms {
        let Some(auditor) = farm.attempt(alarm).map(|attempt| attempt.node) else {
            continue;
        };
        let Some(node) = farm.nodes.get_mut(&auditor) else {
            continue;
        };
        node.false_alarms += 1;
        let count = node.false_alarms;
        if count >= FALSE_ALARMS_MAX {
            exclude(farm, auditor, Reason::FalseAlarms { count }, now, effects);
        }
    }
}

/// A difference: final when the requestor's own machine or a second auditor found it; else somebody else is asked.
fn differs(
    farm: &mut Farm,
    of: AttemptId,
    audit: AttemptId,
    auditor: NodeId,
    now: UnixMillis,
    effects: &mut Vec<Effect>,
) {
    let Some(case) = farm.audits.get_mut(&of) else { return };
    case.differences.push(audit);
    let believed = farm
        .nodes
        .get(&auditor)
        .is_some_and(|node| node.info.role == Role::OwnAuditor);
    let confirmed = believed || farm.audits.get(&of).is_some_and(|case| case.differences.len() > 1);
    if confirmed || !anyone_may(farm, of) {
        reject(farm, of, auditor, confirmed, now, effects);
    } else {
        wait_on(farm, of);
    }
}

/// Asks the next auditor, or decides if there is none or enough have tried.
fn ask_on(farm: &mut Farm, of: AttemptId, now: UnixMillis, effects: &mut Vec<Effect>) {
    let tired = farm.audits.get(&of).is_none_or(|case| case.fruitless >= FRUITLESS_MAX);
    if tired && !own_may(farm, of) || !anyone_may(farm, of) {
        decide_without_auditor(farm, of, now, effects);
    } else {
        wait_on(farm, of);
    }
}

fn wait_on(farm: &mut Farm, of: AttemptId) {
    if let Some(case) = farm.audits.get(&of) {
        farm.waiting_audits.insert((case.frame, of));
        farm.work_arrived = true;
    }
}

/// Nobody else can judge: a difference that was found stands unconfirmed, otherwise the result counts.
pub(crate) fn decide_without_auditor(farm: &mut Farm, of: AttemptId, now: UnixMillis, effects: &mut Vec<Effect>) {
    let difference = farm.audits.get(&of).and_then(|case| case.differences.last().copied());
    match difference.and_then(|audit| farm.attempt(audit)).map(|audit| audit.node) {
        Some(auditor) => reject(farm, of, auditor, false, now, effects),
        None => accept(farm, of, AuditOutcome::Inconclusive, now, effects),
    }
}

/// A result is not paid. Its provider does not get the task again, and nothing at all once that is certain.
fn reject(
    farm: &mut Farm,
    of: AttemptId,
    auditor: NodeId,
    confirmed: bool,
    now: UnixMillis,
    effects: &mut Vec<Effect>,
) {
    let Some((task_id, node)) = farm.attempt(of).map(|attempt| (attempt.task, attempt.node)) else {
        return;
    };
    if confirmed {
        for audit in farm
            .audits
            .get(&of)
            .map(|case| case.differences.clone())
            .unwrap_or_default()
        {
            pay(farm, audit, effects);
        }
    }
    let reason = Reason::AuditFailed { auditor, confirmed };
    effects.push(Effect::RejectAttempt {
        task: task_id,
        attempt: of,
        node,
        reason: reason.clone(),
    });
    if let Some(task) = farm.task_mut(task_id) {
        task.refuse(node, true);
        task.last_failure = reason.to_string();
    }
    farm.troubled.insert(task_id);
    give_up(farm, of, AttemptState::Rejected, reason.clone(), now, effects);
    note_failure(farm, node, now);
    let Some(renderer) = farm.nodes.get_mut(&node) else {
        return;
    };
    renderer.strikes += 1;
    if confirmed || renderer.strikes >= STRIKES_MAX {
        exclude(farm, node, reason, now, effects);
    }
}

/// Pays for an audit, as far as the budget reaches beyond what all unverified tasks may still cost.
fn pay(farm: &mut Farm, audit: AttemptId, effects: &mut Vec<Effect>) {
    let Some(attempt) = farm.attempt(audit).cloned() else {
        return;
    };
    let price = attempt.price.of_floor(attempt.work);
    let spare = farm.policy.budget.map(|budget| {
        let reserved = farm.policy.price_cap.of_floor(Work {
            milli_wu: farm.unverified_milli_wu,
        });
        budget
            .checked_minus(farm.paid)
            .and_then(|rest| rest.checked_minus(reserved))
            .unwrap_or_default()
    });
    let amount = spare.map_or(price, |spare| price.min(spare));
    let (pay_audits, paid) = (farm.policy.pay_audits, farm.paid);
    let Some(node) = farm.nodes.get_mut(&attempt.node) else {
        return;
    };
    node.audits += 1;
    if !pay_audits || node.info.role == Role::OwnAuditor || amount == Amount::ZERO {
        return;
    }
    node.paid = node.paid.checked_plus(amount).unwrap_or(node.paid);
    farm.paid = paid.checked_plus(amount).unwrap_or(paid);
    let (node, account) = (attempt.node, node.info.account);
    effects.push(Effect::PayAudit {
        attempt: audit,
        node,
        account,
        amount,
        reason: Reason::AuditServed,
    });
}

/// Decides audits that waited too long or that nobody is left to judge. One that the requestor's own machine can do waits
/// for it, however long its turn takes: a provider that makes others stay silent must not be paid for it.
pub(crate) fn tick(farm: &mut Farm, now: UnixMillis, effects: &mut Vec<Effect>) {
    let max = farm.policy.audit_wait_ms_max;
    let late = |of: &AttemptId| {
        farm.audits.get(of).is_none_or(|case| {
            let waited = millis(now.since(case.since));
            let hopeless = waited >= farm.policy.stall_ms && !anyone_may(farm, *of);
            (waited >= max || case.fruitless >= FRUITLESS_MAX || hopeless) && !own_may(farm, *of)
        })
    };
    let overdue: Vec<AttemptId> = farm.waiting_audits.iter().map(|(_, of)| *of).filter(late).collect();
    for of in overdue {
        decide_without_auditor(farm, of, now, effects);
    }
}
