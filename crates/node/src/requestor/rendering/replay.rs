//! The journal of a job read again: the farm and its books as they were, and the reason of every decision.

use super::progress::{Progress, progress_of};
use crate::{
    clock,
    journal::JournalError,
    requestor::{ledger::Ledger, record::JobRecord},
    services::Services,
};
use rayswarm_api::job::Explanation;
use rayswarm_model::{Plan, UnixMillis};
use rayswarm_scheduler::{Effect, Event, Farm, FarmError, step};

/// Progress as the journal tells it.
pub fn replay(services: &Services, record: &JobRecord, plan: &Plan) -> Result<Progress, ReplayError> {
    let replayed = Replayed::of(services, record, plan)?;
    Ok(progress_of(&replayed.farm, &replayed.ledger, clock::now()))
}

/// Every decision of the farm with its reason, recomputed from the journal.
pub fn explain(services: &Services, record: &JobRecord, plan: &Plan) -> Result<Vec<Explanation>, ReplayError> {
    let mut farm = Farm::new(plan, record.policy.clone())?;
    let mut reasons = Vec::new();
    for (at, event) in services.journal.events::<Event>(record.id)? {
        for effect in step(&mut farm, event, at) {
            if !matches!(effect, Effect::Wait { .. }) {
                explain_effect(&effect, at, &mut reasons);
            }
        }
    }
    Ok(reasons)
}

fn explain_effect(effect: &Effect, at: UnixMillis, reasons: &mut Vec<Explanation>) {
    let text = effect.to_string();
    let (decision, reason) = text.split_once(" — ").unwrap_or((&text, ""));
    reasons.push(Explanation {
        at_ms: at.0,
        decision: decision.into(),
        reason: reason.into(),
    });
    if let Effect::Lease { tasks, .. } = effect {
        reasons.extend(tasks.iter().map(|grant| Explanation {
            at_ms: at.0,
            decision: format!("  {grant}"),
            reason: grant.reason.to_string(),
        }));
    }
}

/// A farm rebuilt from its journal.
pub(super) struct Replayed {
    pub(super) farm: Farm,
    pub(super) ledger: Ledger,
    pub(super) sequence: u64,
}

impl Replayed {
    pub(super) fn of(services: &Services, record: &JobRecord, plan: &Plan) -> Result<Self, ReplayError> {
        let mut farm = Farm::new(plan, record.policy.clone())?;
        let (mut ledger, mut sequence) = (Ledger::default(), 0);
        for (at, event) in services.journal.events::<Event>(record.id)? {
            let effects = step(&mut farm, event.clone(), at);
            ledger.observe(&event, &effects);
            sequence += 1;
        }
        Ok(Self { farm, ledger, sequence })
    }
}

/// A journal that cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("the job's events cannot be read")]
    Journal(#[from] JournalError),
    /// The plan does not make a farm.
    #[error("the plan cannot be scheduled")]
    Farm(#[from] FarmError),
}
