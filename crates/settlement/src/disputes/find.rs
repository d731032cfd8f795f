//! Which disputes and which seats there are, found in the contract's events.

use super::dispute_id;
use crate::{
    bindings::disputes::Disputes::{ClaimRejected, JurorsDrawn},
    error::SettlementError,
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, U256},
    rpc::types::{Filter, Log},
    sol_types::SolEvent,
};
use rayswarm_model::{DisputeId, JobId};
use serde::{Deserialize, Serialize};

/// A juror's place in the committee of one round.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Seat {
    /// The dispute.
    pub dispute: DisputeId,
    /// The round, from 0.
    pub round: u8,
}

/// What the blocks from one on hold, and from which block to ask next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Since<T> {
    /// Oldest first.
    pub found: Vec<T>,
    /// The first block that may still be replaced, or is not there yet: what later blocks held is found again then.
    pub next_block: u64,
}

impl Settlement {
    /// Rejections from block `from_block` on, of claims in one job or in all, of one provider or of all.
    pub async fn disputes_of(
        &self,
        job: Option<JobId>,
        provider: Option<Address>,
        from_block: u64,
    ) -> Result<Since<DisputeId>, SettlementError> {
        let mut filter = self.events_of::<ClaimRejected>();
        if let Some(job) = job {
            filter = filter.topic2(job.as_b256());
        }
        if let Some(provider) = provider {
            filter = filter.topic3(provider.into_word());
        }
        self.since(&filter, from_block, |rejected: ClaimRejected| {
            dispute_id("eth_getLogs", rejected.disputeId).map(Some)
        })
        .await
    }

    /// Seats that `juror` was drawn for from block `from_block` on.
    pub async fn seats_of(&self, juror: Address, from_block: u64) -> Result<Since<Seat>, SettlementError> {
        let filter = self.events_of::<JurorsDrawn>();
        self.since(&filter, from_block, |drawn: JurorsDrawn| {
            if !drawn.jurors.contains(&juror) {
                return Ok(None);
            }
            let dispute = dispute_id("eth_getLogs", drawn.disputeId)?;
            let round = drawn.round;
            Ok(Some(Seat { dispute, round }))
        })
        .await
    }

    /// The jurors of a committee that was drawn in block `from_block` or later; none when there was none.
    pub async fn jurors_of(&self, seat: Seat, from_block: u64) -> Result<Vec<Address>, SettlementError> {
        let filter = self
            .events_of::<JurorsDrawn>()
            .topic1(U256::from(seat.dispute.0))
            .topic2(U256::from(seat.round));
        let drawn = self
            .since(&filter, from_block, |drawn: JurorsDrawn| Ok(Some(drawn.jurors)))
            .await?;
        Ok(drawn.found.into_iter().next_back().unwrap_or_default())
    }

    /// The dispute about the claim of `provider` in a job that is not concluded, if there is one. The newest are looked
    /// at first, so it is quick while it is new.
    pub async fn open_dispute(&self, job_id: JobId, provider: Address) -> Result<Option<DisputeId>, SettlementError> {
        for id in (1..=self.dispute_count().await?).rev().map(DisputeId) {
            let found = self.dispute(id).await?;
            if let Some(dispute) = found.filter(|found| found.job == job_id && found.provider == provider) {
                return Ok((!dispute.concluded).then_some(id));
            }
        }
        Ok(None)
    }

    fn events_of<E: SolEvent>(&self) -> Filter {
        Filter::new()
            .address(self.disputes())
            .event_signature(E::SIGNATURE_HASH)
    }

    async fn since<E: SolEvent, T>(
        &self,
        filter: &Filter,
        from_block: u64,
        read: impl Fn(E) -> Result<Option<T>, SettlementError>,
    ) -> Result<Since<T>, SettlementError> {
        // Asked first: what stays now is among the events that are read next.
        let newest = self.height().await?;
        let stays = self.finalized(newest).await?;
        let logs = self.rpc.logs_between(filter, from_block, newest).await?;
        let event = |log: &Log| E::decode_log(&log.inner).ok().map(|event| read(event.data));
        let found: Result<Vec<_>, _> = logs.iter().filter_map(event).collect();
        Ok(Since {
            found: found?.into_iter().flatten().collect(),
            next_block: from_block.max(stays.saturating_add(1)),
        })
    }
}
