//! Who gets what: speed-weighted factoring on pull.
//!
//! A provider that asks gets a share of the remaining work in proportion to its speed: half of it all together, at most
//! two minutes' worth, at least one task. Shares shrink as work runs out, so that everybody ends at the same time; what
//! unevenness is left, [`crate::tail`] mends.

use crate::{
    attempt::{Attempt, AttemptState, Purpose},
    audit,
    effect::Effect,
    event::Role,
    farm::{Farm, Phase, index, millis},
    lease,
    node::{Node, NodeState},
    rate::scaled,
    reason::Reason,
    tail,
};
use rayswarm_model::{AttemptId, LeaseId, NodeId, TaskId, UnixMillis, Work};

/// Frames looked at when a provider has none in memory: enough to spread providers, and never a search.
const FRAMES_LOOKED_AT: usize = 32;
/// Leases a provider may have under way: the one it renders, and one prefetched.
const LEASES_MAX: usize = 2;
/// Slow providers are kept from the tail only while others take its tasks; after this many milliseconds without a grant
/// anybody gets them.
const HOLD_FOR_FASTER_MS: u64 = 30_000;
/// A provider that plays a scene in order asks again within a lease; one that does not is replaced after this.
const PLAYER_AWAY_MS_MAX: u64 = 150_000;
/// A session that just started may be this late for no reason that matters.
const OVERDUE_MS_MIN: u64 = 2_000;
/// Providers served in one step; the others are served by the next tick.
const WAKE_MAX: usize = 256;

/// Something to give to a provider.
pub(crate) struct Planned {
    pub(crate) task: TaskId,
    pub(crate) purpose: Purpose,
    pub(crate) work: Work,
    pub(crate) reason: Reason,
}

/// A provider asks for work.
pub(crate) fn pulled(
    farm: &mut Farm,
    id: NodeId,
    warm: bool,
    warm_frame: Option<i32>,
    now: UnixMillis,
    effects: &mut Vec<Effect>,
) {
    let Some(node) = farm.nodes.get_mut(&id) else {
        effects.push(wait(farm, id, Reason::NotJoined));
        return;
    };
    node.warm = warm;
    if node.queue.is_empty() {
        farm.set_frame(id, warm_frame);
    }
    if farm.is_over() {
        let reason = crate::ending::reason(farm);
        effects.push(Effect::Dismiss { node: id, reason });
        return;
    }
    if let Err(reason) = serve(farm, id, now, effects) {
        let excluded = farm
            .nodes
            .get(&id)
            .is_some_and(|node| node.state == NodeState::Excluded);
        if excluded {
            effects.push(Effect::Dismiss {
                node: id,
                reason: Reason::Excluded,
            });
        } else {
            farm.parked.insert(id);
            effects.push(wait(farm, id, reason));
        }
    }
}

fn wait(farm: &Farm, node: NodeId, reason: Reason) -> Effect {
    Effect::Wait {
        node,
        retry_ms: farm.policy.retry_ms,
        reason,
    }
}

/// Gives work that has just appeared to waiting providers, the best first.
pub(crate) fn wake(farm: &mut Farm, now: UnixMillis, effects: &mut Vec<Effect>) {
    if farm.is_over() || farm.parked.is_empty() {
        return;
    }
    let mut waiting: Vec<NodeId> = farm.parked.iter().copied().collect();
    waiting.sort_by_cached_key(|id| farm.rank(*id));
    for id in waiting.into_iter().take(WAKE_MAX) {
        serve_parked(farm, id, now, effects);
    }
    // Serving may have put tasks back (a steal that was not worth it); nobody is waiting for them who was not asked.
    farm.work_arrived = false;
}

/// Looks again whether there is something for a provider whose pull is unanswered.
pub(crate) fn serve_parked(farm: &mut Farm, id: NodeId, now: UnixMillis, effects: &mut Vec<Effect>) {
    if farm.parked.contains(&id) && serve(farm, id, now, effects).is_ok() {
        farm.parked.remove(&id);
    }
}

/// Gives a provider a lease, or says why not.
fn serve(farm: &mut Farm, id: NodeId, now: UnixMillis, effects: &mut Vec<Effect>) -> Result<(), Reason> {
    may_receive(farm, id, now)?;
    let mut planned = audit::plan(farm, id, now);
    let own_auditor = farm
        .nodes
        .get(&id)
        .is_some_and(|node| node.info.role == Role::OwnAuditor);
    if own_auditor || farm.phase != Phase::Running || farm.paused {
        if planned.is_empty() {
            return Err(idle_reason(farm, own_auditor));
        }
        lease::give(farm, id, planned, now, effects);
        return Ok(());
    }
    let mut renders = Vec::new();
    let mut refusal = Reason::AllGivenOut;
    match from_pool(farm, id, now) {
        Ok(tasks) => renders = tasks,
        Err(reason) => refusal = reason,
    }
    // Audits alone keep a provider busy for moments only; but while it has some, others may still finish by themselves.
    if renders.is_empty() && planned.is_empty() && farm.pool.is_empty() && !farm.sequential {
        renders = tail::steal(farm, id, now, effects);
        planned = tail::steal_audits(farm, id, now, effects);
        if renders.is_empty() && planned.is_empty() {
            renders.extend(tail::copy_slowest(farm, id, now));
        }
    }
    if renders.is_empty() && planned.is_empty() {
        return Err(refusal);
    }
    if farm.pool.is_empty() {
        // Towards the end pictures come first: their audits by others can then go on meanwhile.
        renders.append(&mut planned);
        planned = renders;
    } else {
        planned.append(&mut renders);
    }
    lease::give(farm, id, planned, now, effects);
    Ok(())
}

fn may_receive(farm: &Farm, id: NodeId, now: UnixMillis) -> Result<(), Reason> {
    let node = farm.nodes.get(&id).ok_or(Reason::NotJoined)?;
    match node.state {
        NodeState::Excluded => return Err(Reason::Excluded),
        NodeState::Away => return Err(Reason::NotJoined),
        NodeState::Connected => {}
    }
    if now < node.rests_until {
        return Err(Reason::Rests {
            failures: node.failures_in_row,
        });
    }
    let unfinished = |lease: &&LeaseId| {
        let attempts = farm
            .leases
            .get(lease)
            .map(|lease| &lease.attempts)
            .into_iter()
            .flatten();
        attempts
            .filter_map(|attempt| farm.attempt(*attempt))
            .any(|attempt| attempt.state == AttemptState::Queued)
    };
    if node.leases.iter().filter(unfinished).count() >= LEASES_MAX {
        return Err(Reason::HoldsEnough);
    }
    let overdue = |attempt: &AttemptId| {
        farm.attempt(*attempt)
            .is_some_and(|attempt| is_overdue(farm, attempt, now))
    };
    if node.queue.iter().take(node.slots()).any(overdue) {
        return Err(Reason::IsLate);
    }
    Ok(())
}

/// Whether an attempt takes so much longer than expected that nothing should wait behind it.
fn is_overdue(farm: &Farm, attempt: &Attempt, now: UnixMillis) -> bool {
    let Some(started) = attempt.started_at else {
        return false;
    };
    millis(now.since(started))
        > farm
            .expected_ms(attempt)
            .saturating_mul(2)
            .saturating_add(OVERDUE_MS_MIN)
}

fn idle_reason(farm: &Farm, own_auditor: bool) -> Reason {
    match &farm.phase {
        Phase::Ending { reason, .. } => reason.clone(),
        _ if own_auditor => Reason::NothingToAudit,
        _ => Reason::Paused,
    }
}

/// A share of the waiting tasks, taken out of the pool.
fn from_pool(farm: &mut Farm, id: NodeId, now: UnixMillis) -> Result<Vec<Planned>, Reason> {
    if farm.pool.is_empty() {
        return Err(Reason::AllGivenOut);
    }
    if farm.sequential && another_plays(farm, id, now) {
        return Err(Reason::AnotherRendersInOrder);
    }
    let budget = share_milli_wu(farm, id);
    let mut tasks: Vec<Planned> = Vec::new();
    let mut sum = 0u64;
    let mut cursor = farm.nodes.get(&id).and_then(|node| node.frame);
    while tasks.len() < farm.policy.lease_tasks_max {
        let Some((task, reason)) = choose(farm, id, cursor, tasks.is_empty()) else {
            break;
        };
        let Some((frame, milli_wu)) = farm.tasks.get(index(task.0)).map(|task| (task.frame, task.milli_wu)) else {
            break;
        };
        if !tasks.is_empty() && sum.saturating_add(milli_wu) > budget {
            break;
        }
        if tasks.is_empty() {
            left_to_faster(farm, id, milli_wu, now).map_or(Ok(()), Err)?;
        }
        farm.take(task);
        sum = sum.saturating_add(milli_wu);
        cursor = Some(frame);
        tasks.push(Planned {
            task,
            purpose: Purpose::Render,
            work: Work { milli_wu },
            reason,
        });
    }
    if tasks.is_empty() {
        return Err(Reason::AllGivenOut);
    }
    farm.last_grant = now;
    farm.player = Some(id);
    Ok(tasks)
}

/// Milli-WU a provider should take at once.
fn share_milli_wu(farm: &Farm, id: NodeId) -> u64 {
    let proven = farm.nodes.get(&id).is_some_and(|node| node.rate.proven());
    let longest = if proven {
        farm.policy.chunk_ms_max
    } else {
        farm.policy.unproven_chunk_ms_max
    };
    let span_ms = (scaled(farm.pool.milli_wu(), 1000, farm.rate_sum) / 2).min(longest);
    scaled(span_ms, farm.rate_of(id), 1000)
}

/// Whether a scene that must be played in order is being played elsewhere: a provider taking over would have to play it
/// from the start.
fn another_plays(farm: &Farm, id: NodeId, now: UnixMillis) -> bool {
    let renders = |attempt: &AttemptId| {
        farm.attempt(*attempt)
            .is_some_and(|attempt| attempt.purpose.is_render())
    };
    let player = farm
        .player
        .filter(|player| *player != id)
        .and_then(|player| farm.nodes.get(&player));
    player.is_some_and(|node| {
        let may_come_back = node.is_connected() && millis(now.since(farm.last_grant)) <= PLAYER_AWAY_MS_MAX;
        node.queue.iter().any(renders) || (may_come_back && now >= node.rests_until)
    })
}

/// The next task for a provider: of the frame it has in memory; else of a frame nobody is at; of it the dearest for a fast
/// provider and the cheapest for a slow one.
fn choose(farm: &Farm, id: NodeId, cursor: Option<i32>, first: bool) -> Option<(TaskId, Reason)> {
    let node = farm.nodes.get(&id)?;
    let fast = farm.sequential || farm.rate_of(id).saturating_mul(farm.rated_nodes) >= farm.rate_sum;
    let in_memory = first && node.warm && cursor.is_some();
    frames(farm, cursor).find_map(|frame| {
        let task = farm.pool.of_frame(frame, fast).find(|task| farm.may_try(id, *task))?;
        let failures = farm
            .tasks
            .get(index(task.0))
            .map_or(0, |task| task.failures + task.expiries);
        let reason = if failures > 0 {
            Reason::TriedElsewhere { failures }
        } else if farm.sequential {
            Reason::InOrderByOne
        } else if in_memory && cursor == Some(frame) {
            Reason::WarmFrame { frame }
        } else if farm.pool.is_uneven(frame) {
            if fast { Reason::HeavyToFast } else { Reason::LightToSlow }
        } else {
            Reason::NextInOrder
        };
        Some((task, reason))
    })
}

/// Frames in the order a provider at `cursor` should take them: its own; the earliest with the fewest providers among the
/// next few; then all. In order only, for scenes that must be played.
fn frames(farm: &Farm, cursor: Option<i32>) -> impl Iterator<Item = i32> + '_ {
    let all = farm.pool.frames_from(i32::MIN);
    let cursor = cursor.filter(|_| !farm.sequential);
    let own = cursor.and_then(|cursor| farm.pool.frames_from(cursor).next().filter(|frame| *frame == cursor));
    let crowd = |frame: &i32| farm.at_frame.get(frame).copied().unwrap_or(0);
    let near = farm
        .pool
        .frames_from(i32::MIN)
        .take(if farm.sequential { 1 } else { FRAMES_LOOKED_AT });
    let quiet = near.min_by_key(|frame| (crowd(frame), *frame));
    own.into_iter().chain(quiet).chain(all)
}

/// Whether faster providers will finish what is left before this one could finish one task of it.
fn left_to_faster(farm: &Farm, id: NodeId, milli_wu: u64, now: UnixMillis) -> Option<Reason> {
    let node = farm.nodes.get(&id)?;
    let would_take_ms = ready_in_ms(farm, id, node, now).saturating_add(farm.single_ms(id, milli_wu));
    // While there is enough for everybody, everybody helps.
    if would_take_ms <= scaled(farm.pool.milli_wu(), 1000, farm.rate_sum) {
        return None;
    }
    if millis(now.since(farm.last_grant)) > HOLD_FOR_FASTER_MS {
        return None;
    }
    let able = |other: &&NodeId| **other != id && farm.nodes.get(other).is_some_and(|other| helps(other, now));
    let others: Vec<NodeId> = farm.nodes.keys().filter(able).copied().collect();
    let fastest = others.iter().map(|other| farm.single_ms(*other, milli_wu)).min()?;
    let (mut rates, mut held) = (0u64, 0u64);
    for other in others {
        let rate = farm.rate_of(other);
        rates = rates.saturating_add(rate);
        held = held.saturating_add(scaled(farm.free_in_ms(other, now), rate, 1000));
    }
    let others_ms = scaled(farm.pool.milli_wu().saturating_add(held), 1000, rates).saturating_add(fastest);
    // A quarter more is within what estimates are worth.
    (would_take_ms > others_ms.saturating_mul(5) / 4).then_some(Reason::LeftToFaster {
        would_take_ms,
        others_ms,
    })
}

fn helps(node: &Node, now: UnixMillis) -> bool {
    node.is_connected() && node.info.role == Role::Provider && now >= node.rests_until
}

/// Milliseconds until a provider could begin one more task.
pub(crate) fn ready_in_ms(farm: &Farm, id: NodeId, node: &Node, now: UnixMillis) -> u64 {
    let setup = if node.queue.is_empty() {
        farm.setup_left_ms(node)
    } else {
        0
    };
    farm.free_in_ms(id, now)
        .saturating_add(setup)
        .saturating_add(u64::from(node.info.rtt_ms))
}
