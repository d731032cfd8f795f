//! What happened to a job, read back from the chain's events: what a restarted daemon reports from.

use super::{amount_from_chain, instant};
use crate::{
    bindings::escrow::JobEscrow::JobEscrowEvents, error::SettlementError, sender::Mined, settlement::Settlement,
};
use alloy::{
    primitives::{Address, B256},
    rpc::types::{Filter, Log},
    sol_types::SolEventInterface,
};
use rayswarm_model::{Amount, JobId, UnixMillis};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
    /// Caps were published.
    Allocated {
        /// The epoch's number.
        epoch: u32,
        /// [`rayswarm_model::Caps::root`] of them.
        root: B256,
        /// Their sum.
        total: Amount,
        /// Hash of the document from which anyone recomputes the choice.
        document: B256,
        /// When they are in force.
        force_at: UnixMillis,
    },
    /// Caps took force.
    InForce {
        /// The epoch's number.
        epoch: u32,
    },
    /// Caps did not fit any more when their notice was over; the former stay in force.
    Lapsed {
        /// The epoch's number.
        epoch: u32,
    },
    /// A provider was paid, by voucher.
    Redeemed {
        /// Who.
        provider: Address,
        /// How much now.
        amount: Amount,
        /// How much in this job altogether.
        paid: Amount,
    },
    /// A cap could not cover a voucher.
    Underfunded {
        /// Whose.
        provider: Address,
        /// What it is still owed.
        unpaid: Amount,
    },
    /// All providers were paid at one stroke.
    Settled {
        /// How much.
        amount: Amount,
    },
    /// What such a settlement paid to one provider was written down.
    Recorded {
        /// Who.
        provider: Address,
        /// How much in this job altogether.
        paid: Amount,
    },
    /// A provider claimed what it had earned.
    Claimed {
        /// Who.
        provider: Address,
        /// How much is held back for it.
        amount: Amount,
        /// What it says to have earned in this job altogether.
        cumulative: Amount,
        /// What binds it to its results.
        commitment: B256,
        /// Until when it can be rejected.
        challenge_ends_at: UnixMillis,
    },
    /// A claim was paid.
    ClaimPaid {
        /// To whom.
        provider: Address,
        /// How much now.
        amount: Amount,
        /// How much in this job altogether.
        paid: Amount,
    },
    /// A claim was rejected; a committee judges.
    Disputed {
        /// Whose.
        provider: Address,
    },
    /// A claim was found good.
    Upheld {
        /// Whose.
        provider: Address,
    },
    /// A claim was found bad; nothing is held back for it any more.
    Released {
        /// Whose.
        provider: Address,
        /// How much.
        amount: Amount,
    },
    /// It ended before it had any caps.
    Cancelled,
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

/// What a provider has claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FiledClaim {
    /// What it says to have earned in this job altogether.
    pub cumulative: Amount,
    /// What binds it to its results.
    pub commitment: B256,
}

impl Settlement {
    /// All events of a job from block `from_block` on, oldest first. Public servers limit how far back one may ask;
    /// give the block in which the job was opened.
    pub async fn job_history(&self, job_id: JobId, from_block: u64) -> Result<Vec<JobEvent>, SettlementError> {
        let filter = Filter::new().address(self.contracts().escrow).topic1(job_id.as_b256());
        let logs = self.rpc.logs_since(&filter, from_block).await?;
        logs.iter().filter_map(decode).collect()
    }

    /// The last claim of everybody who has claimed in a job, ended or not, from block `from_block` on.
    pub async fn claims_filed(
        &self,
        job_id: JobId,
        from_block: u64,
    ) -> Result<BTreeMap<Address, FiledClaim>, SettlementError> {
        let filed = |event: JobEvent| match event.kind {
            JobEventKind::Claimed {
                provider,
                cumulative,
                commitment,
                ..
            } => Some((provider, FiledClaim { cumulative, commitment })),
            _ => None,
        };
        let history = self.job_history(job_id, from_block).await?;
        Ok(history.into_iter().filter_map(filed).collect())
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
    let event = JobEscrowEvents::decode_log(&log.inner).ok()?.data;
    let kind = kind_of(event).transpose()?;
    Some(kind.map(|kind| JobEvent {
        tx: log.transaction_hash.unwrap_or_default(),
        block: log.block_number.unwrap_or_default(),
        kind,
    }))
}

fn kind_of(event: JobEscrowEvents) -> Result<Option<JobEventKind>, SettlementError> {
    use JobEscrowEvents as E;
    let amount = |value| amount_from_chain("eth_getLogs", value);
    Ok(Some(match event {
        E::JobOpened(e) => JobEventKind::Opened {
            budget: Amount(e.terms.budget),
        },
        E::JobToppedUp(e) => JobEventKind::ToppedUp {
            amount: Amount(e.amount),
        },
        E::AllocationPublished(e) => JobEventKind::Allocated {
            epoch: e.epoch,
            root: e.root,
            total: Amount(e.total),
            document: e.documentHash,
            force_at: instant(e.forceAt),
        },
        E::AllocationInForce(e) => JobEventKind::InForce { epoch: e.epoch },
        E::AllocationLapsed(e) => JobEventKind::Lapsed { epoch: e.epoch },
        E::VoucherRedeemed(e) => JobEventKind::Redeemed {
            provider: e.provider,
            amount: amount(e.amount)?,
            paid: amount(e.paid)?,
        },
        // A requestor may sign any number; whatever does not fit is shown as the largest that does.
        E::VoucherUnderfunded(e) => JobEventKind::Underfunded {
            provider: e.provider,
            unpaid: Amount(e.unpaid.saturating_to()),
        },
        E::JobSettled(e) => JobEventKind::Settled {
            amount: amount(e.total)?,
        },
        E::SettlementRecorded(e) => JobEventKind::Recorded {
            provider: e.provider,
            paid: amount(e.paid)?,
        },
        E::ClaimFiled(e) => JobEventKind::Claimed {
            provider: e.provider,
            amount: amount(e.amount)?,
            cumulative: amount(e.cumulative)?,
            commitment: e.resultCommitment,
            challenge_ends_at: instant(e.challengeEndsAt),
        },
        E::ClaimPaid(e) => JobEventKind::ClaimPaid {
            provider: e.provider,
            amount: amount(e.amount)?,
            paid: amount(e.paid)?,
        },
        E::ClaimDisputed(e) => JobEventKind::Disputed { provider: e.provider },
        E::ClaimUpheld(e) => JobEventKind::Upheld { provider: e.provider },
        E::ClaimReleased(e) => JobEventKind::Released {
            provider: e.provider,
            amount: amount(e.amount)?,
        },
        E::JobClosed(e) => JobEventKind::Closed {
            refundable_at: instant(e.refundableAt),
        },
        E::JobCancelled(_) => JobEventKind::Cancelled,
        E::JobRefunded(e) => JobEventKind::Refunded {
            amount: Amount(e.amount),
        },
        E::FeesCollected(_) | E::EIP712DomainChanged(_) => return Ok(None),
    }))
}
