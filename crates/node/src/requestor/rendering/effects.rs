//! From an event to what follows: it is journaled, the farm takes a step, and each effect is performed.

use super::Rendering;
use crate::{
    clock,
    requestor::{
        checking, money,
        refusal::{chain, failed},
        studio::Order,
    },
};
use rayswarm_model::{Address, AttemptId, NodeId, TaskId, UnixMillis, canonical};
use rayswarm_network::{
    NetworkError,
    work::{
        CommitAnswer, Judgement, Lease, PullAnswer, Revoke, TaskGrant, Verdict as WireVerdict, Voucher as WireVoucher,
    },
};
use rayswarm_scheduler::{Effect, Event, Grant, step};
use std::collections::VecDeque;

impl Rendering<'_> {
    /// Journals an event, steps the farm, performs what follows. Draws are events of their own.
    pub(super) fn apply(&mut self, event: Event) {
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
                self.lower_standing(node);
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
                self.services.network.blobs().revoke(node, self.job.record.id);
            }
            Effect::JobComplete { .. } => self.end = Some(Ok(())),
            Effect::JobFailed { reason, .. } => self.end = Some(Err(failed("job_failed", reason.to_string()))),
        }
        None
    }

    fn wire_tasks(&self, tasks: &[Grant]) -> Vec<TaskGrant> {
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

    pub(super) fn answer_commit(&mut self, attempt: AttemptId, answer: CommitAnswer) {
        if let Some(reply) = self.commits.remove(&attempt) {
            let _ = reply.send(answer);
        }
    }

    fn accepted(&mut self, task: TaskId, attempt: AttemptId, node: NodeId, account: Address) {
        let Some(spec) = self.plan.task(task).copied() else {
            return;
        };
        let earned = self.ledger.earnings.get(&account).copied().unwrap_or_default();
        let voucher = money::voucher(&self.services, self.job.record.id, account, earned);
        let voucher = canonical::encode("voucher", &voucher).ok();
        self.tell_verdict(node, attempt, Judgement::Accepted { voucher });
        self.order_frame_if_complete(spec.frame);
    }

    fn vouch(&mut self, node: NodeId, account: Address) {
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
    pub(super) fn send(&self, telling: impl Future<Output = Result<(), NetworkError>> + Send + 'static) {
        self.services.tracker.spawn(async move {
            if let Err(error) = telling.await {
                tracing::debug!(%error, "a provider was not told");
            }
        });
    }
}
