//! The nodes this one has heard of: a bounded book that prefers what a node said itself to what others say of it.

use crate::{address::PeerAddr, frame::Message};
use rayswarm_model::{NodeId, Offer, offer::EngineOffer};
use serde::{Deserialize, Serialize};
use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// The most nodes remembered; beyond it the longest unseen is forgotten.
pub const PEERS_MAX: usize = 4096;
/// The most nodes named in one answer.
pub const ANSWER_PEERS_MAX: usize = 512;
/// A node unseen for this long is no longer told to others.
pub const STALE_AFTER: Duration = Duration::from_secs(600);
/// The most engines in one offer.
const ENGINES_MAX: usize = 64;
/// The longest engine name or version.
const NAME_BYTES_MAX: usize = 64;
/// An account's signature: r, s, v.
const SIGNATURE_BYTES: usize = 65;

/// A node's introduction of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerCard {
    /// Where it is.
    pub address: PeerAddr,
    /// What it sells, if it is a provider.
    pub offer: Option<SignedOffer>,
}

/// An offer and its account's signature, which this crate does not check: whoever pays by it must.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedOffer {
    /// The offer.
    pub offer: Offer,
    /// 65 bytes: r, s, v.
    pub signature: Vec<u8>,
}

/// A node that an answer names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownPeer {
    /// Its card.
    pub card: PeerCard,
    /// How long ago the answering node last heard of it. A span, since clocks differ.
    pub seen_ms_ago: u64,
}

/// What is known of a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Its card.
    pub card: PeerCard,
    /// Time since it was last heard of.
    pub last_seen: Duration,
    /// Measured round-trip time, if it was pinged.
    pub round_trip: Option<Duration>,
    /// Whether the card came from the node itself.
    pub first_hand: bool,
}

impl PeerCard {
    /// Whether the card keeps its limits and speaks of one node.
    pub(crate) fn check(&self) -> Result<(), &'static str> {
        self.address.check()?;
        let Some(SignedOffer { offer, signature }) = &self.offer else {
            return Ok(());
        };
        let long = |engine: &EngineOffer| engine.name.len().max(engine.version.len()) > NAME_BYTES_MAX;
        if offer.node != self.address.node {
            return Err("an offer belongs to another node than its card");
        }
        if signature.len() != SIGNATURE_BYTES {
            return Err("a signature is not 65 bytes long");
        }
        if offer.engines.len() > ENGINES_MAX || offer.engines.iter().any(long) {
            return Err("an offer lists more than 64 engines or names one in more than 64 bytes");
        }
        Ok(())
    }
}

impl Message for PeerCard {
    const NAME: &'static str = "a peer's card";
    const BYTES_MAX: usize = 32 << 10;
    fn check(&self) -> Result<(), &'static str> {
        PeerCard::check(self)
    }
}

/// The book.
#[derive(Debug, Default)]
pub(crate) struct PeerBook {
    entries: Mutex<HashMap<NodeId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    card: PeerCard,
    seen: Instant,
    round_trip: Option<Duration>,
    first_hand: bool,
}

impl PeerBook {
    fn entries(&self) -> MutexGuard<'_, HashMap<NodeId, Entry>> {
        // Every change below is one insertion or removal, so a panic elsewhere leaves the book whole.
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A node spoke for itself.
    pub(crate) fn met(&self, card: PeerCard, now: Instant) {
        let mut entries = self.entries();
        let round_trip = entries.get(&card.address.node).and_then(|entry| entry.round_trip);
        entries.insert(
            card.address.node,
            Entry {
                card,
                seen: now,
                round_trip,
                first_hand: true,
            },
        );
        forget_oldest(&mut entries);
    }

    /// Another node spoke of it. Only news counts: an unknown node, or a newer offer for one that was not met itself.
    pub(crate) fn heard(&self, peer: KnownPeer, now: Instant) {
        let age = Duration::from_millis(peer.seen_ms_ago);
        if age > STALE_AFTER {
            return;
        }
        let seen = now.checked_sub(age).unwrap_or(now);
        let mut entries = self.entries();
        let round_trip = match entries.get(&peer.card.address.node) {
            Some(known) if known.first_hand || known.seen >= seen => return,
            known => known.and_then(|known| known.round_trip),
        };
        entries.insert(
            peer.card.address.node,
            Entry {
                card: peer.card,
                seen,
                round_trip,
                first_hand: false,
            },
        );
        forget_oldest(&mut entries);
    }

    /// A ping came back.
    pub(crate) fn measured(&self, node: NodeId, round_trip: Duration, now: Instant) {
        if let Some(entry) = self.entries().get_mut(&node) {
            entry.round_trip = Some(round_trip);
            entry.seen = now;
        }
    }

    /// A node answered something.
    pub(crate) fn seen(&self, node: NodeId, now: Instant) {
        if let Some(entry) = self.entries().get_mut(&node) {
            entry.seen = now;
        }
    }

    /// Where a node said it is.
    pub(crate) fn address(&self, node: NodeId) -> Option<PeerAddr> {
        self.entries().get(&node).map(|entry| entry.card.address.clone())
    }

    pub(crate) fn forget(&self, node: NodeId) {
        self.entries().remove(&node);
    }

    /// Everything known, the most recently seen first.
    pub(crate) fn list(&self, now: Instant) -> Vec<PeerInfo> {
        let entries = self.entries();
        let info = |entry: &Entry| PeerInfo {
            card: entry.card.clone(),
            last_seen: now.saturating_duration_since(entry.seen),
            round_trip: entry.round_trip,
            first_hand: entry.first_hand,
        };
        let mut list: Vec<_> = entries.values().map(info).collect();
        list.sort_by_key(|info| (info.last_seen, info.card.address.node));
        list
    }

    /// What to tell `asker`: fresh nodes other than itself, the most recently seen first.
    pub(crate) fn tell(&self, asker: NodeId, now: Instant) -> Vec<KnownPeer> {
        let fresh = self
            .list(now)
            .into_iter()
            .filter(|info| info.last_seen <= STALE_AFTER && info.card.address.node != asker);
        let told = fresh.map(|info| KnownPeer {
            card: info.card,
            seen_ms_ago: u64::try_from(info.last_seen.as_millis()).unwrap_or(u64::MAX),
        });
        told.take(ANSWER_PEERS_MAX).collect()
    }
}

fn forget_oldest(entries: &mut HashMap<NodeId, Entry>) {
    if entries.len() <= PEERS_MAX {
        return;
    }
    // Hearsay goes before acquaintances, so that a liar cannot flush the book.
    let oldest = entries
        .iter()
        .min_by_key(|(_, entry)| (entry.first_hand, entry.seen))
        .map(|(node, _)| *node);
    if let Some(node) = oldest {
        entries.remove(&node);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(node: u32, port: u16) -> PeerCard {
        let mut bytes = [0; 32];
        bytes[..4].copy_from_slice(&node.to_le_bytes());
        let sockets = vec![([127, 0, 0, 1], port).into()];
        PeerCard {
            address: PeerAddr {
                node: NodeId::from_bytes(bytes),
                sockets,
                relay: None,
            },
            offer: None,
        }
    }

    fn heard(node: u32, port: u16, seen_ms_ago: u64) -> KnownPeer {
        KnownPeer {
            card: card(node, port),
            seen_ms_ago,
        }
    }

    #[test]
    fn a_node_knows_itself_best() {
        let (book, now) = (PeerBook::default(), Instant::now() + STALE_AFTER);
        book.heard(heard(1, 10, 500), now);
        book.heard(heard(1, 11, 100), now);
        assert_eq!(book.list(now)[0].card, card(1, 11), "newer hearsay replaces older");
        book.met(card(1, 12), now);
        book.heard(heard(1, 13, 0), now);
        assert_eq!(
            book.list(now)[0].card,
            card(1, 12),
            "hearsay never replaces the node's own word"
        );
    }

    #[test]
    fn stale_nodes_are_neither_told_nor_taken() {
        let (book, start) = (PeerBook::default(), Instant::now() + STALE_AFTER);
        book.met(card(1, 1), start);
        book.heard(heard(2, 2, STALE_AFTER.as_millis() as u64 + 1), start);
        assert_eq!(book.list(start).len(), 1);
        let later = start + STALE_AFTER + Duration::from_millis(1);
        assert!(book.tell(card(9, 9).address.node, later).is_empty());
        book.seen(card(1, 1).address.node, later);
        assert_eq!(book.tell(card(9, 9).address.node, later).len(), 1);
        assert!(
            book.tell(card(1, 1).address.node, later).is_empty(),
            "nobody is told of itself"
        );
    }

    #[test]
    fn the_book_is_bounded_and_liars_cannot_flush_it() {
        let (book, now) = (PeerBook::default(), Instant::now() + STALE_AFTER);
        book.met(card(0, 1), now);
        for node in 1..=PEERS_MAX as u32 + 10 {
            book.heard(heard(node, 1, 0), now);
        }
        let list = book.list(now);
        assert_eq!(list.len(), PEERS_MAX);
        assert!(
            list.iter().any(|info| info.card == card(0, 1)),
            "the only acquaintance stays"
        );
    }
}
