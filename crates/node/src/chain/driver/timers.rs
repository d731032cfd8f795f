//! Timers by name.

use rayswarm_consensus::Timer;
use std::collections::HashMap;
use tokio::time::Instant;

/// Those that are set.
#[derive(Debug, Default)]
pub(super) struct Timers {
    set: HashMap<Timer, Instant>,
}

impl Timers {
    pub(super) fn set(&mut self, timer: Timer, at: Instant) {
        self.set.insert(timer, at);
    }

    pub(super) fn clear(&mut self, timer: &Timer) {
        self.set.remove(timer);
    }

    /// Resolves when the next one runs down, and forgets it. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Timer {
        let first = self.set.iter().min_by_key(|(timer, at)| (**at, **timer));
        let Some((timer, at)) = first.map(|(timer, at)| (*timer, *at)) else {
            return std::future::pending().await;
        };
        tokio::time::sleep_until(at).await;
        self.set.remove(&timer);
        timer
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test]
    async fn the_first_to_run_down_comes_first_and_cleared_ones_never() {
        let timer = |kind| Timer {
            height: 1,
            round: 0,
            kind,
        };
        let (mut timers, now) = (Timers::default(), Instant::now());
        timers.set(timer(1), now + Duration::from_millis(20));
        timers.set(timer(2), now + Duration::from_millis(10));
        timers.set(timer(3), now);
        timers.clear(&timer(3));
        assert_eq!(timers.next().await, timer(2));
        assert_eq!(timers.next().await, timer(1));
        let nothing = tokio::time::timeout(Duration::from_millis(10), timers.next());
        assert!(nothing.await.is_err());
    }
}
