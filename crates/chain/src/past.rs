//! States that are kept elsewhere: those after old blocks, whose tries are forgotten. Calls read of them what they need.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

use alloy_primitives::{Address, B256, U256};
use revm::database_interface::DBErrorMarker;

use crate::{
    changes::FlatAccount,
    state::{Account, State},
};

/// The state after one block, read row by row.
pub trait PastState: fmt::Debug + Send + Sync {
    /// The account at an address, if there was one, without its storage.
    ///
    /// # Errors
    /// When it cannot be read.
    fn account(&self, address: Address) -> Result<Option<FlatAccount>, PastError>;

    /// The value of one storage slot; zero where nothing was written.
    ///
    /// # Errors
    /// When it cannot be read.
    fn storage(&self, address: Address, slot: U256) -> Result<U256, PastError>;

    /// The hash of one of the blocks before, which `BLOCKHASH` asks for; zero where it is not known.
    ///
    /// # Errors
    /// When it cannot be read.
    fn block_hash(&self, number: u64) -> Result<B256, PastError>;
}

/// Why a state that is kept elsewhere cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an old state cannot be read: {0}")]
pub struct PastError(pub String);

impl DBErrorMarker for PastError {}

/// A state to read: one in memory, or one that is kept elsewhere with what was overridden of it.
#[derive(Clone, Debug)]
pub struct StateView {
    /// All of it, or the accounts of which something was overridden, without their storage.
    pub(crate) memory: State,
    elsewhere: Option<Elsewhere>,
}

/// What is not in memory.
#[derive(Clone, Debug)]
struct Elsewhere {
    past: Arc<dyn PastState>,
    /// Slots that were overridden.
    slots: BTreeMap<(Address, U256), U256>,
    /// Accounts whose other slots are all zero.
    cleared: BTreeSet<Address>,
}

impl From<State> for StateView {
    fn from(memory: State) -> Self {
        Self {
            memory,
            elsewhere: None,
        }
    }
}

impl From<Arc<dyn PastState>> for StateView {
    fn from(past: Arc<dyn PastState>) -> Self {
        Self {
            memory: State::default(),
            elsewhere: Some(Elsewhere {
                past,
                slots: BTreeMap::new(),
                cleared: BTreeSet::new(),
            }),
        }
    }
}

impl StateView {
    /// The account at `address`, if it exists; without its storage where that is kept elsewhere.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn account(&self, address: Address) -> Result<Option<Account>, PastError> {
        match (self.memory.account(address), &self.elsewhere) {
            (Some(account), _) => Ok(Some(account.clone())),
            (None, Some(elsewhere)) => Ok(elsewhere.past.account(address)?.map(Account::from)),
            (None, None) => Ok(None),
        }
    }

    /// The value of one storage slot; zero where nothing was written.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, PastError> {
        let Some(elsewhere) = &self.elsewhere else {
            return Ok(self.memory.storage(address, slot));
        };
        match elsewhere.slots.get(&(address, slot)) {
            Some(value) => Ok(*value),
            None if elsewhere.cleared.contains(&address) => Ok(U256::ZERO),
            None => elsewhere.past.storage(address, slot),
        }
    }

    /// The hash of an earlier block, where those are kept with the state.
    pub(crate) fn block_hash(&self, number: u64) -> Option<Result<B256, PastError>> {
        Some(self.elsewhere.as_ref()?.past.block_hash(number))
    }

    /// The state in memory, with the fields and the code of an account in it, to override them.
    pub(crate) fn with(&mut self, address: Address) -> Result<&mut State, PastError> {
        if let Some(elsewhere) = &self.elsewhere
            && self.memory.account(address).is_none()
            && let Some(account) = elsewhere.past.account(address)?
        {
            self.memory.put(account);
        }
        Ok(&mut self.memory)
    }

    /// Overrides one storage slot.
    pub(crate) fn set_storage(&mut self, address: Address, slot: U256, value: U256) {
        match &mut self.elsewhere {
            Some(elsewhere) => {
                elsewhere.slots.insert((address, slot), value);
            }
            None => self.memory.set_storage(address, slot, value),
        }
    }

    /// Overrides all storage of an account with nothing.
    pub(crate) fn clear_storage(&mut self, address: Address) {
        match &mut self.elsewhere {
            Some(elsewhere) => {
                elsewhere.cleared.insert(address);
                elsewhere.slots.retain(|(owner, _), _| *owner != address);
            }
            None => self.memory.clear_storage(address),
        }
    }
}

#[cfg(test)]
mod tests;
