//! The caps of a job, epoch by epoch: what is in force, what waits for its notice, publishing the next.

use super::instant;
use crate::{bindings::escrow::JobEscrow, error::SettlementError, sender::Mined, settlement::Settlement};
use alloy::primitives::B256;
use rayswarm_model::{Amount, Caps, JobId, UnixMillis};

/// What the chain knows of a job's caps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    /// Number of the epoch in force; 0 before the first.
    pub epoch: u32,
    /// [`Caps::seal`] of the caps in force. Zero before the first epoch, and between a cooperative settlement and its
    /// recording.
    pub caps: B256,
    /// Their sum.
    pub total: Amount,
    /// The next epoch, while its notice runs.
    pub pending: Option<PendingEpoch>,
}

/// An epoch that is not in force yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PendingEpoch {
    /// [`Caps::seal`] of its caps.
    pub caps: B256,
    /// Their sum.
    pub total: Amount,
    /// When its notice is over. It takes force then if it still fits what is free.
    pub force_at: UnixMillis,
}

/// Caps are published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocated {
    /// The publication; `None` when these caps were in force or waiting already.
    pub transaction: Option<Mined>,
    /// When they are in force; `None` when they are.
    pub force_at: Option<UnixMillis>,
}

impl Epochs {
    /// Whether these caps are in force.
    pub fn in_force(&self, caps: &Caps) -> bool {
        self.caps == caps.seal() && !self.caps.is_zero()
    }

    /// Since when these caps are in force, if they wait for their notice.
    pub fn waits(&self, caps: &Caps) -> Option<UnixMillis> {
        let pending = self.pending.filter(|pending| pending.caps == caps.seal());
        pending.map(|pending| pending.force_at)
    }
}

impl Settlement {
    /// The job's caps as they are now.
    pub async fn epochs(&self, job_id: JobId) -> Result<Epochs, SettlementError> {
        let call = JobEscrow::allocationCall {
            jobId: job_id.as_b256(),
        };
        let found = self.read_escrow("reading the caps", call).await?;
        let pending = (found.pendingAt != 0).then_some(PendingEpoch {
            caps: found.pendingCaps,
            total: Amount(found.pendingTotal),
            force_at: instant(found.pendingAt),
        });
        Ok(Epochs {
            epoch: found.epoch,
            caps: found.caps,
            total: Amount(found.total),
            pending,
        })
    }

    /// Publishes caps of one of this account's jobs; `document_hash` names the reason of the choice. The first epoch is in
    /// force at once, a later one after the job's notice.
    pub async fn allocate(
        &self,
        job_id: JobId,
        caps: &Caps,
        document_hash: B256,
    ) -> Result<Allocated, SettlementError> {
        let turn = self.sender.turn().await;
        let mut transaction = None;
        let mut epochs = self.epochs(job_id).await?;
        if !epochs.in_force(caps) && epochs.waits(caps).is_none() {
            let call = JobEscrow::allocateCall {
                jobId: job_id.as_b256(),
                root: caps.root(),
                total: caps.total().0,
                documentHash: document_hash,
            };
            let receipt = self.escrow(&turn, "publishing the caps", call).await?;
            transaction = Some(Mined::from(&receipt));
            epochs = self.epochs(job_id).await?;
        }
        Ok(Allocated {
            transaction,
            force_at: epochs.waits(caps),
        })
    }
}
