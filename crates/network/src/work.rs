//! `rayswarm/work/1`: a requestor and a provider work together over one connection that the requestor dials.
//!
//! The requestor invites; after that the provider asks (pull, commit, upload) and the requestor tells (verdict, cancel,
//! revoke). Either side opens a stream per question. When the connection breaks, the requestor dials and invites again:
//! every message may be repeated without harm, and an upload goes on where it stopped.

mod invite;
mod link;
mod messages;
mod serve;
mod spool;
mod transfer;

pub use invite::JobInvite;
pub use link::{ProviderLink, RequestorLink};
pub use messages::*;
pub(crate) use serve::{Links, WorkProtocol, serve_requestor};
pub(crate) use spool::Spool;

use crate::error::NetworkError;
use rayswarm_model::{AttemptId, BlobId, JobId, NodeId};
use std::path::PathBuf;
use tokio::sync::oneshot;

/// Name and version of the protocol.
pub const ALPN: &[u8] = b"rayswarm/work/1";

/// What providers ask this node in its role of requestor.
#[derive(Debug)]
pub enum RequestorEvent {
    /// A provider wants work. The answer may be held back for [`PULL_WAIT`], in the hope of work.
    Pull {
        /// The provider.
        from: NodeId,
        /// Its question.
        pull: Pull,
        /// Where the answer goes.
        reply: Reply<PullAnswer>,
    },
    /// A provider has rendered and commits to the pixels before it sends them.
    Commit {
        /// The provider.
        from: NodeId,
        /// Its commitment.
        commit: Commit,
        /// [`CommitAnswer::Deliver`] lets exactly this provider upload exactly this many bytes.
        reply: Reply<CommitAnswer>,
    },
    /// A result has arrived whole. Move or journal the file before replying: the provider forgets its copy then.
    Delivered {
        /// The provider.
        from: NodeId,
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: AttemptId,
        /// The result.
        delivery: Delivery,
        /// Tells the provider that its copy is no longer needed.
        reply: Reply<()>,
    },
    /// A result could not be stored on this machine (disk full, say). The provider will try again.
    NotStored {
        /// The provider.
        from: NodeId,
        /// The job.
        job: JobId,
        /// The attempt.
        attempt: AttemptId,
        /// Why.
        error: NetworkError,
    },
    /// An attempt failed on the provider.
    Failed {
        /// The provider.
        from: NodeId,
        /// What happened.
        failure: Failure,
        /// Tells the provider that it was heard.
        reply: Reply<()>,
    },
    /// Attempts are under way; the sign of life of a session.
    Progress {
        /// The provider.
        from: NodeId,
        /// How far they are.
        progress: Progress,
    },
    /// The connection to a provider ended; unless another is open, it is as good as gone.
    LinkClosed {
        /// The provider.
        from: NodeId,
        /// How it ended.
        error: NetworkError,
    },
}

/// What requestors ask this node in its role of provider.
#[derive(Debug)]
pub enum ProviderEvent {
    /// A requestor offers a job. Keep the link: it is how to pull, commit and upload.
    Invite {
        /// The connection to the requestor.
        link: ProviderLink,
        /// The job.
        invite: Box<JobInvite>,
        /// Where the answer goes.
        reply: Reply<InviteAnswer>,
    },
    /// A delivered result was judged.
    Verdict {
        /// The requestor.
        from: NodeId,
        /// The judgement.
        verdict: Verdict,
        /// Tells the requestor that it was heard.
        reply: Reply<()>,
    },
    /// A voucher outside any verdict: the newest one after a reconnection, or the last of a job.
    Voucher {
        /// The requestor.
        from: NodeId,
        /// The voucher.
        voucher: Voucher,
        /// Tells the requestor that it was heard.
        reply: Reply<()>,
    },
    /// The caps of an epoch: what each provider of the job can be paid in it.
    Allocation {
        /// The requestor.
        from: NodeId,
        /// The caps.
        allocation: Allocation,
        /// Tells the requestor that it was heard.
        reply: Reply<()>,
    },
    /// Stop all work of a job.
    Cancel {
        /// The requestor.
        from: NodeId,
        /// Which and why.
        cancel: Cancel,
        /// Tells the requestor that it was heard.
        reply: Reply<()>,
    },
    /// Stop one attempt; another provider was faster or takes over.
    Revoke {
        /// The requestor.
        from: NodeId,
        /// Which and why.
        revoke: Revoke,
        /// Tells the requestor that it was heard.
        reply: Reply<()>,
    },
    /// The connection to a requestor ended. Work under way may go on: an honest requestor dials again.
    LinkClosed {
        /// The requestor.
        from: NodeId,
        /// How it ended.
        error: NetworkError,
    },
}

/// A result that has arrived whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The file, synced to disk. Whoever handles the event owns it.
    pub path: PathBuf,
    /// Its length.
    pub bytes: u64,
    /// BLAKE3 of its bytes.
    pub blake3: BlobId,
}

/// Where the answer to a question goes. Dropped unanswered, it tells the peer that this node could not answer.
#[derive(Debug)]
pub struct Reply<T>(oneshot::Sender<T>);

impl<T> Reply<T> {
    pub(crate) fn pair() -> (Self, oneshot::Receiver<T>) {
        let (sender, receiver) = oneshot::channel();
        (Self(sender), receiver)
    }

    /// Answers. Gives the answer back when nobody waits for it any more.
    pub fn send(self, answer: T) -> Result<(), T> {
        self.0.send(answer)
    }

    /// Whether the peer has gone or stopped waiting.
    #[cfg(test)]
    pub(crate) fn is_abandoned(&self) -> bool {
        self.0.is_closed()
    }
}
