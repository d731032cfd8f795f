//! The jobs of this node: by id, and newest first, as everybody wants to see them.

use super::handle::JobHandle;
use rayswarm_model::{JobId, UnixMillis};
use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashMap},
};

/// All jobs, never fewer.
#[derive(Default)]
pub struct Roster {
    newest_first: BTreeMap<(Reverse<UnixMillis>, JobId), JobHandle>,
    created_at: HashMap<JobId, UnixMillis>,
}

impl Roster {
    /// Adds a job.
    pub fn add(&mut self, id: JobId, created_at: UnixMillis, job: JobHandle) {
        self.created_at.insert(id, created_at);
        self.newest_first.insert((Reverse(created_at), id), job);
    }

    /// One of them.
    pub fn get(&self, id: JobId) -> Option<&JobHandle> {
        let created_at = self.created_at.get(&id)?;
        self.newest_first.get(&(Reverse(*created_at), id))
    }

    /// All of them, newest first.
    pub fn all(&self) -> impl Iterator<Item = &JobHandle> {
        self.newest_first.values()
    }
}
