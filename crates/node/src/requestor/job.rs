//! One job's life as a persisted state machine: analyse, probe, quote, fund, render, settle. Each state's work may be
//! done again after a crash.

use super::{
    analysis::{self, Analysis},
    money::{self, Earnings},
    pack, quoting,
    record::{JobRecord, ManifestBlob},
    refusal::{bad_input, chain, failed},
    rendering::{self, Outcome, Progress},
};
use crate::{clock, services::Services};
use rayswarm_api::{
    Problem,
    job::{JobState, JobView},
};
use rayswarm_model::{JobId, NodeId, Plan, canonical};
use rayswarm_network::{CloseCode, NetworkError, RequestorEvent};
use rayswarm_scheduler::Policy;
use std::{
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::sync::{mpsc, watch};

/// What the artist may tell a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Accept the quote.
    Start,
    /// End it early.
    Cancel,
}

/// Commands and events waiting for a job; more than its providers send at once.
const INBOX_MAX: usize = 256;
/// Lines of a job's log that are shown.
const LOG_LINES_MAX: usize = 50;

/// How the rest of the node reaches a job.
#[derive(Clone)]
pub struct JobHandle {
    commands: mpsc::Sender<Command>,
    events: mpsc::Sender<RequestorEvent>,
    view: watch::Receiver<JobView>,
}

impl JobHandle {
    /// The job as it is now.
    pub fn view(&self) -> JobView {
        self.view.borrow().clone()
    }
    /// Where commands go.
    pub fn commands(&self) -> mpsc::Sender<Command> {
        self.commands.clone()
    }
    /// Where providers' events go.
    pub fn events(&self) -> mpsc::Sender<RequestorEvent> {
        self.events.clone()
    }
    /// The link to a provider ended; of interest while rendering only.
    pub async fn link_closed(&self, from: NodeId) {
        if self.view.borrow().summary.state == JobState::Rendering {
            let error = NetworkError::Closed {
                node: from,
                code: CloseCode::Done,
                reason: String::new(),
            };
            // A job that ends at this moment has no use for it.
            let _ = self.events.send(RequestorEvent::LinkClosed { from, error }).await;
        }
    }
}

/// One job and everything it owns.
pub struct Job {
    /// What all roles share.
    pub services: Arc<Services>,
    /// What was decided.
    pub record: JobRecord,
    /// Commands of the artist.
    pub commands: mpsc::Receiver<Command>,
    /// What providers ask.
    pub events: mpsc::Receiver<RequestorEvent>,
    view: watch::Sender<JobView>,
    log: Vec<String>,
}

/// Why a state's work ended without a next state.
enum End {
    /// It cannot go on.
    Failed(Problem),
    /// The artist ended it.
    Cancelled,
    /// The node stops; the journal has everything.
    Stopped,
}

impl From<Problem> for End {
    fn from(problem: Problem) -> Self {
        Self::Failed(problem)
    }
}

impl Job {
    /// A job that has not begun, and its handle.
    pub fn new(services: Arc<Services>, record: JobRecord) -> (Self, JobHandle) {
        let (command_sender, commands) = mpsc::channel(INBOX_MAX);
        let (event_sender, events) = mpsc::channel(INBOX_MAX);
        let (view, watched) = watch::channel(view_of(&record, &Progress::default(), Vec::new(), None));
        let handle = JobHandle {
            commands: command_sender,
            events: event_sender,
            view: watched,
        };
        (
            Self {
                services,
                record,
                commands,
                events,
                view,
                log: Vec::new(),
            },
            handle,
        )
    }

    /// Lives until the job is final or the node stops.
    pub async fn run(mut self) {
        while !self.record.state.is_final() {
            let outcome = match self.record.state {
                JobState::Analysing | JobState::Probing => self.quote().await,
                JobState::Quoted => self.await_start().await,
                JobState::Funding => self.fund().await,
                JobState::Rendering => self.render().await,
                JobState::Settling => self.settle().await,
                JobState::Done | JobState::Cancelled | JobState::Failed => return,
            };
            match outcome {
                Ok(next) => self.enter(next),
                Err(End::Stopped) => return,
                Err(End::Cancelled) => self.end_early(None),
                Err(End::Failed(problem)) => self.end_early(Some(problem)),
            }
        }
        self.clean_up().await;
    }

    /// The folder of this job.
    pub fn folder(&self) -> PathBuf {
        self.services.folder("jobs").join(self.record.id.to_string())
    }

    /// Adds a line to the job's log.
    pub fn say(&mut self, line: impl Into<String>) {
        let line = line.into();
        tracing::info!(job = %self.record.id.short(), "{line}");
        self.log.push(line);
        if self.log.len() > LOG_LINES_MAX {
            self.log.remove(0);
        }
    }

    /// Writes the record down.
    pub fn save(&self) {
        if let Err(error) = self.services.journal.save_job(&self.record) {
            tracing::error!(job = %self.record.id.short(), error = %chain(&error), "the job was not written down");
        }
    }

    /// Shows the job to whoever looks.
    pub fn publish(&self, progress: &Progress, plan: Option<&Plan>) {
        self.view
            .send_replace(view_of(&self.record, progress, self.log.clone(), plan));
    }

    fn enter(&mut self, next: JobState) {
        self.record.state = next;
        if next.is_final() {
            self.record.finished_at = Some(clock::now());
        }
        self.save();
        let progress = Progress {
            permille: if next == JobState::Done { 1000 } else { 0 },
            ..self.last_progress()
        };
        self.publish(&progress, self.plan().as_ref());
    }

    /// After money was locked, an end leads through settlement; before, straight to the end.
    fn end_early(&mut self, problem: Option<Problem>) {
        if let Some(problem) = &problem {
            self.say(problem.detail.clone());
        }
        let funded = matches!(self.record.state, JobState::Funding | JobState::Rendering);
        let end = if problem.is_some() {
            JobState::Failed
        } else {
            JobState::Cancelled
        };
        self.record.problem = problem.or_else(|| Some(cancelled()));
        self.enter(if funded { JobState::Settling } else { end });
    }

    async fn quote(&mut self) -> Result<JobState, End> {
        self.say("opening the scene");
        self.publish(&Progress::default(), None);
        let (services, request) = (self.services.clone(), self.record.request.clone());
        let analysis = self
            .unless_cancelled(async { analysis::analyse(&services, &request).await })
            .await??;
        self.record.facts = Some(analysis.facts.clone());
        self.record.format = Some(analysis.format);
        let Analysis {
            frames: Some(frames), ..
        } = &analysis
        else {
            self.say("every frame's file exists already; nothing to render");
            return Ok(JobState::Done);
        };
        let frames = frames.clone();
        self.say(format!(
            "probing {} frames of {}",
            frames.len(),
            analysis.settings.resolution
        ));
        self.record.state = JobState::Probing;
        self.save();
        self.publish(&Progress::default(), None);
        let folder = self.folder();
        let record = self.record.clone();
        let work = async { quoting::quote(&services, &record, &analysis, &frames, &folder).await };
        let (plan, quote) = self.unless_cancelled(work).await??;
        self.record.plan_hash = Some(store_plan(&folder, &plan)?);
        self.record.tasks = plan.tasks.len() as u64;
        self.record.quote = Some(quote);
        Ok(JobState::Quoted)
    }

    async fn await_start(&mut self) -> Result<JobState, End> {
        self.publish(&Progress::default(), self.plan().as_ref());
        let command = tokio::select! {
            () = self.services.stop.cancelled() => return Err(End::Stopped),
            command = self.commands.recv() => command,
        };
        match command {
            Some(Command::Start) => Ok(JobState::Funding),
            Some(Command::Cancel) => Err(End::Cancelled),
            None => Err(End::Stopped),
        }
    }

    async fn fund(&mut self) -> Result<JobState, End> {
        self.say("packing the scene and locking the budget");
        self.publish(&Progress::default(), self.plan().as_ref());
        let facts = self.record.facts.clone().ok_or_else(|| lost("facts"))?;
        let packed = pack::pack(&self.services, self.record.id, &self.record.request.scene, &facts).await;
        let packed = packed.map_err(|error| bad_input("cannot_pack", chain(&error)))?;
        let plan = self.record.plan_hash.ok_or_else(|| lost("plan"))?;
        self.record.manifest = Some(ManifestBlob {
            blob: packed.blob,
            bytes: packed.blob_bytes,
        });
        let quote = self.record.quote.as_ref().ok_or_else(|| lost("quote"))?;
        self.record.policy = Policy {
            price_cap: quote.price_cap,
            budget: Some(quote.budget),
            deadline: Some(self.record.deadline_at),
            ..Policy::default()
        };
        if self.record.opened_after.is_none() {
            let height = self.services.settlement.height().await;
            self.record.opened_after = Some(height.map_err(|error| failed("chain", chain(&error)))?);
            self.save();
        }
        let opened = money::open(&self.services.clone(), &mut self.record, packed.hash, plan).await;
        opened.map_err(|error| failed("not_funded", chain(&error)))?;
        self.record.started_at = Some(clock::now());
        Ok(JobState::Rendering)
    }

    async fn render(&mut self) -> Result<JobState, End> {
        let plan = self.plan().ok_or_else(|| lost("plan"))?;
        match rendering::run(self, Arc::new(plan)).await {
            Outcome::Complete => Ok(JobState::Settling),
            Outcome::Cancelled => Err(End::Cancelled),
            Outcome::Failed(problem) => Err(End::Failed(problem)),
            Outcome::Stopped => Err(End::Stopped),
        }
    }

    async fn settle(&mut self) -> Result<JobState, End> {
        self.say("paying the providers");
        self.publish(&self.last_progress(), self.plan().as_ref());
        let earnings: Earnings = self.last_progress().earnings;
        let services = self.services.clone();
        loop {
            let settled = tokio::select! {
                () = services.stop.cancelled() => return Err(End::Stopped),
                settled = money::settle(&services, &mut self.record, &earnings) => settled,
            };
            match settled {
                Ok(()) => break,
                // The chain may be away for a while; money is never given up for that.
                Err(error) => {
                    self.say(format!("not settled yet: {}", chain(&error)));
                    self.publish(&self.last_progress(), None);
                    tokio::time::sleep(SETTLE_RETRY).await;
                }
            }
        }
        Ok(match &self.record.problem {
            None => JobState::Done,
            Some(problem) if problem.kind == cancelled().kind => JobState::Cancelled,
            Some(_) => JobState::Failed,
        })
    }

    /// Progress as the journal tells it; for states in which nothing renders.
    fn last_progress(&self) -> Progress {
        rendering::replay(&self.services, &self.record, self.plan().as_ref())
    }

    /// The plan, once there is one.
    fn plan(&self) -> Option<Plan> {
        read_plan(&self.services, self.record.id)
    }

    async fn unless_cancelled<T>(&mut self, work: impl Future<Output = T>) -> Result<T, End> {
        let stop = self.services.stop.clone();
        tokio::pin!(work);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Err(End::Stopped),
                command = self.commands.recv() => if command == Some(Command::Cancel) { return Err(End::Cancelled) },
                done = &mut work => return Ok(done),
            }
        }
    }

    /// Results are merged into files by now; evidence and the journal stay.
    async fn clean_up(&self) {
        self.services.network.blobs().unpin(self.record.id);
        if let Err(error) = self.services.network.clear_uploads(self.record.id) {
            tracing::debug!(%error, "partial uploads were not removed");
        }
        for name in ["results", "merged", "scratch", "frames"] {
            let folder = self.folder().join(name);
            if folder.exists()
                && let Err(error) = tokio::fs::remove_dir_all(&folder).await
            {
                tracing::warn!(folder = %folder.display(), %error, "cannot be removed");
            }
        }
    }
}

/// Pause before settling is tried again.
const SETTLE_RETRY: std::time::Duration = std::time::Duration::from_secs(2);

fn cancelled() -> Problem {
    Problem {
        kind: "cancelled".into(),
        status: 200,
        detail: "cancelled; finished work is paid, the rest is refunded".into(),
    }
}

fn lost(what: &str) -> Problem {
    failed(
        "journal_incomplete",
        format!("the journal has lost the job's {what}; submit the job again"),
    )
}

fn plan_file(folder: &Path) -> PathBuf {
    folder.join("plan.bin")
}

/// A job's plan, once there is one.
pub fn read_plan(services: &Services, id: JobId) -> Option<Plan> {
    let bytes = std::fs::read(plan_file(&services.folder("jobs").join(id.to_string()))).ok()?;
    canonical::decode("plan", &bytes).ok()
}

/// Writes the plan beside the record; its hash goes into the escrow.
fn store_plan(folder: &Path, plan: &Plan) -> Result<rayswarm_model::B256, Problem> {
    let unstorable = |error: &dyn std::error::Error| failed("plan_not_stored", chain(error));
    let bytes = canonical::encode("plan", plan).map_err(|error| unstorable(&error))?;
    std::fs::create_dir_all(folder).map_err(|error| unstorable(&error))?;
    std::fs::write(plan_file(folder), &bytes).map_err(|error| unstorable(&error))?;
    Ok(rayswarm_model::keccak256(bytes))
}

fn view_of(record: &JobRecord, progress: &Progress, log: Vec<String>, plan: Option<&Plan>) -> JobView {
    let end = record.finished_at.unwrap_or_else(clock::now);
    let mut summary = record.summary();
    summary.tasks_verified = progress.tasks_verified;
    JobView {
        summary,
        request: record.request.clone(),
        facts: record.facts.clone(),
        quote: record.quote.clone(),
        resolution: plan.map(|plan| plan.settings.resolution),
        frames: plan.map(|plan| plan.frames.clone()),
        progress_permille: progress.permille,
        eta_s: progress.eta_s,
        attempts: progress.attempts,
        providers: progress.shares.clone(),
        escrow: record.escrow,
        settlement: record.settlement.clone(),
        frames_finished: record.frames_finished.len() as u64,
        outputs: record.outputs.clone(),
        wall_s: record.started_at.map_or(0.0, |start| end.since(start).as_secs_f64()),
        log,
    }
}
