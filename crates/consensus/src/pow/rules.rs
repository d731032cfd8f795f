//! What a chain by proof of work fixes in its genesis.

use crate::RulesError;
use alloy_primitives::U256;
use serde::{Deserialize, Serialize};
use std::num::NonZeroU32;

/// The most confirmations: nodes hold that many blocks in memory, and others beside them.
const CONFIRMATIONS_MAX: u64 = 1_024;
/// Times that run ahead by the half-life halve the difficulty of a block; by this part of it, a sixth is lost.
const HALF_LIFE_PARTS_AHEAD: u64 = 4;

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
    /// How far ahead of the clock a block's time may be, in seconds. At most a quarter of the half-life, since times that run ahead
    /// lower the difficulty.
    pub ahead_seconds_max: u32,
}

impl PowRules {
    /// Whether a chain could run by them.
    ///
    /// # Errors
    /// The field that is out of bounds.
    pub fn check(&self) -> Result<(), RulesError> {
        let ahead_max = u64::from(self.half_life_seconds.get()) / HALF_LIFE_PARTS_AHEAD;
        RulesError::check("ahead_seconds_max", self.ahead_seconds_max.into(), (0, ahead_max))?;
        let confirmations = u64::from(self.confirmations.get());
        RulesError::check("confirmations", confirmations, (1, CONFIRMATIONS_MAX))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const JSON: &str = r#"{"initial_difficulty":"0x100000","block_seconds":15,"half_life_seconds":3600,"confirmations":30,"ahead_seconds_max":15}"#;

    #[test]
    fn times_may_not_run_ahead_by_what_makes_blocks_cheap() {
        let rules: PowRules = serde_json::from_str(JSON).unwrap();
        assert_eq!(rules.check(), Ok(()));
        let quarter = PowRules {
            ahead_seconds_max: 900,
            ..rules
        };
        assert_eq!(quarter.check(), Ok(()));
        let more = PowRules {
            ahead_seconds_max: 901,
            ..rules
        };
        assert_eq!(
            more.check().unwrap_err().to_string(),
            "ahead_seconds_max must be between 0 and 900, and is 901"
        );
        let deep = PowRules {
            confirmations: NonZeroU32::new(1_025).unwrap(),
            ..rules
        };
        assert_eq!(deep.check().map_err(|error| error.field), Err("confirmations"));
    }

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
