//! What happened to a job, read back from the chain's events: what a restarted daemon reports from.

use super::amount_from_chain;
use crate::{bindings::escrow::JobEscrow, error::SettlementError, sender::Mined, settlement::Settlement};
use alloy::{
    primitives::{Address, B256},
    rpc::types::{Filter, Log},
    sol_types::SolEventInterface,
};
use rayswarm_model::{Amount, JobId, UnixMillis};
use serde::{Deserialize, Serialize};

/// One event of a job's escrow.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobEvent {
    /// The transaction that caused it.
    pub tx: B256,
    /// Height of its block.
    pub block: u64,
    /// What happened.
    #[serde(flatten)]
    pub kind: JobEventKind,
}

/// What happened to a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JobEventKind {
    /// It was opened.
    Opened {
        /// What was locked.
        budget: Amount,
    },
    /// Its budget grew.
    ToppedUp {
        /// By how much.
        amount: Amount,
    },
    /// A provider was paid.
    Redeemed {
        /// Who.
        provider: Address,
        /// How much now.
        amount: Amount,
        /// How much in this job altogether.
        paid: Amount,
    },
    /// The deposit could not cover a voucher.
    Underfunded {
        /// Whose.
        provider: Address,
        /// What it is still owed.
        unpaid: Amount,
    },
    /// The exit window began.
    Closed {
        /// When it ends.
        refundable_at: UnixMillis,
    },
    /// The rest went back.
    Refunded {
        /// How much.
        amount: Amount,
    },
}

impl Settlement {
    /// All events of a job from block `from_block` on, oldest first. Public servers limit how far back one may ask;
    /// give the block in which the job was opened.
    pub async fn job_history(&self, job_id: JobId, from_block: u64) -> Result<Vec<JobEvent>, SettlementError> {
        let filter = Filter::new()
            .address(self.contracts().escrow)
            .topic1(job_id.as_b256())
            .from_block(from_block);
        self.rpc.logs(&filter).await?.iter().filter_map(decode).collect()
    }

    /// The transactions behind those events, oldest first, each once: also those that a daemon sent before it was
    /// killed, or that somebody else sent.
    pub async fn job_transactions(&self, job_id: JobId, from_block: u64) -> Result<Vec<Mined>, SettlementError> {
        let mut hashes: Vec<B256> = Vec::new();
        for event in self.job_history(job_id, from_block).await? {
            if hashes.last() != Some(&event.tx) {
                hashes.push(event.tx);
            }
        }
        let mut mined = Vec::new();
        for tx in hashes {
            mined.extend(self.rpc.receipt(tx).await?.as_ref().map(Mined::from));
        }
        Ok(mined)
    }
}

/// The escrow's event in this log, if it is one about a job.
pub(crate) fn decode(log: &Log) -> Option<Result<JobEvent, SettlementError>> {
    use JobEscrow::JobEscrowEvents as E;
    let amount = |value| amount_from_chain("eth_getLogs", value);
    let kind = match JobEscrow::JobEscrowEvents::decode_log(&log.inner).ok()?.data {
        E::JobOpened(e) => Ok(JobEventKind::Opened {
            budget: Amount(e.terms.budget),
        }),
        E::JobToppedUp(e) => Ok(JobEventKind::ToppedUp {
            amount: Amount(e.amount),
        }),
        E::VoucherRedeemed(e) => amount(e.amount).and_then(|now| {
            Ok(JobEventKind::Redeemed {
                provider: e.provider,
                amount: now,
                paid: amount(e.paid)?,
            })
        }),
        // A requestor may sign any number; whatever does not fit is shown as the largest that does.
        E::VoucherUnderfunded(e) => Ok(JobEventKind::Underfunded {
            provider: e.provider,
            unpaid: Amount(e.unpaid.saturating_to()),
        }),
        E::JobClosed(e) => Ok(JobEventKind::Closed {
            refundable_at: UnixMillis(e.refundableAt.saturating_mul(1_000)),
        }),
        E::JobRefunded(e) => Ok(JobEventKind::Refunded {
            amount: Amount(e.amount),
        }),
        E::EIP712DomainChanged(_) => return None,
    };
    Some(kind.map(|kind| JobEvent {
        tx: log.transaction_hash.unwrap_or_default(),
        block: log.block_number.unwrap_or_default(),
        kind,
    }))
}
