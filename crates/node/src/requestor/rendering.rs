//! The loop that drives the farm: what happens is journaled as an event, the scheduler answers with effects, the effects
//! are performed, and their outcomes are events again. Replaying the journal rebuilds the farm after a crash.

use super::{
    checking::{self, Comparison},
    inviting::{self, JobNeeds},
    job::{Command, Job},
    ledger::Ledger,
    money::{self, Earnings},
    record::JobRecord,
    refusal::{bad_input, chain, failed},
    studio::{Done, Order, Studio},
};
use crate::{
    clock,
    journal::{JournalError, StoredResult},
    pixels,
    provider::measure,
    services::Services,
};
use rayswarm_api::{
    Problem,
    job::{Explanation, ProviderShare},
};
use rayswarm_imaging::PixelCommitment;
use rayswarm_model::{
    AttemptId, Bytes, FailureKind, NodeId, Offer, Plan, TaskId, UnixMillis, Work, canonical, signed::SignedReceipt,
};
use rayswarm_network::{
    Delivery, Reply, RequestorEvent, RequestorLink,
    work::{
        Cancel, CommitAnswer, JobInvite, Judgement, Lease, Pull, PullAnswer, Revoke, Verdict as WireVerdict,
        Voucher as WireVoucher,
    },
};
use rayswarm_scheduler::{
    AuditVerdict, Departure, Effect, Event, Farm, FarmError, Grant, ProviderInfo, Purpose, ReceiptSummary, Role, step,
};
use rayswarm_verifier::{AuditPolicy, AuditSeed, ComparisonKind, Outcome as VerdictOutcome, Subject, Verdict, draw};
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::mpsc;

/// How the rendering of a job ended.
pub enum Outcome {
    /// Every frame is finished.
    Complete,
    /// The artist ended it.
    Cancelled,
    /// It could not be completed.
    Failed(Problem),
    /// The node stops.
    Stopped,
}

/// How far a job is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Thousandths of the work verified.
    pub permille: u32,
    /// Seconds to go.
    pub eta_s: Option<f64>,
    /// Attempts made.
    pub attempts: u64,
    /// Tasks verified.
    pub tasks_verified: u64,
    /// Who did what.
    pub shares: Vec<ProviderShare>,
    /// Who earned what.
    pub earnings: Earnings,
}

/// How often the farm is told that time passes, and providers are sought.
const TICK: Duration = Duration::from_secs(1);
/// How often the job is shown to whoever looks.
const SHOW_EVERY: Duration = Duration::from_millis(200);
/// How long a pull is held back in the hope of work; less than the provider waits.
const HOLD: Duration = Duration::from_secs(12);
/// Outcomes of background work waiting for the loop.
const OUTCOMES_MAX: usize = 1024;
/// Before the escrow's deadline everything must be settled.
const DEADLINE_MARGIN: Duration = Duration::from_secs(20);

/// Outcomes of what runs beside the loop.
enum Background {
    Joined(RequestorLink, Box<Offer>, u32),
    NotJoined(NodeId),
    Checked {
        node: NodeId,
        attempt: AttemptId,
        delivery: Delivery,
        reply: Option<Reply<()>>,
        outcome: Result<(), String>,
    },
    Judged {
        attempt: AttemptId,
        of: AttemptId,
        outcome: Result<Box<Verdict>, String>,
    },
}

/// One job while it renders.
struct Rendering<'j> {
    job: &'j mut Job,
    services: Arc<Services>,
    plan: Arc<Plan>,
    needs: JobNeeds,
    invite: JobInvite,
    farm: Farm,
    sequence: u64,
    ledger: Ledger,
    work: WorkDone,
    /// Offers of those who joined: account, class, device.
    offers: HashMap<NodeId, Offer>,
    links: HashMap<NodeId, RequestorLink>,
    inviting: HashSet<NodeId>,
    excluded: HashSet<NodeId>,
    held_pulls: HashMap<NodeId, (Reply<PullAnswer>, Instant)>,
    commits: HashMap<AttemptId, Reply<CommitAnswer>>,
    receipts: HashMap<AttemptId, SignedReceipt>,
    stored: HashSet<AttemptId>,
    frames_ordered: BTreeSet<i32>,
    auditing: HashSet<AttemptId>,
    studio: mpsc::Sender<Order>,
    background: mpsc::Sender<Background>,
    cancelled: bool,
    deadline_told: bool,
    end: Option<Result<(), Problem>>,
}

/// Work of the plan and of what is verified.
struct WorkDone {
    total: Work,
    verified: Work,
}

/// Renders until the job is complete, failed or cancelled.
pub async fn run(job: &mut Job, plan: Arc<Plan>) -> Outcome {
    let (background, outcomes) = mpsc::channel(OUTCOMES_MAX);
    let (done, finished) = mpsc::channel(OUTCOMES_MAX);
    match Rendering::begin(job, plan, background, done).await {
        Ok(rendering) => rendering.drive(outcomes, finished).await,
        Err(problem) => Outcome::Failed(problem),
    }
}

/// Progress as the journal tells it.
pub fn replay(services: &Services, record: &JobRecord, plan: Option<&Plan>) -> Progress {
    let Some(plan) = plan else { return Progress::default() };
    match Replayed::of(services, record, plan) {
        Ok(replayed) => progress_of(&replayed.ledger, &WorkDone::of(plan, &replayed.ledger), None),
        Err(error) => {
            tracing::error!(job = %record.id.short(), error = %chain(&error), "the journal cannot be replayed");
            Progress::default()
        }
    }
}

/// Every decision of the farm with its reason, recomputed from the journal.
pub fn explain(services: &Services, record: &JobRecord, plan: &Plan) -> Result<Vec<Explanation>, ReplayError> {
    let mut farm = Farm::new(plan, record.policy.clone())?;
    let mut reasons = Vec::new();
    for (at, event) in services.journal.events::<Event>(record.id)? {
        for effect in step(&mut farm, event, at) {
            if !matches!(effect, Effect::Wait { .. }) {
                explain_effect(&effect, at, &mut reasons);
            }
        }
    }
    Ok(reasons)
}

fn explain_effect(effect: &Effect, at: UnixMillis, reasons: &mut Vec<Explanation>) {
    let text = effect.to_string();
    let (decision, reason) = text.split_once(" — ").unwrap_or((&text, ""));
    reasons.push(Explanation {
        at_ms: at.0,
        decision: decision.into(),
        reason: reason.into(),
    });
    if let Effect::Lease { tasks, .. } = effect {
        reasons.extend(tasks.iter().map(|grant| Explanation {
            at_ms: at.0,
            decision: format!("  {grant}"),
            reason: grant.reason.to_string(),
        }));
    }
}

/// A farm rebuilt from its journal.
struct Replayed {
    farm: Farm,
    ledger: Ledger,
    sequence: u64,
}

impl Replayed {
    fn of(services: &Services, record: &JobRecord, plan: &Plan) -> Result<Self, ReplayError> {
        let mut farm = Farm::new(plan, record.policy.clone())?;
        let (mut ledger, mut sequence) = (Ledger::default(), 0);
        for (at, event) in services.journal.events::<Event>(record.id)? {
            let effects = step(&mut farm, event.clone(), at);
            ledger.observe(&event, &effects);
            sequence += 1;
        }
        Ok(Self { farm, ledger, sequence })
    }
}

/// A journal that cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// It cannot be read.
    #[error("the job's events cannot be read")]
    Journal(#[from] JournalError),
    /// The plan does not make a farm.
    #[error("the plan cannot be scheduled")]
    Farm(#[from] FarmError),
}

impl WorkDone {
    fn of(plan: &Plan, ledger: &Ledger) -> Self {
        let verified = ledger
            .accepted
            .keys()
            .filter_map(|task| plan.task(*task))
            .map(|task| task.work)
            .sum();
        Self {
            total: plan.total_work(),
            verified,
        }
    }

    fn permille(&self) -> u32 {
        let share = u128::from(self.verified.milli_wu) * 1000 / u128::from(self.total.milli_wu.max(1));
        u32::try_from(share).unwrap_or(1000)
    }
}

fn progress_of(ledger: &Ledger, work: &WorkDone, running: Option<Duration>) -> Progress {
    let permille = work.permille();
    // Below two per cent the start-up still dominates.
    let eta_s = running
        .filter(|_| permille > 20)
        .map(|running| running.as_secs_f64() * f64::from(1000 - permille.min(1000)) / f64::from(permille));
    Progress {
        permille,
        eta_s,
        attempts: ledger.attempts(),
        tasks_verified: ledger.accepted.len() as u64,
        shares: ledger.shares(),
        earnings: ledger.earnings.clone(),
    }
}

impl<'j> Rendering<'j> {
    /// Rebuilds the farm, finds the stored results again, opens the studio.
    async fn begin(
        job: &'j mut Job,
        plan: Arc<Plan>,
        background: mpsc::Sender<Background>,
        done: mpsc::Sender<Done>,
    ) -> Result<Self, Problem> {
        let services = job.services.clone();
        let record = &job.record;
        let replayed = Replayed::of(&services, record, &plan).map_err(|error| failed("journal", chain(&error)))?;
        let facts = record
            .facts
            .clone()
            .ok_or_else(|| failed("journal", "the journal has lost the scene's facts"))?;
        let engine = services
            .engines
            .exact(&plan.engine, &plan.engine_version)
            .ok_or_else(|| {
                failed(
                    "no_engine",
                    format!("{} {} is no longer installed here", plan.engine, plan.engine_version),
                )
            })?;
        let invite = invitation(&services, record, &plan, &facts)?;
        let folder = job.folder();
        std::fs::create_dir_all(folder.join("results")).map_err(|error| failed("disk", chain(&error)))?;
        let format = record.format.unwrap_or(rayswarm_model::settings::OutputFormat::Png);
        let film_frames = format.is_film().then(|| folder.join(super::assembly::FILM_FRAMES));
        let studio = Studio {
            services: services.clone(),
            engine,
            plan: plan.clone(),
            scene: record.request.scene.clone(),
            folder,
            output: film_frames.unwrap_or_else(|| record.request.output.clone()),
            format,
            keep_raw: record.request.keep_raw,
            facts: facts.clone(),
        };
        let cap = record.policy.price_cap;
        let needs = inviting::needs(&plan.engine, &plan.engine_version, &facts, record.request.device, cap);
        let work = WorkDone::of(&plan, &replayed.ledger);
        let mut rendering = Self {
            services,
            plan,
            needs,
            invite,
            farm: replayed.farm,
            sequence: replayed.sequence,
            ledger: replayed.ledger,
            work,
            offers: HashMap::new(),
            links: HashMap::new(),
            inviting: HashSet::new(),
            excluded: HashSet::new(),
            held_pulls: HashMap::new(),
            commits: HashMap::new(),
            receipts: HashMap::new(),
            stored: HashSet::new(),
            frames_ordered: job.record.frames_finished.iter().copied().collect(),
            auditing: HashSet::new(),
            studio: studio.open(done),
            background,
            cancelled: false,
            deadline_told: false,
            end: None,
            job,
        };
        rendering.recover()?;
        Ok(rendering)
    }

    /// After a restart: results on disk count, connections do not.
    fn recover(&mut self) -> Result<(), Problem> {
        let results = self
            .services
            .journal
            .results(self.job.record.id)
            .map_err(|error| failed("journal", chain(&error)))?;
        for result in results {
            if let Ok(receipt) = canonical::decode::<SignedReceipt>("receipt", &result.receipt) {
                self.receipts.insert(result.attempt, receipt);
            }
            self.stored.insert(result.attempt);
        }
        if self.sequence > 0 {
            self.job.say("going on where the job was left");
            self.apply(Event::RequestorRestarted);
        }
        self.join_own_auditor();
        let frames: Vec<i32> = self.plan.frames.as_slice().to_vec();
        for frame in frames {
            self.order_frame_if_complete(frame);
        }
        Ok(())
    }

    async fn drive(mut self, mut outcomes: mpsc::Receiver<Background>, mut finished: mpsc::Receiver<Done>) -> Outcome {
        let mut ticks = tokio::time::interval(TICK);
        let mut shows = tokio::time::interval(SHOW_EVERY);
        let stop = self.services.stop.clone();
        loop {
            if let Some(outcome) = self.outcome().await {
                self.farewell().await;
                return outcome;
            }
            tokio::select! {
                () = stop.cancelled() => return Outcome::Stopped,
                command = self.job.commands.recv() => if command == Some(Command::Cancel) { self.cancel() },
                event = self.job.events.recv() => if let Some(event) = event { self.peer(event) },
                outcome = outcomes.recv() => if let Some(outcome) = outcome { self.background(outcome) },
                done = finished.recv() => if let Some(done) = done { self.studio_done(done) },
                _ = ticks.tick() => self.tick(),
                _ = shows.tick() => self.show(),
            }
        }
    }

    /// Whether the job is over, and how.
    async fn outcome(&mut self) -> Option<Outcome> {
        let frames_done = self.job.record.frames_finished.len() == self.plan.frames.len();
        match self.end.clone()? {
            _ if self.cancelled => Some(Outcome::Cancelled),
            Err(problem) => Some(Outcome::Failed(problem)),
            Ok(()) if !frames_done => None,
            Ok(()) => match super::assembly::film_of(&self.services, &mut self.job.record).await {
                Ok(()) => Some(Outcome::Complete),
                Err(problem) => Some(Outcome::Failed(problem)),
            },
        }
    }

    fn show(&mut self) {
        self.job.record.tasks_verified = self.ledger.accepted.len() as u64;
        let running = self.job.record.started_at.map(|start| clock::now().since(start));
        let progress = progress_of(&self.ledger, &self.work, running);
        self.job.publish(&progress, Some(&self.plan));
    }

    fn tick(&mut self) {
        self.apply(Event::Tick);
        let now = Instant::now();
        let tired: Vec<NodeId> = self
            .held_pulls
            .iter()
            .filter(|(_, (_, since))| now - *since > HOLD)
            .map(|(node, _)| *node)
            .collect();
        for node in tired {
            if let Some((reply, _)) = self.held_pulls.remove(&node) {
                // A provider that has gone will pull again when it is back.
                let _ = reply.send(PullAnswer::Wait { retry_ms: 0 });
                self.apply(Event::PullClosed { node });
            }
        }
        if !self.deadline_told && clock::now().after(DEADLINE_MARGIN) > self.job.record.deadline_at {
            self.deadline_told = true;
            self.job.say("the deadline has come");
            self.apply(Event::DeadlineReached);
        }
        self.invite_more();
    }

    fn cancel(&mut self) {
        self.job.say("cancelling; what is finished is paid");
        self.cancelled = true;
        self.apply(Event::Cancel);
    }

    fn invite_more(&mut self) {
        if self.end.is_some() {
            return;
        }
        for (peer, offer) in inviting::suitable(&self.services, &self.needs) {
            let node = offer.node;
            let known = self.links.contains_key(&node) || self.excluded.contains(&node);
            if known || !self.inviting.insert(node) {
                continue;
            }
            let rtt_ms = peer
                .round_trip
                .map_or(0, |span| u32::try_from(span.as_millis()).unwrap_or(u32::MAX));
            let invite = JobInvite {
                price: offer.price,
                ..self.invite.clone()
            };
            let (services, background) = (self.services.clone(), self.background.clone());
            self.services.tracker.spawn(async move {
                let outcome = match inviting::invite(services, peer, invite).await {
                    Some(link) => Background::Joined(link, Box::new(offer), rtt_ms),
                    None => Background::NotJoined(node),
                };
                // The job may be over by now.
                let _ = background.send(outcome).await;
            });
        }
    }

    fn join_own_auditor(&mut self) {
        let node = self.services.network.node_id();
        let info = ProviderInfo {
            node,
            account: self.services.identity.account.address(),
            role: Role::OwnAuditor,
            class: measure::own_class(&self.services, &self.plan.engine, &self.plan.engine_version),
            device: rayswarm_model::settings::Device::Cpu,
            slots: 1,
            threads: self.services.config.local_threads,
            rate_milli_wu: 1000,
            price: rayswarm_model::WorkPrice::default(),
            rtt_ms: 0,
        };
        self.apply(Event::ProviderJoined(info));
        self.pull_for_studio();
    }

    fn pull_for_studio(&mut self) {
        let node = self.services.network.node_id();
        let held = self.auditing.iter().copied().collect();
        self.apply(Event::Pulled {
            node,
            warm: true,
            warm_frame: None,
            held,
        });
    }

    /// Journals an event, steps the farm, performs what follows. Draws are events of their own.
    fn apply(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            let now = clock::now();
            let job = self.job.record.id;
            if let Err(error) = self.services.journal.append_event(job, self.sequence, now, &event) {
                // What cannot be written down must not happen: it would be forgotten, or happen twice.
                self.end = Some(Err(failed("journal", chain(&error))));
                return;
            }
            self.sequence += 1;
            let effects = step(&mut self.farm, event.clone(), now);
            self.ledger.observe(&event, &effects);
            for effect in effects {
                tracing::debug!(job = %job.short(), "{effect}");
                events.extend(self.perform(effect, now));
            }
        }
    }

    fn perform(&mut self, effect: Effect, now: UnixMillis) -> Option<Event> {
        match effect {
            Effect::Lease {
                node,
                lease,
                tasks,
                deadline,
                ..
            } => {
                let answer = Lease {
                    lease,
                    lasts_ms: u64::try_from(deadline.since(now).as_millis()).unwrap_or(0),
                    tasks: self.wire_tasks(&tasks),
                };
                self.answer_pull(node, answer, &tasks);
            }
            Effect::Wait { .. } => {}
            Effect::Dismiss { node, .. } => self.dismiss(node),
            Effect::Collect { attempt, .. } => self.answer_commit(attempt, CommitAnswer::Deliver),
            Effect::AlreadyHere { attempt, .. } => self.answer_commit(attempt, CommitAnswer::Stored),
            Effect::Discard { attempt, reason, .. } => {
                self.answer_commit(
                    attempt,
                    CommitAnswer::Drop {
                        reason: reason.to_string(),
                    },
                );
            }
            Effect::DrawAudit {
                attempt,
                task,
                results_before,
                ..
            } => return self.draw_audit(attempt, task, results_before),
            Effect::JudgeAudit { attempt, of, .. } => self.judge(attempt, of),
            Effect::AcceptTask {
                task,
                attempt,
                node,
                account,
                ..
            } => self.accepted(task, attempt, node, account),
            Effect::PayAudit { node, account, .. } => self.vouch(node, account),
            Effect::RejectAttempt {
                attempt, node, reason, ..
            } => {
                self.job
                    .say(format!("attempt {attempt} of {} is rejected: {reason}", node.short()));
                self.tell_verdict(
                    node,
                    attempt,
                    Judgement::Rejected {
                        reason: reason.to_string(),
                    },
                );
            }
            Effect::Revoke { node, attempt, reason } => self.revoke(node, attempt, reason.to_string()),
            Effect::TaskFailed { task, reason } => self.job.say(format!("task {task} failed: {reason}")),
            Effect::Exclude { node, reason } => {
                self.job.say(format!("provider {} is shut out: {reason}", node.short()));
                self.excluded.insert(node);
            }
            Effect::JobComplete { .. } => self.end = Some(Ok(())),
            Effect::JobFailed { reason, .. } => self.end = Some(Err(failed("job_failed", reason.to_string()))),
        }
        None
    }

    fn wire_tasks(&self, tasks: &[Grant]) -> Vec<rayswarm_network::work::TaskGrant> {
        tasks
            .iter()
            .filter_map(|grant| checking::wire_grant(&self.plan, grant))
            .collect()
    }

    fn answer_pull(&mut self, node: NodeId, lease: Lease, tasks: &[Grant]) {
        if node == self.services.network.node_id() {
            for grant in tasks {
                if let Some(task) = checking::task_of(&self.plan, grant) {
                    self.auditing.insert(grant.attempt);
                    self.order(Order::Audit {
                        attempt: grant.attempt,
                        task,
                    });
                }
            }
            return;
        }
        // An answer that finds nobody is noticed at the next pull, which does not name these attempts.
        if let Some((reply, _)) = self.held_pulls.remove(&node) {
            let _ = reply.send(PullAnswer::Lease(lease));
        }
    }

    fn dismiss(&mut self, node: NodeId) {
        if let Some((reply, _)) = self.held_pulls.remove(&node) {
            let _ = reply.send(PullAnswer::Done);
        }
    }

    fn answer_commit(&mut self, attempt: AttemptId, answer: CommitAnswer) {
        if let Some(reply) = self.commits.remove(&attempt) {
            let _ = reply.send(answer);
        }
    }

    fn draw_audit(&self, attempt: AttemptId, task: TaskId, results_before: u64) -> Option<Event> {
        let spec = self.plan.task(task)?;
        let receipt = self.receipts.get(&attempt)?;
        let subject = Subject {
            job: self.job.record.id,
            task,
            attempt,
            commitment: PixelCommitment(receipt.message.pixel_commitment),
            tile: spec.tile,
        };
        let seed = AuditSeed::from_bytes(self.job.record.audit_seed);
        let drawn = draw(&AuditPolicy::default(), &seed, &subject, results_before, None);
        Some(match drawn.crop {
            Some(crop) => {
                let share =
                    u128::from(spec.work.milli_wu) * u128::from(crop.pixels()) / u128::from(spec.tile.pixels().max(1));
                let work = Work {
                    milli_wu: u64::try_from(share).unwrap_or(u64::MAX).max(1),
                };
                Event::AuditDrawn { attempt, crop, work }
            }
            None => Event::NoAudit { attempt },
        })
    }

    fn judge(&mut self, attempt: AttemptId, of: AttemptId) {
        let Some(comparison) = self.comparison(attempt, of) else {
            self.apply_later(Background::Judged {
                attempt,
                of,
                outcome: Err("the results to compare are not known".into()),
            });
            return;
        };
        let (plan, background) = (self.plan.clone(), self.background.clone());
        self.services.tracker.spawn(async move {
            let compared = tokio::task::spawn_blocking(move || checking::compare(&plan, &comparison)).await;
            let outcome = match compared {
                Ok(Ok(verdict)) => Ok(Box::new(verdict)),
                Ok(Err(error)) => Err(chain(&error)),
                Err(error) => Err(chain(&error)),
            };
            let _ = background.send(Background::Judged { attempt, of, outcome }).await;
        });
    }

    fn comparison(&self, attempt: AttemptId, of: AttemptId) -> Option<Comparison> {
        let (audit, audited) = (self.ledger.granted.get(&attempt)?, self.ledger.granted.get(&of)?);
        let Purpose::Audit { crop, .. } = audit.grant.purpose else {
            return None;
        };
        let class_of = |node: NodeId| {
            let own = (node == self.services.network.node_id()).then(|| {
                (
                    measure::own_class(&self.services, &self.plan.engine, &self.plan.engine_version),
                    rayswarm_model::settings::Device::Cpu,
                )
            });
            own.or_else(|| {
                let offer = self.offers.get(&node)?;
                Some((
                    offer.engine(&self.plan.engine, &self.plan.engine_version)?.class,
                    offer.device,
                ))
            })
        };
        let kind = match (class_of(audit.node), class_of(audited.node)) {
            (Some(left), Some(right)) => ComparisonKind::between(left, right),
            // Its offer is gone with it; the laxer rule still tells every cheat measured.
            _ => ComparisonKind::CrossClass,
        };
        let folder = self.job.folder();
        Some(Comparison {
            job: self.job.record.id,
            task: *self.plan.task(audited.grant.task)?,
            attempt: of,
            provider: audited.node,
            committed: PixelCommitment(self.receipts.get(&of)?.message.pixel_commitment),
            delivered: pixels::result_file(&folder, of),
            auditor: audit.node,
            crop,
            audit: pixels::result_file(&folder, attempt),
            kind,
        })
    }

    fn accepted(&mut self, task: TaskId, attempt: AttemptId, node: NodeId, account: rayswarm_model::Address) {
        let Some(spec) = self.plan.task(task).copied() else {
            return;
        };
        self.work.verified = self.work.verified.plus(spec.work);
        let earned = self.ledger.earnings.get(&account).copied().unwrap_or_default();
        let voucher = money::voucher(&self.services, self.job.record.id, account, earned);
        let voucher = canonical::encode("voucher", &voucher).ok();
        self.tell_verdict(node, attempt, Judgement::Accepted { voucher });
        self.order_frame_if_complete(spec.frame);
    }

    fn vouch(&mut self, node: NodeId, account: rayswarm_model::Address) {
        let job = self.job.record.id;
        let earned = self.ledger.earnings.get(&account).copied().unwrap_or_default();
        let signed = canonical::encode("voucher", &money::voucher(&self.services, job, account, earned));
        let (Some(link), Ok(signed)) = (self.links.get(&node).cloned(), signed) else {
            return;
        };
        self.send(async move { link.voucher(WireVoucher { job, signed }).await });
    }

    fn tell_verdict(&self, node: NodeId, attempt: AttemptId, judgement: Judgement) {
        let Some(link) = self.links.get(&node).cloned() else {
            return;
        };
        let verdict = WireVerdict {
            job: self.job.record.id,
            attempt,
            judgement,
        };
        self.send(async move { link.verdict(verdict).await });
    }

    fn revoke(&self, node: NodeId, attempt: AttemptId, reason: String) {
        let Some(link) = self.links.get(&node).cloned() else {
            return;
        };
        let revoke = Revoke {
            job: self.job.record.id,
            attempt,
            reason,
        };
        self.send(async move { link.revoke(revoke).await });
    }

    /// Tells a provider something that it will also learn otherwise: the next verdict, the settlement.
    fn send(&self, telling: impl Future<Output = Result<(), rayswarm_network::NetworkError>> + Send + 'static) {
        self.services.tracker.spawn(async move {
            if let Err(error) = telling.await {
                tracing::debug!(%error, "a provider was not told");
            }
        });
    }

    fn order(&mut self, order: Order) {
        if self.studio.try_send(order).is_err() {
            self.end = Some(Err(failed(
                "studio_stopped",
                "this machine's own session has stopped; restart the daemon",
            )));
        }
    }

    fn order_frame_if_complete(&mut self, frame: i32) {
        if self.frames_ordered.contains(&frame) {
            return;
        }
        let folder = self.job.folder();
        let mut parts = Vec::new();
        for task in self.plan.tasks_of(frame) {
            let Some(attempt) = self.ledger.accepted.get(&task.id) else {
                return;
            };
            parts.push(super::assembly::VerifiedPart {
                task: *task,
                file: pixels::result_file(&folder, *attempt),
            });
        }
        self.frames_ordered.insert(frame);
        self.order(Order::Finish { frame, parts });
    }

    fn apply_later(&self, outcome: Background) {
        let background = self.background.clone();
        self.services.tracker.spawn(async move {
            let _ = background.send(outcome).await;
        });
    }

    fn peer(&mut self, event: RequestorEvent) {
        match event {
            RequestorEvent::Pull { from, pull, reply } => self.pulled(from, pull, reply),
            RequestorEvent::Commit { from, commit, reply } => {
                self.committed(from, commit.attempt, &commit.receipt, commit.bytes, reply);
            }
            RequestorEvent::Delivered {
                from,
                attempt,
                delivery,
                reply,
                ..
            } => self.delivered(from, attempt, delivery, reply),
            RequestorEvent::NotStored { attempt, error, .. } => {
                self.job
                    .say(format!("a result ({attempt}) cannot be stored: {}", chain(&error)));
            }
            RequestorEvent::Failed { from, failure, reply } => {
                let log = failure.log_tail.lines().rev().take(3).collect::<Vec<_>>().join(" | ");
                self.job.say(format!(
                    "{} failed at {}: {} {log}",
                    from.short(),
                    failure.attempt,
                    failure.message
                ));
                let message = format!("{}\n{}", failure.message, failure.log_tail);
                self.apply(Event::Failed {
                    node: from,
                    attempt: failure.attempt,
                    kind: failure.kind,
                    message,
                });
                let _ = reply.send(());
            }
            RequestorEvent::Progress { from, progress } => {
                for one in progress.running {
                    self.apply(Event::Progress {
                        node: from,
                        attempt: one.attempt,
                        permille: one.done_permille,
                    });
                }
            }
            RequestorEvent::LinkClosed { from, .. } => {
                if self.links.remove(&from).is_some() {
                    self.held_pulls.remove(&from);
                    self.inviting.remove(&from);
                    self.apply(Event::ProviderLeft {
                        node: from,
                        why: Departure::ConnectionLost,
                    });
                }
            }
        }
    }

    fn pulled(&mut self, from: NodeId, pull: Pull, reply: Reply<PullAnswer>) {
        if !self.links.contains_key(&from) {
            // Not joined yet: the answer to its invitation is still on its way here.
            let _ = reply.send(PullAnswer::Wait { retry_ms: 50 });
            return;
        }
        self.held_pulls.insert(from, (reply, Instant::now()));
        let Pull {
            warm,
            warm_frame,
            running,
            ..
        } = pull;
        self.apply(Event::Pulled {
            node: from,
            warm,
            warm_frame,
            held: running,
        });
    }

    fn committed(&mut self, from: NodeId, attempt: AttemptId, receipt: &[u8], bytes: u64, reply: Reply<CommitAnswer>) {
        if self.stored.contains(&attempt) {
            let _ = reply.send(CommitAnswer::Stored);
            return;
        }
        let Some(account) = self.offers.get(&from).map(|offer| offer.account) else {
            let _ = reply.send(CommitAnswer::Drop {
                reason: "this node has not joined the job".into(),
            });
            return;
        };
        match checking::read_receipt(receipt, &self.services.domain, account, self.job.record.id, attempt) {
            Ok(signed) => {
                let summary = ReceiptSummary {
                    cpu: signed.message.cpu,
                    bytes: Bytes(bytes),
                };
                self.receipts.insert(attempt, signed);
                self.commits.insert(attempt, reply);
                self.apply(Event::Committed {
                    node: from,
                    attempt,
                    receipt: summary,
                });
                // A repeated commitment changes nothing in the farm; the bytes are still wanted.
                self.answer_commit(attempt, CommitAnswer::Deliver);
            }
            Err(error) => {
                let reason = chain(&error);
                let _ = reply.send(CommitAnswer::Drop { reason: reason.clone() });
                self.apply(Event::Failed {
                    node: from,
                    attempt,
                    kind: FailureKind::Malicious,
                    message: reason,
                });
            }
        }
    }

    fn delivered(&mut self, node: NodeId, attempt: AttemptId, delivery: Delivery, reply: Reply<()>) {
        let granted = self.ledger.granted.get(&attempt).filter(|granted| granted.node == node);
        let task = granted.and_then(|granted| checking::task_of(&self.plan, &granted.grant));
        let account = self.offers.get(&node).map(|offer| offer.account);
        let (Some(task), Some(receipt), Some(account)) = (task, self.receipts.get(&attempt).copied(), account) else {
            let _ = reply.send(());
            return;
        };
        let target = pixels::result_file(&self.job.folder(), attempt);
        let held = checking::held(&self.plan, &task);
        let (domain, background) = (self.services.domain, self.background.clone());
        self.services.tracker.spawn(async move {
            let path = delivery.path.clone();
            let checking = move || {
                checking::check_delivery(&path, held, &task, &receipt, account, &domain)
                    .map_err(|error| chain(&error))?;
                std::fs::rename(&path, &target)
                    .map_err(|error| format!("{} cannot be written: {error}", target.display()))
            };
            let outcome = tokio::task::spawn_blocking(checking)
                .await
                .unwrap_or_else(|error| Err(chain(&error)));
            let _ = background
                .send(Background::Checked {
                    node,
                    attempt,
                    delivery,
                    reply: Some(reply),
                    outcome,
                })
                .await;
        });
    }

    fn background(&mut self, outcome: Background) {
        match outcome {
            Background::Joined(link, offer, rtt_ms) => self.joined(link, *offer, rtt_ms),
            Background::NotJoined(node) => {
                self.inviting.remove(&node);
            }
            Background::Checked {
                node,
                attempt,
                delivery,
                reply,
                outcome,
            } => {
                self.checked(node, attempt, &delivery, outcome);
                if let Some(reply) = reply {
                    let _ = reply.send(());
                }
            }
            Background::Judged { attempt, of, outcome } => self.judged(attempt, of, outcome),
        }
    }

    fn joined(&mut self, link: RequestorLink, offer: Offer, rtt_ms: u32) {
        let node = offer.node;
        self.inviting.remove(&node);
        let Some(engine) = offer.engine(&self.plan.engine, &self.plan.engine_version) else {
            return;
        };
        let info = ProviderInfo {
            node,
            account: offer.account,
            role: Role::Provider,
            class: engine.class,
            device: offer.device,
            slots: 1,
            threads: offer.threads,
            rate_milli_wu: offer.benchmark_milli_wu,
            price: offer.price,
            rtt_ms,
        };
        self.links.insert(node, link);
        self.offers.insert(node, offer);
        self.job.say(format!("provider {} joined", node.short()));
        self.apply(Event::ProviderJoined(info));
    }

    fn checked(&mut self, node: NodeId, attempt: AttemptId, delivery: &Delivery, outcome: Result<(), String>) {
        let stored = outcome.and_then(|()| self.note_result(node, attempt));
        match stored {
            Ok(()) => {
                self.stored.insert(attempt);
                self.apply(Event::Delivered { node, attempt });
            }
            Err(message) => {
                self.job.say(format!(
                    "the result {attempt} of {} is not accepted: {message}",
                    node.short()
                ));
                // Whether moved or not, it is of no use.
                let _ = std::fs::remove_file(&delivery.path);
                self.apply(Event::Failed {
                    node,
                    attempt,
                    kind: FailureKind::Malicious,
                    message,
                });
            }
        }
    }

    fn note_result(&self, node: NodeId, attempt: AttemptId) -> Result<(), String> {
        let granted = self.ledger.granted.get(&attempt).ok_or("it was never granted")?;
        let receipt = self.receipts.get(&attempt).ok_or("it has no receipt")?;
        let result = StoredResult {
            attempt,
            task: granted.grant.task,
            node,
            file: pixels::result_file(&self.job.folder(), attempt),
            receipt: canonical::encode("receipt", receipt).map_err(|error| chain(&error))?,
        };
        self.services
            .journal
            .save_result(self.job.record.id, &result)
            .map_err(|error| chain(&error))
    }

    fn judged(&mut self, attempt: AttemptId, of: AttemptId, outcome: Result<Box<Verdict>, String>) {
        let verdict = match outcome {
            Ok(verdict) => {
                let found = match verdict.outcome {
                    VerdictOutcome::Accepted => AuditVerdict::Passed,
                    VerdictOutcome::Rejected => AuditVerdict::Failed,
                    VerdictOutcome::Inconclusive => AuditVerdict::Inconclusive,
                };
                if found == AuditVerdict::Failed {
                    self.job.say(format!("audit {attempt}: {verdict}"));
                    self.keep_evidence(of, &verdict);
                }
                found
            }
            Err(reason) => {
                self.job
                    .say(format!("audit {attempt} of {of} could not be compared: {reason}"));
                AuditVerdict::Inconclusive
            }
        };
        self.apply(Event::AuditJudged { attempt, verdict });
    }

    fn keep_evidence(&self, attempt: AttemptId, verdict: &Verdict) {
        let kept = self
            .services
            .journal
            .save_evidence(self.job.record.id, attempt, clock::now(), verdict);
        if let Err(error) = kept {
            tracing::error!(error = %chain(&error), "evidence was not kept");
        }
    }

    fn studio_done(&mut self, done: Done) {
        match done {
            Done::Finished {
                frame,
                outcome: Ok(files),
            } => {
                self.job.record.frames_finished.push(frame);
                self.job.record.outputs.extend(files);
                self.job.save();
            }
            Done::Finished {
                outcome: Err(reason), ..
            } => self.end = Some(Err(failed("not_finished", reason))),
            Done::Audited { attempt, outcome } => {
                self.auditing.remove(&attempt);
                let node = self.services.network.node_id();
                match outcome {
                    Ok((file, cpu)) => {
                        let bytes = std::fs::metadata(&file).map_or(0, |file| file.len());
                        let receipt = ReceiptSummary {
                            cpu,
                            bytes: Bytes(bytes),
                        };
                        self.apply(Event::Committed { node, attempt, receipt });
                        self.apply(Event::Delivered { node, attempt });
                    }
                    Err(message) => {
                        self.apply(Event::Failed {
                            node,
                            attempt,
                            kind: FailureKind::Transient,
                            message,
                        });
                    }
                }
                self.pull_for_studio();
            }
        }
    }

    /// Lets every provider go, and hands out the last vouchers: the settlement pays them anyway.
    async fn farewell(&mut self) {
        let job = self.job.record.id;
        for (_, (reply, _)) in self.held_pulls.drain() {
            let _ = reply.send(PullAnswer::Done);
        }
        let over = self.cancelled || matches!(self.end, Some(Err(_)));
        for (node, link) in self.links.drain() {
            self.services.network.blobs().revoke(node, job);
            if over {
                let cancel = Cancel {
                    job,
                    reason: "the job is over".into(),
                };
                if let Err(error) = link.cancel(cancel).await {
                    tracing::debug!(%error, "a provider was not told that the job is over");
                }
            }
        }
        self.job.record.tasks_verified = self.ledger.accepted.len() as u64;
        self.job.save();
        self.show();
    }
}

/// The invitation, but for the price, which is each provider's own.
fn invitation(
    services: &Services,
    record: &JobRecord,
    plan: &Plan,
    facts: &rayswarm_model::SceneFacts,
) -> Result<JobInvite, Problem> {
    let manifest = record
        .manifest
        .ok_or_else(|| bad_input("not_packed", "the job was not packed; submit it again"))?;
    Ok(JobInvite {
        job: record.id,
        requestor: services.identity.account.address(),
        chain_id: services.domain.chain_id,
        escrow: services.domain.escrow,
        manifest: manifest.blob,
        manifest_bytes: manifest.bytes,
        engine: plan.engine.clone(),
        engine_version: plan.engine_version.clone(),
        settings: plan.settings.clone(),
        play_from: plan.sequential.then_some(facts.frame_start),
        memory: facts.memory_estimate,
        price: Default::default(),
        deadline: record.deadline_at,
    })
}
