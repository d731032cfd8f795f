//! What a requestor owes this node for one job: results delivered and not vouched for. It is bounded, so that a requestor
//! that never vouches cannot take work without end, and written down, so that starting over does not clear it.

use super::pace::Pace;
use crate::journal::{Journal, JournalError, WorkedJob};
use rayswarm_model::{Amount, JobId, WorkPrice};
use rayswarm_network::work::{JobInvite, TaskGrant};
use std::time::Duration;

/// Work done on credit at most: twice the ten minutes that an honest requestor lets a result wait for its audit.
const CREDIT: Duration = Duration::from_secs(1_200);
/// Dear tasks delivered on credit at least: a few wait for their audits while the next ones are rendered.
const CREDIT_TASKS: u32 = 4;
/// One part in so many of what was delivered may stay unpaid for good: copies that came second, audits that nobody needed.
const UNPAID_PART: u128 = 20;

/// One job's account.
#[derive(Clone)]
pub struct Account {
    journal: Journal,
    job: JobId,
    price: WorkPrice,
    credit: Amount,
    /// All that the escrow got, when it was last looked at.
    deposited: Amount,
}

/// Why no more work is done for a requestor.
#[derive(Debug, thiserror::Error)]
pub enum Debt {
    /// Its vouchers lag behind.
    #[error(
        "results worth {delivered} were delivered and vouchers for {vouchered} came; at most {allowed} is worked on credit"
    )]
    Unpaid {
        /// Worth of the results delivered.
        delivered: Amount,
        /// Worth of the vouchers held.
        vouchered: Amount,
        /// What the difference may be.
        allowed: Amount,
    },
    /// It grants what it could never pay.
    #[error("a task worth {task} was granted, and the job's escrow got {deposited} in all")]
    Uncovered {
        /// Worth of the dearest task.
        task: Amount,
        /// What the escrow got.
        deposited: Amount,
    },
    /// What is owed cannot be told.
    #[error("what the requestor owes cannot be read or written down")]
    Journal(#[from] JournalError),
}

impl Account {
    /// The account of an invitation whose escrow got `deposited`. What was delivered before counts.
    pub fn new(journal: Journal, invite: &JobInvite, deposited: Amount, pace: Pace) -> Self {
        Self {
            journal,
            job: invite.job,
            price: invite.price,
            credit: invite.price.of_floor(pace.work_in(CREDIT)),
            deposited,
        }
    }

    /// Tasks were granted.
    pub fn granted(&self, tasks: &[TaskGrant]) -> Result<(), Debt> {
        let worth = tasks.iter().map(|grant| self.price.of_floor(grant.task.work)).max();
        self.journal.note_dearest(self.job, worth.unwrap_or_default())?;
        self.check()
    }

    /// A result is with the requestor.
    pub fn delivered(&self, grant: &TaskGrant) -> Result<(), Debt> {
        let worth = self.price.of_floor(grant.task.work);
        Ok(self.journal.add_delivered(self.job, worth)?)
    }

    /// Whether the next task may be worked on.
    pub fn check(&self) -> Result<(), Debt> {
        let Some(worked) = self.journal.worked_job(self.job)? else {
            return Ok(());
        };
        let vouchered = self.journal.vouchered(self.job)?;
        judge(&worked, vouchered, self.credit, self.deposited)
    }
}

fn judge(worked: &WorkedJob, vouchered: Amount, credit: Amount, deposited: Amount) -> Result<(), Debt> {
    let WorkedJob { delivered, dearest, .. } = *worked;
    if dearest > deposited {
        return Err(Debt::Uncovered {
            task: dearest,
            deposited,
        });
    }
    let left = deposited.checked_minus(vouchered).unwrap_or_default();
    let tasks = Amount(dearest.0.saturating_mul(CREDIT_TASKS.into()));
    let leak = Amount(delivered.0 / UNPAID_PART);
    let allowed = [credit.min(left).max(tasks), leak].into_iter().sum();
    let owed = delivered.checked_minus(vouchered).unwrap_or_default();
    if owed > allowed {
        return Err(Debt::Unpaid {
            delivered,
            vouchered,
            allowed,
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayswarm_model::{Address, UnixMillis};

    /// What is delivered, the dearest task, vouchers, credit, deposit; and what follows.
    #[test]
    fn work_goes_on_while_the_debt_is_small_and_covered() {
        for (delivered, dearest, vouchered, credit, deposited, expected) in [
            (0, 0, 0, 0, 0, "ok"), // nothing is paid on this farm
            (0, 0, 0, 100, 1_000, "ok"),
            (100, 1, 0, 100, 1_000, "ok"),
            (106, 1, 0, 100, 1_000, "unpaid"),
            (1_000, 1, 900, 100, 1_000, "ok"),
            // Four dear tasks, though each is longer than the credit.
            (240, 60, 0, 50, 1_000, "ok"),
            (300, 60, 0, 50, 1_000, "unpaid"),
            // The escrow holds less than the credit.
            (63, 1, 0, 100, 60, "ok"),
            (64, 1, 0, 100, 60, "unpaid"),
            (60, 1, 10, 100, 60, "ok"),
            (66, 1, 10, 100, 60, "unpaid"),
            (0, 61, 0, 100, 60, "uncovered"),
            // Over the years of a long job a little is never paid.
            (1_000_000, 1, 960_000, 100, 2_000_000, "ok"),
            (1_000_000, 1, 940_000, 100, 2_000_000, "unpaid"),
            // A voucher for more than was delivered is no debt.
            (10, 1, 20, 0, 1_000, "ok"),
        ] {
            let worked = WorkedJob {
                requestor: Address::ZERO,
                deadline: UnixMillis(0),
                delivered: Amount(delivered),
                dearest: Amount(dearest),
            };
            let judged = judge(&worked, Amount(vouchered), Amount(credit), Amount(deposited));
            let found = match &judged {
                Ok(()) => "ok",
                Err(Debt::Unpaid { .. }) => "unpaid",
                Err(Debt::Uncovered { .. }) => "uncovered",
                Err(Debt::Journal(_)) => "journal",
            };
            assert_eq!(
                found, expected,
                "{worked:?} {vouchered} {credit} {deposited}: {judged:?}"
            );
        }
    }
}
