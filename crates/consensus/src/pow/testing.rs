//! Headers for the tests of proof of work.

use super::{PowRules, puzzle};
use crate::{Block, Header};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use std::num::NonZeroU32;

fn of(value: u32) -> NonZeroU32 {
    NonZeroU32::new(value).unwrap_or(NonZeroU32::MIN)
}

/// Rules with an easy puzzle.
pub fn rules() -> PowRules {
    PowRules {
        initial_difficulty: U256::from(16),
        block_seconds: of(15),
        half_life_seconds: of(3_600),
        confirmations: of(3),
        ahead_seconds_max: 15,
    }
}

/// A header on schedule, whose hash says nothing of it but its number.
pub fn header(number: u64) -> Header {
    Header {
        hash: keccak256(number.to_be_bytes()),
        parent: number
            .checked_sub(1)
            .map(|number| keccak256(number.to_be_bytes()))
            .unwrap_or_default(),
        number,
        timestamp: 1_800_000_000 + number * 15,
        proposer: Address::ZERO,
        nonce: 0,
        difficulty: U256::from(1),
        puzzle: B256::ZERO,
    }
}

/// A header on another, by miner `miner`, on schedule.
pub fn child(parent: &Header, miner: u8, difficulty: u64) -> Header {
    let mut child = header(parent.number + 1);
    child.parent = parent.hash;
    child.proposer = Address::repeat_byte(miner);
    child.difficulty = U256::from(difficulty);
    rehash(&mut child);
    child
}

/// Computes puzzle and hash anew, as the chain does of the encoded header.
pub fn rehash(header: &mut Header) {
    let mut subject = header.parent.to_vec();
    subject.extend(header.number.to_be_bytes());
    subject.extend(header.timestamp.to_be_bytes());
    subject.extend(header.proposer);
    subject.extend(header.difficulty.to_be_bytes::<32>());
    header.puzzle = keccak256(&subject);
    subject.extend(header.nonce.to_be_bytes());
    header.hash = keccak256(&subject);
}

/// The block with the first nonce that solves it.
pub fn solved(mut header: Header) -> Block {
    rehash(&mut header);
    let target = puzzle::target(header.difficulty);
    header.nonce = puzzle::search(header.puzzle, target, 0..u64::MAX).unwrap_or_default();
    rehash(&mut header);
    Block {
        header,
        bytes: Bytes::from_static(b"transactions"),
    }
}
