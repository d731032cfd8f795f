//! A folder that a session may write to, and that goes with it.

use crate::error::EngineError;
use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Tells apart the folders of sessions in one scratch folder.
static SESSIONS: AtomicU64 = AtomicU64::new(0);

/// The folder of one session.
pub(crate) struct WorkFolder(PathBuf);

impl WorkFolder {
    /// Makes one below `scratch`.
    pub(crate) fn make(scratch: &Path) -> Result<Self, EngineError> {
        let number = SESSIONS.fetch_add(1, Ordering::Relaxed);
        let folder = scratch.join(format!("session-{}-{number}", std::process::id()));
        fs::create_dir_all(&folder).map_err(EngineError::file("making", &folder))?;
        Ok(Self(folder))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for WorkFolder {
    fn drop(&mut self) {
        // The caller empties the scratch folder; what cannot be removed now is removed then.
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::debug!(folder = %self.0.display(), %error, "a session's folder could not be removed");
        }
    }
}
