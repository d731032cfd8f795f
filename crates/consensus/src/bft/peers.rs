//! What peers say of later heights: bounded, since nobody can check it yet.

use super::message::{BLOCK_BYTES_MAX, Message};
use crate::{Millis, Peer};
use std::collections::{BTreeMap, BTreeSet};

/// How many messages of the next height are kept of one peer: its own, and more where it passes on what others say.
const MESSAGES_MAX: usize = 512;

/// How many bytes of blocks are kept of one peer: one block of the largest size, or more of the usual.
const BYTES_MAX: usize = BLOCK_BYTES_MAX;

/// How many bytes of blocks are kept in all.
const BYTES_MAX_IN_ALL: usize = 4 * BLOCK_BYTES_MAX;

/// Of how many peers something is kept.
const PEERS_MAX: usize = 256;

/// How long the same news of a peer is none, in milliseconds.
const NEWS_MILLIS: Millis = 1_000;

/// Peers that are ahead.
#[derive(Debug, Default)]
pub(super) struct Peers {
    kept: BTreeMap<Peer, Kept>,
    bytes: usize,
    one_ahead: BTreeSet<Peer>,
    news: BTreeMap<Peer, (u64, Millis)>,
}

#[derive(Debug, Default)]
struct Kept {
    messages: Vec<Message>,
    bytes: usize,
}

impl Peers {
    /// Keeps a message of the next height, if there is room.
    pub fn keep(&mut self, peer: Peer, message: Message) {
        if self.kept.len() >= PEERS_MAX && !self.kept.contains_key(&peer) {
            return;
        }
        let bytes = match &message {
            Message::Proposal(_, block) => block.len(),
            _ => 0,
        };
        let kept = self.kept.entry(peer).or_default();
        let has_room = kept.messages.len() < MESSAGES_MAX
            && kept.bytes + bytes <= BYTES_MAX
            && self.bytes + bytes <= BYTES_MAX_IN_ALL;
        if has_room {
            kept.messages.push(message);
            kept.bytes += bytes;
            self.bytes += bytes;
        }
    }

    /// Begins the next height: what was kept for it, unless others were skipped.
    pub fn next_height(&mut self, is_next: bool) -> Vec<(Peer, Message)> {
        self.bytes = 0;
        self.one_ahead.clear();
        let kept = std::mem::take(&mut self.kept);
        let messages = kept.into_iter().filter(|_| is_next);
        messages
            .flat_map(|(peer, kept)| kept.messages.into_iter().map(move |message| (peer, message)))
            .collect()
    }

    /// A peer is one height ahead. Whether it is the first.
    pub fn one_ahead(&mut self, peer: Peer) -> bool {
        if self.one_ahead.len() >= PEERS_MAX {
            return false;
        }
        self.one_ahead.insert(peer);
        self.one_ahead.len() == 1
    }

    /// One that has been a height ahead for a while.
    pub fn take_one_ahead(&mut self) -> Option<Peer> {
        let first = self.one_ahead.pop_first();
        self.one_ahead.clear();
        first
    }

    /// Whether a peer is higher than it was, or has been there for some time.
    pub fn is_news(&mut self, now: Millis, peer: Peer, height: u64) -> bool {
        if self.news.len() >= PEERS_MAX && !self.news.contains_key(&peer) {
            self.news.clear();
        }
        let is_news = self
            .news
            .get(&peer)
            .is_none_or(|(known, at)| height > *known || now >= at + NEWS_MILLIS);
        if is_news {
            self.news.insert(peer, (height, now));
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bft::message::{Signature, SignedProposal},
        votes::Proposal,
    };
    use alloy_primitives::{Address, B256};

    fn proposal(length: usize) -> Message {
        let proposal = Proposal {
            height: 2,
            round: 0,
            valid_round: -1,
            block: B256::ZERO,
        };
        let signed = SignedProposal {
            proposal,
            account: Address::ZERO,
            signature: Signature::ZERO,
        };
        Message::Proposal(signed, vec![0; length].into())
    }

    #[test]
    fn what_is_kept_of_later_heights_is_bounded() {
        let mut peers = Peers::default();
        for number in 0..=255 {
            for _ in 0..4 {
                peers.keep(Peer([number; 32]), proposal(BLOCK_BYTES_MAX / 2));
            }
        }
        assert_eq!(peers.bytes, BYTES_MAX_IN_ALL);
        let of_first = peers.kept.get(&Peer([0; 32])).map(|kept| kept.messages.len());
        assert_eq!(of_first, Some(2));
        for _ in 0..1_000 {
            peers.keep(Peer([9; 32]), proposal(0));
        }
        peers.keep(Peer([0x77; 32]), proposal(0));
        assert_eq!(peers.kept.len(), PEERS_MAX);
        assert_eq!(peers.next_height(true).len(), 8 + MESSAGES_MAX + 1);
        assert_eq!(peers.bytes, 0);
        peers.keep(Peer([1; 32]), proposal(0));
        assert!(
            peers.next_height(false).is_empty(),
            "they were of a height that was skipped"
        );
        assert!(peers.next_height(true).is_empty());
    }

    #[test]
    fn the_same_news_is_told_once_in_a_while() {
        let mut peers = Peers::default();
        let peer = Peer([1; 32]);
        let news =
            [(0, 5), (10, 5), (20, 6), (1_019, 6), (1_020, 6)].map(|(now, height)| peers.is_news(now, peer, height));
        assert_eq!(news, [true, false, true, false, true]);
    }
}
