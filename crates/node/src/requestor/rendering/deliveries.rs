//! Results on their way in: commitments, delivered bytes, and whose fault it is when one does not count.

use super::{Background, Rendering};
use crate::{
    journal::StoredResult,
    pixels::{self, PixelsError},
    requestor::{
        checking::{self, Awaited, CheckError},
        evidence::{Evidence, EvidenceError, Exhibit},
        refusal::{chain, failed},
    },
};
use rayswarm_model::{AttemptId, Bytes, FailureKind, NodeId, canonical, signed::SignedReceipt};
use rayswarm_network::{
    Delivery, NetworkError, Reply,
    work::{Commit, CommitAnswer, REASON_BYTES_MAX},
};
use rayswarm_scheduler::{Event, ReceiptSummary};
use std::path::{Path, PathBuf};

/// Results in a row that could not be stored before the job ends: a few seconds of trying again.
const UNSTORED_IN_ROW_MAX: u32 = 5;

/// Whose fault it is that a delivered result does not count. Only a provider's own is held against it.
pub(super) enum Fault {
    /// This machine's: its disk, its journal.
    Ours(String),
    /// The provider's: it sent something else than it committed to.
    Theirs(String),
}

impl From<CheckError> for Fault {
    fn from(error: CheckError) -> Self {
        match error {
            CheckError::Pixels(PixelsError::File { .. }) => Self::Ours(chain(&error)),
            _ => Self::Theirs(chain(&error)),
        }
    }
}

impl Rendering<'_> {
    /// A provider has rendered and commits. Only the one that was granted the attempt is heard, and once it has signed a
    /// receipt no other counts.
    pub(super) fn committed(&mut self, from: NodeId, commit: &Commit, reply: Reply<CommitAnswer>) {
        let attempt = commit.attempt;
        let Some(granted) = self.ledger.granted_to(attempt, from) else {
            let _ = reply.send(CommitAnswer::Drop {
                reason: "this attempt was never granted to this node".into(),
            });
            return;
        };
        if self.stored.contains(&attempt) {
            let _ = reply.send(CommitAnswer::Stored);
            return;
        }
        let Some(account) = self.offers.get(&from).map(|offer| offer.account) else {
            // After a restart here its new acceptance is still on its way. Unanswered, it commits again.
            return;
        };
        let awaited = Awaited {
            plan: &self.plan,
            granted,
            account,
            job: self.job.record.id,
            domain: &self.services.domain,
            receipt: self.receipts.get(&attempt),
            channels: self.channels.as_ref(),
        };
        match awaited.admit(&commit.receipt, Bytes(commit.bytes)) {
            Ok(signed) => self.admitted(from, commit, signed, reply),
            Err(error) => {
                let message = chain(&error);
                let reason = message[..message.floor_char_boundary(REASON_BYTES_MAX)].into();
                let _ = reply.send(CommitAnswer::Drop { reason });
                self.not_accepted(from, attempt, message);
            }
        }
    }

    fn admitted(&mut self, from: NodeId, commit: &Commit, signed: SignedReceipt, reply: Reply<CommitAnswer>) {
        let attempt = commit.attempt;
        let receipt = ReceiptSummary {
            cpu: signed.message.cpu,
            bytes: Bytes(commit.bytes),
        };
        self.receipts.insert(attempt, signed);
        self.commits.insert(attempt, reply);
        self.apply(Event::Committed {
            node: from,
            attempt,
            receipt,
        });
        // A repeated commitment changes nothing in the farm; the bytes are still wanted.
        self.answer_commit(attempt, CommitAnswer::Deliver);
    }

    pub(super) fn delivered(&mut self, node: NodeId, attempt: AttemptId, delivery: Delivery, reply: Reply<()>) {
        let granted = self.ledger.granted_to(attempt, node);
        let task = granted.and_then(|granted| checking::task_of(&self.plan, &granted.grant));
        let account = self.offers.get(&node).map(|offer| offer.account);
        let (Some(task), Some(receipt), Some(account)) = (task, self.receipts.get(&attempt).copied(), account) else {
            let _ = reply.send(());
            return;
        };
        let target = pixels::result_file(&self.job.folder(), attempt);
        let held = checking::held(&self.plan, &task);
        let (domain, channels, background) = (self.services.domain, self.channels.clone(), self.background.clone());
        self.services.tracker.spawn(async move {
            let path = delivery.path.clone();
            let checking = move || {
                let known = channels.as_ref();
                checking::check_delivery(&path, held, &task, &receipt, account, &domain, known).map_err(Fault::from)?;
                std::fs::rename(&path, &target)
                    .map_err(|error| Fault::Ours(format!("{} cannot be written: {error}", target.display())))
            };
            let outcome = tokio::task::spawn_blocking(checking)
                .await
                .unwrap_or_else(|error| Err(Fault::Ours(chain(&error))));
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
        outcome: Result<(), Fault>,
    ) {
        let stored = outcome.and_then(|()| self.note_result(node, attempt).map_err(Fault::Ours));
        match stored {
            Ok(()) => {
                self.unstored_in_row = 0;
                self.stored.insert(attempt);
                self.apply(Event::Delivered { node, attempt });
            }
            Err(fault) => {
                match fault {
                    Fault::Ours(reason) => self.cannot_store(&reason),
                    Fault::Theirs(message) => {
                        self.keep_delivery(attempt, &delivery.path, &message);
                        self.not_accepted(node, attempt, message);
                    }
                }
                // Whether moved or not, it is of no use here.
                let _ = std::fs::remove_file(&delivery.path);
            }
        }
    }

    /// A delivery that is not what its provider signed speaks for itself.
    fn keep_delivery(&mut self, attempt: AttemptId, picture: &Path, reason: &str) {
        let receipt = self.receipts.get(&attempt);
        let kept = Evidence::of(&self.job.folder()).keep_delivery(attempt, Exhibit { picture, receipt }, reason);
        self.tell_evidence(attempt, &kept);
    }

    pub(super) fn tell_evidence(&mut self, attempt: AttemptId, kept: &Result<PathBuf, EvidenceError>) {
        self.job.say(match kept {
            Ok(folder) => format!("evidence against {attempt} is in {}", folder.display()),
            Err(error) => format!("evidence against {attempt} was not kept: {}", chain(error)),
        });
    }

    fn not_accepted(&mut self, node: NodeId, attempt: AttemptId, message: String) {
        self.job.say(format!(
            "the result {attempt} of {} is not accepted: {message}",
            node.short()
        ));
        self.apply(Event::Failed {
            node,
            attempt,
            kind: FailureKind::Malicious,
            message,
        });
    }

    /// A full disk may have room again in a moment; the provider sends the result again meanwhile.
    pub(super) fn not_stored(&mut self, attempt: AttemptId, error: &NetworkError) {
        let reason = chain(error);
        self.job.say(format!("the result {attempt} cannot be stored: {reason}"));
        self.unstored_in_row += 1;
        if self.unstored_in_row >= UNSTORED_IN_ROW_MAX {
            self.cannot_store(&reason);
        }
    }

    /// Where results cannot be kept there is no use in rendering: the job ends, and what is verified is paid.
    fn cannot_store(&mut self, reason: &str) {
        let detail = format!(
            "results cannot be stored here: {reason}; free space in the data folder, then `rayswarm jobs retry`"
        );
        self.end = Some(Err(failed("disk", detail)));
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

#[cfg(test)]
mod tests;
