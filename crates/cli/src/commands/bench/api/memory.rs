//! The daemon's resident memory over time.

use serde::Serialize;
use std::time::Duration;
use tokio::time::{Instant, interval};

/// How often it is read.
const EVERY: Duration = Duration::from_secs(1);
/// What the beginning is compared with the end by: at most a minute of each, and a quarter of a short time.
const WINDOW_MAX: Duration = Duration::from_secs(60);
/// Growth that is none: per cent of the beginning, and bytes on top.
const GROWTH_PERCENT: f64 = 5.0;
const GROWTH_BYTES: f64 = (16 << 20) as f64;

/// What was read.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Memory {
    /// Seconds it was watched.
    pub seconds: f64,
    /// Seconds at the beginning, and at the end, that are compared.
    pub window_s: f64,
    /// Mean bytes of the beginning.
    pub first_bytes: f64,
    /// Mean bytes of the end.
    pub last_bytes: f64,
    /// The most.
    pub peak_bytes: f64,
    /// One reading every tenth part of the time, for who wants to see the way.
    pub way_bytes: Vec<u64>,
}

impl Memory {
    /// Reads the memory of `process` until `end`.
    pub async fn watch(process: u32, end: Instant) -> Self {
        let begun = Instant::now();
        let mut readings = Vec::new();
        let mut ticks = interval(EVERY);
        while ticks.tick().await < end {
            readings.extend(resident_bytes(process));
        }
        Self::of(&readings, begun.elapsed())
    }

    fn of(readings: &[u64], span: Duration) -> Self {
        let window = WINDOW_MAX.min(span / 4);
        let count = readings.len();
        let share = window.as_secs_f64() / span.as_secs_f64().max(f64::EPSILON);
        let some = ((count as f64 * share).round() as usize).clamp(1.min(count), count);
        let way = (0..=10).filter_map(|tenth| readings.get(tenth * count.saturating_sub(1) / 10));
        Self {
            seconds: span.as_secs_f64(),
            window_s: window.as_secs_f64(),
            first_bytes: mean(&readings[..some]),
            last_bytes: mean(&readings[count - some..]),
            peak_bytes: readings.iter().copied().max().unwrap_or(0) as f64,
            way_bytes: way.copied().collect(),
        }
    }

    /// What came on top.
    pub fn growth_bytes(&self) -> f64 {
        self.last_bytes - self.first_bytes
    }

    /// Whether that is none.
    pub fn is_flat(&self) -> bool {
        self.first_bytes > 0.0 && self.last_bytes <= self.first_bytes * (1.0 + GROWTH_PERCENT / 100.0) + GROWTH_BYTES
    }
}

/// The rule in words.
pub fn rule() -> String {
    format!(
        "at most {GROWTH_PERCENT} % and {:.0} MiB more",
        GROWTH_BYTES / f64::from(1 << 20)
    )
}

fn mean(readings: &[u64]) -> f64 {
    readings.iter().sum::<u64>() as f64 / readings.len().max(1) as f64
}

/// `VmRSS` of `/proc/PID/status`.
fn resident_bytes(process: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn grown(from: u64, to: u64) -> Memory {
        let readings: Vec<u64> = (0..600).map(|at| (from + (to - from) * at / 599) * MIB).collect();
        Memory::of(&readings, Duration::from_secs(600))
    }

    #[test]
    fn the_end_is_compared_with_the_beginning() {
        let flat = grown(200, 200);
        assert_eq!((flat.window_s, flat.growth_bytes()), (60.0, 0.0));
        assert!(flat.is_flat() && grown(200, 226).is_flat());
        assert!(!grown(200, 300).is_flat());
        assert!(!Memory::of(&[], Duration::from_secs(60)).is_flat(), "nothing was read");
        let one_peak = Memory::of(&[5, 5, 90, 5], Duration::from_secs(4));
        assert_eq!(
            (one_peak.first_bytes, one_peak.last_bytes, one_peak.peak_bytes),
            (5.0, 5.0, 90.0)
        );
    }

    #[test]
    fn this_process_uses_memory() {
        assert!(resident_bytes(std::process::id()).is_some_and(|bytes| bytes > MIB));
    }
}
