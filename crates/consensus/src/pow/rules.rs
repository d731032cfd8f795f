//! What a chain by proof of work fixes in its genesis.

use alloy_primitives::U256;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The rules that all nodes of one chain share.
///
/// ```json
/// { "initial_difficulty": "0x100000", "block_seconds": 15, "half_life_seconds": 3600, "confirmations": 30, "ahead_seconds_max": 15 }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PowRules {
    /// Difficulty of the first block after genesis: how many hashes it takes on average. From 1 to
    /// [`DIFFICULTY_MAX`](super::retarget::DIFFICULTY_MAX); what is outside counts as the nearer of the two.
    pub initial_difficulty: U256,
    /// How far apart blocks should be, in seconds.
    pub block_seconds: NonZeroU32,
    /// A chain that is this many seconds late by its own schedule halves its difficulty; one that is as early doubles it.
    pub half_life_seconds: NonZeroU32,
    /// The block that has this many above it on the best chain is final.
    pub confirmations: NonZeroU32,
    /// How far ahead of the clock a block's time may be, in seconds. Well below the half-life, since times that run ahead
    /// lower the difficulty.
    pub ahead_seconds_max: u32,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const JSON: &str = r#"{"initial_difficulty":"0x100000","block_seconds":15,"half_life_seconds":3600,"confirmations":30,"ahead_seconds_max":15}"#;

    #[test]
    fn rules_are_readable_json_and_nonsense_is_refused() {
        let rules: PowRules = serde_json::from_str(JSON).unwrap();
        assert_eq!(rules.initial_difficulty, U256::from(1 << 20));
        assert_eq!(serde_json::to_string(&rules).unwrap(), JSON);
        for (wrong, instead) in [
            ("15,\"half", "0,\"half"),
            ("3600", "0"),
            ("30,", "0,"),
            ("ahead_", "behind_"),
        ] {
            assert!(
                serde_json::from_str::<PowRules>(&JSON.replace(wrong, instead)).is_err(),
                "{instead}"
            );
        }
    }
}
