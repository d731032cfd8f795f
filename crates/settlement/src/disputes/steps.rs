//! The steps of a dispute: reject, commit, reveal, appeal, conclude, be paid.

use super::{Phase, Seat, dispute_id};
use crate::{
    allowance::Allowance,
    bindings::disputes::Disputes,
    error::SettlementError,
    jobs::ClaimState,
    sender::{Mined, REWEIGHING_GAS, Turn},
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, B256, TxKind, U256},
    rpc::types::TransactionReceipt,
    sol_types::{SolCall, SolEvent},
};
use rayswarm_model::{DisputeId, JobId, TaskId, signed::Verdict};
use std::time::{Duration, Instant};

/// How long a dispute that a waiting transaction of ours is opening may take to appear.
const APPEARS_WITHIN: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A claim is disputed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// The dispute.
    pub dispute: DisputeId,
    /// The approval of the bond, if one was needed, and the rejection; none when the claim was disputed already.
    pub transactions: Vec<Mined>,
}

impl Settlement {
    /// Rejects the claim of `provider` in one of this account's jobs, for the sake of one task, with the bond of round 0.
    /// `evidence` is the keccak-256 of what jurors are given. A claim that is disputed already is a success.
    pub async fn reject_claim(
        &self,
        job_id: JobId,
        provider: Address,
        task: TaskId,
        evidence: B256,
    ) -> Result<Rejected, SettlementError> {
        let turn = self.sender.turn().await;
        let mut transactions = Vec::new();
        let state = async || -> Result<_, SettlementError> {
            Ok(self.claim_of(job_id, provider).await?.map(|claim| claim.state))
        };
        let mut now = state().await?;
        // In other states the contract says why not.
        if now == Some(ClaimState::Pending) {
            match self.allow_bond(&turn, 0, "the bond of a rejection").await {
                Err(error @ SettlementError::NotEnoughTokens { .. }) => {
                    now = state().await?;
                    // It paid for the rejection of an earlier life of ours.
                    if now != Some(ClaimState::Disputed) {
                        return Err(error);
                    }
                }
                approved => transactions.extend(approved?),
            }
        }
        if now == Some(ClaimState::Disputed) {
            let dispute = self.dispute_appeared(job_id, provider).await?;
            return Ok(Rejected { dispute, transactions });
        }
        let call = Disputes::rejectCall {
            jobId: job_id.as_b256(),
            provider,
            taskId: task.0,
            evidenceHash: evidence,
        };
        let dispute = match self.judge(&turn, "rejecting a claim", call).await {
            Ok(receipt) => {
                transactions.push(Mined::from(&receipt));
                rejected(&receipt)?
            }
            // A transaction that an earlier life of ours sent is in front of this one.
            Err(SettlementError::Reverted { revert, .. }) if revert.is_claim_disputed() => {
                self.dispute_appeared(job_id, provider).await?
            }
            Err(error) => return Err(error),
        };
        Ok(Rejected { dispute, transactions })
    }

    /// Commits this account to a verdict for its seat ([`Settlement::verdict_commitment`]); `None` when it has committed
    /// to the same already.
    pub async fn commit_verdict(&self, seat: Seat, commitment: B256) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        if let Some(committed) = self.ballot_in(seat).await?.commitment {
            return self.same_commitment(seat, committed, commitment);
        }
        self.in_round(seat).await?;
        let call = Disputes::commitVerdictCall {
            disputeId: U256::from(seat.dispute.0),
            commitment,
        };
        let sent = self.judge(&turn, "committing to a verdict", call).await;
        // An earlier transaction of ours is mined in between; the last one to commit begins the next phase at once.
        if let Err(SettlementError::Reverted { action, revert }) = &sent {
            if let Some(committed) = self.ballot_in(seat).await?.commitment {
                return self.same_commitment(seat, committed, commitment);
            }
            if revert.is_already_committed() {
                return Err(SettlementError::Overtaken { action });
            }
        }
        mined(sent, seat.dispute, Phase::Committing)
    }

    /// Reveals what this account committed to for its seat; `None` when it has already. While others may still commit,
    /// the error is transient.
    pub async fn reveal_verdict(
        &self,
        seat: Seat,
        verdict: Verdict,
        crop_hash: B256,
        salt: B256,
    ) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        if self.ballot_in(seat).await?.verdict.is_some() {
            return Ok(None);
        }
        self.in_round(seat).await?;
        let call = Disputes::revealVerdictCall {
            disputeId: U256::from(seat.dispute.0),
            verdict: verdict.number(),
            cropHash: crop_hash,
            salt,
        };
        match self.judge(&turn, "revealing a verdict", call).await {
            Err(SettlementError::Reverted { revert, .. }) if revert.is_already_revealed() => Ok(None),
            // An earlier transaction of ours is mined in between; the last one to reveal ends the round at once.
            Err(SettlementError::Reverted { .. }) if self.ballot_in(seat).await?.verdict.is_some() => Ok(None),
            other => mined(other, seat.dispute, Phase::Revealing),
        }
    }

    /// Appeals against what stands after round `round`, as its loser, with the bond of the next: the approval, if one was
    /// needed, and the appeal. Nothing is sent when the next round is open already; while the round may still change, the
    /// error is transient.
    pub async fn appeal(&self, id: DisputeId, round: u8, evidence: B256) -> Result<Vec<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        let mut transactions = Vec::new();
        if self.is_past(id, round).await? {
            return Ok(transactions);
        }
        let dispute = self.in_round(Seat { dispute: id, round }).await?;
        let present = self.round_of(id, round).await?;
        let loses = present.is_some_and(|present| dispute.loser(&present) == self.account());
        // Otherwise the contract says why not.
        if loses && self.dispute_phase(id).await? == Phase::Appealing {
            let next = round.saturating_add(1);
            match self.allow_bond(&turn, next, "the bond of an appeal").await {
                // It paid for the appeal of an earlier life of ours.
                Err(SettlementError::NotEnoughTokens { .. }) if self.is_past(id, round).await? => {
                    return Ok(transactions);
                }
                approved => transactions.extend(approved?),
            }
        }
        let call = Disputes::appealCall {
            disputeId: U256::from(id.0),
            evidenceHash: evidence,
        };
        match self.judge(&turn, "appealing", call).await {
            Err(SettlementError::Reverted { revert, .. })
                if revert.phase().is_some() && self.is_past(id, round).await? => {}
            other => transactions.extend(mined(other, id, Phase::Appealing)?),
        }
        Ok(transactions)
    }

    /// Ends a dispute whose time is over: tells the escrow, slashes or releases stake, divides the bonds. Anybody's account
    /// may do this. Before, the error is transient; `None` when it has ended already.
    pub async fn conclude(&self, id: DisputeId) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        if self.dispute(id).await?.is_some_and(|dispute| dispute.concluded) {
            return Ok(None);
        }
        let call = Disputes::concludeCall {
            disputeId: U256::from(id.0),
        };
        // A provider that lost weighs nothing any more.
        let disputes = TxKind::Call(self.disputes());
        let sent = turn.send_with_room("concluding a dispute", disputes, call.abi_encode(), REWEIGHING_GAS);
        match sent.await {
            Err(SettlementError::Reverted { revert, .. }) if revert.phase() == Some(Phase::Concluded) => Ok(None),
            other => mined(other, id, Phase::Due),
        }
    }

    /// Credits a juror its fee for a round of a dispute that has ended. Anybody's account may do this. Before, the error is
    /// transient; `None` when it has got it already, or earned none.
    pub async fn pay_juror(&self, id: DisputeId, round: u8, juror: Address) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        let ballot = self.ballot_of(id, round, juror).await?;
        if ballot.is_none_or(|ballot| ballot.paid) {
            return Ok(None);
        }
        let call = Disputes::payJurorCall {
            disputeId: U256::from(id.0),
            round,
            juror,
        };
        match self.judge(&turn, "paying a juror", call).await {
            Err(SettlementError::Reverted { revert, .. }) if revert.is_no_fee() => Ok(None),
            other => mined(other, id, Phase::Concluded),
        }
    }

    /// Fetches what waits for this account after disputes; `None` when nothing does.
    pub async fn withdraw_credit(&self) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        if self.credit_of(self.account()).await?.0 == 0 {
            return Ok(None);
        }
        let call = Disputes::withdrawCall {};
        match self.judge(&turn, "fetching what disputes have brought", call).await {
            Err(SettlementError::Reverted { revert, .. }) if revert.is_nothing_to_withdraw() => Ok(None),
            other => other.map(|receipt| Some(Mined::from(&receipt))),
        }
    }

    fn same_commitment(&self, seat: Seat, committed: B256, commitment: B256) -> Result<Option<Mined>, SettlementError> {
        if committed == commitment {
            return Ok(None);
        }
        Err(SettlementError::OtherCommitment {
            dispute: seat.dispute,
            juror: self.account(),
            committed,
        })
    }

    async fn allow_bond(
        &self,
        turn: &Turn<'_>,
        round: u8,
        purpose: &'static str,
    ) -> Result<Option<Mined>, SettlementError> {
        let allowance = Allowance {
            token: self.stake_token().await?,
            spender: self.disputes(),
            needed: self.bond_of(round).await?,
            action: "approving the bond",
            purpose,
        };
        self.allow(turn, &allowance).await
    }

    /// This account's ballot for a seat of its.
    async fn ballot_in(&self, seat: Seat) -> Result<super::Ballot, SettlementError> {
        let ballot = self.ballot_of(seat.dispute, seat.round, self.account()).await?;
        ballot.ok_or_else(|| SettlementError::NotSeated {
            dispute: seat.dispute,
            round: seat.round,
            juror: self.account(),
        })
    }

    /// The dispute, if it is in this very round: the contract takes every call for the present one.
    async fn in_round(&self, seat: Seat) -> Result<super::Dispute, SettlementError> {
        let missing = SettlementError::OtherRound {
            dispute: seat.dispute,
            round: seat.round,
        };
        let dispute = self.dispute(seat.dispute).await?;
        dispute.filter(|dispute| dispute.round == seat.round).ok_or(missing)
    }

    async fn is_past(&self, id: DisputeId, round: u8) -> Result<bool, SettlementError> {
        Ok(self.dispute(id).await?.is_some_and(|dispute| dispute.round > round))
    }

    /// The dispute about a claim that is disputed, as soon as it shows.
    async fn dispute_appeared(&self, job_id: JobId, provider: Address) -> Result<DisputeId, SettlementError> {
        let started = Instant::now();
        loop {
            if let Some(id) = self.open_dispute(job_id, provider).await? {
                return Ok(id);
            }
            if started.elapsed() > APPEARS_WITHIN {
                return Err(SettlementError::Nonsense {
                    method: "dispute",
                    reason: format!("the claim of {provider} in job {job_id} is disputed in no dispute"),
                });
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

/// The dispute that a rejection opened.
fn rejected(receipt: &TransactionReceipt) -> Result<DisputeId, SettlementError> {
    const METHOD: &str = "eth_getTransactionReceipt";
    let mut events = receipt.logs().iter();
    let event = events.find_map(|log| Disputes::ClaimRejected::decode_log(&log.inner).ok());
    let event = event.ok_or_else(|| SettlementError::Nonsense {
        method: METHOD,
        reason: "a rejection that opened no dispute".into(),
    })?;
    dispute_id(METHOD, event.data.disputeId)
}

/// What a step sent; refused because its phase is not there yet, it may be tried again.
fn mined(
    sent: Result<TransactionReceipt, SettlementError>,
    dispute: DisputeId,
    wanted: Phase,
) -> Result<Option<Mined>, SettlementError> {
    match sent {
        Ok(receipt) => Ok(Some(Mined::from(&receipt))),
        Err(SettlementError::Reverted { action, revert }) => match revert.phase() {
            Some(phase) if phase < wanted => Err(SettlementError::DisputeNotYet { action, dispute, phase }),
            _ => Err(SettlementError::Reverted { action, revert }),
        },
        Err(error) => Err(error),
    }
}
