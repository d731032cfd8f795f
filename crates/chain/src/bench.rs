//! What a state root costs: the measurement behind the claim that it grows with what was touched, not with what there is.

use std::{convert::Infallible, time::Duration};

use alloy_primitives::{Address, U256, keccak256};

use crate::{changes::FlatAccount, state::State};

/// The cost of one root in one state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootCost {
    /// Accounts in the state.
    pub accounts: u64,
    /// Accounts that were touched since the last root.
    pub touched: u64,
    /// Trie nodes that were hashed for the new root.
    pub nodes: usize,
    /// Time to rebuild the state from a flat copy, its first root included.
    pub rebuilt: Duration,
    /// Time to touch the accounts and get the new root.
    pub updated: Duration,
}

/// Measures a state of `accounts` accounts of which `touched` change their balance. `clock` tells the time since whenever it
/// likes, since nothing here can.
pub fn root_cost(accounts: u64, touched: u64, mut clock: impl FnMut() -> Duration) -> RootCost {
    let flat = (0..accounts).map(|index| {
        Ok::<_, Infallible>(FlatAccount {
            address: address(index),
            nonce: index,
            balance: U256::from(index).saturating_add(U256::ONE),
            ..FlatAccount::default()
        })
    });
    let begin = clock();
    let Ok(state) = State::from_accounts(flat);
    state.root();
    let rebuilt = clock().saturating_sub(begin);

    let step = (accounts / touched.max(1)).max(1);
    let begin = clock();
    let mut next = state.clone();
    for index in (0..accounts).step_by(usize::try_from(step).unwrap_or(usize::MAX)) {
        next.set_balance(address(index), U256::from(index).saturating_add(U256::from(2)));
    }
    let nodes = next.nodes_to_hash();
    next.root();
    let updated = clock().saturating_sub(begin);
    RootCost {
        accounts,
        touched,
        nodes,
        rebuilt,
        updated,
    }
}

fn address(index: u64) -> Address {
    Address::from_word(keccak256(index.to_be_bytes()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A branch has 16 children, so a path is as long as the hexadecimal length of the size.
    #[test]
    fn a_root_costs_what_was_touched() {
        let nodes = |accounts, touched| root_cost(accounts, touched, || Duration::ZERO).nodes;
        let (small, large) = (nodes(1_000, 50), nodes(100_000, 50));
        assert!((50..=50 * 5).contains(&small), "{small}");
        assert!(large < small * 2, "{large} nodes of 100,000 accounts, {small} of 1,000");
        let more = nodes(100_000, 500);
        assert!((large * 5..=large * 10).contains(&more), "{more} for ten times {large}");
    }

    #[test]
    #[ignore = "prints times, which depend on the machine"]
    fn figures() {
        let begin = std::time::Instant::now();
        for accounts in [1_000, 100_000, 1_000_000] {
            for touched in [10, 100, 1_000] {
                println!("{:?}", root_cost(accounts, touched, || begin.elapsed()));
            }
        }
    }
}
