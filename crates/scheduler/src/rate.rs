//! Learned speeds. Integers throughout, so that a replay on another machine agrees to the last bit.

use serde::{Deserialize, Serialize};

/// A provider that offers no benchmark is taken for one reference core.
const PRIOR_UNKNOWN: u64 = 1_000;
/// The prior counts as much as this many observed tasks.
const PRIOR_TASKS: u64 = 2;
/// Old observations fade by an eighth with each new one: the last ten tasks or so decide.
const KEEP: (u64, u64) = (7, 8);
/// An observation more than this many times the benchmark is a clock or a cheat, not a machine.
const PLAUSIBLE: u64 = 64;

/// A provider's speed: its benchmark until tasks were observed, then what was observed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rate {
    prior: u64,
    /// Milli-WU done in `busy_ms`, fading.
    milli_wu: u64,
    busy_ms: u64,
    tasks: u32,
}

impl Rate {
    pub(crate) fn new(prior: u64) -> Self {
        Self {
            prior: if prior == 0 { PRIOR_UNKNOWN } else { prior },
            milli_wu: 0,
            busy_ms: 0,
            tasks: 0,
        }
    }

    /// A new benchmark; what was observed stays.
    pub(crate) fn set_prior(&mut self, prior: u64) {
        self.prior = Self::new(prior).prior;
    }

    /// Whether anything was observed.
    pub(crate) const fn proven(&self) -> bool {
        self.tasks > 0
    }

    /// A task of `milli_wu` took `elapsed_ms` of all sessions together.
    pub(crate) fn observe(&mut self, milli_wu: u64, elapsed_ms: u64, calibration: &mut Calibration) {
        let prior = calibration.apply(self.prior);
        let fastest = scaled(milli_wu, 1000, self.prior.saturating_mul(PLAUSIBLE));
        let elapsed_ms = elapsed_ms.max(fastest).max(1);
        if self.tasks == 0 {
            self.busy_ms = elapsed_ms * PRIOR_TASKS;
            self.milli_wu = scaled(prior, self.busy_ms, 1000);
        }
        self.milli_wu = scaled(self.milli_wu, KEEP.0, KEEP.1).saturating_add(milli_wu);
        self.busy_ms = scaled(self.busy_ms, KEEP.0, KEEP.1).saturating_add(elapsed_ms);
        self.tasks = self.tasks.saturating_add(1);
        calibration.observe(milli_wu, scaled(self.prior, elapsed_ms, 1000));
    }

    /// Milli-WU per second; at least one.
    pub(crate) fn per_second(&self, calibration: &Calibration) -> u64 {
        if self.tasks == 0 {
            return calibration.apply(self.prior).max(1);
        }
        scaled(self.milli_wu, 1000, self.busy_ms.max(1)).max(1)
    }
}

/// How far benchmarks are off in this job, learned over all providers: a cost map that is 30 % low makes everybody look
/// slow alike, newcomers included.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Calibration {
    /// Milli-WU done, fading.
    done: u64,
    /// Milli-WU the benchmarks promised for the same time.
    promised: u64,
}

impl Calibration {
    fn observe(&mut self, done: u64, promised: u64) {
        // Slower to fade than a single provider's speed, as all of them feed it.
        self.done = scaled(self.done, 31, 32).saturating_add(done);
        self.promised = scaled(self.promised, 31, 32).saturating_add(promised);
    }

    fn apply(&self, prior: u64) -> u64 {
        if self.promised == 0 || self.done == 0 {
            return prior;
        }
        scaled(prior, self.done, self.promised).clamp(prior / PLAUSIBLE, prior.saturating_mul(PLAUSIBLE))
    }
}

/// `value × up ÷ down`, rounded down; saturating, and never a division by zero.
pub(crate) fn scaled(value: u64, up: u64, down: u64) -> u64 {
    u64::try_from(u128::from(value) * u128::from(up) / u128::from(down.max(1))).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn observations_outweigh_the_benchmark() {
        let mut calibration = Calibration::default();
        let mut rate = Rate::new(1000);
        assert_eq!(rate.per_second(&calibration), 1000);
        for _ in 0..12 {
            rate.observe(3000, 6000, &mut calibration);
        }
        assert!(
            (500..540).contains(&rate.per_second(&calibration)),
            "{}",
            rate.per_second(&calibration)
        );
    }

    #[test]
    fn newcomers_are_judged_by_the_jobs_own_bias() {
        let mut calibration = Calibration::default();
        let mut seen = Rate::new(1000);
        seen.observe(3000, 6000, &mut calibration);
        assert_eq!(Rate::new(2000).per_second(&calibration), 1000);
    }

    #[test]
    fn impossible_speeds_are_bounded() {
        let mut calibration = Calibration::default();
        let mut rate = Rate::new(1000);
        for _ in 0..100 {
            rate.observe(1_000_000, 0, &mut calibration);
        }
        assert!(rate.per_second(&calibration) <= 1000 * PLAUSIBLE * 101 / 100);
    }
}
