//! Jobs of the past for a measurement: a data folder as a busy farm has it after a year, written before its node starts.
//!
//! Everything is written by the code that a node writes its own jobs with, and read by the node like its own. One job is
//! large and has its whole history, which the scheduler itself decided; the others are records as the journal keeps them
//! of jobs that are over, and a few that wait for their artist.

mod history;
mod records;
mod scene;

use crate::{
    clock,
    journal::{Journal, JournalError},
    requestor::plan_file,
};
use rayswarm_api::Problem;
use rayswarm_model::{JobId, UnixMillis, frames::FramesError};
use rayswarm_planner::{CostError, PlanError, QuoteError};
use rayswarm_scheduler::FarmError;
use records::Shot;
use std::{path::Path, time::Duration};

/// Jobs that wait for their artist, who may rename and pause them: at most so many.
const OPEN_MAX: u32 = 20;
/// The large job's place in the list, newest first: on its first page.
const LARGE_AT: u32 = 10;
/// Time between two jobs.
const APART: Duration = Duration::from_secs(4 * 3600);

/// What was written.
#[derive(Clone, Debug)]
pub struct Seeded {
    /// All jobs, newest first.
    pub jobs: Vec<JobId>,
    /// The job with the history.
    pub large: JobId,
    /// Its tasks.
    pub tasks: u64,
    /// Its attempts, audits among them.
    pub attempts: u64,
    /// Events in its journal.
    pub events: u64,
    /// Jobs that wait for their artist.
    pub open: Vec<JobId>,
}

/// The jobs could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The journal does not take them.
    #[error("the journal of the seeded folder cannot be written")]
    Journal(#[from] JournalError),
    /// The plan is not stored.
    #[error("a plan of the seeded folder cannot be written: {}", .0.detail)]
    Plan(Problem),
    /// A job cannot be planned.
    #[error("a job to be seeded cannot be planned")]
    NotPlanned(#[from] PlanError),
    /// A job's cost is not known.
    #[error("the cost of a job to be seeded is not known")]
    NoCost(#[from] CostError),
    /// A job cannot be quoted.
    #[error("a job to be seeded cannot be quoted")]
    NotQuoted(#[from] QuoteError),
    /// A job has no frames.
    #[error("a job to be seeded has no frames")]
    NoFrames(#[from] FramesError),
    /// Its plan cannot be scheduled.
    #[error("a job to be seeded cannot be scheduled")]
    NotScheduled(#[from] FarmError),
    /// It was not rendered to its end.
    #[error("the history of the large job stops after {events} events; its tasks cannot all be rendered")]
    Unfinished {
        /// Events until then.
        events: usize,
    },
    /// The folder cannot be made.
    #[error("{path} cannot be made; check free space and permissions")]
    Folder {
        /// Which.
        path: std::path::PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// Writes `jobs` jobs into the data folder of a node that has never started. Blocking.
pub fn seed(data_dir: &Path, jobs: u32) -> Result<Seeded, SeedError> {
    std::fs::create_dir_all(data_dir).map_err(|source| SeedError::Folder {
        path: data_dir.to_path_buf(),
        source,
    })?;
    let journal = Journal::open(&data_dir.join("journal.sqlite"))?;
    let now = clock::now();
    let jobs = jobs.max(1);
    let large_at = LARGE_AT.min(jobs - 1);
    let mut ids = Vec::new();
    let mut open = Vec::new();
    for number in (0..jobs).filter(|number| *number != large_at) {
        let shot = Shot::of(number, before(now, number))?;
        let record = if open.len() < OPEN_MAX as usize && number % 7 == 3 {
            open.push(shot.id);
            plan_file::store_in(&data_dir.join("jobs"), shot.id, &shot.plan).map_err(SeedError::Plan)?;
            shot.waiting()
        } else {
            shot.over()
        };
        journal.save_job(&record)?;
        ids.push(shot.id);
    }
    let shot = Shot::large(large_at, before(now, large_at))?;
    let history = history::of(&shot)?;
    plan_file::store_in(&data_dir.join("jobs"), shot.id, &shot.plan).map_err(SeedError::Plan)?;
    journal.save_job(&shot.rendered(&history))?;
    for (sequence, (at, event)) in (0..).zip(&history.events) {
        journal.append_event(shot.id, sequence, *at, event)?;
    }
    ids.insert(large_at as usize, shot.id);
    Ok(Seeded {
        jobs: ids,
        large: shot.id,
        tasks: shot.plan.tasks.len() as u64,
        attempts: history.ledger.attempts(),
        events: history.events.len() as u64,
        open,
    })
}

fn before(now: UnixMillis, jobs: u32) -> UnixMillis {
    let span = APART * (jobs + 1);
    UnixMillis(
        now.0
            .saturating_sub(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
    )
}

/// A job of four tasks and how it was rendered.
#[cfg(test)]
pub(crate) fn small_history() -> (
    rayswarm_model::Plan,
    rayswarm_scheduler::Policy,
    Vec<(UnixMillis, rayswarm_scheduler::Event)>,
) {
    let shot = Shot::small();
    let events = history::of(&shot).map(|history| history.events);
    (shot.plan.clone(), shot.policy(), events.unwrap_or_default())
}

/// The record of such a job before it was rendered.
#[cfg(test)]
pub(crate) fn small_record() -> crate::requestor::record::JobRecord {
    Shot::small().waiting()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_api::job::JobState;
    use rayswarm_scheduler::{Event, Farm, step};

    #[test]
    fn what_was_written_reads_back_as_jobs_of_a_node() {
        let folder = tempfile::tempdir().unwrap();
        let seeded = seed(folder.path(), 40).unwrap();
        let journal = Journal::open(&folder.path().join("journal.sqlite")).unwrap();
        let listed: Vec<JobId> = journal.jobs().unwrap().iter().map(|record| record.id).collect();
        assert_eq!(listed, seeded.jobs);
        assert_eq!((listed.len(), seeded.tasks), (40, 10_000));
        for id in &seeded.open {
            assert_eq!(journal.job(*id).unwrap().unwrap().state, JobState::Quoted);
        }
        let record = journal.job(seeded.large).unwrap().unwrap();
        let bytes = std::fs::read(
            folder
                .path()
                .join("jobs")
                .join(seeded.large.to_string())
                .join("plan.bin"),
        )
        .unwrap();
        let plan = rayswarm_model::canonical::decode("plan", &bytes).unwrap();
        let mut farm = Farm::new(&plan, record.policy).unwrap();
        for (at, event) in journal.events::<Event>(seeded.large).unwrap() {
            step(&mut farm, event, at);
        }
        assert!(farm.is_over());
        assert_eq!(farm.done_permille(), 1000);
        assert_eq!(record.progress.tasks_verified, 10_000);
    }
}
