//! The two ends of a working connection, as the node holds them.

use super::{
    JobInvite,
    messages::{
        Allocation, Cancel, Commit, CommitAnswer, Failure, Heard, InviteAnswer, PULL_WAIT, Progress, ProviderCall,
        Pull, PullAnswer, RequestorCall, Revoke, Verdict, Voucher,
    },
    transfer,
};
use crate::{
    address::node_id,
    call::{self, ANSWER_DEADLINE},
    error::{CloseCode, NetworkError},
    frame::Message,
};
use iroh::endpoint::Connection;
use rayswarm_model::{AttemptId, BlobId, JobId, NodeId};
use std::{path::Path, time::Duration};

/// A pull may be held back, and its answer still needs to travel.
const PULL_DEADLINE: Duration = PULL_WAIT.saturating_add(ANSWER_DEADLINE);

/// The requestor's end: tells a provider things. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RequestorLink {
    connection: Connection,
}

/// The provider's end: asks a requestor things. Cheap to clone.
#[derive(Clone, Debug)]
pub struct ProviderLink {
    connection: Connection,
}

impl RequestorLink {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The node at the other end.
    pub fn provider(&self) -> NodeId {
        node_id(self.connection.remote_id())
    }

    /// Offers a job.
    pub async fn invite(&self, invite: JobInvite) -> Result<InviteAnswer, NetworkError> {
        let question = RequestorCall::Invite(Box::new(invite));
        call::ask(&self.connection, &question, "an invitation", ANSWER_DEADLINE).await
    }

    /// Tells how a result was judged.
    pub async fn verdict(&self, verdict: Verdict) -> Result<(), NetworkError> {
        self.tell(RequestorCall::Verdict(verdict), "a verdict").await
    }

    /// Hands over a voucher outside any verdict.
    pub async fn voucher(&self, voucher: Voucher) -> Result<(), NetworkError> {
        self.tell(RequestorCall::Voucher(voucher), "a voucher").await
    }

    /// Hands over the caps of an epoch.
    pub async fn allocation(&self, allocation: Allocation) -> Result<(), NetworkError> {
        self.tell(RequestorCall::Allocation(allocation), "the caps of an epoch")
            .await
    }

    /// Stops a job.
    pub async fn cancel(&self, cancel: Cancel) -> Result<(), NetworkError> {
        self.tell(RequestorCall::Cancel(cancel), "a cancellation").await
    }

    /// Stops one attempt.
    pub async fn revoke(&self, revoke: Revoke) -> Result<(), NetworkError> {
        self.tell(RequestorCall::Revoke(revoke), "a revocation").await
    }

    /// Whether the connection still stands.
    pub fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    /// Ends the connection.
    pub fn close(&self) {
        CloseCode::Done.close(&self.connection, "");
    }

    #[cfg(test)]
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }

    async fn tell(&self, mut message: RequestorCall, what: &'static str) -> Result<(), NetworkError> {
        message.cut_words();
        let Heard = call::ask(&self.connection, &message, what, ANSWER_DEADLINE).await?;
        Ok(())
    }
}

impl ProviderLink {
    pub(crate) fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// The node at the other end.
    pub fn requestor(&self) -> NodeId {
        node_id(self.connection.remote_id())
    }

    /// Asks for work; may take [`PULL_WAIT`]. Dropping the future takes the question back.
    pub async fn pull(&self, pull: Pull) -> Result<PullAnswer, NetworkError> {
        call::ask(&self.connection, &ProviderCall::Pull(pull), "a pull", PULL_DEADLINE).await
    }

    /// Commits to a result.
    pub async fn commit(&self, commit: Commit) -> Result<CommitAnswer, NetworkError> {
        call::ask(
            &self.connection,
            &ProviderCall::Commit(commit),
            "a commitment",
            ANSWER_DEADLINE,
        )
        .await
    }

    /// Sends the result file of a committed attempt, from where an earlier try stopped. Returns its BLAKE3 once the
    /// requestor has it for good. Dropping the future stops the transfer; a later one resumes.
    pub async fn upload(&self, job: JobId, attempt: AttemptId, file: &Path) -> Result<BlobId, NetworkError> {
        transfer::send(&self.connection, job, attempt, file).await
    }

    /// Reports an attempt that gave no result.
    pub async fn failed(&self, failure: Failure) -> Result<(), NetworkError> {
        let mut question = ProviderCall::Failed(failure);
        question.cut_words();
        let Heard = call::ask(&self.connection, &question, "a failure", ANSWER_DEADLINE).await?;
        Ok(())
    }

    /// Reports progress, and that this node lives. Not answered.
    pub async fn progress(&self, progress: Progress) -> Result<(), NetworkError> {
        let (node, what) = (self.requestor(), "a progress report");
        let telling = async {
            let mut send = self
                .connection
                .open_uni()
                .await
                .map_err(|source| NetworkError::ended(node, source))?;
            call::put(node, &mut send, &ProviderCall::Progress(progress), what).await?;
            let _ = send.finish();
            Ok(())
        };
        call::within(node, what, ANSWER_DEADLINE, telling).await
    }

    /// Ends the connection: this node works for the requestor no longer.
    pub fn close(&self) {
        CloseCode::Done.close(&self.connection, "");
    }

    /// Resolves when the connection has ended.
    pub async fn closed(&self) {
        self.connection.closed().await;
    }

    /// Whether the connection still stands.
    pub fn is_open(&self) -> bool {
        self.connection.close_reason().is_none()
    }

    #[cfg(test)]
    pub(crate) fn connection(&self) -> &Connection {
        &self.connection
    }
}
