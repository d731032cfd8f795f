//! One job of commands: its events are written down, what it says and writes is shown.

use super::{
    super::refusal::{bad_input, chain, failed},
    opening,
    record::CommandRecord,
    shown::{self, Said},
};
use crate::{clock, journal::JournalError, services::Services};
use rayswarm_api::{
    Problem, Time,
    event::{LogSaid, NodeEvent, OutputMade},
    job::{JobChange, JobSettings, JobState, JobView},
    task::{CommandTask, LogLine},
};
use rayswarm_engines::commands::{JobFiles, Ledger, Witness, drive, places::Places};
use rayswarm_model::{JobId, TaskId};
use rayswarm_openjd::{
    Job, Run, RunEvent,
    run::{Verdict, WrittenFile, done_with},
    session::title,
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, atomic::AtomicU64, atomic::Ordering},
};

/// A job of commands of this node.
pub struct Running {
    record: Mutex<CommandRecord>,
    witness: Arc<Journalled>,
    /// None for a job whose template this version no longer takes: it is shown as failed.
    opened: Option<Opened>,
}

struct Opened {
    ledger: Arc<Ledger>,
    files: Result<Arc<JobFiles>, Problem>,
}

/// Writes events down and keeps what commands say.
struct Journalled {
    id: JobId,
    services: Arc<Services>,
    job: OnceLock<Arc<Job>>,
    /// The number of the next event.
    next: AtomicU64,
    said: Mutex<Said>,
}

impl Running {
    /// The job as its record and events have it. Tasks that were being done when the node ended are told as interrupted.
    pub fn restore(services: Arc<Services>, mut record: CommandRecord) -> Result<Arc<Self>, JournalError> {
        let events = services.journal.events::<RunEvent>(record.id)?;
        let witness = Arc::new(Journalled {
            id: record.id,
            services,
            job: OnceLock::new(),
            next: AtomicU64::new(events.len() as u64),
            said: Mutex::default(),
        });
        let opened = match opening::job(&record.source) {
            Ok(job) => {
                let job = Arc::new(job);
                // It is set once, here.
                let _ = witness.job.set(job.clone());
                let mut run = Run::new(&job, record.policy);
                events.iter().for_each(|(_, event)| run.apply(event));
                let files = opening::files(&record.source, &job, record.output.clone());
                if let Ok(files) = &files {
                    let steps: Vec<_> = (0..job.steps().len()).map(rayswarm_openjd::StepId).collect();
                    let mut said = witness.said();
                    for file in run.files_of(&steps) {
                        said.wrote(files.host_of(&file.path), &file);
                    }
                }
                Some(Opened {
                    ledger: Ledger::new(job, run, witness.clone()),
                    files: files
                        .map(Arc::new)
                        .map_err(|error| bad_input("bad_files", error.in_full())),
                })
            }
            Err(error) => {
                record.problem.get_or_insert(opening::refused(&error));
                None
            }
        };
        let running = Arc::new(Self {
            record: Mutex::new(record),
            witness,
            opened,
        });
        running.tell_interrupted()?;
        Ok(running)
    }

    /// Its id.
    pub fn id(&self) -> JobId {
        self.witness.id
    }

    /// What was asked for.
    pub fn record(&self) -> MutexGuard<'_, CommandRecord> {
        // Every change is one assignment: a panic elsewhere leaves it whole.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The job as it is now.
    pub fn view(&self) -> Arc<JobView> {
        let record = self.record().clone();
        let node = self.witness.services.network.node_id();
        // The state is locked before what was said, as it is where events are recorded.
        let run = self.opened.as_ref().map(|opened| opened.ledger.run());
        let job = self.opened.as_ref().map(|opened| opened.ledger.job().as_ref());
        let known = job.zip(run.as_deref());
        Arc::new(shown::view(&record, known, &self.witness.said(), node))
    }

    /// Its tasks.
    pub fn tasks(&self) -> Vec<CommandTask> {
        let Some(opened) = &self.opened else { return Vec::new() };
        let run = opened.ledger.run();
        shown::tasks(opened.ledger.job(), &run, &self.witness.said())
    }

    /// The last lines that its commands printed.
    pub fn log(&self) -> Vec<LogLine> {
        self.witness.said().lines()
    }

    /// Writes an event down and takes it into account.
    pub fn happen(&self, event: &RunEvent) -> Result<(), Problem> {
        if *event == RunEvent::Retried {
            let mut record = self.record();
            // Of two who ask at the same moment one begins it again.
            if record.finished_at.take().is_none() {
                return Err(super::nothing_failed(record.id, JobState::Rendering));
            }
            record.problem = None;
            self.save(&record)?;
        }
        if let Some(opened) = &self.opened {
            opened.ledger.happen(event).map_err(|why| failed("journal", why))?;
        }
        self.show();
        Ok(())
    }

    /// Another name or priority.
    pub fn change(&self, change: &JobChange) -> Result<(), Problem> {
        {
            let mut record = self.record();
            if let Some(priority) = change.priority {
                record.priority = priority.clamp(-JobSettings::PRIORITY_MAX, JobSettings::PRIORITY_MAX);
            }
            if change.name.is_some() {
                record.name = change.name.clone();
            }
            self.save(&record)?;
        }
        self.show();
        Ok(())
    }

    /// Runs it to its end.
    pub async fn run(&self, places: impl FnOnce() -> Result<Arc<dyn Places>, Problem>) {
        let Some(opened) = &self.opened else {
            self.finish(None);
            return;
        };
        {
            let mut record = self.record();
            record.started_at.get_or_insert_with(clock::now);
            if let Err(problem) = self.save(&record) {
                tracing::error!(job = %self.id().short(), "{}", problem.detail);
            }
        }
        self.show();
        let folder = self.witness.services.folder("commands").join(self.id().to_string());
        let driven = match (opened.files.clone(), places()) {
            (Ok(files), Ok(places)) => {
                let driven = drive(opened.ledger.clone(), files, folder, places).await;
                driven.map_err(|error| failed("not_run", error.in_full()))
            }
            (Err(problem), _) | (_, Err(problem)) => Err(problem),
        };
        self.finish(Some(driven));
    }

    /// Notes the end and why.
    fn finish(&self, driven: Option<Result<Verdict, Problem>>) {
        {
            let mut record = self.record();
            record.problem = match driven {
                None => record.problem.take(),
                Some(Err(problem)) => Some(problem),
                Some(Ok(Verdict::Failed(why))) => Some(Problem::new(500, "command_failed", why).next(
                    "see what it said with `rayswarm jobs show`, mend it, and try again with `rayswarm jobs retry`",
                )),
                Some(Ok(Verdict::Complete | Verdict::Cancelled)) => None,
            };
            record.finished_at = Some(clock::now());
            // What is not written down is told again after the next start.
            if let Err(problem) = self.save(&record) {
                tracing::error!(job = %self.id().short(), "{}", problem.detail);
            }
        }
        self.show();
    }

    fn save(&self, record: &CommandRecord) -> Result<(), Problem> {
        let saved = self.witness.services.journal.save_command_job(record);
        saved.map_err(|error| failed("journal", chain(&error)))
    }

    fn show(&self) {
        let summary = self.view().summary.clone();
        self.witness.services.events.tell(&NodeEvent::Job(summary));
    }

    fn tell_interrupted(&self) -> Result<(), JournalError> {
        let Some(opened) = &self.opened else { return Ok(()) };
        if opened.ledger.run().running() == 0 {
            return Ok(());
        }
        self.witness.write(&RunEvent::Interrupted)?;
        opened.ledger.run().apply(&RunEvent::Interrupted);
        Ok(())
    }
}

impl Journalled {
    fn said(&self) -> MutexGuard<'_, Said> {
        // What a panic elsewhere leaves is a line too few.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, event: &RunEvent) -> Result<(), JournalError> {
        let number = self.next.load(Ordering::Relaxed);
        self.services
            .journal
            .append_event(self.id, number, clock::now(), event)?;
        self.next.store(number + 1, Ordering::Relaxed);
        Ok(())
    }

    fn title(&self, task: TaskId) -> String {
        self.job.get().map_or_else(|| task.to_string(), |job| title(job, task))
    }

    /// Adds a line to the log.
    fn say(&self, text: String) {
        let at = Time(clock::now());
        self.said().say(LogLine { at, text: text.clone() });
        let said = LogSaid { job: self.id, at, text };
        self.services.events.tell(&NodeEvent::Log(said));
    }
}

impl Witness for Journalled {
    /// Called with the job's state locked, so events are numbered in order.
    fn record(&self, event: &RunEvent) -> Result<(), String> {
        self.write(event).map_err(|error| chain(&error))?;
        match event {
            RunEvent::Begun { task, node, .. } => {
                self.said().begun(*task);
                let at = node.map_or_else(String::new, |node| format!(" on node {}", node.short()));
                self.say(format!("{} has begun{at}", self.title(*task)));
            }
            RunEvent::Returned { task, reason, .. } => {
                self.say(format!("{} goes elsewhere: {reason}", self.title(*task)));
            }
            RunEvent::Done { task, files, .. } => {
                self.say(format!("{} {}", self.title(*task), done_with(files)));
            }
            RunEvent::Failed { task, reason, .. } => self.say(format!("{} failed: {reason}", self.title(*task))),
            _ => {}
        }
        Ok(())
    }

    fn line(&self, task: TaskId, text: &str) {
        let text = format!("[{}] {text}", self.title(task));
        let at = Time(clock::now());
        self.said().say(LogLine { at, text });
    }

    fn progress(&self, task: TaskId, permille: u32) {
        self.said().progress(task, permille);
    }

    fn status(&self, task: TaskId, text: &str) {
        self.said().status(task, text);
        self.say(format!("{}: {text}", self.title(task)));
    }

    fn wrote(&self, path: PathBuf, file: &WrittenFile) {
        let output = self.said().wrote(Some(path), file);
        if let Some(output) = output {
            let made = OutputMade { job: self.id, output };
            self.services.events.tell(&NodeEvent::Output(made));
        }
    }
}
