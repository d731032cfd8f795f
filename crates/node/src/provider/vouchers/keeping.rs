//! Vouchers and caps that came for work of this node, checked and kept.

use crate::{
    journal::{HeldVoucher, Journal, JournalError},
    services::Services,
};
use rayswarm_model::{
    Address, Allocation, JobId, NodeId,
    allocation::CapsError,
    canonical,
    signed::{Domain, SignatureError, SignedVoucher},
};

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

/// Caps are not kept.
#[derive(Debug, thiserror::Error)]
pub enum CapsRefusal {
    /// They do not read.
    #[error("the caps do not read")]
    Unreadable(#[from] canonical::CanonicalError),
    /// They are for another job, or another node sent them than the one that invited to it.
    #[error("the caps are for job {0}, which is not this work of this requestor")]
    NotOurs(JobId),
    /// No contract would take them.
    #[error("the caps are none")]
    Unusable(#[from] CapsError),
    /// They cannot be written down.
    #[error("the caps cannot be written down")]
    Journal(#[from] JournalError),
}

/// Checks a voucher for a job that this node accepted at some time, and keeps it.
pub fn keep(services: &Services, job: JobId, signed: &[u8]) -> Result<(), VoucherError> {
    let account = services.identity.account.address();
    keep_in(&services.journal, &services.domain, account, job, signed)
}

pub(super) fn keep_in(
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

/// Keeps caps for a job that this node accepted at some time at the invitation of `from`. Whether they count, the chain tells.
pub fn keep_caps(journal: &Journal, from: NodeId, job: JobId, document: &[u8]) -> Result<(), CapsRefusal> {
    let allocation: Allocation = canonical::decode("allocation", document)?;
    let worked = journal.worked_job(job)?;
    if allocation.job != job || worked.is_none_or(|worked| worked.node != Some(from)) {
        return Err(CapsRefusal::NotOurs(allocation.job));
    }
    let seal = allocation.caps()?.seal();
    Ok(journal.save_caps(job, seal, document)?)
}
