//! Small scenes with a trap, made where a test needs them by the script that makes the engine's own test scenes.

use crate::Farm;
use anyhow::{Context, ensure};
use std::{
    path::{Path, PathBuf},
    process::Command,
};

const SCRIPT: &str = "engines/blender/tests/make_scenes.py";

/// Makes the scenes `names` of the script with the engine's own Python; returns their folder.
///
/// # Errors
/// When the script fails; what it said is in the message.
pub fn make(farm: &Farm, names: &[&str]) -> anyhow::Result<PathBuf> {
    let folder = farm.scratch().join("scenes");
    let python = farm.engine().join("bin/python");
    let made = Command::new(&python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(SCRIPT))
        .arg(&folder)
        .args(names)
        .current_dir(farm.scratch())
        // Nothing is left beside the script.
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .output()
        .with_context(|| format!("{} cannot be started", python.display()))?;
    let complaint = String::from_utf8_lossy(&made.stderr);
    for name in names {
        let scene = folder.join(format!("{name}.blend"));
        ensure!(scene.is_file(), "{SCRIPT} did not make {name}: {complaint}");
    }
    Ok(folder)
}
