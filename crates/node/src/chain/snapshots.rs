//! The final state on disk: every account and slot as the last final block left them, and final blocks with what their
//! execution showed.
//!
//! It is made of the block log and can be made again from it, so a crash may take back the last few blocks of it: they are
//! executed again from the log. Opening costs as much as the state is large, however long the chain.
//!
//! | table | key | value |
//! |---|---|---|
//! | `accounts` | address | nonce (8), balance (32), code hash (32), big endian |
//! | `slots` | address, slot | value |
//! | `codes` | code hash | code |
//! | `blocks` | height | block, senders, receipts ([`SealedBlock::encode_executed`]) |
//! | `heights` | block hash | height |
//! | `places` | transaction hash | height, index |
//! | `meta` | name | `genesis`: hash; `work`: sum of the difficulties up to the last final block (32, big endian) |

use std::path::{Path, PathBuf};

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use rayswarm_chain::{
    AccountFields, BLOCKS_KEPT, FinalBlock, FlatAccount, Genesis, GenesisError, SealedBlock, StateChanges,
};
use rayswarm_network::{StateCursor, StatePage};
use redb::{Database, Durability, ReadableDatabase, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    Checkpoint,
    landmarks::{Landmarks, is_landmark},
};

pub(super) const ACCOUNTS: TableDefinition<[u8; 20], [u8; 72]> = TableDefinition::new("accounts");
pub(super) const SLOTS: TableDefinition<[u8; 52], [u8; 32]> = TableDefinition::new("slots");
pub(super) const CODES: TableDefinition<[u8; 32], &[u8]> = TableDefinition::new("codes");
const BLOCKS: TableDefinition<u64, &[u8]> = TableDefinition::new("blocks");
const HEIGHTS: TableDefinition<[u8; 32], u64> = TableDefinition::new("heights");
const PLACES: TableDefinition<[u8; 32], (u64, u32)> = TableDefinition::new("places");
const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// A name in `meta`.
const WORK: &str = "work";

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
    /// Opens the final state of a chain, or makes that of its genesis. `keep` final blocks are kept, at least
    /// [`BLOCKS_KEPT`], and all if `None`.
    ///
    /// # Errors
    /// See [`SnapshotError`].
    pub(crate) fn open(path: &Path, genesis: &Genesis, keep: Option<u64>) -> Result<Self, SnapshotError> {
        let database = Database::create(path).map_err(|source| failed(path, source))?;
        let mut snapshots = Self {
            database,
            path: path.to_owned(),
            unsynced: 0,
            // The chain goes on with as many.
            keep: keep.map(|keep| keep.max(BLOCKS_KEPT as u64)),
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
            transaction.commit()?;
            Ok(())
        };
        writing().map_err(|source| self.failed(source))?;
        self.landmarks = Landmarks::default();
        self.mark()
    }

    /// Keeps the state as it is now for newcomers.
    fn mark(&mut self) -> Result<(), SnapshotError> {
        let number = self.last()?;
        let view = self
            .database
            .begin_read()
            .map_err(|source| self.failed(source.into()))?;
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
        self.block(number).ok().flatten().map(|block| block.hash)
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

pub(super) fn slot_key(address: Address, slot: U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

fn encode_fields(fields: &AccountFields) -> [u8; 72] {
    let mut bytes = [0; 72];
    bytes[..8].copy_from_slice(&fields.nonce.to_be_bytes());
    bytes[8..40].copy_from_slice(&fields.balance.to_be_bytes::<32>());
    bytes[40..].copy_from_slice(fields.code_hash.as_slice());
    bytes
}

pub(super) fn decode_fields(bytes: &[u8; 72]) -> AccountFields {
    AccountFields {
        nonce: bytes[..8].iter().fold(0, |nonce, byte| nonce << 8 | u64::from(*byte)),
        balance: U256::from_be_slice(&bytes[8..40]),
        code_hash: B256::from_slice(&bytes[40..]),
    }
}

fn apply(transaction: &WriteTransaction, changes: &StateChanges) -> Result<(), redb::Error> {
    let mut accounts = transaction.open_table(ACCOUNTS)?;
    let mut slots = transaction.open_table(SLOTS)?;
    let mut codes = transaction.open_table(CODES)?;
    for (hash, code) in &changes.codes {
        codes.insert(hash.0, &code[..])?;
    }
    for (address, change) in &changes.accounts {
        if change.cleared || change.fields.is_none() {
            slots.retain_in(
                slot_key(*address, U256::ZERO)..=slot_key(*address, U256::MAX),
                |_, _| false,
            )?;
        }
        for (slot, value) in &change.slots {
            let key = slot_key(*address, *slot);
            if value.is_zero() {
                slots.remove(key)?;
            } else {
                slots.insert(key, value.to_be_bytes::<32>())?;
            }
        }
        match &change.fields {
            Some(fields) => accounts.insert(address.0.0, encode_fields(fields))?,
            None => accounts.remove(address.0.0)?,
        };
        debug_assert!(
            change.fields.is_none_or(|fields| fields.code_hash == KECCAK256_EMPTY
                || codes.get(fields.code_hash.0).is_ok_and(|code| code.is_some())),
            "code of an account is there"
        );
    }
    Ok(())
}

fn put_account(transaction: &WriteTransaction, account: &FlatAccount) -> Result<(), redb::Error> {
    let code_hash = keccak256(&account.code);
    if !account.code.is_empty() {
        transaction.open_table(CODES)?.insert(code_hash.0, &account.code[..])?;
    }
    let mut slots = transaction.open_table(SLOTS)?;
    for (slot, value) in &account.storage {
        slots.insert(slot_key(account.address, *slot), value.to_be_bytes::<32>())?;
    }
    let fields = AccountFields {
        nonce: account.nonce,
        balance: account.balance,
        code_hash,
    };
    transaction
        .open_table(ACCOUNTS)?
        .insert(account.address.0.0, encode_fields(&fields))?;
    Ok(())
}

fn put_block(transaction: &WriteTransaction, block: &SealedBlock) -> Result<(), redb::Error> {
    let number = block.number();
    transaction
        .open_table(BLOCKS)?
        .insert(number, &block.encode_executed()[..])?;
    transaction.open_table(HEIGHTS)?.insert(block.hash.0, number)?;
    let mut places = transaction.open_table(PLACES)?;
    for (index, executed) in (0..).zip(block.transactions()) {
        places.insert(executed.tx_hash().0, (number, index))?;
    }
    Ok(())
}

fn work_of(bytes: &[u8]) -> U256 {
    U256::try_from_be_slice(bytes).unwrap_or_default()
}

fn add_work(transaction: &WriteTransaction, difficulty: U256) -> Result<(), redb::Error> {
    let mut meta = transaction.open_table(META)?;
    let before = meta.get(WORK)?.map_or(U256::ZERO, |work| work_of(work.value()));
    let work = before.saturating_add(difficulty).to_be_bytes::<32>();
    meta.insert(WORK, &work[..])?;
    Ok(())
}

fn forget_block(transaction: &WriteTransaction, number: u64) -> Result<(), redb::Error> {
    let mut blocks = transaction.open_table(BLOCKS)?;
    let Some(bytes) = blocks.remove(number)?.map(|block| block.value().to_vec()) else {
        return Ok(());
    };
    if let Ok(block) = SealedBlock::decode_executed(&bytes) {
        transaction.open_table(HEIGHTS)?.remove(block.hash.0)?;
        let mut places = transaction.open_table(PLACES)?;
        for executed in block.transactions() {
            places.remove(executed.tx_hash().0)?;
        }
    }
    Ok(())
}
