//! The provider role: measure this machine, offer it, accept an invitation, render, deliver, be paid.
//!
//! | module | holds |
//! |---|---|
//! | [`measure`] | the probe picture: speed and comparison class |
//! | [`offering`] | the signed offer, and another one when its price changes |
//! | [`switch`] | what the owner changes meanwhile: rest, and another price |
//! | [`admission`] | whether an invitation is accepted |
//! | [`account`] | what a requestor owes |
//! | [`pace`] | how fast this machine is, and how long things may take |
//! | [`worker`] | one job from invitation to the last upload |
//! | [`queue`] | the tasks a worker holds |
//! | [`warm`] | the warm session that renders them |
//! | [`occupancy`] | what the machine is taken by |
//! | [`commands`] | sessions of commands |
//! | [`courier`] | commitments and uploads |
//! | [`documents`] | manifest and plan, as the escrow has their hashes |
//! | [`plan`] | the plan that grants are held against |
//! | [`files`] | a job's files, from blobs to a session's view |
//! | [`staking`] | the stake, kept at what the owner wants |
//! | [`claimed`] | what is claimed where the requestor does not pay |
//! | [`vouchers`] | keeping vouchers, and redeeming them when the requestor does not |

pub mod account;
pub mod admission;
pub mod claimed;
pub mod commands;
pub mod courier;
pub mod documents;
pub mod files;
pub mod measure;
pub mod occupancy;
pub mod offering;
pub mod pace;
pub mod plan;
pub mod queue;
pub mod staking;
pub mod switch;
pub mod vouchers;
pub mod warm;
pub mod worker;

use crate::{journal::DeliveredState, requestor::refusal::chain, services::Services};
use admission::{Admission, OwnTerms};
use occupancy::Occupancy;
use rayswarm_model::{AttemptId, JobId, NodeId};
use rayswarm_network::work::{InviteAnswer, JobInvite, Judgement, ProviderEvent, ProviderLink, Reply, Verdict};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use worker::{Worker, WorkerHandle};

/// Answers requestors. One job at a time: a session wants the whole of what the owner gave.
pub struct Provider {
    services: Arc<Services>,
    terms: OwnTerms,
    occupancy: Arc<Occupancy>,
    jobs: HashMap<(NodeId, JobId), WorkerHandle>,
    /// Jobs that could not be worked on, since when and why: not tried again at once.
    given_up: HashMap<JobId, (Instant, String)>,
}

/// How long a job that could not be worked on here is refused: a full disk does not empty itself in a second.
const REFUSE_AGAIN_FOR: Duration = Duration::from_secs(30);

impl Provider {
    /// A provider with nothing to do. What workers of a killed process left is removed: their sessions are gone, and the
    /// files of a job that goes on are in the cache.
    pub fn new(services: Arc<Services>, terms: OwnTerms, occupancy: Arc<Occupancy>) -> Self {
        worker::sweep(&services);
        Self {
            services,
            terms,
            occupancy,
            jobs: HashMap::new(),
            given_up: HashMap::new(),
        }
    }

    /// Answers events until `stop`; then waits for its workers.
    pub async fn run(mut self, mut events: mpsc::Receiver<ProviderEvent>, stop: CancellationToken) {
        loop {
            let event = tokio::select! {
                () = stop.cancelled() => break,
                event = events.recv() => event,
            };
            let Some(event) = event else { break };
            self.forget_finished().await;
            self.handle(event).await;
        }
        for (_, handle) in self.jobs.drain() {
            handle.stop().await;
        }
    }

    async fn forget_finished(&mut self) {
        let finished: Vec<_> = self.jobs.extract_if(|_, handle| handle.is_finished()).collect();
        for ((_, job), handle) in finished {
            if let Some(reason) = handle.failure().await {
                self.given_up.insert(job, (Instant::now(), reason));
            }
        }
        self.given_up.retain(|_, (since, _)| since.elapsed() < REFUSE_AGAIN_FOR);
    }

    async fn handle(&mut self, event: ProviderEvent) {
        // Every `reply.send` below fails only when the requestor has gone; it will ask again.
        match event {
            ProviderEvent::Invite { link, invite, reply } => self.invited(link, *invite, reply).await,
            ProviderEvent::Verdict { from, verdict, reply } => {
                self.judged(from, &verdict);
                let _ = reply.send(());
            }
            ProviderEvent::Voucher { voucher, reply, .. } => {
                self.vouchered(voucher.job, &voucher.signed);
                let _ = reply.send(());
            }
            ProviderEvent::Allocation {
                from,
                allocation,
                reply,
            } => {
                self.capped(from, allocation.job, &allocation.document);
                let _ = reply.send(());
            }
            ProviderEvent::Cancel { from, cancel, reply } => {
                if let Some(handle) = self.jobs.remove(&(from, cancel.job)) {
                    tracing::info!(job = %cancel.job.short(), reason = cancel.reason, "the requestor ended the job");
                    handle.abandon();
                }
                let _ = reply.send(());
            }
            ProviderEvent::Revoke { from, revoke, reply } => {
                if let Some(handle) = self.jobs.get(&(from, revoke.job)) {
                    handle.revoke(revoke.attempt);
                }
                self.note_judgement(from, revoke.job, revoke.attempt, DeliveredState::NotNeeded);
                let _ = reply.send(());
            }
            ProviderEvent::LinkClosed { from, error } => {
                tracing::debug!(requestor = %from.short(), %error, "the link to a requestor ended");
            }
        }
    }

    fn judged(&self, from: NodeId, verdict: &Verdict) {
        let state = match &verdict.judgement {
            Judgement::Accepted { .. } => DeliveredState::Verified,
            Judgement::Rejected { .. } => DeliveredState::Rejected,
        };
        self.note_judgement(from, verdict.job, verdict.attempt, state);
        match &verdict.judgement {
            Judgement::Accepted { voucher: Some(signed) } => self.vouchered(verdict.job, signed),
            Judgement::Accepted { voucher: None } => {}
            Judgement::Rejected { reason } if self.jobs.contains_key(&(from, verdict.job)) => {
                tracing::warn!(job = %verdict.job.short(), attempt = %verdict.attempt, reason, "a result was rejected");
            }
            Judgement::Rejected { .. } => {}
        }
    }

    fn note_judgement(&self, from: NodeId, job: JobId, attempt: AttemptId, state: DeliveredState) {
        if let Err(error) = self.services.journal.judge_delivered(from, job, attempt, state) {
            tracing::error!(%attempt, error = %chain(&error), "what was said of a result was not noted");
        }
    }

    /// Vouchers are kept for every job ever accepted, whether a worker is at it or not: the last ones come when the work
    /// is done.
    fn vouchered(&self, job: JobId, signed: &[u8]) {
        if let Err(error) = vouchers::keep(&self.services, job, signed) {
            tracing::warn!(job = %job.short(), error = %chain(&error), "a voucher was not kept");
        }
    }

    /// Caps are kept like vouchers: without those in force none can be redeemed.
    fn capped(&self, from: NodeId, job: JobId, document: &[u8]) {
        if let Err(error) = vouchers::keep_caps(&self.services.journal, from, job, document) {
            tracing::warn!(job = %job.short(), error = %chain(&error), "caps were not kept");
        }
    }

    async fn invited(&mut self, link: ProviderLink, invite: JobInvite, reply: Reply<InviteAnswer>) {
        let requestor = link.requestor();
        if let Some(handle) = self.jobs.get(&(requestor, invite.job)) {
            handle.relink(link);
            let _ = reply.send(InviteAnswer::Accepted);
            return;
        }
        let busy = self.jobs.keys().next().map(|(_, job)| *job);
        let admission = match (busy, self.given_up.get(&invite.job)) {
            _ if self.services.switch.is_paused() => Admission::Refused(switch::RESTS.into()),
            (Some(job), _) => Admission::Refused(format!("busy with job {}", job.short())),
            (None, Some((_, reason))) => Admission::Refused(reason.clone()),
            (None, None) => self.terms.judge(&self.services, requestor, &invite).await,
        };
        let admission = match admission {
            Admission::Refused(reason) => Err(reason),
            Admission::Accepted(accepted) => {
                let occupied = self.occupancy.render().ok_or("busy with sessions of commands");
                occupied.map(|occupied| (accepted, occupied)).map_err(str::to_owned)
            }
        };
        match admission {
            Err(reason) => {
                tracing::debug!(job = %invite.job.short(), reason, "an invitation was refused");
                let _ = reply.send(InviteAnswer::Refused { reason });
            }
            Ok((accepted, occupied)) => {
                tracing::info!(job = %invite.job.short(), requestor = %requestor.short(), "accepted a job");
                let (links, watched) = watch::channel(link);
                let job = invite.job;
                let worker = Worker::new(
                    self.services.clone(),
                    self.terms.limits.clone(),
                    *accepted,
                    invite,
                    watched,
                );
                self.jobs.insert((requestor, job), worker.start(links, occupied));
                let _ = reply.send(InviteAnswer::Accepted);
            }
        }
    }
}

#[cfg(test)]
mod tests;
