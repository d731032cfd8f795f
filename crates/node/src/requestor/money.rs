//! The job's money: lock the budget, sign vouchers for verified work, settle, take the rest back. Every step may be
//! repeated after a crash.

use super::{
    caps::{self, Chosen, MoneyError},
    record::JobRecord,
    refusal::failed,
    windows::Windows,
};
use crate::{clock, provider::measure, services::Services};
use rayswarm_api::job::EscrowView;
use rayswarm_model::{
    Address, Amount, B256, Caps, FailureKind, JobId, Plan, UnixMillis, canonical,
    signed::{Signed, SignedVoucher, Voucher},
};
use rayswarm_scheduler::caps::Need;
use rayswarm_settlement::{
    Closed, Epochs, Job, JobState, JobTerms, Mined, Payments, SHARES_PER_SETTLEMENT_MAX, SettlementError, Shortfall,
};
use rayswarm_verifier::AuditPolicy;
use std::{collections::BTreeMap, time::Duration};

/// How often the chain is asked whether a window has passed.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long after its deadline a job that the chain does not know is believed to appear.
const UNKNOWN_PATIENCE: Duration = Duration::from_secs(3_600);

/// Kind of the problem of a job whose caps did not pay everything.
pub const UNDERPAID: &str = "underpaid";

/// What verified work has earned, per account.
pub type Earnings = BTreeMap<Address, Amount>;

/// Locks the budget. A job that is open already, from before a crash, is success.
pub async fn open(
    services: &Services,
    record: &mut JobRecord,
    manifest: B256,
    plan: (B256, &Plan),
) -> Result<(), MoneyError> {
    let budget = record.quote.as_ref().map_or(Amount::ZERO, |quote| quote.budget);
    let windows = Windows::of(&services.config);
    let (plan_hash, plan) = plan;
    let terms = JobTerms {
        manifest_hash: manifest,
        plan_hash,
        policy_hash: canonical::document_hash("verification policy", &AuditPolicy::default())?,
        comparison_class: measure::own_class(services, &plan.engine, &plan.engine_version),
        token: services.settlement.contracts().token,
        budget,
        provider_stake: services.config.job_terms.provider_stake,
        deadline: record.deadline_at,
        exit_window: windows.exit,
        notice: windows.notice,
        challenge: windows.challenge,
        trust_tier: 0,
    };
    let opened = services.settlement.open_job(&terms, record.salt).await?;
    note(record, &opened.transactions);
    refresh(services, record).await?;
    Ok(())
}

/// A voucher for everything `provider` has earned.
pub fn voucher(services: &Services, job: JobId, provider: Address, cumulative: Amount) -> SignedVoucher {
    Signed::sign(
        Voucher {
            job,
            provider,
            cumulative,
        },
        &services.domain,
        &services.identity.account,
    )
}

/// Pays every provider, in one transaction where nobody was paid before, and waits for the rest to come back.
pub async fn settle(services: &Services, record: &mut JobRecord, earnings: &Earnings) -> Result<(), MoneyError> {
    let earned = payments(earnings);
    while let Some(pause) = close(services, record, &earned).await? {
        tokio::time::sleep(pause.max(LOOK_EVERY)).await;
    }
    reclaim(services, record).await?;
    recall(services, record).await?;
    refresh(services, record).await?;
    Ok(())
}

fn payments(earnings: &Earnings) -> Payments {
    let earned = earnings.iter().filter(|(_, amount)| **amount > Amount::ZERO);
    earned.map(|(provider, amount)| (*provider, *amount)).collect()
}

/// One step towards a closed job; how long to wait before the next, or `None` when there is none.
async fn close(services: &Services, record: &mut JobRecord, earned: &Payments) -> Result<Option<Duration>, MoneyError> {
    let (settlement, id) = (&services.settlement, record.id);
    let job = settlement.job(id).await?;
    if job.state == JobState::Refunded || !job.settlement_hash.is_zero() || is_gone(record, &job) {
        return Ok(None);
    }
    let epochs = settlement.epochs(id).await?;
    if job.state == JobState::Open && earned.is_empty() && epochs.epoch == 0 && epochs.pending.is_none() {
        note(record, settlement.cancel_job(id).await?.as_slice());
        return Ok(None);
    }
    if job.state == JobState::Open {
        match cover(services, id, &job, &epochs, earned).await? {
            Cover::Now => {}
            Cover::From(force_at) => return Ok(Some(force_at.since(clock::now()))),
            Cover::Lacking => match raise(services, record, earned, &epochs).await {
                Ok(pause) if pause.is_some() => return Ok(pause),
                // As far as the escrow goes they cover.
                Ok(_) => {}
                Err(MoneyError::Settlement(SettlementError::Reverted { revert, .. }))
                    if revert.is_deadline_passed() => {}
                Err(error) => return Err(error),
            },
        }
    }
    let epochs = settlement.epochs(id).await?;
    let folder = caps::folder(services, id);
    let caps = caps::in_force(&folder, &epochs, job.free(), clock::now()).unwrap_or_default();
    let closed = pay(services, id, &job, earned, &caps).await;
    let closed = match closed {
        // Caps took force, or somebody was paid, while this was on its way.
        Err(SettlementError::Reverted { revert, .. }) if revert.is_other_epoch() || revert.is_already_paid() => {
            return Ok(Some(LOOK_EVERY));
        }
        closed => closed?,
    };
    note_underpaid(record, &closed.redeemed.unpaid);
    note(record, &closed.redeemed.transactions);
    Ok(None)
}

/// The plan is cut to the budget, so this is a fault of ours, or the deadline came before the caps; the providers keep their
/// vouchers.
fn note_underpaid(record: &mut JobRecord, unpaid: &[Shortfall]) {
    for short in unpaid {
        tracing::error!(job = %record.id.short(), provider = %short.provider, amount = %short.amount, "underpaid");
    }
    if unpaid.is_empty() {
        return;
    }
    let missing: Amount = unpaid.iter().map(|short| short.amount).sum();
    let detail = format!(
        "{missing} that {} of the providers earned could not be paid: the caps in force do not cover it",
        unpaid.len()
    );
    match &mut record.problem {
        Some(problem) if problem.detail.contains(&detail) => {}
        Some(problem) => problem.detail = format!("{}; {detail}", problem.detail),
        None => {
            let next = "send them what is missing; the node's log names accounts and amounts";
            record.problem = Some(failed(UNDERPAID, detail).next(next));
        }
    }
}

async fn pay(
    services: &Services,
    id: JobId,
    job: &Job,
    earned: &Payments,
    caps: &Caps,
) -> Result<Closed, SettlementError> {
    let settlement = &services.settlement;
    let untouched = job.state == JobState::Open && job.free() == job.deposited;
    let lines = caps.lines().len();
    let (named, unnamed): (Payments, Payments) = earned
        .iter()
        .map(|(provider, amount)| (*provider, *amount))
        .partition(|(provider, _)| caps.proof(*provider).is_some());
    if untouched && (1..=SHARES_PER_SETTLEMENT_MAX).contains(&lines) {
        let within = |(provider, amount): (&Address, &Amount)| (*provider, (*amount).min(caps.of(*provider)));
        let mut closed = settlement
            .settle_job(id, &named.iter().map(within).collect(), caps)
            .await?;
        closed.redeemed.unpaid.extend(beyond(earned, caps));
        return Ok(closed);
    }
    let vouchers: Vec<SignedVoucher> = named
        .iter()
        .map(|(provider, amount)| voucher(services, id, *provider, *amount))
        .collect();
    let mut closed = settlement.close_job(id, &vouchers, caps).await?;
    let unnamed = still_owed(services, id, job, &unnamed).await?;
    let unnamed = unnamed.iter().map(|(provider, owed)| (*provider, owed.amount));
    closed.redeemed.unpaid.extend(beyond(&unnamed.collect(), caps));
    Ok(closed)
}

/// What of these amounts lies beyond the caps.
fn beyond(owed: &Payments, caps: &Caps) -> Vec<Shortfall> {
    let short = |(provider, amount): (&Address, &Amount)| Shortfall {
        provider: *provider,
        amount: amount.checked_minus(caps.of(*provider)).unwrap_or_default(),
    };
    let all = owed.iter().map(short);
    all.filter(|short| short.amount > Amount::ZERO).collect()
}

/// Which caps pay everything that was earned.
enum Cover {
    /// Those in force.
    Now,
    /// Those that wait, from then on.
    From(UnixMillis),
    /// None yet.
    Lacking,
}

/// What an account has earned and neither been paid nor claimed, and what it has used of its cap in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owed {
    amount: Amount,
    used: Amount,
}

async fn cover(
    services: &Services,
    id: JobId,
    job: &Job,
    epochs: &Epochs,
    earned: &Payments,
) -> Result<Cover, SettlementError> {
    let owed = still_owed(services, id, job, earned).await?;
    let (folder, free, now) = (caps::folder(services, id), job.free(), clock::now());
    let in_force = caps::in_force(&folder, epochs, free, now).unwrap_or_default();
    if pays(&in_force, &owed, |owed| owed.used) {
        return Ok(Cover::Now);
    }
    // What is used of the caps in force does not count against the next.
    let next = caps::pending(&folder, epochs, free, now).filter(|(caps, _)| pays(caps, &owed, |_| Amount::ZERO));
    Ok(next.map_or(Cover::Lacking, |(_, force_at)| Cover::From(force_at)))
}

fn pays(caps: &Caps, owed: &BTreeMap<Address, Owed>, used: impl Fn(&Owed) -> Amount) -> bool {
    owed.iter().all(|(provider, owed)| {
        let left = caps.of(*provider).checked_minus(used(owed)).unwrap_or_default();
        owed.amount <= left
    })
}

async fn still_owed(
    services: &Services,
    id: JobId,
    job: &Job,
    earned: &Payments,
) -> Result<BTreeMap<Address, Owed>, SettlementError> {
    let settlement = &services.settlement;
    let untouched = job.free() == job.deposited;
    let mut all = BTreeMap::new();
    for (provider, amount) in earned {
        let mut owed = Owed {
            amount: *amount,
            used: Amount::ZERO,
        };
        if !untouched {
            let paid = settlement.paid_to(id, *provider).await?;
            let claimed = settlement.claim_of(id, *provider).await?;
            let claimed = claimed.map_or(Amount::ZERO, |claim| claim.amount);
            let had = [paid, claimed].into_iter().sum();
            owed.amount = amount.checked_minus(had).unwrap_or_default();
            owed.used = settlement.used_of(id, *provider).await?;
        }
        all.insert(*provider, owed);
    }
    Ok(all)
}

/// Caps for exactly what was earned, if those in force and those that wait do not pay it: chosen, not yet published.
pub async fn last_caps(services: &Services, id: JobId, earnings: &Earnings) -> Result<Option<Chosen>, MoneyError> {
    let earned = payments(earnings);
    let job = services.settlement.job(id).await?;
    if job.state != JobState::Open || clock::now() >= job.deadline {
        return Ok(None);
    }
    let epochs = services.settlement.epochs(id).await?;
    let chosen = match cover(services, id, &job, &epochs, &earned).await? {
        Cover::Now | Cover::From(_) => return Ok(None),
        Cover::Lacking => choose_exactly(services, id, &earned).await?,
    };
    Ok((!epochs.in_force(&chosen.caps)).then_some(chosen))
}

async fn choose_exactly(services: &Services, id: JobId, earned: &Payments) -> Result<Chosen, MoneyError> {
    let need = |(provider, amount): (&Address, &Amount)| Need {
        provider: *provider,
        owed: *amount,
        in_flight: Amount::ZERO,
        headroom: Amount::ZERO,
        rate_milli_wu: 0,
    };
    let needs = earned.iter().map(need).collect();
    caps::choose(&services.settlement, &caps::folder(services, id), id, needs).await
}

/// Publishes caps for exactly what is owed; how long until they are in force, or `None` when they are.
async fn raise(
    services: &Services,
    record: &mut JobRecord,
    earned: &Payments,
    epochs: &Epochs,
) -> Result<Option<Duration>, MoneyError> {
    let chosen = choose_exactly(services, record.id, earned).await?;
    if epochs.in_force(&chosen.caps) {
        return Ok(None);
    }
    let published = caps::publish(&services.settlement, record.id, &chosen).await?;
    note(record, published.transaction.as_slice());
    // The chain's clock is this machine's on a development chain, and close to it elsewhere.
    let now = clock::now();
    let waits = published.force_at.filter(|force_at| *force_at > now);
    Ok(waits.map(|force_at| force_at.since(now).max(LOOK_EVERY)))
}

/// Takes the rest back, as soon as the exit window is over. What claims hold back comes later: see [`super::claims`].
async fn reclaim(services: &Services, record: &mut JobRecord) -> Result<(), MoneyError> {
    loop {
        let job = services.settlement.job(record.id).await?;
        let only_claims_are_left = job.reserved > Amount::ZERO && job.free() == Amount::ZERO;
        if job.state == JobState::Refunded || only_claims_are_left || is_gone(record, &job) {
            return Ok(());
        }
        let window = job.refundable_at.since(clock::now());
        tokio::time::sleep(window.max(LOOK_EVERY)).await;
        match services.settlement.refund(record.id).await {
            Ok(refunded) => note(record, refunded.transaction.as_slice()),
            Err(error) if error.kind() == FailureKind::Transient => tracing::debug!(%error, "not refunded yet"),
            Err(error) => return Err(error.into()),
        }
    }
}

/// The escrow does not know the job, and not only because the JSON-RPC lags: it was opened on contracts of another version.
pub fn is_gone(record: &JobRecord, job: &Job) -> bool {
    job.state == JobState::None && clock::now() >= record.deadline_at.after(UNKNOWN_PATIENCE)
}

/// Reads the escrow. What was paid is shown with its fees, so that the sums are those of what was locked.
pub async fn refresh(services: &Services, record: &mut JobRecord) -> Result<(), SettlementError> {
    let job = services.settlement.job(record.id).await?;
    record.escrow = EscrowView {
        deposited: job.deposited,
        paid: [job.paid, job.fees].into_iter().sum(),
        refunded: job.refunded,
        locked: job.locked,
    };
    Ok(())
}

/// Adds what happened on the chain without being noted: a kill came between, or somebody else sent it.
async fn recall(services: &Services, record: &mut JobRecord) -> Result<(), SettlementError> {
    let Some(opened_after) = record.opened_after else {
        return Ok(());
    };
    let transactions = services.settlement.job_transactions(record.id, opened_after).await?;
    note(record, &transactions);
    Ok(())
}

/// Notes transactions that are not noted yet.
pub fn note(record: &mut JobRecord, transactions: &[Mined]) {
    let settlement = &mut record.settlement;
    for mined in transactions {
        let hash = mined.tx.to_string();
        if !settlement.transactions.contains(&hash) {
            settlement.transactions.push(hash);
            settlement.gas_used += mined.gas_used;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::allocation::Cap;

    const ALICE: Address = Address::repeat_byte(0xa1);
    const BOB: Address = Address::repeat_byte(0xb0);

    fn caps(of: &[(Address, u128)]) -> Caps {
        let cap = |(provider, cap): &(Address, u128)| Cap {
            provider: *provider,
            cap: Amount(*cap),
        };
        Caps::new(of.iter().map(cap).collect()).unwrap()
    }

    #[test]
    fn what_lies_beyond_the_caps_is_told_also_of_who_has_none() {
        let owed = Payments::from([(ALICE, Amount(30)), (BOB, Amount(7))]);
        let found = |of: &[(Address, u128)]| -> Vec<(Address, u128)> {
            let short = beyond(&owed, &caps(of));
            short.iter().map(|short| (short.provider, short.amount.0)).collect()
        };
        assert!(found(&[(ALICE, 30), (BOB, 9)]).is_empty());
        assert_eq!(found(&[(ALICE, 20), (BOB, 9)]), [(ALICE, 10)]);
        assert_eq!(found(&[(ALICE, 40)]), [(BOB, 7)]);
    }

    #[test]
    fn what_is_used_of_a_cap_counts_against_it_and_not_against_the_next() {
        let owed = |amount, used| Owed {
            amount: Amount(amount),
            used: Amount(used),
        };
        let caps = caps(&[(ALICE, 30)]);
        for (amount, used, in_force, next) in [(30, 0, true, true), (30, 1, false, true), (31, 0, false, false)] {
            let all = BTreeMap::from([(ALICE, owed(amount, used))]);
            assert_eq!(pays(&caps, &all, |owed| owed.used), in_force, "{amount} {used}");
            assert_eq!(pays(&caps, &all, |_| Amount::ZERO), next, "{amount} {used}");
        }
        assert!(pays(&Caps::default(), &BTreeMap::new(), |owed| owed.used));
        assert!(!pays(&caps, &BTreeMap::from([(BOB, owed(1, 0))]), |owed| owed.used));
    }
}
