//! A job's money: open, top up, cancel, refund; its caps, payments and claims. Each step looks at the chain before it sends
//! and may be repeated.

mod claims;
mod epochs;
pub(crate) mod history;
mod payments;

pub use claims::{Claim, ClaimState};
pub use epochs::{Allocated, Epochs, PendingEpoch};
pub use history::{FiledClaim, JobEvent, JobEventKind};
pub use payments::{Closed, Payments, Redeemed, SHARES_PER_SETTLEMENT_MAX, SettledShares, Shortfall};

use crate::{
    allowance::Allowance,
    bindings::escrow::{IJobEscrow, JobEscrow},
    error::SettlementError,
    sender::{Mined, Turn},
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, B256, TxKind, U256},
    rpc::types::TransactionReceipt,
    sol_types::SolCall,
};
use rayswarm_model::{Amount, ComparisonClass, JobId, UnixMillis};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// How long a job that a waiting transaction of ours is opening may take to appear.
const APPEARS_WITHIN: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What the requestor fixes when it opens a job. The chain counts whole seconds; fractions are cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTerms {
    /// keccak-256 of the asset manifest's canonical encoding.
    pub manifest_hash: B256,
    /// keccak-256 of the plan's canonical encoding as a whole: it names the plan, and proves no single task of it.
    pub plan_hash: B256,
    /// keccak-256 of the verification policy's canonical encoding; jurors judge by it.
    pub policy_hash: B256,
    /// Jurors come from this comparison class.
    pub comparison_class: ComparisonClass,
    /// The payment token.
    pub token: Address,
    /// What to lock.
    pub budget: Amount,
    /// Units of the stake token that a provider must have free to claim, and that a claim found bad costs it.
    pub provider_stake: Amount,
    /// Afterwards the exit window runs even if the requestor is silent.
    pub deadline: UnixMillis,
    /// How long providers can still redeem and claim after the close or the deadline.
    pub exit_window: Duration,
    /// How long the caps of one epoch stay in force after the next was published.
    pub notice: Duration,
    /// How long the requestor can reject a claim.
    pub challenge: Duration,
    /// Jurors come from this trust tier, by its number in the registry.
    pub trust_tier: u8,
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// Never opened here.
    None,
    /// Vouchers are paid; the requestor may close.
    Open,
    /// The exit window runs; vouchers are still paid.
    Closed,
    /// Over; nothing is left in it.
    Refunded,
}

/// All that the chain knows about a job. `deposited = paid + fees + refunded + locked`, always.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// Where it stands.
    pub state: JobState,
    /// The account that opened it.
    pub requestor: Address,
    /// The payment token.
    pub token: Address,
    /// keccak-256 of the asset manifest's canonical encoding.
    pub manifest_hash: B256,
    /// keccak-256 of the plan's canonical encoding.
    pub plan_hash: B256,
    /// keccak-256 of the verification policy's canonical encoding.
    pub policy_hash: B256,
    /// Whose class judges.
    pub comparison_class: ComparisonClass,
    /// What a provider must have free to claim.
    pub provider_stake: Amount,
    /// The deadline.
    pub deadline: UnixMillis,
    /// How long providers can redeem and claim after close or deadline.
    pub exit_window: Duration,
    /// How long caps stay in force after the next were published.
    pub notice: Duration,
    /// How long a claim can be rejected.
    pub challenge: Duration,
    /// Whose tier judges.
    pub trust_tier: u8,
    /// From when on anyone may send the rest back.
    pub refundable_at: UnixMillis,
    /// All that was locked, top-ups included.
    pub deposited: Amount,
    /// Paid to providers, without fees.
    pub paid: Amount,
    /// Fees of those payments.
    pub fees: Amount,
    /// Sent back to the requestor.
    pub refunded: Amount,
    /// Still in the escrow.
    pub locked: Amount,
    /// The part of it that claims hold back.
    pub reserved: Amount,
    /// [`rayswarm_model::allocation::settlement_hash`] of a cooperative settlement, or zero.
    pub settlement_hash: B256,
}

impl Job {
    /// What no claim holds back: what caps may divide.
    pub fn free(&self) -> Amount {
        self.locked.checked_minus(self.reserved).unwrap_or_default()
    }
}

/// The job is open. Without transactions it was open already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Its id.
    pub job_id: JobId,
    /// The approval, if one was needed, and the opening.
    pub transactions: Vec<Mined>,
}

/// The rest is back with the requestor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refunded {
    /// The refund; `None` when somebody had sent it already.
    pub transaction: Option<Mined>,
    /// What went back in all.
    pub amount: Amount,
}

impl Settlement {
    /// The id that this account gets for `salt`.
    pub fn job_id(&self, salt: B256) -> JobId {
        self.domain().job_id(self.account(), salt)
    }

    /// What the chain knows about a job; state [`JobState::None`] when it was never opened.
    pub async fn job(&self, job_id: JobId) -> Result<Job, SettlementError> {
        let ask = JobEscrow::jobCall {
            jobId: job_id.as_b256(),
        };
        from_chain(self.read_escrow("reading the job", ask).await?)
    }

    /// What `provider` has been paid in this job so far, fee included. A cooperative settlement shows here once it is
    /// recorded; until then [`Settlement::settled_shares`] tells.
    pub async fn paid_to(&self, job_id: JobId, provider: Address) -> Result<Amount, SettlementError> {
        let ask = JobEscrow::paidToCall {
            jobId: job_id.as_b256(),
            provider,
        };
        amount_from_chain("paidTo", self.read_escrow("reading a payment", ask).await?)
    }

    /// Locks the budget under the id of `salt`. A job that is there already under the same terms is a success, whatever
    /// its state; one with other terms is refused.
    pub async fn open_job(&self, terms: &JobTerms, salt: B256) -> Result<Opened, SettlementError> {
        let turn = self.sender.turn().await;
        let job_id = self.job_id(salt);
        let mut transactions = Vec::new();
        let job = self.job(job_id).await?;
        if job.state != JobState::None {
            return same_terms(job_id, &job, terms).map(|()| Opened { job_id, transactions });
        }

        transactions.extend(self.allow_budget(&turn, terms.token, terms.budget).await?);
        let call = JobEscrow::openJobCall {
            terms: terms_to_chain(terms),
            salt,
        };
        match self.escrow(&turn, "opening the job", call).await {
            Ok(receipt) => transactions.push(Mined::from(&receipt)),
            // A transaction that an earlier life of ours sent is in front of this one.
            Err(SettlementError::Reverted { revert, .. }) if revert.is_job_exists() => {
                let job = self.appeared(job_id).await?;
                same_terms(job_id, &job, terms)?;
            }
            Err(error) => return Err(error),
        }
        Ok(Opened { job_id, transactions })
    }

    /// Adds to the budget until `deposited` was locked in all, by whomever; nothing is sent when it was already.
    pub async fn top_up(&self, job_id: JobId, deposited: Amount) -> Result<Vec<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        let job = turn.settled(|| self.job(job_id)).await?;
        let mut transactions = Vec::new();
        let missing = deposited.checked_minus(job.deposited);
        let Some(missing) = missing.filter(|missing| *missing > Amount::ZERO) else {
            return Ok(transactions);
        };
        transactions.extend(self.allow_budget(&turn, job.token, missing).await?);
        let call = JobEscrow::topUpCall {
            jobId: job_id.as_b256(),
            amount: missing.0,
        };
        transactions.push(Mined::from(&self.escrow(&turn, "topping up the job", call).await?));
        Ok(transactions)
    }

    /// Ends a job that never had caps, at once; `None` when it is over already.
    pub async fn cancel_job(&self, job_id: JobId) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        if self.job(job_id).await?.state == JobState::Refunded {
            return Ok(None);
        }
        let call = JobEscrow::cancelJobCall {
            jobId: job_id.as_b256(),
        };
        match self.escrow(&turn, "cancelling the job", call).await {
            Ok(receipt) => Ok(Some(Mined::from(&receipt))),
            Err(SettlementError::Reverted { revert, .. }) if revert.is_job_no_longer_open() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Sends the rest to the requestor once the exit window is over; before, the error is transient. What claims hold back
    /// follows when they have ended and this is called again. Anybody's account may do this, and a job that was refunded
    /// already is a success.
    pub async fn refund(&self, job_id: JobId) -> Result<Refunded, SettlementError> {
        let turn = self.sender.turn().await;
        let mut transaction = None;
        if self.job(job_id).await?.state != JobState::Refunded {
            let call = JobEscrow::refundCall {
                jobId: job_id.as_b256(),
            };
            match self.escrow(&turn, "refunding the job", call).await {
                Ok(receipt) => transaction = Some(Mined::from(&receipt)),
                Err(SettlementError::Reverted { revert, .. }) if revert.is_job_no_longer_open() => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Refunded {
            transaction,
            amount: self.job(job_id).await?.refunded,
        })
    }

    pub(crate) async fn read_escrow<C: SolCall>(
        &self,
        action: &'static str,
        call: C,
    ) -> Result<C::Return, SettlementError> {
        let escrow = self.contracts().escrow;
        self.rpc.read(action, self.account(), escrow, call).await
    }

    async fn escrow(
        &self,
        turn: &Turn<'_>,
        action: &'static str,
        call: impl SolCall,
    ) -> Result<TransactionReceipt, SettlementError> {
        turn.send(action, TxKind::Call(self.contracts().escrow), call.abi_encode())
            .await
    }

    async fn allow_budget(
        &self,
        turn: &Turn<'_>,
        token: Address,
        needed: Amount,
    ) -> Result<Option<Mined>, SettlementError> {
        let allowance = Allowance {
            token,
            spender: self.contracts().escrow,
            needed,
            action: "approving the budget",
            purpose: "a job with this budget",
        };
        self.allow(turn, &allowance).await
    }

    async fn appeared(&self, job_id: JobId) -> Result<Job, SettlementError> {
        let started = Instant::now();
        loop {
            let job = self.job(job_id).await?;
            if job.state != JobState::None || started.elapsed() > APPEARS_WITHIN {
                return Ok(job);
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}

fn same_terms(job_id: JobId, job: &Job, terms: &JobTerms) -> Result<(), SettlementError> {
    let differs = |field| Err(SettlementError::OtherTerms { job: job_id, field });
    if job.manifest_hash != terms.manifest_hash {
        return differs("manifest");
    }
    if job.plan_hash != terms.plan_hash {
        return differs("plan");
    }
    if job.policy_hash != terms.policy_hash {
        return differs("verification policy");
    }
    if job.comparison_class != terms.comparison_class {
        return differs("comparison class");
    }
    if job.token != terms.token {
        return differs("token");
    }
    // Top-ups add to it.
    if job.deposited < terms.budget {
        return differs("budget");
    }
    if job.deadline.seconds_floor() != terms.deadline.seconds_floor() {
        return differs("deadline");
    }
    for (field, found, wanted) in [
        ("exit window", job.exit_window, terms.exit_window),
        ("notice", job.notice, terms.notice),
        ("challenge window", job.challenge, terms.challenge),
    ] {
        if found.as_secs() != wanted.as_secs() {
            return differs(field);
        }
    }
    if job.provider_stake != terms.provider_stake {
        return differs("provider stake");
    }
    if job.trust_tier != terms.trust_tier {
        return differs("trust tier");
    }
    Ok(())
}

fn terms_to_chain(terms: &JobTerms) -> IJobEscrow::JobTerms {
    // Beyond what fits, the contract would refuse it all the same.
    let seconds = |span: Duration| u32::try_from(span.as_secs()).unwrap_or(u32::MAX);
    IJobEscrow::JobTerms {
        manifestHash: terms.manifest_hash,
        planHash: terms.plan_hash,
        policyHash: terms.policy_hash,
        comparisonClass: terms.comparison_class.0,
        token: terms.token,
        budget: terms.budget.0,
        providerStake: terms.provider_stake.0,
        deadline: terms.deadline.seconds_floor(),
        exitWindowSeconds: seconds(terms.exit_window),
        noticeSeconds: seconds(terms.notice),
        challengeSeconds: seconds(terms.challenge),
        trustTier: terms.trust_tier,
    }
}

fn from_chain(job: IJobEscrow::Job) -> Result<Job, SettlementError> {
    // In the order of the contract's enum, which the ABI numbers.
    let state = match job.state {
        0 => JobState::None,
        1 => JobState::Open,
        2 => JobState::Closed,
        3 => JobState::Refunded,
        other => {
            let reason = format!("unknown job state {other}");
            return Err(SettlementError::Nonsense { method: "job", reason });
        }
    };
    let span = |seconds: u32| Duration::from_secs(seconds.into());
    Ok(Job {
        state,
        requestor: job.requestor,
        token: job.token,
        manifest_hash: job.manifestHash,
        plan_hash: job.planHash,
        policy_hash: job.policyHash,
        comparison_class: ComparisonClass(job.comparisonClass),
        provider_stake: Amount(job.providerStake),
        deadline: instant(job.deadline),
        exit_window: span(job.exitWindowSeconds),
        notice: span(job.noticeSeconds),
        challenge: span(job.challengeSeconds),
        trust_tier: job.trustTier,
        refundable_at: instant(job.refundableAt),
        deposited: Amount(job.deposited),
        paid: Amount(job.paid),
        fees: Amount(job.fees),
        refunded: Amount(job.refunded),
        locked: Amount(job.locked),
        reserved: Amount(job.reserved),
        settlement_hash: job.settlementHash,
    })
}

pub(crate) const fn instant(seconds: u64) -> UnixMillis {
    UnixMillis(seconds.saturating_mul(1_000))
}

pub(crate) fn amount_from_chain(method: &'static str, value: U256) -> Result<Amount, SettlementError> {
    let too_large = |_| SettlementError::Nonsense {
        method,
        reason: format!("{value} base units do not exist"),
    };
    u128::try_from(value).map(Amount).map_err(too_large)
}
