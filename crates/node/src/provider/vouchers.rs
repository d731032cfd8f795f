//! Vouchers a provider holds: checked, kept, and redeemed by itself when the requestor does not settle.

use crate::{requestor::refusal::chain, services::Services};
use rayswarm_model::{
    Address, UnixMillis, canonical,
    signed::{SignatureError, SignedVoucher},
};
use rayswarm_network::work::JobInvite;
use rayswarm_settlement::{JobState, SettlementError};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

use crate::journal::{HeldVoucher, JournalError};

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
        job: rayswarm_model::JobId,
    },
    /// It is not the requestor's.
    #[error("the voucher is not the requestor's")]
    Signature(#[from] SignatureError),
    /// It cannot be written down.
    #[error("the voucher cannot be written down")]
    Journal(#[from] JournalError),
}

/// How often the chain is asked whether vouchers are paid.
const LOOK_EVERY: Duration = Duration::from_secs(5);
/// How long before a job's deadline an unpaid voucher is redeemed.
const REDEEM_BEFORE: Duration = Duration::from_secs(600);

/// Checks a voucher and keeps it.
pub fn keep(services: &Services, invite: &JobInvite, signed: &[u8]) -> Result<(), VoucherError> {
    let voucher: SignedVoucher = canonical::decode("voucher", signed)?;
    let (provider, job) = (voucher.message.provider, voucher.message.job);
    if provider != services.identity.account.address() || job != invite.job {
        return Err(VoucherError::NotOurs { provider, job });
    }
    voucher.signed_by(&services.domain, invite.requestor)?;
    let cumulative = voucher.message.cumulative;
    services.journal.save_voucher(&HeldVoucher {
        job,
        cumulative,
        deadline: invite.deadline,
        voucher: signed.into(),
    })?;
    Ok(())
}

/// Watches the chain until `stop`; redeems what nobody else does.
pub async fn watch(services: Arc<Services>, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let held = match services.journal.open_vouchers() {
            Ok(held) => held,
            Err(error) => {
                tracing::error!(error = %chain(&error), "vouchers cannot be read");
                continue;
            }
        };
        for voucher in held {
            if let Err(error) = look_after(&services, &voucher, crate::clock::now()).await {
                tracing::warn!(job = %voucher.job.short(), error = %chain(&error), "a voucher was not settled");
            }
        }
    }
}

async fn look_after(services: &Services, held: &HeldVoucher, now: UnixMillis) -> Result<(), SettlementError> {
    let account = services.identity.account.address();
    let paid = services.settlement.paid_to(held.job, account).await?;
    let settled = || {
        if let Err(error) = services.journal.voucher_paid(held.job) {
            tracing::error!(error = %chain(&error), "a payment cannot be noted");
        }
    };
    if paid >= held.cumulative {
        settled();
        return Ok(());
    }
    let closing = services.settlement.job(held.job).await?.state != JobState::Open;
    if !closing && now.after(REDEEM_BEFORE) < held.deadline {
        return Ok(());
    }
    let Ok(voucher) = canonical::decode::<SignedVoucher>("voucher", &held.voucher) else {
        return Ok(());
    };
    services.settlement.redeem(held.job, &[voucher]).await?;
    tracing::info!(job = %held.job.short(), amount = %held.cumulative, "redeemed a voucher");
    settled();
    Ok(())
}
