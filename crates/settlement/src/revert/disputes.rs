//! What the committees' contract refuses: rejections, draws, verdicts, and deployments that could not keep their promises.

use super::{job, tokens};
use crate::{bindings::disputes::Disputes::DisputesErrors, disputes::Phase};

pub(super) fn sentence(error: &DisputesErrors) -> String {
    use DisputesErrors as E;
    match error {
        E::DisputeUnknown(e) => format!("there is no dispute {}", e.disputeId),
        E::DisputePhaseWrong(e) => format!(
            "dispute {} is {}, so this cannot be done now",
            e.disputeId,
            Phase::from_number(e.phase).map_or_else(|| "elsewhere".into(), |phase| phase.to_string())
        ),
        E::DisputeNotRequestor(e) => format!(
            "job {} belongs to {}, not to {}; its owner must reject its claims",
            job(e.jobId),
            e.requestor,
            e.caller
        ),
        E::DisputeNotLoser(e) => format!(
            "dispute {} stands against {}, who alone may appeal, not {}",
            e.disputeId, e.loser, e.caller
        ),
        E::DisputeEvidenceMissing(_) => "a rejection or an appeal needs the hash of its evidence".into(),
        E::DisputeDrawNotDue(e) => format!(
            "the committee of dispute {} is drawn after block {} and the chain is at {}; wait",
            e.disputeId, e.drawBlock, e.blockNumber
        ),
        E::DisputeNotSeated(e) => format!(
            "{} has no seat in round {} of dispute {}",
            e.caller, e.round, e.disputeId
        ),
        E::DisputeCommitmentMissing(e) => format!("{} has committed to nothing in dispute {}", e.juror, e.disputeId),
        E::DisputeAlreadyCommitted(e) => format!("{} has committed already in dispute {}", e.juror, e.disputeId),
        E::DisputeAlreadyRevealed(e) => format!("{} has revealed already in dispute {}", e.juror, e.disputeId),
        E::DisputeVerdictInvalid(e) => format!("a verdict in dispute {} is good or bad", e.disputeId),
        E::DisputeRevealWrong(e) => format!(
            "what {} reveals in dispute {} is not what it committed to ({}, not {})",
            e.juror, e.disputeId, e.revealed, e.committed
        ),
        E::DisputeNoFee(e) => format!(
            "{} is owed no fee for round {} of dispute {}",
            e.juror, e.round, e.disputeId
        ),
        E::DisputeNothingToWithdraw(e) => format!("nothing waits for {} here", e.account),
        E::DisputeTokenTookFee(e) => format!(
            "the token {} kept a part of the bond ({} sent, {} arrived); this network's stake token must not",
            e.token,
            tokens(e.sent),
            tokens(e.received)
        ),
        E::SafeERC20FailedOperation(e) => {
            format!(
                "the stake token {} refused the transfer or is not an ERC-20 contract",
                e.token
            )
        }
        E::ReentrancyGuardReentrantCall(_) => "the stake token called back into the disputes".into(),
        E::SafeCastOverflowedUintDowncast(e) => format!("{} is more than the disputes can count", e.value),
        E::RandomnessHeaderWrong(_) | E::RLPInvalidEncoding(_) | E::FieldNotPresentInBlockHeader(_) => {
            "this is not the header of the draw block; give that one, in RLP".into()
        }
        other => deployment(other),
    }
}

fn deployment(error: &DisputesErrors) -> String {
    use DisputesErrors as E;
    match error {
        E::DisputeEscrowCodeWrong(e) => format!(
            "this is not the escrow that the deployment names (code hash {}, not {}); use its artifacts",
            e.actual, e.expected
        ),
        E::DisputeConfigZero(e) => format!("the deployment's setting {:?} is zero; choose another", e.field),
        E::DisputeConfigRounds(e) => format!("a deployment of {} committees; choose 1 to {}", e.rounds, e.maxRounds),
        E::DisputeConfigSeats(e) => format!(
            "committee {} has {} seats; choose odd numbers that grow",
            e.round, e.seats
        ),
        E::DisputeConfigBondTooSmall(e) => format!(
            "the bond of round {} is {} and its jurors cost {}; raise the bond",
            e.round,
            tokens(e.bond),
            tokens(e.fees)
        ),
        E::DisputeConfigUnbondingTooShort(e) => format!(
            "stake would be gone after {} s and disputes last {} s; lengthen the unbonding",
            e.unbondingSeconds, e.neededSeconds
        ),
        E::DisputeConfigFeeTooHigh(e) => format!(
            "a fee of {} basis points is above the {} that are allowed",
            e.feeBps, e.maxFeeBps
        ),
        E::Create2EmptyBytecode(_) | E::Create3EmptyBytecode(_) | E::FailedDeployment(_) => {
            "the escrow could not be created; is it there already?".into()
        }
        E::InsufficientBalance(_) => "the deployment has too few coins".into(),
        // Each error is named in one of the two parts.
        _ => "the disputes refused".into(),
    }
}
