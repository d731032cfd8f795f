//! A share as an integer, so that what is agreed or signed holds no float.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A share in hundredths of a percent: 10,000 is all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BasisPoints(pub u32);

impl BasisPoints {
    /// The whole.
    pub const ALL: Self = Self(10_000);

    /// `part` of `whole`, rounded up: one differing pixel in a million is one basis point, never zero. An empty whole
    /// has no parts.
    pub const fn of_ceil(part: u64, whole: u64) -> Self {
        if whole == 0 {
            return Self(0);
        }
        let points = (part as u128 * 10_000).div_ceil(whole as u128);
        Self(if points > u32::MAX as u128 {
            u32::MAX
        } else {
            points as u32
        })
    }

    /// The share as a fraction, for formulas that are only displayed.
    pub fn as_fraction(self) -> f64 {
        f64::from(self.0) / 1e4
    }

    /// A fraction as the nearest share, kept within nothing and all; not-a-number is nothing.
    pub fn from_fraction_nearest(fraction: f64) -> Self {
        // The cast saturates and turns not-a-number into zero.
        Self((fraction.clamp(0.0, 1.0) * 1e4).round() as u32)
    }
}

impl fmt::Display for BasisPoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02} %", self.0 / 100, self.0 % 100)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_rounds_up_and_prints_as_percent() {
        for (part, whole, points, text) in [
            (0, 10, 0, "0.00 %"),
            (1, 1_000_000, 1, "0.01 %"),
            (1, 3, 3334, "33.34 %"),
            (5, 5, 10_000, "100.00 %"),
        ] {
            assert_eq!(BasisPoints::of_ceil(part, whole), BasisPoints(points));
            assert_eq!(BasisPoints(points).to_string(), text);
        }
        assert_eq!(BasisPoints::of_ceil(0, 0), BasisPoints(0));
        assert_eq!(BasisPoints::from_fraction_nearest(f64::NAN), BasisPoints(0));
        assert_eq!(BasisPoints::from_fraction_nearest(2.0), BasisPoints::ALL);
    }
}
