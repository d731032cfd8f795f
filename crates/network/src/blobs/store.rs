//! The local store: iroh-blobs' file store, with blobs kept per job.

use super::{access::Grants, blob_id, cache::Cache, hash};
use crate::error::NetworkError;
use iroh_blobs::{
    Hash, HashAndFormat,
    api::blobs::BlobStatus,
    hashseq::HashSeq,
    store::{
        GcConfig, ProtectCb, ProtectOutcome,
        fs::{FsStore, options::Options},
    },
};
use n0_future::StreamExt;
use rayswarm_model::{BlobId, Bytes, JobId, NodeId};
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio::sync::watch;

/// Tags are `job/<job id>/<unix ms of last use>` and name a list of the job's blobs.
const TAG_PREFIX: &str = "job/";

/// How the store behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobOptions {
    /// Bytes of blobs to keep at most; `None` for no limit. Running jobs are never dropped to keep it.
    pub cache_bytes_max: Option<Bytes>,
    /// How often blobs that no job needs are removed.
    pub collect_every: Duration,
}

impl Default for BlobOptions {
    fn default() -> Self {
        Self {
            cache_bytes_max: None,
            collect_every: Duration::from_secs(30),
        }
    }
}

/// Content-addressed files of jobs. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BlobStore {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: FsStore,
    pub(super) grants: Grants,
    /// What is in here is safe from collection, whether its tag is written yet or not.
    cache: Arc<Mutex<Cache>>,
    options: BlobOptions,
    /// Counts collections begun.
    collections: watch::Receiver<u64>,
}

impl BlobStore {
    /// Opens or creates the store in `folder`.
    pub async fn open(folder: PathBuf, options: BlobOptions) -> Result<Self, NetworkError> {
        let cache = Arc::new(Mutex::new(Cache::default()));
        let (begun, collections) = watch::channel(0);
        let mut store_options = Options::new(&folder);
        // Saved bitfields are what a killed download resumes from; the default of 500 ms loses that much.
        store_options.batch.max_write_duration = Duration::from_millis(50);
        store_options.gc = Some(collection(options.collect_every, cache.clone(), begun));
        let opening = FsStore::load_with_opts(folder.join("blobs.db"), store_options);
        let store = opening.await.map_err(|source| NetworkError::store("open", source))?;
        let inner = Inner {
            store,
            grants: Grants::default(),
            cache,
            options,
            collections,
        };
        let this = Self { inner: Arc::new(inner) };
        this.load_tags().await?;
        Ok(this)
    }

    /// Whether the blob is here, whole.
    pub async fn has(&self, blob: BlobId) -> Result<bool, NetworkError> {
        let here = self.inner.store.has(hash(blob)).await;
        here.map_err(|source| NetworkError::store("look up a blob", source))
    }

    /// A whole blob in memory. Only for small ones (a manifest): `bytes_max` is checked first.
    pub async fn read(&self, blob: BlobId, bytes_max: u64) -> Result<Vec<u8>, NetworkError> {
        match self.status(blob).await? {
            BlobStatus::Complete { size } if size <= bytes_max => {}
            _ => return Err(NetworkError::Missing { blob: blob.to_string() }),
        }
        let bytes = self.inner.store.get_bytes(hash(blob)).await;
        Ok(bytes
            .map_err(|source| NetworkError::store("read a blob", source))?
            .to_vec())
    }

    /// Notes down which blobs a job has, so that they outlive a restart. Imports and fetches protect them until then.
    pub async fn keep(&self, job: JobId) -> Result<(), NetworkError> {
        let now = now_ms();
        let blobs = {
            let mut cache = self.cache();
            cache.touch(job, now);
            cache.of(job)
        };
        let failed = |source| NetworkError::store("note down a job's blobs", source);
        let list: HashSeq = blobs.into_iter().map(hash).collect();
        let held = self.inner.store.add_bytes(list.into_inner()).temp_tag().await;
        let held = held.map_err(|source| NetworkError::store("note down a job's blobs", source))?;
        let tags = self.inner.store.tags();
        let older = format!("{TAG_PREFIX}{job}/");
        let newest = format!("{older}{now:020}");
        tags.set(&newest, HashAndFormat::hash_seq(held.hash()))
            .await
            .map_err(failed)?;
        tags.delete_range(older.as_bytes()..newest.as_bytes())
            .await
            .map_err(failed)?;
        Ok(())
    }

    /// Forgets a job: its blobs go with the next collection, unless another job needs them. Grants on it end.
    pub async fn forget(&self, job: JobId) -> Result<(), NetworkError> {
        self.inner.grants.revoke_all(job);
        self.cache().remove(job);
        self.untag(job).await
    }

    /// Keeps a job's blobs from being dropped for room until as many calls of [`Self::unpin`].
    pub fn pin(&self, job: JobId) {
        self.cache().pin(job);
    }

    /// Undoes one [`Self::pin`].
    pub fn unpin(&self, job: JobId) {
        self.cache().unpin(job);
    }

    /// Lets `peer` read every blob of `job`, those added later included.
    pub fn grant(&self, peer: NodeId, job: JobId) {
        self.inner.grants.grant(peer, job);
    }

    /// Takes the right back and cuts transfers under way.
    pub fn revoke(&self, peer: NodeId, job: JobId) {
        self.inner.grants.revoke(peer, job);
    }

    /// Takes the right back from a peer that does not use it: transfers of its other jobs are not cut.
    pub fn withdraw(&self, peer: NodeId, job: JobId) {
        self.inner.grants.withdraw(peer, job);
    }

    /// Takes the right to `job` back from everybody.
    pub fn revoke_all(&self, job: JobId) {
        self.inner.grants.revoke_all(job);
    }

    /// Bytes of all blobs that some job needs.
    pub fn total(&self) -> Bytes {
        Bytes(self.cache().total())
    }

    /// Resolves when every blob that no job needs now has been removed.
    pub async fn collected(&self) {
        let mut begun = self.inner.collections.clone();
        let now = *begun.borrow_and_update();
        // The collection under way may have looked before; the next one looks again, and the third finds it finished.
        let _ = begun.wait_for(|count| *count >= now + 2).await;
    }

    /// Writes what is pending and closes the files.
    pub(crate) async fn shutdown(&self) {
        if let Err(error) = self.inner.store.shutdown().await {
            tracing::warn!(%error, "the blob store did not close cleanly");
        }
    }

    /// A job is about to need a blob: from now on it is safe from collection. Makes room for it if it is new.
    pub(super) async fn reserve(&self, job: JobId, blobs: &[(BlobId, u64)]) -> Result<(), NetworkError> {
        let limit = self.inner.options.cache_bytes_max.map_or(u64::MAX, |limit| limit.0);
        let dropped = {
            let mut cache = self.cache();
            cache.touch(job, now_ms());
            cache.pin(job);
            let fresh = blobs.iter().filter(|(blob, _)| !cache.holds(*blob));
            let needed = fresh.fold(0u64, |sum, (_, bytes)| sum.saturating_add(*bytes));
            let dropped = cache.evict(needed, limit);
            cache.unpin(job);
            if cache.total().saturating_add(needed) > limit {
                return Err(NetworkError::CacheFull {
                    needed: Bytes(needed),
                    limit: Bytes(limit),
                });
            }
            for (blob, bytes) in blobs {
                cache.add(job, *blob, *bytes);
            }
            dropped
        };
        for job in dropped {
            tracing::info!(%job, "dropped a job's files from the blob cache to make room");
            self.inner.grants.revoke_all(job);
            self.untag(job).await?;
        }
        Ok(())
    }

    /// A blob that was reserved by its limit has arrived.
    pub(super) fn measured(&self, blob: BlobId, bytes: u64) {
        self.cache().measured(blob, bytes);
    }

    /// Whether a blob belongs to a job.
    pub(super) fn belongs(&self, job: JobId, blob: BlobId) -> bool {
        self.cache().belongs(job, blob)
    }

    pub(super) async fn status(&self, blob: BlobId) -> Result<BlobStatus, NetworkError> {
        let status = self.inner.store.status(hash(blob)).await;
        status.map_err(|source| NetworkError::store("look up a blob", source))
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.inner.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn untag(&self, job: JobId) -> Result<(), NetworkError> {
        let deleted = self
            .inner
            .store
            .tags()
            .delete_prefix(format!("{TAG_PREFIX}{job}/"))
            .await;
        deleted.map_err(|source| NetworkError::store("forget a job's blobs", source))?;
        Ok(())
    }

    /// Reads back which jobs an earlier run kept.
    async fn load_tags(&self) -> Result<(), NetworkError> {
        let failed = "read which blobs are kept";
        let tags = self.inner.store.tags().list_prefix(TAG_PREFIX).await;
        let mut tags = tags.map_err(|source| NetworkError::store(failed, source))?;
        while let Some(tag) = tags.next().await {
            let tag = tag.map_err(|source| NetworkError::store(failed, source))?;
            let Some((job, last_used)) = parse_tag(tag.name.as_ref()) else {
                continue;
            };
            for blob in self.list(tag.hash).await? {
                let bytes = match self.status(blob).await? {
                    BlobStatus::Complete { size } => size,
                    BlobStatus::Partial { size } => size.unwrap_or(0),
                    BlobStatus::NotFound => 0,
                };
                self.cache().add(job, blob, bytes);
            }
            self.cache().touch(job, last_used);
        }
        Ok(())
    }

    async fn list(&self, list: Hash) -> Result<Vec<BlobId>, NetworkError> {
        let bytes = self.inner.store.get_bytes(list).await;
        let bytes = bytes.map_err(|source| NetworkError::store("read a job's list of blobs", source))?;
        let list =
            HashSeq::try_from(bytes).map_err(|source| NetworkError::store("read a job's list of blobs", source))?;
        Ok(list.into_iter().map(blob_id).collect())
    }

    pub(super) fn fs(&self) -> &FsStore {
        &self.inner.store
    }
}

/// Collection that spares whatever the cache holds: tags are written late, and writing them races with collection.
fn collection(interval: Duration, cache: Arc<Mutex<Cache>>, begun: watch::Sender<u64>) -> GcConfig {
    let protect: ProtectCb = Arc::new(move |live| {
        live.extend(cache.lock().unwrap_or_else(PoisonError::into_inner).all().map(hash));
        begun.send_modify(|count| *count += 1);
        Box::pin(std::future::ready(ProtectOutcome::Continue))
    });
    GcConfig {
        interval,
        add_protected: Some(protect),
    }
}

fn parse_tag(name: &[u8]) -> Option<(JobId, u64)> {
    let (job, last_used) = std::str::from_utf8(name)
        .ok()?
        .strip_prefix(TAG_PREFIX)?
        .split_once('/')?;
    Some((job.parse().ok()?, last_used.parse().ok()?))
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Creates the folder a file is to lie in.
pub(super) async fn create_parent(path: &Path) -> Result<(), NetworkError> {
    let Some(parent) = path.parent() else { return Ok(()) };
    tokio::fs::create_dir_all(parent)
        .await
        .map_err(|source| NetworkError::file("create", parent, source))
}
