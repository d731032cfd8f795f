//! How long validators wait for each other.

use super::malachite::Step;
use crate::RulesError;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The longest span that the rules may name, in milliseconds: one hour.
const MILLIS_MAX: u64 = 3_600_000;
/// The most seconds that a block may be ahead of the clock: one hour.
const AHEAD_MAX: u64 = 3_600;

/// How a chain's validators take turns. The same for all; in the genesis document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BftRules {
    /// Blocks come no faster than this.
    pub block_millis: u64,
    /// How long to wait for a proposal in the first round, beside the pause between blocks.
    pub propose_millis: u64,
    /// How much longer in each further round.
    pub propose_growth_millis: u64,
    /// How long to wait for more prevotes once two thirds are there and do not agree.
    pub prevote_millis: u64,
    /// How much longer in each further round.
    pub prevote_growth_millis: u64,
    /// How long to wait for more precommits once two thirds are there and do not agree.
    pub precommit_millis: u64,
    /// How much longer in each further round.
    pub precommit_growth_millis: u64,
    /// No round waits longer than this for anything.
    pub timeout_millis_max: u64,
    /// How often a vote is sent again while nothing moves.
    pub resend_millis: u64,
    /// How far a block's time may be ahead of the clock.
    pub ahead_seconds_max: u64,
}

impl Default for BftRules {
    /// For validators on several continents.
    fn default() -> Self {
        Self {
            block_millis: 1_000,
            propose_millis: 3_000,
            propose_growth_millis: 500,
            prevote_millis: 1_000,
            prevote_growth_millis: 500,
            precommit_millis: 1_000,
            precommit_growth_millis: 500,
            timeout_millis_max: 60_000,
            resend_millis: 2_000,
            ahead_seconds_max: 15,
        }
    }
}

impl BftRules {
    /// Whether a chain could run by them.
    ///
    /// # Errors
    /// The field that is out of bounds.
    pub fn check(&self) -> Result<(), RulesError> {
        let waits = [
            ("propose_millis", self.propose_millis),
            ("prevote_millis", self.prevote_millis),
            ("precommit_millis", self.precommit_millis),
            ("timeout_millis_max", self.timeout_millis_max),
            ("resend_millis", self.resend_millis),
        ];
        let pauses = [
            ("block_millis", self.block_millis),
            ("propose_growth_millis", self.propose_growth_millis),
            ("prevote_growth_millis", self.prevote_growth_millis),
            ("precommit_growth_millis", self.precommit_growth_millis),
        ];
        for (field, got) in waits {
            RulesError::check(field, got, (1, MILLIS_MAX))?;
        }
        for (field, got) in pauses {
            RulesError::check(field, got, (0, MILLIS_MAX))?;
        }
        RulesError::check("ahead_seconds_max", self.ahead_seconds_max, (0, AHEAD_MAX))
    }

    /// How long a step of a round lasts at most.
    pub(super) fn timeout(&self, step: Step, round: u32) -> Duration {
        let (first, growth) = match step {
            Step::Propose => (self.propose_millis, self.propose_growth_millis),
            Step::Prevote => (self.prevote_millis, self.prevote_growth_millis),
            Step::Precommit => (self.precommit_millis, self.precommit_growth_millis),
            Step::Resend => (self.resend_millis, 0),
        };
        let millis = first.saturating_add(growth.saturating_mul(u64::from(round)));
        Duration::from_millis(millis.min(self.timeout_millis_max))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn rounds_grow_longer_up_to_the_limit() {
        let rules = BftRules::default();
        let waits = [0, 1, 10_000].map(|round| rules.timeout(Step::Propose, round).as_millis());
        assert_eq!(waits, [3_000, 3_500, 60_000]);
        assert_eq!(rules.timeout(Step::Resend, 9), rules.timeout(Step::Resend, 0));
    }

    #[test]
    fn rules_without_a_wait_are_none() {
        assert_eq!(BftRules::default().check(), Ok(()));
        let rules = BftRules {
            prevote_millis: 0,
            ..BftRules::default()
        };
        assert_eq!(rules.check().map_err(|error| error.field), Err("prevote_millis"));
        let rules = BftRules {
            block_millis: u64::MAX,
            ..BftRules::default()
        };
        assert_eq!(rules.check().map_err(|error| error.field), Err("block_millis"));
        let rules = BftRules {
            ahead_seconds_max: 3_601,
            ..BftRules::default()
        };
        assert_eq!(
            rules.check().unwrap_err().to_string(),
            "ahead_seconds_max must be between 0 and 3600, and is 3601"
        );
    }
}
