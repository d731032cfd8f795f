//! Who this node is: a node key (ed25519, for peers) and an account key (secp256k1, for money), in files only their
//! owner can read.

use crate::http::Token;
use rand::{TryRngCore, rngs::OsRng};
use rayswarm_model::signed::AccountKey;
use rayswarm_settlement::keyfile;
use std::path::Path;

/// The keys of a node. Has no `Debug`: keys are never printed.
pub struct Identity {
    /// Secret half of the node's ed25519 key.
    pub node_secret: [u8; 32],
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
    Keyfile(#[from] keyfile::KeyfileError),
    /// No entropy.
    #[error("the operating system gives no random numbers")]
    Entropy(#[from] rand::rand_core::OsError),
}

impl Identity {
    /// Reads the keys in `data_dir`, making those that are not there.
    pub fn load_or_create(data_dir: &Path) -> Result<Self, IdentityError> {
        let node_secret = keyfile::load_or_create(&data_dir.join("node.key"), &random()?)?;
        let account = keyfile::load_or_create_account(&data_dir.join("account.key"), &random()?)?;
        let token = keyfile::load_or_create(&data_dir.join("token"), &random()?)?;
        let token = Token::new(token.iter().map(|byte| format!("{byte:02x}")).collect());
        Ok(Self { node_secret, account, token })
    }
}

/// 32 bytes from the operating system.
pub fn random() -> Result<[u8; 32], rand::rand_core::OsError> {
    let mut bytes = [0; 32];
    OsRng.try_fill_bytes(&mut bytes)?;
    Ok(bytes)
}
