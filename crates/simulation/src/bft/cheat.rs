//! What an equivocator makes of what it should say.

use super::{node::DOMAIN, toy};
use alloy_primitives::{B256, Bytes};
use rand::Rng as _;
use rand_chacha::ChaCha8Rng;
use rayswarm_consensus::{
    Vote,
    bft::{
        Signatures,
        message::{Message, SignedVote},
    },
};
use rayswarm_model::signed::AccountKey;
use std::collections::BTreeMap;

/// One equivocator.
pub(super) struct Cheat {
    key: AccountKey,
    signatures: Signatures,
    /// Its two blocks of a height and round.
    pairs: BTreeMap<(u64, u32), (B256, Bytes)>,
    /// The last block that was proposed in a height and round, by anybody.
    proposed: BTreeMap<(u64, u32), B256>,
}

impl Cheat {
    pub const fn new(key: AccountKey, signatures: Signatures) -> Self {
        Self {
            key,
            signatures,
            pairs: BTreeMap::new(),
            proposed: BTreeMap::new(),
        }
    }

    /// Notes what others propose, to vote for it here and there.
    pub fn hear(&mut self, bytes: &[u8]) {
        if let Some(Message::Proposal(signed, _)) = Message::decode(bytes) {
            let place = (signed.proposal.height, signed.proposal.round);
            self.proposed.insert(place, signed.proposal.block);
        }
    }

    /// What each of `peers` gets to hear instead of `message`.
    pub fn say(&mut self, rng: &mut ChaCha8Rng, message: &Bytes, peers: usize) -> Vec<(usize, Bytes)> {
        let other = Message::decode(message).and_then(|decoded| self.other(rng, decoded));
        let mut said = Vec::new();
        for peer in 0..peers {
            // Most keep to their side, so that two halves hear two stories; some hear both.
            let side = if rng.random_bool(0.8) {
                peer % 2
            } else {
                rng.random_range(0..4)
            };
            match (&other, side) {
                (None, 3) => {}
                (None, _) | (Some(_), 0) => said.push((peer, message.clone())),
                (Some(other), 1) => said.push((peer, other.clone())),
                (Some(other), 2) => said.extend([(peer, message.clone()), (peer, other.clone())]),
                (Some(other), _) => said.extend([(peer, other.clone()), (peer, message.clone())]),
            }
            if rng.random_bool(0.002) {
                said.push((peer, nonsense(rng, message)));
            }
        }
        said
    }

    fn other(&mut self, rng: &mut ChaCha8Rng, message: Message) -> Option<Bytes> {
        match message {
            Message::Vote(signed) => {
                let place = (signed.vote.height, signed.vote.round);
                let pair = self.pairs.get(&place).map(|(hash, _)| *hash);
                let choices = [pair, self.proposed.get(&place).copied(), Some(B256::ZERO)];
                let mut choices = choices
                    .into_iter()
                    .flatten()
                    .filter(|block| *block != signed.vote.block);
                let block = if rng.random_bool(0.05) {
                    B256::from(rng.random::<[u8; 32]>())
                } else {
                    choices.next()?
                };
                Some(self.vote(Vote { block, ..signed.vote }))
            }
            Message::Proposal(mut signed, bytes) => {
                let place = (signed.proposal.height, signed.proposal.round);
                let is_bad = rng.random_bool(0.2);
                let pair = self.pairs.entry(place).or_insert_with(|| {
                    let bytes = toy::other(&bytes, is_bad);
                    (alloy_primitives::keccak256(&bytes), bytes)
                });
                signed.proposal.block = pair.0;
                signed.signature = self.signatures.sign(&signed.proposal, &DOMAIN, &self.key);
                Some(Message::Proposal(signed, pair.1.clone()).encode())
            }
            Message::Polka(_) | Message::RoundEnd(_) | Message::Head(_) => None,
        }
    }

    fn vote(&self, vote: Vote) -> Bytes {
        let signed = SignedVote {
            vote,
            account: self.key.address(),
            signature: self.signatures.sign(&vote, &DOMAIN, &self.key),
        };
        Message::Vote(signed).encode()
    }
}

/// A message with one byte changed: most do not read or are not signed.
fn nonsense(rng: &mut ChaCha8Rng, message: &Bytes) -> Bytes {
    let mut bytes = message.to_vec();
    let at = rng.random_range(0..bytes.len());
    bytes[at] ^= rng.random_range(1..=255u8);
    bytes.into()
}
