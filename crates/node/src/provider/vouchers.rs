//! Vouchers a provider holds: checked, kept, and redeemed by itself when the requestor does not.

use crate::{
    journal::{HeldVoucher, Journal, JournalError, VoucherEnd},
    requestor::refusal::chain,
    services::Services,
};
use rayswarm_model::{
    Address, Amount, JobId, UnixMillis, canonical,
    signed::{Domain, SignatureError, SignedVoucher},
};
use rayswarm_settlement::{Job, JobState, Settlement, SettlementError};
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio_util::sync::CancellationToken;

/// A voucher is not kept.
#[derive(Debug, thiserror::Error)]
pub enum VoucherError {
    /// It does not read.
    #[error("the voucher does not read")]
    Unreadable(#[from] canonical::CanonicalError),
    /// It is for another job or account.
    #[error("the voucher pays {provider} for job {job}, which is not this work")]
    NotOurs {
        /// Whom it pays.
        provider: Address,
        /// For what.
        job: JobId,
    },
    /// It is not the requestor's.
    #[error("the voucher is not the requestor's")]
    Signature(#[from] SignatureError),
    /// It cannot be written down.
    #[error("the voucher cannot be written down")]
    Journal(#[from] JournalError),
}

/// How often the chain is asked about a voucher at most. A job whose exit window is shorter than two looks is not taken:
/// see [`EXIT_WINDOW_MIN`].
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The same at least; a longer exit window allows fewer looks, which cost something at a rented JSON-RPC.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(10);
/// Looks per exit window: one may come just too early, one may fail, and the payment must still get into a block.
const LOOKS_PER_WINDOW: u32 = 4;
/// The shortest exit window in which a voucher can be redeemed for certain.
pub const EXIT_WINDOW_MIN: Duration = LOOK_EVERY.saturating_mul(2);
/// How long before a job's deadline an unpaid voucher is redeemed.
const REDEEM_BEFORE: Duration = Duration::from_secs(600);
/// Time between two such payments: each costs a fee, and the voucher grows meanwhile.
const REDEEM_PAUSE: Duration = Duration::from_secs(60);
/// How long after its deadline a job that the chain does not know is believed to appear: the JSON-RPC may lag.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(3_600);

/// Checks a voucher for a job that this node accepted at some time, and keeps it.
pub fn keep(services: &Services, job: JobId, signed: &[u8]) -> Result<(), VoucherError> {
    let account = services.identity.account.address();
    keep_in(&services.journal, &services.domain, account, job, signed)
}

fn keep_in(
    journal: &Journal,
    domain: &Domain,
    account: Address,
    job: JobId,
    signed: &[u8],
) -> Result<(), VoucherError> {
    let signed_voucher: SignedVoucher = canonical::decode("voucher", signed)?;
    let voucher = signed_voucher.message;
    let not_ours = VoucherError::NotOurs {
        provider: voucher.provider,
        job: voucher.job,
    };
    let Some(worked) = journal.worked_job(job)? else {
        return Err(not_ours);
    };
    if voucher.provider != account || voucher.job != job {
        return Err(not_ours);
    }
    signed_voucher.signed_by(domain, worked.requestor)?;
    journal.save_voucher(&HeldVoucher {
        job,
        cumulative: voucher.cumulative,
        deadline: worked.deadline,
        voucher: signed.into(),
    })?;
    Ok(())
}

/// Watches the chain until `stop`; redeems what nobody else does.
pub async fn watch(services: Arc<Services>, stop: CancellationToken) {
    let account = services.identity.account.address();
    let mut watcher = Watcher::new(services.journal.clone(), services.settlement.clone(), account);
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        watcher.round(crate::clock::now()).await;
    }
}

/// Looks after the vouchers of one account.
struct Watcher {
    journal: Journal,
    settlement: Arc<Settlement>,
    account: Address,
    jobs: HashMap<JobId, Watched>,
}

/// What is remembered of a job between two looks.
#[derive(Default)]
struct Watched {
    next_look: Option<Instant>,
    redeemed: Option<Instant>,
    /// What went wrong last; said once.
    complaint: Option<String>,
}

/// What follows from a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// Nothing more can come of this voucher.
    End(VoucherEnd),
    /// It is well where it is.
    Wait,
    /// It must be turned into money now.
    Redeem,
}

impl Watcher {
    fn new(journal: Journal, settlement: Arc<Settlement>, account: Address) -> Self {
        Self {
            journal,
            settlement,
            account,
            jobs: HashMap::new(),
        }
    }

    /// Looks at every open voucher whose turn it is.
    async fn round(&mut self, now: UnixMillis) {
        let held = match self.journal.open_vouchers() {
            Ok(held) => held,
            Err(error) => {
                tracing::error!(error = %chain(&error), "vouchers cannot be read");
                return;
            }
        };
        self.jobs.retain(|job, _| held.iter().any(|held| held.job == *job));
        for voucher in held {
            let due = self.jobs.entry(voucher.job).or_default().next_look;
            if due.is_some_and(|due| Instant::now() < due) {
                continue;
            }
            let looked = self.look_after(&voucher, now).await;
            let watched = self.jobs.entry(voucher.job).or_default();
            let (pause, complaint) = match looked {
                Ok(pause) => (pause, None),
                Err(error) => (LOOK_EVERY, Some(chain(&error))),
            };
            watched.next_look = Some(Instant::now() + pause);
            if let Some(error) = complaint.as_ref().filter(|_| watched.complaint != complaint) {
                tracing::warn!(job = %voucher.job.short(), error, "a voucher was not settled; trying again");
            }
            watched.complaint = complaint;
        }
    }

    /// Does what a voucher needs; returns when to look again.
    async fn look_after(&mut self, held: &HeldVoucher, now: UnixMillis) -> Result<Duration, SettlementError> {
        let paid = self.settlement.paid_to(held.job, self.account).await?;
        let job = self.settlement.job(held.job).await?;
        let redeemed = self.jobs.get(&held.job).and_then(|watched| watched.redeemed);
        let rests = redeemed.is_some_and(|redeemed| redeemed.elapsed() < REDEEM_PAUSE);
        match next_step(held, paid, &job, now, rests) {
            Step::End(end) => self.end(held, paid, end),
            Step::Wait => {}
            Step::Redeem => self.redeem(held).await?,
        }
        Ok((job.exit_window / LOOKS_PER_WINDOW).clamp(LOOK_EVERY, LOOK_EVERY_MAX))
    }

    /// Whether it was paid shows at the next look.
    async fn redeem(&mut self, held: &HeldVoucher) -> Result<(), SettlementError> {
        let Ok(voucher) = canonical::decode::<SignedVoucher>("voucher", &held.voucher) else {
            return Ok(());
        };
        let redeemed = self.settlement.redeem(held.job, &[voucher]).await?;
        tracing::info!(job = %held.job.short(), paid = %redeemed.paid, "redeemed a voucher");
        for short in &redeemed.unpaid {
            tracing::warn!(job = %held.job.short(), missing = %short.amount, "the escrow cannot pay a voucher in full");
        }
        self.jobs.entry(held.job).or_default().redeemed = Some(Instant::now());
        Ok(())
    }

    fn end(&self, held: &HeldVoucher, paid: Amount, end: VoucherEnd) {
        let (job, worth) = (held.job.short(), held.cumulative);
        match end {
            VoucherEnd::Paid => tracing::debug!(%job, %worth, "a voucher is paid"),
            VoucherEnd::Lost => tracing::error!(%job, %worth, %paid, "a voucher is lost: the escrow is empty or gone"),
        }
        if let Err(error) = self.journal.end_voucher(held.job, end) {
            tracing::error!(error = %chain(&error), "the end of a voucher cannot be noted");
        }
    }
}

fn next_step(held: &HeldVoucher, paid: Amount, job: &Job, now: UnixMillis, rests: bool) -> Step {
    if paid >= held.cumulative {
        return Step::End(VoucherEnd::Paid);
    }
    let overdue = now >= held.deadline;
    match job.state {
        JobState::Refunded => Step::End(VoucherEnd::Lost),
        JobState::None if now >= held.deadline.after(UNKNOWN_PATIENCE) => Step::End(VoucherEnd::Lost),
        JobState::None => Step::Wait,
        JobState::Open | JobState::Closed if job.locked == Amount::ZERO => Step::Wait,
        JobState::Closed => Step::Redeem,
        JobState::Open if overdue => Step::Redeem,
        JobState::Open if now.after(REDEEM_BEFORE) >= held.deadline && !rests => Step::Redeem,
        JobState::Open => Step::Wait,
    }
}

#[cfg(test)]
mod tests;
