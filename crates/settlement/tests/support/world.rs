//! An anvil with our contracts, a requestor with a thousand tokens, and a stranger.

use super::Anvil;
use rayswarm_model::{
    Address, Amount, B256, Caps, ComparisonClass, JobId, UnixMillis,
    allocation::Cap,
    signed::{AccountKey, Signed, SignedVoucher, Voucher},
};
use rayswarm_settlement::{Contracts, DeploySettings, Job, JobTerms, Settlement, SettlementError};
use std::{
    error::Error,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// The first two accounts that anvil endows with its own currency; their secrets are in its manual.
pub const REQUESTOR: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
pub const STRANGER: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

pub const TOKEN: u128 = 1_000_000_000_000_000_000;

pub fn key(hex_secret: &str) -> AccountKey {
    AccountKey::from_bytes(&hex_secret.parse::<B256>().unwrap().0).unwrap()
}

pub fn provider(index: u8) -> Address {
    AccountKey::from_bytes(&[index; 32]).unwrap().address()
}

pub fn caps_of(lines: impl IntoIterator<Item = (Address, u128)>) -> Caps {
    let line = |(provider, cap)| Cap {
        provider,
        cap: Amount(cap),
    };
    Caps::new(lines.into_iter().map(line).collect()).unwrap()
}

/// Providers 1 to `count`, each with the same cap.
pub fn caps(count: u8, cap: u128) -> Caps {
    caps_of((1..=count).map(|index| (provider(index), cap)))
}

pub struct World {
    pub requestor: Settlement,
    pub stranger: Settlement,
    pub contracts: Contracts,
    pub anvil: Anvil,
}

impl World {
    pub async fn new() -> Option<Self> {
        let anvil = match Anvil::start() {
            Ok(anvil) => anvil,
            Err(reason) => {
                eprintln!("skipped: {reason}");
                return None;
            }
        };
        Some(Self::on(anvil, &DeploySettings::of_chain(31_337).unwrap()).await)
    }

    /// On an anvil that runs, with settings of one's own.
    pub async fn on(anvil: Anvil, settings: &DeploySettings) -> Self {
        let contracts = Settlement::deploy_with(&anvil.url, key(REQUESTOR), settings.clone())
            .await
            .unwrap();
        let requestor = Settlement::connect(&anvil.url, key(REQUESTOR), contracts)
            .await
            .unwrap();
        let stranger = Settlement::connect(&anvil.url, key(STRANGER), contracts).await.unwrap();
        requestor
            .mint_dev_tokens(requestor.account(), Amount(1_000 * TOKEN))
            .await
            .unwrap();
        Self {
            requestor,
            stranger,
            contracts,
            anvil,
        }
    }

    pub fn terms(&self, exit_window_s: u64) -> JobTerms {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        JobTerms {
            manifest_hash: B256::repeat_byte(1),
            plan_hash: B256::repeat_byte(2),
            policy_hash: B256::repeat_byte(3),
            comparison_class: ComparisonClass(B256::repeat_byte(4)),
            token: self.contracts.token,
            budget: Amount(100 * TOKEN),
            provider_stake: Amount::ZERO,
            notice: Duration::ZERO,
            challenge: Duration::ZERO,
            trust_tier: 0,
            deadline: UnixMillis(u64::try_from(now.as_millis()).unwrap() + 3_600_000),
            exit_window: Duration::from_secs(exit_window_s),
        }
    }

    /// Opens a job without an exit window and puts caps into force.
    pub async fn job_with(&self, caps: &Caps) -> JobId {
        let opened = self.requestor.open_job(&self.terms(0), B256::ZERO).await.unwrap();
        self.requestor.allocate(opened.job_id, caps, B256::ZERO).await.unwrap();
        opened.job_id
    }

    pub fn voucher(&self, job: JobId, provider: Address, cumulative: u128) -> SignedVoucher {
        let voucher = Voucher {
            job,
            provider,
            cumulative: Amount(cumulative),
        };
        Signed::sign(voucher, &self.requestor.domain(), &key(REQUESTOR))
    }

    /// The job, after making sure that its sums and the token's balances agree to the last unit.
    pub async fn audited(&self, job: JobId) -> Job {
        let it = self.requestor.job(job).await.unwrap();
        assert_eq!(it.deposited.0, it.paid.0 + it.fees.0 + it.refunded.0 + it.locked.0);
        let held = self.requestor.token_balance(self.contracts.escrow).await.unwrap();
        assert_eq!(held, it.locked, "the escrow holds what is locked");
        it
    }
}

/// The whole chain of causes, as the edges print it.
pub fn sentence(error: &SettlementError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
