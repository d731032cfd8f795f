//! Providers: inviting them, and what they ask, report and deliver.

use super::{Background, Rendering};
use crate::{
    provider::measure,
    requestor::{
        inviting::{self, Invited},
        refusal::chain,
    },
};
use rayswarm_model::{AttemptId, NodeId, Offer};
use rayswarm_network::{
    Reply, RequestorEvent, RequestorLink,
    work::{AttemptProgress, Failure, JobInvite, Pull, PullAnswer},
};
use rayswarm_scheduler::{AttemptState, Departure, Event, ProviderInfo, Role};
use std::time::Instant;

impl Rendering<'_> {
    pub(super) fn invite_more(&mut self) {
        if self.end.is_some() {
            return;
        }
        for (peer, offer) in inviting::suitable(&self.services, &self.needs) {
            let node = offer.node;
            let known = self.links.contains_key(&node) || self.excluded.contains(&node);
            if known || !self.inviting.insert(node) {
                continue;
            }
            let invite = JobInvite {
                price: offer.price,
                ..self.invite.clone()
            };
            let invite = match invite.signed(&self.services.identity.account) {
                Ok(invite) => invite,
                Err(error) => {
                    tracing::error!(error = %chain(&error), "an invitation cannot be signed");
                    continue;
                }
            };
            let (services, background) = (self.services.clone(), self.background.clone());
            self.services.tracker.spawn(async move {
                let job = invite.job;
                let outcome = match inviting::invite(&services.network, &peer, invite).await {
                    Invited::Accepted(link) => {
                        let rtt_ms = inviting::round_trip_ms(&services.network, &peer).await;
                        Background::Joined(link, Box::new(offer), rtt_ms)
                    }
                    Invited::Refused(reason) => Background::NotJoined(node, Some(reason)),
                    Invited::Unreachable => Background::NotJoined(node, None),
                };
                if background.send(outcome).await.is_err() {
                    // The job was over before the answer came.
                    services.network.blobs().withdraw(node, job);
                }
            });
        }
    }

    /// A refusal is asked again each second; people hear of it when it changes.
    pub(super) fn not_joined(&mut self, node: NodeId, refusal: Option<String>) {
        self.inviting.remove(&node);
        if let Some(reason) = refusal
            && self.refusals.get(&node) != Some(&reason)
        {
            self.job
                .say(format!("provider {} does not join: {reason}", node.short()));
            self.refusals.insert(node, reason);
        }
    }

    pub(super) fn joined(&mut self, link: RequestorLink, offer: Offer, rtt_ms: u32) {
        let node = offer.node;
        self.inviting.remove(&node);
        self.refusals.remove(&node);
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
            verified_before: self.standing(node),
        };
        self.links.insert(node, link);
        self.job.say(format!("provider {} joined", node.short()));
        self.tell_if_alone_in_class(&offer);
        self.offers.insert(node, offer);
        self.tell_caps(node);
        self.apply(Event::ProviderJoined(info));
    }

    /// A class is the provider's own claim. Who claims one that nobody else has is held to the laxer rule, which people
    /// should know.
    fn tell_if_alone_in_class(&mut self, offer: &Offer) {
        let (engine, version) = (&self.plan.engine, &self.plan.engine_version);
        let own = measure::own_class(&self.services, engine, version);
        if !inviting::is_class_shared(offer, (engine, version), own, self.offers.values()) {
            self.job.say(format!(
                "provider {} has a comparison class that neither this machine nor another provider has, so far: its \
                 audits allow for the small differences between kinds of processors",
                offer.node.short()
            ));
        }
    }

    /// Without the journal a provider counts as a newcomer: audited more, never less.
    fn standing(&self, node: NodeId) -> u64 {
        let verified = self.services.journal.verified_before(node, self.job.record.id);
        verified.unwrap_or_else(|error| {
            tracing::warn!(node = %node.short(), error = %chain(&error), "a standing cannot be read");
            0
        })
    }

    pub(super) fn peer(&mut self, event: RequestorEvent) {
        match event {
            RequestorEvent::Pull { from, pull, reply } => self.pulled(from, pull, reply),
            RequestorEvent::Commit { from, commit, reply } => {
                self.committed(from, &commit, reply);
            }
            RequestorEvent::Delivered {
                from,
                attempt,
                delivery,
                reply,
                ..
            } => self.delivered(from, attempt, delivery, reply),
            RequestorEvent::NotStored { attempt, error, .. } => self.not_stored(attempt, &error),
            RequestorEvent::Failed { from, failure, reply } => {
                self.failed_there(from, failure);
                let _ = reply.send(());
            }
            RequestorEvent::Progress { from, progress } => self.progressed(from, &progress.running),
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

    /// A provider gave an attempt up. What it says of attempts that it does not have is neither journaled nor shown.
    fn failed_there(&mut self, from: NodeId, failure: Failure) {
        let attempt = failure.attempt;
        if !self.has_in_hand(from, attempt, AttemptState::is_live) {
            return;
        }
        let log = failure.log_tail.lines().rev().take(3).collect::<Vec<_>>().join(" | ");
        self.job.say(format!(
            "{} failed at {attempt}: {} {log}",
            from.short(),
            failure.message
        ));
        self.apply(Event::Failed {
            node: from,
            attempt,
            kind: failure.kind,
            message: format!("{}\n{}", failure.message, failure.log_tail),
        });
    }

    /// Attempts are under way. Only news of what this provider is rendering is journaled.
    fn progressed(&mut self, from: NodeId, running: &[AttemptProgress]) {
        for one in running {
            let renders = self.has_in_hand(from, one.attempt, |state| state == AttemptState::Queued);
            if renders && self.signs.is_news(one.attempt, one.done_permille, Instant::now()) {
                self.apply(Event::Progress {
                    node: from,
                    attempt: one.attempt,
                    permille: one.done_permille,
                });
            }
        }
    }

    fn has_in_hand(&self, node: NodeId, attempt: AttemptId, state: impl Fn(AttemptState) -> bool) -> bool {
        let known = self.farm.attempt(attempt);
        known.is_some_and(|known| known.node == node && state(known.state))
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
            mut running,
            ..
        } = pull;
        // Nothing else means anything to the farm, and the journal keeps what is said here.
        running.retain(|attempt| self.ledger.is_granted_to(*attempt, from));
        self.apply(Event::Pulled {
            node: from,
            warm,
            warm_frame,
            held: running,
        });
    }
}
