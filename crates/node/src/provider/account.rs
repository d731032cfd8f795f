//! What a requestor owes this node for one job: results delivered and not vouched for. It is bounded, so that a requestor
//! that never vouches cannot take work without end, and written down, so that starting over does not clear it.

use super::pace::Pace;
use crate::journal::{Delivered, DeliveredState, Journal, JournalError, WorkedJob};
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
    /// Verified tasks without a voucher, after which no more work is done.
    unpaid_tasks: u64,
    /// All that the escrow got, when it was last looked at.
    deposited: Amount,
}

/// What was signed for a result, encoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Committed {
    /// The receipt.
    pub receipt: Vec<u8>,
    /// The hashes of the picture's cells, which its commitment is made of.
    pub cells: Vec<u8>,
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
    /// It verifies and does not vouch.
    #[error("{tasks} verified tasks are not vouched for; after {allowed} no more work is done")]
    Unvouched {
        /// How many.
        tasks: u64,
        /// How many may be.
        allowed: u64,
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
    /// The account of an invitation whose escrow got `deposited`. What was delivered before counts. Work ends at
    /// `unpaid_tasks` verified tasks without a voucher.
    pub fn new(journal: Journal, invite: &JobInvite, deposited: Amount, pace: Pace, unpaid_tasks: u64) -> Self {
        Self {
            journal,
            job: invite.job,
            price: invite.price,
            credit: invite.price.of_floor(pace.work_in(CREDIT)),
            unpaid_tasks,
            deposited,
        }
    }

    /// Tasks were granted.
    pub fn granted(&self, tasks: &[TaskGrant]) -> Result<(), Debt> {
        let worth = tasks.iter().map(|grant| self.worth(grant)).max();
        self.journal.note_dearest(self.job, worth.unwrap_or_default())?;
        self.check()
    }

    /// A result is about to be sent to the requestor, who has its signed receipt and may judge it before this node hears
    /// that it has arrived.
    pub fn sending(&self, grant: &TaskGrant, signed: &Committed) -> Result<(), Debt> {
        self.note(grant, signed, DeliveredState::OnItsWay)
    }

    /// A result is with the requestor, who has its signed receipt.
    pub fn delivered(&self, grant: &TaskGrant, signed: &Committed) -> Result<(), Debt> {
        self.note(grant, signed, DeliveredState::Unjudged)?;
        Ok(self.journal.add_delivered(self.job, self.worth(grant))?)
    }

    fn note(&self, grant: &TaskGrant, signed: &Committed, state: DeliveredState) -> Result<(), Debt> {
        let result = Delivered {
            attempt: grant.attempt,
            task: grant.task.id,
            worth: self.worth(grant),
            work: grant.task.work,
            tile: grant.task.tile,
            receipt: signed.receipt.clone(),
            state,
        };
        Ok(self.journal.save_delivered(self.job, &result, &signed.cells)?)
    }

    fn worth(&self, grant: &TaskGrant) -> Amount {
        self.price.of_floor(grant.task.work)
    }

    /// Whether the next task may be worked on.
    pub fn check(&self) -> Result<(), Debt> {
        let Some(worked) = self.journal.worked_job(self.job)? else {
            return Ok(());
        };
        let vouchered = self.journal.vouchered(self.job)?;
        let verified = self.journal.verified_worth(self.job)?;
        let unpaid = unpaid_tasks(&verified, vouchered);
        if unpaid >= self.unpaid_tasks {
            return Err(Debt::Unvouched {
                tasks: unpaid,
                allowed: self.unpaid_tasks,
            });
        }
        // A voucher beyond the cap in force is only a promise.
        let secured = worked.secured.map_or(vouchered, |secured| vouchered.min(secured));
        judge(&worked, secured, self.credit, self.deposited)
    }
}

/// How many of the verified tasks the voucher does not pay; the dearest are counted first, so never too many.
fn unpaid_tasks(verified: &[Amount], vouchered: Amount) -> u64 {
    let mut owed: Amount = verified.iter().copied().sum();
    let mut worth = verified.to_vec();
    worth.sort_unstable();
    let mut tasks = 0;
    while owed > vouchered
        && let Some(dearest) = worth.pop()
    {
        owed = owed.checked_minus(dearest).unwrap_or_default();
        tasks += 1;
    }
    tasks
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

    #[test]
    fn verified_tasks_that_no_voucher_pays_are_counted() {
        let worth = [Amount(10), Amount(10), Amount(30), Amount(10)];
        for (vouchered, expected) in [(60, 0), (70, 0), (59, 1), (50, 1), (30, 1), (29, 2), (10, 3), (0, 4)] {
            assert_eq!(unpaid_tasks(&worth, Amount(vouchered)), expected, "{vouchered}");
        }
        assert_eq!(
            unpaid_tasks(&[Amount::ZERO; 9], Amount::ZERO),
            0,
            "free work owes nothing"
        );
    }

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
                node: None,
                deadline: UnixMillis(0),
                delivered: Amount(delivered),
                dearest: Amount(dearest),
                height: 0,
                secured: None,
            };
            let judged = judge(&worked, Amount(vouchered), Amount(credit), Amount(deposited));
            let found = match &judged {
                Ok(()) => "ok",
                Err(Debt::Unpaid { .. }) => "unpaid",
                Err(Debt::Uncovered { .. }) => "uncovered",
                Err(Debt::Unvouched { .. }) => "unvouched",
                Err(Debt::Journal(_)) => "journal",
            };
            assert_eq!(
                found, expected,
                "{worked:?} {vouchered} {credit} {deposited}: {judged:?}"
            );
        }
    }
}
