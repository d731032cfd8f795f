//! What validators tell each other, and how it is written. What is too long, too many or trailed by more does not read.

use crate::votes::{Proposal, Vote, VoteKind};
use alloy_primitives::{Address, B256, Bytes, FixedBytes};
use serde::{Deserialize, Serialize};

use crate::validators::VALIDATORS_MAX;

/// The largest encoded block that is proposed or read, in bytes (EIP-7934).
pub const BLOCK_BYTES_MAX: usize = 8 * 1024 * 1024;

/// The longest message, in bytes: a proposal with its block.
pub const MESSAGE_BYTES_MAX: usize = BLOCK_BYTES_MAX + 1024;

/// The highest round that is looked at. With the longest time-outs nobody gets there within years.
pub const ROUND_MAX: u32 = 1 << 24;

/// A signature: r, s in the lower half, v (27 or 28).
pub type Signature = FixedBytes<65>;

/// A vote with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedVote {
    /// What was signed.
    pub vote: Vote,
    /// By whom.
    pub account: Address,
    /// The signature.
    pub signature: Signature,
}

/// A proposal with its signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignedProposal {
    /// What was signed.
    pub proposal: Proposal,
    /// By whom.
    pub account: Address,
    /// The signature.
    pub signature: Signature,
}

/// Prevotes of more than two thirds of the power for one block in one round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Polka {
    /// At this height.
    pub height: u64,
    /// In this round.
    pub round: u32,
    /// For this block.
    pub block: B256,
    /// Who prevoted, and the signatures.
    pub signatures: Vec<(Address, Signature)>,
}

/// Votes that let everybody enter a round.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoundEnd {
    /// At this height.
    pub height: u64,
    /// The round of the votes.
    pub round: u32,
    /// Whether these are precommits of more than two thirds, by which the round is over, or any votes of more than one
    /// third, by which it has begun.
    pub is_over: bool,
    /// The votes: which of the two, for which block (zero is for none), whose, the signature.
    pub votes: Vec<(VoteKind, B256, Address, Signature)>,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Message {
    /// A vote.
    Vote(SignedVote),
    /// A proposal, with the block.
    Proposal(SignedProposal, Bytes),
    /// Why a block of an earlier round may be proposed again.
    Polka(Polka),
    /// Why the sender has entered its round.
    RoundEnd(RoundEnd),
    /// The height of the sender's head. Said by those who have no vote, while nothing moves: nobody might hear otherwise that
    /// a height is over, once other validators are to decide the next.
    Head(u64),
}

impl Message {
    /// The height that its sender is deciding.
    pub const fn height(&self) -> u64 {
        match self {
            Self::Vote(signed) => signed.vote.height,
            Self::Proposal(signed, _) => signed.proposal.height,
            Self::Polka(polka) => polka.height,
            Self::RoundEnd(end) => end.height,
            Self::Head(number) => number.saturating_add(1),
        }
    }

    /// The message as it is sent.
    pub fn encode(&self) -> Bytes {
        encode(self)
    }

    /// A message, if the bytes are one and within the bounds.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MESSAGE_BYTES_MAX {
            return None;
        }
        let message: Self = decode(bytes)?;
        let is_bounded = match &message {
            Self::Vote(signed) => signed.vote.round <= ROUND_MAX,
            Self::Proposal(signed, block) => {
                let Proposal { round, valid_round, .. } = signed.proposal;
                round <= ROUND_MAX && (-1..i64::from(round)).contains(&valid_round) && block.len() <= BLOCK_BYTES_MAX
            }
            Self::Polka(polka) => polka.round <= ROUND_MAX && polka.signatures.len() <= VALIDATORS_MAX,
            Self::RoundEnd(end) => end.round <= ROUND_MAX && end.votes.len() <= VALIDATORS_MAX,
            Self::Head(_) => true,
        };
        is_bounded.then_some(message)
    }
}

/// Encodes what cannot fail to encode: there are no maps, floats or streams in it.
pub(super) fn encode<T: Serialize>(value: &T) -> Bytes {
    postcard::to_stdvec(value).unwrap_or_default().into()
}

/// Decodes the whole of the bytes.
pub(super) fn decode<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Option<T> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    fn proposal(round: u32, valid_round: i64, length: usize) -> Message {
        let proposal = Proposal {
            height: 3,
            round,
            valid_round,
            block: B256::repeat_byte(1),
        };
        let signed = SignedProposal {
            proposal,
            account: Address::repeat_byte(2),
            signature: Signature::repeat_byte(3),
        };
        Message::Proposal(signed, vec![7; length].into())
    }

    #[test]
    fn messages_read_as_they_were_written() {
        for message in [proposal(4, 3, 100), proposal(0, -1, BLOCK_BYTES_MAX)] {
            assert_eq!(Message::decode(&message.encode()), Some(message));
        }
    }

    #[test]
    fn what_is_out_of_bounds_does_not_read() {
        for message in [
            proposal(4, 4, 0),
            proposal(4, -2, 0),
            proposal(ROUND_MAX + 1, 0, 0),
            proposal(0, -1, BLOCK_BYTES_MAX + 1),
            Message::RoundEnd(RoundEnd {
                height: 1,
                round: 0,
                is_over: true,
                votes: vec![(VoteKind::Prevote, B256::ZERO, Address::ZERO, Signature::ZERO); VALIDATORS_MAX + 1],
            }),
        ] {
            assert_eq!(Message::decode(&message.encode()), None);
        }
        let trailed = [proposal(4, 3, 1).encode().as_ref(), &[0]].concat();
        assert_eq!(Message::decode(&trailed), None);
    }

    proptest! {
        #[test]
        fn no_bytes_break_the_reader(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            let _ = Message::decode(&bytes);
        }

        #[test]
        fn no_change_of_a_message_breaks_the_reader(at in 0usize..200, byte in any::<u8>()) {
            let mut bytes = proposal(4, 3, 60).encode().to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            let _ = Message::decode(&bytes);
        }
    }
}
