//! Proof of work in a simulated world.
//!
//! Forty seeds by default; `RAYSWARM_SEEDS=1000` runs a thousand, and fifty times as many double spends; `RAYSWARM_SEED=n` repeats
//! the one that failed.
#![allow(clippy::unwrap_used)]

mod double_spend;
mod faults;
mod shares;

use std::ops::Range;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|value| value.parse().unwrap())
}

/// The seeds to try.
fn seeds() -> Range<u64> {
    match number("RAYSWARM_SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("RAYSWARM_SEEDS").unwrap_or(40),
    }
}
