//! The states after all final blocks, for who wants to ask about old ones: every value that an account or a slot had, with the
//! height from which on it had it. In the database of the final state, and written with it.
//!
//! | table | key | value |
//! |---|---|---|
//! | `past_accounts` | address, height | as in `accounts`; nothing where the account was gone |
//! | `past_slots` | address, slot, height | value |
//! | `meta` | `archive` | the height from which on it is whole (8, big endian) |

use std::fmt;

use alloy_primitives::{Address, B256, Bytes, U256};
use rayswarm_chain::{FlatAccount, PastError, PastState, StateChanges};
use redb::{ReadTransaction, ReadableTable, TableDefinition, WriteTransaction};

use super::{
    ledger::chained,
    snapshots::rows::{ACCOUNTS, CODES, HASHES, META, SLOTS, decode_fields, encode_fields, slot_key},
};

const PAST_ACCOUNTS: TableDefinition<[u8; 28], &[u8]> = TableDefinition::new("past_accounts");
const PAST_SLOTS: TableDefinition<[u8; 60], [u8; 32]> = TableDefinition::new("past_slots");

/// A name in `meta`.
const ARCHIVE: &str = "archive";

/// A row's key with a height after it.
fn at<const KEY: usize, const WHOLE: usize>(key: [u8; KEY], height: u64) -> [u8; WHOLE] {
    let mut whole = [0; WHOLE];
    whole[..KEY].copy_from_slice(&key);
    whole[KEY..].copy_from_slice(&height.to_be_bytes());
    whole
}

/// Begins anew with the state as it is, which is that after the block at `height`.
pub(super) fn begin(transaction: &WriteTransaction, height: u64) -> Result<(), redb::Error> {
    forget(transaction)?;
    let mut accounts = transaction.open_table(PAST_ACCOUNTS)?;
    for row in transaction.open_table(ACCOUNTS)?.iter()? {
        let (address, fields) = row?;
        accounts.insert(at(address.value(), height), &fields.value()[..])?;
    }
    let mut slots = transaction.open_table(PAST_SLOTS)?;
    for row in transaction.open_table(SLOTS)?.iter()? {
        let (key, value) = row?;
        slots.insert(at(key.value(), height), value.value())?;
    }
    let height = height.to_be_bytes();
    transaction.open_table(META)?.insert(ARCHIVE, &height[..])?;
    Ok(())
}

/// Drops all of it.
pub(super) fn forget(transaction: &WriteTransaction) -> Result<(), redb::Error> {
    transaction.delete_table(PAST_ACCOUNTS)?;
    transaction.delete_table(PAST_SLOTS)?;
    transaction.open_table(META)?.remove(ARCHIVE)?;
    Ok(())
}

/// The height from which on it is whole; `None` where there is none.
pub(super) fn first(transaction: &ReadTransaction) -> Result<Option<u64>, redb::Error> {
    let meta = transaction.open_table(META)?;
    let first = meta.get(ARCHIVE)?;
    Ok(first.and_then(|height| Some(u64::from_be_bytes(height.value().try_into().ok()?))))
}

/// Notes what a block changes, before the state itself is changed.
pub(super) fn note(transaction: &WriteTransaction, height: u64, changes: &StateChanges) -> Result<(), redb::Error> {
    let mut accounts = transaction.open_table(PAST_ACCOUNTS)?;
    let mut slots = transaction.open_table(PAST_SLOTS)?;
    let now = transaction.open_table(SLOTS)?;
    for (address, change) in &changes.accounts {
        let fields = change.fields.as_ref().map(encode_fields);
        accounts.insert(
            at(address.0.0, height),
            fields.as_ref().map_or(&[][..], |fields| &fields[..]),
        )?;
        if change.cleared || change.fields.is_none() {
            for row in now.range(slot_key(*address, U256::ZERO)..=slot_key(*address, U256::MAX))? {
                slots.insert(at(row?.0.value(), height), [0; 32])?;
            }
        }
        for (slot, value) in &change.slots {
            slots.insert(at(slot_key(*address, *slot), height), value.to_be_bytes::<32>())?;
        }
    }
    Ok(())
}

/// The state after one block.
pub(crate) struct Past {
    view: ReadTransaction,
    height: u64,
}

impl fmt::Debug for Past {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Past({})", self.height)
    }
}

impl Past {
    /// The state after the block at `height`, which the archive must reach back to.
    pub(super) fn new(view: ReadTransaction, height: u64) -> Self {
        Self { view, height }
    }

    fn read_account(&self, address: Address) -> Result<Option<FlatAccount>, redb::Error> {
        let accounts = self.view.open_table(PAST_ACCOUNTS)?;
        let mut rows = accounts.range(at(address.0.0, 0)..=at(address.0.0, self.height))?;
        let Some((_, fields)) = rows.next_back().transpose()? else {
            return Ok(None);
        };
        let Ok(fields) = fields.value().try_into().map(decode_fields) else {
            return Ok(None);
        };
        let code = self.view.open_table(CODES)?.get(fields.code_hash.0)?;
        Ok(Some(FlatAccount {
            address,
            nonce: fields.nonce,
            balance: fields.balance,
            code: code.map_or_else(Bytes::new, |code| Bytes::copy_from_slice(code.value())),
            storage: Vec::new(),
        }))
    }

    fn read_slot(&self, address: Address, slot: U256) -> Result<U256, redb::Error> {
        let key = slot_key(address, slot);
        let slots = self.view.open_table(PAST_SLOTS)?;
        let mut rows = slots.range(at(key, 0)..=at(key, self.height))?;
        let last = rows.next_back().transpose()?;
        Ok(last.map_or(U256::ZERO, |(_, value)| U256::from_be_bytes(value.value())))
    }

    fn read_hash(&self, number: u64) -> Result<B256, redb::Error> {
        let hash = self.view.open_table(HASHES)?.get(number)?;
        Ok(hash.map_or(B256::ZERO, |hash| hash.value().into()))
    }
}

fn unreadable(error: redb::Error) -> PastError {
    PastError(chained(&error))
}

impl PastState for Past {
    fn account(&self, address: Address) -> Result<Option<FlatAccount>, PastError> {
        self.read_account(address).map_err(unreadable)
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, PastError> {
        self.read_slot(address, slot).map_err(unreadable)
    }

    fn block_hash(&self, number: u64) -> Result<B256, PastError> {
        self.read_hash(number).map_err(unreadable)
    }
}

#[cfg(test)]
mod tests;
