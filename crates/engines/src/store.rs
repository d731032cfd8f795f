//! The engine store: Blender by version, each in a folder of its own; POV-Ray and ffmpeg as the system has them.
//!
//! ```text
//! <root>/.lock                     held while something is installed or removed
//! <root>/.partial/                 an installation under way; what a crash leaves is swept by the next one
//! <root>/blender-4.5.15/           a Python virtual environment with the `bpy` wheel
//! <root>/blender-4.5.15/rayswarm-engine.json   what was installed, written last
//! ```
//!
//! One store serves every node of a user. A folder appears whole or not at all: it is built beside and renamed.

mod install;
mod python;
mod system;
mod versions;

pub(crate) use install::free_space;
pub use install::{InstallPhase, InstallProgress, InstallProgressSink};
pub use python::Python;
pub use system::{SystemProgram, blender_on_path, find_program, program_version};
pub use versions::{BLENDER_DEFAULT, BlenderRelease, Wheel, release, releases};

use crate::{blender::saved::series, error::EngineError};
use rayswarm_sandbox::Bind;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// Names a store that several nodes, or several users, share.
pub const STORE_VARIABLE: &str = "RAYSWARM_ENGINES";

/// Where an installed engine appears inside a sandbox.
const INSIDE: &str = "/engine";

/// The engines on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Store {
    root: PathBuf,
}

/// An installed Blender, ready to be started in a sandbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlenderInstall {
    /// Exact version, for example `4.5.15`.
    pub version: String,
    /// Module or program.
    pub kind: BlenderKind,
    /// What to start, as a path inside the sandbox.
    pub program: PathBuf,
    /// What it needs to see there, all read-only.
    pub binds: Vec<Bind>,
    /// Its folder in the store; `None` for a program of the system.
    pub folder: Option<PathBuf>,
}

/// How Blender is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlenderKind {
    /// A Python in whose virtual environment `import bpy` works: `program script.py …`.
    Module,
    /// Blender's own program: `program --background --python script.py -- …`.
    Program,
}

/// The file that makes a folder an installation.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    engine: String,
    version: String,
    wheels: Vec<String>,
}

const RECORD: &str = "rayswarm-engine.json";

/// Held while the store changes.
pub(crate) struct StoreLock {
    _file: File,
}

impl Store {
    /// The store at `root`, which need not exist yet.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The store of this user: `$RAYSWARM_ENGINES`, else `$XDG_DATA_HOME/rayswarm/engines`, else
    /// `~/.local/share/rayswarm/engines`.
    pub fn open_default() -> Result<Self, EngineError> {
        let variable = |name| {
            std::env::var_os(name)
                .filter(|value| !value.is_empty())
                .map(PathBuf::from)
        };
        let data = || variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")));
        let root = variable(STORE_VARIABLE).or_else(|| Some(data()?.join("rayswarm/engines")));
        let root = root.ok_or_else(|| EngineError::Refused {
            code: "no_home",
            message: "there is no home folder to keep engines in".into(),
            remedy: format!("set {STORE_VARIABLE} to a folder"),
        })?;
        // Sandboxes bind the store by path, and a relative one would follow the working directory.
        Ok(Self {
            root: std::path::absolute(&root).map_err(EngineError::file("resolving", &root))?,
        })
    }

    /// Its folder.
    pub fn folder(&self) -> &Path {
        &self.root
    }

    /// Every usable Blender in the store, newest first. Folders that are not whole are left out.
    pub fn list(&self) -> Vec<BlenderInstall> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().flatten();
        let mut found: Vec<_> = entries.filter_map(|entry| read_install(&entry.path())).collect();
        found.sort_by_key(|install| std::cmp::Reverse(version_key(&install.version)));
        found
    }

    /// Every Blender that is used, all of the tested series: those of the store, then the program on `PATH` if it is of
    /// another version. The store's come first, because their bytes were checked.
    pub fn usable(&self) -> Vec<BlenderInstall> {
        self.known().into_iter().filter(BlenderInstall::is_tested).collect()
    }

    /// Every Blender on this machine, those included that are not used because nothing was tested with their series.
    pub fn known(&self) -> Vec<BlenderInstall> {
        with_program(self.list(), blender_on_path())
    }

    /// Blender `version` from the store.
    pub fn blender(&self, version: &str) -> Result<BlenderInstall, EngineError> {
        read_install(&self.home(version)).ok_or_else(|| EngineError::NotInstalled {
            engine: "blender",
            version: version.to_owned(),
            remedy: match release(version) {
                Some(_) => format!("rayswarm engines install blender-{version}"),
                None => "rayswarm engines list".into(),
            },
        })
    }

    /// Removes Blender `version` from the store. Sessions that run from it keep what they have loaded.
    pub fn remove(&self, version: &str) -> Result<(), EngineError> {
        let _lock = self.lock()?;
        let folder = self.home(version);
        if !folder.is_dir() {
            return Err(EngineError::NotInstalled {
                engine: "blender",
                version: version.to_owned(),
                remedy: "rayswarm engines list".into(),
            });
        }
        // Out of sight first, so that a removal cut short leaves no half an engine.
        self.sweep()?;
        let partial = self.partial();
        fs::rename(&folder, &partial).map_err(EngineError::file("removing", &folder))?;
        fs::remove_dir_all(&partial).map_err(EngineError::file("removing", &partial))
    }

    fn home(&self, version: &str) -> PathBuf {
        self.root.join(format!("blender-{version}"))
    }

    fn partial(&self) -> PathBuf {
        self.root.join(".partial")
    }

    /// Waits until no other process changes the store. Blocks.
    fn lock(&self) -> Result<StoreLock, EngineError> {
        fs::create_dir_all(&self.root).map_err(EngineError::file("making", &self.root))?;
        let path = self.root.join(".lock");
        let file = File::create(&path).map_err(EngineError::file("opening", &path))?;
        file.lock().map_err(EngineError::file("locking", &path))?;
        Ok(StoreLock { _file: file })
    }

    /// Removes what an earlier installation left unfinished. Only with the lock held.
    fn sweep(&self) -> Result<(), EngineError> {
        let partial = self.partial();
        match fs::remove_dir_all(&partial) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(EngineError::file("sweeping", partial)(error)),
            _ => Ok(()),
        }
    }
}

/// The installation in `folder`, if it is one and its Python still exists.
fn read_install(folder: &Path) -> Option<BlenderInstall> {
    let record: Record = serde_json::from_slice(&fs::read(folder.join(RECORD)).ok()?).ok()?;
    let python = fs::canonicalize(folder.join("bin/python")).ok()?;
    let mut binds = vec![Bind::read_only(folder, INSIDE)];
    // The virtual environment links to the Python it was made with; outside /usr that must be shown too.
    if !python.starts_with("/usr") {
        let prefix = python.parent()?.parent()?;
        binds.push(Bind::read_only(prefix, prefix));
        binds.extend(linked_prefix(folder, prefix));
    }
    let program = Path::new(INSIDE).join("bin/python");
    let (version, folder) = (record.version, Some(folder.to_owned()));
    Some(BlenderInstall {
        version,
        kind: BlenderKind::Module,
        program,
        binds,
        folder,
    })
}

/// The prefix as the environment spells it, where that goes through links the sandbox does not have.
fn linked_prefix(folder: &Path, prefix: &Path) -> Option<Bind> {
    let spelled = fs::read_link(folder.join("bin/python")).ok()?;
    let spelled = spelled.parent()?.parent()?;
    (spelled.is_absolute() && spelled != prefix).then(|| Bind::read_only(prefix, spelled))
}

/// The series that what runs beside Blender (`engines/blender`) is tested with. Earlier ones lack settings it sets, and 5.0
/// moved the compositor's tree: sessions would fail, or leave something out without a word.
pub const BLENDER_SERIES: [u32; 2] = [4, 5];

impl BlenderInstall {
    /// Its folder in the store, or the program.
    pub fn place(&self) -> &Path {
        self.folder.as_deref().unwrap_or(&self.program)
    }

    /// Whether it is of the series that sessions are tested with.
    pub fn is_tested(&self) -> bool {
        series(&self.version) == BLENDER_SERIES
    }
}

fn with_program(mut installs: Vec<BlenderInstall>, program: Option<BlenderInstall>) -> Vec<BlenderInstall> {
    let known = |version: &str| installs.iter().any(|install| install.version == version);
    installs.extend(program.filter(|program| !known(&program.version)));
    installs
}

/// Orders versions by their numbers.
fn version_key(version: &str) -> Vec<u32> {
    version.split('.').map(|part| part.parse().unwrap_or(0)).collect()
}

/// For tests: a store with folders that look like installations.
#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(crate) fn store_with(versions: &[&str]) -> (tempfile::TempDir, Store) {
    let root = tempfile::tempdir().unwrap();
    for version in versions {
        let folder = root.path().join(format!("blender-{version}"));
        fs::create_dir_all(folder.join("bin")).unwrap();
        std::os::unix::fs::symlink("/usr/bin/env", folder.join("bin/python")).unwrap();
        let record = Record {
            engine: "blender".into(),
            version: (*version).into(),
            wheels: vec![],
        };
        fs::write(folder.join(RECORD), serde_json::to_vec(&record).unwrap()).unwrap();
    }
    let store = Store::at(root.path());
    (root, store)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn versions_are_listed_newest_first() {
        let (_root, store) = store_with(&["4.5.9", "4.5.15", "5.0.1"]);
        let versions: Vec<_> = store.list().into_iter().map(|install| install.version).collect();
        assert_eq!(versions, ["5.0.1", "4.5.15", "4.5.9"]);
    }

    #[test]
    fn what_is_used_is_of_the_tested_series_and_the_store_s_own_where_it_has_that_version() {
        let (_root, store) = store_with(&["4.5.15", "5.0.1"]);
        let program = |version: &str| {
            Some(BlenderInstall {
                version: version.into(),
                kind: BlenderKind::Program,
                program: "/usr/bin/blender".into(),
                binds: vec![],
                folder: None,
            })
        };
        let versions = |program| {
            let known = with_program(store.list(), program).into_iter();
            let used = known.filter(BlenderInstall::is_tested);
            used.map(|install| install.version).collect::<Vec<_>>()
        };
        assert_eq!(versions(program("4.5.3")), ["4.5.15", "4.5.3"]);
        assert_eq!(versions(program("4.5.15")), ["4.5.15"]);
        for untested in ["3.4.1", "4.2.3", "4.50.1", "5.0.1"] {
            assert_eq!(versions(program(untested)), ["4.5.15"], "{untested}");
        }
        assert_eq!(versions(None), ["4.5.15"]);
    }

    #[test]
    fn a_folder_without_its_record_is_no_installation() {
        let (root, store) = store_with(&["4.5.15"]);
        fs::remove_file(root.path().join("blender-4.5.15").join(RECORD)).unwrap();
        assert_eq!(store.list(), []);
        let missing = store.blender("4.5.15").unwrap_err().to_string();
        assert!(
            missing.ends_with("run: rayswarm engines install blender-4.5.15"),
            "{missing}"
        );
        let unknown = store.blender("5.0.1").unwrap_err().to_string();
        assert!(unknown.ends_with("run: rayswarm engines list"), "{unknown}");
    }

    #[test]
    fn a_removed_version_is_gone() {
        let (root, store) = store_with(&["4.5.15"]);
        store.remove("4.5.15").unwrap();
        assert_eq!(store.list(), []);
        assert!(!root.path().join(".partial").exists());
        assert!(matches!(store.remove("4.5.15"), Err(EngineError::NotInstalled { .. })));
    }

    #[test]
    fn a_python_outside_the_system_folders_is_shown_to_the_sandbox() {
        let (root, store) = store_with(&["4.5.15"]);
        let prefix = root.path().canonicalize().unwrap().join("python");
        fs::create_dir_all(prefix.join("bin")).unwrap();
        fs::write(prefix.join("bin/python3.11"), "").unwrap();
        let link = root.path().join("blender-4.5.15/bin/python");
        fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(prefix.join("bin/python3.11"), &link).unwrap();
        let install = store.blender("4.5.15").unwrap();
        assert_eq!(install.binds[1], Bind::read_only(&prefix, &prefix));
        assert_eq!(install.program, Path::new("/engine/bin/python"));
    }
}
