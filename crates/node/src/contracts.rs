//! Which contracts a node uses: those of its ticket, those that were named, those noted at an earlier start, or new ones.
//!
//! New ones come with a token that anyone may mint, so they are deployed unasked only where coins are worth nothing.

#[cfg(test)]
mod tests;

use crate::{
    chain::EmbeddedChain,
    clock,
    config::{ConfigError, ContractChoice},
    journal::Journal,
};
use anyhow::{Context, bail};
use rayswarm_model::{Amount, signed::AccountKey};
use rayswarm_network::Ticket;
use rayswarm_settlement::{
    ChainName, Chronicle, Contracts, DeploySettings, Settlement, SettlementError, ask_faucet,
    chain_id::is_own_chain_id, identify,
};
use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

/// Chains whose coins are worth nothing, besides our own: anvil's and Hardhat's, geth's and Ganache's.
const DEVELOPMENT_CHAINS: [u64; 2] = [31_337, 1_337];

/// Whether a chain's coins are worth nothing unless somebody gave it an id by which they are worth something.
pub fn is_development(chain_id: u64) -> bool {
    DEVELOPMENT_CHAINS.contains(&chain_id) || is_own_chain_id(chain_id)
}

/// What the owner of a new development chain starts with: a thousand tokens.
const FIRST_TOKENS: Amount = Amount(1_000_000_000_000_000_000_000);

/// A head younger than this is the chain's latest, or nearly.
const YOUNG: Duration = Duration::from_secs(30);
/// How long contracts are looked for on a chain whose head is young: the chain may be as young.
const GRACE: Duration = Duration::from_secs(10);
/// How long a chain may come no closer to the present before there is no use in waiting.
const COMES_NO_CLOSER: Duration = Duration::from_secs(60);
/// How often contracts are looked for on a chain that is behind.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// The chain that the contracts are on.
pub struct Site<'a> {
    /// Its JSON-RPC.
    pub rpc_url: &'a str,
    /// Whether this node alone seals it.
    pub embedded: bool,
    /// The chain itself, where this node keeps it with others.
    pub shared: Option<&'a EmbeddedChain>,
    /// The ticket that this node joins with.
    pub ticket: Option<&'a Ticket>,
    /// Blocks after which one stays, where the chain does not say.
    pub confirmations: u64,
    /// A book with the settings of new contracts, in the shape of `contracts/addresses.json`.
    pub deploy_book: Option<&'a Path>,
}

/// Connects `key`'s account to the contracts of `choice`. New ones are noted in `data_dir` for the next start; transactions
/// are written down in the journal.
pub async fn open(
    data_dir: &Path,
    choice: ContractChoice,
    key: &AccountKey,
    site: Site<'_>,
    journal: &Journal,
) -> anyhow::Result<Settlement> {
    let chain = identify(site.rpc_url).await?;
    let connect = async |contracts| {
        let chronicle = Chronicle {
            outbox: Arc::new(journal.outbox(chain.genesis, key.address())),
            stays_below: site.confirmations,
        };
        Settlement::connect_with(site.rpc_url, key.clone(), contracts, chronicle).await
    };
    if let Some(ticket) = site.ticket {
        check_chain(ticket, chain, site.rpc_url)?;
        let contracts = ticket.contracts;
        let named = Contracts {
            registry: contracts.registry,
            escrow: contracts.escrow,
            token: contracts.token,
        };
        return Ok(when_there(site.shared, async || connect(named).await).await?);
    }
    let note = note(data_dir, chain, site.embedded);
    let contracts = match choice {
        ContractChoice::Named(contracts) => contracts,
        ContractChoice::Noted | ContractChoice::Deploy if note.exists() => read(&note)?,
        ContractChoice::Noted if !site.embedded && !is_development(chain.chain_id) => {
            return Err(ConfigError::NoContracts {
                chain_id: chain.chain_id,
                url: site.rpc_url.into(),
            }
            .into());
        }
        ContractChoice::Noted | ContractChoice::Deploy => {
            if let Some(chain) = site.shared {
                caught_up(chain).await;
            }
            deploy(key, &site, chain.chain_id, &note).await?
        }
    };
    let settlement = match when_there(site.shared, async || connect(contracts).await).await {
        Err(error @ SettlementError::WrongContracts { .. }) if site.embedded && note.exists() && !is_named(choice) => {
            // Nothing of value is on the chain that this node itself seals.
            tracing::warn!(%error, "the contracts noted are those of another version; new ones are deployed");
            let contracts = deploy(key, &site, chain.chain_id, &note).await?;
            connect(contracts).await?
        }
        connected => connected.map_err(|error| unusable(choice, error))?,
    };
    let for_trying = site.embedded || (site.shared.is_some() && is_development(chain.chain_id));
    let own_token = for_trying && !is_named(choice);
    if own_token && settlement.token_balance(settlement.account()).await? == Amount::ZERO {
        // Test money, so that a chain of one's own works out of the box.
        settlement.mint_dev_tokens(settlement.account(), FIRST_TOKENS).await?;
    }
    Ok(settlement)
}

/// Connects to contracts that exist. A chain that is kept with others may not have come to their block yet.
async fn when_there(
    chain: Option<&EmbeddedChain>,
    connect: impl AsyncFn() -> Result<Settlement, SettlementError>,
) -> Result<Settlement, SettlementError> {
    let mut progress = Progress::to_stay_for(GRACE);
    loop {
        let connected = connect().await;
        let missing = matches!(connected, Err(SettlementError::WrongContracts { .. }));
        let Some(chain) = chain.filter(|_| missing) else {
            return connected;
        };
        if progress.is_over(chain) {
            return connected;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// Waits until a chain that is kept with others has caught up: who deploys before that does it in vain, if others have.
async fn caught_up(chain: &EmbeddedChain) {
    // Whoever is second after all ends with the same contracts.
    let mut progress = Progress::to_stay_for(Duration::ZERO);
    while !progress.is_over(chain) {
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}

/// How a chain catches up.
struct Progress {
    /// How long its head must have been young.
    stay: Duration,
    /// Since when it is.
    young: Option<Instant>,
    /// The least that its head was behind so far, in seconds, and since when.
    least: Option<(u64, Instant)>,
}

impl Progress {
    const fn to_stay_for(stay: Duration) -> Self {
        Self {
            stay,
            young: None,
            least: None,
        }
    }

    /// Whether a chain has caught up, or comes no closer. A clock that is fast makes every head look old.
    fn is_over(&mut self, chain: &EmbeddedChain) -> bool {
        let behind = clock::now().seconds_floor().saturating_sub(chain.head_time());
        self.sees(chain.head().0, behind, Instant::now())
    }

    fn sees(&mut self, height: u64, behind: u64, now: Instant) -> bool {
        if height > 0 && behind <= YOUNG.as_secs() {
            return now.duration_since(*self.young.get_or_insert(now)) >= self.stay;
        }
        self.young = None;
        match self.least {
            Some((least, since)) if behind >= least => now.duration_since(since) >= COMES_NO_CLOSER,
            _ => {
                tracing::info!(height, behind, "the chain is catching up");
                self.least = Some((behind, now));
                false
            }
        }
    }
}

/// The embedded chain is one for ever; of others a node may meet several, which their first blocks tell apart.
fn note(data_dir: &Path, chain: ChainName, embedded: bool) -> PathBuf {
    if embedded {
        return data_dir.join("contracts.json");
    }
    let genesis = chain.genesis.to_string();
    data_dir.join(format!("contracts-{}-{}.json", chain.chain_id, &genesis[2..10]))
}

fn read(note: &Path) -> anyhow::Result<Contracts> {
    let text = std::fs::read(note).with_context(|| format!("{} cannot be read", note.display()))?;
    serde_json::from_slice(&text).with_context(|| {
        format!(
            "{} does not read; write the three addresses into it or name them with --contracts",
            note.display()
        )
    })
}

async fn deploy(key: &AccountKey, site: &Site<'_>, chain_id: u64, note: &Path) -> anyhow::Result<Contracts> {
    if site.embedded {
        ask_faucet(site.rpc_url, key.address()).await?;
    } else if site.shared.is_some() {
        // Few of these have a faucet; whether the account has coins, the deployment says.
        let asked = ask_faucet(site.rpc_url, key.address()).await;
        asked.unwrap_or_else(|error| tracing::debug!(%error, "no coins of a faucet"));
    }
    tracing::info!(
        chain = site.rpc_url,
        "deploying contracts, and a token that anyone may mint"
    );
    let contracts = match site.deploy_book {
        Some(book) => {
            let settings = DeploySettings::from_file(book, chain_id)?;
            Settlement::deploy_with(site.rpc_url, key.clone(), settings).await?
        }
        None => Settlement::deploy(site.rpc_url, key.clone()).await?,
    };
    std::fs::write(note, serde_json::to_vec_pretty(&contracts)?)
        .with_context(|| format!("{} cannot be written; these were deployed: {contracts}", note.display()))?;
    Ok(contracts)
}

const fn is_named(choice: ContractChoice) -> bool {
    matches!(choice, ContractChoice::Named(_))
}

/// What was typed is to blame only if an answer came.
fn unusable(choice: ContractChoice, error: SettlementError) -> anyhow::Error {
    match (choice, &error) {
        (ContractChoice::Named(_), SettlementError::WrongContracts { .. } | SettlementError::TokenDecimals { .. }) => {
            ConfigError::WrongContracts(Box::new(error)).into()
        }
        _ => error.into(),
    }
}

/// A ticket is for this chain, which is called `what` if it is not.
pub fn check_chain(ticket: &Ticket, chain: ChainName, what: &str) -> anyhow::Result<()> {
    if chain.chain_id != ticket.chain_id || chain.genesis != ticket.genesis {
        bail!(
            "{what} is chain {} with first block {}, the ticket is for chain {} with {}; use ticket and chain of one network",
            chain.chain_id,
            chain.genesis,
            ticket.chain_id,
            ticket.genesis
        );
    }
    Ok(())
}
