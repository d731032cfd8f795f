//! A job of commands without a daemon: run by the program that was asked, forgotten when it ends.

use super::{
    super::refusal::{bad_input, chain, failed, missing},
    limits,
    opening::{self, Typed},
    sessions_at_a_time,
};
use crate::engines::Engines;
use rayswarm_api::Problem;
use rayswarm_engines::commands::{JobFiles, Ledger, Tools, Witness, Workshop, drive};
use rayswarm_model::{Bytes, TaskId};
use rayswarm_openjd::{
    Job, Run, RunEvent,
    run::{RunPolicy, Verdict, WrittenFile, done_with},
    session::title,
};
use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};
use tokio::sync::Semaphore;

/// Memory of one session when nobody says otherwise.
const MEMORY: Bytes = Bytes(12 << 30);

/// What happens, as it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// A task begins, is done, or fails: a sentence.
    Task(String),
    /// A command printed a line.
    Line {
        /// The task.
        title: String,
        /// The line.
        text: String,
    },
}

/// A job that is ready to run.
pub struct LocalJob {
    ledger: Arc<Ledger>,
    files: Arc<JobFiles>,
    folder: PathBuf,
    workshop: Workshop,
    listener: Arc<Listener>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalEnd {
    /// The verdict.
    pub verdict: Verdict,
    /// Tasks done, and in all.
    pub tasks: (u64, u64),
    /// Files written, by path.
    pub outputs: Vec<PathBuf>,
}

/// Passes on what happens.
struct Listener {
    job: Arc<Job>,
    tell: Box<dyn Fn(Told) + Send + Sync>,
    outputs: Mutex<Vec<PathBuf>>,
}

impl LocalJob {
    /// Reads the template at `path` and all it names. `folder` is for what lies between tasks; it is removed at the end.
    pub fn open(
        path: &std::path::Path,
        typed: Typed,
        output: Option<PathBuf>,
        folder: PathBuf,
        tell: impl Fn(Told) + Send + Sync + 'static,
    ) -> Result<Self, Problem> {
        let engines = Engines::detect().map_err(|error| failed("no_engines", chain(&error)))?;
        let sandbox = engines.sandbox().map_err(|error| {
            missing(
                "no_sandbox",
                format!("commands cannot be run safely on this machine: {}", chain(error)),
            )
        })?;
        let (source, farm) = opening::read(&opening::template_at(path)?, typed)?;
        let job = Arc::new(opening::job(&source).map_err(|error| opening::refused(&error))?);
        let files = opening::files(&source, &job, output);
        let files = files.map_err(|error| bad_input("bad_files", error.in_full()))?;
        std::fs::create_dir_all(&folder)
            .map_err(|error| failed("no_folder", format!("{} cannot be made: {error}", folder.display())))?;
        let processors = std::thread::available_parallelism().map_or(1, |count| count.get() as u32);
        let sessions = sessions_at_a_time(processors, MEMORY);
        let workshop = Workshop {
            sandbox: sandbox.clone(),
            tools: Tools::of(engines.store()),
            limits: limits(processors, MEMORY, &folder),
            turns: Arc::new(Semaphore::new(sessions)),
            sessions,
        };
        let listener = Arc::new(Listener {
            job: job.clone(),
            tell: Box::new(tell),
            outputs: Mutex::default(),
        });
        let failures_max = farm.retries_per_task.map_or(1, |more| more.saturating_add(1));
        let run = Run::new(&job, RunPolicy { failures_max });
        Ok(Self {
            ledger: Ledger::new(job, run, listener.clone()),
            files: Arc::new(files),
            folder,
            workshop,
            listener,
        })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        self.ledger.job().name()
    }

    /// Tasks it has.
    pub fn tasks(&self) -> u64 {
        self.ledger.job().task_count()
    }

    /// What ends it early.
    pub fn canceller(&self) -> impl Fn() + Send + 'static {
        let ledger = self.ledger.clone();
        // Nothing is written down here, so it cannot fail.
        move || drop(ledger.happen(&RunEvent::Cancelled))
    }

    /// Runs it to its end.
    pub async fn run(self) -> Result<LocalEnd, Problem> {
        let folder = self.folder;
        let places = Arc::new(self.workshop);
        let driven = drive(self.ledger.clone(), self.files, folder.clone(), places).await;
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(folder = %folder.display(), %error, "cannot be removed");
        }
        let verdict = driven.map_err(|error| failed("not_run", error.in_full()))?;
        let mut outputs = self
            .listener
            .outputs
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        outputs.sort();
        outputs.dedup();
        Ok(LocalEnd {
            verdict,
            tasks: self.ledger.run().progress(),
            outputs,
        })
    }
}

impl Listener {
    fn title(&self, task: TaskId) -> String {
        title(&self.job, task)
    }

    fn task(&self, task: TaskId, what: &str) {
        (self.tell)(Told::Task(format!("{} {what}", self.title(task))));
    }
}

impl Witness for Listener {
    fn record(&self, event: &RunEvent) -> Result<(), String> {
        match event {
            RunEvent::Begun { task, .. } => self.task(*task, "begins"),
            RunEvent::Done { task, files, .. } => self.task(*task, &done_with(files)),
            RunEvent::Failed { task, reason, .. } => self.task(*task, &format!("failed: {reason}")),
            _ => {}
        }
        Ok(())
    }

    fn line(&self, task: TaskId, text: &str) {
        (self.tell)(Told::Line {
            title: self.title(task),
            text: text.to_owned(),
        });
    }

    // Both are lines as well.
    fn progress(&self, _task: TaskId, _permille: u32) {}
    fn status(&self, _task: TaskId, _text: &str) {}

    fn wrote(&self, path: PathBuf, _file: &WrittenFile) {
        self.outputs.lock().unwrap_or_else(PoisonError::into_inner).push(path);
    }
}
