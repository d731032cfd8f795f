//! The final state and final blocks, to read: whoever reads sees them as they are at that moment, and waits for no block that is
//! being written.

use std::{path::Path, sync::Arc};

use alloy_primitives::B256;
use rayswarm_chain::SealedBlock;
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable};

use super::{
    SnapshotError, failed,
    rows::{BLOCKS, HASHES, HEIGHTS, PLACES},
};
use crate::chain::archive::Past;

/// What of a chain is on disk, beside what it holds in memory.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(super) database: Arc<Database>,
    pub(super) path: Arc<Path>,
    /// The height from which on every state is kept, if they are.
    pub(super) archive: Option<u64>,
}

impl Reader {
    /// The database as it is now.
    pub(super) fn view(&self) -> Result<ReadTransaction, SnapshotError> {
        let view = self.database.begin_read();
        view.map_err(|source| self.failed(source.into()))
    }

    /// Height of the last final block.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn last(&self) -> Result<u64, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(BLOCKS)?;
            Ok(table.last()?.map_or(0, |(number, _)| number.value()))
        };
        reading().map_err(|source| self.failed(source))
    }

    /// A final block.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn block(&self, number: u64) -> Result<Option<SealedBlock>, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(BLOCKS)?;
            Ok(table.get(number)?.map(|block| block.value().to_vec()))
        };
        let bytes = reading().map_err(|source| self.failed(source))?;
        let block = bytes.map(|bytes| SealedBlock::decode_executed(&bytes)).transpose();
        block.map_err(|_| SnapshotError::Foreign {
            path: self.path.to_path_buf(),
        })
    }

    /// The lowest height from which on final blocks are kept whole, block 0 aside.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn first_block(&self) -> Result<u64, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(BLOCKS)?;
            let first = table.range(1..)?.next().transpose()?;
            Ok(first.map_or(0, |(number, _)| number.value()))
        };
        reading().map_err(|source| self.failed(source))
    }

    /// Height of a final block, whether it is kept or not.
    pub(crate) fn number_of(&self, hash: &B256) -> Option<u64> {
        let table = self.database.begin_read().ok()?.open_table(HEIGHTS).ok()?;
        Some(table.get(hash.0).ok()??.value())
    }

    /// Hash of the final block at a height, whether it is kept or not.
    pub(crate) fn hash_at(&self, number: u64) -> Option<B256> {
        let table = self.database.begin_read().ok()?.open_table(HASHES).ok()?;
        Some(table.get(number).ok()??.value().into())
    }

    /// Where a transaction was executed in final blocks.
    pub(crate) fn place(&self, transaction: &B256) -> Option<(u64, u32)> {
        let table = self.database.begin_read().ok()?.open_table(PLACES).ok()?;
        Some(table.get(transaction.0).ok()??.value())
    }

    /// The state after an old final block; `None` where it is not kept.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn past(&self, number: u64) -> Result<Option<Past>, SnapshotError> {
        if self.archive.is_none_or(|first| number < first) || number > self.last()? {
            return Ok(None);
        }
        Ok(Some(Past::new(self.view()?, number)))
    }

    /// The height from which on every state is kept, if they are.
    pub(crate) const fn archive(&self) -> Option<u64> {
        self.archive
    }

    pub(super) fn failed(&self, source: redb::Error) -> SnapshotError {
        failed(&self.path, source)
    }
}
