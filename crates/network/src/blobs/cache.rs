//! Which blobs are kept, for which job, and which job goes when room is needed. Pure bookkeeping.

use rayswarm_model::{BlobId, JobId};
use std::collections::{BTreeSet, HashMap};

/// The jobs whose blobs are kept.
#[derive(Debug, Default)]
pub(super) struct Cache {
    jobs: HashMap<JobId, Entry>,
    /// Of every blob some job needs: its size as far as known, and how many jobs need it.
    blobs: HashMap<BlobId, (u64, usize)>,
    total: u64,
}

#[derive(Debug, Default)]
struct Entry {
    blobs: BTreeSet<BlobId>,
    /// Unix milliseconds.
    last_used: u64,
    pins: usize,
}

impl Cache {
    /// Bytes of all blobs some job needs.
    pub(super) fn total(&self) -> u64 {
        self.total
    }

    /// Whether some job needs the blob.
    pub(super) fn holds(&self, blob: BlobId) -> bool {
        self.blobs.contains_key(&blob)
    }

    /// Whether this job needs the blob.
    pub(super) fn belongs(&self, job: JobId, blob: BlobId) -> bool {
        self.jobs.get(&job).is_some_and(|entry| entry.blobs.contains(&blob))
    }

    /// Every blob some job needs.
    pub(super) fn all(&self) -> impl Iterator<Item = BlobId> + '_ {
        self.blobs.keys().copied()
    }

    /// The blobs of one job.
    pub(super) fn of(&self, job: JobId) -> Vec<BlobId> {
        self.jobs
            .get(&job)
            .map(|entry| entry.blobs.iter().copied().collect())
            .unwrap_or_default()
    }

    /// A job needs a blob of `bytes`.
    pub(super) fn add(&mut self, job: JobId, blob: BlobId, bytes: u64) {
        if !self.jobs.entry(job).or_default().blobs.insert(blob) {
            return;
        }
        let (known, users) = self.blobs.entry(blob).or_insert((0, 0));
        *users += 1;
        self.total += bytes.saturating_sub(*known);
        *known = bytes.max(*known);
    }

    /// A blob turned out to have exactly `bytes`.
    pub(super) fn measured(&mut self, blob: BlobId, bytes: u64) {
        if let Some((known, _)) = self.blobs.get_mut(&blob) {
            self.total = self.total - *known + bytes;
            *known = bytes;
        }
    }

    /// A job is being used.
    pub(super) fn touch(&mut self, job: JobId, now_ms: u64) {
        let entry = self.jobs.entry(job).or_default();
        entry.last_used = entry.last_used.max(now_ms);
    }

    /// Keeps a job from being evicted until as many calls of [`Self::unpin`].
    pub(super) fn pin(&mut self, job: JobId) {
        self.jobs.entry(job).or_default().pins += 1;
    }

    pub(super) fn unpin(&mut self, job: JobId) {
        if let Some(entry) = self.jobs.get_mut(&job) {
            entry.pins = entry.pins.saturating_sub(1);
        }
    }

    /// Drops a job. Returns whether it was there.
    pub(super) fn remove(&mut self, job: JobId) -> bool {
        let Some(entry) = self.jobs.remove(&job) else {
            return false;
        };
        for blob in entry.blobs {
            if let Some((bytes, users)) = self.blobs.get_mut(&blob) {
                *users -= 1;
                if *users == 0 {
                    self.total -= *bytes;
                    self.blobs.remove(&blob);
                }
            }
        }
        true
    }

    /// Drops jobs, the longest unused first, until `needed` more bytes fit below `limit`. Returns the dropped jobs;
    /// pinned ones stay, so the room may still not be there.
    pub(super) fn evict(&mut self, needed: u64, limit: u64) -> Vec<JobId> {
        let mut dropped = Vec::new();
        while self.total.saturating_add(needed) > limit {
            let idle = self.jobs.iter().filter(|(_, entry)| entry.pins == 0);
            let Some(job) = idle
                .min_by_key(|(job, entry)| (entry.last_used, **job))
                .map(|(job, _)| *job)
            else {
                break;
            };
            self.remove(job);
            dropped.push(job);
        }
        dropped
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job(n: u8) -> JobId {
        JobId::from_bytes([n; 32])
    }
    fn blob(n: u8) -> BlobId {
        BlobId::from_bytes([n; 32])
    }

    #[test]
    fn shared_blobs_count_once_and_live_as_long_as_any_user() {
        let mut cache = Cache::default();
        cache.add(job(1), blob(1), 10);
        cache.add(job(2), blob(1), 10);
        cache.add(job(2), blob(2), 5);
        cache.add(job(2), blob(2), 5);
        assert_eq!(cache.total(), 15);
        cache.measured(blob(1), 7);
        cache.measured(blob(9), 7);
        assert_eq!(cache.total(), 12);
        assert!(cache.remove(job(1)) && cache.holds(blob(1)) && !cache.belongs(job(1), blob(1)));
        assert!(cache.remove(job(2)) && !cache.holds(blob(1)));
        assert_eq!(cache.total(), 0);
    }

    #[test]
    fn the_longest_unused_job_goes_first_and_pinned_ones_stay() {
        let mut cache = Cache::default();
        for n in 1..=4 {
            cache.add(job(n), blob(n), 10);
            cache.touch(job(n), u64::from(n));
        }
        cache.touch(job(1), 9);
        cache.pin(job(2));
        assert_eq!(cache.evict(0, 40), []);
        assert_eq!(cache.evict(10, 40), [job(3)]);
        assert_eq!(cache.evict(100, 40), [job(4), job(1)], "all but the pinned");
        assert_eq!(cache.total(), 10);
        cache.unpin(job(2));
        assert_eq!(cache.evict(100, 40), [job(2)]);
    }
}
