//! Jobs that are opened in the escrow and paid, by the client that daemons use: every other one at one stroke by its requestor, the
//! rest by vouchers that somebody else carries to the chain.

use super::{PATIENCE, Receipts, Round, Stream, stranger};
use crate::{keeper::Door, until};
use anyhow::{Context, ensure};
use rayswarm_model::{
    Address, Amount, B256, Caps, ComparisonClass, JobId, U256, UnixMillis,
    allocation::Cap,
    signed::{AccountKey, Signed, SignedVoucher, Voucher},
};
use rayswarm_settlement::{
    Chronicle, Contracts, Job, JobTerms, MemoryOutbox, Mined, Payments, Settlement, SettlementError, ask_faucet,
};
use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::runtime::Runtime;

/// What each provider earns.
const EARNED: Amount = Amount(1_000_003);
/// What the requestor has, which is enough.
const TOKENS: Amount = Amount(EARNED.0 * 1_000_000);
/// Providers of each job.
const PROVIDERS: u64 = 3;

/// Settlements on their way.
pub struct Settlements(Stream<Settled>);

/// Settlements that are final.
pub struct Settled {
    receipts: Receipts,
    jobs: Vec<Paid>,
    contracts: Contracts,
    requestor: AccountKey,
}

/// A job that was paid.
struct Paid {
    job: JobId,
    caps: Caps,
}

/// An account, and what it has sent.
#[derive(Clone)]
struct Account {
    key: AccountKey,
    outbox: Arc<MemoryOutbox>,
}

struct Books {
    nodes: Round,
    contracts: Contracts,
    requestor: Account,
    relayer: Account,
    receipts: Receipts,
    runtime: Runtime,
}

impl Settlements {
    /// Puts the contracts on the chain by the first node, and begins.
    ///
    /// # Errors
    /// When that fails.
    pub fn begin(doors: Vec<Door>) -> anyhow::Result<Self> {
        let account = |secret| {
            let key = AccountKey::from_bytes(&[secret; 32])?;
            let outbox = Arc::default();
            anyhow::Ok(Account { key, outbox })
        };
        let (requestor, relayer) = (account(0x51)?, account(0x52)?);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let first = doors.first().context("a node to ask")?.url();
        let contracts = runtime.block_on(async {
            ask_faucet(&first, requestor.key.address()).await?;
            ask_faucet(&first, relayer.key.address()).await?;
            let contracts = Settlement::deploy(&first, requestor.key.clone()).await?;
            let settlement = requestor.at(&first, contracts).await?;
            settlement.mint_dev_tokens(settlement.account(), TOKENS).await?;
            Ok::<_, SettlementError>(contracts)
        })?;
        let books = Books {
            nodes: Round::of(doors),
            contracts,
            requestor,
            relayer,
            receipts: Receipts::default(),
            runtime,
        };
        let settling = move |ends: &dyn Fn() -> bool| books.keep(ends);
        Ok(Self(Stream::begin("settlements", settling)?))
    }

    /// Ends it once jobs were paid in both ways, and waits until all that was paid is final.
    ///
    /// # Errors
    /// When a step failed for good, or was lost.
    pub fn end(self) -> anyhow::Result<Settled> {
        self.0.end()
    }
}

impl Settled {
    /// A node has all of them, and every provider has on it what it earned, once.
    ///
    /// # Errors
    /// Names what it has not.
    pub fn are_kept_by(&self, door: &Door) -> anyhow::Result<()> {
        self.receipts.are_kept_by(door)?;
        let url = door.url();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let settlement = Settlement::connect(&url, self.requestor.clone(), self.contracts).await?;
            for paid in &self.jobs {
                let job = settlement.job(paid.job).await?;
                ensure!(paid.is_whole(&job), "{url}: {job:?}");
                for line in paid.caps.lines() {
                    let tokens = settlement.token_balance(line.provider).await?;
                    ensure!(tokens == line.cap, "{url}: {} has {tokens:?}", line.provider);
                }
            }
            Ok(())
        })
    }
}

impl Paid {
    fn is_whole(&self, job: &Job) -> bool {
        job.paid == self.caps.total() && job.deposited == job.paid
    }
}

impl Account {
    async fn at(&self, url: &str, contracts: Contracts) -> Result<Settlement, SettlementError> {
        let chronicle = Chronicle {
            outbox: self.outbox.clone(),
            ..Chronicle::default()
        };
        Settlement::connect_with(url, self.key.clone(), contracts, chronicle).await
    }
}

impl Books {
    fn keep(mut self, ends: &dyn Fn() -> bool) -> anyhow::Result<Settled> {
        let mut jobs = Vec::new();
        while jobs.len() < 2 || !ends() {
            jobs.push(self.settle_one(jobs.len() as u64)?);
            let door = self.nodes.next()?;
            // Whoever is dead has nothing to say.
            let _ = self.receipts.look(&door);
        }
        for paid in &jobs {
            self.wait_until_final(paid)?;
        }
        let door = self.nodes.next()?;
        self.receipts.look(&door)?;
        ensure!(
            !self.receipts.of_final.is_empty(),
            "no receipt of a settlement is final"
        );
        Ok(Settled {
            receipts: self.receipts,
            jobs,
            contracts: self.contracts,
            requestor: self.requestor.key,
        })
    }

    fn settle_one(&mut self, number: u64) -> anyhow::Result<Paid> {
        let (requestor, relayer) = (self.requestor.clone(), self.relayer.clone());
        let line = |index| Cap {
            provider: stranger("provider", number * PROVIDERS + index),
            cap: EARNED,
        };
        let caps = Caps::new((0..PROVIDERS).map(line).collect())?;
        let terms = terms(self.contracts.token, caps.total())?;
        let salt = B256::from(U256::from(number));
        let opened = self.step("a job is opened", &requestor, async |settlement| {
            settlement.open_job(&terms, salt).await
        })?;
        let job = opened.job_id;
        self.sent(&opened.transactions);
        let allocated = self.step("its caps are published", &requestor, async |settlement| {
            settlement.allocate(job, &caps, B256::ZERO).await
        })?;
        self.sent(allocated.transaction.as_slice());
        let redeemed = if number.is_multiple_of(2) {
            let payments: Payments = caps.lines().iter().map(|line| (line.provider, line.cap)).collect();
            let settled = self.step("it is settled at one stroke", &requestor, async |settlement| {
                settlement.settle_job(job, &payments, &caps).await
            })?;
            settled.redeemed
        } else {
            self.step("its vouchers are carried to the chain", &relayer, async |settlement| {
                let vouchers = vouchers(&requestor.key, settlement, job, &caps);
                settlement.redeem(job, &vouchers, &caps).await
            })?
        };
        ensure!(redeemed.unpaid.is_empty(), "{redeemed:?}");
        self.sent(&redeemed.transactions);
        Ok(Paid { job, caps })
    }

    /// By a node at a time, until one has it done: what was done before is found, not done again.
    fn step<T>(
        &mut self,
        what: &str,
        account: &Account,
        work: impl AsyncFn(&Settlement) -> Result<T, SettlementError>,
    ) -> anyhow::Result<T> {
        let mut refusal = None;
        until(what, PATIENCE, || {
            let door = self.nodes.next()?;
            let working = async {
                let settlement = account.at(&door.url(), self.contracts).await?;
                work(&settlement).await
            };
            match self.runtime.block_on(working) {
                Ok(done) => Ok(Some(done)),
                Err(error) => {
                    refusal = Some(error);
                    Ok(None)
                }
            }
        })
        .with_context(|| format!("the last refusal: {refusal:?}"))
    }

    fn wait_until_final(&mut self, paid: &Paid) -> anyhow::Result<()> {
        let (requestor, relayer) = (self.requestor.clone(), self.relayer.clone());
        until("a settlement is final", PATIENCE, || {
            // Tending sends again what a reorganisation took out and a dying node forgot.
            self.step("the relayer looks after its transactions", &relayer, async |relayer| {
                relayer.tend().await
            })?;
            let job = self.step("a job is looked at", &requestor, async |settlement| {
                settlement.tend().await?;
                settlement.at_finalized().await?.job(paid.job).await
            })?;
            Ok(paid.is_whole(&job).then_some(()))
        })
    }

    fn sent(&mut self, mined: &[Mined]) {
        self.receipts.waiting.extend(mined.iter().map(|mined| mined.tx));
    }
}

fn vouchers(key: &AccountKey, settlement: &Settlement, job: JobId, caps: &Caps) -> Vec<SignedVoucher> {
    let voucher = |line: &Cap| {
        let voucher = Voucher {
            job,
            provider: line.provider,
            cumulative: line.cap,
        };
        Signed::sign(voucher, &settlement.domain(), key)
    };
    caps.lines().iter().map(voucher).collect()
}

fn terms(token: Address, budget: Amount) -> anyhow::Result<JobTerms> {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
    let deadline = now + Duration::from_secs(3_600);
    Ok(JobTerms {
        manifest_hash: B256::ZERO,
        plan_hash: B256::ZERO,
        policy_hash: B256::ZERO,
        comparison_class: ComparisonClass(B256::ZERO),
        token,
        budget,
        provider_stake: Amount::ZERO,
        deadline: UnixMillis(u64::try_from(deadline.as_millis())?),
        exit_window: Duration::from_secs(60),
        notice: Duration::ZERO,
        challenge: Duration::ZERO,
        trust_tier: 0,
    })
}
