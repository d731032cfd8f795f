//! The inputs that are kept in the repository: `fuzz/corpus/TARGET/NAME`.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

/// The folder of a target.
pub fn folder(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target)
}

/// All inputs of a target with their names, by name.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn read(target: &str) -> io::Result<Vec<(String, Vec<u8>)>> {
    let mut inputs = Vec::new();
    for file in fs::read_dir(folder(target))? {
        let file = file?;
        let name = file.file_name().to_string_lossy().into_owned();
        inputs.push((name, fs::read(file.path())?));
    }
    inputs.sort();
    Ok(inputs)
}
