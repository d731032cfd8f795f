//! Points in time as people and programs on the web write them: RFC 3339, UTC, milliseconds.

use jiff::Timestamp;
use rayswarm_model::UnixMillis;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use std::fmt;

/// A point in time. On the wire `2026-11-25T09:30:00.000Z`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Time(pub UnixMillis);

impl From<UnixMillis> for Time {
    fn from(at: UnixMillis) -> Self {
        Self(at)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Beyond the year 9999 there is no RFC 3339; nothing of ours lasts that long.
        let millis = i64::try_from(self.0.0).unwrap_or(i64::MAX);
        let at = Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX);
        write!(f, "{at:.3}")
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let at: Timestamp = text.parse().map_err(D::Error::custom)?;
        let millis = u64::try_from(at.as_millisecond()).map_err(|_| D::Error::custom("a time before 1970"))?;
        Ok(Self(UnixMillis(millis)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn times_are_rfc_3339_with_milliseconds() {
        let time = Time(UnixMillis(1_764_063_000_007));
        let text = serde_json::to_string(&time).unwrap();
        assert_eq!(text, "\"2025-11-25T09:30:00.007Z\"");
        assert_eq!(serde_json::from_str::<Time>(&text).unwrap(), time);
        assert_eq!(Time(UnixMillis(0)).to_string(), "1970-01-01T00:00:00.000Z");
        assert!(serde_json::from_str::<Time>("\"yesterday\"").is_err());
        assert!(serde_json::from_str::<Time>("\"1969-01-01T00:00:00Z\"").is_err());
    }
}
