//! Whom this node could ask, and what became of their work.

use super::Node;
use crate::{journal::Standing, requestor::refusal::chain};
use rayswarm_api::{
    event::{NodeEvent, Nothing},
    farm::{ProviderTier, ProviderView},
};
use rayswarm_model::{Address, NodeId, UnixMillis, settings::Device};
use rayswarm_network::PeerInfo;
use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

/// Rows of the registry looked at for the list of providers.
const REGISTRY_ROWS_MAX: u64 = 1000;
/// How often the peers are compared with what was told of them.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// What this node knows beside a peer's own card.
struct Known {
    own: Option<NodeId>,
    account: Address,
    registered: HashSet<Address>,
    standings: HashMap<NodeId, Standing>,
    busy: HashSet<NodeId>,
}

impl Node {
    /// Known providers, quickest first.
    pub async fn providers(&self) -> Vec<ProviderView> {
        let standings = self.services.journal.standings().unwrap_or_else(|error| {
            tracing::warn!(error = %chain(&error), "the providers' standings cannot be read");
            HashMap::new()
        });
        let known = Known {
            own: self.parts.provider,
            account: self.services.identity.account.address(),
            registered: self.registered_accounts().await,
            standings,
            busy: self.requestor.busy_nodes(),
        };
        let peers = self.services.network.peers();
        let mut views: Vec<ProviderView> = peers.iter().filter_map(|peer| known.view(peer)).collect();
        views.sort_by(|left, right| {
            right
                .wu_per_second
                .total_cmp(&left.wu_per_second)
                .then(left.id.cmp(&right.id))
        });
        views
    }

    /// How many providers are known.
    pub fn providers_known(&self) -> u64 {
        let peers = self.services.network.peers();
        peers.iter().filter(|peer| peer.card.offer.is_some()).count() as u64
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

    /// What is shown of providers and changes now and then.
    fn shown(&self) -> BTreeMap<NodeId, Shown> {
        let busy = self.requestor.busy_nodes();
        let peers = self.services.network.peers().into_iter();
        let shown = peers.filter_map(|peer| {
            let (node, offer) = (peer.card.address.node, peer.card.offer?.offer);
            let shown = Shown {
                account: offer.account,
                offered_at: offer.issued_at,
                measured: peer.round_trip.is_some(),
                busy: busy.contains(&node),
            };
            Some((node, shown))
        });
        shown.collect()
    }
}

#[derive(PartialEq, Eq)]
struct Shown {
    account: Address,
    offered_at: UnixMillis,
    measured: bool,
    busy: bool,
}

/// Tells when providers come, go or change, until the node stops.
pub(super) async fn watch(node: Arc<Node>) {
    let mut told = BTreeMap::new();
    let mut looks = tokio::time::interval(LOOK_EVERY);
    loop {
        tokio::select! {
            () = node.services.stop.cancelled() => return,
            _ = looks.tick() => {}
        }
        let shown = node.shown();
        if shown != told {
            told = shown;
            node.services.events.tell(&NodeEvent::Providers(Nothing {}));
        }
    }
}

impl Known {
    fn view(&self, peer: &PeerInfo) -> Option<ProviderView> {
        let offer = &peer.card.offer.as_ref()?.offer;
        let node = peer.card.address.node;
        let standing = self.standings.get(&node).copied().unwrap_or_default();
        let engines = offer.engines.iter();
        Some(ProviderView {
            id: node.to_string(),
            account: offer.account.to_string(),
            engines: engines
                .clone()
                .map(|engine| format!("{} {}", engine.name, engine.version))
                .collect(),
            threads: offer.threads,
            memory_bytes: offer.memory.0,
            wu_per_second: offer.benchmark_milli_wu as f64 / 1e3,
            price_per_wu_hour: offer.price.per_wu_hour,
            rtt_ms: peer.round_trip.map(|span| span.as_secs_f64() * 1e3),
            classes: engines
                .map(|engine| engine.class.0.to_string().chars().take(10).collect())
                .collect(),
            device: word(offer.device).into(),
            last_seen_s: peer.last_seen.as_secs_f64(),
            registered: self.registered.contains(&offer.account),
            own: self.own == Some(node),
            tier: if offer.account == self.account {
                ProviderTier::Private
            } else {
                ProviderTier::Open
            },
            busy: self.busy.contains(&node),
            tasks_verified: standing.verified,
            tasks_rejected: standing.rejected,
            earned: standing.earned,
        })
    }
}

/// As the command line and settings write it.
const fn word(device: Device) -> &'static str {
    match device {
        Device::Auto => "auto",
        Device::Cpu => "cpu",
        Device::Cuda => "cuda",
        Device::Optix => "optix",
        Device::Hip => "hip",
        Device::Metal => "metal",
        Device::Oneapi => "oneapi",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::{Amount, Bytes, Offer, WorkPrice};
    use rayswarm_network::{PeerAddr, PeerCard, SignedOffer};

    fn peer(byte: u8) -> PeerInfo {
        let node = NodeId::from_bytes([byte; 32]);
        let offer = Offer {
            node,
            account: Address::repeat_byte(byte),
            engines: Vec::new(),
            threads: 4,
            memory: Bytes(7),
            benchmark_milli_wu: 1_500,
            price: WorkPrice::default(),
            device: Device::Optix,
            sandboxed: true,
            commands: None,
            issued_at: UnixMillis(0),
        };
        let address = PeerAddr {
            node,
            sockets: Vec::new(),
            relay: None,
        };
        let signature = Vec::new();
        PeerInfo {
            card: PeerCard {
                address,
                offer: Some(SignedOffer { offer, signature }),
            },
            last_seen: Duration::ZERO,
            round_trip: None,
            first_hand: true,
        }
    }

    #[test]
    fn providers_are_shown_with_what_is_known_of_them() {
        let node = NodeId::from_bytes([1; 32]);
        let standing = Standing {
            verified: 9,
            rejected: 2,
            earned: Amount(5),
        };
        let known = Known {
            own: Some(node),
            account: Address::repeat_byte(1),
            registered: HashSet::new(),
            standings: HashMap::from([(node, standing)]),
            busy: HashSet::from([node]),
        };
        let mine = known.view(&peer(1)).unwrap();
        assert!(mine.own && mine.busy && mine.tier == ProviderTier::Private);
        assert_eq!(
            (mine.tasks_verified, mine.tasks_rejected, mine.earned),
            (9, 2, Amount(5))
        );
        assert_eq!((mine.device.as_str(), mine.wu_per_second), ("optix", 1.5));
        let theirs = known.view(&peer(2)).unwrap();
        assert!(!theirs.own && !theirs.busy && theirs.tier == ProviderTier::Open);
        assert_eq!(theirs.tasks_verified, 0);
        let mut silent = peer(3);
        silent.card.offer = None;
        assert!(known.view(&silent).is_none(), "no provider");
    }

    #[test]
    fn devices_are_written_as_everywhere() {
        for device in [
            Device::Auto,
            Device::Cpu,
            Device::Cuda,
            Device::Optix,
            Device::Hip,
            Device::Metal,
            Device::Oneapi,
        ] {
            assert_eq!(serde_json::to_value(device).unwrap(), word(device));
        }
    }
}
