//! A list in a file of the data folder that only its owner can read: written whole or not at all.

use serde::{Serialize, de::DeserializeOwned};
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    marker::PhantomData,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// `<name>.json` of a data folder, a list of `T`.
#[derive(Debug)]
pub struct PrivateList<T> {
    path: PathBuf,
    of: PhantomData<fn() -> T>,
}

/// The file is not usable.
#[derive(Debug, thiserror::Error)]
pub enum PrivateListError {
    /// The disk.
    #[error("{} cannot be {action}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// It holds something else.
    #[error("{} is not what was written; move it away and make its entries anew", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Why not.
        #[source]
        source: serde_json::Error,
    },
}

impl<T: Serialize + DeserializeOwned> PrivateList<T> {
    /// That of this name in a data folder.
    pub fn in_folder(data_dir: &Path, name: &str) -> Self {
        Self {
            path: data_dir.join(name).with_extension("json"),
            of: PhantomData,
        }
    }

    /// What is kept; none at first.
    pub fn read(&self) -> Result<Vec<T>, PrivateListError> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(source) => Err(self.failed("read", source)),
            Ok(text) => serde_json::from_slice(&text).map_err(|source| PrivateListError::Malformed {
                path: self.path.clone(),
                source,
            }),
        }
    }

    /// Keeps these in place of what was kept.
    pub fn write(&self, entries: &[T]) -> Result<(), PrivateListError> {
        self.replace(entries).map_err(|source| self.failed("written", source))
    }

    fn replace(&self, entries: &[T]) -> io::Result<()> {
        write_whole(&self.path, &serde_json::to_vec(entries)?)
    }

    fn failed(&self, action: &'static str, source: io::Error) -> PrivateListError {
        PrivateListError::Io {
            action,
            path: self.path.clone(),
            source,
        }
    }
}

/// Writes a file that only its owner can read, in place of what was there: whole or not at all.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)?;
    file.write_all(bytes)?;
    // Else a power failure could leave the name with nothing behind it.
    file.sync_data()?;
    fs::rename(&draft, path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn entries_are_found_again_and_private() {
        let folder = tempfile::tempdir().unwrap();
        let list: PrivateList<String> = PrivateList::in_folder(folder.path(), "secrets");
        assert!(list.read().unwrap().is_empty());
        list.write(&["one".to_owned()]).unwrap();
        assert_eq!(list.read().unwrap(), ["one"]);
        let path = folder.path().join("secrets.json");
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::write(&path, "{}").unwrap();
        assert!(matches!(list.read(), Err(PrivateListError::Malformed { .. })));
    }
}
