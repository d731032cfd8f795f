//! What providers have claimed and nobody has paid yet. It outlives the job: its money is followed until none is held back,
//! again after each restart.

use super::{
    job::Job,
    money,
    record::JobRecord,
    refusal::{chain, failed},
};
use crate::{clock, services::Services};
use rayswarm_api::Problem;
use rayswarm_model::{Amount, UnixMillis};
use rayswarm_settlement::{Claim, ClaimState, JobState, SettlementError};
use std::time::Duration;

/// How soon the chain is asked again at the earliest.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How soon after it could not be.
const LOOK_AFTER_ERROR: Duration = Duration::from_secs(60);
/// How soon while a quarrel is under way: it ends when its jurors have spoken.
const LOOK_AT_QUARRELS: Duration = Duration::from_secs(15);
/// How soon at the latest.
const LOOK_EVERY_MAX: Duration = Duration::from_secs(600);

/// Pays what claims can be paid and takes the rest back, until the escrow of a final job is empty or the node stops.
pub async fn follow(job: &mut Job) {
    let services = job.services.clone();
    while job.record.state.is_final() && job.record.escrow.locked > Amount::ZERO {
        let looked = tokio::select! {
            () = services.stop.cancelled() => return,
            looked = look(&services, &mut job.record) => looked,
        };
        let pause = looked.unwrap_or_else(|error| {
            tracing::debug!(job = %job.record.id.short(), error = %chain(&error), "claims cannot be looked at");
            LOOK_AFTER_ERROR
        });
        match save(&services, &mut job.record) {
            Ok(()) => {
                let progress = job.record.progress.clone();
                job.publish(progress);
            }
            Err(problem) => tracing::error!(detail = %problem.detail, "the end of claims was not written down"),
        }
        if job.record.escrow.locked == Amount::ZERO {
            return;
        }
        tokio::select! {
            () = services.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Does what can be done now; returns when to look again.
async fn look(services: &Services, record: &mut JobRecord) -> Result<Duration, SettlementError> {
    let (settlement, id) = (&services.settlement, record.id);
    let mut next = clock::now().after(LOOK_EVERY_MAX);
    if settlement.job(id).await?.reserved > Amount::ZERO {
        let filed = settlement.claims_filed(id, record.opened_after.unwrap_or_default());
        for provider in filed.await?.into_keys() {
            let Some(claim) = settlement.claim_of(id, provider).await? else {
                continue;
            };
            if is_payable(&claim, clock::now()) {
                money::note(record, settlement.pay_claim(id, provider).await?.as_slice());
            } else {
                let by_then = match claim.state {
                    ClaimState::Pending => claim.challenge_ends_at,
                    ClaimState::Disputed | ClaimState::Upheld => clock::now().after(LOOK_AT_QUARRELS),
                };
                next = next.min(by_then);
            }
        }
    }
    let job = settlement.job(id).await?;
    if job.state == JobState::None && !money::is_gone(record, &job) {
        return Ok(LOOK_EVERY_MAX);
    }
    let is_over = matches!(job.state, JobState::None | JobState::Refunded);
    let is_left = job.free() > Amount::ZERO || job.reserved == Amount::ZERO;
    if !is_over && is_left && clock::now() >= job.refundable_at {
        money::note(record, settlement.refund(id).await?.transaction.as_slice());
    }
    money::refresh(services, record).await?;
    Ok(next.since(clock::now()).max(LOOK_EVERY))
}

fn is_payable(claim: &Claim, now: UnixMillis) -> bool {
    match claim.state {
        ClaimState::Pending => now >= claim.challenge_ends_at,
        ClaimState::Disputed => false,
        ClaimState::Upheld => true,
    }
}

/// The journal's record may have got another name since the job was final.
fn save(services: &Services, record: &mut JobRecord) -> Result<(), Problem> {
    let journal = &services.journal;
    let kept = journal
        .job(record.id)
        .map_err(|error| failed("journal", chain(&error)))?;
    if let Some(kept) = kept {
        record.request = kept.request;
        journal
            .save_job(record)
            .map_err(|error| failed("journal", chain(&error)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_paid_when_nobody_can_reject_it_any_more() {
        for (state, now, expected) in [
            (ClaimState::Pending, 6_999, false),
            (ClaimState::Pending, 7_000, true),
            (ClaimState::Disputed, 7_000, false),
            (ClaimState::Upheld, 0, true),
        ] {
            let claim = Claim {
                amount: Amount(1),
                challenge_ends_at: UnixMillis(7_000),
                state,
            };
            assert_eq!(is_payable(&claim, UnixMillis(now)), expected, "{state:?} {now}");
        }
    }
}
