//! A state as revm reads and writes it.

use std::sync::Arc;

use alloy_primitives::{Address, B256, U256};
use revm::{
    Database, DatabaseCommit,
    bytecode::Bytecode,
    primitives::AddressMap,
    state::{Account as TouchedAccount, AccountInfo},
};

use crate::{
    changes::StateChanges,
    past::{PastError, StateView},
};

/// A state as revm reads it, and writes it in memory, with the hashes that `BLOCKHASH` may ask for.
#[derive(Clone, Debug)]
pub(crate) struct EvmDatabase {
    pub(crate) state: StateView,
    pub(crate) hashes: Arc<RecentHashes>,
    /// What was committed.
    pub(crate) changes: StateChanges,
}

impl EvmDatabase {
    pub(crate) fn new(state: impl Into<StateView>, hashes: Arc<RecentHashes>) -> Self {
        Self {
            state: state.into(),
            hashes,
            changes: StateChanges::default(),
        }
    }

    /// Adds newly made coins to a balance.
    pub(crate) fn credit(&mut self, address: Address, amount: U256) {
        if !amount.is_zero() {
            self.state.memory.credit(address, amount, &mut self.changes);
        }
    }
}

/// The hashes of up to 256 blocks before the one being executed.
#[derive(Debug, Default)]
pub(crate) struct RecentHashes {
    /// Number of the first block in `hashes`.
    pub(crate) first: u64,
    pub(crate) hashes: Vec<B256>,
}

impl RecentHashes {
    fn get(&self, number: u64) -> B256 {
        number
            .checked_sub(self.first)
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| self.hashes.get(index))
            .copied()
            .unwrap_or_default()
    }
}

impl Database for EvmDatabase {
    type Error = PastError;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, PastError> {
        Ok(self.state.account(address)?.map(|account| AccountInfo {
            balance: account.balance,
            nonce: account.nonce,
            code_hash: account.code_hash,
            account_id: None,
            code: Some(account.code),
        }))
    }

    fn code_by_hash(&mut self, _code_hash: B256) -> Result<Bytecode, PastError> {
        // `basic` always hands out the code, so revm has nothing left to look up.
        Ok(Bytecode::default())
    }

    fn storage(&mut self, address: Address, index: U256) -> Result<U256, PastError> {
        self.state.storage(address, index)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, PastError> {
        self.state
            .block_hash(number)
            .unwrap_or_else(|| Ok(self.hashes.get(number)))
    }
}

impl DatabaseCommit for EvmDatabase {
    fn commit(&mut self, changes: AddressMap<TouchedAccount>) {
        for (address, touched) in changes {
            self.state.memory.apply(address, touched, &mut self.changes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn block_hashes_reach_back_no_further_than_they_are_given() {
        let recent = RecentHashes {
            first: 10,
            hashes: vec![B256::repeat_byte(1), B256::repeat_byte(2)],
        };
        assert_eq!(recent.get(9), B256::ZERO);
        assert_eq!(recent.get(11), B256::repeat_byte(2));
        assert_eq!(recent.get(12), B256::ZERO);
    }
}
