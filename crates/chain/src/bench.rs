//! What a state root costs: the measurement behind the claim that it grows with what was touched, not with what there is.

use std::{convert::Infallible, time::Duration};

use alloy_primitives::{Address, U256, keccak256};

use crate::{changes::FlatAccount, state::State};

/// Times that each root is measured; the quickest counts, since what else runs on a machine only adds.
const ROUNDS: u32 = 5;

/// What roots cost in one state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateCost {
    /// Accounts in the state.
    pub accounts: u64,
    /// Time to make the state of a flat copy, with its first root.
    pub rebuilt: Duration,
    /// New roots.
    pub roots: Vec<RootCost>,
}

/// The cost of one new root.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootCost {
    /// Accounts that were touched since the last root.
    pub touched: u64,
    /// Trie nodes that were hashed for the new root.
    pub nodes: usize,
    /// Time to touch the accounts and get the new root.
    pub updated: Duration,
}

/// Measures a state of `accounts` accounts, of which each number in `touched`, at most all, change their balance. `clock` tells
/// the time since whenever it likes, since nothing here can.
pub fn state_cost(accounts: u64, touched: &[u64], mut clock: impl FnMut() -> Duration) -> StateCost {
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
    let roots = touched.iter().map(|touched| {
        let touched = (*touched).min(accounts);
        let rounds = (0..ROUNDS).map(|_| root_cost(&state, accounts, touched, &mut clock));
        let quickest = rounds.min_by_key(|cost| cost.updated);
        quickest.unwrap_or(RootCost {
            touched,
            nodes: 0,
            updated: Duration::ZERO,
        })
    });
    StateCost {
        accounts,
        rebuilt,
        roots: roots.collect(),
    }
}

/// Touches accounts that lie evenly among all.
fn root_cost(state: &State, accounts: u64, touched: u64, clock: &mut impl FnMut() -> Duration) -> RootCost {
    let step = accounts / touched.max(1);
    let begin = clock();
    let mut next = state.clone();
    for index in (0..touched).map(|number| number.saturating_mul(step)) {
        next.set_balance(address(index), U256::from(index).saturating_add(U256::from(2)));
    }
    let nodes = next.nodes_to_hash();
    next.root();
    RootCost {
        touched,
        nodes,
        updated: clock().saturating_sub(begin),
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
        let nodes = |accounts, touched: &[u64]| -> Vec<usize> {
            let cost = state_cost(accounts, touched, || Duration::ZERO);
            cost.roots.iter().map(|root| root.nodes).collect()
        };
        let small = nodes(1_000, &[50])[0];
        let [large, more] = nodes(100_000, &[50, 500])[..] else {
            unreachable!("as many as were asked for")
        };
        assert!((50..=50 * 5).contains(&small), "{small}");
        assert!(large < small * 2, "{large} nodes of 100,000 accounts, {small} of 1,000");
        assert!((large * 5..=large * 10).contains(&more), "{more} for ten times {large}");
    }

    #[test]
    fn no_more_are_touched_than_there_are() {
        let cost = state_cost(10, &[1_000, 0], || Duration::ZERO);
        let touched: Vec<u64> = cost.roots.iter().map(|root| root.touched).collect();
        assert_eq!(touched, [10, 0]);
        assert_eq!(cost.roots[1].nodes, 0);
    }

    /// What else runs meanwhile is not counted: of the rounds the quickest counts.
    #[test]
    fn the_quickest_round_counts() {
        let mut told = [0, 9, 10, 15, 20, 22, 30, 34, 40, 47, 50, 58]
            .map(Duration::from_secs)
            .into_iter();
        let cost = state_cost(3, &[1], || told.next().unwrap());
        assert_eq!(cost.rebuilt, Duration::from_secs(9));
        assert_eq!(cost.roots[0].updated, Duration::from_secs(2));
    }
}
