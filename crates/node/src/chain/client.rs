//! A chain as the command line sees it: its file, its server, and the account of a data folder.

pub use rayswarm_settlement::{
    ChainStatus, Mined, SettlementError, Validators, ValidatorsView, chain_status,
    validators::{BallotFor, Candidate, Delegate, Exit, Jail, Member, PaidOut, SetKind, SetParams, Standing},
};

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use alloy_primitives::U256;
use rayswarm_model::{Amount, signed::AccountKey};

use super::{ChainError, ChainSpec, files};
use crate::{folder::make_folder, identity::Identity};

/// Where a chain's server is unless it is named.
pub const DEFAULT_RPC: &str = "http://127.0.0.1:8545";

/// The key of the account of a data folder, which is made if it is not there.
///
/// # Errors
/// In words: what cannot be made or read.
pub fn own_key(data_dir: &Path) -> anyhow::Result<AccountKey> {
    make_folder(data_dir)?;
    Ok(Identity::load_or_create(data_dir)?.account)
}

/// An amount as a genesis has it.
pub fn wei(amount: Amount) -> U256 {
    U256::from(amount.0)
}

/// Writes a chain's file. One that is there already is left as it is, and must be of the same chain.
///
/// # Errors
/// [`ChainError::OtherChain`]; [`ChainError::Files`].
pub fn write_chain(path: &Path, spec: &ChainSpec) -> Result<(), ChainError> {
    let text = spec.to_text()?;
    let mut file = match File::create_new(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let stored = ChainSpec::read(path)?;
            if stored == *spec {
                return Ok(());
            }
            return Err(ChainError::OtherChain {
                dir: path.to_owned(),
                stored: stored.chain_genesis()?.hash(),
                wanted: spec.chain_genesis()?.hash(),
            });
        }
        Err(source) => return Err(files("write", path, source)),
    };
    let written = file.write_all(&text).and_then(|()| file.sync_all());
    if let Err(source) = written {
        // Half a file would be in the way of the next attempt.
        let _ = fs::remove_file(path);
        return Err(files("write", path, source));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::chain::development_genesis;

    #[test]
    fn a_file_of_another_chain_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chain.json");
        let spec = |timestamp| ChainSpec::solo(development_genesis(7, timestamp));
        write_chain(&path, &spec(1)).unwrap();
        assert_eq!(ChainSpec::read(&path).unwrap(), spec(1));
        write_chain(&path, &spec(1)).unwrap();
        let refused = write_chain(&path, &spec(2)).unwrap_err();
        assert!(matches!(refused, ChainError::OtherChain { .. }), "{refused}");
        assert_eq!(ChainSpec::read(&path).unwrap(), spec(1), "it is as it was");
    }
}
