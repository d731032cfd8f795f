//! Providers in and out: who is there, who rests, who is shut out.

use crate::{
    admit::admit_price,
    attempt::AttemptState,
    effect::Effect,
    event::ProviderInfo,
    farm::Farm,
    lifecycle::give_up,
    node::{Node, NodeState},
    reason::Reason,
};
use rayswarm_model::{AttemptId, LeaseId, NodeId, UnixMillis};
use std::time::Duration;

/// The longest rest of a provider that keeps failing, as a power of two of the first.
const REST_DOUBLINGS_MAX: u32 = 6;

/// A provider is there, for the first time or again.
pub(crate) fn joined(farm: &mut Farm, info: ProviderInfo, now: UnixMillis, effects: &mut Vec<Effect>) {
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
pub(crate) fn left(farm: &mut Farm, id: NodeId, now: UnixMillis, effects: &mut Vec<Effect>) {
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
pub(crate) fn reconcile(farm: &mut Farm, id: NodeId, held: &[AttemptId], now: UnixMillis, effects: &mut Vec<Effect>) {
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
pub(crate) fn restarted(farm: &mut Farm, now: UnixMillis) {
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
