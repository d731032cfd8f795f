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
    reward: U256::ZERO,
    system: None,
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
    world.pool.settle(&[key].into(), Vec::new(), &world.state);
    assert_eq!(world.ready(7), [(1, 1)]);
    world.state.set_nonce(key, 2);
    world.pool.settle(&[key].into(), Vec::new(), &world.state);
    assert_eq!((world.pool.len(), world.pool.bytes), (0, 0));
    assert!(world.pool.senders.is_empty());
}

fn small(transactions: usize) -> World {
    let mut world = world();
    world.pool = Pool::with_limits(PoolLimits {
        per_sender: 8,
        transactions,
        bytes: 100_000,
    });
    world.pool.set_base_fee(7);
    world
}

#[test]
fn a_full_pool_lets_the_cheapest_go_for_a_better_bid() {
    let mut world = small(3);
    world.add(1, plain(0).fees(100, 5)).unwrap();
    world.add(1, plain(1).fees(100, 50)).unwrap();
    world.add(2, plain(0).fees(100, 9)).unwrap();
    assert!(
        matches!(world.add(3, plain(0).fees(100, 9)), Err(PoolError::Full { .. })),
        "no better"
    );
    world.add(3, plain(0).fees(100, 10)).unwrap();
    // Key 1's first would be cheaper still, but its second would be left behind a gap.
    assert_eq!(world.ready(7), [(3, 0), (1, 0), (1, 1)]);
    // Once the second is the cheapest it goes, and then the first.
    world.add(4, plain(0).fees(100, 60)).unwrap();
    world.add(5, plain(0).fees(100, 60)).unwrap();
    assert_eq!(world.ready(7), [(4, 0), (5, 0), (1, 0)]);
    assert_eq!(world.pool.hashes().len(), 3);
}

#[test]
fn what_cannot_be_executed_goes_first_and_pushes_nothing_out() {
    let mut world = small(2);
    world.add(1, plain(0).fees(100, 5)).unwrap();
    world.add(2, plain(3).fees(100, 90)).unwrap();
    let gap = world.add(3, plain(4).fees(100, 90));
    assert!(
        matches!(gap, Err(PoolError::Full { .. })),
        "a gap is no better than a gap"
    );
    let below_base_fee = world.add(3, plain(0).fees(6, 6));
    assert_eq!(below_base_fee.map(|_| ()), Ok(()), "nothing is missing before it");
    assert_eq!(world.ready(7), [(1, 0)]);
    world.add(4, plain(0).fees(100, 1)).unwrap();
    assert_eq!(world.ready(7), [(1, 0), (4, 0)]);
}

#[test]
fn nobody_pushes_out_its_own_earlier_transactions() {
    let mut world = small(2);
    world.add(1, plain(0).fees(100, 1)).unwrap();
    world.add(1, plain(1).fees(100, 1)).unwrap();
    assert!(matches!(
        world.add(1, plain(2).fees(100, 90)),
        Err(PoolError::Full { .. })
    ));
    assert_eq!(world.ready(7), [(1, 0), (1, 1)]);
}

#[test]
fn a_replacement_counts_its_own_bytes() {
    let mut world = world();
    world.pool = Pool::with_limits(PoolLimits {
        per_sender: 8,
        transactions: 8,
        bytes: 1_000,
    });
    world.add(1, plain(0).fees(100, 10)).unwrap();
    let large = |bytes| plain(0).fees(200, 20).gas(1_000_000).input(Bytes::from(vec![1; bytes]));
    assert!(matches!(world.add(1, large(950)), Err(PoolError::Full { .. })));
    world.add(1, large(850)).unwrap();
    assert_eq!(world.pool.hashes().len(), 1);
}

impl World {
    fn settle(&mut self, key: u8, returned: Vec<Tx>) {
        let key = Key::new(key);
        let returned = returned.into_iter().map(|tx| tx.recovered(&key)).collect();
        self.pool.settle(&[key.address()].into(), returned, &self.state);
    }
}

#[test]
fn transactions_come_back_in_their_order_and_only_where_they_fit() {
    let mut world = world();
    world.state.set_nonce(Key::new(1).address(), 3);
    let later = world.add(1, plain(3)).unwrap();
    // The head goes back by two of its transactions.
    world.state.set_nonce(Key::new(1).address(), 1);
    world.settle(
        1,
        vec![
            plain(2),
            plain(0),
            plain(1),
            plain(3).fees(10_000_000_000, 10_000_000_000),
        ],
    );
    assert_eq!(world.ready(7), [(1, 1), (1, 2), (1, 3)]);
    assert!(world.pool.get(&later).is_some(), "what was sent later stays");
}

#[test]
fn what_comes_back_is_paid_before_what_was_sent_after_it() {
    let mut world = world();
    let key = Key::new(1).address();
    world.state.set_nonce(key, 1);
    let later = world.add(1, plain(1).value(ether(6))).unwrap();
    world.state.set_nonce(key, 0);
    world.settle(1, vec![plain(0).value(ether(6))]);
    assert_eq!(world.ready(7), [(1, 0)]);
    assert!(world.pool.get(&later).is_none());
    // And nothing that the balance has never covered.
    world.settle(1, vec![plain(0).value(ether(6)), plain(1).value(ether(9))]);
    assert_eq!(world.pool.hashes().len(), 1);
}

#[test]
fn a_head_that_goes_far_back_leaves_no_more_than_a_share() {
    let mut world = small(100);
    let key = Key::new(1).address();
    world.state.set_nonce(key, 5);
    for nonce in 5..13 {
        world.add(1, plain(nonce)).unwrap();
    }
    world.state.set_nonce(key, 0);
    world.settle(1, (0..5).map(plain).collect());
    assert_eq!(world.ready(7), (0..8).map(|nonce| (1, nonce)).collect::<Vec<_>>());
    assert_eq!(world.pool.hashes().len(), 8);
}
