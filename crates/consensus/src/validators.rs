//! Who votes, with what power, and whose turn it is to propose.

use alloy_primitives::{Address, U256, keccak256};
use serde::{Deserialize, Serialize};

/// The most validators a set may have: each vote is a message and each certificate carries one signature of each.
pub const VALIDATORS_MAX: usize = 128;

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

    /// Whose turn it is to propose: drawn in proportion to power by keccak-256 of height and round, which nobody can choose.
    pub fn proposer(&self, height: u64, round: u32) -> Address {
        let mut subject = [0; 12];
        subject[..8].copy_from_slice(&height.to_be_bytes());
        subject[8..].copy_from_slice(&round.to_be_bytes());
        let drawn = U256::from_be_bytes(keccak256(subject).0) % U256::from(self.total);
        let mut left = drawn.to::<u64>();
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

    #[test]
    fn proposers_are_drawn_in_proportion_to_power() {
        let set = set(&[10, 20, 70]).unwrap();
        let turns = |account: u8| {
            let account = Address::repeat_byte(account);
            (0..10_000).filter(|height| set.proposer(*height, 0) == account).count()
        };
        let turns = [turns(1), turns(2), turns(3)];
        for (turns, expected) in turns.into_iter().zip([1_000, 2_000, 7_000]) {
            // Four standard deviations of a binomial are below 200.
            assert!(turns.abs_diff(expected) < 200, "{turns} turns, {expected} expected");
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
