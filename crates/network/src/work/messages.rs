//! The messages of the work protocol. Nouns are `rayswarm-model`'s; documents that a contract may judge travel as opaque
//! bytes, so that exactly what was signed arrives.

use super::JobInvite;
use crate::frame::Message;
use rayswarm_model::{AttemptId, BlobId, FailureKind, JobId, LeaseId, TaskSpec};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How long a requestor may hold a pull back in the hope of work.
pub const PULL_WAIT: Duration = Duration::from_secs(20);
/// The most tasks in one lease; factoring keeps leases far smaller.
pub const LEASE_TASKS_MAX: usize = 1024;
/// The longest end of a log.
pub const LOG_TAIL_BYTES_MAX: usize = 8 << 10;
/// The longest reason in words.
pub const REASON_BYTES_MAX: usize = 1 << 10;
/// The longest signed document.
pub const SIGNED_BYTES_MAX: usize = 4 << 10;
/// The longest document of an epoch's caps: some 800 providers.
pub const ALLOCATION_BYTES_MAX: usize = 64 << 10;
/// The longest encoding of a job's settings.
pub const SETTINGS_BYTES_MAX: usize = 64 << 10;
/// The most attempts one provider can have under way in one job.
pub const RUNNING_MAX: usize = 1024;
/// The largest result of one task: what the requestor can decode is 4 GiB of samples (8K with 32 float channels), and a
/// file has a header. The requestor allows each result as much as its own pixels take, which is mostly far less.
pub const RESULT_BYTES_MAX: u64 = (4 << 30) + (64 << 20);

/// A requestor's question to a provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum RequestorCall {
    Invite(Box<JobInvite>),
    Verdict(Verdict),
    Voucher(Voucher),
    Cancel(Cancel),
    Revoke(Revoke),
    Allocation(Allocation),
}

/// A provider's question to a requestor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum ProviderCall {
    Pull(Pull),
    Commit(Commit),
    Upload(UploadHeader),
    Failed(Failure),
    Progress(Progress),
}

/// The answer to an invitation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InviteAnswer {
    /// The provider will fetch the files and pull.
    Accepted,
    /// It will not.
    Refused {
        /// Why, in words for the requestor's user.
        reason: String,
    },
}

/// The judgement of a delivered result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptId,
    /// What was found.
    pub judgement: Judgement,
}

/// Whether a result is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Judgement {
    /// It is.
    Accepted {
        /// The signed cumulative voucher that includes it, unless a later one will.
        voucher: Option<Vec<u8>>,
    },
    /// It is not.
    Rejected {
        /// Why, in words.
        reason: String,
    },
}

/// A signed cumulative voucher.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    /// The job.
    pub job: JobId,
    /// The signed document.
    pub signed: Vec<u8>,
}

/// The caps of an epoch, and why they are what they are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allocation {
    /// The job.
    pub job: JobId,
    /// The canonical encoding of a [`rayswarm_model::Allocation`], whose hash the chain carries.
    pub document: Vec<u8>,
}

/// An order to stop a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The job.
    pub job: JobId,
    /// Why, in words.
    pub reason: String,
}

/// An order to stop one attempt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoke {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Why, in words.
    pub reason: String,
}

/// A request for work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pull {
    /// The job.
    pub job: JobId,
    /// How much CPU time of work the provider would like, in milliseconds; a hint.
    pub wanted_cpu_ms: u64,
    /// Whether a session has the scene in memory.
    pub warm: bool,
    /// The frame that session rendered last.
    pub warm_frame: Option<i32>,
    /// Attempts the provider still works on, so that a requestor that lost track of a lease notices.
    pub running: Vec<AttemptId>,
}

/// The answer to a pull.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PullAnswer {
    /// Tasks to do.
    Lease(Lease),
    /// Nothing now; ask again after this.
    Wait {
        /// Milliseconds.
        retry_ms: u32,
    },
    /// Nothing ever again in this job: close the session.
    Done,
}

/// The right to a batch of tasks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// The lease.
    pub lease: LeaseId,
    /// How long it lasts from its arrival, in milliseconds. A span, since clocks differ.
    pub lasts_ms: u64,
    /// The tasks, in the order to do them.
    pub tasks: Vec<TaskGrant>,
}

/// One task of a lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskGrant {
    /// This try.
    pub attempt: AttemptId,
    /// What to render. For an audit, the rectangle is a crop of the plan's tile.
    pub task: TaskSpec,
    /// Pixels to render around the rectangle.
    pub padding: u32,
    /// What it is for.
    pub purpose: Purpose,
}

/// What a task is for. Both are rendered and paid alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Purpose {
    /// The picture.
    Render,
    /// A comparison with another provider's result.
    Audit,
}

/// A provider's commitment to a result, before anybody has seen it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptId,
    /// The signed receipt.
    pub receipt: Vec<u8>,
    /// Length of the result file.
    pub bytes: u64,
}

/// The answer to a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum CommitAnswer {
    /// Upload it.
    Deliver,
    /// It is here already (a repeated commitment): forget the copy, await the verdict.
    Stored,
    /// It is not wanted: another was faster, or the receipt is not acceptable.
    Drop {
        /// Why, in words.
        reason: String,
    },
}

/// What precedes the bytes of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadHeader {
    pub job: JobId,
    pub attempt: AttemptId,
    pub bytes: u64,
}

/// Whether and from where the bytes shall flow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum UploadAnswer {
    Continue { offset: u64 },
    Refused { reason: String },
}

/// The end of an upload: the requestor has the result for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub blake3: BlobId,
}

/// An attempt that gave no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The job.
    pub job: JobId,
    /// The attempt.
    pub attempt: AttemptId,
    /// Whether another try may succeed.
    pub kind: FailureKind,
    /// What failed, in words.
    pub message: String,
    /// The engine's last lines, at most [`LOG_TAIL_BYTES_MAX`].
    pub log_tail: String,
}

/// How far attempts are; sent now and then, and a sign of life even when the list is empty.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// The job.
    pub job: JobId,
    /// Attempts under way.
    pub running: Vec<AttemptProgress>,
}

/// How far one attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttemptProgress {
    /// The attempt.
    pub attempt: AttemptId,
    /// Thousandths done.
    pub done_permille: u16,
}

/// "Heard."
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Heard;

/// The last [`LOG_TAIL_BYTES_MAX`] bytes of a log, cut at a character.
pub fn log_tail(log: &str) -> &str {
    let start = log.len().saturating_sub(LOG_TAIL_BYTES_MAX);
    &log[log.ceil_char_boundary(start)..]
}

/// Keeps the first [`REASON_BYTES_MAX`] bytes of a reason, cut at a character.
fn cut_reason(reason: &mut String) {
    reason.truncate(reason.floor_char_boundary(REASON_BYTES_MAX));
}

fn reason_fits(reason: &str) -> Result<(), &'static str> {
    if reason.len() > REASON_BYTES_MAX {
        Err("a reason is longer than 1 KiB")
    } else {
        Ok(())
    }
}

fn signed_fits(document: &[u8]) -> Result<(), &'static str> {
    if document.len() > SIGNED_BYTES_MAX {
        Err("a signed document is longer than 4 KiB")
    } else {
        Ok(())
    }
}

impl Message for RequestorCall {
    const NAME: &'static str = "a requestor's message";
    const BYTES_MAX: usize = SETTINGS_BYTES_MAX + (16 << 10);
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Invite(invite) => invite.check(),
            Self::Verdict(Verdict {
                judgement: Judgement::Accepted { voucher },
                ..
            }) => voucher.as_deref().map_or(Ok(()), signed_fits),
            Self::Verdict(Verdict {
                judgement: Judgement::Rejected { reason },
                ..
            })
            | Self::Cancel(Cancel { reason, .. })
            | Self::Revoke(Revoke { reason, .. }) => reason_fits(reason),
            Self::Voucher(voucher) => signed_fits(&voucher.signed),
            Self::Allocation(allocation) if allocation.document.len() > ALLOCATION_BYTES_MAX => {
                Err("a document of caps is longer than 64 KiB")
            }
            Self::Allocation(_) => Ok(()),
        }
    }
    fn cut_words(&mut self) {
        match self {
            Self::Verdict(Verdict {
                judgement: Judgement::Rejected { reason },
                ..
            })
            | Self::Cancel(Cancel { reason, .. })
            | Self::Revoke(Revoke { reason, .. }) => cut_reason(reason),
            Self::Invite(_) | Self::Verdict(_) | Self::Voucher(_) | Self::Allocation(_) => {}
        }
    }
}

impl Message for ProviderCall {
    const NAME: &'static str = "a provider's message";
    const BYTES_MAX: usize = 32 << 10;
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Pull(pull) if pull.running.len() > RUNNING_MAX => Err("more than 1024 attempts are under way"),
            Self::Progress(progress) if progress.running.len() > RUNNING_MAX => {
                Err("more than 1024 attempts are under way")
            }
            Self::Commit(commit) if commit.bytes > RESULT_BYTES_MAX => {
                Err("a result is larger than 4 GiB and a header")
            }
            Self::Commit(commit) => signed_fits(&commit.receipt),
            Self::Failed(failure) if failure.log_tail.len() > LOG_TAIL_BYTES_MAX => {
                Err("a log's tail is longer than 8 KiB")
            }
            Self::Failed(failure) => reason_fits(&failure.message),
            Self::Pull(_) | Self::Progress(_) | Self::Upload(_) => Ok(()),
        }
    }
    fn cut_words(&mut self) {
        if let Self::Failed(failure) = self {
            cut_reason(&mut failure.message);
            if failure.log_tail.len() > LOG_TAIL_BYTES_MAX {
                failure.log_tail = log_tail(&failure.log_tail).into();
            }
        }
    }
}

impl Message for InviteAnswer {
    const NAME: &'static str = "an answer to an invitation";
    const BYTES_MAX: usize = 4 << 10;
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Refused { reason } => reason_fits(reason),
            Self::Accepted => Ok(()),
        }
    }
    fn cut_words(&mut self) {
        if let Self::Refused { reason } = self {
            cut_reason(reason);
        }
    }
}

impl Message for PullAnswer {
    const NAME: &'static str = "an answer to a pull";
    const BYTES_MAX: usize = 128 << 10;
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Lease(lease) if lease.tasks.len() > LEASE_TASKS_MAX => Err("a lease holds more than 1024 tasks"),
            _ => Ok(()),
        }
    }
}

impl Message for CommitAnswer {
    const NAME: &'static str = "an answer to a commitment";
    const BYTES_MAX: usize = 4 << 10;
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Drop { reason } => reason_fits(reason),
            Self::Deliver | Self::Stored => Ok(()),
        }
    }
    fn cut_words(&mut self) {
        if let Self::Drop { reason } = self {
            cut_reason(reason);
        }
    }
}

impl Message for UploadAnswer {
    const NAME: &'static str = "an answer to an upload";
    const BYTES_MAX: usize = 4 << 10;
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Refused { reason } => reason_fits(reason),
            Self::Continue { .. } => Ok(()),
        }
    }
    fn cut_words(&mut self) {
        if let Self::Refused { reason } = self {
            cut_reason(reason);
        }
    }
}

impl Message for Stored {
    const NAME: &'static str = "the end of an upload";
    const BYTES_MAX: usize = 64;
}

impl Message for Heard {
    const NAME: &'static str = "an acknowledgement";
    const BYTES_MAX: usize = 16;
}
