//! A Python of the version that an engine's module is built for.

use super::system::find_program;
use crate::error::EngineError;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// An interpreter that can make virtual environments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Python {
    /// The interpreter.
    pub program: PathBuf,
    /// Its version, as `major.minor`.
    pub version: String,
    /// The folder it is installed under.
    pub prefix: PathBuf,
}

/// Prints version and prefix, and fails where Debian's split packages leave virtual environments without pip.
const ASK: &str = "import sys, venv, ensurepip; print('%d.%d' % sys.version_info[:2]); print(sys.base_prefix)";

impl Python {
    /// Python `version` (`3.11`): the system's own first, since sandboxes see `/usr` already, then `PATH`.
    pub fn find(version: &str) -> Result<Self, EngineError> {
        let names = [format!("python{version}"), "python3".to_owned()];
        let system = names.iter().map(|name| Path::new("/usr/bin").join(name));
        let on_path = names.iter().filter_map(|name| find_program(name));
        let mut candidates = system.filter(|path| path.is_file()).chain(on_path);
        candidates
            .find_map(|program| ask(program).filter(|python| python.version == version))
            .ok_or_else(|| EngineError::NotInstalled {
                engine: "python",
                version: format!("{version} with venv"),
                remedy: format!("apt-get install python{version} python{version}-venv"),
            })
    }
}

/// What `program` says it is.
fn ask(program: PathBuf) -> Option<Python> {
    // Isolated, so that no file of the working directory answers in its place.
    let output = Command::new(&program).args(["-I", "-c", ASK]).output().ok()?;
    let text = String::from_utf8(output.stdout)
        .ok()
        .filter(|_| output.status.success())?;
    let mut lines = text.lines();
    let (version, prefix) = (lines.next()?.to_owned(), PathBuf::from(lines.next()?));
    Some(Python {
        program,
        version,
        prefix,
    })
}
