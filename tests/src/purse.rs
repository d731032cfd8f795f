//! An account on the chain as a test uses it: to read balances to the last unit, and to play one that does not keep to the
//! rules.

use crate::Node;
use anyhow::Context;
use rayswarm_api::farm::WalletView;
use rayswarm_model::{
    Address, Allocation, Amount, Caps, JobId, canonical,
    signed::{AccountKey, Signed, SignedVoucher, Voucher},
};
use rayswarm_settlement::{Contracts, Settlement, ask_faucet, keystore};
use std::path::Path;
use tokio::runtime::Runtime;

/// The keys of a node's account, and a way to the chain.
pub struct Purse {
    runtime: Runtime,
    /// The chain, as the account uses it.
    pub chain: Settlement,
    key: AccountKey,
}

impl Purse {
    /// The purse of the node whose data folder this is, on the chain of `wallet`. Not while that node sends transactions: its
    /// account would count them twice.
    ///
    /// # Errors
    /// When the keys cannot be read or the chain does not answer.
    pub fn of(data_dir: &Path, wallet: &WalletView) -> anyhow::Result<Self> {
        Self::with(keystore::load_or_create(data_dir, None)?, wallet)
    }

    /// A purse of nobody's, to look with.
    ///
    /// # Errors
    /// As [`Purse::of`].
    pub fn of_nobody(wallet: &WalletView) -> anyhow::Result<Self> {
        let key = AccountKey::from_bytes(&[1; 32]).context("this is a key")?;
        Self::with(key, wallet)
    }

    fn with(key: AccountKey, wallet: &WalletView) -> anyhow::Result<Self> {
        // An error means that one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()?;
        let contracts = Contracts {
            registry: wallet.registry.parse()?,
            escrow: wallet.escrow.parse()?,
            token: wallet.token.parse()?,
        };
        let connecting = Settlement::connect(&wallet.rpc, key.clone(), contracts);
        let chain = runtime.block_on(connecting)?;
        Ok(Self { runtime, chain, key })
    }

    /// Waits for an answer of the chain.
    pub fn wait<T>(&self, answer: impl Future<Output = T>) -> T {
        self.runtime.block_on(answer)
    }

    /// What an account holds of the payment token.
    ///
    /// # Errors
    /// When the chain does not answer.
    pub fn tokens(&self, account: Address) -> anyhow::Result<Amount> {
        Ok(self.wait(self.chain.token_balance(account))?)
    }

    /// Gives an account test money: tokens, and coins for fees.
    ///
    /// # Errors
    /// When the chain is no development chain.
    pub fn give(&self, rpc: &str, account: Address, tokens: Amount) -> anyhow::Result<()> {
        self.wait(ask_faucet(rpc, account))?;
        self.wait(self.chain.mint_dev_tokens(account, tokens))?;
        Ok(())
    }

    /// A voucher of this account.
    pub fn voucher(&self, job: JobId, provider: Address, cumulative: Amount) -> SignedVoucher {
        let voucher = Voucher {
            job,
            provider,
            cumulative,
        };
        Signed::sign(voucher, &self.chain.domain(), &self.key)
    }

    /// The caps in force of a job of the node whose data folder this is, if it has published any.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn caps_in_force(&self, data_dir: &Path, job: JobId) -> anyhow::Result<Option<Caps>> {
        let epochs = self.wait(self.chain.epochs(job))?;
        let folder = data_dir.join("jobs").join(job.to_string()).join("allocations");
        if !folder.is_dir() {
            return Ok(None);
        }
        for entry in std::fs::read_dir(folder)? {
            let document = std::fs::read(entry?.path())?;
            let Ok(allocation) = canonical::decode::<Allocation>("allocation", &document) else {
                continue;
            };
            let caps = allocation.caps()?;
            if epochs.in_force(&caps) {
                return Ok(Some(caps));
            }
        }
        Ok(None)
    }
}

/// The account of a node.
///
/// # Errors
/// When the node does not answer.
pub fn account_of(node: &Node<'_>) -> anyhow::Result<Address> {
    Ok(node.wallet()?.account.parse()?)
}
