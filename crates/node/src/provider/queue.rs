//! The tasks a worker holds: granted, being rendered, rendered but not yet delivered.

use rayswarm_model::{AttemptId, CpuTime};
use rayswarm_network::work::{AttemptProgress, TaskGrant};
use std::{
    collections::{HashSet, VecDeque},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
};
use tokio::sync::Notify;

/// A rendered result on its way to the requestor.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// The task.
    pub grant: TaskGrant,
    /// The engine's file.
    pub file: PathBuf,
    /// The pixels it holds.
    pub rect: rayswarm_model::Rect,
    /// CPU time it took.
    pub cpu: CpuTime,
}

/// Shared between the puller, the session and the courier of one job.
#[derive(Default)]
pub struct Queue {
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<TaskGrant>,
    rendering: Option<(AttemptId, u16)>,
    undelivered: HashSet<AttemptId>,
    warm_frame: Option<i32>,
    warm: bool,
    no_more: bool,
}

/// What the puller tells the requestor.
pub struct Holdings {
    /// Whether a session has the scene in memory.
    pub warm: bool,
    /// The frame it rendered last.
    pub warm_frame: Option<i32>,
    /// Attempts granted and not yet delivered.
    pub running: Vec<AttemptId>,
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Every change is one push, pop or insert: a panic elsewhere leaves it whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds granted tasks.
    pub fn grant(&self, tasks: impl IntoIterator<Item = TaskGrant>) {
        let mut state = self.lock();
        let tasks: Vec<TaskGrant> = tasks.into_iter().filter(|task| !state.holds(task.attempt)).collect();
        state.waiting.extend(tasks);
        drop(state);
        self.changed.notify_waiters();
    }

    /// Says that no more tasks will come.
    pub fn close(&self) {
        self.lock().no_more = true;
        self.changed.notify_waiters();
    }

    /// Waits until nothing waits behind the task being rendered: the moment to pull the next ones.
    pub async fn hungry(&self) {
        self.when(|state| state.waiting.is_empty()).await;
    }

    /// Takes the next task; `None` when no more will come.
    pub async fn next(&self) -> Option<TaskGrant> {
        self.when(|state| !state.waiting.is_empty() || state.no_more).await;
        let mut state = self.lock();
        let grant = state.waiting.pop_front()?;
        state.rendering = Some((grant.attempt, 0));
        drop(state);
        self.changed.notify_waiters();
        Some(grant)
    }

    /// Notes how far the current task is.
    pub fn progress(&self, permille: u32) {
        if let Some((_, done)) = &mut self.lock().rendering {
            *done = u16::try_from(permille.min(1000)).unwrap_or(1000);
        }
    }

    /// The current task is rendered and waits for the courier.
    pub fn rendered(&self, grant: &TaskGrant) {
        let mut state = self.lock();
        state.rendering = None;
        state.warm = true;
        state.warm_frame = Some(grant.task.frame);
        state.undelivered.insert(grant.attempt);
        drop(state);
        self.changed.notify_waiters();
    }

    /// The current task gave nothing; the session is gone.
    pub fn lost(&self) {
        let mut state = self.lock();
        state.rendering = None;
        state.warm = false;
        state.warm_frame = None;
        drop(state);
        self.changed.notify_waiters();
    }

    /// The courier is done with a result.
    pub fn delivered(&self, attempt: AttemptId) {
        self.lock().undelivered.remove(&attempt);
        self.changed.notify_waiters();
    }

    /// Forgets a waiting task. One that is being rendered is finished: a warm session is worth more than its rest.
    pub fn revoke(&self, attempt: AttemptId) {
        self.lock().waiting.retain(|grant| grant.attempt != attempt);
        self.changed.notify_waiters();
    }

    /// What is held now.
    pub fn holdings(&self) -> Holdings {
        let state = self.lock();
        let waiting = state.waiting.iter().map(|grant| grant.attempt);
        let rendering = state.rendering.iter().map(|(attempt, _)| *attempt);
        let running = waiting
            .chain(rendering)
            .chain(state.undelivered.iter().copied())
            .collect();
        Holdings {
            warm: state.warm,
            warm_frame: state.warm_frame,
            running,
        }
    }

    /// How far the current task is, for a progress report.
    pub fn running(&self) -> Vec<AttemptProgress> {
        let state = self.lock();
        state
            .rendering
            .iter()
            .map(|(attempt, done)| AttemptProgress {
                attempt: *attempt,
                done_permille: *done,
            })
            .collect()
    }

    async fn when(&self, ready: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // Registered before looking, so that no change between the look and the wait is missed.
            changed.as_mut().enable();
            if ready(&self.lock()) {
                return;
            }
            changed.await;
        }
    }
}

impl State {
    fn holds(&self, attempt: AttemptId) -> bool {
        self.waiting.iter().any(|grant| grant.attempt == attempt)
            || self.rendering.is_some_and(|(current, _)| current == attempt)
            || self.undelivered.contains(&attempt)
    }
}
