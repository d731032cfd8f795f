//! What consensus sees of a block.

use crate::validators::ValidatorSet;
use alloy_primitives::{Address, B256, Bytes, U256};
use std::sync::Arc;

/// The part of a block's header that consensus reads. The chain makes it of an Ethereum header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Its hash.
    pub hash: B256,
    /// Hash of its parent.
    pub parent: B256,
    /// Its height; the genesis block has 0.
    pub number: u64,
    /// Seconds since 1970.
    pub timestamp: u64,
    /// Who made it: `beneficiary`. By pos and dpos a validator.
    pub proposer: Address,
    /// `nonce`: by pow the solution of the puzzle, by pos and dpos the round in which the block was proposed first.
    pub nonce: u64,
    /// `difficulty`: by pow how many hashes the puzzle takes on average, else zero.
    pub difficulty: U256,
    /// The hash that the puzzle is set by: keccak-256 of the encoded header with a nonce of zero.
    pub puzzle: B256,
}

/// A block: what consensus sees, and the encoding that it hands on unread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// What consensus sees.
    pub header: Header,
    /// The whole block, encoded.
    pub bytes: Bytes,
}

/// Why a block may stand in the chain. Kept beside the block, sent with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seal {
    /// The header itself shows it: pow's nonce, or the genesis block.
    Header,
    /// Validators with more than two thirds of the power voted for it: an encoded commit certificate.
    Votes(Bytes),
}

/// Where a block wants to stand.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    /// Its parent.
    pub parent: &'a Header,
    /// Timestamps of the blocks before it, the parent's first: eleven, or all there are.
    pub times: &'a [u64],
    /// The chain's first block.
    pub genesis: &'a Header,
    /// Who votes at its height: what the parent's state says. `None` by pow.
    pub validators: Option<&'a Arc<ValidatorSet>>,
}

/// Why a block may not stand where it says it does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// It does not follow its parent.
    #[error("block {number} does not follow block {parent}")]
    Parent {
        /// Its height.
        number: u64,
        /// Height of the parent.
        parent: u64,
    },
    /// Its time is too early: not later than the median of the eleven blocks before it, or before its parent's.
    #[error("block {number} says it is of {got}, which must be later than {limit}")]
    TooEarly {
        /// Its height.
        number: u64,
        /// Its timestamp.
        got: u64,
        /// What it must be later than.
        limit: u64,
    },
    /// Its time is ahead of this machine's clock.
    #[error("block {number} says it is of {got}, and here it is {now}; check the clocks")]
    TooLate {
        /// Its height.
        number: u64,
        /// Its timestamp.
        got: u64,
        /// The time here, in seconds.
        now: u64,
    },
    /// Its difficulty is not the one that follows.
    #[error("block {number} has difficulty {got}, {expected} follows from the blocks before it")]
    Difficulty {
        /// Its height.
        number: u64,
        /// Its own.
        got: U256,
        /// What follows.
        expected: U256,
    },
    /// It would stand beside or below a final block, or on a branch that does.
    #[error("block {number} does not stand on final block {last}, which stays")]
    BelowFinal {
        /// Its height.
        number: u64,
        /// Height of the final block.
        last: u64,
    },
    /// The puzzle is not solved.
    #[error("the nonce of block {0} does not solve its puzzle")]
    Unsolved(u64),
    /// There are more headers before it than are walked along at once.
    #[error(
        "block {0} is further ahead than headers are walked along; read the chain from a file of `rayswarm chain export`"
    )]
    TooFar(u64),
    /// It was not this proposer's turn.
    #[error("block {number} was proposed by {got}, in round {round} it was the turn of {expected}")]
    Proposer {
        /// Its height.
        number: u64,
        /// The round.
        round: u64,
        /// Who proposed it.
        got: Address,
        /// Whose turn it was.
        expected: Address,
    },
    /// The seal is of another kind, or does not read.
    #[error("the seal of block {0} does not read")]
    Malformed(u64),
    /// The votes do not carry it.
    #[error("the votes for block {number} do not carry it: {reason}")]
    Votes {
        /// Its height.
        number: u64,
        /// Why not.
        reason: String,
    },
}
