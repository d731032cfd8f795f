//! Chunks by their SHA-256, shared by all uploads, and files put together from them.

use super::{
    disk::{Incoming, unless_missing},
    list::pieces,
};
use rayswarm_api::upload::UploadFile;
use std::{
    collections::HashSet,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// The chunks this node has.
#[derive(Debug)]
pub struct Chunks {
    folder: PathBuf,
}

impl Chunks {
    /// Opens the folder.
    pub fn open(folder: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        Ok(Self { folder })
    }

    /// Whether the chunk is here as a whole.
    pub fn has(&self, sha256: &str, length: u64) -> bool {
        fs::metadata(self.path(sha256)).is_ok_and(|found| found.len() == length)
    }

    /// What these files lack, each chunk once, in the order of the files, and its length.
    pub fn missing<'a>(&self, files: &'a [UploadFile]) -> impl Iterator<Item = (&'a str, u64)> {
        let mut seen = HashSet::new();
        let pieces = files.iter().flat_map(pieces);
        pieces.filter(move |(chunk, length)| seen.insert(*chunk) && !self.has(chunk, *length))
    }

    /// Stores a chunk, whose hash the caller has checked.
    pub fn put(&self, incoming: &Incoming, sha256: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.path(sha256);
        fs::create_dir_all(path.parent().unwrap_or(&self.folder))?;
        incoming.write(&path, bytes)
    }

    /// Writes a new file from its chunks. File systems that can share blocks do.
    pub fn assemble(&self, file: &UploadFile, target: &Path) -> io::Result<()> {
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut target = File::create_new(target)?;
        for (chunk, length) in pieces(file) {
            let copied = io::copy(&mut File::open(self.path(chunk))?, &mut target)?;
            if copied != length {
                let detail = format!("chunk {chunk} has {copied} bytes instead of {length}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, detail));
            }
        }
        Ok(())
    }

    /// Removes every chunk but those wanted.
    pub fn retain(&self, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
        for shelf in fs::read_dir(&self.folder)? {
            for chunk in fs::read_dir(shelf?.path())? {
                let chunk = chunk?;
                if !chunk.file_name().to_str().is_some_and(&wanted) {
                    unless_missing(fs::remove_file(chunk.path()))?;
                }
            }
        }
        Ok(())
    }

    /// Spread over 256 folders, so that none gets too large to list.
    fn path(&self, sha256: &str) -> PathBuf {
        self.folder.join(sha256.get(..2).unwrap_or_default()).join(sha256)
    }
}
