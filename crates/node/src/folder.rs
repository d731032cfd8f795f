//! The data folder: made for its owner alone, and held by one process at a time.

use anyhow::{Context, bail};
use std::{fs::File, os::unix::fs::DirBuilderExt, path::Path};

/// Makes the data folder, for its owner alone.
pub(crate) fn make_folder(data_dir: &Path) -> anyhow::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder
        .create(data_dir)
        .with_context(|| format!("the data folder {} cannot be made", data_dir.display()))
}

/// Makes the data folder and takes hold of it.
pub(crate) fn take_folder(data_dir: &Path) -> anyhow::Result<File> {
    make_folder(data_dir)?;
    let path = data_dir.join("lock");
    let lock = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    if lock.try_lock().is_err() {
        bail!(
            "another daemon uses {}; stop it or choose another --data-dir",
            data_dir.display()
        );
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn one_process_at_a_time_holds_it() {
        let folder = tempfile::tempdir().unwrap();
        let data_dir = folder.path().join("node");
        let held = take_folder(&data_dir).unwrap();
        let refused = take_folder(&data_dir).unwrap_err();
        assert!(refused.to_string().contains("another daemon uses"), "{refused}");
        drop(held);
        take_folder(&data_dir).unwrap();
    }
}
