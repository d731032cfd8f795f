//! The requestor role: owns jobs, pays for them.
//!
//! | module | holds |
//! |---|---|
//! | [`wanted`] | what a job is asked with |
//! | [`record`] | what was decided about a job, as the journal keeps it |
//! | [`analysis`] | from a request to what will be rendered |
//! | [`pack`] | the scene's files as blobs |
//! | [`probe`] | what the job costs, measured on a few crops |
//! | [`quoting`] | the plan and its price |
//! | [`job`] | one job's life, from analysis to refund |
//! | [`rendering`] | the loop that drives the farm |
//! | [`checking`] | receipts and delivered pictures |
//! | [`evidence`] | what speaks against a result, kept beyond the job |
//! | [`ledger`] | who did what and earned what |
//! | [`board`] | tasks and attempts for whoever looks |
//! | [`outputs`] | finished files as faces list them |
//! | [`roster`], [`handle`] | all jobs, and how the rest of the node reaches one |
//! | [`commands`] | jobs of commands, which this node runs itself |
//! | [`shown`] | a job as whoever looks sees it |
//! | [`precedence`] | which job goes first |
//! | [`replies`] | what faces ask about jobs |
//! | [`words`] | what providers that ask are told of their results |
//! | [`reasons`] | why tasks went where they went |
//! | [`plan_file`] | the plan on disk |
//! | [`inherit`] | frames that an earlier try of a film finished |
//! | [`inviting`] | who is asked |
//! | [`studio`] | the requestor's own session: finishing, and audits nobody else can do |
//! | [`assembly`] | merging frames and encoding films |
//! | [`naming`] | names of finished files |
//! | [`money`] | escrow, vouchers, settlement |
//! | [`leftovers`] | what a final job leaves behind and nobody needs |
//! | [`windows`] | how long the parties of a job have for what they may do |
//! | [`claims`] | what providers have claimed, followed beyond the job |
//! | [`rejections`] | claims held against this node's books |
//! | [`caps`] | what each provider can be paid at most, epoch by epoch |
//! | [`refusal`] | problems as documents |

pub mod analysis;
pub mod assembly;
pub mod board;
pub mod caps;
pub mod checking;
mod claims;
pub mod commands;
pub mod evidence;
pub mod handle;
pub mod inherit;
pub mod inviting;
pub mod job;
pub mod ledger;
mod leftovers;
pub mod money;
pub mod naming;
pub mod outputs;
pub mod pack;
pub mod plan_file;
pub mod precedence;
pub mod probe;
pub mod quoting;
pub mod reasons;
pub mod record;
pub mod refusal;
pub mod rejections;
pub mod rendering;
pub mod replies;
pub mod roster;
pub mod shown;
pub mod studio;
mod wanted;
pub mod windows;
pub mod words;

use crate::{clock, identity, journal::JournalError, services::Services};
use commands::Commands;
use handle::{Command, JobHandle};
use job::Job;
use outputs::Outputs;
use precedence::Precedence;
use rayswarm_api::{
    Problem,
    event::NodeEvent,
    job::{JobChange, JobRequest, JobSettings, JobState, JobSummary, JobView},
};
use rayswarm_model::{Amount, B256, JobId, SceneFacts};
use rayswarm_network::{
    RequestorEvent,
    work::{CommitAnswer, PullAnswer},
};
use reasons::ReasonsKept;
use record::{AskedWith, JobRecord, SecretSeed};
use refusal::{bad_input, chain, failed};
use roster::Roster;
use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;
pub use wanted::Wanted;

/// The jobs of this node.
#[derive(Clone)]
pub struct Requestor {
    services: Arc<Services>,
    jobs: Arc<Mutex<Roster>>,
    /// Jobs by the idempotency key they were asked with.
    asked: Arc<Mutex<Asked>>,
    precedence: Arc<Precedence>,
    commands: Commands,
    reasons: Arc<ReasonsKept>,
}

/// Jobs by idempotency key.
type Asked = HashMap<String, (JobId, AskedWith)>;

impl Requestor {
    /// Reads the journal, goes on with what was not final, and answers providers from then on.
    pub fn start(services: Arc<Services>, events: mpsc::Receiver<RequestorEvent>) -> Result<Self, JournalError> {
        let requestor = Self {
            services: services.clone(),
            jobs: Arc::default(),
            asked: Arc::default(),
            precedence: Arc::default(),
            commands: Commands::start(services.clone())?,
            reasons: Arc::default(),
        };
        let asked = requestor.commands.asked();
        requestor
            .asked()
            .extend(asked.into_iter().map(|(id, with)| (with.key.clone(), (id, with))));
        for record in services.journal.jobs()? {
            if let Some(with) = record.asked_with.clone() {
                requestor.asked().insert(with.key.clone(), (record.id, with));
            }
            requestor.run(record);
        }
        services.tracker.spawn(requestor.clone().dispatch(events));
        Ok(requestor)
    }

    /// What a scene is and needs.
    pub async fn inspect(&self, request: &JobRequest) -> Result<SceneFacts, Problem> {
        let limits = self.services.local_limits();
        analysis::inspect(&self.services.engines, request, limits)
            .await
            .map(|(_, facts)| facts)
    }

    /// Takes a job on; it is analysed, probed and then waits as `quoted`, unless it is to start by itself. Asking again
    /// with the same idempotency key gives the same job.
    pub fn create(&self, wanted: Wanted) -> Result<JobSummary, Problem> {
        // Held to the end: of two requests with the same key at the same moment one makes the job.
        let mut asked = self.asked();
        if let Some(same) = wanted
            .asked_with
            .as_ref()
            .and_then(|with| self.asked_before(&asked, with))
        {
            return same;
        }
        let no_entropy = |error: rand::rand_core::OsError| failed("no_entropy", chain(&error));
        let salt = B256::from(identity::random().map_err(no_entropy)?);
        let audit_seed = identity::random().map_err(no_entropy)?;
        let now = clock::now();
        let account = self.services.identity.account.address();
        let id = self.services.domain.job_id(account, salt);
        let own_folder = || self.services.folder("renders").join(id.to_string());
        let record = JobRecord {
            id,
            salt,
            created_at: now,
            deadline_at: now.after(Duration::from_secs(wanted.settings.deadline_s)),
            request: JobRequest {
                scene: wanted.scene,
                output: wanted.output.unwrap_or_else(own_folder),
                include: wanted.include,
                continues: wanted.continues,
                settings: wanted.settings,
            },
            asked_with: wanted.asked_with,
            paused: false,
            state: JobState::Analysing,
            problem: None,
            facts: None,
            plan_hash: None,
            manifest: None,
            policy: Default::default(),
            tasks: 0,
            progress: Default::default(),
            resolution: None,
            frames: None,
            frames_inherited: Vec::new(),
            quote: None,
            format: None,
            audit_seed: SecretSeed(audit_seed),
            started_at: None,
            finished_at: None,
            escrow: Default::default(),
            opened_after: None,
            settlement: Default::default(),
            frames_finished: Vec::new(),
            outputs: Vec::new(),
        };
        self.services
            .journal
            .save_job(&record)
            .map_err(|error| failed("journal", chain(&error)))?;
        let summary = record.summary();
        if let Some(with) = record.asked_with.clone() {
            asked.insert(with.key.clone(), (id, with));
        }
        self.services.events.tell(&NodeEvent::Job(summary.clone()));
        self.run(record);
        Ok(summary)
    }

    /// All jobs, newest first.
    pub fn list(&self) -> Vec<Arc<JobView>> {
        let mut jobs: Vec<Arc<JobView>> = self.jobs().all().map(JobHandle::view).collect();
        jobs.extend(self.commands.list());
        jobs.sort_by(|left, right| {
            let (left, right) = (&left.summary, &right.summary);
            right.created_at.cmp(&left.created_at).then(left.id.cmp(&right.id))
        });
        jobs
    }

    /// One job.
    pub fn view(&self, id: JobId) -> Result<Arc<JobView>, Problem> {
        match self.commands.view(id) {
            Some(view) => Ok(view),
            None => self.handle(id).map(|handle| handle.view()),
        }
    }

    /// Accepts a quote: its budget, or a lower one of its curve.
    pub async fn start_job(&self, id: JobId, budget: Option<Amount>) -> Result<JobSummary, Problem> {
        let view = self.view(id)?;
        let Some(quote) = view.quote.as_ref().filter(|_| view.summary.state == JobState::Quoted) else {
            let detail = format!(
                "job {} is {}, only a quoted job can start",
                id.short(),
                view.summary.state.word()
            );
            return Err(conflict("not_quoted", detail));
        };
        let least = quote
            .curve
            .first()
            .map_or(quote.budget, |point| point.budget.min(quote.budget));
        if let Some(budget) = budget.filter(|budget| *budget < least || *budget > quote.budget) {
            let detail = format!(
                "{budget} is no budget of this quote, which allows {least} to {}; ask for a new one to spend more",
                quote.budget
            );
            return Err(bad_input("not_a_budget", detail));
        }
        self.command(id, Command::Start(budget)).await
    }

    /// Ends a job early.
    pub async fn cancel(&self, id: JobId) -> Result<JobSummary, Problem> {
        if let Some(cancelled) = self.commands.cancel(id) {
            return cancelled;
        }
        self.command(id, Command::Cancel).await
    }

    /// Gives nothing new out, or goes on.
    pub async fn pause(&self, id: JobId, paused: bool) -> Result<JobSummary, Problem> {
        let view = self.view(id)?;
        if view.summary.state.is_final() {
            let detail = format!("job {} is {} already", id.short(), view.summary.state.word());
            return Err(conflict("final", detail));
        }
        if let Some(changed) = self.commands.pause(id, paused) {
            return changed;
        }
        self.command(id, if paused { Command::Pause } else { Command::Resume })
            .await
    }

    /// Another name or priority.
    pub async fn change(&self, id: JobId, change: JobChange) -> Result<JobSummary, Problem> {
        if let Some(changed) = self.commands.change(id, &change) {
            return changed;
        }
        let handle = self.handle(id)?;
        if !handle.view().summary.state.is_final() {
            return self.command(id, Command::Change(change)).await;
        }
        let journal = |error: JournalError| failed("journal", chain(&error));
        let mut record = self.record(id)?;
        record.change(change);
        self.services.journal.save_job(&record).map_err(journal)?;
        let mut outputs = Outputs::default();
        outputs.update(&record);
        handle.shown().show(&record, &outputs);
        let summary = record.summary();
        self.services.events.tell(&NodeEvent::Job(summary.clone()));
        Ok(summary)
    }

    /// A new job for what a failed or cancelled one left open: frames whose files exist are not rendered again.
    /// A job of commands stays the same one.
    pub fn retry(&self, id: JobId, auto_start: bool) -> Result<JobSummary, Problem> {
        if let Some(retried) = self.commands.retry(id) {
            return retried;
        }
        let view = self.view(id)?;
        if !view.summary.state.is_final() {
            let detail = format!(
                "job {} is still {}; cancel it first",
                id.short(),
                view.summary.state.word()
            );
            return Err(conflict("not_final", detail));
        }
        let mut request = self.record(id)?.request;
        check_scene(id, &request.scene)?;
        request.settings.skip_existing = true;
        request.settings.auto_start = auto_start;
        request.continues = Some(id);
        self.create(request.into())
    }

    /// A new job like another, with other settings and finished files in a folder of its own.
    pub fn duplicate(&self, id: JobId, settings: JobSettings) -> Result<JobSummary, Problem> {
        let request = self.record(id)?.request;
        check_scene(id, &request.scene)?;
        self.create(Wanted {
            scene: request.scene,
            output: None,
            include: request.include,
            continues: None,
            settings,
            asked_with: None,
        })
    }

    /// A job's settings with some different. Consent to one start is no consent to another.
    pub fn settings_of_copy(
        &self,
        id: JobId,
        changes: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<JobSettings, Problem> {
        let unusable =
            |error: serde_json::Error| bad_input("bad_settings", format!("the changes are no settings: {error}"));
        let mut settings = serde_json::to_value(&self.view(id)?.settings).map_err(unusable)?;
        if let Some(known) = settings.as_object_mut() {
            known.insert("auto_start".into(), false.into());
            known.extend(changes.clone());
        }
        serde_json::from_value(settings).map_err(unusable)
    }

    fn record(&self, id: JobId) -> Result<JobRecord, Problem> {
        let record = self.services.journal.job(id);
        let record = record.map_err(|error| failed("journal", chain(&error)))?;
        record.ok_or_else(|| self.not_rendered(id))
    }

    fn handle(&self, id: JobId) -> Result<JobHandle, Problem> {
        self.jobs().get(id).cloned().ok_or_else(|| self.not_rendered(id))
    }

    async fn command(&self, id: JobId, command: Command) -> Result<JobSummary, Problem> {
        let handle = self.handle(id)?;
        // A job that is final takes no commands any more; its view says so.
        let _ = handle.commands().send(command).await;
        Ok(handle.view().summary.clone())
    }

    /// The job that was made with this key, if there is one.
    fn asked_before(&self, asked: &Asked, with: &AskedWith) -> Option<Result<JobSummary, Problem>> {
        let (id, before) = asked.get(&with.key)?;
        if before.body != with.body {
            let detail = format!(
                "the idempotency key {:?} was used for another request; choose a new one",
                with.key
            );
            return Some(Err(bad_input("idempotency_key_reused", detail)));
        }
        Some(self.view(*id).map(|view| view.summary.clone()))
    }

    fn run(&self, record: JobRecord) {
        let (id, created_at) = (record.id, record.created_at);
        let (job, handle) = Job::new(self.services.clone(), record, self.precedence.clone());
        self.jobs().add(id, created_at, handle);
        self.services.tracker.spawn(job.run());
    }

    /// Hands what providers ask to the job it is about.
    async fn dispatch(self, mut events: mpsc::Receiver<RequestorEvent>) {
        loop {
            let event = tokio::select! {
                () = self.services.stop.cancelled() => return,
                event = events.recv() => event,
            };
            let Some(event) = event else { return };
            let Some(job) = job_of(&event) else {
                for handle in self.handles() {
                    if let RequestorEvent::LinkClosed { from, .. } = &event {
                        handle.link_closed(*from).await;
                    }
                }
                continue;
            };
            let sender = self
                .jobs()
                .get(job)
                .filter(|handle| handle.renders())
                .map(JobHandle::events);
            match sender {
                Some(sender) => {
                    // A job that ends at this moment drops the reply, which tells the provider to ask again.
                    let _ = sender.send(event).await;
                }
                None => decline(event),
            }
        }
    }

    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handles(&self) -> Vec<JobHandle> {
        self.jobs().all().cloned().collect()
    }

    fn jobs(&self) -> MutexGuard<'_, Roster> {
        // Every change is one insertion: a panic elsewhere leaves it whole.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A scene that has gone since cannot be rendered again.
fn check_scene(id: JobId, scene: &Path) -> Result<(), Problem> {
    if scene.is_file() {
        return Ok(());
    }
    let name = scene.file_name().unwrap_or_default().display();
    let detail = format!("the scene {name} of job {} is no longer there", id.short());
    let next = "put the file back, or upload the scene again and make a new job";
    Err(conflict("scene_gone", detail).next(next))
}

fn conflict(kind: &str, detail: String) -> Problem {
    Problem::new(409, kind, detail)
}

fn unknown(id: JobId) -> Problem {
    let detail = format!("job {} is not known here; `rayswarm jobs list` shows all", id.short());
    Problem::new(404, "no_such_job", detail)
}

fn job_of(event: &RequestorEvent) -> Option<JobId> {
    match event {
        RequestorEvent::Pull { pull, .. } => Some(pull.job),
        RequestorEvent::Commit { commit, .. } => Some(commit.job),
        RequestorEvent::Delivered { job, .. } | RequestorEvent::NotStored { job, .. } => Some(*job),
        RequestorEvent::Failed { failure, .. } => Some(failure.job),
        RequestorEvent::Progress { progress, .. } => Some(progress.job),
        RequestorEvent::LinkClosed { .. } => None,
    }
}

/// Answers for a job that is over. Replies that find nobody are of no consequence.
fn decline(event: RequestorEvent) {
    match event {
        RequestorEvent::Pull { reply, .. } => drop(reply.send(PullAnswer::Done)),
        RequestorEvent::Commit { reply, .. } => drop(reply.send(CommitAnswer::Drop {
            reason: "the job is over".into(),
        })),
        RequestorEvent::Delivered { delivery, reply, .. } => {
            if let Err(error) = std::fs::remove_file(&delivery.path) {
                tracing::debug!(%error, "an unwanted result was not removed");
            }
            let _ = reply.send(());
        }
        RequestorEvent::Failed { reply, .. } => drop(reply.send(())),
        _ => {}
    }
}
