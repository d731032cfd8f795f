//! Results on their way in: which uploads are allowed, and the partial files that let them resume.

use crate::error::NetworkError;
use rayswarm_model::{AttemptId, JobId, NodeId};
use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

/// The folder of partial results and the uploads the requestor has asked for.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    expected: Mutex<HashMap<Key, Expected>>,
}

type Key = (JobId, AttemptId, NodeId);

#[derive(Debug)]
struct Expected {
    bytes: u64,
    path: PathBuf,
    /// Held by the upload that writes the file.
    turn: Arc<AsyncMutex<()>>,
    /// Stops that upload when a newer one (over a newer connection) wants its turn.
    current: CancellationToken,
}

/// The right to write one partial file.
#[derive(Debug)]
pub(crate) struct Turn {
    /// The partial file.
    pub path: PathBuf,
    /// Cancelled when a newer upload of the same result has begun.
    pub superseded: CancellationToken,
    _held: OwnedMutexGuard<()>,
}

impl Spool {
    /// Opens or creates the folder. Partial files of an earlier run stay: their uploads resume.
    pub(crate) fn open(folder: PathBuf) -> Result<Self, NetworkError> {
        std::fs::create_dir_all(&folder).map_err(|source| NetworkError::file("create", &folder, source))?;
        Ok(Self {
            folder,
            expected: Mutex::default(),
        })
    }

    fn expected(&self) -> MutexGuard<'_, HashMap<Key, Expected>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets `from` upload the `bytes` it has committed to by `receipt`.
    pub(crate) fn expect(&self, from: NodeId, job: JobId, attempt: AttemptId, bytes: u64, receipt: &[u8]) {
        // Another receipt is another result: its bytes must never continue those of the first.
        let receipt = blake3::hash(receipt).to_hex();
        let path = self.folder.join(format!("{job}-{}-{}.part", attempt.0, &receipt[..16]));
        let mut expected = self.expected();
        match expected.get(&(job, attempt, from)) {
            Some(known) if known.path == path && known.bytes == bytes => {}
            _ => {
                let fresh = Expected {
                    bytes,
                    path,
                    turn: Arc::default(),
                    current: CancellationToken::new(),
                };
                if let Some(old) = expected.insert((job, attempt, from), fresh) {
                    old.current.cancel();
                }
            }
        }
    }

    /// Waits for the right to write the partial file; an older upload of the same result is stopped first.
    /// `None` when nobody asked for these bytes.
    pub(crate) async fn claim(&self, from: NodeId, job: JobId, attempt: AttemptId, bytes: u64) -> Option<Turn> {
        let (path, turn, superseded) = {
            let mut expected = self.expected();
            let entry = expected
                .get_mut(&(job, attempt, from))
                .filter(|entry| entry.bytes == bytes)?;
            entry.current.cancel();
            entry.current = CancellationToken::new();
            (entry.path.clone(), entry.turn.clone(), entry.current.clone())
        };
        let held = turn.lock_owned().await;
        Some(Turn {
            path,
            superseded,
            _held: held,
        })
    }

    /// The result is in the program's hands.
    pub(crate) fn done(&self, from: NodeId, job: JobId, attempt: AttemptId) {
        self.expected().remove(&(job, attempt, from));
    }

    /// Forgets a job's uploads and removes their partial files.
    pub(crate) fn clear(&self, job: JobId) -> Result<(), NetworkError> {
        self.expected().retain(|(of, ..), entry| {
            if *of == job {
                entry.current.cancel();
            }
            *of != job
        });
        let prefix = format!("{job}-");
        let failed = |source| NetworkError::file("list", &self.folder, source);
        for entry in std::fs::read_dir(&self.folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let ours = path
                .file_name()
                .and_then(|name| name.to_str())
                .is_some_and(|name| name.starts_with(&prefix));
            if ours {
                remove_if_there(&path).map_err(|source| NetworkError::file("remove", &path, source))?;
            }
        }
        Ok(())
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
