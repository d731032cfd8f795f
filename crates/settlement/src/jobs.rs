//! A job's money: open, top up, redeem, close, refund. Each step looks at the chain before it sends and may be repeated.

pub(crate) mod history;

pub use history::{JobEvent, JobEventKind};

use crate::{
    bindings::{
        escrow::{IJobEscrow, JobEscrow},
        token::DevToken,
    },
    error::SettlementError,
    sender::{Mined, Turn},
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, B256, TxKind, U256},
    rpc::types::TransactionReceipt,
    sol_types::SolCall,
};
use rayswarm_model::{Amount, JobId, UnixMillis, signed::SignedVoucher};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// A voucher costs at most about 60,000 gas; this many stay well within one transaction.
const VOUCHERS_PER_TX: usize = 200;
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
    /// The payment token.
    pub token: Address,
    /// What to lock.
    pub budget: Amount,
    /// Afterwards the exit window runs even if the requestor is silent.
    pub deadline: UnixMillis,
    /// How long providers can still redeem after the close or the deadline.
    pub exit_window: Duration,
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

/// All that the chain knows about a job. `deposited = paid + refunded + locked`, always.
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
    /// The deadline.
    pub deadline: UnixMillis,
    /// How long providers can redeem after close or deadline.
    pub exit_window: Duration,
    /// From when on anyone may send the rest back.
    pub refundable_at: UnixMillis,
    /// All that was locked, top-ups included.
    pub deposited: Amount,
    /// Paid to providers.
    pub paid: Amount,
    /// Sent back to the requestor.
    pub refunded: Amount,
    /// Still in the escrow.
    pub locked: Amount,
}

/// The job is open. Without transactions it was open already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// Its id.
    pub job_id: JobId,
    /// The approval, if one was needed, and the opening.
    pub transactions: Vec<Mined>,
}

/// Vouchers were paid as far as they were not before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redeemed {
    /// What was sent; empty when nothing was owed.
    pub transactions: Vec<Mined>,
    /// What was paid now.
    pub paid: Amount,
    /// What the deposit could not cover. Top up and redeem again.
    pub unpaid: Vec<Shortfall>,
}

/// A provider that the deposit could not pay in full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shortfall {
    /// The provider.
    pub provider: Address,
    /// What it is still owed.
    pub amount: Amount,
}

/// The job is closed and the vouchers are paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The payments and the close.
    pub redeemed: Redeemed,
    /// From when on the rest can be refunded.
    pub refundable_at: UnixMillis,
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
        from_chain(
            self.rpc
                .read("reading the job", self.account(), self.contracts().escrow, ask)
                .await?,
        )
    }

    /// What `provider` has been paid in this job so far.
    pub async fn paid_to(&self, job_id: JobId, provider: Address) -> Result<Amount, SettlementError> {
        let ask = JobEscrow::paidToCall {
            jobId: job_id.as_b256(),
            provider,
        };
        let paid = self
            .rpc
            .read("reading a payment", self.account(), self.contracts().escrow, ask)
            .await?;
        amount_from_chain("paidTo", paid)
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

        transactions.extend(self.approve(&turn, terms.token, terms.budget).await?);
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

    /// Adds to the budget. Not repeatable without paying again: look at [`Job::deposited`] first.
    pub async fn top_up(&self, job_id: JobId, amount: Amount) -> Result<Vec<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        let token = self.job(job_id).await?.token;
        let mut transactions = Vec::new();
        transactions.extend(self.approve(&turn, token, amount).await?);
        let call = JobEscrow::topUpCall {
            jobId: job_id.as_b256(),
            amount: amount.0,
        };
        transactions.push(Mined::from(&self.escrow(&turn, "topping up the job", call).await?));
        Ok(transactions)
    }

    /// Pays each voucher's provider what it has not been paid before. Anybody's account may do this.
    pub async fn redeem(&self, job_id: JobId, vouchers: &[SignedVoucher]) -> Result<Redeemed, SettlementError> {
        let vouchers = vouchers_to_chain(job_id, vouchers)?;
        let turn = self.sender.turn().await;
        let mut redeemed = Redeemed::default();
        for batch in vouchers.chunks(VOUCHERS_PER_TX) {
            self.redeem_batch(&turn, job_id, batch, &mut redeemed).await?;
        }
        Ok(redeemed)
    }

    /// Pays the vouchers and starts the exit window. Closed already: pays what the vouchers still give. Refunded
    /// already: does nothing.
    pub async fn close_job(&self, job_id: JobId, vouchers: &[SignedVoucher]) -> Result<Closed, SettlementError> {
        let vouchers = vouchers_to_chain(job_id, vouchers)?;
        let turn = self.sender.turn().await;
        let mut redeemed = Redeemed::default();
        // All but the last batch go ahead of the close, so that a long list still fits into blocks.
        let last = vouchers.len().saturating_sub(1) / VOUCHERS_PER_TX * VOUCHERS_PER_TX;
        let (ahead, with_close) = vouchers.split_at(last);
        let job = self.job(job_id).await?;
        if job.state != JobState::Refunded {
            for batch in ahead.chunks(VOUCHERS_PER_TX) {
                self.redeem_batch(&turn, job_id, batch, &mut redeemed).await?;
            }
        }
        match job.state {
            JobState::None | JobState::Open => {
                let call = JobEscrow::closeJobCall {
                    jobId: job_id.as_b256(),
                    vouchers: with_close.to_vec(),
                };
                match self.escrow(&turn, "closing the job", call).await {
                    Ok(receipt) => redeemed.add(&receipt)?,
                    Err(SettlementError::Reverted { revert, .. }) if revert.is_job_no_longer_open() => {
                        self.redeem_batch(&turn, job_id, with_close, &mut redeemed).await?;
                    }
                    Err(error) => return Err(error),
                }
            }
            JobState::Closed => self.redeem_batch(&turn, job_id, with_close, &mut redeemed).await?,
            JobState::Refunded => {}
        }
        Ok(Closed {
            redeemed,
            refundable_at: self.job(job_id).await?.refundable_at,
        })
    }

    /// Sends the rest to the requestor once the exit window is over; before, the error is transient. Anybody's account
    /// may do this, and a job that was refunded already is a success.
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

    async fn redeem_batch(
        &self,
        turn: &Turn<'_>,
        job_id: JobId,
        batch: &[IJobEscrow::SignedVoucher],
        redeemed: &mut Redeemed,
    ) -> Result<(), SettlementError> {
        const ACTION: &str = "redeeming vouchers";
        let call = JobEscrow::redeemCall {
            jobId: job_id.as_b256(),
            vouchers: batch.to_vec(),
        };
        // Asking is free: a batch that pays nothing is not sent.
        let would_pay = self
            .rpc
            .read(ACTION, self.account(), self.contracts().escrow, call.clone())
            .await?;
        if would_pay.is_zero() {
            return Ok(());
        }
        redeemed.add(&self.escrow(turn, ACTION, call).await?)
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

    /// Lets the escrow take `needed` tokens, and no more: an allowance outlives its reason.
    async fn approve(&self, turn: &Turn<'_>, token: Address, needed: Amount) -> Result<Option<Mined>, SettlementError> {
        let (account, escrow) = (self.account(), self.contracts().escrow);
        let balance = self.balance_of(token, account).await?;
        if balance < needed {
            return Err(SettlementError::NotEnoughTokens {
                account,
                token,
                needed,
                balance,
            });
        }
        let ask = DevToken::allowanceCall {
            owner: account,
            spender: escrow,
        };
        let allowance = self.rpc.read("reading the allowance", account, token, ask).await?;
        if allowance >= U256::from(needed.0) {
            return Ok(None);
        }
        let call = DevToken::approveCall {
            spender: escrow,
            value: U256::from(needed.0),
        };
        let receipt = turn
            .send("approving the budget", TxKind::Call(token), call.abi_encode())
            .await?;
        Ok(Some(Mined::from(&receipt)))
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

impl Redeemed {
    /// Gas of all its transactions.
    pub fn gas_used(&self) -> u64 {
        self.transactions.iter().map(|mined| mined.gas_used).sum()
    }

    fn add(&mut self, receipt: &TransactionReceipt) -> Result<(), SettlementError> {
        self.transactions.push(Mined::from(receipt));
        for event in receipt.logs().iter().filter_map(history::decode) {
            match event?.kind {
                JobEventKind::Redeemed { amount, .. } => self.paid = [self.paid, amount].into_iter().sum(),
                JobEventKind::Underfunded { provider, unpaid } => {
                    self.unpaid.push(Shortfall {
                        provider,
                        amount: unpaid,
                    });
                }
                _ => {}
            }
        }
        Ok(())
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
    if job.exit_window.as_secs() != terms.exit_window.as_secs() {
        return differs("exit window");
    }
    Ok(())
}

fn terms_to_chain(terms: &JobTerms) -> IJobEscrow::JobTerms {
    IJobEscrow::JobTerms {
        manifestHash: terms.manifest_hash,
        planHash: terms.plan_hash,
        token: terms.token,
        budget: terms.budget.0,
        deadline: terms.deadline.seconds_floor(),
        // Beyond what fits, the contract would refuse it all the same.
        exitWindowSeconds: u32::try_from(terms.exit_window.as_secs()).unwrap_or(u32::MAX),
    }
}

fn vouchers_to_chain(
    job_id: JobId,
    vouchers: &[SignedVoucher],
) -> Result<Vec<IJobEscrow::SignedVoucher>, SettlementError> {
    let convert = |signed: &SignedVoucher| {
        let voucher = &signed.message;
        if voucher.job != job_id {
            return Err(SettlementError::OtherJobsVoucher {
                job: job_id,
                voucher_job: voucher.job,
            });
        }
        let (r, vs) = signed.compact();
        Ok(IJobEscrow::SignedVoucher {
            provider: voucher.provider,
            cumulative: U256::from(voucher.cumulative.0),
            r,
            vs,
        })
    };
    vouchers.iter().map(convert).collect()
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
    let instant = |seconds: u64| UnixMillis(seconds.saturating_mul(1_000));
    Ok(Job {
        state,
        requestor: job.requestor,
        token: job.token,
        manifest_hash: job.manifestHash,
        plan_hash: job.planHash,
        deadline: instant(job.deadline),
        exit_window: Duration::from_secs(job.exitWindowSeconds.into()),
        refundable_at: instant(job.refundableAt),
        deposited: Amount(job.deposited),
        paid: Amount(job.paid),
        refunded: Amount(job.refunded),
        locked: Amount(job.locked),
    })
}

fn amount_from_chain(method: &'static str, value: U256) -> Result<Amount, SettlementError> {
    let too_large = |_| SettlementError::Nonsense {
        method,
        reason: format!("{value} base units do not exist"),
    };
    u128::try_from(value).map(Amount).map_err(too_large)
}
