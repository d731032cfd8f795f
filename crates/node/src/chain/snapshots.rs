//! The final state on disk: every account and slot as the last final block left them, and final blocks with what their
//! execution showed.
//!
//! It is made of the block log and can be made again from it, so a crash may take back the last few blocks of it: they are
//! executed again from the log. Opening costs as much as the state is large, however long the chain.

mod reader;
pub(super) mod rows;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use rayswarm_chain::{BLOCKS_KEPT, FinalBlock, FlatAccount, Genesis, GenesisError, SealedBlock, StateChanges};
use redb::{Database, Durability, ReadableDatabase, ReadableTable};

pub(crate) use self::reader::Reader;
use self::rows::{
    ACCOUNTS, BLOCKS, CODES, HASHES, HEIGHTS, META, PLACES, SLOTS, WORK, add_work, apply, decode_fields, forget_blocks,
    put_account, put_block, slot_key, work_of,
};
use super::{
    Checkpoint, archive,
    kept::Keeping,
    landmarks::{Landmark, Landmarks, is_landmark},
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
    reader: Reader,
    unsynced: u64,
    /// Final blocks that are kept; all if `None`.
    keep: Option<u64>,
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
            reader: Reader {
                database: Arc::new(database),
                path: path.into(),
                archive: None,
            },
            unsynced: 0,
            // The chain goes on with as many.
            keep: keeping.history.map(|keep| keep.max(BLOCKS_KEPT as u64)),
            landmarks: Landmarks::default(),
        };
        let block = genesis.block();
        let stored = snapshots.genesis()?;
        match stored {
            None => snapshots.begin(&block, &genesis.changes()?)?,
            // Hashes are kept of every height: a file that has not even this one is older than that.
            Some(stored) if stored == block.hash && snapshots.reader.hash_at(0) == Some(stored) => {}
            Some(_) => {
                return Err(SnapshotError::Foreign {
                    path: snapshots.reader.path.to_path_buf(),
                });
            }
        }
        snapshots.settle_archive(keeping.archive)?;
        snapshots.mark()?;
        Ok(snapshots)
    }

    fn genesis(&self) -> Result<Option<B256>, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let transaction = self.reader.database.begin_read()?;
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
            let transaction = self.reader.database.begin_write()?;
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
        self.reader.archive = archive::first(&self.reader.view()?).map_err(|source| self.failed(source))?;
        let Some(wanted) = wanted.filter(|wanted| *wanted != self.reader.archive.is_some()) else {
            return Ok(());
        };
        let last = self.reader.last()?;
        let writing = || -> Result<(), redb::Error> {
            let transaction = self.reader.database.begin_write()?;
            if wanted {
                archive::begin(&transaction, last)?;
            } else {
                archive::forget(&transaction)?;
            }
            transaction.commit()?;
            Ok(())
        };
        writing().map_err(|source| self.failed(source))?;
        match self.reader.archive {
            Some(first) => tracing::warn!(first, last, "the states after these blocks were kept, and are no more"),
            None => tracing::info!(first = last, "the states after this block and all later ones are kept"),
        }
        self.reader.archive = wanted.then_some(last);
        Ok(())
    }

    /// The same to read, for others.
    pub(crate) fn reader(&self) -> Reader {
        self.reader.clone()
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
            let mut transaction = self.reader.database.begin_write()?;
            if !durable {
                transaction.set_durability(Durability::None)?;
            }
            for FinalBlock { block, changes } in blocks {
                if self.reader.archive.is_some() {
                    archive::note(&transaction, block.number(), changes)?;
                }
                apply(&transaction, changes)?;
                put_block(&transaction, block)?;
                add_work(&transaction, block.header().difficulty)?;
                if let Some(old) = self.keep.and_then(|keep| block.number().checked_sub(keep)) {
                    forget_blocks(&transaction, old)?;
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
            let transaction = self.reader.database.begin_write()?;
            transaction.open_table(ACCOUNTS)?.retain(|_, _| false)?;
            transaction.open_table(SLOTS)?.retain(|_, _| false)?;
            // A crash before the first block was stored leaves the beginning of another checkpoint. Block 0 stays.
            transaction.open_table(BLOCKS)?.retain(|number, _| number == 0)?;
            transaction.open_table(HEIGHTS)?.retain(|_, number| number == 0)?;
            transaction.open_table(HASHES)?.retain(|number, _| number == 0)?;
            transaction.open_table(PLACES)?.retain(|_, _| false)?;
            for account in accounts {
                put_account(&transaction, account)?;
            }
            for block in before.iter().chain([block]) {
                put_block(&transaction, block)?;
            }
            let work = work.to_be_bytes::<32>();
            transaction.open_table(META)?.insert(WORK, &work[..])?;
            if self.reader.archive.is_some() {
                archive::begin(&transaction, block.number())?;
            }
            transaction.commit()?;
            Ok(())
        };
        writing().map_err(|source| self.failed(source))?;
        self.reader.archive = self.reader.archive.map(|_| block.number());
        self.landmarks = Landmarks::default();
        self.mark()
    }

    /// Keeps the state as it is now for newcomers.
    fn mark(&mut self) -> Result<(), SnapshotError> {
        let number = self.reader.last()?;
        let view = self.reader.view()?;
        let Some(hash) = self.reader.hash_at(number) else {
            return Ok(());
        };
        self.landmarks.keep(Checkpoint { number, hash }, view);
        Ok(())
    }

    /// The latest final block that newcomers may begin at.
    pub(crate) fn landmark(&self) -> Option<Checkpoint> {
        self.landmarks.latest()
    }

    /// The state after a block, for a newcomer; `None` where it is not kept.
    pub(crate) fn landmark_at(&self, block: &B256) -> Option<Arc<Landmark>> {
        self.landmarks.at(block)
    }

    /// Where the chain goes on: the last final block and up to `before` blocks before it.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn resume(&self, before: u64) -> Result<Resumed, SnapshotError> {
        let last = self.reader.last()?;
        let foreign = || SnapshotError::Foreign {
            path: self.reader.path.to_path_buf(),
        };
        let finalized = self.reader.block(last)?.ok_or_else(foreign)?;
        let earlier = (last.saturating_sub(before)..last).rev();
        // Those that are kept no more, or were never here, are the oldest.
        let earlier = earlier.map_while(|number| self.reader.block(number).transpose());
        let mut before = earlier.collect::<Result<Vec<_>, _>>()?;
        before.reverse();
        Ok(Resumed { finalized, before })
    }

    /// The sum of the difficulties of all blocks up to the last final one.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn work(&self) -> Result<U256, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let table = self.reader.database.begin_read()?.open_table(META)?;
            Ok(table.get(WORK)?.map(|work| work_of(work.value())))
        };
        let work = reading().map_err(|source| self.failed(source))?;
        work.ok_or_else(|| SnapshotError::Foreign {
            path: self.reader.path.to_path_buf(),
        })
    }

    /// Every account.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn accounts(&self) -> Result<Vec<FlatAccount>, SnapshotError> {
        let reading = || -> Result<_, redb::Error> {
            let transaction = self.reader.database.begin_read()?;
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

    fn failed(&self, source: redb::Error) -> SnapshotError {
        self.reader.failed(source)
    }
}

fn failed(path: &Path, source: impl Into<redb::Error>) -> SnapshotError {
    SnapshotError::Database {
        path: path.to_owned(),
        source: Box::new(source.into()),
    }
}
