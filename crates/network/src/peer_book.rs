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
/// Acquaintances greeted in one round: at a round every ten seconds all of a full book are greeted before they are stale,
/// and a round ends soon even if none answers.
const ACQUAINTANCES_PER_ROUND: usize = 80;
/// Nodes known from others' word that are dialled in one round: all at once, so a round waits for them once. A liar can
/// name any number.
const HEARSAY_PER_ROUND: usize = 16;
/// Dials after which a node known from others' word is given up. Once may be bad luck, thrice is not.
const HEARSAY_TRIES_MAX: u32 = 3;
/// Round trips measured in one round.
const MEASURED_PER_ROUND: usize = 16;
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
    source: Source,
}

/// Who says that a node is there.
#[derive(Clone, Copy, Debug)]
enum Source {
    /// It does.
    Itself,
    /// Another node, and it was dialled so many times without an answer.
    Hearsay {
        teller: NodeId,
        heard: Instant,
        tries: u32,
        last_try: Option<Instant>,
    },
}

impl Entry {
    const fn first_hand(&self) -> bool {
        matches!(self.source, Source::Itself)
    }

    /// Whether there is any reason to believe that it is there. One that does not answer stays in the book for a while,
    /// so that hearing of it again does not make it new.
    const fn is_known(&self) -> bool {
        !matches!(self.source, Source::Hearsay { tries: 1.., .. })
    }

    const fn is_given_up(&self) -> bool {
        matches!(
            self.source,
            Source::Hearsay {
                tries: HEARSAY_TRIES_MAX..,
                ..
            }
        )
    }
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
                source: Source::Itself,
            },
        );
        forget_oldest(&mut entries);
    }

    /// Another node spoke of it. Only news counts: an unknown node, or a newer card of one that was not met itself.
    pub(crate) fn heard(&self, teller: NodeId, peer: KnownPeer, now: Instant) {
        let age = Duration::from_millis(peer.seen_ms_ago);
        if age > STALE_AFTER {
            return;
        }
        let seen = now.checked_sub(age).unwrap_or(now);
        let fresh = Source::Hearsay {
            teller,
            heard: now,
            tries: 0,
            last_try: None,
        };
        let mut entries = self.entries();
        let (round_trip, source) = match entries.get(&peer.card.address.node) {
            Some(known) if known.first_hand() || known.seen >= seen => return,
            // The same place is no better for being named again.
            Some(known) if known.card.address == peer.card.address => (known.round_trip, known.source),
            Some(known) => (known.round_trip, fresh),
            None => (None, fresh),
        };
        entries.insert(
            peer.card.address.node,
            Entry {
                card: peer.card,
                seen,
                round_trip,
                source,
            },
        );
        forget_oldest(&mut entries);
    }

    /// Whom to greet in this round: acquaintances, those longest unheard of first, and then a few of those known from
    /// others' word. Of these the never tried come first, and every teller's turn comes before another's second.
    pub(crate) fn to_greet(&self, now: Instant) -> Vec<PeerAddr> {
        let mut entries = self.entries();
        entries.retain(|_, entry| !entry.is_given_up() || entry.tried_within(STALE_AFTER, now));
        let mut met: Vec<_> = entries.values().filter(|entry| entry.first_hand()).collect();
        met.sort_by_key(|entry| (entry.seen, entry.card.address.node));
        let met = met.into_iter().take(ACQUAINTANCES_PER_ROUND);
        let mut greeted: Vec<PeerAddr> = met.map(|entry| entry.card.address.clone()).collect();

        let mut rumours: Vec<_> = entries
            .iter()
            .filter_map(|(node, entry)| match entry.source {
                Source::Hearsay {
                    teller, heard, tries, ..
                } if tries < HEARSAY_TRIES_MAX => Some((tries, heard, *node, teller)),
                _ => None,
            })
            .collect();
        rumours.sort_unstable();
        let mut turns: HashMap<(u32, NodeId), usize> = HashMap::new();
        let mut in_turn: Vec<_> = rumours
            .into_iter()
            .map(|(tries, _, node, teller)| {
                let turn = turns.entry((tries, teller)).or_default();
                *turn += 1;
                (tries, *turn, node)
            })
            .collect();
        // Stable: within a turn those heard of first come first.
        in_turn.sort_by_key(|(tries, turn, _)| (*tries, *turn));
        for (_, _, node) in in_turn.into_iter().take(HEARSAY_PER_ROUND) {
            if let Some(entry) = entries.get_mut(&node) {
                entry.try_now(now);
                greeted.push(entry.card.address.clone());
            }
        }
        greeted
    }

    /// Acquaintances whose round trip is not known, as many as are measured in one round.
    pub(crate) fn unmeasured(&self) -> Vec<PeerAddr> {
        let entries = self.entries();
        let unmeasured = entries
            .values()
            .filter(|entry| entry.first_hand() && entry.round_trip.is_none());
        unmeasured
            .map(|entry| entry.card.address.clone())
            .take(MEASURED_PER_ROUND)
            .collect()
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

    /// A node did not answer. An acquaintance is forgotten; hearsay is remembered as such, see [`PeerBook::to_greet`].
    pub(crate) fn silent(&self, node: NodeId) {
        let mut entries = self.entries();
        if entries.get(&node).is_some_and(Entry::first_hand) {
            entries.remove(&node);
        }
    }

    /// Everything known, the most recently seen first; without hearsay that did not answer.
    pub(crate) fn list(&self, now: Instant) -> Vec<PeerInfo> {
        let entries = self.entries();
        let info = |entry: &Entry| PeerInfo {
            card: entry.card.clone(),
            last_seen: now.saturating_duration_since(entry.seen),
            round_trip: entry.round_trip,
            first_hand: entry.first_hand(),
        };
        let mut list: Vec<_> = entries.values().filter(|entry| entry.is_known()).map(info).collect();
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

impl Entry {
    fn try_now(&mut self, now: Instant) {
        if let Source::Hearsay { tries, last_try, .. } = &mut self.source {
            *tries += 1;
            *last_try = Some(now);
        }
    }

    fn tried_within(&self, span: Duration, now: Instant) -> bool {
        match self.source {
            Source::Hearsay {
                last_try: Some(last_try),
                ..
            } => now.saturating_duration_since(last_try) < span,
            _ => false,
        }
    }
}

fn forget_oldest(entries: &mut HashMap<NodeId, Entry>) {
    if entries.len() <= PEERS_MAX {
        return;
    }
    // Hearsay goes before acquaintances, so that a liar cannot flush the book.
    let oldest = entries
        .iter()
        .min_by_key(|(_, entry)| (entry.first_hand(), entry.is_known(), entry.seen))
        .map(|(node, _)| *node);
    if let Some(node) = oldest {
        entries.remove(&node);
    }
}

#[cfg(test)]
mod tests;
