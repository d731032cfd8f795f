//! The journal of a job read again: the farm and its books as they were.

use super::progress::{Progress, progress_of};
use crate::{
    clock,
    journal::JournalError,
    requestor::{board::Board, ledger::Ledger, money::Earnings, record::JobRecord},
    services::Services,
};
use rayswarm_model::Plan;
use rayswarm_scheduler::{Event, Farm, FarmError, step};

/// Progress as the journal tells it.
pub fn replay(services: &Services, record: &JobRecord, plan: &Plan) -> Result<Progress, ReplayError> {
    let replayed = Replayed::of(services, record, plan)?;
    Ok(progress_of(&replayed.farm, &replayed.ledger, clock::now()))
}

/// The farm and what it has earned everybody, as the journal tells it.
pub fn books(services: &Services, record: &JobRecord, plan: &Plan) -> Result<(Farm, Earnings), ReplayError> {
    let replayed = Replayed::of(services, record, plan)?;
    Ok((replayed.farm, replayed.ledger.earnings))
}

/// The board of a job as the journal tells it.
pub fn board(services: &Services, record: &JobRecord, plan: &Plan) -> Result<Board, ReplayError> {
    let replayed = Replayed::of(services, record, plan)?;
    let mut board = Board::of(plan);
    board.update(&replayed.farm, &replayed.ledger);
    Ok(board)
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
