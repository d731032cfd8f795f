//! Takes finished results to the requestor: commit to the pixels first, then send the bytes, from where a broken
//! transfer stopped.

use super::{
    account::{Account, Committed, Debt},
    queue::{Queue, Rendered},
};
use crate::{pixels, requestor::refusal::chain, services::Services};
use rayswarm_model::{
    FailureKind, JobId, canonical,
    signed::{Receipt, Signed},
};
use rayswarm_network::{
    NetworkError,
    work::{Commit, CommitAnswer, Failure, ProviderLink},
};
use std::{sync::Arc, time::Duration};
use tokio::sync::{mpsc, watch};

/// How long to wait before trying again over a link that still stands.
const RETRY: Duration = Duration::from_millis(500);
/// Tries per result over standing links, before it is given up; broken links do not count.
const TRIES_MAX: u32 = 10;

/// The courier of one job.
pub struct Courier {
    /// What all roles share.
    pub services: Arc<Services>,
    /// The job.
    pub job: JobId,
    /// The connection to the requestor, the latest one.
    pub link: watch::Receiver<ProviderLink>,
    /// Told of each delivery.
    pub queue: Arc<Queue>,
    /// Where what the requestor owes is noted.
    pub account: Account,
}

impl Courier {
    /// Delivers results until no more come.
    pub async fn run(mut self, mut results: mpsc::Receiver<Rendered>) {
        while let Some(rendered) = results.recv().await {
            self.deliver(&rendered).await;
            self.queue.delivered(rendered.grant.attempt);
            if let Err(error) = tokio::fs::remove_file(&rendered.file).await {
                tracing::warn!(file = %rendered.file.display(), %error, "a delivered result cannot be removed");
            }
        }
    }

    async fn deliver(&mut self, rendered: &Rendered) {
        let (commit, signed) = match self.commitment(rendered).await {
            Ok(committed) => committed,
            Err(reason) => return self.report(rendered, reason).await,
        };
        let mut tries = 0;
        while tries < TRIES_MAX {
            let link = self.link.borrow_and_update().clone();
            let handing_over = self.hand_over(&link, rendered, commit.clone(), &signed);
            let traces = &self.services.traces;
            match traces
                .work(self.job, rendered.grant.attempt, "deliver", handing_over)
                .await
            {
                Ok(()) => return,
                Err(error) if link.is_open() => {
                    tries += 1;
                    tracing::warn!(attempt = %rendered.grant.attempt, %error, "a result could not be delivered; trying again");
                    tokio::time::sleep(RETRY).await;
                }
                // The requestor dials again when it can; until then the result is kept.
                Err(_) if self.link.changed().await.is_ok() => {}
                Err(_) => return,
            }
        }
        let given_up = format!("the result could not be delivered in {TRIES_MAX} tries");
        tracing::error!(attempt = %rendered.grant.attempt, "{given_up}");
        self.report(rendered, given_up).await;
    }

    async fn hand_over(
        &self,
        link: &ProviderLink,
        rendered: &Rendered,
        commit: Commit,
        signed: &Committed,
    ) -> Result<(), NetworkError> {
        match link.commit(commit).await? {
            CommitAnswer::Stored => {}
            CommitAnswer::Drop { reason } => {
                tracing::debug!(attempt = %rendered.grant.attempt, reason, "a result is not wanted");
                return Ok(());
            }
            CommitAnswer::Deliver => {
                self.noted(rendered, self.account.sending(&rendered.grant, signed));
                link.upload(self.job, rendered.grant.attempt, &rendered.file).await?;
            }
        }
        self.noted(rendered, self.account.delivered(&rendered.grant, signed));
        Ok(())
    }

    fn noted(&self, rendered: &Rendered, outcome: Result<(), Debt>) {
        if let Err(error) = outcome {
            // Before the next task the account is read, which will fail too.
            tracing::error!(attempt = %rendered.grant.attempt, error = %chain(&error), "a delivery cannot be noted");
        }
    }

    /// Decodes what the engine wrote and signs what it holds.
    async fn commitment(&self, rendered: &Rendered) -> Result<(Commit, Committed), String> {
        let (file, rect, tile) = (rendered.file.clone(), rendered.rect, rendered.grant.task.tile);
        let measured = tokio::task::spawn_blocking(move || pixels::measure_file(&file, rect, tile)).await;
        let measured = measured
            .map_err(|error| chain(&error))?
            .map_err(|error| chain(&error))?;
        let receipt = Receipt {
            job: self.job,
            task: rendered.grant.task.id,
            attempt: rendered.grant.attempt,
            provider: self.services.identity.account.address(),
            bytes_hash: measured.bytes_hash,
            pixel_commitment: measured.commitment,
            cpu: rendered.cpu,
        };
        let signed = Signed::sign(receipt, &self.services.domain, &self.services.identity.account);
        let receipt = canonical::encode("receipt", &signed).map_err(|error| chain(&error))?;
        let cells = canonical::encode("cells", &measured.cells).map_err(|error| chain(&error))?;
        let commit = Commit {
            job: self.job,
            attempt: rendered.grant.attempt,
            receipt: receipt.clone(),
            bytes: measured.bytes,
        };
        Ok((commit, Committed { receipt, cells }))
    }

    async fn report(&self, rendered: &Rendered, message: String) {
        let failure = Failure {
            job: self.job,
            attempt: rendered.grant.attempt,
            kind: FailureKind::Transient,
            message,
            log_tail: String::new(),
        };
        let link = self.link.borrow().clone();
        if let Err(error) = link.failed(failure).await {
            tracing::warn!(attempt = %rendered.grant.attempt, %error, "a failure could not be reported");
        }
    }
}
