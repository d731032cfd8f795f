//! A disk so small that it fills up: a file system in memory, mounted for one test.

use anyhow::{Context, ensure};
use std::{
    io::{ErrorKind, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Written at a time while filling; a page, of which such a disk consists.
const PAGE: [u8; 4096] = [0xa5; 4096];

/// A small disk; unmounted with this value.
#[derive(Debug)]
pub struct SmallDisk {
    folder: PathBuf,
}

impl SmallDisk {
    /// A disk of `kibibytes` at `folder`, or `None` after saying on stderr why there is none.
    ///
    /// # Errors
    /// When the folder cannot be made.
    #[allow(clippy::print_stderr)]
    pub fn mount(folder: &Path, kibibytes: u64) -> anyhow::Result<Option<Self>> {
        std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        let size = format!("size={kibibytes}k,mode=0755");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "rayswarm-small-disk"])
            .arg(folder)
            .stderr(Stdio::null())
            .status();
        if mounted.is_ok_and(|status| status.success()) {
            return Ok(Some(Self { folder: folder.into() }));
        }
        eprintln!("skipped: no small disk can be mounted here; run as root");
        Ok(None)
    }

    /// Takes all the space that is left. May be repeated, when something has made room meanwhile.
    ///
    /// # Errors
    /// When writing fails for another reason.
    pub fn fill(&self) -> anyhow::Result<()> {
        let path = self.filler();
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(&path)?;
        loop {
            match file.write_all(&PAGE) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => return Ok(()),
                Err(error) => return Err(error).with_context(|| format!("{} cannot be filled", path.display())),
            }
        }
    }

    /// Gives back what [`SmallDisk::fill`] took.
    ///
    /// # Errors
    /// When it was never filled.
    pub fn make_room(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.filler())?)
    }

    /// Its files, by path below it.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn files(&self) -> anyhow::Result<Vec<PathBuf>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(&self.folder)? {
            let path = entry?.path();
            ensure!(!path.is_dir(), "{} is a folder", path.display());
            files.push(path);
        }
        files.sort();
        Ok(files)
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a process of a failed test may still stand in it.
        let _ = Command::new("umount").arg("--lazy").arg(&self.folder).status();
    }
}
