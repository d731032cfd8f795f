//! How fast this machine is with an engine, and how long it lets things take.

use super::measure::Measurement;
use rayswarm_model::Work;
use std::time::Duration;

/// A task may take this many times what its estimate gives on this machine: costs are off by half, engines run at the
/// lowest priority, and a machine's owner comes first.
const TASK_TIME_FACTOR: u64 = 20;
/// Every task may take this long, whatever its estimate.
const TASK_TIME_MIN: Duration = Duration::from_secs(600);
/// Threads counted on at most. Parts of every render use one thread, and some scenes nothing else.
const THREADS_COUNTED_MAX: u32 = 4;
/// What the first task of a session may take on top: it builds the whole scene, silently.
const COLD_TIME: Duration = crate::config::ENGINE_SILENCE;
/// The same where the session plays the scene from its first frame; no estimate tells how long that takes.
const PLAY_TIME: Duration = Duration::from_secs(3_600);
/// How long opening a scene may take. Reading tens of gigabytes from a slow disk takes minutes.
pub const OPEN_TIME_MAX: Duration = Duration::from_secs(1_800);
/// What an engine that was never measured is taken for: the reference.
const UNMEASURED_MILLI_WU_PER_CPU_SECOND: u64 = 1_000;

/// This machine's speed with one engine.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    milli_wu_per_cpu_second: u64,
    threads: u32,
}

/// What a session has to do before a task's own work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Nothing: the scene is in memory.
    Warm,
    /// Build the scene.
    Cold,
    /// Build it and play it from its first frame.
    ColdAndPlayed,
}

impl Pace {
    /// From what the probe showed, for sessions of `threads` threads.
    pub fn new(measured: Option<Measurement>, threads: u32) -> Self {
        Self {
            milli_wu_per_cpu_second: measured
                .map_or(UNMEASURED_MILLI_WU_PER_CPU_SECOND, |measured| {
                    measured.milli_wu_per_cpu_second
                })
                .max(1),
            threads: threads.max(1),
        }
    }

    /// The work it does in `span` with all its threads.
    pub fn work_in(&self, span: Duration) -> Work {
        let per_second = self.milli_wu_per_cpu_second.saturating_mul(self.threads.into());
        Work {
            milli_wu: per_second.saturating_mul(span.as_secs()),
        }
    }

    /// How long a task of this estimated work may take before its session is killed.
    pub fn task_time_max(&self, work: Work, start: Start) -> Duration {
        let threads = u64::from(self.threads.min(THREADS_COUNTED_MAX));
        let milli_wu_per_second = self.milli_wu_per_cpu_second.saturating_mul(threads);
        let estimated_ms = work.milli_wu.saturating_mul(1000) / milli_wu_per_second;
        let limit = Duration::from_millis(estimated_ms.saturating_mul(TASK_TIME_FACTOR)).max(TASK_TIME_MIN);
        limit.saturating_add(match start {
            Start::Warm => Duration::ZERO,
            Start::Cold => COLD_TIME,
            Start::ColdAndPlayed => COLD_TIME + PLAY_TIME,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayswarm_model::{ComparisonClass, settings::Device};

    fn pace(milli_wu_per_cpu_second: u64, threads: u32) -> Pace {
        let measured = Measurement {
            class: ComparisonClass(Default::default()),
            milli_wu_per_cpu_second,
            device: Device::Cpu,
        };
        Pace::new(Some(measured), threads)
    }

    #[test]
    fn a_task_may_take_many_times_its_estimate_and_never_less_than_the_floor() {
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        for (pace, milli_wu, start, expected) in [
            (pace(1_000, 1), 1_000, Start::Warm, TASK_TIME_MIN),
            (pace(1_000, 1), 60_000, Start::Warm, minutes(20)),
            (pace(500, 1), 60_000, Start::Warm, minutes(40)),
            (pace(1_000, 2), 60_000, Start::Warm, minutes(10)),
            // A scene that uses one thread of sixty-four still gets five times what it needs.
            (pace(1_000, 64), 600_000, Start::Warm, minutes(50)),
            (pace(1_000, 1), 60_000, Start::Cold, minutes(20) + COLD_TIME),
            (pace(1_000, 1), 0, Start::ColdAndPlayed, minutes(70) + COLD_TIME),
        ] {
            let work = Work { milli_wu };
            assert_eq!(pace.task_time_max(work, start), expected, "{pace:?} {work:?} {start:?}");
        }
        // What a liar claims cannot overflow.
        let most = pace(0, 0).task_time_max(Work { milli_wu: u64::MAX }, Start::ColdAndPlayed);
        assert!(most > minutes(60));
    }
}
