//! Programs that sessions find beside the system's: `blender` is the engine that Rayswarm manages, `python` an interpreter
//! where the system has none of that name.

use super::{CONTROL, error::CommandsError};
use crate::store::{BlenderInstall, BlenderKind, Store};
use rayswarm_sandbox::Bind;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// Blender's command line, spoken by a module instead of the program.
const BLENDER: &str = include_str!("../../../../engines/commands/blender.py");

/// What sessions find.
#[derive(Clone, Debug, Default)]
pub struct Tools {
    blender: Option<BlenderInstall>,
}

impl Tools {
    /// The newest Blender of a store, if it has one.
    pub fn of(store: &Store) -> Self {
        Self {
            blender: store.usable().into_iter().next(),
        }
    }

    /// The version of Blender that `blender` is.
    pub fn blender(&self) -> Option<&str> {
        self.blender.as_ref().map(|install| install.version.as_str())
    }

    /// What the sandbox must show besides.
    pub fn binds(&self) -> Vec<Bind> {
        self.blender.iter().flat_map(|install| install.binds.clone()).collect()
    }

    /// Puts the programs into a session's folder for them.
    pub fn furnish(&self, bin: &Path) -> Result<(), CommandsError> {
        if let Some(install) = &self.blender {
            let program = install.program.display();
            let line = match install.kind {
                // -s and -B: no packages of a home folder, nothing written beside modules.
                BlenderKind::Module => format!("'{program}' -s -B {CONTROL}/bin/blender.py"),
                BlenderKind::Program => format!("'{program}'"),
            };
            write(&bin.join("blender.py"), BLENDER)?;
            write(&bin.join("blender"), &starter(&line))?;
        }
        for name in ["python", "python3"] {
            if let Some(program) = self.python().filter(|_| !Path::new("/usr/bin").join(name).exists()) {
                write(&bin.join(name), &starter(&format!("'{}'", program.display())))?;
            }
        }
        Ok(())
    }

    /// The system's interpreter, else the engine's.
    fn python(&self) -> Option<PathBuf> {
        let system = PathBuf::from("/usr/bin/python3");
        if system.exists() {
            return Some(system);
        }
        let module = self
            .blender
            .as_ref()
            .filter(|install| install.kind == BlenderKind::Module);
        module.map(|install| install.program.clone())
    }
}

fn starter(line: &str) -> String {
    format!("#!/bin/sh\nexec {line} \"$@\"\n")
}

fn write(path: &Path, text: &str) -> Result<(), CommandsError> {
    let written = fs::write(path, text);
    let opened = written.and_then(|()| fs::set_permissions(path, fs::Permissions::from_mode(0o755)));
    opened.map_err(CommandsError::file("writing", path))
}
