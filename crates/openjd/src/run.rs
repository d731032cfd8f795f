//! Which task comes next, what is tried again, and when a job is over. Events are written down before they are applied,
//! and replaying them gives the same state.

use crate::job::{Job, StepId};
use rayswarm_model::{AttemptId, NodeId, TaskId};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How a job is run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunPolicy {
    /// How often a task may fail before the job does.
    pub failures_max: u32,
}

impl Default for RunPolicy {
    /// Three tries: commands fail for reasons that pass, and those that do not should not take all night.
    fn default() -> Self {
        Self { failures_max: 3 }
    }
}

/// A task that so many sessions gave back is at fault itself, whatever they say: it may be what takes the nodes away.
const RETURNS_MAX: u32 = 10;

/// Something that happened to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunEvent {
    /// A task was given to a session.
    Begun {
        /// Which.
        task: TaskId,
        /// This try.
        attempt: AttemptId,
        /// The node whose session it is; none for the node that has the job.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        node: Option<NodeId>,
    },
    /// A task was done and its files are kept.
    Done {
        /// Which.
        task: TaskId,
        /// The try.
        attempt: AttemptId,
        /// The files it wrote.
        files: Vec<WrittenFile>,
    },
    /// A task failed.
    Failed {
        /// Which.
        task: TaskId,
        /// The try.
        attempt: AttemptId,
        /// Why.
        reason: String,
    },
    /// A session gave a task back, through no fault of the task: its node went away, or does not take the step.
    Returned {
        /// Which.
        task: TaskId,
        /// The try.
        attempt: AttemptId,
        /// Why.
        reason: String,
        /// Whether the session had been opened: what was never begun cannot be to blame.
        begun: bool,
    },
    /// Everything that was being done is lost through no fault of its own: the program that ran it ended.
    Interrupted,
    /// Nothing new is begun.
    Paused,
    /// It goes on.
    Resumed,
    /// It ends early.
    Cancelled,
    /// Nothing of it can be run: why.
    Refused(String),
    /// What failed is tried again.
    Retried,
}

/// A file that a task wrote.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct WrittenFile {
    /// Where it lies inside a session.
    pub path: String,
    /// BLAKE3 of its content, in hexadecimal.
    pub hash: String,
    /// Its length.
    pub bytes: u64,
    /// Whether it is a program.
    pub runnable: bool,
}

/// What is said of a task that is done: how many files it wrote.
pub fn done_with(files: &[WrittenFile]) -> String {
    match files.len() {
        0 => "is done".into(),
        1 => "is done, 1 file written".into(),
        count => format!("is done, {count} files written"),
    }
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskStanding {
    /// Waits for its turn, or for other steps.
    Waiting,
    /// A session has it.
    Running,
    /// Done.
    Done,
    /// Failed as often as it may.
    Failed,
}

/// How a job ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Every task is done.
    Complete,
    /// It cannot be completed: why.
    Failed(String),
    /// Somebody ended it.
    Cancelled,
}

/// A job under way.
#[derive(Clone, Debug)]
pub struct Run {
    steps: Vec<StepRun>,
    tasks: Vec<TaskRun>,
    policy: RunPolicy,
    attempts: u64,
    paused: bool,
    cancelled: bool,
    /// The first failure that cannot be mended.
    failure: Option<String>,
}

#[derive(Clone, Debug)]
struct StepRun {
    name: String,
    depends_on: Vec<StepId>,
    waiting: BTreeSet<TaskId>,
    /// Tasks of it, and those that are not done.
    count: usize,
    open: usize,
}

#[derive(Clone, Debug)]
struct TaskRun {
    step: StepId,
    standing: TaskStanding,
    attempt: Option<AttemptId>,
    /// The node of the last try, if it was another one.
    node: Option<NodeId>,
    tries: u32,
    failures: u32,
    returns: u32,
    files: Vec<WrittenFile>,
    reason: Option<String>,
}

/// What is known of one task.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaskReport {
    /// Where it stands.
    pub standing: TaskStanding,
    /// The node of the last try, if it was another than the one that has the job.
    pub node: Option<NodeId>,
    /// Tries so far.
    pub tries: u32,
    /// Why the last try failed.
    pub reason: Option<String>,
}

impl Run {
    /// A job of which nothing is done.
    pub fn new(job: &Job, policy: RunPolicy) -> Self {
        let step = |step: &crate::job::Step| StepRun {
            name: step.name().to_owned(),
            depends_on: step.depends_on().to_vec(),
            waiting: step.tasks().collect(),
            count: step.tasks().len(),
            open: step.tasks().len(),
        };
        let of_step = |(at, step): (usize, &crate::job::Step)| {
            let task = TaskRun {
                step: StepId(at),
                standing: TaskStanding::Waiting,
                attempt: None,
                node: None,
                tries: 0,
                failures: 0,
                returns: 0,
                files: Vec::new(),
                reason: None,
            };
            vec![task; step.tasks().len()]
        };
        Self {
            steps: job.steps().iter().map(step).collect(),
            tasks: job.steps().iter().enumerate().flat_map(of_step).collect(),
            policy,
            attempts: 0,
            paused: false,
            cancelled: false,
            failure: None,
        }
    }

    /// The steps with a task that may begin now, in order.
    pub fn ready(&self) -> Vec<StepId> {
        if self.paused || self.is_ending() {
            return Vec::new();
        }
        let may =
            |step: &StepRun| !step.waiting.is_empty() && step.depends_on.iter().all(|before| self.is_done(*before));
        let ready = self.steps.iter().enumerate().filter(|(_, step)| may(step));
        ready.map(|(at, _)| StepId(at)).collect()
    }

    /// The event that gives the next task of a ready step to a session of `node`, or of the node that has the job.
    pub fn next(&self, step: StepId, node: Option<NodeId>) -> Option<RunEvent> {
        if !self.ready().contains(&step) {
            return None;
        }
        let task = *self.steps.get(step.0)?.waiting.first()?;
        Some(RunEvent::Begun {
            task,
            attempt: AttemptId(self.attempts),
            node,
        })
    }

    /// Takes an event into account. Events that do not fit what is known change nothing.
    pub fn apply(&mut self, event: &RunEvent) {
        match event {
            RunEvent::Begun { task, attempt, node } => self.begin(*task, *attempt, *node),
            RunEvent::Done { task, attempt, files } => self.done(*task, *attempt, files),
            RunEvent::Failed { task, attempt, reason } => self.failed(*task, *attempt, reason),
            RunEvent::Returned {
                task,
                attempt,
                reason,
                begun,
            } => self.returned(*task, *attempt, reason, *begun),
            RunEvent::Interrupted => self.interrupted(),
            RunEvent::Paused => self.paused = true,
            RunEvent::Resumed => self.paused = false,
            RunEvent::Cancelled => self.cancelled = true,
            RunEvent::Refused(reason) => {
                self.failure.get_or_insert_with(|| reason.clone());
            }
            RunEvent::Retried => self.retry(),
        }
    }

    /// How it ended; `None` while something runs or may yet begin.
    pub fn verdict(&self) -> Option<Verdict> {
        if self.running() > 0 {
            return None;
        }
        if self.steps.iter().all(|step| step.open == 0) {
            return Some(Verdict::Complete);
        }
        match &self.failure {
            _ if self.cancelled => Some(Verdict::Cancelled),
            Some(reason) => Some(Verdict::Failed(reason.clone())),
            None => None,
        }
    }

    /// Whether nothing new is begun any more.
    pub const fn is_ending(&self) -> bool {
        self.cancelled || self.failure.is_some()
    }

    /// Whether it rests.
    pub const fn is_paused(&self) -> bool {
        self.paused
    }

    /// Tasks that sessions have.
    pub fn running(&self) -> usize {
        let running = |task: &&TaskRun| task.standing == TaskStanding::Running;
        self.tasks.iter().filter(running).count()
    }

    /// Tasks done, and tasks in all.
    pub fn progress(&self) -> (u64, u64) {
        let open: usize = self.steps.iter().map(|step| step.open).sum();
        let all = self.tasks.len();
        ((all - open) as u64, all as u64)
    }

    /// Tries so far.
    pub const fn attempts(&self) -> u64 {
        self.attempts
    }

    /// Tasks of a step that are done.
    pub fn done_of(&self, step: StepId) -> u64 {
        self.steps.get(step.0).map_or(0, |step| step.count - step.open) as u64
    }

    /// Tasks done by each node; none is the node that has the job.
    pub fn done_by_node(&self) -> BTreeMap<Option<NodeId>, u64> {
        let mut done = BTreeMap::new();
        for task in self.tasks.iter().filter(|task| task.standing == TaskStanding::Done) {
            *done.entry(task.node).or_default() += 1;
        }
        done
    }

    /// What is known of a task.
    pub fn report(&self, task: TaskId) -> Option<TaskReport> {
        let task = self.task(task)?;
        Some(TaskReport {
            standing: task.standing,
            node: task.node,
            tries: task.tries,
            reason: task.reason.clone(),
        })
    }

    /// The files that tasks of these steps wrote. Of a path that several wrote, the last task's counts.
    pub fn files_of(&self, steps: &[StepId]) -> Vec<WrittenFile> {
        let mut found = BTreeMap::new();
        for task in self.tasks.iter().filter(|task| steps.contains(&task.step)) {
            found.extend(task.files.iter().map(|file| (file.path.as_str(), file)));
        }
        found.into_values().cloned().collect()
    }

    fn task(&self, id: TaskId) -> Option<&TaskRun> {
        self.tasks.get(usize::try_from(id.0).ok()?)
    }

    /// The task, if this is the try that it waits for.
    fn running_task(&mut self, id: TaskId, attempt: AttemptId) -> Option<&mut TaskRun> {
        let task = self.tasks.get_mut(usize::try_from(id.0).ok()?)?;
        (task.attempt == Some(attempt)).then_some(task)
    }

    fn begin(&mut self, id: TaskId, attempt: AttemptId, node: Option<NodeId>) {
        let Some(task) = usize::try_from(id.0).ok().and_then(|at| self.tasks.get_mut(at)) else {
            return;
        };
        let Some(step) = self.steps.get_mut(task.step.0) else {
            return;
        };
        if step.waiting.remove(&id) {
            task.standing = TaskStanding::Running;
            task.attempt = Some(attempt);
            task.node = node;
            task.tries += 1;
            self.attempts = self.attempts.max(attempt.0 + 1);
        }
    }

    fn done(&mut self, id: TaskId, attempt: AttemptId, files: &[WrittenFile]) {
        let Some(task) = self.running_task(id, attempt) else {
            return;
        };
        task.standing = TaskStanding::Done;
        task.attempt = None;
        task.reason = None;
        task.files = files.to_vec();
        let step = task.step.0;
        if let Some(step) = self.steps.get_mut(step) {
            step.open -= 1;
        }
    }

    fn failed(&mut self, id: TaskId, attempt: AttemptId, reason: &str) {
        let most = self.policy.failures_max;
        let Some(task) = self.running_task(id, attempt) else {
            return;
        };
        task.attempt = None;
        task.failures += 1;
        task.reason = Some(reason.to_owned());
        let (step, tries) = (task.step.0, task.failures);
        task.standing = if tries < most {
            TaskStanding::Waiting
        } else {
            TaskStanding::Failed
        };
        let is_final = tries >= most;
        let Some(step) = self.steps.get_mut(step) else { return };
        if !is_final {
            step.waiting.insert(id);
            return;
        }
        let times = if tries == 1 {
            "once".into()
        } else {
            format!("{tries} times")
        };
        let why = format!("a task of step {:?} failed {times}: {reason}", step.name);
        self.failure.get_or_insert(why);
    }

    fn returned(&mut self, id: TaskId, attempt: AttemptId, reason: &str, begun: bool) {
        let Some(task) = self.running_task(id, attempt) else {
            return;
        };
        task.returns += u32::from(begun);
        // What was not begun is no try.
        task.tries -= u32::from(!begun);
        if begun && task.returns % RETURNS_MAX == 0 {
            return self.failed(id, attempt, reason);
        }
        task.standing = TaskStanding::Waiting;
        task.attempt = None;
        let step = task.step.0;
        if let Some(step) = self.steps.get_mut(step) {
            step.waiting.insert(id);
        }
    }

    fn interrupted(&mut self) {
        for (at, task) in self.tasks.iter_mut().enumerate() {
            if task.standing == TaskStanding::Running {
                task.standing = TaskStanding::Waiting;
                task.attempt = None;
                if let Some(step) = self.steps.get_mut(task.step.0) {
                    step.waiting.insert(TaskId(at as u64));
                }
            }
        }
    }

    fn retry(&mut self) {
        self.failure = None;
        self.cancelled = false;
        for (at, task) in self.tasks.iter_mut().enumerate() {
            if matches!(task.standing, TaskStanding::Failed | TaskStanding::Waiting) {
                task.failures = 0;
                task.standing = TaskStanding::Waiting;
                if let Some(step) = self.steps.get_mut(task.step.0) {
                    step.waiting.insert(TaskId(at as u64));
                }
            }
        }
    }

    fn is_done(&self, step: StepId) -> bool {
        self.steps.get(step.0).is_none_or(|step| step.open == 0)
    }
}

#[cfg(test)]
mod tests;
