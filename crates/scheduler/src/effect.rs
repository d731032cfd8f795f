//! What a step asks the node to do. Closed, and complete: an effect leaves its executor nothing to choose.

use crate::{attempt::Purpose, reason::Reason};
use rayswarm_model::{Address, Amount, AttemptId, LeaseId, NodeId, TaskId, UnixMillis, Work};
use serde::{Deserialize, Serialize};
use std::fmt;

/// One thing to do, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Effect {
    /// Answer the provider's pull with these tasks, in this order.
    Lease {
        /// To whom.
        node: NodeId,
        /// The lease.
        lease: LeaseId,
        /// The tasks; never empty.
        tasks: Vec<Grant>,
        /// When it ends at the earliest; commits and progress prolong it.
        deadline: UnixMillis,
        /// Why this provider gets these tasks now; each grant has its own reason too.
        reason: Reason,
    },
    /// Nothing for this provider now. Its pull may be held: a lease follows as soon as there is work for it. Once the pull
    /// is answered, say so with [`crate::Event::PullClosed`].
    Wait {
        /// Who.
        node: NodeId,
        /// Milliseconds after which it should ask again.
        retry_ms: u32,
        /// Why.
        reason: Reason,
    },
    /// Nothing ever again for this provider in this job.
    Dismiss {
        /// Who.
        node: NodeId,
        /// Why.
        reason: Reason,
    },
    /// Accept the commitment and let the provider upload.
    Collect {
        /// Who.
        node: NodeId,
        /// Which.
        attempt: AttemptId,
        /// Why it is wanted.
        reason: Reason,
    },
    /// Tell the provider, which commits again, that its result arrived before.
    AlreadyHere {
        /// Who.
        node: NodeId,
        /// Which.
        attempt: AttemptId,
        /// Why it asks.
        reason: Reason,
    },
    /// Tell the provider that this result is not wanted.
    Discard {
        /// Who.
        node: NodeId,
        /// Which.
        attempt: AttemptId,
        /// Why.
        reason: Reason,
    },
    /// Draw whether and where this delivered result is audited; answer with an event.
    DrawAudit {
        /// Whose result.
        node: NodeId,
        /// The result.
        attempt: AttemptId,
        /// Its task.
        task: TaskId,
        /// Results of this provider that came before; its first ones are all audited.
        results_before: u64,
        /// Why now.
        reason: Reason,
    },
    /// Compare a delivered audit with the result it audits; answer with an event.
    JudgeAudit {
        /// The auditing attempt.
        attempt: AttemptId,
        /// The audited attempt.
        of: AttemptId,
        /// Why now.
        reason: Reason,
    },
    /// The task is verified: use this attempt's pixels, and add the amount to the provider's voucher. Once per task.
    AcceptTask {
        /// The task.
        task: TaskId,
        /// The attempt whose pixels count.
        attempt: AttemptId,
        /// Who rendered it.
        node: NodeId,
        /// The account to pay.
        account: Address,
        /// How much.
        amount: Amount,
        /// How it was verified.
        reason: Reason,
    },
    /// An audit served its purpose: add the amount to the auditor's voucher. Once per audit.
    PayAudit {
        /// The auditing attempt.
        attempt: AttemptId,
        /// Who rendered it.
        node: NodeId,
        /// The account to pay.
        account: Address,
        /// How much.
        amount: Amount,
        /// Why.
        reason: Reason,
    },
    /// A result is not paid: keep the evidence.
    RejectAttempt {
        /// The task, which others will try again.
        task: TaskId,
        /// The attempt.
        attempt: AttemptId,
        /// Who rendered it.
        node: NodeId,
        /// Why.
        reason: Reason,
    },
    /// Tell the provider to forget an attempt. One it is already rendering it may finish.
    Revoke {
        /// Who.
        node: NodeId,
        /// Which.
        attempt: AttemptId,
        /// Why.
        reason: Reason,
    },
    /// A task has failed as often as it may; the job ends.
    TaskFailed {
        /// The task.
        task: TaskId,
        /// What failed last.
        reason: Reason,
    },
    /// A provider is shut out of this job.
    Exclude {
        /// Who.
        node: NodeId,
        /// Why.
        reason: Reason,
    },
    /// Every task is verified: finish, settle, refund the rest.
    JobComplete {
        /// What was paid in all.
        paid: Amount,
        /// Why.
        reason: Reason,
    },
    /// The job ended without all its tasks: settle what is verified, refund the rest.
    JobFailed {
        /// What was paid in all.
        paid: Amount,
        /// Why.
        reason: Reason,
    },
}

impl Effect {
    /// The attempt it is about, if it is about one.
    pub const fn attempt(&self) -> Option<AttemptId> {
        match self {
            Self::Collect { attempt, .. }
            | Self::AlreadyHere { attempt, .. }
            | Self::Discard { attempt, .. }
            | Self::DrawAudit { attempt, .. }
            | Self::JudgeAudit { attempt, .. }
            | Self::AcceptTask { attempt, .. }
            | Self::PayAudit { attempt, .. }
            | Self::RejectAttempt { attempt, .. }
            | Self::Revoke { attempt, .. } => Some(*attempt),
            Self::Lease { .. }
            | Self::Wait { .. }
            | Self::Dismiss { .. }
            | Self::TaskFailed { .. }
            | Self::Exclude { .. }
            | Self::JobComplete { .. }
            | Self::JobFailed { .. } => None,
        }
    }
}

/// One task of a lease.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// This try.
    pub attempt: AttemptId,
    /// The task.
    pub task: TaskId,
    /// What for; an audit names the crop to render instead of the tile.
    pub purpose: Purpose,
    /// Work of what is to be rendered.
    pub work: Work,
    /// Why this provider.
    pub reason: Reason,
}

impl Effect {
    /// Why.
    pub const fn reason(&self) -> &Reason {
        match self {
            Self::Lease { reason, .. }
            | Self::Wait { reason, .. }
            | Self::Dismiss { reason, .. }
            | Self::Collect { reason, .. }
            | Self::AlreadyHere { reason, .. }
            | Self::Discard { reason, .. }
            | Self::DrawAudit { reason, .. }
            | Self::JudgeAudit { reason, .. }
            | Self::AcceptTask { reason, .. }
            | Self::PayAudit { reason, .. }
            | Self::RejectAttempt { reason, .. }
            | Self::Revoke { reason, .. }
            | Self::TaskFailed { reason, .. }
            | Self::Exclude { reason, .. }
            | Self::JobComplete { reason, .. }
            | Self::JobFailed { reason, .. } => reason,
        }
    }
}

impl fmt::Display for Grant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.purpose {
            Purpose::Render => write!(f, "{}={}", self.attempt, self.task),
            Purpose::Audit { of, crop } => write!(f, "{}=audit {of} {crop}", self.attempt),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lease { node, lease, tasks, .. } => {
                write!(f, "lease {lease} to {}:", node.short())?;
                tasks.iter().try_for_each(|grant| write!(f, " {grant}"))?;
            }
            Self::Wait { node, retry_ms, .. } => write!(f, "wait {} {retry_ms} ms", node.short())?,
            Self::Dismiss { node, .. } => write!(f, "dismiss {}", node.short())?,
            Self::Collect { node, attempt, .. } => write!(f, "collect {attempt} from {}", node.short())?,
            Self::AlreadyHere { node, attempt, .. } => write!(f, "{attempt} of {} is already here", node.short())?,
            Self::Discard { node, attempt, .. } => write!(f, "discard {attempt} of {}", node.short())?,
            Self::DrawAudit { attempt, .. } => write!(f, "draw audit of {attempt}")?,
            Self::JudgeAudit { attempt, of, .. } => write!(f, "judge {attempt} against {of}")?,
            Self::AcceptTask {
                task,
                attempt,
                node,
                amount,
                ..
            } => {
                write!(f, "accept {task} by {attempt}, pay {} to {}", amount.0, node.short())?;
            }
            Self::PayAudit {
                attempt, node, amount, ..
            } => {
                write!(f, "pay {} to {} for audit {attempt}", amount.0, node.short())?;
            }
            Self::RejectAttempt {
                task, attempt, node, ..
            } => {
                write!(f, "reject {attempt} of {} for {task}", node.short())?;
            }
            Self::Revoke { node, attempt, .. } => write!(f, "revoke {attempt} from {}", node.short())?,
            Self::TaskFailed { task, .. } => write!(f, "{task} failed")?,
            Self::Exclude { node, .. } => write!(f, "exclude {}", node.short())?,
            Self::JobComplete { paid, .. } => write!(f, "job complete, {} paid", paid.0)?,
            Self::JobFailed { paid, .. } => write!(f, "job failed, {} paid", paid.0)?,
        }
        write!(f, " — {}", self.reason())
    }
}
