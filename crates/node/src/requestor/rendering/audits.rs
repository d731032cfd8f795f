//! Audits of what was delivered: the secret draw, the comparison of two renders, the evidence of a fraud.

use super::{Background, Rendering};
use crate::{
    clock, pixels,
    provider::measure,
    requestor::{
        checking::{self, Comparison},
        evidence::{Evidence, Exhibit},
        refusal::chain,
    },
};
use rayswarm_imaging::PixelCommitment;
use rayswarm_model::{AttemptId, NodeId, TaskId, settings::Device};
use rayswarm_scheduler::{AuditVerdict, Event, Purpose};
use rayswarm_verifier::{
    AuditPolicy, AuditSeed, ComparisonKind, Outcome as VerdictOutcome, Subject, Verdict, claim::work_of, draw,
};

impl Rendering<'_> {
    pub(super) fn draw_audit(&self, attempt: AttemptId, task: TaskId, results_before: u64) -> Option<Event> {
        let spec = self.plan.task(task)?;
        let receipt = self.receipts.get(&attempt)?;
        let subject = Subject {
            job: self.job.record.id,
            task,
            attempt,
            commitment: PixelCommitment(receipt.message.pixel_commitment),
            tile: spec.tile,
        };
        let seed = AuditSeed::from_bytes(self.job.record.audit_seed.0);
        let drawn = draw(&AuditPolicy::default(), &seed, &subject, results_before, None);
        Some(match drawn.crop {
            Some(crop) => {
                let work = work_of(spec.work, crop, spec.tile);
                Event::AuditDrawn { attempt, crop, work }
            }
            None => Event::NoAudit { attempt },
        })
    }

    pub(super) fn judge(&mut self, attempt: AttemptId, of: AttemptId) {
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

    fn apply_later(&self, outcome: Background) {
        let background = self.background.clone();
        self.services.tracker.spawn(async move {
            let _ = background.send(outcome).await;
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
                    Device::Cpu,
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
        let facts = self.job.record.facts.as_ref();
        let repeats_roughly = facts.is_some_and(|facts| facts.repeats_roughly.is_some());
        let kind = match (class_of(audit.node), class_of(audited.node)) {
            // The scene's own engine does not repeat to the last bit: exactness would blame the honest.
            _ if repeats_roughly => ComparisonKind::CrossClass,
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
            channels: self.channels.clone(),
        })
    }

    pub(super) fn judged(&mut self, attempt: AttemptId, of: AttemptId, outcome: Result<Box<Verdict>, String>) {
        let verdict = match outcome {
            Ok(verdict) => {
                let found = match verdict.outcome {
                    VerdictOutcome::Accepted => AuditVerdict::Passed,
                    VerdictOutcome::Rejected => AuditVerdict::Failed,
                    VerdictOutcome::Inconclusive => AuditVerdict::Inconclusive,
                };
                if found == AuditVerdict::Failed {
                    self.job.say(format!("audit {attempt}: {verdict}"));
                    self.keep_evidence(of, attempt, &verdict);
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

    /// What an audit found, whoever is right in the end: a second opinion may come, but the results go with the job.
    fn keep_evidence(&mut self, of: AttemptId, audit: AttemptId, verdict: &Verdict) {
        let kept = self
            .services
            .journal
            .save_evidence(self.job.record.id, of, clock::now(), verdict);
        if let Err(error) = kept {
            tracing::error!(error = %chain(&error), "a verdict was not kept");
        }
        let folder = self.job.folder();
        let picture = |attempt| pixels::result_file(&folder, attempt);
        let (delivered, audited) = (picture(of), picture(audit));
        let exhibit = |attempt, picture| Exhibit {
            picture,
            receipt: self.receipts.get(&attempt),
        };
        let (against, by) = (exhibit(of, &*delivered), exhibit(audit, &*audited));
        let kept = Evidence::of(&folder).keep_audit(of, against, (audit, by), verdict);
        self.tell_evidence(of, &kept);
    }

    /// A provider whose result was found wrong is a newcomer again.
    pub(super) fn lower_standing(&self, node: NodeId) {
        let journal = &self.services.journal;
        if let Err(error) = journal.clear_verified(node).and_then(|()| journal.note_rejected(node)) {
            tracing::error!(node = %node.short(), error = %chain(&error), "a standing was not lowered");
        }
    }
}
