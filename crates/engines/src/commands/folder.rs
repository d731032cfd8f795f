//! The folders of one session on this machine.
//!
//! ```text
//! work/        /work      its working directory; gone with it
//! control/     /session   what it is given to run, read-only: actions/, files/, bin/
//! out/0, …     /job/…     one for each folder that it may write
//! ```

use super::{
    CONTROL, WORK,
    error::CommandsError,
    files::{JobFiles, copy, is_below},
    store::FileStore,
};
use rayswarm_openjd::{ScriptFile, run::WrittenFile};
use rayswarm_sandbox::Bind;
use std::{
    fs,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// The folders of one session; removed when it is dropped.
#[derive(Debug)]
pub struct SessionFolder {
    root: PathBuf,
    /// Folders that it may write: on this machine, and inside.
    writable: Vec<(PathBuf, String)>,
}

impl SessionFolder {
    /// Makes the folders of a session in `root`, which must not exist. What it may change, and what was written `before`
    /// it, is copied in, at most `bytes_max` bytes.
    pub fn make(
        root: PathBuf,
        files: &JobFiles,
        before: &[WrittenFile],
        store: &FileStore,
        bytes_max: u64,
    ) -> Result<Self, CommandsError> {
        let mut folder = Self {
            root,
            writable: Vec::new(),
        };
        for name in [
            "",
            "work",
            "control",
            "control/actions",
            "control/files",
            "control/bin",
            "out",
        ] {
            folder.make_folder(&folder.root.join(name))?;
        }
        for (at, inside) in files.writable_folders().into_iter().enumerate() {
            let host = folder.root.join("out").join(at.to_string());
            folder.make_folder(&host)?;
            folder.writable.push((host, inside));
        }
        let mut left = bytes_max;
        for read in files.reads() {
            if let Some(to) = folder.written_path(&read.inside) {
                left -= copy(&read.host, &to, left)?;
            }
        }
        for file in before {
            if let Some(to) = folder.written_path(&file.path) {
                store.give(file, &to)?;
            }
        }
        Ok(folder)
    }

    /// What the sandbox must show. Folders to be written are made on this machine where they lie in one that is read:
    /// there is no place for them in it otherwise.
    pub fn binds(&self, files: &JobFiles) -> Result<Vec<Bind>, CommandsError> {
        let mut binds = vec![
            Bind::writable(self.root.join("work"), WORK),
            Bind::read_only(self.root.join("control"), CONTROL),
        ];
        let mut shown: Vec<(String, Bind)> = Vec::new();
        for read in files
            .reads()
            .iter()
            .filter(|read| self.written_path(&read.inside).is_none())
        {
            let bind = Bind::read_only(&read.host, &read.inside);
            shown.push((read.inside.clone(), bind));
        }
        for (host, inside) in &self.writable {
            if let Some(read) = files.reads().iter().find(|read| is_below(inside, &read.inside)) {
                let below = inside.strip_prefix(read.inside.as_str()).unwrap_or_default();
                let place = read.host.join(below.trim_start_matches('/'));
                fs::create_dir_all(&place).map_err(CommandsError::file("making", &place))?;
            }
            shown.push((inside.clone(), Bind::writable(host, inside)));
        }
        // Folders before what is in them, whichever of the two is written.
        shown.sort_by_key(|(inside, _)| inside.matches('/').count());
        binds.extend(shown.into_iter().map(|(_, bind)| bind));
        Ok(binds)
    }

    /// The folders it may write: on this machine, and inside.
    pub fn writable(&self) -> &[(PathBuf, String)] {
        &self.writable
    }

    /// The folder of programs that it finds.
    pub fn bin(&self) -> PathBuf {
        self.root.join("control/bin")
    }

    /// Writes a file that a command brings along.
    pub fn write_file(&self, file: &ScriptFile) -> Result<(), CommandsError> {
        let below = file.path.strip_prefix(CONTROL).unwrap_or(&file.path);
        let path = self.root.join("control").join(below.trim_start_matches('/'));
        if let Some(folder) = path.parent() {
            self.make_folder(folder)?;
        }
        write(&path, file.data.as_bytes(), file.runnable)
    }

    /// Writes the script of an action.
    pub fn write_action(&self, id: u64, text: &str) -> Result<(), CommandsError> {
        write(
            &self.root.join("control/actions").join(id.to_string()),
            text.as_bytes(),
            false,
        )
    }

    /// Where a path inside lies on this machine, if it is in a folder that is written.
    fn written_path(&self, inside: &str) -> Option<PathBuf> {
        let (host, folder) = self.writable.iter().find(|(_, folder)| is_below(inside, folder))?;
        let rest = inside.strip_prefix(folder.as_str()).unwrap_or_default();
        Some(host.join(rest.trim_start_matches('/')))
    }

    /// A folder that the sandbox's user can read, whatever this process' mask says.
    fn make_folder(&self, path: &Path) -> Result<(), CommandsError> {
        let mut builder = fs::DirBuilder::new();
        let made = builder.recursive(true).mode(0o755).create(path);
        let opened = made.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)));
        opened.map_err(CommandsError::file("making", path))
    }
}

impl Drop for SessionFolder {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.root) {
            tracing::warn!(folder = %self.root.display(), %error, "a session's folder was not removed");
        }
    }
}

/// Only this process writes below `control`, so nothing can be put in a file's place.
fn write(path: &Path, data: &[u8], runnable: bool) -> Result<(), CommandsError> {
    let mode = if runnable { 0o755 } else { 0o644 };
    let opened = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    let written = opened.and_then(|mut file| {
        file.write_all(data)?;
        file.set_permissions(fs::Permissions::from_mode(mode))
    });
    written.map_err(CommandsError::file("writing", path))
}
