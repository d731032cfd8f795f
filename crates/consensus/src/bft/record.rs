//! What must not be forgotten in a crash: all that led to a signature, in order.

use super::{
    malachite::Step,
    message::{self, Polka, SignedProposal, SignedVote},
};
use alloy_primitives::{Address, B256, Bytes};
use serde::{Deserialize, Serialize};

/// Something that the core was told, or said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Record {
    Vote(SignedVote),
    /// The block is written before, once.
    Proposal(SignedProposal),
    /// Whether a block follows from its parent; also what was built here.
    Judged {
        round: u32,
        proposer: Address,
        block: B256,
        valid: bool,
    },
    Polka(Polka),
    Timeout(Step, u32),
}

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Entry {
    /// A block that later entries name.
    Block(u64, Bytes),
    Record(u64, Record),
}

impl Entry {
    pub const fn height(&self) -> u64 {
        match self {
            Self::Block(height, _) | Self::Record(height, _) => *height,
        }
    }

    pub fn encode(&self) -> Bytes {
        message::encode(self)
    }

    pub fn decode(bytes: &[u8]) -> Option<Self> {
        message::decode(bytes)
    }
}

impl Record {
    /// The block that it names and needs.
    pub const fn block(&self) -> Option<B256> {
        match self {
            Self::Proposal(signed) => Some(signed.proposal.block),
            Self::Judged { block, .. } => Some(*block),
            Self::Vote(_) | Self::Polka(_) | Self::Timeout(..) => None,
        }
    }
}
