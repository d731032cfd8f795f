//! Jobs of commands (Open Job Description), run in sessions of this node's sandbox and of its owner's other nodes: nobody is
//! paid for them.
//!
//! | module | holds |
//! |---|---|
//! | [`record`] | what was asked for, as the journal keeps it |
//! | [`opening`] | from files on disk to a job |
//! | [`inspected`] | a template as whoever is about to run it sees it |
//! | [`running`] | one job: its events, what it says, what it writes |
//! | [`elsewhere`] | sessions on other nodes |
//! | [`order`] | what another node is told |
//! | [`shown`] | a job as whoever looks sees it |
//! | [`local`] | a job without a daemon |

pub mod elsewhere;
pub mod inspected;
pub mod local;
pub mod opening;
pub mod order;
pub mod record;
pub mod running;
pub mod shown;

use super::{
    Requestor, conflict,
    refusal::{bad_input, chain, failed, missing},
    unknown,
};
use crate::{clock, identity, journal::JournalError, services::Services};
use elsewhere::OwnNodes;
use opening::Typed;
use rayswarm_api::{
    Problem,
    event::NodeEvent,
    job::{JobChange, JobSettings, JobState, JobSummary, JobView},
    page::Page,
    task::{CommandTask, LogView},
};
use rayswarm_engines::commands::{CommandLimits, Tools, Workshop, places::Places};
use rayswarm_model::{B256, Bytes, JobId};
use rayswarm_openjd::{Job, RunEvent, run::RunPolicy};
use record::CommandRecord;
use running::Running;
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// A job of commands to be taken on.
#[derive(Clone, Debug)]
pub struct WantedCommands {
    /// The template.
    pub template: PathBuf,
    /// Values and environments.
    pub typed: Typed,
    /// Folder for what it writes; where its parameters say by default.
    pub output: Option<PathBuf>,
    /// Without such a folder the node makes one of its own.
    pub kept_by_node: bool,
    /// Name and priority.
    pub settings: JobSettings,
    /// The folder that its files must be in.
    pub within: Option<PathBuf>,
    /// The key and body it is asked with.
    pub asked_with: Option<super::record::AskedWith>,
}

/// The jobs of commands of this node.
#[derive(Clone)]
pub struct Commands {
    services: Arc<Services>,
    jobs: Arc<Mutex<HashMap<JobId, Arc<Running>>>>,
}

impl Commands {
    /// Reads the journal and goes on with what was not over.
    pub fn start(services: Arc<Services>) -> Result<Self, JournalError> {
        let commands = Self {
            jobs: Arc::default(),
            services,
        };
        for record in commands.services.journal.command_jobs()? {
            let running = Running::restore(commands.services.clone(), record)?;
            commands.run(running);
        }
        Ok(commands)
    }

    /// The jobs by the idempotency keys they were asked with.
    pub fn asked(&self) -> Vec<(JobId, super::record::AskedWith)> {
        let with = |running: &Arc<Running>| Some((running.id(), running.record().asked_with.clone()?));
        self.jobs().values().filter_map(with).collect()
    }

    /// Takes a job on; it begins at once. Blocking.
    pub fn create(&self, wanted: WantedCommands) -> Result<JobSummary, Problem> {
        if let Err(error) = self.services.engines.sandbox() {
            let detail = format!("commands cannot be run safely on this machine: {}", chain(error));
            return Err(missing("no_sandbox", detail));
        }
        let (source, farm) = opening::read(&wanted.template, wanted.typed)?;
        let job = opening::job(&source).map_err(|error| opening::refused(&error))?;
        if let Some(folder) = &wanted.within {
            opening::check_within(&source, &job, folder)?;
        }
        let salt = identity::random().map_err(|error| failed("no_entropy", chain(&error)))?;
        let account = self.services.identity.account.address();
        let id = self.services.domain.job_id(account, B256::from(salt));
        let own_folder = || self.services.folder("renders").join(id.to_string());
        let output = wanted.output.or_else(|| wanted.kept_by_node.then(own_folder));
        // Nothing is kept of them: a session finds them anew. Faults are told before the job is taken on.
        let files = opening::files(&source, &job, output.clone());
        files.map_err(|error| bad_input("bad_files", error.in_full()))?;
        self.check_requirements(&job)?;
        let record = CommandRecord {
            id,
            created_at: clock::now(),
            source,
            output,
            name: wanted.settings.name,
            priority: wanted.settings.priority,
            policy: RunPolicy {
                failures_max: farm
                    .retries_per_task
                    .map_or(RunPolicy::default().failures_max, |more| more.saturating_add(1)),
            },
            asked_with: wanted.asked_with,
            started_at: None,
            finished_at: None,
            problem: None,
        };
        let saved = self.services.journal.save_command_job(&record);
        saved.map_err(|error| failed("journal", chain(&error)))?;
        let running =
            Running::restore(self.services.clone(), record).map_err(|error| failed("journal", chain(&error)))?;
        if farm.suspended {
            running.happen(&RunEvent::Paused)?;
        }
        let summary = running.view().summary.clone();
        self.services.events.tell(&NodeEvent::Job(summary.clone()));
        self.run(running);
        Ok(summary)
    }

    fn check_requirements(&self, job: &Job) -> Result<(), Problem> {
        let mut hosts = vec![self.services.command_limits().host()];
        hosts.extend(elsewhere::hosts(&self.services));
        let Some(why) = job.unmet(&hosts) else { return Ok(()) };
        Err(bad_input("requirement_unmet", why)
            .next("change its hostRequirements, or add a larger node: `rayswarm up --provide --own-account …`"))
    }

    /// All of them.
    pub fn list(&self) -> Vec<Arc<JobView>> {
        self.jobs().values().map(|running| running.view()).collect()
    }

    /// One of them, if it is one.
    pub fn view(&self, id: JobId) -> Option<Arc<JobView>> {
        Some(self.job(id)?.view())
    }

    /// Its tasks.
    pub fn tasks(&self, id: JobId, after: usize, limit: usize) -> Option<Page<CommandTask>> {
        Some(Page::cut(self.job(id)?.tasks().into_iter(), after, limit))
    }

    /// What its commands said.
    pub fn log(&self, id: JobId) -> Option<LogView> {
        Some(LogView {
            lines: self.job(id)?.log(),
        })
    }

    /// Ends it early, if it is one.
    pub fn cancel(&self, id: JobId) -> Option<Result<JobSummary, Problem>> {
        Some(self.tell(&self.job(id)?, &RunEvent::Cancelled))
    }

    /// Lets it rest or go on, if it is one.
    pub fn pause(&self, id: JobId, paused: bool) -> Option<Result<JobSummary, Problem>> {
        let event = if paused { RunEvent::Paused } else { RunEvent::Resumed };
        Some(self.tell(&self.job(id)?, &event))
    }

    /// Tries again what failed, if it is one. It stays the same job: what is done is done.
    pub fn retry(&self, id: JobId) -> Option<Result<JobSummary, Problem>> {
        let running = self.job(id)?;
        let state = running.view().summary.state;
        if !matches!(state, JobState::Failed | JobState::Cancelled) {
            return Some(Err(nothing_failed(id, state)));
        }
        Some(running.happen(&RunEvent::Retried).map(|()| {
            self.spawn(running.clone());
            running.view().summary.clone()
        }))
    }

    /// Another name or priority, if it is one.
    pub fn change(&self, id: JobId, change: &JobChange) -> Option<Result<JobSummary, Problem>> {
        let running = self.job(id)?;
        Some(running.change(change).map(|()| running.view().summary.clone()))
    }

    fn tell(&self, running: &Arc<Running>, event: &RunEvent) -> Result<JobSummary, Problem> {
        if !running.view().summary.state.is_final() {
            running.happen(event)?;
        }
        Ok(running.view().summary.clone())
    }

    fn run(&self, running: Arc<Running>) {
        self.jobs().insert(running.id(), running.clone());
        self.spawn(running);
    }

    fn spawn(&self, running: Arc<Running>) {
        if running.view().summary.state.is_final() {
            return;
        }
        let (commands, stop) = (self.clone(), self.services.stop.clone());
        self.services.tracker.spawn(async move {
            // A job that is dropped in the middle kills its sessions; the next start goes on with it.
            tokio::select! {
                () = stop.cancelled() => {}
                () = running.run(|| commands.places(&running)) => {}
            }
        });
    }

    fn places(&self, running: &Running) -> Result<Arc<dyn Places>, Problem> {
        let sandbox = self.services.engines.sandbox();
        let sandbox = sandbox.map_err(|error| missing("no_sandbox", chain(error)))?;
        let here = Workshop {
            sandbox: sandbox.clone(),
            tools: Tools::of(self.services.engines.store()),
            limits: self.services.command_limits(),
            turns: self.services.command_turns.clone(),
            sessions: self.services.config.command_sessions(),
        };
        let source = running.record().source.clone();
        Ok(Arc::new(OwnNodes::new(
            self.services.clone(),
            running.id(),
            source,
            here,
        )))
    }

    fn job(&self, id: JobId) -> Option<Arc<Running>> {
        self.jobs().get(&id).cloned()
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<JobId, Arc<Running>>> {
        // Every change is one insertion: a panic elsewhere leaves it whole.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Requestor {
    /// Takes a job of commands on; it begins at once. As with [`Self::create`], the same key gives the same job. Blocking.
    pub fn create_commands(&self, wanted: WantedCommands) -> Result<JobSummary, Problem> {
        let mut asked = self.asked();
        let with = wanted.asked_with.clone();
        if let Some(same) = with.as_ref().and_then(|with| self.asked_before(&asked, with)) {
            return same;
        }
        let summary = self.commands.create(wanted)?;
        if let Some(with) = with {
            asked.insert(with.key.clone(), (summary.id, with));
        }
        Ok(summary)
    }

    /// The jobs of commands.
    pub const fn commands(&self) -> &Commands {
        &self.commands
    }

    /// Why there is nothing of a render: the job is not known, or has no frames.
    pub(super) fn not_rendered(&self, id: JobId) -> Problem {
        if self.commands.job(id).is_none() {
            return unknown(id);
        }
        let detail = format!(
            "job {} runs commands; it has no frames, tiles, quote or audits",
            id.short()
        );
        conflict("runs_commands", detail).next(format!("see /v1/jobs/{id}/commands, or `rayswarm jobs show`"))
    }
}

fn nothing_failed(id: JobId, state: JobState) -> Problem {
    let detail = format!(
        "job {} is {}, so there is nothing to try again",
        id.short(),
        state.word()
    );
    conflict("nothing_failed", detail)
}

/// What one session gets of this machine: all processors, and half of the free disk.
pub fn limits(processors: u32, memory: Bytes, folder: &Path) -> CommandLimits {
    let free = rustix::fs::statvfs(folder).map_or(0, |found| found.f_bavail.saturating_mul(found.f_frsize));
    CommandLimits {
        processors,
        memory,
        disk: Bytes(free / 2),
        // The owner's own work, behind what they do on the machine themselves.
        nice: 10,
    }
}

/// As many as have their memory, at most one per processor.
pub fn sessions_at_a_time(processors: u32, memory: Bytes) -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes: u64 = line
        .and_then(|rest| rest.split_whitespace().next()?.parse().ok())
        .unwrap_or(0);
    let fit = kibibytes.saturating_mul(1024) / memory.0.max(1);
    usize::try_from(fit.clamp(1, u64::from(processors.max(1)))).unwrap_or(1)
}
