//! What is done again and again until the node stops, and what went wrong with it, said once.

use crate::{requestor::refusal::chain, services::Services};
use std::{error::Error, time::Duration};
use tokio::time::{Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

/// Rounds at a pace, the first at once.
pub struct Rounds {
    due: Interval,
    stop: CancellationToken,
}

impl Rounds {
    /// One round in so much time; one that is late is not made up for.
    pub fn every(services: &Services, pace: Duration) -> Self {
        let mut due = tokio::time::interval(pace);
        due.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            due,
            stop: services.stop.clone(),
        }
    }

    /// Waits for the next round; `false` when the node stops.
    pub async fn next(&mut self) -> bool {
        self.stop.run_until_cancelled(self.due.tick()).await.is_some()
    }

    /// Does the round's work, which is broken off when the node stops; `None` then.
    pub async fn work<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        self.stop.run_until_cancelled(work).await
    }
}

/// What went wrong last: an error that lasts is said once, and again after a success.
#[derive(Default)]
pub struct SaidOnce(Option<String>);

impl SaidOnce {
    /// The error in words, if it was not said last time.
    pub fn hear<T, E: Error + 'static>(&mut self, outcome: &Result<T, E>) -> Option<&str> {
        let found = outcome.as_ref().err().map(|error| chain(error));
        let is_new = found != self.0;
        self.0 = found;
        self.0.as_deref().filter(|_| is_new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;

    #[test]
    fn an_error_that_lasts_is_said_once_and_again_after_a_success() {
        let failed = |text: &str| Err::<(), _>(io::Error::other(text.to_owned()));
        let mut said = SaidOnce::default();
        assert_eq!(said.hear(&failed("full")), Some("full"));
        assert_eq!(said.hear(&failed("full")), None);
        assert_eq!(said.hear(&failed("away")), Some("away"));
        assert_eq!(said.hear(&Ok::<(), io::Error>(())), None);
        assert_eq!(said.hear(&failed("away")), Some("away"));
    }
}
