//! The final state on disk: every account and slot as the last final block left them, and final blocks with what their
//! execution showed.
//!
//! It is made of the block log and can be made again from it, so a crash may take back the last few blocks of it: they are
//! executed again from the log. Opening costs as much as the state is large, however long the chain.

pub(super) mod rows;

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes, U256};
use rayswarm_chain::{BLOCKS_KEPT, FinalBlock, FlatAccount, Genesis, GenesisError, SealedBlock, StateChanges};
use rayswarm_network::{StateCursor, StatePage};
use redb::{Database, Durability, ReadTransaction, ReadableDatabase, ReadableTable};

use self::rows::{
    ACCOUNTS, BLOCKS, CODES, HEIGHTS, META, PLACES, SLOTS, WORK, add_work, apply, decode_fields, forget_block,
    put_account, put_block, slot_key, work_of,
};
use super::{
    Checkpoint,
    archive::{self, Past},
    kept::Keeping,
    landmarks::{Landmarks, is_landmark},
};

/// Blocks that a crash may take back, and that are then executed again.
const DURABLE_EVERY: u64 = 64;

/// The final state cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The database.
    #[error("the final state in {path} cannot be used; remove the file, and it is made again from the block log")]
    Database {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<redb::Error>,
    },
    /// What is in it does not read, or is another chain's.
    #[error("the final state in {path} is not this chain's; remove the file, and it is made again from the block log")]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The genesis cannot start a chain.
    #[error("the genesis cannot start a chain")]
    Genesis(#[from] GenesisError),
}

/// The database.
#[derive(Debug)]
pub(crate) struct Snapshots {
    database: Database,
    path: PathBuf,
    unsynced: u64,
    /// Final blocks that are kept; all if `None`.
    keep: Option<u64>,
    /// The height from which on every state is kept, if they are.
    archive: Option<u64>,
    /// States that newcomers may begin with, the latest last.
    landmarks: Landmarks,
}

/// Where a chain goes on.
#[derive(Debug)]
pub(crate) struct Resumed {
    pub(crate) finalized: SealedBlock,
    /// Lowest first.
    pub(crate) before: Vec<SealedBlock>,
}

impl Snapshots {
    /// Opens the final state of a chain, or makes that of its genesis. At least [`BLOCKS_KEPT`] final blocks are kept.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn open(path: &Path, genesis: &Genesis, keeping: Keeping) -> Result<Self, SnapshotError> {
        let database = Database::create(path).map_err(|source| failed(path, source))?;
        let mut snapshots = Self {
            database,
            path: path.to_owned(),
            unsynced: 0,
            // The chain goes on with as many.
            keep: keeping.history.map(|keep| keep.max(BLOCKS_KEPT as u64)),
            archive: None,
            landmarks: Landmarks::default(),
        };
        let block = genesis.block();
        let stored = snapshots.genesis()?;
        match stored {
            None => snapshots.begin(&block, &genesis.changes()?)?,
            Some(stored) if stored == block.hash => {}
            Some(_) => {
                return Err(SnapshotError::Foreign {
                    path: snapshots.path.clone(),
                });
            }
        }
        snapshots.settle_archive(keeping.archive)?;
        snapshots.mark()?;
        Ok(snapshots)
    }

    fn genesis(&self) -> Result<Option<B256>, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let transaction = self.database.begin_read()?;
            let table = match transaction.open_table(META) {
                Ok(table) => table,
                Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            Ok(table.get("genesis")?.and_then(|hash| B256::try_from(hash.value()).ok()))
        };
        reading().map_err(|source| self.failed(source))
    }

    fn begin(&mut self, block: &SealedBlock, changes: &StateChanges) -> Result<(), SnapshotError> {
        let writing = || -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            transaction.open_table(META)?.insert("genesis", block.hash.as_slice())?;
            apply(&transaction, changes)?;
            put_block(&transaction, block)?;
            add_work(&transaction, block.header().difficulty)?;
            transaction.commit()?;
            Ok(())
        };
        writing().map_err(|source| self.failed(source))
    }

    /// Begins the archive where one is wanted, and drops it where none is: it would have gaps.
    fn settle_archive(&mut self, wanted: Option<bool>) -> Result<(), SnapshotError> {
        self.archive = archive::first(&self.view()?).map_err(|source| self.failed(source))?;
        let Some(wanted) = wanted.filter(|wanted| *wanted != self.archive.is_some()) else {
            return Ok(());
        };
        let last = self.last()?;
        let writing = || -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            if wanted {
                archive::begin(&transaction, last)?;
            } else {
                archive::forget(&transaction)?;
            }
            transaction.commit()?;
            Ok(())
        };
        writing().map_err(|source| self.failed(source))?;
        match self.archive {
            Some(first) => tracing::warn!(first, last, "the states after these blocks were kept, and are no more"),
            None => tracing::info!(first = last, "the states after this block and all later ones are kept"),
        }
        self.archive = wanted.then_some(last);
        Ok(())
    }

    /// The database as it is now.
    fn view(&self) -> Result<ReadTransaction, SnapshotError> {
        let view = self.database.begin_read();
        view.map_err(|source| self.failed(source.into()))
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

    /// Applies blocks that are final now.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn apply(&mut self, blocks: &[FinalBlock]) -> Result<(), SnapshotError> {
        for part in blocks.split_inclusive(is_landmark) {
            self.apply_at_once(part)?;
            if part.last().is_some_and(is_landmark) {
                self.mark()?;
            }
        }
        Ok(())
    }

    fn apply_at_once(&mut self, blocks: &[FinalBlock]) -> Result<(), SnapshotError> {
        let durable = self.unsynced + blocks.len() as u64 >= DURABLE_EVERY;
        let writing = || -> Result<(), redb::Error> {
            let mut transaction = self.database.begin_write()?;
            if !durable {
                transaction.set_durability(Durability::None)?;
            }
            for FinalBlock { block, changes } in blocks {
                if self.archive.is_some() {
                    archive::note(&transaction, block.number(), changes)?;
                }
                apply(&transaction, changes)?;
                put_block(&transaction, block)?;
                add_work(&transaction, block.header().difficulty)?;
                if let Some(old) = self.keep.and_then(|keep| block.number().checked_sub(keep)) {
                    forget_block(&transaction, old)?;
                }
            }
            transaction.commit()?;
            Ok(())
        };
        writing().map_err(|source| self.failed(source))?;
        self.unsynced = if durable {
            0
        } else {
            self.unsynced + blocks.len() as u64
        };
        Ok(())
    }

    /// Begins at a block instead of at the genesis: with the state after it, and with blocks before it, highest first. `work` is the
    /// sum of the difficulties up to it.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn begin_at(
        &mut self,
        block: &SealedBlock,
        before: &[SealedBlock],
        accounts: &[FlatAccount],
        work: U256,
    ) -> Result<(), SnapshotError> {
        let writing = || -> Result<(), redb::Error> {
            let transaction = self.database.begin_write()?;
            transaction.open_table(ACCOUNTS)?.retain(|_, _| false)?;
            transaction.open_table(SLOTS)?.retain(|_, _| false)?;
            // A crash before the first block was stored leaves the beginning of another checkpoint. Block 0 stays.
            transaction.open_table(BLOCKS)?.retain(|number, _| number == 0)?;
            transaction.open_table(HEIGHTS)?.retain(|_, number| number == 0)?;
            transaction.open_table(PLACES)?.retain(|_, _| false)?;
            for account in accounts {
                put_account(&transaction, account)?;
            }
            for block in before.iter().chain([block]) {
                put_block(&transaction, block)?;
            }
            let work = work.to_be_bytes::<32>();
            transaction.open_table(META)?.insert(WORK, &work[..])?;
            if self.archive.is_some() {
                archive::begin(&transaction, block.number())?;
            }
            transaction.commit()?;
            Ok(())
        };
        writing().map_err(|source| self.failed(source))?;
        self.archive = self.archive.map(|_| block.number());
        self.landmarks = Landmarks::default();
        self.mark()
    }

    /// Keeps the state as it is now for newcomers.
    fn mark(&mut self) -> Result<(), SnapshotError> {
        let number = self.last()?;
        let view = self.view()?;
        let Some(hash) = self.hash_at(number) else {
            return Ok(());
        };
        self.landmarks.keep(Checkpoint { number, hash }, view);
        Ok(())
    }

    /// The latest final block that newcomers may begin at.
    pub(crate) fn landmark(&self) -> Option<Checkpoint> {
        self.landmarks.latest()
    }

    /// What follows a row of the state after a block; `None` where that state is not kept.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn state_page(
        &self,
        block: &B256,
        after: Option<StateCursor>,
    ) -> Result<Option<StatePage>, SnapshotError> {
        self.landmarks.page(block, after).map_err(|source| self.failed(source))
    }

    /// Where the chain goes on: the last final block and up to `before` blocks before it.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn resume(&self, before: u64) -> Result<Resumed, SnapshotError> {
        let last = self.last()?;
        let foreign = || SnapshotError::Foreign {
            path: self.path.clone(),
        };
        let finalized = self.block(last)?.ok_or_else(foreign)?;
        let earlier = (last.saturating_sub(before)..last).rev();
        // Those that are kept no more, or were never here, are the oldest.
        let earlier = earlier.map_while(|number| self.block(number).transpose());
        let mut before = earlier.collect::<Result<Vec<_>, _>>()?;
        before.reverse();
        Ok(Resumed { finalized, before })
    }

    fn last(&self) -> Result<u64, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(BLOCKS)?;
            Ok(table.last()?.map_or(0, |(number, _)| number.value()))
        };
        reading().map_err(|source| self.failed(source))
    }

    /// The sum of the difficulties of all blocks up to the last final one.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn work(&self) -> Result<U256, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let table = self.database.begin_read()?.open_table(META)?;
            Ok(table.get(WORK)?.map(|work| work_of(work.value())))
        };
        let work = reading().map_err(|source| self.failed(source))?;
        work.ok_or_else(|| SnapshotError::Foreign {
            path: self.path.clone(),
        })
    }

    /// Every account.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn accounts(&self) -> Result<Vec<FlatAccount>, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let transaction = self.database.begin_read()?;
            let (accounts, slots) = (transaction.open_table(ACCOUNTS)?, transaction.open_table(SLOTS)?);
            let codes = transaction.open_table(CODES)?;
            let mut all = Vec::new();
            for entry in accounts.iter()? {
                let (address, fields) = entry?;
                let (address, fields) = (Address::from(address.value()), decode_fields(&fields.value()));
                let mut storage = Vec::new();
                for slot in slots.range(slot_key(address, U256::ZERO)..=slot_key(address, U256::MAX))? {
                    let (key, value) = slot?;
                    let slot = U256::from_be_slice(&key.value()[20..]);
                    storage.push((slot, U256::from_be_bytes(value.value())));
                }
                let code = match codes.get(fields.code_hash.0)? {
                    Some(code) => Bytes::copy_from_slice(code.value()),
                    None => Bytes::new(),
                };
                all.push(FlatAccount {
                    address,
                    nonce: fields.nonce,
                    balance: fields.balance,
                    code,
                    storage,
                });
            }
            Ok(all)
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
            path: self.path.clone(),
        })
    }

    /// Height of a final block.
    pub(crate) fn number_of(&self, hash: &B256) -> Option<u64> {
        let table = self.database.begin_read().ok()?.open_table(HEIGHTS).ok()?;
        Some(table.get(hash.0).ok()??.value())
    }

    /// Hash of the final block at a height.
    pub(crate) fn hash_at(&self, number: u64) -> Option<B256> {
        let table = self.database.begin_read().ok()?.open_table(BLOCKS).ok()?;
        SealedBlock::hash_of_executed(table.get(number).ok()??.value())
    }

    /// Where a transaction was executed in final blocks.
    pub(crate) fn place(&self, transaction: &B256) -> Option<(u64, u32)> {
        let table = self.database.begin_read().ok()?.open_table(PLACES).ok()?;
        Some(table.get(transaction.0).ok()??.value())
    }

    fn failed(&self, source: redb::Error) -> SnapshotError {
        failed(&self.path, source)
    }
}

fn failed(path: &Path, source: impl Into<redb::Error>) -> SnapshotError {
    SnapshotError::Database {
        path: path.to_owned(),
        source: Box::new(source.into()),
    }
}
