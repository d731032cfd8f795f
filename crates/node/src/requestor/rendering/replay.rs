//! The journal of a job read again: the farm and its books as they were, and the reason of every decision.

use super::progress::{Progress, progress_of};
use crate::{
    clock,
    journal::JournalError,
    requestor::{board::Board, ledger::Ledger, record::JobRecord},
    services::Services,
};
use rayswarm_api::Time;
use rayswarm_api::task::Explanation;
use rayswarm_model::{AttemptId, Plan, TaskId, UnixMillis};
use rayswarm_scheduler::{Effect, Event, Farm, FarmError, step};

/// Progress as the journal tells it.
pub fn replay(services: &Services, record: &JobRecord, plan: &Plan) -> Result<Progress, ReplayError> {
    let replayed = Replayed::of(services, record, plan)?;
    Ok(progress_of(&replayed.farm, &replayed.ledger, clock::now()))
}

/// The board of a job as the journal tells it.
pub fn board(services: &Services, record: &JobRecord, plan: &Plan) -> Result<Board, ReplayError> {
    let replayed = Replayed::of(services, record, plan)?;
    let mut board = Board::of(plan);
    board.update(&replayed.farm, &replayed.ledger);
    Ok(board)
}

/// Every decision of the farm with its reason, recomputed from the journal; those about one task, if it is named.
pub fn explain(
    services: &Services,
    record: &JobRecord,
    plan: &Plan,
    task: Option<TaskId>,
) -> Result<Vec<Explanation>, ReplayError> {
    let mut farm = Farm::new(plan, record.policy.clone())?;
    let mut reasons = Vec::new();
    for (at, event) in services.journal.events::<Event>(record.id)? {
        for effect in step(&mut farm, event, at) {
            if !matches!(effect, Effect::Wait { .. }) {
                explain_effect(&effect, at, &mut reasons, |attempt| {
                    task.is_none_or(|task| farm.attempt(attempt).is_some_and(|known| known.task == task))
                });
            }
        }
    }
    Ok(reasons)
}

fn explain_effect(effect: &Effect, at: UnixMillis, reasons: &mut Vec<Explanation>, wanted: impl Fn(AttemptId) -> bool) {
    let text = effect.to_string();
    let (decision, reason) = text.split_once(" — ").unwrap_or((&text, ""));
    let say = |decision: String, reason: String| Explanation {
        at: Time(at),
        decision,
        reason,
    };
    let grants: Vec<Explanation> = match effect {
        Effect::Lease { tasks, .. } => {
            let wanted = tasks.iter().filter(|grant| wanted(grant.attempt));
            wanted
                .map(|grant| say(format!("  {grant}"), grant.reason.to_string()))
                .collect()
        }
        _ => Vec::new(),
    };
    // A lease is of interest for what it grants; whatever is about no attempt concerns every task.
    let shown = match effect {
        Effect::Lease { .. } => !grants.is_empty(),
        _ => effect.attempt().is_none_or(wanted),
    };
    if shown {
        reasons.push(say(decision.into(), reason.into()));
        reasons.extend(grants);
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
