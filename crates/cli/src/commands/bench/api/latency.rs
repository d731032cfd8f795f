//! How long answers took, and how many came.

use serde::Serialize;
use std::time::Duration;

/// Answers of one kind.
#[derive(Clone, Debug, Default)]
pub struct Answers {
    /// Microseconds of each answer that was given.
    micros: Vec<u32>,
    /// Bytes of their bodies.
    bytes: u64,
    /// Answers that the node refused because there were too many.
    refused: u64,
    /// Answers with any other status, and connections that broke.
    failed: u64,
}

/// The same in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// Answers.
    pub answers: u64,
    /// Answers a second.
    pub per_second: f64,
    /// Half of them were quicker.
    pub p50_ms: f64,
    /// All but one in a hundred were quicker.
    pub p99_ms: f64,
    /// The slowest.
    pub max_ms: f64,
    /// Bytes of an answer on average.
    pub bytes: u64,
    /// Refused with 429: too many calls.
    pub refused: u64,
    /// Any other fault.
    pub failed: u64,
    /// CPU milliseconds of the daemon for each answer.
    pub daemon_cpu_ms: f64,
}

impl Answers {
    /// Counts an answer.
    pub fn count(&mut self, status: u16, took: Duration, bytes: usize) {
        match status {
            200..300 => {
                self.micros.push(u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
                self.bytes += bytes as u64;
            }
            429 => self.refused += 1,
            _ => self.failed += 1,
        }
    }

    /// Counts a connection that broke.
    pub fn broke(&mut self) {
        self.failed += 1;
    }

    /// Whether the node refused any.
    pub const fn were_refused(&self) -> bool {
        self.refused > 0
    }

    /// Takes others in.
    pub fn add(&mut self, mut other: Self) {
        self.micros.append(&mut other.micros);
        self.bytes += other.bytes;
        self.refused += other.refused;
        self.failed += other.failed;
    }

    /// What they come to over a time in which the daemon used so much CPU time.
    pub fn figures(&self, span: Duration, daemon_cpu: Duration) -> Figures {
        let mut sorted = self.micros.clone();
        sorted.sort_unstable();
        let count = sorted.len() as f64;
        Figures {
            answers: sorted.len() as u64,
            per_second: count / span.as_secs_f64().max(f64::EPSILON),
            p50_ms: quantile(&sorted, 0.50),
            p99_ms: quantile(&sorted, 0.99),
            max_ms: quantile(&sorted, 1.0),
            bytes: self.bytes / (sorted.len() as u64).max(1),
            refused: self.refused,
            failed: self.failed,
            daemon_cpu_ms: 1e3 * daemon_cpu.as_secs_f64() / count.max(1.0),
        }
    }
}

/// The smallest value that at least this share does not exceed, in milliseconds; not a number where there are none.
fn quantile(sorted_micros: &[u32], share: f64) -> f64 {
    let rank = (share * sorted_micros.len() as f64).ceil() as usize;
    let value = sorted_micros.get(rank.saturating_sub(1));
    value.map_or(f64::NAN, |micros| f64::from(*micros) / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_answers_given() {
        let mut answers = Answers::default();
        for millis in (1..=200).rev() {
            answers.count(200, Duration::from_millis(millis), 10);
        }
        answers.count(429, Duration::ZERO, 1);
        let mut others = Answers::default();
        others.count(500, Duration::ZERO, 1);
        others.broke();
        answers.add(others);
        let figures = answers.figures(Duration::from_secs(2), Duration::from_secs(1));
        assert_eq!((figures.answers, figures.refused, figures.failed), (200, 1, 2));
        assert_eq!((figures.p50_ms, figures.p99_ms, figures.max_ms), (100.0, 198.0, 200.0));
        assert_eq!(
            (figures.per_second, figures.bytes, figures.daemon_cpu_ms),
            (100.0, 10, 5.0)
        );
        assert!(
            Answers::default()
                .figures(Duration::ZERO, Duration::ZERO)
                .p99_ms
                .is_nan()
        );
    }
}
