//! Answers of the API, counted by status.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

/// How many answers there were, by HTTP status.
#[derive(Debug, Default)]
pub struct HttpCounters(Mutex<BTreeMap<u16, u64>>);

impl HttpCounters {
    /// Counts one answer.
    pub fn count(&self, status: u16) {
        // Every change is one addition: a panic elsewhere leaves it whole.
        *self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .entry(status)
            .or_default() += 1;
    }

    /// All counts so far.
    pub fn all(&self) -> BTreeMap<u16, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
