//! What the escrow refuses: jobs, caps, vouchers and claims.

use super::{job, tokens, wait};
use crate::bindings::escrow::JobEscrow::JobEscrowErrors;

pub(super) fn sentence(error: &JobEscrowErrors) -> String {
    use JobEscrowErrors as E;
    match error {
        E::EscrowJobUnknown(e) => format!("job {} was never opened here", job(e.jobId)),
        E::EscrowJobExists(e) => format!("job {} exists already; use a new salt", job(e.jobId)),
        E::EscrowJobNotOpen(e) => format!("job {} is not open any more", job(e.jobId)),
        E::EscrowJobEnded(e) => format!("job {} was refunded and holds nothing", job(e.jobId)),
        E::EscrowNotRequestor(e) => format!(
            "job {} belongs to {}, not to {}; its owner must do this",
            job(e.jobId),
            e.requestor,
            e.caller
        ),
        E::EscrowAmountZero(e) => format!("the amount for job {} is zero; lock some tokens", job(e.jobId)),
        E::EscrowAmountTooLarge(e) => format!(
            "{} tokens for job {} are more than a job can hold ({}); lower the amount",
            tokens(e.amount),
            job(e.jobId),
            tokens(e.maxAmount)
        ),
        E::EscrowDeadlinePassed(e) => format!(
            "the deadline of job {} ({}) is past ({} now); choose a later one",
            job(e.jobId),
            e.deadline,
            e.timestamp
        ),
        E::EscrowDeadlineTooFar(e) => format!(
            "the deadline of job {} ({}) is beyond {}; choose an earlier one",
            job(e.jobId),
            e.deadline,
            e.latest
        ),
        E::EscrowExitWindowTooLong(e) => too_long("an exit window", e.exitWindowSeconds, e.maxSeconds),
        E::EscrowNoticeTooLong(e) => too_long("a notice", e.noticeSeconds, e.maxSeconds),
        E::EscrowChallengeTooLong(e) => too_long("a challenge window", e.challengeSeconds, e.maxSeconds),
        E::EscrowRefundNotDue(e) => format!(
            "the rest of job {} cannot be refunded for another {} s; wait",
            job(e.jobId),
            wait(e.refundableAt, e.timestamp)
        ),
        E::EscrowClaimsOpen(e) => format!(
            "claims hold back all {} tokens that job {} has left; wait until they have ended",
            tokens(e.reserved),
            job(e.jobId)
        ),
        E::EscrowVoucherNotSigned(e) => format!(
            "the voucher for {} in job {} is not signed by its requestor {} (its signature gives {}); leave it out",
            e.provider,
            job(e.jobId),
            e.requestor,
            e.recovered
        ),
        E::EscrowProviderInvalid(e) => format!("a voucher names {}, which cannot be paid; leave it out", e.provider),
        E::EscrowTokenTookFee(e) => format!(
            "the token {} kept a part of the transfer ({} sent, {} arrived); choose a token without transfer fees",
            e.token,
            tokens(e.sent),
            tokens(e.received)
        ),
        E::SafeERC20FailedOperation(e) => {
            format!(
                "the token {} refused the transfer or is not an ERC-20 contract",
                e.token
            )
        }
        E::ReentrancyGuardReentrantCall(_) => "the token called back into the escrow; choose another token".into(),
        E::InvalidShortString(_) | E::StringTooLong(_) => "the escrow's own name is malformed".into(),
        other => caps(other),
    }
}

fn caps(error: &JobEscrowErrors) -> String {
    use JobEscrowErrors as E;
    match error {
        E::EscrowAllocationMissing(e) => format!("job {} has no caps yet; publish an epoch first", job(e.jobId)),
        E::EscrowAllocationWrong(e) => format!(
            "these are not the caps of epoch {} of job {}; read the epoch in force and try again",
            e.epoch,
            job(e.jobId)
        ),
        E::EscrowAllocationTooLarge(e) => format!(
            "caps of {} tokens exceed the {} that job {} has free; lower them or top up",
            tokens(e.total),
            tokens(e.free),
            job(e.jobId)
        ),
        E::EscrowAlreadyAllocated(e) => format!(
            "job {} has caps already (epoch {}); close it instead of cancelling",
            job(e.jobId),
            e.epoch
        ),
        E::EscrowAlreadyPaid(e) => format!(
            "job {} has paid {} tokens and holds {} back for claims already; close it with vouchers instead",
            job(e.jobId),
            tokens(e.paid),
            tokens(e.reserved)
        ),
        E::EscrowCapExceeded(e) => format!(
            "{} tokens for {} in job {} exceed the {} that its cap has left; publish a higher cap",
            tokens(e.amount),
            e.provider,
            job(e.jobId),
            tokens(e.left)
        ),
        E::EscrowProofsMissing(e) => format!("{} vouchers came with {} proofs; give one for each", e.vouchers, e.caps),
        E::EscrowSettlementWrong(e) => format!(
            "these are not the shares that job {} was settled with; read them from the settlement's transaction",
            job(e.jobId)
        ),
        E::EscrowPaymentNotRecorded(e) => format!(
            "what the settlement of job {} paid to {} is not recorded; record it first",
            job(e.jobId),
            e.provider
        ),
        E::MerkleSumTooLarge(e) => format!("the caps add up to {}, which is more than there is", e.sum),
        other => claims(other),
    }
}

fn claims(error: &JobEscrowErrors) -> String {
    use JobEscrowErrors as E;
    match error {
        E::ClaimNothingDue(e) => format!(
            "{} claims {} tokens of job {} and has been paid {}; there is nothing to claim",
            e.provider,
            tokens(e.cumulative),
            job(e.jobId),
            tokens(e.paid)
        ),
        E::ClaimCommitmentMissing(e) => format!("a claim in job {} must commit to its results", job(e.jobId)),
        E::ClaimStateWrong(e) => format!(
            "the claim of {} in job {} is {}, so this cannot be done to it",
            e.provider,
            job(e.jobId),
            ["not there", "waiting", "being judged", "upheld"]
                .get(usize::from(e.state))
                .unwrap_or(&"elsewhere")
        ),
        E::ClaimBarred(e) => format!(
            "a claim of {} in job {} was found bad; it can only redeem vouchers",
            e.provider,
            job(e.jobId)
        ),
        E::ClaimTooLate(e) => format!(
            "the exit window of job {} is over; nothing can be claimed",
            job(e.jobId)
        ),
        E::ClaimStakeTooSmall(e) => format!(
            "{} has {} tokens of free stake and job {} asks for {}; bond more first",
            e.provider,
            tokens(e.free),
            job(e.jobId),
            tokens(e.needed)
        ),
        E::ClaimNotDue(e) => format!(
            "the claim of {} in job {} can be rejected for another {} s; wait",
            e.provider,
            job(e.jobId),
            wait(e.challengeEndsAt, e.timestamp)
        ),
        E::ClaimWindowOver(e) => format!(
            "the claim of {} in job {} cannot be rejected any more; anyone may have it paid",
            e.provider,
            job(e.jobId)
        ),
        E::ClaimOnlyDisputes(e) => format!("only {} judges claims here, not {}", e.disputes, e.caller),
        // Each error is named in one of the three parts.
        _ => "the escrow refused".into(),
    }
}

fn too_long(what: &str, seconds: u32, most: u32) -> String {
    format!("{what} of {seconds} s is too long; at most {most} s are allowed")
}
