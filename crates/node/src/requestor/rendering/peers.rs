//! Providers: inviting them, and what they ask, report and deliver.

use super::{Background, Rendering};
use crate::{
    journal::StoredResult,
    pixels,
    requestor::{checking, inviting, refusal::chain},
};
use rayswarm_model::{AttemptId, Bytes, FailureKind, NodeId, Offer, canonical};
use rayswarm_network::{
    Delivery, Reply, RequestorEvent, RequestorLink,
    work::{CommitAnswer, JobInvite, Pull, PullAnswer},
};
use rayswarm_scheduler::{Departure, Event, ProviderInfo, ReceiptSummary, Role};
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

    pub(super) fn joined(&mut self, link: RequestorLink, offer: Offer, rtt_ms: u32) {
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
            verified_before: self.standing(node),
        };
        self.links.insert(node, link);
        self.offers.insert(node, offer);
        self.job.say(format!("provider {} joined", node.short()));
        self.apply(Event::ProviderJoined(info));
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

    pub(super) fn checked(
        &mut self,
        node: NodeId,
        attempt: AttemptId,
        delivery: &Delivery,
        outcome: Result<(), String>,
    ) {
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
}
