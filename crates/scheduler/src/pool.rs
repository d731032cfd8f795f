//! The tasks nobody works on, by frame and then by weight.

use rayswarm_model::TaskId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Tasks waiting for a provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Pool {
    /// Per frame: (`u64::MAX` − work, task), so that iteration starts with the dearest and, among equals, the first.
    frames: BTreeMap<i32, BTreeSet<(u64, TaskId)>>,
    milli_wu: u64,
    count: u64,
}

impl Pool {
    pub(crate) const fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// How many tasks.
    pub(crate) const fn count(&self) -> u64 {
        self.count
    }

    /// Work of all of them.
    pub(crate) const fn milli_wu(&self) -> u64 {
        self.milli_wu
    }

    /// Whether it was not there before.
    pub(crate) fn insert(&mut self, task: TaskId, frame: i32, milli_wu: u64) -> bool {
        let new = self
            .frames
            .entry(frame)
            .or_default()
            .insert((u64::MAX - milli_wu, task));
        if new {
            self.count += 1;
            self.milli_wu = self.milli_wu.saturating_add(milli_wu);
        }
        new
    }

    /// Whether it was there.
    pub(crate) fn remove(&mut self, task: TaskId, frame: i32, milli_wu: u64) -> bool {
        let Some(tasks) = self.frames.get_mut(&frame) else {
            return false;
        };
        let there = tasks.remove(&(u64::MAX - milli_wu, task));
        if tasks.is_empty() {
            self.frames.remove(&frame);
        }
        if there {
            self.count -= 1;
            self.milli_wu = self.milli_wu.saturating_sub(milli_wu);
        }
        there
    }

    /// Frames that have tasks, from `first` on.
    pub(crate) fn frames_from(&self, first: i32) -> impl Iterator<Item = i32> + '_ {
        self.frames.range(first..).map(|(frame, _)| *frame)
    }

    /// The tasks of a frame: the dearest first, or the cheapest.
    pub(crate) fn of_frame(&self, frame: i32, dearest_first: bool) -> impl Iterator<Item = TaskId> + '_ {
        let tasks = self.frames.get(&frame);
        let forward = tasks
            .filter(|_| dearest_first)
            .into_iter()
            .flat_map(|tasks| tasks.iter());
        let backward = tasks
            .filter(|_| !dearest_first)
            .into_iter()
            .flat_map(|tasks| tasks.iter().rev());
        forward.chain(backward).map(|(_, task)| *task)
    }

    /// Whether a frame's tasks differ in cost.
    pub(crate) fn is_uneven(&self, frame: i32) -> bool {
        let ends = self
            .frames
            .get(&frame)
            .and_then(|tasks| Some((tasks.first()?.0, tasks.last()?.0)));
        ends.is_some_and(|(dearest, cheapest)| dearest != cheapest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_counts_what_it_holds() {
        let mut pool = Pool::default();
        for (task, frame, work) in [(0, 1, 10), (1, 1, 30), (2, 1, 30), (3, 2, 5)] {
            assert!(pool.insert(TaskId(task), frame, work));
        }
        assert!(!pool.insert(TaskId(3), 2, 5));
        assert_eq!((pool.count(), pool.milli_wu()), (4, 75));
        assert_eq!(
            pool.of_frame(1, true).collect::<Vec<_>>(),
            [TaskId(1), TaskId(2), TaskId(0)]
        );
        assert_eq!(pool.of_frame(1, false).next(), Some(TaskId(0)));
        assert!(pool.is_uneven(1) && !pool.is_uneven(2));
        assert!(pool.remove(TaskId(3), 2, 5) && !pool.remove(TaskId(3), 2, 5));
        assert_eq!(pool.frames_from(i32::MIN).collect::<Vec<_>>(), [1]);
        assert_eq!((pool.count(), pool.milli_wu()), (3, 70));
    }
}
