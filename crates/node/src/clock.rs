//! The wall clock, read here and nowhere else.

use rayswarm_model::UnixMillis;
use std::time::{SystemTime, UNIX_EPOCH};

/// Now.
pub fn now() -> UnixMillis {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    UnixMillis(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
