//! Who this node is: a node key (ed25519, for peers) and an account key (secp256k1, for money), in files only their
//! owner can read. The account key is encrypted besides.

use crate::http::tokens::Token;
use rand::{TryRngCore, rngs::OsRng};
use rayswarm_model::signed::AccountKey;
use rayswarm_settlement::{keyfile, keystore};
use std::path::{Path, PathBuf};

/// The keys of a node. Has no `Debug`: keys are never printed.
pub struct Identity {
    /// Secret half of the node's ed25519 key, under which it asks for work to be done.
    pub node_secret: [u8; 32],
    /// The same for its provider role, which is a peer of its own.
    pub provider_secret: [u8; 32],
    /// The account that pays and is paid.
    pub account: AccountKey,
    /// The bearer token of the HTTP API.
    pub token: Token,
}

/// A node's keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// A key file.
    #[error("a key file of this node is not usable")]
    KeyFile(#[from] keyfile::KeyFileError),
    /// The account's keystore.
    #[error("the account's keystore is not usable")]
    Keystore(#[from] keystore::KeystoreError),
}

/// Names the file with the keystore's password, where it shall not be beside the keystore.
const PASSWORD_FILE: &str = "RAYSWARM_PASSWORD_FILE";

impl Identity {
    /// Reads the keys in `data_dir`, making those that are not there.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, IdentityError> {
        let secret = |name: &str| keyfile::load_or_create_secret(&data_dir.join(name));
        let password = std::env::var_os(PASSWORD_FILE).map(PathBuf::from);
        let token: String = secret("token")?.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            node_secret: secret("node.key")?,
            provider_secret: secret("provider.key")?,
            account: keystore::load_or_create(data_dir, password.as_deref())?,
            token: Token::new(&token),
        })
    }
}

/// 32 bytes from the operating system.
pub fn random() -> Result<[u8; 32], rand::rand_core::OsError> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}
