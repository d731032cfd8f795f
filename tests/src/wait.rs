//! Waiting for a condition. A deadline fails the test; nothing else depends on how long anything takes.

use anyhow::bail;
use std::time::{Duration, Instant};

/// How often to look. Each look may start a short command, so not faster.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Looks until `look` finds something and returns it.
///
/// # Errors
/// When `look` fails, or has found nothing within `patience`; `what` says what was waited for.
pub fn until<T>(
    what: &str,
    patience: Duration,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let begun = Instant::now();
    loop {
        if let Some(found) = look()? {
            return Ok(found);
        }
        if begun.elapsed() > patience {
            bail!("{what}: not within {} s", patience.as_secs());
        }
        // The pause between two looks at the condition itself.
        #[allow(clippy::disallowed_methods)]
        std::thread::sleep(LOOK_EVERY);
    }
}
