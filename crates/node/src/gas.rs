//! A measurement: what settling a job costs in gas, in each of its ways, beside one token transfer for each task.

use crate::chain::{ChainConfig, DEVELOPMENT_CHAIN_ID, EmbeddedChain, development_genesis};
use crate::clock;
use anyhow::Context;
use rayswarm_model::{
    Address, Amount, B256, Caps, ComparisonClass, JobId, UnixMillis,
    allocation::Cap,
    keccak256,
    signed::{AccountKey, Signed, SignedVoucher, Voucher},
};
use rayswarm_settlement::{JobTerms, Payments, Settlement, ask_faucet};
use serde::Serialize;
use std::{net::Ipv4Addr, path::Path, time::Duration};

/// Tasks and providers of the job that is measured.
const TASKS: u64 = 1_000;
const PROVIDERS: u8 = 20;
/// What each provider has earned.
const EARNED: Amount = Amount(1_000_000_000_000_000_000);
/// The first account of anvil's and Hardhat's manuals, which a development chain of theirs endows.
const WELL_KNOWN: [u8; 32] = [
    0xac, 0x09, 0x74, 0xbe, 0xc3, 0x9a, 0x17, 0xe3, 0x6b, 0xa4, 0xa6, 0xb4, 0xd2, 0x38, 0xff, 0x94, 0x4b, 0xac, 0xb4,
    0x78, 0xcb, 0xed, 0x5e, 0xfc, 0xae, 0x78, 0x4d, 0x7b, 0xf4, 0xf2, 0xff, 0x80,
];

/// The most gas that the design allows, by task or by provider.
const COOPERATIVE_MAX: u64 = 300;
const RELAYED_MAX: u64 = 900;
const FORCED_EXIT_MAX: u64 = 150_000;

/// What settling costs, in gas. Whole transactions, base cost and call data included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct GasReport {
    /// Where it was measured.
    pub chain_id: u64,
    /// Tasks in the job.
    pub tasks: u64,
    /// Providers that share them.
    pub providers: u64,
    /// To accounts that held the token before.
    pub warm: Ways,
    /// To accounts that never held it.
    pub fresh: Ways,
    /// A provider's claim and its payment.
    pub forced_exit: u64,
}

/// One column of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Ways {
    /// By task, when the requestor pays all at one stroke.
    pub cooperative: u64,
    /// By task, when somebody carries all vouchers in one transaction.
    pub relayed: u64,
    /// By task, with one token transfer for each.
    pub transfer: u64,
}

impl GasReport {
    /// Whether it is within what the design allows.
    pub const fn holds(&self) -> bool {
        self.warm.cooperative <= COOPERATIVE_MAX
            && self.warm.relayed <= RELAYED_MAX
            && self.forced_exit <= FORCED_EXIT_MAX
    }
}

/// Measures on an embedded chain in `folder`, or on the development chain at `rpc_url`, whose well-known first account pays.
///
/// # Errors
/// Where the chain does not answer or refuses.
pub async fn measure(folder: &Path, rpc_url: Option<&str>) -> anyhow::Result<GasReport> {
    let key = AccountKey::from_bytes(&WELL_KNOWN).context("the well-known key is none")?;
    if let Some(url) = rpc_url {
        return on(url, key).await;
    }
    let chain = EmbeddedChain::start(ChainConfig {
        dir: folder.join("chain"),
        genesis: development_genesis(DEVELOPMENT_CHAIN_ID, clock::now().seconds_floor()),
        rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
    });
    let chain = chain.await?;
    let url = chain.rpc_url();
    ask_faucet(&url, key.address()).await?;
    let report = on(&url, key).await;
    chain.shutdown().await;
    report
}

async fn on(url: &str, key: AccountKey) -> anyhow::Result<GasReport> {
    let contracts = Settlement::deploy(url, key.clone()).await?;
    let settlement = Settlement::connect(url, key.clone(), contracts).await?;
    let run = B256::from(crate::identity::random()?);
    let bench = Bench { settlement, key, run };
    let account = bench.settlement.account();
    bench
        .settlement
        .mint_dev_tokens(account, Amount(EARNED.0 * 10_000))
        .await?;
    // Whoever is paid the first time holds nothing before, and something the next time.
    let fresh = Ways {
        cooperative: bench.cooperative(bench.accounts(0)).await?,
        relayed: bench.relayed(bench.accounts(1)).await?,
        transfer: bench.transfer(bench.account(2, 0)).await?,
    };
    let warm = Ways {
        cooperative: bench.cooperative(bench.accounts(0)).await?,
        relayed: bench.relayed(bench.accounts(1)).await?,
        transfer: bench.transfer(bench.account(2, 0)).await?,
    };
    Ok(GasReport {
        chain_id: bench.settlement.chain_id(),
        tasks: TASKS,
        providers: PROVIDERS.into(),
        warm,
        fresh,
        forced_exit: bench.forced_exit().await?,
    })
}

struct Bench {
    settlement: Settlement,
    key: AccountKey,
    /// Tells the accounts of one run from those of another: what a chain keeps would be warm.
    run: B256,
}

impl Bench {
    /// An account that nobody has the key of.
    fn account(&self, column: u8, index: u8) -> Address {
        let name = [self.run.as_slice(), &[column, index]].concat();
        Address::from_slice(&keccak256(name)[12..])
    }

    fn accounts(&self, column: u8) -> impl Iterator<Item = Address> + '_ {
        (0..PROVIDERS).map(move |index| self.account(column, index))
    }

    async fn job(&self, caps: &Caps) -> anyhow::Result<JobId> {
        let now = clock::now();
        let terms = JobTerms {
            manifest_hash: B256::ZERO,
            plan_hash: B256::ZERO,
            policy_hash: B256::ZERO,
            comparison_class: ComparisonClass(B256::ZERO),
            token: self.settlement.contracts().token,
            budget: caps.total(),
            provider_stake: Amount::ZERO,
            deadline: UnixMillis(now.0 + 3_600_000),
            exit_window: Duration::from_secs(60),
            notice: Duration::ZERO,
            challenge: Duration::ZERO,
            trust_tier: 0,
        };
        let salt = crate::identity::random()?;
        let job = self.settlement.open_job(&terms, B256::from(salt)).await?.job_id;
        self.settlement.allocate(job, caps, B256::ZERO).await?;
        Ok(job)
    }

    fn caps(providers: impl Iterator<Item = Address>) -> anyhow::Result<Caps> {
        let line = |provider| Cap { provider, cap: EARNED };
        Ok(Caps::new(providers.map(line).collect())?)
    }

    async fn cooperative(&self, providers: impl Iterator<Item = Address>) -> anyhow::Result<u64> {
        let caps = Self::caps(providers)?;
        let job = self.job(&caps).await?;
        let payments: Payments = caps.lines().iter().map(|line| (line.provider, line.cap)).collect();
        let settled = self.settlement.settle_job(job, &payments, &caps).await?;
        Ok(settled.redeemed.gas_used() / TASKS)
    }

    async fn relayed(&self, providers: impl Iterator<Item = Address>) -> anyhow::Result<u64> {
        let caps = Self::caps(providers)?;
        let job = self.job(&caps).await?;
        let voucher = |line: &Cap| {
            let voucher = Voucher {
                job,
                provider: line.provider,
                cumulative: line.cap,
            };
            Signed::sign(voucher, &self.settlement.domain(), &self.key)
        };
        let vouchers: Vec<SignedVoucher> = caps.lines().iter().map(voucher).collect();
        let redeemed = self.settlement.redeem(job, &vouchers, &caps).await?;
        Ok(redeemed.gas_used() / TASKS)
    }

    async fn transfer(&self, to: Address) -> anyhow::Result<u64> {
        Ok(self.settlement.send_tokens(to, Amount(1)).await?.gas_used)
    }

    /// The payer's own account claims: what it costs does not depend on who.
    async fn forced_exit(&self) -> anyhow::Result<u64> {
        let account = self.settlement.account();
        let others = self.accounts(3).skip(1);
        let caps = Self::caps([account].into_iter().chain(others))?;
        let job = self.job(&caps).await?;
        let claimed = self.settlement.claim(job, EARNED, B256::repeat_byte(1), &caps).await?;
        let claimed = claimed.context("nothing was claimed")?;
        let paid = self.settlement.pay_claim(job, account).await?;
        let paid = paid.context("the claim was not paid")?;
        Ok(claimed.gas_used + paid.gas_used)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn settling_costs_no_more_than_the_design_allows() {
        // The clients are built without a TLS provider of their own; an error means that one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let report = measure(folder.path(), None).await.unwrap();
        assert!(report.holds(), "{report:?}");
        assert!(
            report.fresh.cooperative > report.warm.cooperative && report.warm.transfer > 20_000,
            "{report:?}"
        );
    }
}
