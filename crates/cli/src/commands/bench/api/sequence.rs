//! Whether events come as they were told: each once, in order, without a gap.

use serde::Serialize;
use std::collections::BTreeSet;

/// What a listener has heard so far.
#[derive(Clone, Debug)]
pub struct Sequence {
    last: u64,
    missing: BTreeSet<u64>,
    faults: Faults,
}

/// What was wrong with what one or many listeners heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Told and never heard.
    pub missing: u64,
    /// Heard after one that was told later.
    pub disordered: u64,
    /// Heard twice.
    pub duplicate: u64,
}

impl Sequence {
    /// A listener that wants everything after `last`.
    pub const fn after(last: u64) -> Self {
        Self {
            last,
            missing: BTreeSet::new(),
            faults: Faults {
                missing: 0,
                disordered: 0,
                duplicate: 0,
            },
        }
    }

    /// The highest number heard, from which a listener that reconnects goes on.
    pub const fn last(&self) -> u64 {
        self.last
    }

    /// Hears an event.
    pub fn hear(&mut self, id: u64) {
        if id > self.last {
            self.missing.extend(self.last + 1..id);
            self.last = id;
        } else if self.missing.remove(&id) {
            self.faults.disordered += 1;
        } else {
            self.faults.duplicate += 1;
        }
    }

    /// What was wrong, if `end` is the last event that was told.
    pub fn faults(&self, end: u64) -> Faults {
        Faults {
            missing: self.missing.len() as u64 + end.saturating_sub(self.last),
            ..self.faults
        }
    }
}

impl Faults {
    /// Takes those of another listener in.
    pub const fn add(&mut self, other: Self) {
        self.missing += other.missing;
        self.disordered += other.disordered;
        self.duplicate += other.duplicate;
    }

    /// Whether there are none.
    pub fn none(self) -> bool {
        self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(heard: &[u64], end: u64) -> (u64, u64, u64) {
        let mut sequence = Sequence::after(10);
        heard.iter().for_each(|id| sequence.hear(*id));
        let faults = sequence.faults(end);
        (faults.missing, faults.disordered, faults.duplicate)
    }

    #[test]
    fn every_fault_is_counted_once() {
        assert_eq!(faults(&[11, 12, 13], 13), (0, 0, 0));
        assert_eq!(faults(&[12, 13], 13), (1, 0, 0), "the first is missing");
        assert_eq!(faults(&[11, 13], 15), (3, 0, 0), "one between, two at the end");
        assert_eq!(faults(&[11, 13, 12], 13), (0, 1, 0));
        assert_eq!(faults(&[11, 12, 12, 10], 12), (0, 0, 2));
        assert_eq!(faults(&[13, 12, 12], 13), (1, 1, 1));
    }
}
