//! The pool's rules, one test each, acceptance and rejection.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use alloy_primitives::Bytes;

use super::*;
use crate::{
    genesis::Hardfork,
    testing::{CHAIN_ID, Key, Tx, ether},
};

const RULES: Rules = Rules {
    chain_id: CHAIN_ID,
    hardfork: Hardfork::Osaka,
    gas_limit: 30_000_000,
};

/// A pool, and a state in which keys 1 to 9 have ten coins each.
struct World {
    pool: Pool,
    state: State,
}

fn world() -> World {
    let mut state = State::default();
    for seed in 1..10 {
        state.set_balance(Key::new(seed).address(), ether(10));
    }
    World {
        pool: Pool::default(),
        state,
    }
}

impl World {
    fn add(&mut self, key: u8, tx: Tx) -> Result<B256, PoolError> {
        self.pool.add(tx.recovered(&Key::new(key)), &self.state, RULES)
    }

    /// (sender, nonce) of the ready transactions, in order.
    fn ready(&self, base_fee: u64) -> Vec<(u8, u64)> {
        let seed_of = |address| (1..10).find(|seed| Key::new(*seed).address() == address).unwrap();
        let ready = self.pool.ready(&self.state, base_fee);
        ready
            .iter()
            .map(|waiting| (seed_of(waiting.transaction.signer()), waiting.transaction.nonce()))
            .collect()
    }
}

fn plain(nonce: u64) -> Tx {
    Tx::transfer(Address::repeat_byte(0xaa), U256::from(1)).nonce(nonce)
}

#[test]
fn each_senders_nonces_stay_in_order_and_better_tips_come_first() {
    let mut world = world();
    world.add(1, plain(1).fees(100, 50)).unwrap();
    world.add(1, plain(0).fees(100, 1)).unwrap();
    world.add(2, plain(0).fees(100, 9)).unwrap();
    world.add(3, plain(0).fees(100, 9)).unwrap();
    assert_eq!(world.ready(7), [(2, 0), (3, 0), (1, 0), (1, 1)]);
}

#[test]
fn a_gap_holds_back_what_follows_it() {
    let mut world = world();
    world.add(1, plain(0)).unwrap();
    world.add(1, plain(2)).unwrap();
    assert_eq!(world.ready(7), [(1, 0)]);
    assert_eq!(world.pool.pending_nonce(Key::new(1).address(), &world.state), 1);
    world.add(1, plain(1)).unwrap();
    assert_eq!(world.ready(7), [(1, 0), (1, 1), (1, 2)]);
    assert_eq!(world.pool.pending_nonce(Key::new(1).address(), &world.state), 3);
}

#[test]
fn a_fee_cap_below_the_base_fee_waits() {
    let mut world = world();
    world.add(1, plain(0).fees(9, 1)).unwrap();
    assert!(!world.pool.has_ready(&world.state, 10));
    assert_eq!(world.ready(10), []);
    assert!(world.pool.has_ready(&world.state, 9));
    assert_eq!(world.ready(9), [(1, 0)]);
}

#[test]
fn a_replacement_must_bid_a_tenth_more_on_both_fees() {
    let mut world = world();
    world.add(1, plain(0).fees(1_000, 100)).unwrap();
    let underpriced = PoolError::Underpriced {
        nonce: 0,
        fee_cap: 1_100,
        tip: 110,
    };
    assert_eq!(world.add(1, plain(0).fees(1_099, 110)), Err(underpriced.clone()));
    assert_eq!(world.add(1, plain(0).fees(1_100, 109)), Err(underpriced));
    let hash = world.add(1, plain(0).fees(1_100, 110)).unwrap();
    assert_eq!(world.pool.len(), 1);
    assert!(world.pool.get(&hash).is_some());
}

#[test]
fn a_replacement_of_a_tiny_bid_must_really_rise() {
    let mut world = world();
    world.add(1, plain(0).fees(7, 0)).unwrap();
    assert!(matches!(
        world.add(1, plain(0).fees(7, 0).gas(22_000)),
        Err(PoolError::Underpriced { fee_cap: 8, tip: 0, .. })
    ));
    world.add(1, plain(0).fees(8, 0)).unwrap();
}

#[test]
fn nonces_already_used_or_too_far_ahead_are_refused() {
    let mut world = world();
    world.state.set_nonce(Key::new(1).address(), 5);
    assert_eq!(world.add(1, plain(4)), Err(PoolError::NonceTooLow { next: 5, got: 4 }));
    assert_eq!(
        world.add(1, plain(5 + 1_024)),
        Err(PoolError::NonceTooHigh {
            next: 5,
            got: 1_029,
            ahead: 1_024
        })
    );
    world.add(1, plain(5 + 1_023)).unwrap();
}

#[test]
fn the_same_transaction_is_taken_once() {
    let mut world = world();
    let hash = world.add(1, plain(0)).unwrap();
    assert_eq!(world.add(1, plain(0)), Err(PoolError::AlreadyKnown(hash)));
}

#[test]
fn all_that_waits_must_be_covered_by_the_balance() {
    let mut world = world();
    let six = |nonce| plain(nonce).value(ether(6));
    world.add(1, six(0)).unwrap();
    assert!(matches!(world.add(1, six(1)), Err(PoolError::InsufficientFunds { .. })));
    // In its place, only the difference counts.
    world.add(1, six(0).fees(10_000_000_000, 2_000_000_000)).unwrap();
    let nobody = world.add(20, plain(0));
    assert!(matches!(
        nobody,
        Err(PoolError::InsufficientFunds {
            balance: U256::ZERO,
            ..
        })
    ));
}

#[test]
fn gas_must_cover_the_intrinsic_cost_and_fit_a_block() {
    let mut world = world();
    assert_eq!(
        world.add(1, plain(0).gas(20_999)),
        Err(PoolError::IntrinsicGas {
            got: 20_999,
            needed: 21_000
        })
    );
    // EIP-7623: 21,000 and 40 gas for each of 100 non-zero bytes.
    let data = plain(0).input(Bytes::from(vec![1; 100]));
    assert_eq!(
        world.add(1, data.clone().gas(24_999)),
        Err(PoolError::IntrinsicGas {
            got: 24_999,
            needed: 25_000
        })
    );
    world.add(1, data.gas(25_000)).unwrap();
    let cap = 1 << 24;
    assert_eq!(
        world.add(1, plain(1).gas(cap + 1)),
        Err(PoolError::GasLimit {
            got: cap + 1,
            limit: cap
        })
    );
}

#[test]
fn tips_above_the_cap_and_contracts_as_senders_are_refused() {
    let mut world = world();
    assert_eq!(
        world.add(1, plain(0).fees(10, 11)),
        Err(PoolError::TipAboveCap { tip: 11, fee_cap: 10 })
    );
    let contract = Key::new(2).address();
    world.state.set_code(contract, Bytes::from_static(&[0x00]));
    assert_eq!(world.add(2, plain(0)), Err(PoolError::SenderHasCode(contract)));
    assert_eq!(
        world.add(1, Tx::create(Bytes::from(vec![0; 49_153])).gas(10_000_000)),
        Err(PoolError::InitCode { got: 49_153 })
    );
}

#[test]
fn an_account_that_delegates_its_code_may_still_send() {
    let mut world = world();
    let delegation = [&[0xef, 0x01, 0x00][..], Address::repeat_byte(7).as_slice()].concat();
    world.state.set_code(Key::new(2).address(), delegation.into());
    world.add(2, plain(0)).unwrap();
}

#[test]
fn the_pool_and_each_share_of_it_are_bounded() {
    let mut world = world();
    world.pool = Pool::with_limits(PoolLimits {
        per_sender: 2,
        transactions: 3,
        bytes: 100_000,
    });
    world.add(1, plain(0)).unwrap();
    world.add(1, plain(1)).unwrap();
    assert!(matches!(world.add(1, plain(2)), Err(PoolError::NonceTooHigh { .. })));
    world.add(2, plain(0)).unwrap();
    assert!(matches!(
        world.add(3, plain(0)),
        Err(PoolError::Full { transactions: 3, .. })
    ));
    // A replacement takes no new room.
    world.add(2, plain(0).fees(10_000_000_000, 2_000_000_000)).unwrap();
}

#[test]
fn sealed_transactions_leave_and_give_their_room_back() {
    let mut world = world();
    world.add(1, plain(0)).unwrap();
    world.add(1, plain(1)).unwrap();
    let key = Key::new(1).address();
    world.state.set_nonce(key, 1);
    world.pool.settle(&[key], &world.state);
    assert_eq!(world.ready(7), [(1, 1)]);
    world.state.set_nonce(key, 2);
    world.pool.settle(&[key], &world.state);
    assert_eq!((world.pool.len(), world.pool.bytes), (0, 0));
    assert!(world.pool.senders.is_empty());
}
