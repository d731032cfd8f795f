//! The block log: every block that was taken in, in that order, each followed by its seal. It is the truth about the chain.

use std::{collections::HashMap, path::Path};

use alloy_primitives::B256;
use alloy_rlp::Decodable;
use rayswarm_chain::{
    Storage,
    block::{BLOCK_BYTES_MAX, Block},
};

pub use super::record_log::StorageError;
use super::record_log::{Form, RecordLog};

/// The longest seal: a commit certificate of the largest set of validators.
pub(crate) const SEAL_BYTES_MAX: usize = 64 << 10;

static FORM: Form = Form {
    magic: b"RSBLOCK1",
    name: "block log",
    record_bytes_max: BLOCK_BYTES_MAX + SEAL_BYTES_MAX,
};

/// The block log of one chain.
#[derive(Debug)]
pub(crate) struct BlockLog {
    records: RecordLog,
    /// Which record a block is, of a chain whose log was [read](BlockLog::read_all).
    by_hash: HashMap<B256, usize>,
}

/// A record: a block's encoding, and its seal.
pub(crate) type Stored = (Vec<u8>, Option<Vec<u8>>);

impl BlockLog {
    /// Opens or creates the log of the chain with this genesis hash.
    ///
    /// # Errors
    /// See [`StorageError`].
    pub(crate) fn open(path: &Path, genesis: B256) -> Result<Self, StorageError> {
        Ok(Self {
            records: RecordLog::open(&FORM, path, genesis)?,
            by_hash: HashMap::new(),
        })
    }

    /// How many blocks it holds.
    pub(crate) fn blocks(&self) -> usize {
        self.records.len()
    }

    /// Reads every block in the order in which they were taken in, and remembers where each is.
    ///
    /// # Errors
    /// What `each` makes of a block or of an error of the file.
    pub(crate) fn read_all<E: From<StorageError>>(
        &mut self,
        mut each: impl FnMut(Block, Option<&[u8]>) -> Result<(), E>,
    ) -> Result<(), E> {
        for index in 0..self.records.len() {
            let record = self.records.read(index)?.unwrap_or_default();
            let mut seal = &record[..];
            let block = Block::decode(&mut seal).map_err(|_| self.records.damaged_record(index))?;
            self.by_hash.insert(block.header.hash_slow(), index);
            each(block, (!seal.is_empty()).then_some(seal))?;
        }
        Ok(())
    }

    /// Stores a block with its seal, durably.
    ///
    /// # Errors
    /// When it could not be; it then counts as never stored.
    pub(crate) fn put(&mut self, hash: B256, block: &[u8], seal: Option<&[u8]>) -> Result<(), StorageError> {
        if self.by_hash.contains_key(&hash) {
            return Ok(());
        }
        self.records.append(&[block, seal.unwrap_or_default()].concat())?;
        self.records.sync()?;
        self.by_hash.insert(hash, self.records.len() - 1);
        Ok(())
    }

    /// Whether a block is stored.
    pub(crate) fn has(&self, hash: &B256) -> bool {
        self.by_hash.contains_key(hash)
    }

    /// A stored block.
    ///
    /// # Errors
    /// When it cannot be read back.
    pub(crate) fn get(&mut self, hash: &B256) -> Result<Option<Stored>, StorageError> {
        let Some(&index) = self.by_hash.get(hash) else {
            return Ok(None);
        };
        let record = self.records.read(index)?.unwrap_or_default();
        let mut seal = &record[..];
        Block::decode(&mut seal).map_err(|_| self.records.damaged_record(index))?;
        let seal = seal.to_vec();
        let block = record[..record.len() - seal.len()].to_vec();
        Ok(Some((block, (!seal.is_empty()).then_some(seal))))
    }
}

impl Storage for BlockLog {
    type Error = StorageError;

    fn append(&mut self, _number: u64, _hash: B256, block: &[u8]) -> Result<(), StorageError> {
        self.records.append(block)?;
        self.records.sync()
    }

    fn read(&mut self, number: u64) -> Result<Option<Vec<u8>>, StorageError> {
        match number.checked_sub(1).and_then(|index| usize::try_from(index).ok()) {
            Some(index) => self.records.read(index),
            None => Ok(None),
        }
    }
}
