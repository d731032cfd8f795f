//! Keeping in touch: say hello to the node of the ticket and to everybody known, measure round trips, remember who there
//! was for the next start.

use crate::{clock, services::Services};
use alloy_primitives::Signature;
use rayswarm_model::canonical;
use rayswarm_network::{PeerAddr, PeerCard, SignedOffer};
use std::{sync::Arc, time::Duration};

/// How often everybody is greeted.
const REFRESH_EVERY: Duration = Duration::from_secs(10);
/// How often while nobody is known: somebody has just started, most likely this node.
const LONELY_EVERY: Duration = Duration::from_millis(500);
/// Peers read back from the journal at a start.
const REMEMBERED_MAX: u32 = 64;

/// Greets until the node stops.
pub async fn keep_in_touch(services: Arc<Services>, always: Vec<PeerAddr>) {
    let remembered = remembered(&services);
    for peer in &remembered {
        greet(&services, peer).await;
    }
    loop {
        for peer in &always {
            greet(&services, peer).await;
        }
        services.network.refresh_peers().await;
        for peer in services.network.peers() {
            if peer.round_trip.is_none()
                && let Err(error) = services.network.ping(&peer.card.address).await
            {
                tracing::debug!(%error, "a round trip was not measured");
            }
            remember(&services, &peer.card);
        }
        let pause = if services.network.peers().is_empty() {
            LONELY_EVERY
        } else {
            REFRESH_EVERY
        };
        tokio::select! {
            () = services.stop.cancelled() => return,
            () = tokio::time::sleep(pause) => {}
        }
    }
}

/// Whether an offer is really its account's: the account signs the offer's canonical hash (EIP-191 is not needed, since
/// no wallet ever shows it).
pub fn is_genuine(signed: &SignedOffer) -> bool {
    let Ok(hash) = canonical::document_hash("offer", &signed.offer) else {
        return false;
    };
    let signature = Signature::try_from(signed.signature.as_slice());
    let signer = signature.and_then(|signature| signature.recover_address_from_prehash(&hash));
    signer.is_ok_and(|signer| signer == signed.offer.account)
}

async fn greet(services: &Services, peer: &PeerAddr) {
    if let Err(error) = services.network.hello(peer).await {
        tracing::debug!(node = %peer.node.short(), %error, "a node does not answer");
    }
}

fn remember(services: &Services, card: &PeerCard) {
    let Ok(bytes) = canonical::encode("peer", &card.address) else {
        return;
    };
    if let Err(error) = services.journal.save_peer(card.address.node, clock::now(), &bytes) {
        tracing::warn!(%error, "a peer was not remembered");
    }
}

fn remembered(services: &Services) -> Vec<PeerAddr> {
    let rows = services.journal.peers(REMEMBERED_MAX).unwrap_or_default();
    rows.iter()
        .filter_map(|row| canonical::decode("peer", row).ok())
        .collect()
}
