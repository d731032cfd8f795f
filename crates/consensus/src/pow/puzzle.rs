//! The puzzle: a nonce with which a hash is small enough.

use alloy_primitives::{B256, U256, keccak256};
use std::ops::Range;

/// What a hash must not exceed so that finding one takes `difficulty` hashes on average: (2^256 − 1) / difficulty, rounded down.
/// A difficulty of zero is none, and nothing solves it but a hash of zero.
pub fn target(difficulty: U256) -> U256 {
    U256::MAX.checked_div(difficulty).unwrap_or(U256::ZERO)
}

/// Whether keccak-256 of the puzzle and the nonce, as 8 bytes with the highest first, is at most the target.
pub fn is_solved(puzzle: B256, nonce: u64, target: U256) -> bool {
    let mut subject = [0; 40];
    subject[..32].copy_from_slice(puzzle.as_slice());
    subject[32..].copy_from_slice(&nonce.to_be_bytes());
    U256::from_be_bytes(keccak256(subject).0) <= target
}

/// The first of these nonces that solves the puzzle. A miner gives each thread its own range, short enough to look up in
/// between whether the puzzle is still wanted.
pub fn search(puzzle: B256, target: U256, mut nonces: Range<u64>) -> Option<u64> {
    nonces.find(|nonce| is_solved(puzzle, *nonce, target))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::b256;

    #[test]
    fn a_puzzle_takes_as_many_hashes_as_its_difficulty_says() {
        let hashes: u64 = (0..400u64)
            .map(|number| {
                let puzzle = B256::from(U256::from(number));
                search(puzzle, target(U256::from(50)), 0..u64::MAX).unwrap_or(u64::MAX) + 1
            })
            .sum();
        // A geometric distribution: 400 draws of mean 50 have a standard deviation of 1000.
        assert!(hashes.abs_diff(20_000) < 4_000, "{hashes} hashes");
    }

    #[test]
    fn the_bound_is_exact_and_the_range_is_kept() {
        let puzzle = B256::repeat_byte(7);
        let mut subject = puzzle.to_vec();
        subject.extend([0, 0, 0, 0, 0, 0, 1, 2]);
        let hash = U256::from_be_bytes(keccak256(&subject).0);
        assert!(is_solved(puzzle, 0x102, hash));
        assert!(!is_solved(puzzle, 0x102, hash - U256::ONE));
        assert_eq!(search(puzzle, hash, 0x102..0x103), Some(0x102));
        assert_eq!(search(puzzle, hash, 0x102..0x102), None);
    }

    #[test]
    fn the_easiest_puzzle_is_always_solved_and_that_of_no_difficulty_never() {
        assert_eq!(target(U256::ONE), U256::MAX);
        assert_eq!(
            B256::from(target(U256::from(16))),
            b256!("0x0fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")
        );
        assert!(is_solved(B256::ZERO, 0, target(U256::ONE)));
        assert_eq!(search(B256::ZERO, target(U256::ZERO), 0..1_000), None);
    }
}
