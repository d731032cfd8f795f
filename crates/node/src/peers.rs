//! Keeping in touch: say hello to the node of the ticket and to everybody known, measure round trips, remember who there
//! was for the next start.

use crate::{clock, services::Services};
use rayswarm_model::{canonical, signed::is_digest_signed};
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
    let stop = services.stop.clone();
    let greeting = async {
        // Many of those remembered may be gone; whoever is there now must not wait for them.
        tokio::join!(
            services.network.greet(remembered(&services)),
            rounds(&services, &always)
        );
    };
    tokio::select! {
        () = stop.cancelled() => {}
        () = greeting => {}
    }
}

async fn rounds(services: &Services, always: &[PeerAddr]) {
    loop {
        services.network.greet(always.to_vec()).await;
        services.network.refresh_peers().await;
        services.network.measure_peers().await;
        let known = services.network.peers();
        let met = known.iter().filter(|peer| peer.first_hand);
        met.for_each(|peer| remember(services, &peer.card));
        tokio::time::sleep(if known.is_empty() { LONELY_EVERY } else { REFRESH_EVERY }).await;
    }
}

/// Whether an offer is really its account's: the account signs the offer's canonical hash (EIP-191 is not needed, since
/// no wallet ever shows it).
pub fn is_genuine(signed: &SignedOffer) -> bool {
    let hash = canonical::document_hash("offer", &signed.offer);
    hash.is_ok_and(|hash| is_digest_signed(&hash, &signed.signature, signed.offer.account))
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
