//! Paying providers: vouchers one by one or as a whole epoch, at the close, or at one stroke in agreement.

use super::{JobState, history};
use crate::{
    bindings::escrow::{
        IJobEscrow,
        JobEscrow::{self, JobSettled},
        MerkleSum,
    },
    error::SettlementError,
    jobs::history::JobEventKind,
    sender::{Mined, Turn},
    settlement::Settlement,
};
use alloy::{
    primitives::{Address, B256, U256, keccak256},
    rpc::types::{Filter, TransactionReceipt},
    sol_types::{SolCall, SolEvent, SolValue},
};
use rayswarm_model::{
    Amount, Caps, JobId, UnixMillis,
    allocation::{Cap, CapProof, Sibling, settlement_hash},
    signed::SignedVoucher,
};
use std::collections::BTreeMap;

/// A voucher with its proof costs at most about 110,000 gas; this many stay well within one transaction.
const VOUCHERS_PER_TX: usize = 100;
/// A line of a whole epoch costs at most about 65,000 gas.
const LINES_PER_TX: usize = 200;
/// From this many vouchers on the whole epoch is cheaper than proofs.
const WHOLE_FROM: usize = 3;

/// Providers that one cooperative settlement takes: each costs at most about 33,000 gas.
pub const SHARES_PER_SETTLEMENT_MAX: usize = 400;

/// What a cooperative settlement pays, by account.
pub type Payments = BTreeMap<Address, Amount>;

/// Vouchers were paid as far as they were not before.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Redeemed {
    /// What was sent; empty when nothing was owed.
    pub transactions: Vec<Mined>,
    /// What was paid now.
    pub paid: Amount,
    /// What the caps could not cover. Raise them and redeem again.
    pub unpaid: Vec<Shortfall>,
}

/// A provider whose cap could not cover its voucher.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shortfall {
    /// The provider.
    pub provider: Address,
    /// What it is still owed.
    pub amount: Amount,
}

/// The job is closed and the vouchers are paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closed {
    /// The payments and the close.
    pub redeemed: Redeemed,
    /// From when on the rest can be refunded.
    pub refundable_at: UnixMillis,
}

/// What a cooperative settlement paid, as its call data says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettledShares {
    /// The transaction.
    pub tx: B256,
    shares: Vec<IJobEscrow::Share>,
}

impl SettledShares {
    /// Who got what.
    pub fn all(&self) -> impl Iterator<Item = (Address, Amount)> {
        self.shares.iter().map(|share| (share.provider, Amount(share.amount)))
    }

    /// What `provider` got.
    pub fn paid_to(&self, provider: Address) -> Amount {
        let of = |share: &&IJobEscrow::Share| share.provider == provider;
        self.shares.iter().filter(of).map(|share| Amount(share.amount)).sum()
    }
}

impl Settlement {
    /// Pays each voucher's provider what it has not been paid before, within the caps in force. Anybody's account may do
    /// this.
    pub async fn redeem(
        &self,
        job_id: JobId,
        vouchers: &[SignedVoucher],
        caps: &Caps,
    ) -> Result<Redeemed, SettlementError> {
        check_job(job_id, vouchers)?;
        let turn = self.sender.turn().await;
        let mut redeemed = Redeemed::default();
        self.redeem_within(&turn, job_id, vouchers, caps, &mut redeemed).await?;
        Ok(redeemed)
    }

    /// Pays the vouchers and starts the exit window. Closed already: pays what the vouchers still give. Refunded
    /// already: does nothing.
    pub async fn close_job(
        &self,
        job_id: JobId,
        vouchers: &[SignedVoucher],
        caps: &Caps,
    ) -> Result<Closed, SettlementError> {
        check_job(job_id, vouchers)?;
        let turn = self.sender.turn().await;
        let mut redeemed = Redeemed::default();
        match self.job(job_id).await?.state {
            JobState::None | JobState::Open => self.close(&turn, job_id, vouchers, caps, &mut redeemed).await?,
            JobState::Closed => self.redeem_within(&turn, job_id, vouchers, caps, &mut redeemed).await?,
            JobState::Refunded => {}
        }
        self.closed(job_id, redeemed).await
    }

    /// Pays a job at one stroke and closes it: one transaction of its requestor, for a job of which nothing was paid or
    /// claimed. Each payment must be within its cap, and the caps must be in force. A job that was settled with the same
    /// payments is a success.
    pub async fn settle_job(&self, job_id: JobId, payments: &Payments, caps: &Caps) -> Result<Closed, SettlementError> {
        let turn = self.sender.turn().await;
        let of = |provider| payments.get(&provider).copied().unwrap_or_default();
        if let Some(provider) = payments.keys().find(|provider| caps.proof(**provider).is_none()) {
            return Err(SettlementError::NoCap {
                job: job_id,
                provider: *provider,
            });
        }
        let hash = settlement_hash(caps, of);
        let mut redeemed = Redeemed::default();
        if self.job(job_id).await?.settlement_hash != hash {
            let share = |line: &Cap| IJobEscrow::Share {
                provider: line.provider,
                cap: line.cap.0,
                amount: of(line.provider).0,
            };
            let call = JobEscrow::settleJobCall {
                jobId: job_id.as_b256(),
                shares: caps.lines().iter().map(share).collect(),
            };
            match self.escrow(&turn, "settling the job", call).await {
                Ok(receipt) => redeemed.add(&receipt)?,
                // An earlier transaction of ours was in front of this one.
                Err(SettlementError::Reverted { revert, .. })
                    if revert.is_job_no_longer_open() && self.job(job_id).await?.settlement_hash == hash => {}
                Err(error) => return Err(error),
            }
        }
        self.closed(job_id, redeemed).await
    }

    /// What a job's cooperative settlement paid; `None` when there was none from block `from_block` on, or when its
    /// transaction does not say what the chain has the hash of.
    pub async fn settled_shares(
        &self,
        job_id: JobId,
        from_block: u64,
    ) -> Result<Option<SettledShares>, SettlementError> {
        let filter = Filter::new()
            .address(self.contracts().escrow)
            .event_signature(JobSettled::SIGNATURE_HASH)
            .topic1(job_id.as_b256());
        let logs = self.rpc.logs_since(&filter, from_block).await?;
        let Some(log) = logs.first() else { return Ok(None) };
        let (Some(tx), Ok(settled)) = (log.transaction_hash, JobSettled::decode_log(&log.inner)) else {
            return Ok(None);
        };
        let Some(sent) = self.rpc.transaction(tx).await? else {
            return Ok(None);
        };
        let shares = shares_of(&sent.input, job_id, settled.settlementHash);
        Ok(shares.map(|shares| SettledShares { tx, shares }))
    }

    /// Writes down what a cooperative settlement paid to this account, which it needs before it redeems or claims more.
    /// `None` when that is written down already.
    pub async fn record_settlement(
        &self,
        job_id: JobId,
        settled: &SettledShares,
    ) -> Result<Option<Mined>, SettlementError> {
        let turn = self.sender.turn().await;
        let account = self.account();
        let got = settled.paid_to(account);
        // That nothing was paid may be written down or not: it looks the same.
        if got > Amount::ZERO
            && self.paid_to(job_id, account).await? >= got
            && !self.epochs(job_id).await?.caps.is_zero()
        {
            return Ok(None);
        }
        let call = JobEscrow::recordSettlementCall {
            jobId: job_id.as_b256(),
            shares: settled.shares.clone(),
            providers: vec![account],
        };
        let receipt = self.escrow(&turn, "recording the settlement", call).await?;
        Ok(Some(Mined::from(&receipt)))
    }

    async fn closed(&self, job_id: JobId, redeemed: Redeemed) -> Result<Closed, SettlementError> {
        let refundable_at = self.job(job_id).await?.refundable_at;
        Ok(Closed {
            redeemed,
            refundable_at,
        })
    }

    async fn close(
        &self,
        turn: &Turn<'_>,
        job_id: JobId,
        vouchers: &[SignedVoucher],
        caps: &Caps,
        redeemed: &mut Redeemed,
    ) -> Result<(), SettlementError> {
        let mut shares = Vec::new();
        if !vouchers.is_empty() {
            // A list that fits no transaction is paid ahead of the close.
            match whole(vouchers, caps) {
                Some(lines) => shares = lines,
                None => self.redeem_within(turn, job_id, vouchers, caps, redeemed).await?,
            }
        }
        let call = JobEscrow::closeJobCall {
            jobId: job_id.as_b256(),
            shares,
        };
        match self.escrow(turn, "closing the job", call).await {
            Ok(receipt) => redeemed.add(&receipt),
            Err(SettlementError::Reverted { revert, .. }) if revert.is_job_no_longer_open() => {
                self.redeem_within(turn, job_id, vouchers, caps, redeemed).await
            }
            Err(error) => Err(error),
        }
    }

    async fn redeem_within(
        &self,
        turn: &Turn<'_>,
        job_id: JobId,
        vouchers: &[SignedVoucher],
        caps: &Caps,
        redeemed: &mut Redeemed,
    ) -> Result<(), SettlementError> {
        if vouchers.len() >= WHOLE_FROM
            && let Some(shares) = whole(vouchers, caps)
        {
            let call = JobEscrow::redeemAllCall {
                jobId: job_id.as_b256(),
                shares,
            };
            return self.redeem_by(turn, call, redeemed).await;
        }
        for batch in vouchers.chunks(VOUCHERS_PER_TX) {
            let proof = |signed: &SignedVoucher| {
                let provider = signed.message.provider;
                let missing = || SettlementError::NoCap { job: job_id, provider };
                caps.proof(provider)
                    .map(|proof| proof_to_chain(&proof))
                    .ok_or_else(missing)
            };
            let call = JobEscrow::redeemCall {
                jobId: job_id.as_b256(),
                vouchers: batch.iter().map(voucher_to_chain).collect(),
                caps: batch.iter().map(proof).collect::<Result<_, _>>()?,
            };
            self.redeem_by(turn, call, redeemed).await?;
        }
        Ok(())
    }

    async fn redeem_by<C>(&self, turn: &Turn<'_>, call: C, redeemed: &mut Redeemed) -> Result<(), SettlementError>
    where
        C: SolCall<Return = U256> + Clone,
    {
        const ACTION: &str = "redeeming vouchers";
        // Asking is free: what pays nothing is not sent.
        if self.read_escrow(ACTION, call.clone()).await?.is_zero() {
            return Ok(());
        }
        redeemed.add(&self.escrow(turn, ACTION, call).await?)
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
                JobEventKind::Redeemed { amount, .. } | JobEventKind::Settled { amount } => {
                    self.paid = [self.paid, amount].into_iter().sum();
                }
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

/// The shares in a call's data, if they are those that were settled: a contract in between may have called with others.
fn shares_of(input: &[u8], job_id: JobId, settlement_hash: B256) -> Option<Vec<IJobEscrow::Share>> {
    let call = JobEscrow::settleJobCall::abi_decode(input).ok()?;
    let same = call.jobId == job_id.as_b256() && keccak256(call.shares.abi_encode()) == settlement_hash;
    same.then_some(call.shares)
}

/// The whole epoch with these vouchers, if all of them belong to it, it fits one transaction, and every voucher fits the
/// contract's narrower line.
fn whole(vouchers: &[SignedVoucher], caps: &Caps) -> Option<Vec<IJobEscrow::SignedShare>> {
    if caps.lines().len() > LINES_PER_TX {
        return None;
    }
    let mut best: BTreeMap<Address, &SignedVoucher> = BTreeMap::new();
    for signed in vouchers {
        let provider = signed.message.provider;
        caps.proof(provider)?;
        let known = best.entry(provider).or_insert(signed);
        if known.message.cumulative < signed.message.cumulative {
            *known = signed;
        }
    }
    let line = |line: &Cap| {
        let signed = best.get(&line.provider);
        let (r, vs) = signed.map_or((B256::ZERO, B256::ZERO), |signed| signed.compact());
        IJobEscrow::SignedShare {
            provider: line.provider,
            cap: line.cap.0,
            cumulative: signed.map_or(0, |signed| signed.message.cumulative.0),
            r,
            vs,
        }
    };
    Some(caps.lines().iter().map(line).collect())
}

fn check_job(job_id: JobId, vouchers: &[SignedVoucher]) -> Result<(), SettlementError> {
    match vouchers.iter().find(|signed| signed.message.job != job_id) {
        None => Ok(()),
        Some(signed) => Err(SettlementError::OtherJobsVoucher {
            job: job_id,
            voucher_job: signed.message.job,
        }),
    }
}

fn voucher_to_chain(signed: &SignedVoucher) -> IJobEscrow::SignedVoucher {
    let (r, vs) = signed.compact();
    IJobEscrow::SignedVoucher {
        provider: signed.message.provider,
        cumulative: U256::from(signed.message.cumulative.0),
        r,
        vs,
    }
}

pub(super) fn proof_to_chain(proof: &CapProof) -> IJobEscrow::CapProof {
    let sibling = |sibling: &Sibling| MerkleSum::Sibling {
        hash: sibling.hash,
        sum: sibling.sum.0,
    };
    IJobEscrow::CapProof {
        cap: proof.cap.0,
        path: U256::from(proof.path),
        siblings: proof.siblings.iter().map(sibling).collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn shares_that_were_not_settled_are_not_believed() {
        let job = JobId::from_bytes([1; 32]);
        let cap = |byte| Cap {
            provider: Address::repeat_byte(byte),
            cap: Amount(9),
        };
        let caps = Caps::new(vec![cap(1), cap(2)]).unwrap();
        let input = |amount: u128| {
            let share = |line: &Cap| IJobEscrow::Share {
                provider: line.provider,
                cap: line.cap.0,
                amount,
            };
            let call = JobEscrow::settleJobCall {
                jobId: job.as_b256(),
                shares: caps.lines().iter().map(share).collect(),
            };
            call.abi_encode()
        };
        let settled = settlement_hash(&caps, |_| Amount(7));
        let shares = shares_of(&input(7), job, settled).unwrap();
        assert_eq!(shares.iter().map(|share| share.amount).sum::<u128>(), 14);
        assert_eq!(shares_of(&input(9), job, settled), None);
        assert_eq!(shares_of(&input(7), JobId::from_bytes([2; 32]), settled), None);
        assert_eq!(shares_of(&[1, 2], job, settled), None);
    }
}
