//! Secrets on disk: 64 hexadecimal digits in files that only their owner can read. Never printed. The account's own is
//! encrypted besides: see [`crate::keystore`].

use rand::{TryRngCore, rngs::OsRng};
use rayswarm_model::signed::{AccountKey, AccountKeyError};
use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

/// A key file cannot be used. No variant holds any part of the secret.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Reading or writing failed.
    #[error("cannot {action} the key file {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Others could have read it.
    #[error("the key file {} can be used by others (mode {mode:03o}); run: chmod 600 {0}", path.display())]
    Exposed {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It does not hold a key.
    #[error("{} does not hold an account key (64 hexadecimal digits); restore it from a backup or move it away", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
    },
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness for a new account key")]
    Entropy(#[source] rand::rand_core::OsError),
}

/// Loads the key, or draws one and writes it when the file does not exist. Two processes that start at once get the
/// same key.
pub fn load_or_create(path: &Path) -> Result<AccountKey, KeyFileError> {
    account_key(path, load_or_create_secret(path)?)
}

/// Loads the key from an existing file.
pub fn load(path: &Path) -> Result<AccountKey, KeyFileError> {
    account_key(path, load_secret(path)?)
}

/// Like [`load_or_create`], for 32 secret bytes of another use: a node's key, a token.
pub fn load_or_create_secret(path: &Path) -> Result<[u8; 32], KeyFileError> {
    match load_secret(path) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            create(path)?;
            load_secret(path)
        }
        other => other,
    }
}

fn account_key(path: &Path, secret: [u8; 32]) -> Result<AccountKey, KeyFileError> {
    AccountKey::from_bytes(&secret).map_err(|AccountKeyError| KeyFileError::Malformed { path: path.into() })
}

pub(crate) fn load_secret(path: &Path) -> Result<[u8; 32], KeyFileError> {
    let malformed = || KeyFileError::Malformed { path: path.into() };
    let text = read_private(path)?;
    let digits = text.trim();
    let mut secret = [0; 32];
    hex::decode_to_slice(digits.strip_prefix("0x").unwrap_or(digits), &mut secret).map_err(|_| malformed())?;
    Ok(secret)
}

/// The text of a file that nobody else could have read.
pub(crate) fn read_private(path: &Path) -> Result<String, KeyFileError> {
    let failed = |source| KeyFileError::Io {
        action: "read",
        path: path.into(),
        source,
    };
    let mode = fs::metadata(path).map_err(failed)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.into(),
            mode,
        });
    }
    fs::read_to_string(path).map_err(failed)
}

fn create(path: &Path) -> Result<(), KeyFileError> {
    let text = format!("{}\n", hex::encode(draw()?));
    create_with(path, text.as_bytes())
}

/// Writes a new file under a name of its own and links it into place: the file exists whole or not at all, and the first
/// of two writers wins.
pub(crate) fn create_with(path: &Path, content: &[u8]) -> Result<(), KeyFileError> {
    let failed = |source| KeyFileError::Io {
        action: "write",
        path: path.into(),
        source,
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)
            .map_err(failed)?;
    }
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.new", std::process::id()));
    let draft = PathBuf::from(draft);

    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&draft)
        .and_then(|mut file| {
            file.write_all(content)?;
            file.sync_all()
        })
        .and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        });
    let removed = fs::remove_file(&draft);
    written.and(removed).map_err(failed)
}

/// 32 bytes that are a key.
pub(crate) fn draw() -> Result<[u8; 32], KeyFileError> {
    let mut secret = [0; 32];
    loop {
        OsRng.try_fill_bytes(&mut secret).map_err(KeyFileError::Entropy)?;
        // Zero and values beyond the group order are no keys; none will be drawn before the sun burns out.
        if AccountKey::from_bytes(&secret).is_ok() {
            return Ok(secret);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_key_is_made_once_private_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/account.key");
        let first = load_or_create(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(load_or_create(&path).unwrap().address(), first.address());
        assert_eq!(
            fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "a draft was left behind"
        );
        let other = load_or_create(&folder.path().join("other.key")).unwrap();
        assert_ne!(other.address(), first.address());
    }

    #[test]
    fn an_existing_key_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.key");
        let first = load_or_create(&path).unwrap();
        create(&path).unwrap();
        assert_eq!(load(&path).unwrap().address(), first.address());
    }

    #[test]
    fn exposed_and_broken_files_are_refused_without_showing_them() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("account.key");
        load_or_create(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = load_or_create(&path).unwrap_err().to_string();
        assert!(error.contains("mode 640") && error.contains("chmod 600"), "{error}");

        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        for content in ["", "5ec7e7", &"0".repeat(64), &"f".repeat(64), &"5ec7".repeat(17)] {
            fs::write(&path, content).unwrap();
            let error = load_or_create(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Malformed { .. }), "{content:?}");
            assert!(!format!("{error:?}{error}").contains("5ec7"), "the secret leaked");
        }
    }
}
