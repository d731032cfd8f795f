//! The requestor role: owns jobs, pays for them.
//!
//! | module | holds |
//! |---|---|
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
//! | [`plan_file`] | the plan on disk |
//! | [`inherit`] | frames that an earlier try of a film finished |
//! | [`inviting`] | who is asked |
//! | [`studio`] | the requestor's own session: finishing, and audits nobody else can do |
//! | [`assembly`] | merging frames and encoding films |
//! | [`naming`] | names of finished files |
//! | [`money`] | escrow, vouchers, settlement |
//! | [`refusal`] | problems as documents |

pub mod analysis;
pub mod assembly;
pub mod checking;
pub mod evidence;
pub mod inherit;
pub mod inviting;
pub mod job;
pub mod ledger;
pub mod money;
pub mod naming;
pub mod pack;
pub mod plan_file;
pub mod probe;
pub mod quoting;
pub mod record;
pub mod refusal;
pub mod rendering;
pub mod studio;

use crate::{clock, identity, journal::JournalError, services::Services};
use job::{Command, Job, JobHandle};
use rayswarm_api::{
    Problem,
    job::{Explanation, JobRequest, JobState, JobSummary, JobView, RetryRequest},
};
use rayswarm_model::{B256, JobId, SceneFacts};
use rayswarm_network::{
    RequestorEvent,
    work::{CommitAnswer, PullAnswer},
};
use record::{JobRecord, SecretSeed};
use refusal::{bad_input, chain, failed, missing};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::sync::mpsc;

/// The jobs of this node.
#[derive(Clone)]
pub struct Requestor {
    services: Arc<Services>,
    jobs: Arc<Mutex<HashMap<JobId, JobHandle>>>,
}

impl Requestor {
    /// Reads the journal, goes on with what was not final, and answers providers from then on.
    pub fn start(services: Arc<Services>, events: mpsc::Receiver<RequestorEvent>) -> Result<Self, JournalError> {
        let requestor = Self {
            services: services.clone(),
            jobs: Arc::default(),
        };
        for record in services.journal.jobs()? {
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

    /// Takes a job on; it is analysed, probed and then waits as `quoted`, unless it is to start by itself.
    pub fn create(&self, request: JobRequest) -> Result<JobSummary, Problem> {
        let no_entropy = |error: rand::rand_core::OsError| failed("no_entropy", chain(&error));
        let salt = B256::from(identity::random().map_err(no_entropy)?);
        let audit_seed = identity::random().map_err(no_entropy)?;
        let now = clock::now();
        let record = JobRecord {
            id: self
                .services
                .domain
                .job_id(self.services.identity.account.address(), salt),
            salt,
            created_at: now,
            deadline_at: now.after(Duration::from_secs(request.deadline_s)),
            request,
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
        self.run(record);
        Ok(summary)
    }

    /// All jobs, newest first.
    pub fn list(&self) -> Vec<JobSummary> {
        let mut jobs: Vec<JobSummary> = self.jobs().values().map(|handle| handle.view().summary).collect();
        jobs.sort_by(|left, right| {
            right
                .created_at_ms
                .cmp(&left.created_at_ms)
                .then(left.id.cmp(&right.id))
        });
        jobs
    }

    /// One job.
    pub fn view(&self, id: JobId) -> Result<JobView, Problem> {
        self.jobs().get(&id).map(JobHandle::view).ok_or_else(|| unknown(id))
    }

    /// Accepts a quote.
    pub async fn start_job(&self, id: JobId) -> Result<JobSummary, Problem> {
        let view = self.view(id)?;
        if view.summary.state != JobState::Quoted {
            let detail = format!(
                "job {} is {}, only a quoted job can start",
                id.short(),
                view.summary.state.word()
            );
            return Err(bad_input("not_quoted", detail));
        }
        self.command(id, Command::Start).await
    }

    /// Ends a job early.
    pub async fn cancel(&self, id: JobId) -> Result<JobSummary, Problem> {
        self.command(id, Command::Cancel).await
    }

    /// A new job for what a failed or cancelled one left open: frames whose files exist are not rendered again.
    pub fn retry(&self, id: JobId, retry: RetryRequest) -> Result<JobSummary, Problem> {
        let view = self.view(id)?;
        if !view.summary.state.is_final() {
            let detail = format!(
                "job {} is still {}; cancel it first",
                id.short(),
                view.summary.state.word()
            );
            return Err(bad_input("not_final", detail));
        }
        self.create(JobRequest {
            skip_existing: true,
            auto_start: retry.auto_start,
            continues: Some(id),
            ..view.request
        })
    }

    /// Why each task went where it went.
    pub fn explain(&self, id: JobId) -> Result<Vec<Explanation>, Problem> {
        let journal = |error: &dyn std::error::Error| failed("journal", chain(error));
        let records = self.services.journal.jobs().map_err(|error| journal(&error))?;
        let record = records
            .into_iter()
            .find(|record| record.id == id)
            .ok_or_else(|| unknown(id))?;
        match plan_file::read(&self.services, id) {
            Some(plan) => rendering::explain(&self.services, &record, &plan).map_err(|error| journal(&error)),
            None => Ok(Vec::new()),
        }
    }

    async fn command(&self, id: JobId, command: Command) -> Result<JobSummary, Problem> {
        let sender = self
            .jobs()
            .get(&id)
            .map(JobHandle::commands)
            .ok_or_else(|| unknown(id))?;
        // A job that is final takes no commands any more; its view says so.
        let _ = sender.send(command).await;
        self.view(id).map(|view| view.summary)
    }

    fn run(&self, record: JobRecord) {
        let id = record.id;
        let (job, handle) = Job::new(self.services.clone(), record);
        self.jobs().insert(id, handle);
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
                .get(&job)
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

    fn handles(&self) -> Vec<JobHandle> {
        self.jobs().values().cloned().collect()
    }

    fn jobs(&self) -> MutexGuard<'_, HashMap<JobId, JobHandle>> {
        // Every change is one insertion: a panic elsewhere leaves it whole.
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn unknown(id: JobId) -> Problem {
    Problem {
        status: 404,
        ..missing(
            "no_such_job",
            format!("job {} is not known here; `rayswarm jobs list` shows all", id.short()),
        )
    }
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
