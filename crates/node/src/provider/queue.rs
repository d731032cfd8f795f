//! The tasks a worker holds: granted, being rendered, rendered but not yet delivered.

use rayswarm_model::{AttemptId, CpuTime};
use rayswarm_network::work::{AttemptProgress, TaskGrant};
use std::{
    collections::{HashSet, VecDeque},
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::{sync::Notify, time::Instant};

/// A task that was taken back is finished all the same if its rest takes no longer than this: opening another session
/// costs about as much, and the requestor may still take the result. One that needs more is not rendered for nothing.
const REST_MAX: Duration = Duration::from_secs(60);
/// How often the rest of a task that was taken back is told anew.
const LOOK_AT_REST: Duration = Duration::from_secs(1);

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
    rendering: Option<Running>,
    undelivered: HashSet<AttemptId>,
    warm_frame: Option<i32>,
    warm: bool,
    no_more: bool,
}

/// The task being rendered.
struct Running {
    attempt: AttemptId,
    done_permille: u16,
    /// When it first said how far it was, and how far. Before that the scene is built, which tells nothing of the rest.
    moving: Option<(Instant, u16)>,
    taken_back: bool,
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

    /// Adds granted tasks, unless nobody takes any more.
    pub fn grant(&self, tasks: impl IntoIterator<Item = TaskGrant>) {
        let mut state = self.lock();
        if state.no_more {
            return;
        }
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
        state.rendering = Some(Running {
            attempt: grant.attempt,
            done_permille: 0,
            moving: None,
            taken_back: false,
        });
        drop(state);
        self.changed.notify_waiters();
        Some(grant)
    }

    /// Notes how far the current task is.
    pub fn progress(&self, permille: u32) {
        if let Some(running) = &mut self.lock().rendering {
            running.progress(u16::try_from(permille.min(1000)).unwrap_or(1000), Instant::now());
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

    /// Forgets a waiting task. One that is being rendered may go on for a while: see [`Queue::rest_not_worth_it`].
    pub fn revoke(&self, attempt: AttemptId) {
        let mut state = self.lock();
        state.waiting.retain(|grant| grant.attempt != attempt);
        if let Some(running) = state.rendering.as_mut().filter(|running| running.attempt == attempt) {
            running.taken_back = true;
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Forgets every waiting task; no more will come.
    pub fn abandon(&self) {
        let mut state = self.lock();
        state.waiting.clear();
        state.no_more = true;
        drop(state);
        self.changed.notify_waiters();
    }

    /// Whether no more tasks will come.
    pub fn is_closed(&self) -> bool {
        self.lock().no_more
    }

    /// Resolves when the current task was taken back and would go on for long: its session is worth less than its rest.
    pub async fn rest_not_worth_it(&self) {
        let taken_back = |state: &State| state.rendering.as_ref().is_some_and(|running| running.taken_back);
        loop {
            self.when(taken_back).await;
            let rest = self
                .lock()
                .rendering
                .as_ref()
                .and_then(|running| running.rest(Instant::now()));
            if rest.is_some_and(|rest| rest > REST_MAX) {
                return;
            }
            tokio::time::sleep(LOOK_AT_REST).await;
        }
    }

    /// Resolves when nothing has been held for `patience`.
    pub async fn idle_for(&self, patience: Duration) {
        loop {
            self.when(State::is_empty).await;
            let work = self.when(|state| !state.is_empty());
            if tokio::time::timeout(patience, work).await.is_err() {
                return;
            }
        }
    }

    /// What is held now.
    pub fn holdings(&self) -> Holdings {
        let state = self.lock();
        let waiting = state.waiting.iter().map(|grant| grant.attempt);
        let rendering = state.rendering.iter().map(|running| running.attempt);
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
            .map(|running| AttemptProgress {
                attempt: running.attempt,
                done_permille: running.done_permille,
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
            || self
                .rendering
                .as_ref()
                .is_some_and(|current| current.attempt == attempt)
            || self.undelivered.contains(&attempt)
    }

    fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.rendering.is_none() && self.undelivered.is_empty()
    }
}

impl Running {
    fn progress(&mut self, permille: u16, now: Instant) {
        self.done_permille = permille;
        if permille > 0 {
            self.moving.get_or_insert((now, permille));
        }
    }

    /// What the rest takes at the pace so far; unknown while the scene is built.
    fn rest(&self, now: Instant) -> Option<Duration> {
        let (since, from) = self.moving?;
        let spent = now.saturating_duration_since(since);
        let left = u32::from(1000u16.saturating_sub(self.done_permille));
        match u32::from(self.done_permille.saturating_sub(from)) {
            // It has said one thing so far: the next may need as long again.
            0 => Some(spent),
            gained => Some(spent.saturating_mul(left) / gained),
        }
    }
}

#[cfg(test)]
mod tests;
