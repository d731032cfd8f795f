//! The job's money: lock the budget, sign vouchers for verified work, settle, take the rest back. Every step may be
//! repeated after a crash.

use super::record::JobRecord;
use crate::{clock, config::ChainChoice, services::Services};
use rayswarm_api::job::EscrowView;
use rayswarm_model::{
    Address, Amount, B256, FailureKind, JobId,
    signed::{Signed, SignedVoucher, Voucher},
};
use rayswarm_settlement::{JobTerms, Mined, SettlementError};
use std::{collections::BTreeMap, time::Duration};

/// How often the chain is asked whether the exit window has passed.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// How long a provider can still redeem a voucher after the requestor has closed the job. The close pays every voucher
/// that was ever signed, so the window is for a requestor that leaves one out. On the embedded development chain short: it
/// seals at once, and the artist waits for the refund.
const EXIT_WINDOW_EMBEDDED: Duration = Duration::from_secs(2);
/// The same on any other chain: a provider must notice the close and get its payment into a block, and blocks of twelve
/// seconds may be full.
const EXIT_WINDOW: Duration = Duration::from_secs(120);

/// What verified work has earned, per account.
pub type Earnings = BTreeMap<Address, Amount>;

/// Locks the budget. A job that is open already, from before a crash, is success.
pub async fn open(
    services: &Services,
    record: &mut JobRecord,
    manifest: B256,
    plan: B256,
) -> Result<(), SettlementError> {
    let budget = record.quote.as_ref().map_or(Amount::ZERO, |quote| quote.budget);
    let terms = JobTerms {
        manifest_hash: manifest,
        plan_hash: plan,
        token: services.settlement.contracts().token,
        budget,
        deadline: record.deadline_at,
        exit_window: exit_window(&services.config.chain),
    };
    let opened = services.settlement.open_job(&terms, record.salt).await?;
    note(record, &opened.transactions);
    refresh(services, record).await
}

const fn exit_window(chain: &ChainChoice) -> Duration {
    match chain {
        ChainChoice::Embedded(_) => EXIT_WINDOW_EMBEDDED,
        ChainChoice::Remote(_) | ChainChoice::FromTicket => EXIT_WINDOW,
    }
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

/// Pays every provider in one transaction and waits for the rest to come back.
pub async fn settle(services: &Services, record: &mut JobRecord, earnings: &Earnings) -> Result<(), SettlementError> {
    let earned = earnings.iter().filter(|(_, amount)| **amount > Amount::ZERO);
    let vouchers: Vec<SignedVoucher> = earned
        .map(|(provider, amount)| voucher(services, record.id, *provider, *amount))
        .collect();
    let closed = services.settlement.close_job(record.id, &vouchers).await?;
    for short in &closed.redeemed.unpaid {
        // The plan is cut to the budget, so this is a fault of ours; the provider keeps its voucher.
        tracing::error!(job = %record.id.short(), provider = %short.provider, amount = %short.amount, "underpaid");
    }
    note(record, &closed.redeemed.transactions);
    loop {
        // The chain's clock is this machine's on a development chain, and close to it elsewhere.
        tokio::time::sleep(closed.refundable_at.since(clock::now()).max(LOOK_EVERY)).await;
        match services.settlement.refund(record.id).await {
            Ok(refunded) => {
                note(record, refunded.transaction.as_slice());
                recall(services, record).await?;
                return refresh(services, record).await;
            }
            Err(error) if error.kind() == FailureKind::Transient => tracing::debug!(%error, "not refunded yet"),
            Err(error) => return Err(error),
        }
    }
}

/// Reads the escrow.
pub async fn refresh(services: &Services, record: &mut JobRecord) -> Result<(), SettlementError> {
    let job = services.settlement.job(record.id).await?;
    record.escrow = EscrowView {
        deposited: job.deposited,
        paid: job.paid,
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
fn note(record: &mut JobRecord, transactions: &[Mined]) {
    let settlement = &mut record.settlement;
    for mined in transactions {
        let hash = mined.tx.to_string();
        if !settlement.transactions.contains(&hash) {
            settlement.transactions.push(hash);
            settlement.gas_used += mined.gas_used;
        }
    }
}
