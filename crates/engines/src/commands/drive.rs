//! A whole job on this machine: sessions pull tasks of steps whose turn it is until nothing is left.

use super::{
    error::CommandsError,
    files::JobFiles,
    session::{CommandLimits, CommandSession, Hearer, Opening},
    store::FileStore,
    tools::Tools,
};
use rayswarm_model::{AttemptId, TaskId};
use rayswarm_openjd::{
    Job, Run, RunEvent, StepId,
    run::{Verdict, WrittenFile},
};
use rayswarm_sandbox::Sandbox;
use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{
    sync::{Notify, Semaphore, watch},
    task::JoinSet,
};

/// Where sessions are run and what each may use.
#[derive(Clone)]
pub struct Workshop {
    /// The sandbox.
    pub sandbox: Sandbox,
    /// Programs that sessions find.
    pub tools: Tools,
    /// A folder of this job for the folders of sessions and for written files.
    pub folder: PathBuf,
    /// What one session may use.
    pub limits: CommandLimits,
    /// Sessions at a time, all jobs together.
    pub turns: Arc<Semaphore>,
    /// Sessions of this job at a time.
    pub sessions: usize,
}

/// Sees what happens to a job.
pub trait Witness: Send + Sync {
    /// Writes an event down. It counts only if that worked.
    fn record(&self, event: &RunEvent) -> Result<(), String>;
    /// A line of a task's output.
    fn line(&self, task: TaskId, text: &str);
    /// Thousandths of a task that are done.
    fn progress(&self, task: TaskId, permille: u32);
    /// What a task does.
    fn status(&self, task: TaskId, text: &str);
    /// A file was written to its place on this machine.
    fn wrote(&self, path: PathBuf, file: &WrittenFile);
}

/// How sessions are asked to end.
#[derive(Debug)]
pub struct Stop(watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(watch::Sender::new(false))
    }
}

impl Stop {
    /// Running commands are cancelled as their templates say; environments are left.
    pub fn cancel(&self) {
        self.0.send_replace(true);
    }

    /// For a new start.
    pub fn reset(&self) {
        self.0.send_replace(false);
    }
}

/// The state of a job, and the one way to change it.
pub struct Ledger {
    job: Arc<Job>,
    run: Mutex<Run>,
    changed: Notify,
    witness: Arc<dyn Witness>,
    stop: Stop,
}

impl Ledger {
    /// The ledger of a job under way.
    pub fn new(job: Arc<Job>, run: Run, witness: Arc<dyn Witness>) -> Arc<Self> {
        Arc::new(Self {
            job,
            run: Mutex::new(run),
            changed: Notify::new(),
            witness,
            stop: Stop::default(),
        })
    }

    /// The job.
    pub const fn job(&self) -> &Arc<Job> {
        &self.job
    }

    /// Its state.
    pub fn run(&self) -> MutexGuard<'_, Run> {
        // Every change is one call: a panic elsewhere leaves it whole.
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an event down and takes it into account.
    pub fn happen(&self, event: &RunEvent) -> Result<(), String> {
        {
            let mut run = self.run();
            self.witness.record(event)?;
            run.apply(event);
        }
        match event {
            RunEvent::Cancelled => self.stop.cancel(),
            RunEvent::Retried => self.stop.reset(),
            _ => {}
        }
        self.changed.notify_waiters();
        Ok(())
    }

    /// Gives the next task, of `only` this step if it is named.
    fn take(&self, only: Option<StepId>) -> Result<Option<(StepId, TaskId, AttemptId)>, String> {
        let mut run = self.run();
        let steps = only.map_or_else(|| run.ready(), |step| vec![step]);
        for step in steps {
            if let Some(event) = run.next(step) {
                let RunEvent::Begun { task, attempt } = event else {
                    continue;
                };
                self.witness.record(&event)?;
                run.apply(&event);
                return Ok(Some((step, task, attempt)));
            }
        }
        Ok(None)
    }
}

/// What is kept of one drive while it lasts.
struct Drive {
    ledger: Arc<Ledger>,
    files: Arc<JobFiles>,
    store: Arc<FileStore>,
    workshop: Workshop,
    sessions: AtomicU64,
}

/// Runs a job to its end and gives the verdict. Dropping the future kills every session; what they did is then lost and
/// is to be told by [`RunEvent::Interrupted`].
pub async fn drive(ledger: Arc<Ledger>, files: Arc<JobFiles>, workshop: Workshop) -> Result<Verdict, CommandsError> {
    let scratch = workshop.folder.join("sessions");
    match std::fs::remove_dir_all(&scratch) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(CommandsError::file("sweeping", scratch)(error));
        }
        _ => {}
    }
    let store = FileStore::open(workshop.folder.join("files"))?;
    let host = workshop.limits.host();
    let unmet = ledger.job.steps().iter().find_map(|step| {
        let why = step.requirements().unmet(&host)?;
        Some(format!("step {:?} {why}", step.name()))
    });
    if let Some(why) = unmet {
        ledger.happen(&RunEvent::Refused(why)).map_err(unwritten)?;
    }
    let count = workshop.sessions.max(1);
    let drive = Arc::new(Drive {
        ledger: ledger.clone(),
        files,
        store: Arc::new(store),
        workshop,
        sessions: AtomicU64::new(0),
    });
    let mut workers = JoinSet::new();
    for _ in 0..count {
        workers.spawn(drive.clone().work());
    }
    while let Some(ended) = workers.join_next().await {
        ended
            .map_err(|error| unwritten(error.to_string()))?
            .map_err(unwritten)?;
    }
    let verdict = ledger.run().verdict();
    verdict.ok_or_else(|| unwritten("no session is left and the job is not over".into()))
}

fn unwritten(why: String) -> CommandsError {
    CommandsError::Ended {
        ended: "cannot go on".into(),
        log: why,
    }
}

impl Drive {
    /// Opens sessions one after another until the job is over.
    async fn work(self: Arc<Self>) -> Result<(), String> {
        loop {
            let changed = self.ledger.changed.notified();
            tokio::pin!(changed);
            // Before looking, so that no change falls between the look and the wait.
            changed.as_mut().enable();
            if self.ledger.run().verdict().is_some() {
                // Those who wait must see it too.
                self.ledger.changed.notify_waiters();
                return Ok(());
            }
            if self.ledger.run().ready().is_empty() {
                changed.await;
                continue;
            }
            // Nobody closes it.
            let Ok(_turn) = self.workshop.turns.acquire().await else {
                return Ok(());
            };
            if let Some((step, task, attempt)) = self.ledger.take(None)? {
                self.session(step, task, attempt).await?;
            }
        }
    }

    /// One session: the task it is opened for, then more of the same step while they last.
    async fn session(&self, step: StepId, first: TaskId, attempt: AttemptId) -> Result<(), String> {
        let mut hearer = TaskHearer {
            task: first,
            witness: self.ledger.witness.clone(),
        };
        let mut stop = self.ledger.stop.0.subscribe();
        let mut session = match self.open(step).await {
            Ok(session) => session,
            Err(error) => return self.failed(first, attempt, error.in_full()),
        };
        if let Err(why) = session.enter(&mut hearer, &mut stop).await {
            session.close(&mut hearer).await;
            return self.failed(first, attempt, why);
        }
        let mut next = Some((first, attempt));
        while let Some((task, attempt)) = next {
            hearer.task = task;
            let outcome = session.run(task, &mut hearer, &mut stop).await;
            let outcome = outcome.and_then(|files| self.give(&files).map(|()| files));
            match outcome {
                Ok(files) => self.ledger.happen(&RunEvent::Done { task, attempt, files })?,
                Err(why) => {
                    // What a failed task leaves behind should not meet the next one.
                    session.close(&mut hearer).await;
                    return self.failed(task, attempt, why);
                }
            }
            next = self.ledger.take(Some(step))?.map(|(_, task, attempt)| (task, attempt));
        }
        session.close(&mut hearer).await;
        Ok(())
    }

    async fn open(&self, step: StepId) -> Result<CommandSession, CommandsError> {
        let job = self.ledger.job.clone();
        let before = self.ledger.run().files_of(&job.all_dependencies(step));
        let number = self.sessions.fetch_add(1, Ordering::Relaxed);
        let opening = Opening {
            job,
            step,
            files: self.files.clone(),
            before: &before,
            store: self.store.clone(),
            tools: &self.workshop.tools,
            folder: self.workshop.folder.join("sessions").join(number.to_string()),
            limits: &self.workshop.limits,
        };
        CommandSession::open(&self.workshop.sandbox, opening).await
    }

    /// Brings what a task wrote to its place on this machine.
    fn give(&self, files: &[WrittenFile]) -> Result<(), String> {
        for file in files {
            let Some(to) = self.files.host_of(&file.path) else {
                continue;
            };
            self.store.give(file, &to).map_err(|error| error.in_full())?;
            self.ledger.witness.wrote(to, file);
        }
        Ok(())
    }

    fn failed(&self, task: TaskId, attempt: AttemptId, reason: String) -> Result<(), String> {
        self.ledger.happen(&RunEvent::Failed { task, attempt, reason })
    }
}

/// Passes on what a session says with the task it works on.
struct TaskHearer {
    task: TaskId,
    witness: Arc<dyn Witness>,
}

impl Hearer for TaskHearer {
    fn line(&mut self, text: &str) {
        self.witness.line(self.task, text);
    }

    fn progress(&mut self, permille: u32) {
        self.witness.progress(self.task, permille);
    }

    fn status(&mut self, text: &str) {
        self.witness.status(self.task, text);
    }
}
