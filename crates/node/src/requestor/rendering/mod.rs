//! The loop that drives the farm: what happens is journaled as an event, the scheduler answers with effects, the effects
//! are performed, and their outcomes are events again. Replaying the journal rebuilds the farm after a crash.
//!
//! | module | holds |
//! |---|---|
//! | [`opening`] | the farm as the journal left it, ready to go on |
//! | [`peers`] | who joins, and what providers ask and report |
//! | [`deliveries`] | what they commit to and deliver |
//! | [`signs`] | which of their progress reports are journaled |
//! | [`effects`] | journaling, stepping, and performing what the farm decides |
//! | [`audits`] | results drawn for an audit, and the verdict on them |
//! | [`epochs`] | what providers can be paid at most, published in time |
//! | [`own_work`] | what this machine does itself: finishing frames, auditing |
//! | [`mod@replay`] | the journal read again |
//! | [`progress`] | how far the job is |

mod audits;
mod deliveries;
mod effects;
mod epochs;
mod opening;
mod own_work;
mod peers;
mod progress;
mod replay;
mod signs;

pub use progress::Progress;
pub use replay::{ReplayError, board, books, replay};

use super::{
    caps::{Chosen, MoneyError, Published},
    handle::Command,
    inviting::JobNeeds,
    job::Job,
    ledger::Ledger,
    refusal::{chain, missing},
    studio::{Done, Order},
    windows::Windows,
};
use crate::{clock, pixels::Channels, services::Services, traces::jobs::AttemptTraces};
use deliveries::Fault;
use epochs::Epochs;
use progress::progress_of;
use rayswarm_api::Problem;
use rayswarm_model::{AttemptId, NodeId, Offer, Plan, signed::SignedReceipt};
use rayswarm_network::{
    Delivery, Reply, RequestorLink,
    work::{Cancel, CommitAnswer, JobInvite, PullAnswer},
};
use rayswarm_scheduler::{Event, Farm};
use rayswarm_verifier::Verdict;
use signs::SignsOfLife;
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
    NotJoined(NodeId, Option<String>),
    Checked {
        node: NodeId,
        attempt: AttemptId,
        delivery: Delivery,
        reply: Option<Reply<()>>,
        outcome: Result<(), Fault>,
    },
    Judged {
        attempt: AttemptId,
        of: AttemptId,
        outcome: Result<Box<Verdict>, String>,
    },
    CapsRecalled(Option<Chosen>),
    CapsChosen(Chosen),
    /// Nothing was published where nothing was lacking.
    CapsPublished(Result<Option<Published>, MoneyError>),
}

/// The film at the end of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Film {
    /// The job is not for a film.
    None,
    /// Not yet begun.
    Wanted,
    /// Being encoded.
    Encoding,
    /// Made.
    Made,
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
    traced: AttemptTraces,
    /// Offers of those who joined: account, class, device.
    offers: HashMap<NodeId, Offer>,
    links: HashMap<NodeId, RequestorLink>,
    inviting: HashSet<NodeId>,
    /// What each provider that does not join said last.
    refusals: HashMap<NodeId, String>,
    excluded: HashSet<NodeId>,
    held_pulls: HashMap<NodeId, (Reply<PullAnswer>, Instant)>,
    commits: HashMap<AttemptId, Reply<CommitAnswer>>,
    receipts: HashMap<AttemptId, SignedReceipt>,
    signs: SignsOfLife,
    /// What channels this scene's pictures have, if the probe has shown it.
    channels: Option<Channels>,
    stored: HashSet<AttemptId>,
    unstored_in_row: u32,
    frames_ordered: BTreeSet<i32>,
    auditing: HashSet<AttemptId>,
    studio: mpsc::Sender<Order>,
    background: mpsc::Sender<Background>,
    cancelled: bool,
    deadline_told: bool,
    film: Film,
    epochs: Epochs,
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
            if let Some(outcome) = self.outcome()
                && self.last_caps_are_published()
            {
                self.farewell().await;
                return outcome;
            }
            tokio::select! {
                () = stop.cancelled() => return Outcome::Stopped,
                Some(command) = self.job.commands.recv() => self.command(command),
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
            Background::NotJoined(node, refusal) => self.not_joined(node, refusal),
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
            Background::CapsRecalled(known) => self.caps_recalled(known),
            Background::CapsChosen(chosen) => self.caps_chosen(chosen),
            Background::CapsPublished(outcome) => self.caps_published(outcome),
        }
    }

    /// Accepting twice changes nothing.
    fn command(&mut self, command: Command) {
        if self.job.obey(command) == Some(Command::Cancel) && !self.is_letting_go() {
            self.cancel();
        }
        self.pause_or_go_on();
    }

    /// The farm rests while its artist wants it to, or while a job of higher priority has tasks to give out.
    fn pause_or_go_on(&mut self) {
        let record = &self.job.record;
        let has_waiting_tasks = !record.paused && self.end.is_none() && self.farm.waiting_count() > 0;
        let priority = record.request.settings.priority;
        let stands_back = self.job.precedence.claim(record.id, priority, has_waiting_tasks);
        let rests = record.paused || stands_back;
        if rests != self.farm.is_paused() {
            self.job.say(match (rests, stands_back) {
                (true, false) => "paused; tasks under way are finished",
                (true, true) => "a job of higher priority goes first",
                (false, _) => "going on",
            });
            self.apply(if rests { Event::Pause } else { Event::Resume });
        }
    }

    fn show(&mut self) {
        self.job.show_tasks(&self.farm, &self.ledger);
        self.traced.look(&self.services.traces, self.job.record.id, &self.farm);
        self.job.publish(progress_of(&self.farm, &self.ledger, clock::now()));
    }

    fn tick(&mut self) {
        // The journal holds what could have changed something; most seconds do not.
        if self.farm.tick_is_due(clock::now()) {
            self.apply(Event::Tick);
        }
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
        let margin = Windows::of(&self.services.config).deadline_margin();
        if !self.deadline_told && clock::now().after(margin) > self.job.record.deadline_at {
            self.deadline_told = true;
            self.job.say("the deadline has come");
            self.apply(Event::DeadlineReached);
        }
        self.pause_or_go_on();
        self.invite_more();
        self.publish_caps_if_short();
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
    fn outcome(&mut self) -> Option<Outcome> {
        match self.end.clone() {
            // What is paid for is finished too, as far as it is whole.
            Some(_) if self.cancelled && self.ordered_frames_are_finished() => Some(Outcome::Cancelled),
            Some(_) if self.cancelled => None,
            Some(Err(problem)) => Some(Outcome::Failed(problem)),
            Some(Ok(())) if self.frames_are_finished() => match self.film {
                Film::None | Film::Made => Some(Outcome::Complete),
                Film::Wanted => {
                    self.order_film();
                    None
                }
                Film::Encoding => None,
            },
            Some(Ok(())) | None => None,
        }
    }

    fn ordered_frames_are_finished(&self) -> bool {
        let finished = &self.job.record.frames_finished;
        self.frames_ordered.iter().all(|frame| finished.contains(frame))
    }

    fn frames_are_finished(&self) -> bool {
        self.job.record.frames_finished.len() == self.plan.frames.len()
    }

    /// Lets every provider go, and hands out the last vouchers: the settlement pays them anyway.
    async fn farewell(&mut self) {
        let job = self.job.record.id;
        self.job.precedence.leave(job);
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
        self.show();
        self.traced.close(&self.services.traces, job, &self.farm);
        // The settlement counts from the journal's events, not from this.
        let _ = self.job.save();
    }

    /// What was verified counts in later jobs, unless its provider was shut out of this one.
    fn remember_standing(&self) {
        let journal = &self.services.journal;
        for (node, tasks) in self.ledger.verified().filter(|(node, _)| !self.excluded.contains(node)) {
            if let Err(error) = journal.save_verified(self.job.record.id, node, tasks) {
                tracing::warn!(node = %node.short(), error = %chain(&error), "a standing was not kept");
            }
        }
        for (node, amount) in self.ledger.earned() {
            if let Err(error) = journal.save_earned(self.job.record.id, node, amount) {
                tracing::warn!(node = %node.short(), error = %chain(&error), "what was earned was not noted");
            }
        }
    }
}
