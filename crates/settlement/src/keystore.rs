//! The account's secret on disk, encrypted: Web3 Secret Storage version 3, as geth and cast read it.
//!
//! The password is in a file of its own, which only its owner can read: made at the first start, or named by the owner, who
//! may keep it on another disk. It is never an argument and never in the environment.
//!
//! <https://ethereum.org/developers/docs/data-structures-and-encoding/web3-secret-storage>

mod cipher;

use crate::keyfile::{self, KeyFileError, draw};
use rayswarm_model::{
    Address,
    signed::{AccountKey, AccountKeyError},
};
use std::{
    fs, io,
    path::{Path, PathBuf},
};

pub use cipher::{CipherError, Cost};

/// The keystore in a data folder.
const STORE: &str = "account.json";
/// The password beside it, where the owner names no other.
const PASSWORD: &str = "keystore.password";
/// The plain key of earlier versions.
const PLAIN: &str = "account.key";

/// A keystore cannot be used. No variant holds any part of secret or password.
#[derive(Debug, thiserror::Error)]
pub enum KeystoreError {
    /// A file of secrets.
    #[error(transparent)]
    File(#[from] KeyFileError),
    /// It does not open.
    #[error("the keystore {} does not open with the password of {}", path.display(), password.display())]
    Cipher {
        /// The keystore.
        path: PathBuf,
        /// The file of the password.
        password: PathBuf,
        /// Why.
        #[source]
        source: CipherError,
    },
    /// What it holds is no key, or another account's than it says.
    #[error("the keystore {} does not hold the key of the account that it names; restore it from a backup", path.display())]
    OtherAccount {
        /// The keystore.
        path: PathBuf,
    },
    /// The password that the owner names is not there.
    #[error("there is no password in {}; write one into it, or unset RAYSWARM_PASSWORD_FILE", path.display())]
    NoPassword {
        /// The file.
        path: PathBuf,
    },
    /// The plain key of an earlier version is still there.
    #[error("the key is encrypted now, but the plain one in {} cannot be removed; remove it", path.display())]
    PlainLeft {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Opens the keystore in `folder`, or makes it: from the plain key of an earlier version, which is removed then, or from a
/// new one. The password is in `password_file`, or in a file beside the keystore that is made when it is not there. Two
/// processes that start at once get the same key.
pub fn load_or_create(folder: &Path, password_file: Option<&Path>) -> Result<AccountKey, KeystoreError> {
    let path = folder.join(STORE);
    let own_password = folder.join(PASSWORD);
    let (password, cost) = match password_file {
        Some(file) => (read_password(file)?, Cost::Standard),
        // Thirty-two bytes of randomness need no slow derivation.
        None => {
            keyfile::load_or_create_secret(&own_password)?;
            (read_password(&own_password)?, Cost::Light)
        }
    };
    let password_file = password_file.unwrap_or(&own_password);
    if !path.exists() {
        let secret = match keyfile::load_secret(&folder.join(PLAIN)) {
            Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => draw()?,
            found => found?,
        };
        let key = account_key(&path, &secret)?;
        let wrapped = wrap(&path, password_file);
        let salts = [draw()?, draw()?];
        let text = cipher::encrypt(&secret, key.address(), password.as_bytes(), cost, salts).map_err(wrapped)?;
        keyfile::create_with(&path, text.as_bytes())?;
    }
    let key = open(&path, password_file, password.as_bytes())?;
    forget_plain(folder, key.address())?;
    Ok(key)
}

fn open(path: &Path, password_file: &Path, password: &[u8]) -> Result<AccountKey, KeystoreError> {
    let text = keyfile::read_private(path)?;
    let opened = cipher::decrypt(&text, password).map_err(wrap(path, password_file))?;
    let key = account_key(path, &opened.secret)?;
    if opened.address.is_some_and(|address| address != key.address()) {
        return Err(KeystoreError::OtherAccount { path: path.into() });
    }
    Ok(key)
}

/// Removes the plain key once the keystore opens to the same account. Another one is left: it may hold money.
fn forget_plain(folder: &Path, account: Address) -> Result<(), KeystoreError> {
    let path = folder.join(PLAIN);
    if keyfile::load(&path).is_ok_and(|key| key.address() == account) {
        return fs::remove_file(&path).map_err(|source| KeystoreError::PlainLeft { path, source });
    }
    Ok(())
}

fn account_key(path: &Path, secret: &[u8; 32]) -> Result<AccountKey, KeystoreError> {
    AccountKey::from_bytes(secret).map_err(|AccountKeyError| KeystoreError::OtherAccount { path: path.into() })
}

/// The file's text without the line's end, as geth and cast take it.
fn read_password(path: &Path) -> Result<String, KeystoreError> {
    let missing = || KeystoreError::NoPassword { path: path.into() };
    let text = match keyfile::read_private(path) {
        Err(KeyFileError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => return Err(missing()),
        read => read?,
    };
    let password = text.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        return Err(missing());
    }
    Ok(password.into())
}

fn wrap(path: &Path, password: &Path) -> impl FnOnce(CipherError) -> KeystoreError + use<> {
    let (path, password) = (path.to_owned(), password.to_owned());
    move |source| KeystoreError::Cipher { path, password, source }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn private(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    #[test]
    fn a_key_is_made_once_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let first = load_or_create(folder.path(), None).unwrap();
        assert_eq!(load_or_create(folder.path(), None).unwrap().address(), first.address());
        for name in [STORE, PASSWORD] {
            let mode = fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        let other = tempfile::tempdir().unwrap();
        assert_ne!(load_or_create(other.path(), None).unwrap().address(), first.address());
    }

    #[test]
    fn the_plain_key_of_an_earlier_version_is_encrypted_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let plain = folder.path().join(PLAIN);
        let before = keyfile::load_or_create(&plain).unwrap();
        let secret = fs::read_to_string(&plain).unwrap();
        assert_eq!(load_or_create(folder.path(), None).unwrap().address(), before.address());
        assert!(!plain.exists());
        let store = fs::read_to_string(folder.path().join(STORE)).unwrap();
        assert!(!store.contains(secret.trim()));
        // A killed process may have left both.
        private(&plain, &secret);
        assert_eq!(load_or_create(folder.path(), None).unwrap().address(), before.address());
        assert!(!plain.exists());
        // Another account's key is not ours to remove.
        keyfile::load_or_create(&plain).unwrap();
        load_or_create(folder.path(), None).unwrap();
        assert!(plain.exists());
    }

    #[test]
    fn a_named_password_opens_and_another_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let password = folder.path().join("mine");
        let missing = load_or_create(folder.path(), Some(&password)).unwrap_err();
        assert!(matches!(missing, KeystoreError::NoPassword { .. }), "{missing}");
        load_or_create(folder.path(), None).unwrap();
        private(&password, "correct horse\n");
        let wrong = load_or_create(folder.path(), Some(&password)).unwrap_err();
        assert!(
            matches!(
                wrong,
                KeystoreError::Cipher {
                    source: CipherError::WrongPassword,
                    ..
                }
            ),
            "{wrong}"
        );
        assert!(!format!("{wrong:?}{wrong}").contains("horse"), "the password leaked");
        fs::set_permissions(&password, fs::Permissions::from_mode(0o644)).unwrap();
        let exposed = load_or_create(folder.path(), Some(&password)).unwrap_err();
        assert!(
            matches!(exposed, KeystoreError::File(KeyFileError::Exposed { .. })),
            "{exposed}"
        );
    }
}
