//! The state after a block, row by row: what a newcomer fetches instead of executing all blocks before it.

use crate::bounded::at_most;
use rayswarm_model::{Address, B256, U256};
use serde::{Deserialize, Serialize};

/// The most rows in one answer.
pub const STATE_ROWS_MAX: usize = 32_768;
/// The most bytes of code in one answer; one account's may be more.
pub const STATE_CODE_BYTES_MAX: usize = 2 << 20;

/// A row. Accounts come by ascending address, each followed by its slots in ascending order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StateRow {
    /// An account.
    Account {
        /// Where it is.
        address: Address,
        /// Transactions sent (or contracts created, for a contract).
        nonce: u64,
        /// Balance in wei.
        balance: U256,
        /// The deployed code; empty for a person's account.
        code: Vec<u8>,
    },
    /// A slot of the account before it, with a value that is not zero.
    Slot {
        /// Which.
        slot: U256,
        /// Its value.
        value: U256,
    },
}

impl StateRow {
    fn code_bytes(&self) -> usize {
        match self {
            Self::Account { code, .. } => code.len(),
            Self::Slot { .. } => 0,
        }
    }
}

/// The last row that somebody has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateCursor {
    /// The account.
    pub address: Address,
    /// Its slot, if the row was one.
    pub slot: Option<U256>,
}

/// What follows it in the state after a block.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateQuestion {
    /// The block.
    pub block: B256,
    /// The last row that is here; `None` for the first ones.
    pub after: Option<StateCursor>,
}

/// Rows of the state after a block.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatePage {
    /// The rows that follow.
    #[serde(deserialize_with = "at_most::<_, _, STATE_ROWS_MAX>")]
    pub rows: Vec<StateRow>,
    /// Whether more follow.
    pub more: bool,
}

impl StatePage {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let code = self.rows.iter().map(StateRow::code_bytes);
        let (code_bytes, longest) = code.fold((0, 0), |(sum, longest), bytes| (sum + bytes, longest.max(bytes)));
        if self.rows.len() > STATE_ROWS_MAX {
            Err("it has too many rows")
        } else if code_bytes - longest >= STATE_CODE_BYTES_MAX {
            Err("it has too much code")
        } else if self.more && self.rows.len() < STATE_ROWS_MAX && code_bytes < STATE_CODE_BYTES_MAX {
            // Somebody could go on for ever with a row at a time.
            Err("it ends before it is full, and says that more follows")
        } else {
            Ok(())
        }
    }
}
