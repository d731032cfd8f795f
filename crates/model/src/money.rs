//! Money: integer base units of the payment token, checked arithmetic, the rounding direction in the name.

use crate::units::Work;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::{fmt, str::FromStr};

/// Decimals of the token amounts are shown and typed in (ERC-20 `decimals()`).
pub const TOKEN_DECIMALS: u32 = 18;

/// An amount in base units. Shown and read in whole tokens: `1.25`. In JSON it is a decimal string of base units, since
/// JavaScript numbers cannot hold it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(pub u128);

/// A price in base units per WU-hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WorkPrice {
    /// What 3,600 WU cost.
    pub per_wu_hour: Amount,
}

/// A text is not an amount of money.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an amount; write tokens with at most {TOKEN_DECIMALS} decimals, for example 2.5")]
pub struct ParseAmountError {
    text: String,
}

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The sum, or `None` when it does not fit.
    pub const fn checked_plus(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }
    /// The difference, or `None` when `other` is larger.
    pub const fn checked_minus(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }
}

impl WorkPrice {
    /// What `work` costs, rounded down: dust stays with the requestor.
    pub const fn of_floor(self, work: Work) -> Amount {
        const MILLI_WU_PER_HOUR: u128 = 3_600_000;
        let price = self.per_wu_hour.0;
        // Split so that a large price times a large job cannot overflow before the division.
        let whole = (price / MILLI_WU_PER_HOUR).saturating_mul(work.milli_wu as u128);
        let rest = (price % MILLI_WU_PER_HOUR).saturating_mul(work.milli_wu as u128) / MILLI_WU_PER_HOUR;
        Amount(whole.saturating_add(rest))
    }
}

impl std::iter::Sum for Amount {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        Self(parts.fold(0u128, |total, part| total.saturating_add(part.0)))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = 10u128.pow(TOKEN_DECIMALS);
        let (whole, rest) = (self.0 / unit, self.0 % unit);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        let decimals = format!("{rest:018}");
        write!(f, "{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl FromStr for Amount {
    type Err = ParseAmountError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseAmountError { text: text.into() };
        let (whole, decimals) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
        let only_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if !only_digits(whole) || !only_digits(decimals) || decimals.len() > TOKEN_DECIMALS as usize {
            return Err(error());
        }
        if whole.is_empty() && decimals.is_empty() {
            return Err(error());
        }
        let digits = format!("{whole}{decimals:0<18}");
        digits.parse().map(Self).map_err(|_| error())
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(&self.0)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            return u128::deserialize(deserializer).map(Self);
        }
        let text = String::deserialize(deserializer)?;
        text.parse()
            .map(Self)
            .map_err(|_| D::Error::custom(format!("{text:?} is not a whole number of base units")))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn amounts_print_and_parse_alike() {
        for (text, units) in [
            ("0", 0),
            ("1", 10u128.pow(18)),
            ("2.5", 25 * 10u128.pow(17)),
            ("0.000000000000000001", 1),
        ] {
            assert_eq!(text.parse::<Amount>().unwrap(), Amount(units), "{text}");
            assert_eq!(Amount(units).to_string(), text);
        }
        for text in ["", ".", "-1", "1e3", "1.0000000000000000001", "1,5"] {
            assert!(text.parse::<Amount>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_price_rounds_down_and_never_overflows() {
        let price = WorkPrice {
            per_wu_hour: Amount(3_600_001),
        };
        assert_eq!(price.of_floor(Work { milli_wu: 1 }), Amount(1));
        assert_eq!(price.of_floor(Work { milli_wu: 3_600_000 }), Amount(3_600_001));
        let dear = WorkPrice {
            per_wu_hour: Amount(u128::MAX),
        };
        assert!(dear.of_floor(Work { milli_wu: u64::MAX }) > Amount::ZERO);
    }

    #[test]
    fn json_holds_base_units_as_text() {
        let json = serde_json::to_string(&Amount(u128::MAX)).unwrap();
        assert_eq!(json, format!("\"{}\"", u128::MAX));
        assert_eq!(serde_json::from_str::<Amount>(&json).unwrap(), Amount(u128::MAX));
    }
}
