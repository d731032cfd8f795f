//! How far a job is: work verified, time to go, who did and earned what.

use crate::requestor::{ledger::Ledger, money::Earnings};
use rayswarm_api::job::ProviderShare;
use rayswarm_model::{Plan, Work};
use std::time::Duration;

/// How far a job is.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// Thousandths of the work verified.
    pub permille: u32,
    /// Seconds to go.
    pub eta_s: Option<f64>,
    /// Attempts made.
    pub attempts: u64,
    /// Tasks verified.
    pub tasks_verified: u64,
    /// Who did what.
    pub shares: Vec<ProviderShare>,
    /// Who earned what.
    pub earnings: Earnings,
}

/// Work of the plan and of what is verified.
pub(super) struct WorkDone {
    total: Work,
    pub(super) verified: Work,
}

impl WorkDone {
    pub(super) fn of(plan: &Plan, ledger: &Ledger) -> Self {
        let verified = ledger
            .accepted
            .keys()
            .filter_map(|task| plan.task(*task))
            .map(|task| task.work)
            .sum();
        Self {
            total: plan.total_work(),
            verified,
        }
    }

    fn permille(&self) -> u32 {
        let share = u128::from(self.verified.milli_wu) * 1000 / u128::from(self.total.milli_wu.max(1));
        u32::try_from(share).unwrap_or(1000)
    }
}

pub(super) fn progress_of(ledger: &Ledger, work: &WorkDone, running: Option<Duration>) -> Progress {
    let permille = work.permille();
    // Below two per cent the start-up still dominates.
    let eta_s = running
        .filter(|_| permille > 20)
        .map(|running| running.as_secs_f64() * f64::from(1000 - permille.min(1000)) / f64::from(permille));
    Progress {
        permille,
        eta_s,
        attempts: ledger.attempts(),
        tasks_verified: ledger.accepted.len() as u64,
        shares: ledger.shares(),
        earnings: ledger.earnings.clone(),
    }
}
