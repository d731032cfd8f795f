//! States that newcomers may begin with: those after every so many final blocks, for as long as this process runs.
//!
//! Each is a view of the database as it was, so it costs what has changed since.

use std::{collections::VecDeque, sync::Arc};

use alloy_primitives::{Address, B256, U256};
use rayswarm_chain::FinalBlock;
use rayswarm_network::{
    StateCursor, StatePage, StateRow,
    chain::{STATE_CODE_BYTES_MAX, STATE_ROWS_MAX},
};
use redb::ReadTransaction;

use super::{Checkpoint, snapshots::rows};

/// How far apart they are, in blocks.
const LANDMARK_EVERY: u64 = 256;

/// How many are kept: newcomers may begin with what was final so many times 256 blocks ago.
const LANDMARKS_KEPT: usize = 16;

/// Whether the state after a block is one.
pub(super) fn is_landmark(block: &FinalBlock) -> bool {
    block.block.number().is_multiple_of(LANDMARK_EVERY)
}

/// Those that are kept, the latest last.
#[derive(Debug, Default)]
pub(super) struct Landmarks {
    kept: VecDeque<Arc<Landmark>>,
}

impl Landmarks {
    /// Keeps the database as this block left it.
    pub(super) fn keep(&mut self, checkpoint: Checkpoint, view: ReadTransaction) {
        if self.kept.len() == LANDMARKS_KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Arc::new(Landmark { checkpoint, view }));
    }

    pub(super) fn latest(&self) -> Option<Checkpoint> {
        self.kept.back().map(|landmark| landmark.checkpoint)
    }

    /// The one after a block; `None` where that state is not kept.
    pub(super) fn at(&self, block: &B256) -> Option<Arc<Landmark>> {
        self.kept
            .iter()
            .find(|landmark| landmark.checkpoint.hash == *block)
            .cloned()
    }
}

/// The database as the last final block of a moment left it.
pub(crate) struct Landmark {
    checkpoint: Checkpoint,
    view: ReadTransaction,
}

impl std::fmt::Debug for Landmark {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Landmark({})", self.checkpoint)
    }
}

impl Landmark {
    /// What follows a row.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(crate) fn page(&self, after: Option<StateCursor>) -> Result<StatePage, redb::Error> {
        let accounts = self.view.open_table(rows::ACCOUNTS)?;
        let slots = self.view.open_table(rows::SLOTS)?;
        let codes = self.view.open_table(rows::CODES)?;
        let mut page = Page::default();
        let mut first = Address::ZERO;
        if let Some(StateCursor { address, slot }) = after {
            let next = slot.map_or(Some(U256::ZERO), |slot| slot.checked_add(U256::ONE));
            if let Some(next) = next
                && !page.put_slots(&slots, address, next)?
            {
                return Ok(page.finish(true));
            }
            match successor(address) {
                Some(next) => first = next,
                None => return Ok(page.finish(false)),
            }
        }
        for entry in accounts.range(first.0.0..)? {
            if page.is_full() {
                return Ok(page.finish(true));
            }
            let (address, fields) = entry?;
            let address = Address::from(address.value());
            let fields = rows::decode_fields(&fields.value());
            let code = codes.get(fields.code_hash.0)?.map(|code| code.value().to_vec());
            page.put(StateRow::Account {
                address,
                nonce: fields.nonce,
                balance: fields.balance,
                code: code.unwrap_or_default(),
            });
            if !page.put_slots(&slots, address, U256::ZERO)? {
                return Ok(page.finish(true));
            }
        }
        Ok(page.finish(false))
    }
}

fn successor(address: Address) -> Option<Address> {
    let next = U256::from_be_slice(address.as_slice()) + U256::ONE;
    let bytes = B256::from(next);
    (bytes[..12] == [0; 12]).then(|| Address::from_word(bytes))
}

#[derive(Default)]
struct Page {
    rows: Vec<StateRow>,
    code_bytes: usize,
}

impl Page {
    fn is_full(&self) -> bool {
        self.rows.len() >= STATE_ROWS_MAX || self.code_bytes >= STATE_CODE_BYTES_MAX
    }

    fn put(&mut self, row: StateRow) {
        if let StateRow::Account { code, .. } = &row {
            self.code_bytes += code.len();
        }
        self.rows.push(row);
    }

    /// Whether all slots from `first` on found room.
    fn put_slots(
        &mut self,
        slots: &redb::ReadOnlyTable<[u8; 52], [u8; 32]>,
        address: Address,
        first: U256,
    ) -> Result<bool, redb::Error> {
        let all = rows::slot_key(address, first)..=rows::slot_key(address, U256::MAX);
        for entry in slots.range(all)? {
            if self.rows.len() >= STATE_ROWS_MAX {
                return Ok(false);
            }
            let (key, value) = entry?;
            self.put(StateRow::Slot {
                slot: U256::from_be_slice(&key.value()[20..]),
                value: U256::from_be_bytes(value.value()),
            });
        }
        Ok(true)
    }

    fn finish(self, more: bool) -> StatePage {
        StatePage { rows: self.rows, more }
    }
}
