//! The difficulty of each block: ASERT, absolutely scheduled exponentially rising targets.
//!
//! The chain has a schedule: block *n* is due *n* block times after genesis. A block's difficulty is the initial one times
//! 2^(earliness of its parent / half-life). So it follows from two headers, the parent's and the genesis block's.
//!
//! Why not LWMA, the linearly weighted average over the last blocks that many small chains use: an average needs a window of
//! headers, has rules of its own for what a window may do to it, rounds anew at each block, and lets times inside the window
//! be traded against each other. ASERT keeps no state, so rounding never adds up; a false time moves nothing but the
//! difficulty while it is the parent's; and it answers a jump of hash rate exponentially, without swinging.
//! Source: "ASERT difficulty adjustment algorithm (aserti3-2d)", the Bitcoin Cash upgrade specification of 15 November 2020,
//! with Mark Lundeberg's and Jonathan Toomim's analysis of it: <https://upgradespecs.bitcoincashnode.org/2020-11-15-asert/>.
//!
//! Two things differ from it. The anchor is the genesis block, at the time it gives itself. And difficulty is computed, not its
//! inverse the target, with the exponent's sign turned: a header carries the difficulty, and work is its sum. The exponent
//! is rounded down to 1/65536, the difficulty to a whole number.

use super::PowRules;
use crate::Header;
use alloy_primitives::U256;

/// The greatest difficulty, 2^192 − 1: the work of 2^64 such blocks still fits into 256 bits.
pub const DIFFICULTY_MAX: U256 = U256::from_limbs([u64::MAX, u64::MAX, u64::MAX, 0]);

/// The difficulty of the block that follows `parent`.
pub fn difficulty_after(rules: &PowRules, genesis: &Header, parent: &Header) -> U256 {
    let due = i128::from(parent.number) * i128::from(rules.block_seconds.get());
    let seconds = i128::from(parent.timestamp) - i128::from(genesis.timestamp);
    // Below 2^97: block numbers have 64 bits and the rules 32.
    let early = due - seconds;
    let exponent = (early << FRACTION_BITS).div_euclid(i128::from(rules.half_life_seconds.get()));
    doubled(rules.initial_difficulty, exponent)
}

const FRACTION_BITS: u32 = 16;

/// `difficulty` times 2^(exponent / 65536), from 1 to [`DIFFICULTY_MAX`].
fn doubled(difficulty: U256, exponent: i128) -> U256 {
    let whole = exponent >> FRACTION_BITS;
    let product = difficulty.clamp(U256::ONE, DIFFICULTY_MAX) * power_of_two(exponent & 0xffff);
    let shift = whole - i128::from(FRACTION_BITS);
    let difficulty = match usize::try_from(shift.unsigned_abs()) {
        Ok(shift_right) if shift < 0 => product >> shift_right.min(255),
        _ if shift < 0 => U256::ZERO,
        // `product` has at most 209 bits: what is shifted by more than 192 is beyond the greatest difficulty anyway.
        Ok(shift_left) if shift_left <= 256 - product.bit_len() => product << shift_left,
        _ => DIFFICULTY_MAX,
    };
    difficulty.clamp(U256::ONE, DIFFICULTY_MAX)
}

/// 65536 times 2^(fraction / 65536), for a fraction below 65536, by the specification's cubic: off by less than 0.013 %.
fn power_of_two(fraction: i128) -> U256 {
    let fraction = fraction.unsigned_abs();
    let cubic =
        195_766_423_245_049 * fraction + 971_821_376 * fraction * fraction + 5_127 * fraction * fraction * fraction;
    U256::from(65_536 + ((cubic + (1 << 47)) >> 48))
}

#[cfg(test)]
mod tests;
