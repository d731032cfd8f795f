//! One job's life as a persisted state machine: analyse, probe, quote, fund, render, settle. Each state's work may be
//! done again after a crash.

use super::{
    analysis::{self, Analysis},
    assembly,
    board::Board,
    claims,
    handle::{Command, JobHandle},
    inherit,
    ledger::Ledger,
    leftovers,
    money::{self, Earnings},
    outputs::Outputs,
    pack, plan_file,
    precedence::Precedence,
    quoting,
    record::{JobRecord, ManifestBlob},
    refusal::{bad_input, chain, failed, lost, missing},
    rejections,
    rendering::{self, Outcome, Progress},
    shown::Shown,
};
use crate::{clock, services::Services, traces::jobs::JobTrace};
use rayswarm_api::{
    Problem, Time,
    event::{LogSaid, NodeEvent, OutputMade, TasksChanged},
    job::JobState,
    task::LogLine,
};
use rayswarm_engines::film;
use rayswarm_model::{FailureKind, Frames, Plan};
use rayswarm_network::RequestorEvent;
use rayswarm_scheduler::{Farm, Policy};
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

/// Commands and events waiting for a job; more than its providers send at once.
const INBOX_MAX: usize = 256;
/// Changed tasks in one event.
const TASKS_PER_EVENT: usize = 1000;
/// Pause before the chain is asked again after it could not be.
const CHAIN_RETRY: Duration = Duration::from_secs(2);

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
    /// Which of this node's jobs goes first.
    pub precedence: Arc<Precedence>,
    trace: JobTrace,
    shown: Arc<Shown>,
    outputs: Outputs,
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
    pub fn new(services: Arc<Services>, record: JobRecord, precedence: Arc<Precedence>) -> (Self, JobHandle) {
        let (command_sender, commands) = mpsc::channel(INBOX_MAX);
        let (event_sender, events) = mpsc::channel(INBOX_MAX);
        let mut outputs = Outputs::default();
        outputs.update(&record);
        let shown = Arc::new(Shown::new(&record, &outputs));
        let handle = JobHandle {
            commands: command_sender,
            events: event_sender,
            shown: shown.clone(),
        };
        (
            Self {
                trace: JobTrace::new(services.traces.clone()),
                services,
                record,
                commands,
                events,
                precedence,
                shown,
                outputs,
            },
            handle,
        )
    }

    /// Lives until the job is final and no claim holds money of it back, or the node stops.
    pub async fn run(mut self) {
        let over = CancellationToken::new();
        let watching = rejections::watch(self.services.clone(), self.record.id);
        self.services
            .tracker
            .spawn(over.clone().run_until_cancelled_owned(watching));
        let _watched = over.drop_guard();
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
        leftovers::clear(&self.services, &self.record, &self.folder()).await;
        self.commands.close();
        claims::follow(&mut self).await;
    }

    /// The folder of this job.
    pub fn folder(&self) -> PathBuf {
        self.services.folder("jobs").join(self.record.id.to_string())
    }

    /// Adds a line to the job's log.
    pub fn say(&mut self, line: impl Into<String>) {
        let line = line.into();
        tracing::info!(job = %self.record.id.short(), "{line}");
        let at = Time(clock::now());
        let said = LogSaid {
            job: self.record.id,
            at,
            text: line.clone(),
        };
        self.services.events.tell(&NodeEvent::Log(said));
        self.shown.say(LogLine { at, text: line });
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

    /// Brings the board up to date and tells what has changed.
    pub fn show_tasks(&self, farm: &Farm, ledger: &Ledger) {
        let (rev, tasks) = {
            let mut board = self.shown.board();
            let tasks = board.update(farm, ledger);
            (board.rev(), tasks)
        };
        for tasks in tasks.chunks(TASKS_PER_EVENT) {
            let changed = TasksChanged {
                job: self.record.id,
                rev,
                tasks: tasks.to_vec(),
            };
            self.services.events.tell(&NodeEvent::Tasks(changed));
        }
    }

    /// Puts an empty board up for the plan.
    pub fn show_plan(&self, plan: &Plan) {
        *self.shown.board() = Board::of(plan);
    }

    fn show(&mut self) {
        for output in self.outputs.update(&self.record) {
            let job = self.record.id;
            self.services
                .events
                .tell(&NodeEvent::Output(OutputMade { job, output }));
        }
        if let Some(view) = self.shown.show(&self.record, &self.outputs) {
            self.services.events.tell(&NodeEvent::Job(view.summary.clone()));
        }
    }

    /// Does what can be done in any state; gives back what cannot.
    pub fn obey(&mut self, command: Command) -> Option<Command> {
        match command {
            Command::Start(_) | Command::Cancel => return Some(command),
            Command::Pause => self.record.paused = true,
            Command::Resume => self.record.paused = false,
            Command::Change(change) => self.record.change(change),
        }
        // Forgotten in a crash, it is said again.
        let _ = self.save();
        self.show();
        None
    }

    fn enter(&mut self, next: JobState) {
        let left = std::mem::replace(&mut self.record.state, next);
        self.record.progress.eta_s = None;
        if next.is_final() {
            self.record.finished_at = Some(clock::now());
        }
        self.trace.entered(left, &self.record);
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
        self.show_plan(&plan);
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
        if self.record.request.settings.auto_start {
            // A quote above the budget never gets here. Who has cancelled in the meantime is heard before money moves.
            while let Ok(command) = self.commands.try_recv() {
                if self.obey(command) == Some(Command::Cancel) {
                    return Err(End::Cancelled);
                }
            }
            return Ok(JobState::Funding);
        }
        loop {
            let command = tokio::select! {
                () = self.services.stop.cancelled() => return Err(End::Stopped),
                command = self.commands.recv() => command.ok_or(End::Stopped)?,
            };
            match self.obey(command) {
                Some(Command::Start(budget)) => {
                    self.record.choose(budget);
                    return Ok(JobState::Funding);
                }
                Some(_) => return Err(End::Cancelled),
                None => {}
            }
        }
    }

    async fn fund(&mut self) -> Result<JobState, End> {
        self.say("packing the scene and locking the budget");
        self.show();
        let facts = self.record.facts.clone().ok_or_else(|| lost("facts"))?;
        let packed = pack::pack(&self.services, self.record.id, &self.record.request.scene, &facts).await;
        let packed = packed.map_err(|error| bad_input("cannot_pack", chain(&error)))?;
        let plan_hash = self.record.plan_hash.ok_or_else(|| lost("plan"))?;
        let plan = self.plan().ok_or_else(|| lost("plan"))?;
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
                opened = money::open(&services, &mut self.record, packed.hash, (plan_hash, &plan)) => opened,
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
            Some(problem) if problem.kind == money::UNDERPAID => JobState::Done,
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
                Some(command) = self.commands.recv() => {
                    if self.obey(command) == Some(Command::Cancel) {
                        return Err(End::Cancelled);
                    }
                }
                done = &mut work => return Ok(done),
            }
        }
    }
}

fn cancelled() -> Problem {
    Problem::new(
        200,
        "cancelled",
        "cancelled; finished work is paid, the rest is refunded",
    )
}
