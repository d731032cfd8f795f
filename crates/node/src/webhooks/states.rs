//! Which news about jobs a webhook has had: jobs change with every step of their progress, and few care.

use crate::events::Told;
use rayswarm_api::job::JobState;
use rayswarm_model::JobId;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// Jobs remembered; a job beyond is told of once more.
const JOBS_MAX: usize = 500;

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    id: JobId,
    state: JobState,
}

impl Standing {
    /// What a `job` event says; none of any other.
    pub fn of(told: &Told) -> Option<Self> {
        let is_job = told.name == "job";
        is_job.then(|| serde_json::from_str(&told.data).ok()).flatten()
    }
}

/// Where jobs stood when they were last told of; the job that was told of last is at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct JobStates(VecDeque<Standing>);

impl JobStates {
    /// Whether this differs from what was last told of the job.
    pub fn is_news(&self, standing: &Standing) -> bool {
        !self.0.contains(standing)
    }

    /// Notes what was told.
    pub fn note(&mut self, standing: Standing) {
        self.0.retain(|known| known.id != standing.id);
        if self.0.len() == JOBS_MAX {
            self.0.pop_front();
        }
        self.0.push_back(standing);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn standing(job: u16, state: JobState) -> Standing {
        let mut id = [0; 32];
        id[..2].copy_from_slice(&job.to_be_bytes());
        Standing {
            id: JobId::from_bytes(id),
            state,
        }
    }

    #[test]
    fn a_state_that_comes_back_is_news() {
        let mut states = JobStates::default();
        states.note(standing(1, JobState::Rendering));
        assert!(!states.is_news(&standing(1, JobState::Rendering)));
        assert!(states.is_news(&standing(2, JobState::Rendering)));
        states.note(standing(1, JobState::Failed));
        assert!(states.is_news(&standing(1, JobState::Rendering)));
    }

    #[test]
    fn the_job_longest_not_told_of_is_forgotten() {
        let mut states = JobStates::default();
        let one_more = u16::try_from(JOBS_MAX).unwrap();
        for job in 0..one_more {
            states.note(standing(job, JobState::Done));
        }
        states.note(standing(0, JobState::Done));
        states.note(standing(one_more, JobState::Done));
        assert!(!states.is_news(&standing(0, JobState::Done)));
        assert!(states.is_news(&standing(1, JobState::Done)));
        assert_eq!(states.0.len(), JOBS_MAX);
    }
}
