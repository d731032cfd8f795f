//! What blocks change in the state, account by account: what somebody needs who keeps the state elsewhere.
//!
//! A [`State`](crate::State) is in memory. Who keeps a flat copy of it on disk (address to fields, address and slot to value,
//! code hash to code) applies a block's [`StateChanges`] to that copy, and gets the state back with
//! [`State::from_accounts`](crate::State::from_accounts). The root shows whether the copy is right.

use std::collections::BTreeMap;

use alloy_primitives::{Address, B256, Bytes, U256};

/// What one block, or several after one another, changed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StateChanges {
    /// The accounts that were touched, as they are afterwards.
    pub accounts: BTreeMap<Address, AccountChange>,
    /// Code that was deployed, by its hash. It may have been there before.
    pub codes: BTreeMap<B256, Bytes>,
}

/// What happened to one account. To apply it: clear the storage if it says so, then write the slots, then the fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AccountChange {
    /// Its fields afterwards; `None` when the account is gone, and its storage with it.
    pub fields: Option<AccountFields>,
    /// Whether all storage it had before is gone. What was written since is in `slots`.
    pub cleared: bool,
    /// Slots that were written, with their values; zero takes a slot out.
    pub slots: BTreeMap<U256, U256>,
}

/// An account without its storage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountFields {
    /// Transactions sent (or contracts created, for a contract).
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// keccak-256 of the code; that of no bytes for a person's account.
    pub code_hash: B256,
}

/// A whole account, as a state is rebuilt from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FlatAccount {
    /// Where it is.
    pub address: Address,
    /// Transactions sent (or contracts created, for a contract).
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// The deployed code; empty for a person's account.
    pub code: Bytes,
    /// Slots and their values, in any order, each once.
    pub storage: Vec<(U256, U256)>,
}

impl StateChanges {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Adds what changed afterwards.
    pub fn extend(&mut self, later: Self) {
        for (address, change) in later.accounts {
            self.record(address, change);
        }
        self.codes.extend(later.codes);
    }

    pub(crate) fn record(&mut self, address: Address, later: AccountChange) {
        let change = self.accounts.entry(address).or_default();
        if later.cleared {
            change.cleared = true;
            change.slots.clear();
        }
        change.slots.extend(later.slots);
        change.fields = later.fields;
    }
}

#[cfg(test)]
pub(crate) mod tests;
