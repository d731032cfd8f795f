//! Files that tasks wrote, kept by content: the same bytes are kept once, and a file is whole or not there.

use super::error::CommandsError;
use rayswarm_openjd::run::WrittenFile;
use std::{
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

/// A folder of kept files.
#[derive(Debug)]
pub struct FileStore {
    folder: PathBuf,
    /// Distinguishes files that are being written.
    next: AtomicU64,
}

/// Bytes read at a time.
const BUFFER_BYTES: usize = 1 << 20;

impl FileStore {
    /// The store in `folder`, made if it is not there. One process at a time uses it; what another left half is removed.
    pub fn open(folder: impl Into<PathBuf>) -> Result<Self, CommandsError> {
        let folder = folder.into();
        let incoming = folder.join("incoming");
        match fs::remove_dir_all(&incoming) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(CommandsError::file("sweeping", incoming)(error));
            }
            _ => {}
        }
        fs::create_dir_all(&incoming).map_err(CommandsError::file("making", &incoming))?;
        Ok(Self {
            folder,
            next: AtomicU64::new(0),
        })
    }

    /// Keeps what `source` holds, at most `bytes_max` bytes. Gives hash and length.
    pub fn keep(&self, source: &mut File, bytes_max: u64) -> Result<(String, u64), CommandsError> {
        let incoming = self.incoming();
        let failed = |error| CommandsError::file("keeping", &incoming)(error);
        let mut file = File::create(&incoming).map_err(failed)?;
        let (mut hasher, mut bytes, mut buffer) = (blake3::Hasher::new(), 0, vec![0; BUFFER_BYTES]);
        loop {
            let count = source.read(&mut buffer).map_err(failed)?;
            let chunk = &buffer[..count];
            if chunk.is_empty() {
                break;
            }
            bytes += chunk.len() as u64;
            if bytes > bytes_max {
                // What is there of it goes with the next start at the latest.
                let _ = fs::remove_file(&incoming);
                return Err(CommandsError::TooMuch {
                    what: "bytes",
                    most: bytes_max,
                });
            }
            hasher.update(chunk);
            file.write_all(chunk).map_err(failed)?;
        }
        file.sync_data().map_err(failed)?;
        let hash = hasher.finalize().to_hex().to_string();
        let kept = self.path(&hash);
        let folder = kept.parent().unwrap_or(&self.folder);
        fs::create_dir_all(folder).map_err(failed)?;
        fs::rename(&incoming, &kept).map_err(failed)?;
        Ok((hash, bytes))
    }

    /// Writes a kept file to `to`, in the place of what is there, as a whole or not at all.
    pub fn give(&self, file: &WrittenFile, to: &Path) -> Result<(), CommandsError> {
        let spoilt = || CommandsError::Spoilt {
            hash: file.hash.clone(),
            path: file.path.clone(),
        };
        let folder = to.parent().ok_or_else(spoilt)?;
        let failed = |error| CommandsError::file("writing", to)(error);
        fs::create_dir_all(folder).map_err(failed)?;
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let part = folder.join(format!(".rayswarm-{}-{number}.part", std::process::id()));
        let written = self.copy(file, &part);
        match written {
            Ok(true) => fs::rename(&part, to).map_err(failed),
            outcome => {
                // It may not have been made.
                let _ = fs::remove_file(&part);
                match outcome {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
                    _ => Err(spoilt()),
                }
            }
        }
    }

    /// Whether what was copied is what was kept.
    fn copy(&self, file: &WrittenFile, to: &Path) -> io::Result<bool> {
        let mut source = File::open(self.path(&file.hash))?;
        let mut target = File::create(to)?;
        let (mut hasher, mut buffer) = (blake3::Hasher::new(), vec![0; BUFFER_BYTES]);
        loop {
            let count = source.read(&mut buffer)?;
            let chunk = &buffer[..count];
            if chunk.is_empty() {
                break;
            }
            hasher.update(chunk);
            target.write_all(chunk)?;
        }
        target.set_permissions(fs::Permissions::from_mode(if file.runnable { 0o755 } else { 0o644 }))?;
        Ok(hasher.finalize().to_hex().as_str() == file.hash)
    }

    /// Where a kept file lies.
    pub fn path(&self, hash: &str) -> PathBuf {
        let (first, rest) = hash.split_at_checked(2).unwrap_or((hash, ""));
        self.folder.join(first).join(rest)
    }

    fn incoming(&self) -> PathBuf {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        self.folder.join("incoming").join(number.to_string())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn file(hash: String, bytes: u64) -> WrittenFile {
        WrittenFile {
            path: "/job/a".into(),
            hash,
            bytes,
            runnable: true,
        }
    }

    #[test]
    fn files_come_back_as_they_were_and_spoilt_ones_do_not() {
        let folder = tempfile::tempdir().unwrap();
        let store = FileStore::open(folder.path().join("store")).unwrap();
        let from = folder.path().join("from");
        fs::write(&from, "pixels").unwrap();
        let (hash, bytes) = store.keep(&mut File::open(&from).unwrap(), 6).unwrap();
        assert_eq!(bytes, 6);
        let to = folder.path().join("new/folder/to");
        store.give(&file(hash.clone(), bytes), &to).unwrap();
        assert_eq!(fs::read(&to).unwrap(), b"pixels");
        assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o755);
        assert!(matches!(
            store.keep(&mut File::open(&from).unwrap(), 5),
            Err(CommandsError::TooMuch { .. })
        ));

        fs::write(store.path(&hash), "pixelS").unwrap();
        let spoilt = store.give(&file(hash, bytes), &to).unwrap_err();
        assert!(matches!(spoilt, CommandsError::Spoilt { .. }), "{spoilt}");
        assert_eq!(fs::read(&to).unwrap(), b"pixels", "what was there stays");
        let unknown = store.give(&file("00".repeat(32), 1), &to);
        assert!(matches!(unknown, Err(CommandsError::Spoilt { .. })));
        assert_eq!(fs::read_dir(to.parent().unwrap()).unwrap().count(), 1);
    }
}
