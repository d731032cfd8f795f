//! The way out of a provider whose requestor is silent: claim, wait for the challenge window, be paid.

use super::{amount_from_chain, instant, payments::proof_to_chain};
use crate::{bindings::escrow::JobEscrow, error::SettlementError, sender::Mined, settlement::Settlement};
use alloy::primitives::{Address, B256, U256};
use rayswarm_model::{Amount, Caps, JobId, UnixMillis};

/// Where a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimState {
    /// The requestor may still reject it.
    Pending,
    /// It was rejected; a committee judges.
    Disputed,
    /// It was found good.
    Upheld,
}

/// A claim that has not ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// What is held back for it.
    pub amount: Amount,
    /// Until when the requestor may reject it.
    pub challenge_ends_at: UnixMillis,
    /// Where it stands.
    pub state: ClaimState,
}

impl Settlement {
    /// The claim of `provider` in a job, if it has one.
    pub async fn claim_of(&self, job_id: JobId, provider: Address) -> Result<Option<Claim>, SettlementError> {
        let call = JobEscrow::claimOfCall {
            jobId: job_id.as_b256(),
            provider,
        };
        let found = self.read_escrow("reading a claim", call).await?;
        // In the order of the contract's enum, which the ABI numbers.
        let state = match found.state {
            0 => return Ok(None),
            1 => ClaimState::Pending,
            2 => ClaimState::Disputed,
            3 => ClaimState::Upheld,
            other => {
                let reason = format!("unknown claim state {other}");
                return Err(SettlementError::Nonsense {
                    method: "claimOf",
                    reason,
                });
            }
        };
        Ok(Some(Claim {
            amount: amount_from_chain("claimOf", U256::from(found.amount))?,
            challenge_ends_at: instant(found.challengeEndsAt),
            state,
        }))
    }

    /// What `provider` has used of its cap in the epoch in force, by payments and claims.
    pub async fn used_of(&self, job_id: JobId, provider: Address) -> Result<Amount, SettlementError> {
        let call = JobEscrow::usedOfCall {
            jobId: job_id.as_b256(),
            provider,
        };
        amount_from_chain("usedOf", self.read_escrow("reading what a cap has paid", call).await?)
    }

    /// Claims that this account has earned `cumulative` in a job so far; `commitment` binds it to its results
    /// ([`rayswarm_model::allocation::result_commitment`]). What of it the cap cannot cover is left out. `None` when a
    /// claim is open already, or nothing would be claimed.
    pub async fn claim(
        &self,
        job_id: JobId,
        cumulative: Amount,
        commitment: B256,
        caps: &Caps,
    ) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        let account = self.account();
        if self.claim_of(job_id, account).await?.is_some() {
            return Ok(None);
        }
        let Some(proof) = caps.proof(account) else {
            return Ok(None);
        };
        let paid = self.paid_to(job_id, account).await?;
        let used = self.used_of(job_id, account).await?;
        let left = proof.cap.checked_minus(used).unwrap_or_default();
        let wanted = cumulative.checked_minus(paid).unwrap_or_default().min(left);
        if wanted == Amount::ZERO {
            return Ok(None);
        }
        let call = JobEscrow::claimCall {
            jobId: job_id.as_b256(),
            cumulative: U256::from([paid, wanted].into_iter().sum::<Amount>().0),
            resultCommitment: commitment,
            cap: proof_to_chain(&proof),
        };
        let receipt = self.escrow(&turn, "claiming what was earned", call).await?;
        Ok(Some(Mined::from(&receipt)))
    }

    /// Pays a claim whose challenge window is over, or that was upheld; before, the error is transient. Anybody's account
    /// may do this. `None` when there is no claim any more.
    pub async fn pay_claim(&self, job_id: JobId, provider: Address) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        if self.claim_of(job_id, provider).await?.is_none() {
            return Ok(None);
        }
        let call = JobEscrow::payClaimCall {
            jobId: job_id.as_b256(),
            provider,
        };
        let receipt = self.escrow(&turn, "being paid a claim", call).await?;
        Ok(Some(Mined::from(&receipt)))
    }
}
