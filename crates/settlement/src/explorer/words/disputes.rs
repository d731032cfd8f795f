//! What disputes make known, in words.

use super::{Words, escrow::job, short};
use crate::bindings::disputes::Disputes::DisputesEvents;
use alloy::{
    primitives::{B256, Log},
    sol_types::SolEventInterface,
};

impl Words<'_> {
    pub(super) fn disputes(&self, topic: B256, log: &Log) -> Option<(&'static str, String)> {
        use DisputesEvents as E;
        let text = match DisputesEvents::decode_log(log).ok()?.data {
            E::ClaimRejected(e) => format!(
                "dispute {}: the claim of {} in job {} was rejected for task {}",
                e.disputeId,
                short(e.provider),
                job(e.jobId),
                e.taskId
            ),
            E::RoundOpened(e) => format!(
                "dispute {}: {} opened round {} with a bond of {}",
                e.disputeId,
                short(e.bonder),
                e.round,
                Self::stake(e.bond)
            ),
            E::DrawRearmed(e) => format!("dispute {}: jurors are drawn after block {}", e.disputeId, e.drawBlock),
            E::JurorsDrawn(e) => format!("dispute {}: {} jurors were drawn", e.disputeId, e.jurors.len()),
            E::JurorsMissing(e) => format!(
                "dispute {}: there are too few jurors for {} seats",
                e.disputeId, e.seats
            ),
            E::VerdictCommitted(e) => format!("dispute {}: {} committed to a verdict", e.disputeId, short(e.juror)),
            E::VerdictRevealed(e) => format!(
                "dispute {}: {} says {}",
                e.disputeId,
                short(e.juror),
                verdict(e.verdict)
            ),
            E::DisputeConcluded(e) => format!(
                "dispute {} ended: the work is {}; {} were slashed",
                e.disputeId,
                verdict(e.verdict),
                Self::stake(e.slashed)
            ),
            E::JurorPaid(e) => format!(
                "dispute {}: {} earned {} as a juror",
                e.disputeId,
                short(e.juror),
                Self::stake(e.amount)
            ),
            E::Credited(e) => format!("{} wait for {}", Self::stake(e.amount), short(e.account)),
            E::Withdrawn(e) => format!("{} fetched {}", short(e.account), Self::stake(e.amount)),
        };
        Some((DisputesEvents::name_by_selector(topic.0)?, text))
    }
}

/// In the order of the contract's enum, which the ABI numbers.
const fn verdict(number: u8) -> &'static str {
    match number {
        1 => "good",
        2 => "bad",
        _ => "not judged",
    }
}
