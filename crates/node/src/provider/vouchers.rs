//! What a provider is owed: vouchers and caps checked and kept, redeemed by itself when the requestor does not, and claimed
//! when the requestor is silent or pays less than was earned.
//!
//! | module | holds |
//! |---|---|
//! | [`step`] | what follows from a look at the chain |
//! | [`keeping`] | vouchers and caps checked and kept |
//! | [`asking`] | the requestor asked before anything is claimed |

mod asking;
mod keeping;
mod step;

pub use keeping::{CapsRefusal, VoucherError, keep, keep_caps};

use super::claimed::{Claimed, Standing};
use crate::{
    journal::{Journal, JournalError, OwingJob, Quarrel, QuarrelRole, VoucherEnd},
    requestor::refusal::chain,
    rounds::{Rounds, SaidOnce},
    services::Services,
};
use rayswarm_model::{Address, Allocation, Amount, B256, Caps, JobId, UnixMillis, canonical, signed::SignedVoucher};
use rayswarm_network::Network;
use rayswarm_settlement::{ClaimState, Epochs, Job, JobState, Settlement, SettlementError};
use rayswarm_verifier::claim::commitment_of;
use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};
use step::{Seen, Step, next_step};

/// How often the chain is asked about a job at most. A job whose exit window is shorter than two looks is not taken:
/// see [`EXIT_WINDOW_MIN`].
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// The same at least; longer windows allow fewer looks, which cost something at a rented JSON-RPC.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(10);
/// Looks per window: one may come just too early, one may fail, and the payment must still get into a block.
const LOOKS_PER_WINDOW: u32 = 4;
/// The shortest exit window and notice in which a voucher can be redeemed for certain, on a development chain.
pub const EXIT_WINDOW_MIN: Duration = LOOK_EVERY.saturating_mul(2);
/// The same on any other chain: five blocks of twelve seconds, some of which may be full.
pub const EXIT_WINDOW_MIN_ELSEWHERE: Duration = Duration::from_secs(60);
/// Time between two such payments: each costs a fee, and the voucher grows meanwhile.
const REDEEM_PAUSE: Duration = Duration::from_secs(60);

/// Watches the chain until the node stops; redeems and claims what nobody else pays.
pub async fn watch(services: Arc<Services>) {
    let account = services.identity.account.address();
    let mut watcher = Watcher {
        network: services.network.clone(),
        journal: services.journal.clone(),
        settlement: services.settlement.clone(),
        account,
        court: services.court,
        jobs: HashMap::new(),
    };
    let mut rounds = Rounds::every(&services, LOOK_EVERY);
    while rounds.next().await {
        // A payment that is broken off is written down; the next life goes on with it.
        rounds.work(watcher.round(crate::clock::now())).await;
    }
}

/// Looks after what one account is owed.
struct Watcher {
    network: Network,
    journal: Journal,
    settlement: Arc<Settlement>,
    account: Address,
    court: B256,
    jobs: HashMap<JobId, Watched>,
}

/// What is remembered of a job between two looks.
#[derive(Default)]
struct Watched {
    next_look: Option<Instant>,
    redeemed: Option<Instant>,
    /// A claim was found bad: nothing more can be claimed.
    barred: bool,
    /// In which state of the escrow the requestor was asked what it does not need.
    asked_in: Option<JobState>,
    said: SaidOnce,
    /// Looks in a row that went wrong.
    failures: u32,
}

/// What a look at the chain has shown of a job.
struct Look {
    job: Job,
    epochs: Epochs,
    seen: Seen,
}

/// A look or what followed from it failed.
#[derive(Debug, thiserror::Error)]
enum WatchError {
    #[error(transparent)]
    Settlement(#[from] SettlementError),
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error(transparent)]
    Encoding(#[from] canonical::CanonicalError),
    #[error("the requestor has not sent the caps in force, so nothing can be redeemed yet")]
    CapsMissing,
    #[error("what the settlement paid cannot be read from its transaction")]
    SharesMissing,
}

impl Watcher {
    /// Looks at every job whose turn it is, then does what they need: first where the escrow may be emptied first.
    async fn round(&mut self, now: UnixMillis) {
        let owing = match self.journal.owing_jobs() {
            Ok(owing) => owing,
            Err(error) => {
                tracing::error!(error = %chain(&error), "what is owed cannot be read");
                return;
            }
        };
        self.jobs.retain(|job, _| owing.iter().any(|owing| owing.job == *job));
        let mut looks = Vec::new();
        for owing in owing {
            let due = self.jobs.entry(owing.job).or_default().next_look;
            if due.is_some_and(|due| Instant::now() < due) {
                continue;
            }
            match self.look(&self.settlement, &owing, now).await {
                Ok(look) => looks.push((owing, look)),
                Err(error) => self.plan(owing.job, Err(error)),
            }
        }
        looks.sort_by_key(|(_, look)| look.job.refundable_at);
        for (owing, look) in looks {
            let pause = match self.heard(&owing, look, now).await {
                Ok(look) => self.act(&owing, &look, now).await,
                Err(error) => Err(error),
            };
            self.plan(owing.job, pause);
        }
    }

    /// Plans the next look at a job; after an error later and later, as one that lasts is not hurried.
    fn plan(&mut self, job: JobId, pause: Result<Duration, WatchError>) {
        let watched = self.jobs.entry(job).or_default();
        if let Some(error) = watched.said.hear(&pause) {
            tracing::warn!(job = %job.short(), error, "what is owed was not settled; trying again");
        }
        let pause = if let Ok(pause) = pause {
            watched.failures = 0;
            pause
        } else {
            let doubled = LOOK_EVERY.saturating_mul(2u32.saturating_pow(watched.failures));
            watched.failures = watched.failures.saturating_add(1);
            doubled.min(LOOK_EVERY_MAX)
        };
        watched.next_look = Some(Instant::now() + pause);
    }

    /// Reads what the chain has of a job, as `settlement` sees it.
    async fn look(&self, settlement: &Settlement, owing: &OwingJob, now: UnixMillis) -> Result<Look, WatchError> {
        let job = settlement.job(owing.job).await?;
        let epochs = settlement.epochs(owing.job).await?;
        let used = settlement.used_of(owing.job, self.account).await?;
        let paid = self.paid(settlement, owing, &job, now).await?;
        let left = self.cap_of(owing.job, &epochs)?.checked_minus(used).unwrap_or_default();
        let next = epochs.pending.map(|pending| {
            Ok::<_, WatchError>(step::Next {
                cap: self
                    .known_caps(owing.job, pending.caps)?
                    .map(|caps| caps.of(self.account)),
                force_at: pending.force_at,
            })
        });
        let barred = self.jobs.get(&owing.job).is_some_and(|watched| watched.barred);
        let seen = Seen {
            paid,
            secured: [paid, left.min(job.free())].into_iter().sum(),
            next: next.transpose()?,
            claim: settlement.claim_of(owing.job, self.account).await?,
            earned: if barred {
                Amount::ZERO
            } else {
                self.earned(owing, &job, &epochs, paid)?
            },
        };
        Ok(Look { job, epochs, seen })
    }

    /// Does what a job needs; returns when to look again.
    async fn act(&mut self, owing: &OwingJob, look: &Look, now: UnixMillis) -> Result<Duration, WatchError> {
        let Look { job, epochs, seen } = look;
        self.journal.note_secured(owing.job, seen.secured)?;
        let waiting = epochs.pending.map_or(B256::ZERO, |pending| pending.caps);
        self.journal.note_shown_caps(owing.job, [epochs.caps, waiting])?;
        if settled_for_less(owing, look, now) {
            self.record_settlement(owing).await?;
            return Ok(LOOK_EVERY);
        }
        let rests = self.rests(owing.job);
        if seen.claim.is_some_and(|claim| claim.state == ClaimState::Disputed) {
            self.note_quarrel(owing.job).await?;
        }
        match next_step(owing, seen, job, now, rests) {
            Step::End(end) if self.stays(owing, end, now).await? => self.end(owing, seen.paid, end),
            Step::End(_) => return Ok(LOOK_EVERY_MAX),
            Step::Wait => {}
            Step::Redeem => {
                let redeemed = self.redeem(owing, epochs).await;
                self.done(owing, redeemed).await?;
            }
            Step::Claim => {
                let claimed = self.claim(owing, look).await;
                self.done(owing, claimed).await?;
            }
            Step::PayClaim => {
                let paid = self.settlement.pay_claim(owing.job, self.account).await?;
                tracing::info!(job = %owing.job.short(), tx = ?paid.map(|mined| mined.tx), "a claim was paid");
            }
        }
        Ok(pause_of(job))
    }

    /// Whether a voucher was redeemed a moment ago.
    fn rests(&self, job: JobId) -> bool {
        let redeemed = self.jobs.get(&job).and_then(|watched| watched.redeemed);
        redeemed.is_some_and(|redeemed| redeemed.elapsed() < REDEEM_PAUSE)
    }

    /// The look at a job after its requestor was asked, if it comes to a claim otherwise: asked once while the job is open and
    /// once when it is closed.
    async fn heard(&mut self, owing: &OwingJob, look: Look, now: UnixMillis) -> Result<Look, WatchError> {
        let Look { job, seen, .. } = &look;
        let left_out = job.state == JobState::Closed && seen.earned > owing.vouchered.max(seen.paid);
        let claims = left_out || next_step(owing, seen, job, now, self.rests(owing.job)) == Step::Claim;
        let watched = self.jobs.entry(owing.job).or_default();
        if !claims || watched.asked_in.replace(job.state) == Some(job.state) {
            return Ok(look);
        }
        asking::ask(&self.network, &self.journal, owing.job, pause_of(job)).await?;
        self.look(&self.settlement, owing, now).await
    }

    /// Answers what the contract says against a payment or a claim, where there is an answer.
    async fn done(&mut self, owing: &OwingJob, outcome: Result<(), WatchError>) -> Result<(), WatchError> {
        match outcome {
            Err(WatchError::Settlement(SettlementError::Reverted { revert, .. })) if revert.is_claim_barred() => {
                self.jobs.entry(owing.job).or_default().barred = true;
                Ok(())
            }
            Err(WatchError::Settlement(SettlementError::Reverted { revert, .. }))
                if revert.is_payment_not_recorded() =>
            {
                self.record_settlement(owing).await
            }
            outcome => outcome,
        }
    }

    /// Whether the chain cannot take back what a look has shown to be the end.
    async fn stays(&self, owing: &OwingJob, end: VoucherEnd, now: UnixMillis) -> Result<bool, WatchError> {
        let looked = match self.settlement.at_finalized().await {
            Ok(settled) => self.look(&settled, owing, now).await,
            Err(error) => Err(error.into()),
        };
        match looked {
            Ok(Look { job, .. }) if job.state == JobState::None => Ok(end == VoucherEnd::Lost),
            Ok(Look { job, seen, .. }) => Ok(next_step(owing, &seen, &job, now, true) == Step::End(end)),
            // The block that stays is older than the contracts, or the server has forgotten its state.
            Err(WatchError::Settlement(
                SettlementError::Nonsense { .. } | SettlementError::Reverted { .. } | SettlementError::Refused { .. },
            )) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What was paid, a cooperative settlement that is not recorded included.
    async fn paid(
        &self,
        settlement: &Settlement,
        owing: &OwingJob,
        job: &Job,
        now: UnixMillis,
    ) -> Result<Amount, WatchError> {
        let paid = settlement.paid_to(owing.job, self.account).await?;
        if job.settlement_hash.is_zero() || paid > Amount::ZERO {
            return Ok(paid);
        }
        let given_up = job.state == JobState::Refunded || now >= job.refundable_at.after(step::PATIENCE);
        match self.settlement.settled_shares(owing.job, owing.height).await? {
            Some(settled) => Ok(settled.paid_to(self.account)),
            None if given_up => Ok(paid),
            None => Err(WatchError::SharesMissing),
        }
    }

    /// What this account could claim in all.
    fn earned(&self, owing: &OwingJob, job: &Job, epochs: &Epochs, paid: Amount) -> Result<Amount, WatchError> {
        let standing = standing(owing, job, epochs, paid);
        Ok(Claimed::worth_of(&self.journal.delivered(owing.job)?, standing))
    }

    fn cap_of(&self, job: JobId, epochs: &Epochs) -> Result<Amount, WatchError> {
        let caps = self.known_caps(job, epochs.caps)?;
        Ok(caps.map_or(Amount::ZERO, |caps| caps.of(self.account)))
    }

    fn known_caps(&self, job: JobId, seal: B256) -> Result<Option<Caps>, WatchError> {
        let document = self.journal.caps(job, seal)?;
        let allocation = document.and_then(|document| canonical::decode::<Allocation>("allocation", &document).ok());
        Ok(allocation.and_then(|allocation| allocation.caps().ok()))
    }

    /// Whether it was paid shows at the next look.
    async fn redeem(&mut self, owing: &OwingJob, epochs: &Epochs) -> Result<(), WatchError> {
        let voucher = owing.voucher.as_deref().unwrap_or_default();
        let Ok(voucher) = canonical::decode::<SignedVoucher>("voucher", voucher) else {
            return Ok(());
        };
        let caps = self.caps_to_use(owing.job, epochs).await?;
        let redeemed = self.settlement.redeem(owing.job, &[voucher], &caps).await?;
        tracing::info!(job = %owing.job.short(), paid = %redeemed.paid, "redeemed a voucher");
        for short in &redeemed.unpaid {
            tracing::warn!(job = %owing.job.short(), missing = %short.amount, "the cap cannot pay a voucher in full");
        }
        self.jobs.entry(owing.job).or_default().redeemed = Some(Instant::now());
        Ok(())
    }

    /// The forced exit: what there is to claim is claimed as far as the cap goes. What a jury will ask for is written down
    /// before.
    async fn claim(&self, owing: &OwingJob, look: &Look) -> Result<(), WatchError> {
        let Look { job, epochs, seen } = look;
        let standing = standing(owing, job, epochs, seen.paid);
        let claimed = Claimed::of(&self.journal.delivered(owing.job)?, standing);
        let (earned, commitment) = (
            claimed.worth,
            commitment_of(&claimed.results, &self.settlement.domain()),
        );
        let caps = self.caps_to_use(owing.job, epochs).await?;
        let document = canonical::encode("claim", &claimed.results)?;
        self.journal.save_claimed(owing.job, commitment, &document)?;
        let claim = self.settlement.claim(owing.job, earned, commitment, &caps);
        if let Some(mined) = claim.await? {
            tracing::warn!(job = %owing.job.short(), %earned, tx = %mined.tx, "claimed what the requestor has not paid");
        }
        Ok(())
    }

    /// The requestor rejected the claim: jurors will ask for it.
    async fn note_quarrel(&self, job: JobId) -> Result<(), WatchError> {
        let noted = self.journal.quarrels(self.court, QuarrelRole::Provider)?;
        if noted.iter().any(|quarrel| quarrel.job == job) {
            return Ok(());
        }
        let Some(dispute) = self.settlement.open_dispute(job, self.account).await? else {
            return Ok(());
        };
        let quarrel = Quarrel {
            dispute,
            job,
            provider: self.account,
        };
        Ok(self.journal.note_quarrel(self.court, QuarrelRole::Provider, quarrel)?)
    }

    /// The caps in force, which the chain may have put into force since `epochs` was read.
    async fn caps_to_use(&self, job: JobId, epochs: &Epochs) -> Result<Caps, WatchError> {
        let seal = if epochs.caps.is_zero() {
            self.settlement.epochs(job).await?.caps
        } else {
            epochs.caps
        };
        self.known_caps(job, seal)?.ok_or(WatchError::CapsMissing)
    }

    /// After a cooperative settlement nothing more is paid before what it paid is written down.
    async fn record_settlement(&self, owing: &OwingJob) -> Result<(), WatchError> {
        let settled = self.settlement.settled_shares(owing.job, owing.height).await?;
        let settled = settled.ok_or(WatchError::SharesMissing)?;
        self.settlement.record_settlement(owing.job, &settled).await?;
        Ok(())
    }

    fn end(&self, owing: &OwingJob, paid: Amount, end: VoucherEnd) {
        let (job, worth) = (owing.job.short(), owing.vouchered);
        match end {
            VoucherEnd::Paid => tracing::debug!(%job, %worth, "what was owed is paid"),
            VoucherEnd::Lost => tracing::error!(%job, %worth, %paid, "a voucher is lost: the escrow is empty or gone"),
        }
        let ended = self.journal.end_owing(owing.job);
        if let Err(error) = ended.and_then(|()| self.journal.end_voucher(owing.job, end)) {
            tracing::error!(error = %chain(&error), "the end of a voucher cannot be noted");
        }
    }
}

/// Caps that wait are as final a word as the close: what they leave out is not meant to be paid.
fn standing(owing: &OwingJob, job: &Job, epochs: &Epochs, paid: Amount) -> Standing {
    Standing {
        had: owing.vouchered.max(paid),
        closed: job.state == JobState::Closed || epochs.pending.is_some(),
    }
}

/// How long until a job is looked at again.
fn pause_of(job: &Job) -> Duration {
    let shortest = job.exit_window.min(job.notice);
    (shortest / LOOKS_PER_WINDOW).clamp(LOOK_EVERY, LOOK_EVERY_MAX)
}

/// Whether a cooperative settlement left something owed, and nobody has written it down yet.
fn settled_for_less(owing: &OwingJob, Look { job, epochs, seen }: &Look, now: UnixMillis) -> bool {
    let may_claim = now < job.refundable_at && seen.earned > seen.paid;
    job.state == JobState::Closed
        && !job.settlement_hash.is_zero()
        && epochs.caps.is_zero()
        && (owing.vouchered > seen.paid || may_claim)
}

#[cfg(test)]
mod tests;
