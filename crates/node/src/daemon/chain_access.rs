//! The chain that a node uses: one that it keeps, or a server of one.

use crate::{
    chain::{ChainConfig, DEVELOPMENT_CHAIN_ID, EmbeddedChain, SharedConfig, development_genesis, stored_chain},
    clock,
    config::{ChainChoice, Config},
    contracts,
    identity::Identity,
    keeper::CHAIN_FOLDER,
    ports::Ports,
};
use anyhow::bail;
use rayswarm_network::{ChainEvent, Network, PeerAddr, Ticket};
use rayswarm_settlement::ChainName;
use std::net::SocketAddr;
use tokio::sync::mpsc;

/// The chain a node uses and how it came by it.
pub(super) struct ChainAccess {
    /// The chain itself, where this node keeps it.
    pub(super) embedded: Option<EmbeddedChain>,
    /// Its JSON-RPC.
    pub(super) rpc_url: String,
    /// Where that listens, if it is this node's.
    pub(super) rpc_listen: Option<SocketAddr>,
    /// The ticket that this node joins with.
    pub(super) ticket: Option<Ticket>,
}

impl ChainAccess {
    /// Where the contracts are.
    pub(super) fn site<'a>(&'a self, config: &'a Config) -> contracts::Site<'a> {
        contracts::Site {
            rpc_url: &self.rpc_url,
            embedded: matches!(config.chain, ChainChoice::Embedded(_)),
            shared: self
                .embedded
                .as_ref()
                .filter(|_| matches!(config.chain, ChainChoice::Shared(..))),
            ticket: self.ticket.as_ref(),
            confirmations: config.confirmations,
            deploy_book: config.deploy_book.as_deref(),
        }
    }
}

/// Opens the chain that a node's settings say.
pub(super) async fn open(
    config: &Config,
    ports: &mut Ports,
    identity: &Identity,
    (network, events): (Network, mpsc::Receiver<ChainEvent>),
) -> anyhow::Result<ChainAccess> {
    let ticket: Option<Ticket> = config.join.as_deref().map(str::parse).transpose()?;
    let remote = |url: String, ticket| ChainAccess {
        embedded: None,
        rpc_url: url,
        rpc_listen: None,
        ticket,
    };
    match (&config.chain, ticket) {
        (ChainChoice::Remote(url), ticket) => Ok(remote(url.clone(), ticket)),
        (ChainChoice::FromTicket, Some(ticket)) => Ok(remote(ticket.rpc_url.clone(), Some(ticket))),
        (ChainChoice::FromTicket, None) => bail!("no chain is named; give --join or --rpc"),
        (ChainChoice::Embedded(listen), ticket) => {
            let folder = config.data_dir.join(CHAIN_FOLDER);
            let listen = ports.prefer_rpc(*listen);
            let fresh = || development_genesis(DEVELOPMENT_CHAIN_ID, clock::now().seconds_floor());
            let genesis = stored_chain(&folder)?.map_or_else(fresh, |stored| stored.genesis);
            let chain = EmbeddedChain::start(ChainConfig {
                dir: folder,
                genesis,
                rpc_bind: listen,
            })
            .await?;
            Ok(kept(chain, ticket, ports))
        }
        (ChainChoice::Shared(listen, spec), ticket) => {
            if let Some(ticket) = &ticket {
                // Before anything of another chain is in the data folder.
                let name = ChainName {
                    chain_id: spec.genesis.chain_id,
                    genesis: spec.chain_genesis()?.hash(),
                };
                contracts::check_chain(ticket, name, "the chain that this node is to keep")?;
            }
            let chain = EmbeddedChain::join(SharedConfig {
                dir: config.data_dir.join(CHAIN_FOLDER),
                spec: spec.as_ref().clone(),
                rpc_bind: ports.prefer_rpc(*listen),
                key: Some(identity.account.clone()),
                mining: config.mining,
                keeping: config.keeping,
                network,
                events,
                known: known_peers(config, ticket.as_ref()),
            });
            Ok(kept(chain.await?, ticket, ports))
        }
    }
}

/// The node that invited this one, and those that were named.
pub(super) fn known_peers(config: &Config, ticket: Option<&Ticket>) -> Vec<PeerAddr> {
    let invited_by = ticket.map(|ticket| &ticket.node);
    invited_by.into_iter().chain(&config.chain_peers).cloned().collect()
}

fn kept(chain: EmbeddedChain, ticket: Option<Ticket>, ports: &mut Ports) -> ChainAccess {
    ports.rpc = chain.rpc_addr().port();
    ChainAccess {
        rpc_url: chain.rpc_url(),
        rpc_listen: Some(chain.rpc_addr()),
        embedded: Some(chain),
        ticket,
    }
}
