//! What follows from a look at a job's escrow. Pure.

use crate::journal::{OwingJob, VoucherEnd};
use rayswarm_model::{Amount, UnixMillis};
use rayswarm_settlement::{Claim, ClaimState, Job, JobState};
use std::time::Duration;

/// How long before a job's deadline an unpaid voucher is redeemed.
const REDEEM_BEFORE: Duration = Duration::from_secs(600);
/// How long a job that the chain does not know is believed to appear after its deadline, since the JSON-RPC may lag; and how
/// long caps or a settlement that cannot be read are waited for after anyone may empty the escrow.
pub(super) const PATIENCE: Duration = Duration::from_secs(3_600);

/// What a look has shown of this account in a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// What it was paid.
    pub(super) paid: Amount,
    /// What vouchers can be turned into money up to, by the caps in force.
    pub(super) secured: Amount,
    /// The epoch that waits for its notice.
    pub(super) next: Option<Next>,
    /// Its claim, while it has not ended.
    pub(super) claim: Option<Claim>,
    /// What it has delivered and nobody has rejected is worth; nothing where it may not claim any more.
    pub(super) earned: Amount,
}

/// An epoch that is not in force yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Next {
    /// The account's cap in it; unknown while the requestor has not sent it.
    pub(super) cap: Option<Amount>,
    /// When it is in force.
    pub(super) force_at: UnixMillis,
}

/// What follows from a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing more can come of this job.
    End(VoucherEnd),
    /// It is well where it is.
    Wait,
    /// The voucher must be turned into money now.
    Redeem,
    /// The requestor will not pay what was earned, or not in time: it is claimed.
    Claim,
    /// The claim can be paid.
    PayClaim,
}

pub(super) fn next_step(owing: &OwingJob, seen: &Seen, job: &Job, now: UnixMillis, rests: bool) -> Step {
    if job.state == JobState::None {
        let lost = now >= owing.deadline.after(PATIENCE);
        return if lost { Step::End(VoucherEnd::Lost) } else { Step::Wait };
    }
    let Some(claim) = seen.claim else {
        return without_claim(owing, seen, job, now, rests);
    };
    let payable = match claim.state {
        ClaimState::Pending => now >= claim.challenge_ends_at,
        ClaimState::Disputed => false,
        ClaimState::Upheld => true,
    };
    if payable {
        return Step::PayClaim;
    }
    // A voucher is paid out of what its claim holds back first, and whatever becomes of the claim.
    let covered = Seen {
        secured: [seen.secured, claim.amount].into_iter().sum(),
        ..*seen
    };
    match without_claim(owing, &covered, job, now, rests) {
        Step::Redeem if !rests => Step::Redeem,
        _ => Step::Wait,
    }
}

fn without_claim(owing: &OwingJob, seen: &Seen, job: &Job, now: UnixMillis, rests: bool) -> Step {
    let unpaid = owing.vouchered > seen.paid;
    let underpaid = seen.earned > owing.vouchered.max(seen.paid) && now < job.refundable_at;
    let secured = seen.secured > seen.paid;
    let (payable, claimable) = (unpaid && secured, underpaid && secured);
    let overdue = now >= owing.deadline;
    let given_up = now >= job.refundable_at.after(PATIENCE) && seen.next.is_none();
    let worth = if claimable { seen.earned } else { owing.vouchered };
    let robbed = is_robbed(worth, seen, job, now);
    let near = now.after(REDEEM_BEFORE) >= owing.deadline;
    match job.state {
        JobState::Refunded if unpaid => Step::End(VoucherEnd::Lost),
        JobState::None | JobState::Refunded => Step::End(VoucherEnd::Paid),
        JobState::Closed if payable => Step::Redeem,
        JobState::Closed if claimable => Step::Claim,
        JobState::Closed if !unpaid && !underpaid => Step::End(VoucherEnd::Paid),
        JobState::Open if payable && overdue => Step::Redeem,
        JobState::Open if payable && !rests && (near || robbed) => Step::Redeem,
        JobState::Open if claimable && (overdue || robbed) => Step::Claim,
        JobState::Open if !unpaid && overdue && now >= job.refundable_at => Step::End(VoucherEnd::Paid),
        JobState::Open | JobState::Closed if unpaid && given_up => Step::End(VoucherEnd::Lost),
        JobState::Open | JobState::Closed => Step::Wait,
    }
}

/// Whether caps that are about to take force leave no room for what is worth this much in all. Caps that the requestor has not
/// sent are waited for during half of their notice.
fn is_robbed(worth: Amount, seen: &Seen, job: &Job, now: UnixMillis) -> bool {
    seen.next.is_some_and(|next| match next.cap {
        Some(cap) => [seen.paid, cap].into_iter().sum::<Amount>() < worth,
        None => next.force_at.since(now) < job.notice / 2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayswarm_model::{Address, B256, JobId};

    const HOUR_MS: u64 = 3_600_000;
    const DEADLINE: UnixMillis = UnixMillis(1_000 * HOUR_MS);

    fn owing() -> OwingJob {
        OwingJob {
            job: JobId::from_bytes([1; 32]),
            deadline: DEADLINE,
            height: 1,
            vouchered: Amount(10),
            voucher: Some(Vec::new()),
        }
    }

    fn seen() -> Seen {
        Seen {
            paid: Amount(9),
            secured: Amount(90),
            next: None,
            claim: None,
            earned: Amount(10),
        }
    }

    fn escrow(state: JobState) -> Job {
        Job {
            state,
            requestor: Address::repeat_byte(1),
            token: Address::repeat_byte(3),
            manifest_hash: B256::ZERO,
            plan_hash: B256::ZERO,
            policy_hash: B256::ZERO,
            comparison_class: rayswarm_model::ComparisonClass(B256::ZERO),
            provider_stake: Amount::ZERO,
            deadline: DEADLINE,
            exit_window: Duration::from_secs(2),
            notice: Duration::from_secs(20),
            challenge: Duration::from_secs(2),
            trust_tier: 0,
            refundable_at: DEADLINE.after(Duration::from_secs(2)),
            deposited: Amount(100),
            paid: Amount::ZERO,
            fees: Amount::ZERO,
            refunded: Amount::ZERO,
            locked: Amount(100),
            reserved: Amount::ZERO,
            settlement_hash: B256::ZERO,
        }
    }

    fn before_deadline(seconds: i64) -> UnixMillis {
        UnixMillis(DEADLINE.0.saturating_add_signed(-1_000 * seconds))
    }

    /// State of the escrow, what is secured, seconds until the deadline, whether a payment was just made; and what follows.
    #[test]
    fn each_state_of_an_escrow_leads_somewhere() {
        let lost = Step::End(VoucherEnd::Lost);
        for (state, secured, until_deadline_s, rests, expected) in [
            (JobState::Open, 90, 7_200, false, Step::Wait),
            (JobState::Open, 90, 600, false, Step::Redeem),
            (JobState::Open, 90, 600, true, Step::Wait),
            (JobState::Open, 90, 0, true, Step::Redeem),
            (JobState::Open, 9, 0, false, Step::Wait),
            // Caps that would pay may still be sent, but not for ever.
            (JobState::Open, 9, -3_601, false, Step::Wait),
            (JobState::Open, 9, -3_602, false, lost),
            (JobState::Open, 90, -3_602, false, Step::Redeem),
            (JobState::Closed, 90, 7_200, true, Step::Redeem),
            (JobState::Closed, 9, 7_200, false, Step::Wait),
            (JobState::Closed, 9, -3_602, false, lost),
            (JobState::Refunded, 0, 7_200, false, lost),
            (JobState::None, 0, 7_200, false, Step::Wait),
            (JobState::None, 0, -3_599, false, Step::Wait),
            (JobState::None, 0, -3_600, false, lost),
        ] {
            let now = before_deadline(until_deadline_s);
            let seen = Seen {
                secured: Amount(secured),
                ..seen()
            };
            let step = next_step(&owing(), &seen, &escrow(state), now, rests);
            assert_eq!(step, expected, "{state:?} {secured} {until_deadline_s} {rests}");
        }
    }

    #[test]
    fn a_job_is_over_when_all_is_paid_and_its_requestor_has_spoken() {
        let paid = Seen {
            paid: Amount(10),
            ..seen()
        };
        let step = |state, until_deadline_s| {
            next_step(
                &owing(),
                &paid,
                &escrow(state),
                before_deadline(until_deadline_s),
                false,
            )
        };
        assert_eq!(step(JobState::Open, 7_200), Step::Wait, "more may be earned");
        assert_eq!(step(JobState::Open, 0), Step::Wait);
        assert_eq!(step(JobState::Open, -2), Step::End(VoucherEnd::Paid));
        for state in [JobState::Closed, JobState::Refunded] {
            assert_eq!(step(state, 7_200), Step::End(VoucherEnd::Paid), "{state:?}");
        }
    }

    #[test]
    fn a_requestor_that_is_silent_at_the_deadline_or_closes_and_pays_too_little_is_answered_with_a_claim() {
        let earned = |paid, earned, secured| Seen {
            paid: Amount(paid),
            earned: Amount(earned),
            secured: Amount(secured),
            ..seen()
        };
        for (state, until_deadline_s, seen, expected) in [
            (JobState::Open, 1, earned(10, 30, 90), Step::Wait),
            (JobState::Open, 0, earned(9, 30, 90), Step::Redeem),
            (JobState::Open, 0, earned(10, 30, 90), Step::Claim),
            (JobState::Open, 0, earned(10, 30, 10), Step::Wait),
            (JobState::Open, 0, earned(10, 10, 90), Step::Wait),
            (JobState::Open, -2, earned(10, 30, 90), Step::End(VoucherEnd::Paid)),
            (JobState::Closed, 7_200, earned(9, 30, 90), Step::Redeem),
            (JobState::Closed, 7_200, earned(10, 30, 90), Step::Claim),
            (JobState::Closed, 7_200, earned(30, 30, 90), Step::End(VoucherEnd::Paid)),
            // The next caps may still cover it.
            (JobState::Closed, 7_200, earned(10, 30, 10), Step::Wait),
            (JobState::Closed, -1, earned(10, 30, 90), Step::Claim),
            // Nobody may claim once the escrow may be emptied.
            (JobState::Closed, -2, earned(10, 30, 90), Step::End(VoucherEnd::Paid)),
            (JobState::Refunded, 0, earned(10, 30, 90), Step::End(VoucherEnd::Paid)),
        ] {
            let step = next_step(
                &owing(),
                &seen,
                &escrow(state),
                before_deadline(until_deadline_s),
                false,
            );
            assert_eq!(step, expected, "{state:?} {until_deadline_s} {seen:?}");
        }
    }

    #[test]
    fn a_claim_is_paid_when_nobody_can_reject_it_any_more() {
        let step = |state, now| {
            let claim = Claim {
                amount: Amount(5),
                challenge_ends_at: DEADLINE,
                state,
            };
            let seen = Seen {
                paid: Amount(10),
                earned: Amount(30),
                claim: Some(claim),
                ..seen()
            };
            next_step(&owing(), &seen, &escrow(JobState::Closed), now, false)
        };
        assert_eq!(step(ClaimState::Pending, before_deadline(1)), Step::Wait);
        assert_eq!(step(ClaimState::Pending, DEADLINE), Step::PayClaim);
        assert_eq!(step(ClaimState::Disputed, DEADLINE), Step::Wait);
        assert_eq!(step(ClaimState::Upheld, before_deadline(1)), Step::PayClaim);
    }

    #[test]
    fn a_voucher_is_redeemed_while_a_claim_waits() {
        let step = |state, secured, rests| {
            let claim = Claim {
                amount: Amount(1),
                challenge_ends_at: DEADLINE.after(Duration::from_secs(9)),
                state: ClaimState::Pending,
            };
            let seen = Seen {
                secured: Amount(secured),
                claim: Some(claim),
                ..seen()
            };
            next_step(&owing(), &seen, &escrow(state), before_deadline(7_200), rests)
        };
        assert_eq!(step(JobState::Closed, 90, false), Step::Redeem);
        assert_eq!(
            step(JobState::Closed, 9, false),
            Step::Redeem,
            "the claim holds it back"
        );
        assert_eq!(step(JobState::Closed, 90, true), Step::Wait);
        assert_eq!(step(JobState::Open, 90, false), Step::Wait, "nothing presses");
    }

    #[test]
    fn a_voucher_is_redeemed_before_lower_caps_take_force() {
        let now = before_deadline(7_200);
        let step = |cap: Option<u128>, force_in_s, rests| {
            let next = Next {
                cap: cap.map(Amount),
                force_at: now.after(Duration::from_secs(force_in_s)),
            };
            let seen = Seen {
                next: Some(next),
                ..seen()
            };
            next_step(&owing(), &seen, &escrow(JobState::Open), now, rests)
        };
        assert_eq!(step(Some(1), 20, false), Step::Wait, "it still covers");
        assert_eq!(step(Some(0), 20, false), Step::Redeem);
        assert_eq!(step(Some(0), 20, true), Step::Wait);
        assert_eq!(step(None, 15, false), Step::Wait, "it may still be sent");
        assert_eq!(step(None, 9, false), Step::Redeem);
    }

    #[test]
    fn what_was_earned_is_claimed_before_lower_caps_take_force() {
        let now = before_deadline(7_200);
        let step = |paid, cap: Option<u128>, force_in_s, rests| {
            let next = Next {
                cap: cap.map(Amount),
                force_at: now.after(Duration::from_secs(force_in_s)),
            };
            let seen = Seen {
                paid: Amount(paid),
                earned: Amount(30),
                next: Some(next),
                ..seen()
            };
            next_step(&owing(), &seen, &escrow(JobState::Open), now, rests)
        };
        assert_eq!(step(10, Some(20), 20, false), Step::Wait, "it still covers");
        assert_eq!(step(10, Some(19), 20, false), Step::Claim);
        assert_eq!(step(9, Some(19), 20, false), Step::Redeem, "the voucher first");
        assert_eq!(step(9, Some(19), 20, true), Step::Claim);
        assert_eq!(step(10, None, 15, false), Step::Wait, "it may still be sent");
        assert_eq!(step(10, None, 9, false), Step::Claim);
    }
}
