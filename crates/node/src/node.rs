//! The node as its faces see it: what it is, whom it knows, how others join it.

use crate::{requestor::Requestor, services::Services};
use rayswarm_api::farm::{NodeView, ProviderView};
use rayswarm_model::{Address, Amount, B256, NodeId};
use rayswarm_network::{Contracts, PeerInfo, Ticket};
use rayswarm_settlement::{SettlementError, ask_faucet};
use std::{
    collections::HashSet,
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::AtomicBool},
};

/// Native coin a development faucet gives and tokens it mints, in base units: enough for any job on a test chain.
const FAUCET_TOKENS: u128 = 1_000_000_000_000_000_000_000;

/// Rows of the registry looked at for the list of providers.
const REGISTRY_ROWS_MAX: u64 = 1000;

/// One running node.
pub struct Node {
    /// What all roles share.
    pub services: Arc<Services>,
    /// The requestor role; always on.
    pub requestor: Requestor,
    /// Where the embedded chain listens, if it is embedded.
    pub rpc_listen: Option<SocketAddr>,
    /// Hash of block 0.
    pub genesis: B256,
    /// Whether the provider role has measured itself.
    pub provider_ready: Arc<AtomicBool>,
}

impl Node {
    /// The node in short.
    pub fn view(&self) -> NodeView {
        NodeView {
            id: self.services.network.node_id().to_string(),
            version: env!("CARGO_PKG_VERSION").into(),
            provides: self.services.config.provider.is_some(),
            provider_ready: self.provider_ready.load(std::sync::atomic::Ordering::Relaxed),
            chain_id: self.services.domain.chain_id,
            rpc: self.services.rpc_url.clone(),
            active_jobs: self.requestor.list().iter().filter(|job| !job.state.is_final()).count() as u64,
            pid: std::process::id(),
        }
    }

    /// Known providers, quickest first.
    pub async fn providers(&self) -> Vec<ProviderView> {
        let registered = self.registered_accounts().await;
        let peers = self.services.network.peers();
        let mut views: Vec<ProviderView> = peers
            .iter()
            .filter_map(|peer| provider_view(peer, &registered))
            .collect();
        views.sort_by(|left, right| {
            right
                .wu_per_second
                .total_cmp(&left.wu_per_second)
                .then(left.id.cmp(&right.id))
        });
        views
    }

    /// A ticket with which another machine joins.
    pub fn ticket(&self) -> String {
        let address = self.services.network.addr();
        let contracts = self.services.settlement.contracts();
        let ticket = Ticket {
            rpc_url: self.rpc_url_for_others(address.sockets.iter().map(SocketAddr::ip)),
            node: address,
            chain_id: self.services.domain.chain_id,
            genesis: self.genesis,
            contracts: Contracts {
                registry: contracts.registry,
                escrow: contracts.escrow,
                token: contracts.token,
            },
        };
        ticket.to_string()
    }

    /// Test money for this node's account, on a development chain.
    pub async fn fund_from_faucet(&self) -> Result<(), SettlementError> {
        let settlement = &self.services.settlement;
        ask_faucet(&self.services.rpc_url, settlement.account()).await?;
        settlement
            .mint_dev_tokens(settlement.account(), Amount(FAUCET_TOKENS))
            .await
            .map(drop)
    }

    /// A chain that listens on every interface is reached by one of this machine's own addresses.
    fn rpc_url_for_others(&self, own: impl Iterator<Item = IpAddr>) -> String {
        match self.rpc_listen.filter(|listen| listen.ip().is_unspecified()) {
            None => self.services.rpc_url.clone(),
            Some(listen) => {
                let usable = |ip: &IpAddr| ip.is_ipv4() && !ip.is_loopback();
                let host = own.into_iter().find(usable).unwrap_or(IpAddr::from([127, 0, 0, 1]));
                format!("http://{host}:{}", listen.port())
            }
        }
    }

    async fn registered_accounts(&self) -> HashSet<Address> {
        // The registry only adds a column; a chain that does not answer is told of by the wallet.
        match self.services.settlement.providers(0, REGISTRY_ROWS_MAX).await {
            Ok(providers) => providers.into_iter().map(|provider| provider.account).collect(),
            Err(error) => {
                tracing::debug!(%error, "the registry cannot be read");
                HashSet::new()
            }
        }
    }
}

fn provider_view(peer: &PeerInfo, registered: &HashSet<Address>) -> Option<ProviderView> {
    let offer = &peer.card.offer.as_ref()?.offer;
    let node: NodeId = peer.card.address.node;
    Some(ProviderView {
        id: node.to_string(),
        account: offer.account.to_string(),
        engines: offer
            .engines
            .iter()
            .map(|engine| format!("{} {}", engine.name, engine.version))
            .collect(),
        threads: offer.threads,
        memory: offer.memory.0,
        wu_per_second: offer.benchmark_milli_wu as f64 / 1e3,
        price_per_wu_hour: offer.price.per_wu_hour,
        rtt_ms: peer.round_trip.map(|span| span.as_secs_f64() * 1e3),
        classes: offer
            .engines
            .iter()
            .map(|engine| engine.class.0.to_string().chars().take(10).collect())
            .collect(),
        last_seen_s: peer.last_seen.as_secs_f64(),
        registered: registered.contains(&offer.account),
    })
}
