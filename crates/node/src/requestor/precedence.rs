//! Which of this node's jobs goes first: while one of higher priority has tasks to give out, the others give out nothing
//! new.

use rayswarm_model::JobId;
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The jobs that render now.
#[derive(Debug, Default)]
pub struct Precedence {
    jobs: Mutex<HashMap<JobId, Claim>>,
}

#[derive(Clone, Copy, Debug)]
struct Claim {
    priority: i32,
    has_waiting_tasks: bool,
}

impl Precedence {
    /// A job says how important it is and whether it has tasks that nobody works on. Returns whether it must stand back.
    pub fn claim(&self, job: JobId, priority: i32, has_waiting_tasks: bool) -> bool {
        let mut jobs = self.jobs();
        jobs.insert(
            job,
            Claim {
                priority,
                has_waiting_tasks,
            },
        );
        jobs.values()
            .any(|other| other.has_waiting_tasks && other.priority > priority)
    }

    /// A job renders no more.
    pub fn leave(&self, job: JobId) {
        self.jobs().remove(&job);
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<JobId, Claim>> {
        // Every change is one insertion: a panic elsewhere leaves it whole.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_less_important_stand_back_while_the_others_have_tasks() {
        let [first, second] = [1, 2].map(|byte| JobId::from_bytes([byte; 32]));
        let precedence = Precedence::default();
        assert!(!precedence.claim(first, 0, true));
        assert!(!precedence.claim(second, 5, true));
        assert!(precedence.claim(first, 0, true));
        // Equals share; a paused or finished one holds nobody up.
        assert!(!precedence.claim(first, 5, true));
        precedence.claim(second, 9, false);
        assert!(!precedence.claim(first, 5, true));
        precedence.claim(second, 9, true);
        precedence.leave(second);
        assert!(!precedence.claim(first, 5, true));
    }
}
