//! Units. A bare number never crosses a border; its type says what it counts.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr, time::Duration};

/// A number of bytes. Reads `12G`, `512M`, `64K` (powers of 1024).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

/// Work in thousandths of a work unit. One WU is what the published benchmark does in one second on the reference CPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Work {
    /// Thousandths of a WU.
    pub milli_wu: u64,
}

/// CPU time spent, user and system together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CpuTime {
    /// Milliseconds.
    pub millis: u64,
}

/// Milliseconds since 1970-01-01T00:00:00Z, ignoring leap seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UnixMillis(pub u64);

/// A text is not a quantity.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not {what}; write for example {example}")]
pub struct ParseUnitError {
    text: String,
    what: &'static str,
    example: &'static str,
}

impl Bytes {
    /// One MiB.
    pub const MIB: u64 = 1 << 20;
    /// Whole mebibytes, rounded down.
    pub const fn mebibytes_floor(self) -> u64 {
        self.0 / Self::MIB
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scale, unit) = match self.0 {
            0..1024 => return write!(f, "{} B", self.0),
            1024..1_048_576 => (10, "KiB"),
            1_048_576..1_073_741_824 => (20, "MiB"),
            _ => (30, "GiB"),
        };
        write!(f, "{:.1} {unit}", self.0 as f64 / f64::from(1u32 << scale))
    }
}

impl FromStr for Bytes {
    type Err = ParseUnitError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || ParseUnitError {
            text: text.into(),
            what: "a size",
            example: "12G, 512M or 4096",
        };
        let trimmed = text.trim().trim_end_matches(['B', 'b']).trim_end_matches('i');
        let (digits, shift) = match trimmed.char_indices().next_back() {
            Some((at, 'K' | 'k')) => (&trimmed[..at], 10),
            Some((at, 'M' | 'm')) => (&trimmed[..at], 20),
            Some((at, 'G' | 'g')) => (&trimmed[..at], 30),
            Some((at, 'T' | 't')) => (&trimmed[..at], 40),
            _ => (trimmed, 0),
        };
        let count: u64 = digits.trim().parse().map_err(|_| error())?;
        count.checked_mul(1 << shift).map(Self).ok_or_else(error)
    }
}

impl Work {
    /// No work.
    pub const ZERO: Self = Self { milli_wu: 0 };
    /// The sum, saturating: work is an estimate and never wraps.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            milli_wu: self.milli_wu.saturating_add(other.milli_wu),
        }
    }
    /// WU as a float, for display and rates.
    pub fn as_wu(self) -> f64 {
        self.milli_wu as f64 / 1e3
    }
}

impl std::iter::Sum for Work {
    fn sum<I: Iterator<Item = Self>>(parts: I) -> Self {
        parts.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} WU", self.as_wu())
    }
}

impl CpuTime {
    /// The sum, saturating.
    pub const fn plus(self, other: Self) -> Self {
        Self {
            millis: self.millis.saturating_add(other.millis),
        }
    }
}

impl UnixMillis {
    /// This instant `span` later, saturating.
    pub fn after(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)),
        )
    }
    /// Time from `earlier` to this instant; zero when `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
    /// Whole seconds, rounded down, as block timestamps are.
    pub const fn seconds_floor(self) -> u64 {
        self.0 / 1000
    }
}

/// Reads a span such as `2h`, `90m`, `45s` or `1h30m`.
pub fn parse_span(text: &str) -> Result<Duration, ParseUnitError> {
    let error = || ParseUnitError {
        text: text.into(),
        what: "a span of time",
        example: "2h, 90m or 1h30m",
    };
    let mut seconds = 0u64;
    let mut digits = String::new();
    for letter in text.trim().chars() {
        let scale = match letter {
            '0'..='9' => {
                digits.push(letter);
                continue;
            }
            'd' => 86_400,
            'h' => 3_600,
            'm' => 60,
            's' => 1,
            _ => return Err(error()),
        };
        let count: u64 = digits.parse().map_err(|_| error())?;
        digits.clear();
        let part = count.checked_mul(scale).ok_or_else(error)?;
        seconds = seconds.checked_add(part).ok_or_else(error)?;
    }
    if seconds == 0 || !digits.is_empty() {
        return Err(error());
    }
    Ok(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn sizes_are_read_as_typed() {
        for (text, bytes) in [("12G", 12 << 30), ("512M", 512 << 20), ("64KiB", 64 << 10), ("7", 7)] {
            assert_eq!(text.parse::<Bytes>().unwrap(), Bytes(bytes), "{text}");
        }
        for text in ["", "G", "-1G", "99999999999999999999", "1.5G", "99999999T"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn spans_are_read_as_typed() {
        for (text, seconds) in [
            ("2h", 7200),
            ("90m", 5400),
            ("1h30m", 5400),
            ("45s", 45),
            ("1d", 86_400),
        ] {
            assert_eq!(parse_span(text).unwrap(), Duration::from_secs(seconds), "{text}");
        }
        for text in ["", "h", "5", "0s", "2x", "99999999999999999999h"] {
            assert!(parse_span(text).is_err(), "{text}");
        }
    }
}
