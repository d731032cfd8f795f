//! One job's life as a persisted state machine: analyse, probe, quote, fund, render, settle. Each state's work may be
//! done again after a crash.

use super::{
    analysis::{self, Analysis},
    assembly, inherit,
    money::{self, Earnings},
    pack, plan_file, quoting,
    record::{JobRecord, ManifestBlob},
    refusal::{bad_input, chain, failed, missing},
    rendering::{self, Outcome, Progress},
};
use crate::{clock, services::Services};
use rayswarm_api::{
    Problem,
    job::{JobState, JobView},
};
use rayswarm_engines::film;
use rayswarm_model::{FailureKind, Frames, NodeId, Plan};
use rayswarm_network::{CloseCode, NetworkError, RequestorEvent};
use rayswarm_scheduler::Policy;
use std::{path::PathBuf, sync::Arc, time::Duration};
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
/// Pause before the chain is asked again after it could not be.
const CHAIN_RETRY: Duration = Duration::from_secs(2);

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
    /// Whether providers have business with it: in other states nobody reads what they ask.
    pub fn renders(&self) -> bool {
        self.view.borrow().summary.state == JobState::Rendering
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
        if self.renders() {
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
        let (view, watched) = watch::channel(view_of(&record, &record.progress, Vec::new()));
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
                Err(End::Cancelled) => self.end_early(None).await,
                Err(End::Failed(problem)) => self.end_early(Some(problem)).await,
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

    /// Writes the record down. A step that must not be forgotten looks at the outcome.
    pub fn save(&self) -> Result<(), Problem> {
        self.services.journal.save_job(&self.record).map_err(|error| {
            tracing::error!(job = %self.record.id.short(), error = %chain(&error), "the job was not written down");
            failed("journal", chain(&error))
        })
    }

    /// Shows the job to whoever looks.
    pub fn publish(&mut self, progress: Progress) {
        self.record.progress = progress;
        self.show();
    }

    fn show(&self) {
        self.view
            .send_replace(view_of(&self.record, &self.record.progress, self.log.clone()));
    }

    fn enter(&mut self, next: JobState) {
        self.record.state = next;
        self.record.progress.eta_s = None;
        if next.is_final() {
            self.record.finished_at = Some(clock::now());
        }
        // What is not written down is done again after a crash; every step allows for that.
        let _ = self.save();
        self.show();
    }

    /// After money was locked, an end leads through settlement; before, straight to the end.
    async fn end_early(&mut self, problem: Option<Problem>) {
        if let Some(problem) = &problem {
            self.say(problem.detail.clone());
        }
        let funded = match self.record.state {
            JobState::Rendering => true,
            JobState::Funding => match self.is_open_on_chain().await {
                Some(open) => open,
                // The node stops; the next one asks again.
                None => return,
            },
            _ => false,
        };
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
        self.show();
        let (services, request) = (self.services.clone(), self.record.request.clone());
        let analysis = self
            .unless_cancelled(async { analysis::analyse(&services, &request).await })
            .await??;
        if analysis.format.is_film() {
            // Paid frames without an encoder would be no film.
            film::program().map_err(|error| missing("no_encoder", chain(&error)))?;
        }
        self.record.facts = Some(analysis.facts.clone());
        self.record.format = Some(analysis.format);
        self.record.resolution = Some(analysis.settings.resolution);
        let Some(frames) = self.frames_to_render(&analysis) else {
            return self.nothing_to_render().await;
        };
        self.say(format!(
            "probing {} frames of {}",
            frames.len(),
            analysis.settings.resolution
        ));
        self.record.frames = Some(frames.clone());
        self.enter(JobState::Probing);
        let folder = self.folder();
        let record = self.record.clone();
        let work = async { quoting::quote(&services, &record, &analysis, &frames, &folder).await };
        let (plan, quote) = self.unless_cancelled(work).await??;
        self.record.plan_hash = Some(plan_file::store(&services, self.record.id, &plan)?);
        self.record.tasks = plan.tasks.len() as u64;
        self.record.quote = Some(quote);
        Ok(JobState::Quoted)
    }

    /// What is left after the files that are there already, and the frames an earlier try of a film finished.
    fn frames_to_render(&mut self, analysis: &Analysis) -> Option<Frames> {
        let asked = analysis.frames.as_ref()?;
        let had = inherit::take_over(&self.services, &self.record, &analysis.facts, asked);
        if !had.is_empty() {
            self.say(format!("{} frames are finished from before", had.len()));
        }
        let open = asked.as_slice().iter().filter(|frame| !had.contains(frame));
        let open: Vec<i32> = open.copied().collect();
        self.record.frames_inherited = had;
        Frames::try_from(open).ok()
    }

    async fn nothing_to_render(&mut self) -> Result<JobState, End> {
        if !self.record.frames_inherited.is_empty() {
            self.say("encoding the film");
            self.show();
            let (services, record) = (self.services.clone(), self.record.clone());
            let film = self
                .unless_cancelled(async { assembly::film_of(&services, &record).await })
                .await??;
            self.record.outputs = vec![film];
            return Ok(JobState::Done);
        }
        self.say("every frame's file exists already; nothing to render");
        Ok(JobState::Done)
    }

    async fn await_start(&mut self) -> Result<JobState, End> {
        self.show();
        if self.record.request.auto_start {
            // A quote above the budget never gets here. Who has cancelled in the meantime is heard before money moves.
            let cancelled = self.commands.try_recv() == Ok(Command::Cancel);
            return if cancelled {
                Err(End::Cancelled)
            } else {
                Ok(JobState::Funding)
            };
        }
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
        self.show();
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
        }
        // Money whose reason is not written down would be lost.
        self.save()?;
        let services = self.services.clone();
        loop {
            let opened = tokio::select! {
                () = services.stop.cancelled() => return Err(End::Stopped),
                opened = money::open(&services, &mut self.record, packed.hash, plan) => opened,
            };
            match opened {
                Ok(()) => break,
                Err(error) if error.kind() == FailureKind::Transient => self.wait_for_chain(&chain(&error)).await?,
                Err(error) => return Err(failed("not_funded", chain(&error)).into()),
            }
        }
        self.record.started_at = Some(clock::now());
        Ok(JobState::Rendering)
    }

    /// Whether the escrow knows the job; `None` when the node stops before the chain answers.
    async fn is_open_on_chain(&mut self) -> Option<bool> {
        let services = self.services.clone();
        loop {
            match services.settlement.job(self.record.id).await {
                Ok(job) => return Some(job.state != rayswarm_settlement::JobState::None),
                Err(error) => self.wait_for_chain(&chain(&error)).await.ok()?,
            }
        }
    }

    /// The chain may be away for a while; money is never given up for that.
    async fn wait_for_chain(&mut self, reason: &str) -> Result<(), End> {
        self.say(format!("the chain cannot be used yet: {reason}"));
        self.show();
        tokio::select! {
            () = self.services.stop.cancelled() => Err(End::Stopped),
            () = tokio::time::sleep(CHAIN_RETRY) => Ok(()),
        }
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
        self.show();
        let earnings = self.earnings().await?;
        let services = self.services.clone();
        loop {
            let settled = tokio::select! {
                () = services.stop.cancelled() => return Err(End::Stopped),
                settled = money::settle(&services, &mut self.record, &earnings) => settled,
            };
            match settled {
                Ok(()) => break,
                Err(error) => self.wait_for_chain(&chain(&error)).await?,
            }
        }
        Ok(match &self.record.problem {
            None => JobState::Done,
            Some(problem) if problem.kind == cancelled().kind => JobState::Cancelled,
            Some(_) => JobState::Failed,
        })
    }

    /// What verified work has earned, as the journal tells it. While the journal cannot be read nobody is paid too little:
    /// providers may redeem their vouchers themselves until the deadline.
    async fn earnings(&mut self) -> Result<Earnings, End> {
        loop {
            let replayed = match self.plan() {
                Some(plan) => rendering::replay(&self.services, &self.record, &plan).map_err(|error| chain(&error)),
                None => Err("the plan cannot be read".into()),
            };
            match replayed {
                Ok(progress) => {
                    let earnings = progress.earnings.clone();
                    self.publish(progress);
                    return Ok(earnings);
                }
                Err(reason) if clock::now() < self.record.deadline_at => {
                    self.wait_for_chain(&format!("what is owed cannot be told: {reason}"))
                        .await?;
                }
                Err(_) => return Ok(Earnings::default()),
            }
        }
    }

    /// The plan, once there is one.
    fn plan(&self) -> Option<Plan> {
        plan_file::read(&self.services, self.record.id)
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
        self.services.network.blobs().revoke_all(self.record.id);
        self.services.network.blobs().unpin(self.record.id);
        if let Err(error) = self.services.network.clear_uploads(self.record.id) {
            tracing::debug!(%error, "partial uploads were not removed");
        }
        let film_frames = (self.record.state == JobState::Done).then_some(assembly::FILM_FRAMES);
        // The frames of a film that was not made are worth keeping: a retry goes on with them.
        for name in ["results", "merged", "scratch"].into_iter().chain(film_frames) {
            let folder = self.folder().join(name);
            if folder.exists()
                && let Err(error) = tokio::fs::remove_dir_all(&folder).await
            {
                tracing::warn!(folder = %folder.display(), %error, "cannot be removed");
            }
        }
    }
}

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

fn view_of(record: &JobRecord, progress: &Progress, log: Vec<String>) -> JobView {
    let end = record.finished_at.unwrap_or_else(clock::now);
    JobView {
        summary: record.summary(),
        request: record.request.clone(),
        facts: record.facts.clone(),
        quote: record.quote.clone(),
        resolution: record.resolution,
        frames: record.frames.clone(),
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
