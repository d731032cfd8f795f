//! Signs of life: which of the progress reports that providers send are worth a row of the journal.
//!
//! A provider may send as many as it likes, each naming a thousand attempts. What counts is that a lease is prolonged in
//! time and that people see a bar move.

use rayswarm_model::AttemptId;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

/// A step that always counts: twenty rows per attempt.
const STEP_PERMILLE: u16 = 50;
/// Smaller steps count this often: several times within the shortest lease, so that none ends for want of a sign. An
/// attempt has at most a thousand of them in all.
const SMALL_STEP_EVERY: Duration = Duration::from_secs(10);
/// All of it.
const WHOLE: u16 = 1000;

/// What was heard last of each attempt.
#[derive(Debug, Default)]
pub(super) struct SignsOfLife {
    heard: HashMap<AttemptId, (u16, Instant)>,
}

impl SignsOfLife {
    /// Whether this report of an attempt under way tells enough to be written down; if so, it is taken to be.
    pub(super) fn is_news(&mut self, attempt: AttemptId, permille: u16, now: Instant) -> bool {
        let permille = permille.min(WHOLE);
        let (before, since) = match self.heard.get(&attempt) {
            Some((before, since)) => (*before, Some(*since)),
            None => (0, None),
        };
        let long_ago = since.is_none_or(|since| now.saturating_duration_since(since) >= SMALL_STEP_EVERY);
        let news = permille > before && (permille - before >= STEP_PERMILLE || long_ago);
        if news {
            self.heard.insert(attempt, (permille, now));
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chatterer_writes_few_rows_and_a_slow_task_keeps_its_lease() {
        let (start, attempt) = (Instant::now(), AttemptId(1));
        let at = |millis: u64| start + Duration::from_millis(millis);
        let mut signs = SignsOfLife::default();
        // A hundred reports a second, up and down and beyond the end.
        let rows = (0..100_000u64)
            .filter(|report| signs.is_news(attempt, (report * 7 % 65_536) as u16, at(report / 100)))
            .count();
        assert!(rows <= 20, "{rows}");
        // One thousandth every nine seconds, as of a frame that takes hours: one row in eighteen.
        let mut signs = SignsOfLife::default();
        let told: Vec<u64> = (1..=100u64)
            .filter(|step| signs.is_news(attempt, *step as u16, at(step * 9_000)))
            .collect();
        assert_eq!(told.len(), 50, "{told:?}");
        assert!(told.windows(2).all(|pair| pair[1] - pair[0] <= 2));
    }

    #[test]
    fn attempts_do_not_disturb_one_another() {
        let (now, mut signs) = (Instant::now(), SignsOfLife::default());
        assert!(signs.is_news(AttemptId(1), 10, now));
        assert!(!signs.is_news(AttemptId(1), 11, now));
        assert!(signs.is_news(AttemptId(2), 11, now));
        assert!(!signs.is_news(AttemptId(3), 0, now), "no step is no news");
    }
}
