//! Files that are there as a whole or not at all, and what a disk has room for.

use crate::requestor::refusal::failed;
use rayswarm_api::Problem;
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// Where files are written before they are moved to their places.
#[derive(Debug)]
pub struct Incoming {
    folder: PathBuf,
    next: AtomicU64,
}

impl Incoming {
    /// Opens the folder and throws away what an earlier process left unfinished in it.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        remove_folder(&folder)?;
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            next: AtomicU64::new(0),
        })
    }

    /// Writes a file whose folder exists, in place of what was there.
    pub fn write(&self, target: &Path, bytes: &[u8]) -> io::Result<()> {
        let part = self.folder.join(self.next.fetch_add(1, Ordering::Relaxed).to_string());
        let written = write_new(&part, bytes).and_then(|()| fs::rename(&part, target));
        if written.is_err() {
            let _ = fs::remove_file(&part);
        }
        written
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    // Else a power failure could leave the new name with nothing behind it.
    file.sync_data()
}

/// Removes a folder and all in it; one that is not there is removed already.
pub fn remove_folder(folder: &Path) -> io::Result<()> {
    unless_missing(fs::remove_dir_all(folder)).map(|_| ())
}

/// `None` for what is not there.
pub fn unless_missing<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        other => other.map(Some),
    }
}

/// Bytes that may still be written where `path` is.
pub fn free_bytes(path: &Path) -> io::Result<u64> {
    let found = rustix::fs::statvfs(path)?;
    Ok(found.f_bavail.saturating_mul(found.f_frsize))
}

/// Has the system write out all that was written to the disk that `folder` is on.
pub fn sync(folder: &Path) -> io::Result<()> {
    rustix::fs::syncfs(File::open(folder)?)?;
    Ok(())
}

/// A disk that does not do what it should; `what` says what could not be done.
pub fn problem(what: &str, error: &io::Error) -> Problem {
    failed("upload_not_stored", format!("{what}: {error}"))
        .next("check free space and permissions of the node's data folder, then try again")
}
