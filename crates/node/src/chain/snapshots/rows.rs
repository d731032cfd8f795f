//! The tables of the final state, and how their rows are written.
//!
//! | table | key | value |
//! |---|---|---|
//! | `accounts` | address | nonce (8), balance (32), code hash (32), big endian |
//! | `slots` | address, slot | value |
//! | `codes` | code hash | code |
//! | `blocks` | height | block, senders, receipts ([`SealedBlock::encode_executed`]) |
//! | `heights` | block hash | height |
//! | `hashes` | height | block hash |
//! | `places` | transaction hash | height, index |
//! | `meta` | name | `genesis`: hash; `work`: sum of the difficulties up to the last final block (32, big endian) |

use alloy_primitives::{Address, B256, KECCAK256_EMPTY, U256, keccak256};
use rayswarm_chain::{AccountFields, FlatAccount, SealedBlock, StateChanges};
use redb::{ReadableTable, TableDefinition, WriteTransaction};

pub(in crate::chain) const ACCOUNTS: TableDefinition<[u8; 20], [u8; 72]> = TableDefinition::new("accounts");
pub(in crate::chain) const SLOTS: TableDefinition<[u8; 52], [u8; 32]> = TableDefinition::new("slots");
pub(in crate::chain) const CODES: TableDefinition<[u8; 32], &[u8]> = TableDefinition::new("codes");
pub(in crate::chain) const BLOCKS: TableDefinition<u64, &[u8]> = TableDefinition::new("blocks");
pub(super) const HEIGHTS: TableDefinition<[u8; 32], u64> = TableDefinition::new("heights");
pub(in crate::chain) const HASHES: TableDefinition<u64, [u8; 32]> = TableDefinition::new("hashes");
pub(super) const PLACES: TableDefinition<[u8; 32], (u64, u32)> = TableDefinition::new("places");
pub(in crate::chain) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");

/// A name in `meta`.
pub(super) const WORK: &str = "work";

pub(in crate::chain) fn slot_key(address: Address, slot: U256) -> [u8; 52] {
    let mut key = [0; 52];
    key[..20].copy_from_slice(address.as_slice());
    key[20..].copy_from_slice(&slot.to_be_bytes::<32>());
    key
}

pub(in crate::chain) fn encode_fields(fields: &AccountFields) -> [u8; 72] {
    let mut bytes = [0; 72];
    bytes[..8].copy_from_slice(&fields.nonce.to_be_bytes());
    bytes[8..40].copy_from_slice(&fields.balance.to_be_bytes::<32>());
    bytes[40..].copy_from_slice(fields.code_hash.as_slice());
    bytes
}

pub(in crate::chain) fn decode_fields(bytes: &[u8; 72]) -> AccountFields {
    AccountFields {
        nonce: bytes[..8].iter().fold(0, |nonce, byte| nonce << 8 | u64::from(*byte)),
        balance: U256::from_be_slice(&bytes[8..40]),
        code_hash: B256::from_slice(&bytes[40..]),
    }
}

pub(in crate::chain) fn apply(transaction: &WriteTransaction, changes: &StateChanges) -> Result<(), redb::Error> {
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

pub(super) fn put_account(transaction: &WriteTransaction, account: &FlatAccount) -> Result<(), redb::Error> {
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

pub(super) fn put_block(transaction: &WriteTransaction, block: &SealedBlock) -> Result<(), redb::Error> {
    let number = block.number();
    transaction
        .open_table(BLOCKS)?
        .insert(number, &block.encode_executed()[..])?;
    transaction.open_table(HEIGHTS)?.insert(block.hash.0, number)?;
    transaction.open_table(HASHES)?.insert(number, block.hash.0)?;
    let mut places = transaction.open_table(PLACES)?;
    for (index, executed) in (0..).zip(block.transactions()) {
        places.insert(executed.tx_hash().0, (number, index))?;
    }
    Ok(())
}

pub(super) fn work_of(bytes: &[u8]) -> U256 {
    U256::try_from_be_slice(bytes).unwrap_or_default()
}

pub(super) fn add_work(transaction: &WriteTransaction, difficulty: U256) -> Result<(), redb::Error> {
    let mut meta = transaction.open_table(META)?;
    let before = meta.get(WORK)?.map_or(U256::ZERO, |work| work_of(work.value()));
    let work = before.saturating_add(difficulty).to_be_bytes::<32>();
    meta.insert(WORK, &work[..])?;
    Ok(())
}

/// How many blocks are forgotten with one that comes: where a history was made shorter, the rest goes bit by bit.
const FORGOTTEN_AT_ONCE: usize = 16;

/// Forgets what is in blocks up to a height, and what their execution showed, block 0 aside. Where they stand is kept: peers ask for
/// blocks of the log by that.
pub(super) fn forget_blocks(transaction: &WriteTransaction, last: u64) -> Result<(), redb::Error> {
    let mut blocks = transaction.open_table(BLOCKS)?;
    let mut places = transaction.open_table(PLACES)?;
    for _ in 0..FORGOTTEN_AT_ONCE {
        let lowest = blocks.range(1..)?.next().transpose()?.map(|(number, _)| number.value());
        let Some(number) = lowest.filter(|number| *number <= last) else {
            return Ok(());
        };
        let bytes = blocks.remove(number)?.map(|block| block.value().to_vec());
        let block = bytes.and_then(|bytes| SealedBlock::decode_executed(&bytes).ok());
        for executed in block.iter().flat_map(SealedBlock::transactions) {
            places.remove(executed.tx_hash().0)?;
        }
    }
    Ok(())
}
