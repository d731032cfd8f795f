//! One event, one step.

use crate::{
    audit,
    effect::Effect,
    ending,
    event::Event,
    farm::{Farm, Phase},
    grant,
    lease::{expire_overdue, progress},
    lifecycle::{committed, delivered, failed, no_audit},
    membership::{joined, left, reconcile, restarted},
    reason::Reason,
    resume,
};
use rayswarm_model::UnixMillis;

/// Takes one event into the farm and says what to do about it. Journal every event and its time before calling
/// (ticks only where [`Farm::tick_is_due`]); events that come late, twice or out of order change nothing that was decided.
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
        Event::RequestorRestarted => {
            restarted(farm, now);
            resume::outstanding(farm, &mut effects);
        }
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

impl Farm {
    /// Whether a [`Event::Tick`] could do anything now. If not, there is nothing to journal.
    pub fn tick_is_due(&self, now: UnixMillis) -> bool {
        let late = self.policy.deadline.is_some_and(|deadline| now >= deadline);
        let expired = self.expiries.first().is_some_and(|(deadline, _)| *deadline <= now);
        let somebody_waits = !self.parked.is_empty() || !self.waiting_audits.is_empty();
        let trouble = self.phase != Phase::Running || !self.troubled.is_empty();
        !self.is_over() && (late || expired || somebody_waits || trouble)
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
    expire_overdue(farm, now, effects);
    audit::tick(farm, now, effects);
    ending::tick(farm, now, effects);
    farm.work_arrived = true;
}
