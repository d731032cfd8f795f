//! Whole chains in files: final blocks with their seals, from one data folder into another.
//!
//! ```text
//! magic (8: RSCHAIN1)  genesis hash (32)  how many blocks follow (8)      once
//! length of the block (4)  length of the seal (4)  block (RLP)  seal      per block, from block 1 on
//! ```
//!
//! Numbers are big endian; a seal of length 0 is none. What is read goes the way of any block: its seal is checked, it is executed,
//! its roots are compared, and consensus says which block is the head. So a file needs no trust, and no more than the genesis
//! to be read.

mod frames;
mod import;

use std::{
    fs::{self, File},
    io::{self, BufReader, BufWriter},
    path::Path,
};

use alloy_primitives::B256;
use anyhow::{Context, bail};

use self::frames::{FileReader, FileWriter, FrameError};
use super::{
    ChainError, ChainSpec, claim,
    kept::{self, Opened, Part},
    ledger::{FinalizeError, ImportError, SealError},
    spec::ConsensusRules,
    storage::StorageError,
    stored_chain,
};
use crate::{folder::take_folder, keeper::CHAIN_FOLDER};

/// What was written or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transferred {
    /// Genesis hash of the chain.
    pub genesis: B256,
    /// Blocks that were written, or taken in.
    pub blocks: u64,
    /// Blocks that were there already.
    pub known: u64,
    /// Height of the last final block now.
    pub finalized: u64,
}

/// A chain could not be written or read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TransferError {
    /// The file.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The block log of the data folder.
    #[error(transparent)]
    Storage(#[from] StorageError),
    /// A final block is not in the block log.
    #[error("block {0} is final and not in the block log; restore blocks.log from a copy")]
    Missing(u64),
    /// A block of the file is none of this chain at its place.
    #[error("block {number} of the file ({hash}) is not taken in")]
    Block {
        /// Its place in the file, from 1.
        number: u64,
        /// Its hash, zero if it is no block.
        hash: B256,
        /// Why not.
        #[source]
        source: Box<RefusedBlock>,
    },
    /// The final state.
    #[error("the final state could not be stored")]
    Finalize(#[from] FinalizeError),
}

/// Why a block of a file is not taken in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RefusedBlock {
    /// It does not stand where it says, or nobody may have made it.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// Executing or storing it failed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// Consensus has another final block there.
    #[error(transparent)]
    Place(#[from] rayswarm_consensus::SealError),
}

/// Writes the final blocks of the chain in a data folder, which must not be running, to a new file.
///
/// # Errors
/// In words: what cannot be opened, read or written, and what to do.
pub fn export(data_dir: &Path, path: &Path) -> anyhow::Result<Transferred> {
    let _lock = take_folder(data_dir)?;
    let folder = data_dir.join(CHAIN_FOLDER);
    let opened = open(&folder, None)?;
    let file = File::create_new(path).with_context(|| format!("{} cannot be made", path.display()))?;
    let written = write(&opened, file);
    if written.is_err() {
        // Half a chain would look like one.
        let _ = fs::remove_file(path);
    }
    opened.ledger.close();
    written.with_context(|| format!("the chain was not written to {}", path.display()))
}

/// Reads a file of [`export`] into a data folder whose chain is not running. `spec` is the chain, if the folder has none yet.
///
/// # Errors
/// In words: what cannot be opened or read, or which block is not taken in. Blocks before that one stay.
pub fn import(data_dir: &Path, spec: Option<ChainSpec>, path: &Path) -> anyhow::Result<Transferred> {
    let _lock = take_folder(data_dir)?;
    let folder = data_dir.join(CHAIN_FOLDER);
    let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
    let opened = open(&folder, spec)?;
    let genesis = opened.ledger.genesis_header().hash;
    let reader = FileReader::open(BufReader::new(file), genesis);
    let reader = reader.with_context(|| format!("{} cannot be read", path.display()))?;
    import::take_in(opened, reader).with_context(|| format!("{} was not read to its end", path.display()))
}

/// Reads a whole file of [`export`] of the chain with this genesis hash and writes it again; none where it does not read. Executes
/// nothing: for `crates/fuzzing`.
#[doc(hidden)]
pub fn rewrite(bytes: &[u8], genesis: B256) -> Option<Vec<u8>> {
    let mut reader = FileReader::open(bytes, genesis).ok()?;
    let mut blocks = Vec::new();
    while let Some(block) = reader.next().ok()? {
        blocks.push(block);
    }
    let mut writer = FileWriter::begin(Vec::new(), genesis, blocks.len() as u64).ok()?;
    for (block, seal) in &blocks {
        writer.put(block, seal.as_deref().unwrap_or_default()).ok()?;
    }
    writer.finish().ok()
}

fn open(folder: &Path, spec: Option<ChainSpec>) -> anyhow::Result<Opened> {
    let spec = match spec {
        Some(spec) => spec,
        None => match stored_chain(folder)? {
            Some(spec) => spec,
            None => bail!(
                "no chain is in {}; name its genesis with --genesis FILE",
                folder.display()
            ),
        },
    };
    // Opening one as a chain that nodes keep would leave files behind.
    if spec.consensus == ConsensusRules::Solo {
        return Err(ChainError::NotShared.into());
    }
    claim(folder, &spec)?;
    Ok(kept::open(folder, &spec, &Part::default())?)
}

fn write(opened: &Opened, file: File) -> Result<Transferred, TransferError> {
    let ledger = &opened.ledger;
    let genesis = ledger.genesis_header().hash;
    let branch = ledger.final_branch()?;
    let blocks = branch.len() as u64;
    let mut writer = FileWriter::begin(BufWriter::new(file), genesis, blocks)?;
    for (number, hash) in (1..).zip(&branch) {
        let (block, seal) = ledger.stored_bytes(hash)?.ok_or(TransferError::Missing(number))?;
        writer.put(&block, seal.as_deref().unwrap_or_default())?;
    }
    let file = writer.finish()?.into_inner().map_err(io::IntoInnerError::into_error);
    file.and_then(|file| file.sync_all()).map_err(FrameError::Write)?;
    Ok(Transferred {
        genesis,
        blocks,
        known: 0,
        finalized: blocks,
    })
}

#[cfg(test)]
mod tests;
