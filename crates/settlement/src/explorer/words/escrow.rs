//! What the escrow makes known, in words.

use super::{Words, short};
use crate::bindings::escrow::JobEscrow::JobEscrowEvents;
use alloy::{
    primitives::{B256, Log, U256},
    sol_types::SolEventInterface,
};
use rayswarm_model::JobId;

impl Words<'_> {
    pub(super) fn escrow(&self, topic: B256, log: &Log) -> Option<(&'static str, String)> {
        use JobEscrowEvents as E;
        let tokens = |amount: u128| self.tokens(U256::from(amount));
        let text = match JobEscrowEvents::decode_log(log).ok()?.data {
            E::JobOpened(e) => {
                let budget = self.amount(e.terms.token, U256::from(e.terms.budget));
                format!("{} locked {budget} for job {}", short(e.requestor), job(e.jobId))
            }
            E::JobToppedUp(e) => {
                let (amount, all) = (tokens(e.amount), tokens(e.deposited));
                let (payer, job) = (short(e.payer), job(e.jobId));
                format!("{payer} added {amount} to job {job}, which has got {all} in all")
            }
            E::AllocationPublished(e) => format!(
                "job {} caps its providers at {} together in epoch {}",
                job(e.jobId),
                tokens(e.total),
                e.epoch
            ),
            E::AllocationInForce(e) => format!("the caps of epoch {} of job {} are in force", e.epoch, job(e.jobId)),
            E::AllocationLapsed(e) => format!(
                "the caps of epoch {} of job {} did not fit any more; the former stay in force",
                e.epoch,
                job(e.jobId)
            ),
            E::VoucherRedeemed(e) => self.paid(e.jobId, short(e.provider), e.amount, e.paid),
            E::VoucherUnderfunded(e) => format!(
                "the cap of {} in job {} is too low to pay the last {}",
                short(e.provider),
                job(e.jobId),
                self.tokens(e.unpaid)
            ),
            E::JobSettled(e) => format!(
                "job {} paid all its providers {} at one stroke",
                job(e.jobId),
                self.tokens(e.total)
            ),
            E::SettlementRecorded(e) => format!(
                "{} has got {} from job {} in all, which is written down now",
                short(e.provider),
                self.tokens(e.paid),
                job(e.jobId)
            ),
            E::ClaimFiled(e) => format!(
                "{} claims {} of job {}; its requestor may reject that for a while",
                short(e.provider),
                self.tokens(e.amount),
                job(e.jobId)
            ),
            E::ClaimPaid(e) => self.paid(e.jobId, short(e.provider), e.amount, e.paid),
            E::ClaimDisputed(e) => format!(
                "the claim of {} in job {} was rejected; a committee judges",
                short(e.provider),
                job(e.jobId)
            ),
            E::ClaimUpheld(e) => format!(
                "the claim of {} in job {} was found good",
                short(e.provider),
                job(e.jobId)
            ),
            E::ClaimReleased(e) => format!(
                "the claim of {} in job {} was found bad",
                short(e.provider),
                job(e.jobId)
            ),
            E::JobClosed(e) => format!("job {} was closed; vouchers are still paid for a while", job(e.jobId)),
            E::JobCancelled(e) => format!("job {} was cancelled before anybody had a cap", job(e.jobId)),
            E::JobRefunded(e) => {
                let (amount, requestor) = (tokens(e.amount), short(e.requestor));
                format!("{amount} of job {} went back to {requestor}", job(e.jobId))
            }
            E::FeesCollected(e) => format!(
                "fees of {} went to {}",
                self.amount(e.token, e.amount),
                short(e.recipient)
            ),
            E::EIP712DomainChanged(_) => "signatures are valid elsewhere from now on".into(),
        };
        Some((JobEscrowEvents::name_by_selector(topic.0)?, text))
    }

    fn paid(&self, id: B256, provider: String, amount: U256, all: U256) -> String {
        let (amount, all) = (self.tokens(amount), self.tokens(all));
        format!(
            "job {} paid {amount} to {provider}, which has got {all} from it in all",
            job(id)
        )
    }
}

pub(super) fn job(id: B256) -> String {
    JobId::from(id).short()
}
