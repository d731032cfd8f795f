//! One try at a task on one provider, from grant to verdict.

use crate::reason::Reason;
use rayswarm_model::{AttemptId, LeaseId, NodeId, Rect, TaskId, UnixMillis, Work, WorkPrice};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An attempt. Kept for the whole job: late results refer to it, and people ask why it went where it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// Its name.
    pub id: AttemptId,
    /// The task.
    pub task: TaskId,
    /// Who renders it.
    pub node: NodeId,
    /// The lease it was given in.
    pub lease: LeaseId,
    /// What for.
    pub purpose: Purpose,
    /// Work to render: the task's, or the crop's.
    pub work: Work,
    /// The provider's price when it was given.
    pub price: WorkPrice,
    /// When it was given.
    pub granted_at: UnixMillis,
    /// When it came to the head of its provider's queue.
    pub started_at: Option<UnixMillis>,
    /// Thousandths done, as last reported.
    pub permille: u16,
    /// Whether its provider has committed to a result.
    pub committed: bool,
    /// Where it stands.
    pub state: AttemptState,
    /// Why it went there.
    pub reason: Reason,
    /// When and why it ended.
    pub ended: Option<(UnixMillis, Reason)>,
}

/// What an attempt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The picture.
    Render,
    /// A comparison with the result of another attempt.
    Audit {
        /// The attempt to check.
        of: AttemptId,
        /// The pixels to render again.
        crop: Rect,
    },
}

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AttemptState {
    /// Given to its provider.
    Queued,
    /// Rendered and committed to; the bytes have yet to come.
    Committed,
    /// Here, awaiting the draw (an audit: awaiting its judgement).
    Delivered,
    /// Drawn for an audit that is not decided.
    Auditing,
    /// Verified and paid. For an audit: it decided a verdict.
    Verified,
    /// Another attempt was verified first; for an audit, its result is no longer needed.
    Superseded,
    /// An audit failed: not paid.
    Rejected,
    /// It gave no usable result.
    Failed,
    /// Its lease ran out. A late result still counts if nobody was quicker.
    Expired,
    /// Taken away. A late result still counts if nobody was quicker.
    Revoked,
    /// Its provider is gone, or never got it. A late result still counts if nobody was quicker.
    Lost,
}

impl fmt::Display for Attempt {
    /// One line of an explanation: who, what for and why, and what came of it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let purpose = match self.purpose {
            Purpose::Render => "render",
            Purpose::Audit { .. } => "audit",
        };
        write!(
            f,
            "{} {purpose} of {} by {}: {}",
            self.id,
            self.task,
            self.node.short(),
            self.reason
        )?;
        match &self.ended {
            Some((_, reason)) => write!(f, " → {}: {reason}", self.state),
            None => write!(f, " → {}", self.state),
        }
    }
}

impl fmt::Display for AttemptState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Queued => "given",
            Self::Committed => "rendered",
            Self::Delivered => "delivered",
            Self::Auditing => "being audited",
            Self::Verified => "counts",
            Self::Superseded => "not needed",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Lost => "lost",
        })
    }
}

impl AttemptState {
    /// Whether a verdict may still come of it.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Queued | Self::Committed | Self::Delivered | Self::Auditing)
    }

    /// Whether it was given up, but a late result would still be welcome.
    pub const fn is_given_up(self) -> bool {
        matches!(self, Self::Expired | Self::Revoked | Self::Lost)
    }

    /// Whether no verdict has come of it, and none will unless it is late and welcome.
    pub const fn is_passed_over(self) -> bool {
        self.is_given_up() || matches!(self, Self::Superseded | Self::Failed)
    }

    /// Whether its bytes are here.
    pub const fn is_here(self) -> bool {
        matches!(self, Self::Delivered | Self::Auditing | Self::Verified)
    }
}
