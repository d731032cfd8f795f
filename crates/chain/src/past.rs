//! States that are kept elsewhere: those after old blocks, whose tries are forgotten. Calls read of them what they need.

use std::{fmt, sync::Arc};

use alloy_primitives::{Address, U256};
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

    /// All slots of an account that are not zero.
    ///
    /// # Errors
    /// When they cannot be read.
    fn all_storage(&self, address: Address) -> Result<Vec<(U256, U256)>, PastError>;
}

/// Why a state that is kept elsewhere cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an old state cannot be read: {0}")]
pub struct PastError(pub String);

impl DBErrorMarker for PastError {}

/// A state to read: one in memory, which may lie over one that is kept elsewhere. What is in memory counts, account by account.
#[derive(Clone, Debug)]
pub struct StateView {
    pub(crate) memory: State,
    below: Option<Arc<dyn PastState>>,
}

impl From<State> for StateView {
    fn from(memory: State) -> Self {
        Self { memory, below: None }
    }
}

impl From<Arc<dyn PastState>> for StateView {
    fn from(past: Arc<dyn PastState>) -> Self {
        Self {
            memory: State::default(),
            below: Some(past),
        }
    }
}

impl StateView {
    /// The account at `address`, if it exists. One that is kept elsewhere comes without its storage.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn account(&self, address: Address) -> Result<Option<Account>, PastError> {
        match (self.memory.account(address), &self.below) {
            (Some(account), _) => Ok(Some(account.clone())),
            (None, Some(below)) => Ok(below.account(address)?.map(Account::from)),
            (None, None) => Ok(None),
        }
    }

    /// The value of one storage slot; zero where nothing was written.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn storage(&self, address: Address, slot: U256) -> Result<U256, PastError> {
        match &self.below {
            Some(below) if self.memory.account(address).is_none() => below.storage(address, slot),
            _ => Ok(self.memory.storage(address, slot)),
        }
    }

    /// The state, if all of it is in memory.
    pub const fn in_memory(&self) -> Option<&State> {
        match self.below {
            None => Some(&self.memory),
            Some(_) => None,
        }
    }

    /// The state in memory, with all of an account in it.
    pub(crate) fn lift(&mut self, address: Address) -> Result<&mut State, PastError> {
        if let Some(below) = &self.below
            && self.memory.account(address).is_none()
            && let Some(mut account) = below.account(address)?
        {
            account.storage = below.all_storage(address)?;
            self.memory.put(account);
        }
        Ok(&mut self.memory)
    }
}

#[cfg(test)]
mod tests;
