//! Which uploads are being put together or removed: one hand on each at a time, without holding up the others.

use std::{
    collections::HashSet,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

/// The uploads that somebody works on.
#[derive(Debug, Default)]
pub struct Busy {
    ids: Mutex<HashSet<String>>,
    freed: Condvar,
}

/// The right to work on one upload, until it is dropped.
#[derive(Debug)]
pub struct Held<'a> {
    busy: &'a Busy,
    id: String,
}

impl Busy {
    /// Waits until nobody works on the upload.
    pub fn hold(&self, id: &str) -> Held<'_> {
        let mut ids = self.ids();
        while !ids.insert(id.to_owned()) {
            ids = self.freed.wait(ids).unwrap_or_else(PoisonError::into_inner);
        }
        self.held(id)
    }

    /// `None` while somebody works on it.
    pub fn try_hold(&self, id: &str) -> Option<Held<'_>> {
        self.ids().insert(id.to_owned()).then(|| self.held(id))
    }

    fn held(&self, id: &str) -> Held<'_> {
        Held {
            busy: self,
            id: id.to_owned(),
        }
    }

    fn ids(&self) -> MutexGuard<'_, HashSet<String>> {
        // Every change is one insertion or removal: a panic elsewhere leaves it whole.
        self.ids.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.busy.ids().remove(&self.id);
        self.busy.freed.notify_all();
    }
}
