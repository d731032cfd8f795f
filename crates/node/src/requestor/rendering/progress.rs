//! How far a job is: work verified, time to go, who did and earned what.

use crate::requestor::{ledger::Ledger, money::Earnings};
use rayswarm_api::job::ProviderShare;
use rayswarm_model::UnixMillis;
use rayswarm_scheduler::Farm;
use serde::{Deserialize, Serialize};

/// How far a job is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    /// Thousandths of the work done, what is under way counted in part.
    pub permille: u32,
    /// Seconds to go, at the speed of those who are there.
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

/// How far the farm is, and who did what in it.
pub(super) fn progress_of(farm: &Farm, ledger: &Ledger, now: UnixMillis) -> Progress {
    Progress {
        permille: farm.done_permille(),
        eta_s: farm.eta_ms(now).map(|span| span as f64 / 1e3),
        attempts: ledger.attempts(),
        tasks_verified: ledger.accepted.len() as u64,
        shares: ledger.shares(),
        earnings: ledger.earnings.clone(),
    }
}
