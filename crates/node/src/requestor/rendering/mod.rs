//! The loop that drives the farm: what happens is journaled as an event, the scheduler answers with effects, the effects
//! are performed, and their outcomes are events again. Replaying the journal rebuilds the farm after a crash.
//!
//! | module | holds |
//! |---|---|
//! | [`opening`] | the farm as the journal left it, ready to go on |
//! | [`peers`] | what providers ask and deliver |
//! | [`effects`] | journaling, stepping, and performing what the farm decides |
//! | [`audits`] | results drawn for an audit, and the verdict on them |
//! | [`own_work`] | what this machine does itself: finishing frames, auditing |
//! | [`mod@replay`] | the journal read again, with reasons |
//! | [`progress`] | how far the job is |

mod audits;
mod effects;
mod opening;
mod own_work;
mod peers;
mod progress;
mod replay;

pub use progress::Progress;
pub use replay::{ReplayError, explain, replay};

use super::{
    assembly,
    inviting::JobNeeds,
    job::{Command, Job},
    ledger::Ledger,
    refusal::{chain, missing},
    studio::{Done, Order},
};
use crate::{clock, services::Services};
use progress::{WorkDone, progress_of};
use rayswarm_api::Problem;
use rayswarm_model::{AttemptId, NodeId, Offer, Plan, signed::SignedReceipt};
use rayswarm_network::{
    Delivery, Reply, RequestorLink,
    work::{Cancel, CommitAnswer, JobInvite, PullAnswer},
};
use rayswarm_scheduler::{Event, Farm};
use rayswarm_verifier::Verdict;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
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

/// How often the farm is told that time passes, and providers are sought.
const TICK: Duration = Duration::from_secs(1);
/// How long a job waits for its first provider, or for one to come back.
const ALONE_MAX: Duration = Duration::from_secs(600);
/// The same when providers were shut out: those that are left are not likely to come.
const ALONE_AFTER_EXCLUSION_MAX: Duration = Duration::from_secs(60);
/// How often the job is shown to whoever looks.
const SHOW_EVERY: Duration = Duration::from_millis(200);
/// How long a pull is held back in the hope of work; less than the provider waits.
const HOLD: Duration = Duration::from_secs(12);
/// Outcomes of background work waiting for the loop.
const OUTCOMES_MAX: usize = 1024;
/// Before the escrow's deadline everything must be settled.
const DEADLINE_MARGIN: Duration = Duration::from_secs(20);

/// Renders until the job is complete, failed or cancelled.
pub async fn run(job: &mut Job, plan: Arc<Plan>) -> Outcome {
    let (background, outcomes) = mpsc::channel(OUTCOMES_MAX);
    let (done, finished) = mpsc::channel(OUTCOMES_MAX);
    match Rendering::begin(job, plan, background, done).await {
        Ok(rendering) => rendering.drive(outcomes, finished).await,
        Err(problem) => Outcome::Failed(problem),
    }
}

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
    /// Since when no provider that may still render is connected.
    alone_since: Option<Instant>,
    end: Option<Result<(), Problem>>,
}

impl Rendering<'_> {
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
                done = finished.recv() => match done {
                    Some(done) => self.studio_done(done),
                    None => self.studio_stopped(),
                },
                _ = ticks.tick() => self.tick(),
                _ = shows.tick() => self.show(),
            }
        }
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
        self.give_up_if_alone(now);
    }

    /// A job that nobody may render any more must end: its money is locked.
    fn give_up_if_alone(&mut self, now: Instant) {
        if self.links.keys().any(|node| !self.excluded.contains(node)) {
            self.alone_since = None;
            return;
        }
        let alone_since = *self.alone_since.get_or_insert(now);
        let patience = if self.excluded.is_empty() {
            ALONE_MAX
        } else {
            ALONE_AFTER_EXCLUSION_MAX
        };
        if now - alone_since > patience && self.end.is_none() {
            let detail = "no provider that may render this job is left; start another with `rayswarm up --provide` and \
                          `rayswarm jobs retry`";
            self.end = Some(Err(missing("no_providers", detail)));
        }
    }

    fn cancel(&mut self) {
        self.job.say("cancelling; what is finished is paid");
        self.cancelled = true;
        self.apply(Event::Cancel);
    }

    /// Whether the job is over, and how.
    async fn outcome(&mut self) -> Option<Outcome> {
        let frames_done = self.job.record.frames_finished.len() == self.plan.frames.len();
        match self.end.clone()? {
            _ if self.cancelled => Some(Outcome::Cancelled),
            Err(problem) => Some(Outcome::Failed(problem)),
            Ok(()) if !frames_done => None,
            Ok(()) => match assembly::film_of(&self.services, &mut self.job.record).await {
                Ok(()) => Some(Outcome::Complete),
                Err(problem) => Some(Outcome::Failed(problem)),
            },
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
        self.remember_standing();
        self.job.record.tasks_verified = self.ledger.accepted.len() as u64;
        self.job.save();
        self.show();
    }

    /// What was verified counts in later jobs, unless its provider was shut out of this one.
    fn remember_standing(&self) {
        let journal = &self.services.journal;
        for (node, tasks) in self.ledger.verified().filter(|(node, _)| !self.excluded.contains(node)) {
            if let Err(error) = journal.save_verified(self.job.record.id, node, tasks) {
                tracing::warn!(node = %node.short(), error = %chain(&error), "a standing was not kept");
            }
        }
    }
}
