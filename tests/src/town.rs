//! A node that seals a chain, and others that join it: jurors, requestors, providers.

use crate::{
    Farm, Node,
    purse::{Purse, account_of},
    until,
};
use rayswarm_api::farm::WalletView;
use rayswarm_model::{Amount, JobId};
use rayswarm_settlement::Settlement;
use std::{path::PathBuf, time::Duration};

/// Longest wait for what a window of the chain delays.
pub const PATIENCE: Duration = Duration::from_secs(300);
/// One token, in base units.
pub const TOKEN: u128 = 1_000_000_000_000_000_000;
/// What everybody here begins with who needs tokens.
pub const PURSE: u128 = 1_000 * TOKEN;
/// Too dear for any quote: these nodes judge, and render for nobody.
const TOO_DEAR: &str = "1000000";

/// A node that seals the chain, and its ticket.
pub struct Town<'a> {
    farm: &'a Farm,
    /// The one that seals it.
    pub bank: Node<'a>,
    ticket: String,
    /// What the bank says of its account and its contracts.
    pub wallet: WalletView,
}

impl<'a> Town<'a> {
    /// Starts it.
    ///
    /// # Errors
    /// When a process or the chain does not do what it is asked.
    pub fn new(farm: &'a Farm) -> anyhow::Result<Self> {
        let bank = Node::start(farm, "bank", &[])?;
        let (ticket, wallet) = (bank.ticket()?, bank.wallet()?);
        Ok(Self {
            farm,
            bank,
            ticket,
            wallet,
        })
    }

    /// Starts a node that joins.
    ///
    /// # Errors
    /// When a process or the chain does not do what it is asked.
    pub fn join(&self, name: &str, arguments: &[&str]) -> anyhow::Result<Node<'a>> {
        self.join_with(name, arguments, None)
    }

    /// The same with an engine store of its own.
    ///
    /// # Errors
    /// When a process or the chain does not do what it is asked.
    pub fn join_with(&self, name: &str, arguments: &[&str], engines: Option<PathBuf>) -> anyhow::Result<Node<'a>> {
        let all = [arguments, &["--join", &self.ticket]].concat();
        Node::start_with(self.farm, name, &all, engines)
    }

    /// Jurors with ten tokens at stake each; they are drawn from then on.
    ///
    /// # Errors
    /// When a process or the chain does not do what it is asked.
    pub fn jurors(&self, count: usize) -> anyhow::Result<Vec<Node<'a>>> {
        let arguments = [
            "--provide",
            "--threads",
            "1",
            "--price",
            TOO_DEAR,
            "--judge",
            "--stake",
            "10",
        ];
        let mut jurors = Vec::new();
        for index in 0..count {
            let juror = self.join(&format!("juror-{index}"), &arguments)?;
            self.fund(&juror)?;
            jurors.push(juror);
        }
        let looker = Purse::of_nobody(&self.wallet)?;
        for juror in &jurors {
            let account = account_of(juror)?;
            until("a juror is drawn by stake", PATIENCE, || {
                let Some(row) = looker.wait(looker.chain.provider(account))? else {
                    return Ok(None);
                };
                let pool = Settlement::juror_pool(row.offer.comparison_class, row.offer.trust_tier as u8);
                let weight = looker.wait(looker.chain.juror_weight(pool, account))?;
                Ok((weight > Amount::ZERO).then_some(()))
            })?;
        }
        Ok(jurors)
    }

    /// A thousand tokens, and coins for fees.
    ///
    /// # Errors
    /// When a process or the chain does not do what it is asked.
    pub fn fund(&self, node: &Node<'_>) -> anyhow::Result<()> {
        let bank = Purse::of(self.bank.data_dir(), &self.wallet)?;
        bank.give(&self.wallet.rpc, account_of(node)?, Amount(PURSE))
    }

    /// Somebody who only looks.
    ///
    /// # Errors
    /// When a process or the chain does not do what it is asked.
    pub fn looker(&self) -> anyhow::Result<Purse> {
        Purse::of_nobody(&self.wallet)
    }

    /// Sends the rest of a job back to its requestor, by the bank's account: anyone may.
    ///
    /// # Errors
    /// When a process or the chain does not do what it is asked.
    pub fn refund_by_anyone(&self, job: JobId) -> anyhow::Result<()> {
        let bank = Purse::of(self.bank.data_dir(), &self.wallet)?;
        until("the rest is refunded", PATIENCE, || {
            match bank.wait(bank.chain.refund(job)) {
                Ok(_) => Ok(Some(())),
                Err(error) if error.kind() == rayswarm_model::FailureKind::Transient => Ok(None),
                Err(error) => Err(error.into()),
            }
        })
    }
}
