//! When a delivery that was not taken is tried again.

use std::time::Duration;

/// Waits between tries.
#[derive(Clone, Copy, Debug)]
pub struct Schedule(&'static [Duration]);

/// A wait is longer by up to one part in this many.
const JITTER_PART: u32 = 4;

impl Schedule {
    /// Outlives a restart of the receiver, and a quarter of an hour of trouble.
    pub const STANDARD: Self = Self(&[
        Duration::from_secs(1),
        Duration::from_secs(5),
        Duration::from_secs(30),
        Duration::from_secs(120),
        Duration::from_secs(600),
    ]);

    /// These waits.
    #[cfg(test)]
    pub const fn of(waits: &'static [Duration]) -> Self {
        Self(waits)
    }

    /// How long to wait after the try number `tried`, counted from zero; `None` when it was the last. Webhooks of one
    /// receiver wait differently long, so that they do not all come back at once.
    pub fn wait(self, tried: usize, hook: &str, event: u64) -> Option<Duration> {
        let wait = *self.0.get(tried)?;
        let hash = blake3::hash(format!("{hook} {event}").as_bytes());
        let [first, ..] = *hash.as_bytes();
        Some(wait + wait * u32::from(first) / (u32::from(u8::MAX) * JITTER_PART))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end() {
        for (tried, seconds) in [1, 5, 30, 120, 600].into_iter().enumerate() {
            let wait = Schedule::STANDARD.wait(tried, "a", 7).unwrap_or_default();
            let shortest = Duration::from_secs(seconds);
            assert!(wait >= shortest && wait <= shortest * 5 / 4, "{wait:?}");
        }
        assert_eq!(Schedule::STANDARD.wait(5, "a", 7), None);
    }

    #[test]
    fn webhooks_wait_differently_and_each_the_same_again() {
        let wait = |hook| Schedule::STANDARD.wait(4, hook, 7);
        assert_eq!(wait("a"), wait("a"));
        assert_ne!(wait("a"), wait("b"));
    }
}
