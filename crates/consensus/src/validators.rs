//! Who votes, with what power, and whose turn it is to propose.

use alloy_primitives::Address;
use serde::{Deserialize, Serialize};

/// The most validators a set may have: each vote is a message and each certificate carries one signature of each.
pub const VALIDATORS_MAX: usize = 128;

/// 2^64 divided by the golden ratio, made odd: its multiples fall as evenly as can be over the 64-bit numbers (Knuth, The Art of
/// Computer Programming, volume 3, section 6.4).
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// The same of the square root of two less one, for the rounds of a height: whose turn a round is says nothing of the next heights.
const SILVER: u64 = 0x6a09_e667_f3bc_c909;

/// One who votes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Validator {
    /// The account whose key signs.
    pub account: Address,
    /// Voting power: by pos the stake in whole tokens, by dpos one.
    pub power: u64,
}

/// All who vote at one height, by account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Validator>", into = "Vec<Validator>")]
pub struct ValidatorSet {
    validators: Vec<Validator>,
    total: u64,
}

/// Validators that make no set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ValidatorsError {
    /// Nobody could ever end the next block.
    #[error("a set of validators must not be empty")]
    Empty,
    /// Too many.
    #[error("{0} validators, at most {VALIDATORS_MAX} are allowed")]
    TooMany(usize),
    /// One stands twice.
    #[error("validator {0} stands twice in the set")]
    Twice(Address),
    /// One has no power.
    #[error("validator {0} has no power")]
    Powerless(Address),
    /// The sum is too large to be tripled, as comparing with two thirds does.
    #[error("the validators' power sums to more than 2^62")]
    TooMuchPower,
}

impl ValidatorSet {
    /// A set of these, in any order.
    ///
    /// # Errors
    /// See [`ValidatorsError`].
    pub fn new(mut validators: Vec<Validator>) -> Result<Self, ValidatorsError> {
        if validators.is_empty() {
            return Err(ValidatorsError::Empty);
        }
        if validators.len() > VALIDATORS_MAX {
            return Err(ValidatorsError::TooMany(validators.len()));
        }
        validators.sort_by_key(|validator| validator.account);
        if let Some(twice) = validators.windows(2).find(|pair| pair[0].account == pair[1].account) {
            return Err(ValidatorsError::Twice(twice[0].account));
        }
        if let Some(powerless) = validators.iter().find(|validator| validator.power == 0) {
            return Err(ValidatorsError::Powerless(powerless.account));
        }
        let total = validators
            .iter()
            .try_fold(0u64, |sum, validator| sum.checked_add(validator.power));
        match total {
            Some(total) if total <= 1 << 62 => Ok(Self { validators, total }),
            _ => Err(ValidatorsError::TooMuchPower),
        }
    }

    /// The validators, by account.
    pub fn as_slice(&self) -> &[Validator] {
        &self.validators
    }

    /// Their power in all.
    pub const fn total_power(&self) -> u64 {
        self.total
    }

    /// The validator with an account.
    pub fn get(&self, account: Address) -> Option<&Validator> {
        let index = self
            .validators
            .binary_search_by_key(&account, |validator| validator.account);
        self.validators.get(index.ok()?)
    }

    /// Whose turn it is to propose: multiples of the golden ratio go round the set, each validator an interval as wide as its
    /// power. In any stretch of heights everybody has its share to within a few, however the powers were chosen.
    pub fn proposer(&self, height: u64, round: u32) -> Address {
        let (by_height, by_round) = (height.wrapping_mul(GOLDEN), u64::from(round).wrapping_mul(SILVER));
        let around = u128::from(by_height.wrapping_add(by_round));
        // Below the total, as the other factor is below 2^64.
        let mut left = ((around * u128::from(self.total)) >> 64) as u64;
        for validator in &self.validators {
            if left < validator.power {
                return validator.account;
            }
            left -= validator.power;
        }
        // `left` starts below the sum of all powers.
        self.validators
            .last()
            .map_or(Address::ZERO, |validator| validator.account)
    }
}

impl TryFrom<Vec<Validator>> for ValidatorSet {
    type Error = ValidatorsError;

    fn try_from(validators: Vec<Validator>) -> Result<Self, ValidatorsError> {
        Self::new(validators)
    }
}

impl From<ValidatorSet> for Vec<Validator> {
    fn from(set: ValidatorSet) -> Self {
        set.validators
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn set(powers: &[u64]) -> Result<ValidatorSet, ValidatorsError> {
        let validator = |(number, power): (u8, &u64)| Validator {
            account: Address::repeat_byte(number),
            power: *power,
        };
        ValidatorSet::new((1..).zip(powers).map(validator).collect())
    }

    /// Whoever stakes last could try many sums of power for one that gives it more turns: there is none.
    #[test]
    fn turns_are_in_proportion_to_power_in_any_stretch_and_with_any_sum() {
        for extra in 0..200 {
            let powers = [100 + extra, 20, 700, 180];
            let set = set(&powers).unwrap();
            for first in [0, 600, 1 << 40, u64::MAX - 300] {
                let mut turns = [0u64; 4];
                for turn in 0..600 {
                    let proposer = set.proposer(first.wrapping_add(turn), 0);
                    turns[usize::from(proposer[0]) - 1] += 1;
                }
                for (turns, power) in turns.into_iter().zip(powers) {
                    let share = 600.0 * power as f64 / set.total_power() as f64;
                    assert!((turns as f64 - share).abs() < 4.0, "{turns} turns, {share} expected");
                }
            }
        }
    }

    #[test]
    fn a_quarter_of_the_power_has_no_two_turns_together_and_waits_for_none_long() {
        let set = set(&[1, 1, 1, 1]).unwrap();
        for account in 1..=4 {
            let account = Address::repeat_byte(account);
            let own: Vec<u64> = (0..10_000)
                .filter(|height| set.proposer(*height, 0) == account)
                .collect();
            let apart = own.windows(2).map(|pair| pair[1] - pair[0]);
            assert_eq!(apart.clone().min(), Some(2));
            assert!(apart.max() <= Some(8));
        }
    }

    #[test]
    fn no_set_is_empty_or_ambiguous() {
        assert_eq!(set(&[]), Err(ValidatorsError::Empty));
        assert_eq!(set(&[1, 0]), Err(ValidatorsError::Powerless(Address::repeat_byte(2))));
        assert!(set(&[1 << 61, 1 << 61]).is_ok());
        assert_eq!(set(&[1 << 62, 1]), Err(ValidatorsError::TooMuchPower));
        let one = Validator {
            account: Address::repeat_byte(1),
            power: 1,
        };
        assert_eq!(
            ValidatorSet::new(vec![one, one]),
            Err(ValidatorsError::Twice(one.account))
        );
    }

    /// The contract that counts missed turns draws the same: `contracts/test/chain/ChainVectors.t.sol`.
    #[test]
    fn proposers_are_those_of_the_vectors_shared_with_the_contracts() {
        let cases: Vec<serde_json::Value> =
            serde_json::from_str(include_str!("../../../contracts/vectors/proposers.json")).unwrap();
        let number = |value: &serde_json::Value| value.as_str().unwrap().parse::<u64>().unwrap();
        let account = |value: &serde_json::Value| value.as_str().unwrap().parse::<Address>().unwrap();
        let mut turns = 0;
        for case in &cases {
            let validators = case["validators"]
                .as_array()
                .unwrap()
                .iter()
                .map(|validator| Validator {
                    account: account(&validator["account"]),
                    power: number(&validator["power"]),
                });
            let set = ValidatorSet::new(validators.collect()).unwrap();
            for turn in case["turns"].as_array().unwrap() {
                let round = u32::try_from(number(&turn["round"])).unwrap();
                assert_eq!(
                    set.proposer(number(&turn["height"]), round),
                    account(&turn["proposer"]),
                    "{turn}"
                );
                turns += 1;
            }
        }
        assert_eq!(turns, 42);
    }
}
