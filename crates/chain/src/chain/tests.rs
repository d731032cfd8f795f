//! Blocks built, checked, refused, replayed and asked about.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use alloy_consensus::{
    Transaction as _,
    proofs::{calculate_receipt_root, calculate_transaction_root},
};
use alloy_primitives::{Bloom, Bytes, TxKind, U256, keccak256};
use proptest::prelude::*;

use super::*;
use crate::{
    call::{CallError, CallRequest, Snapshot},
    execute::Refused,
    logs::LogFilter,
    storage::MemoryStorage,
    testing::{GENESIS_TIME, Key, Tx, ether, genesis, sealer, token_balance_of, token_code, token_transfer},
    transaction::TransactionError,
};

fn chain() -> Chain {
    Chain::new(genesis()).unwrap()
}

fn at(timestamp: u64) -> BlockAttributes {
    BlockAttributes {
        timestamp,
        beneficiary: sealer(),
        ..BlockAttributes::default()
    }
}

impl Chain {
    fn take(&mut self, seed: u8, tx: Tx) -> B256 {
        self.submit(tx.recovered(&Key::new(seed))).unwrap()
    }

    /// Seals what waits, one second after the head.
    fn seal(&mut self) -> Arc<SealedBlock> {
        let built = self.build_block(at(self.head().header().timestamp + 1)).unwrap();
        assert_eq!(built.refused, []);
        self.append(built.executed).unwrap()
    }
}

fn address(seed: u8) -> Address {
    Key::new(seed).address()
}

/// A chain on which key 1 has created the token; block 1.
fn chain_with_token() -> (Chain, Address) {
    let mut chain = chain();
    chain.take(1, Tx::create(token_code()));
    chain.seal();
    (chain, address(1).create(0))
}

#[test]
fn every_kind_of_transaction_is_executed_and_the_header_says_so() {
    let mut chain = chain();
    for (seed, kind) in [(1, 0), (2, 1), (3, 2)] {
        chain.take(seed, Tx::transfer(address(9), ether(1)).kind(kind));
    }
    let delegation = Key::new(5).delegate(Address::repeat_byte(0xcd), 0);
    let delegate = Tx::transfer(address(9), ether(1))
        .gas(100_000)
        .delegations(vec![delegation]);
    chain.take(4, delegate);
    let block = chain.seal();

    assert_eq!(chain.state().balance(address(9)), ether(1_004));
    assert_eq!(chain.state().code(address(5))[..3], [0xef, 0x01, 0x00]);
    let header = block.header();
    assert_eq!(block.receipts.len(), 4);
    assert_eq!(
        header.transactions_root,
        calculate_transaction_root(block.transactions())
    );
    assert_eq!(header.receipts_root, calculate_receipt_root(&block.receipts));
    assert_eq!(header.state_root, chain.state().root());
    assert_eq!(block.hash, keccak256(alloy_rlp::encode(header)));
    assert_eq!(header.gas_used, block.receipts[3].cumulative_gas_used());
    assert_eq!(block.gas_used_by(1), 21_000);
    assert_eq!(header.parent_hash, chain.genesis_hash());
}

#[test]
fn a_token_is_created_moved_and_heard_of() {
    let (mut chain, token) = chain_with_token();
    chain.take(1, Tx::call(token, token_transfer(address(2), 250)).nonce(1));
    let block = chain.seal();

    assert!(block.receipts[0].is_success());
    let call = |owner| CallRequest {
        to: TxKind::Call(token),
        input: token_balance_of(address(owner)),
        ..CallRequest::default()
    };
    let balance = |chain: &Chain, number, owner| {
        let output = chain.snapshot(number).unwrap().call(&call(owner)).unwrap().output;
        U256::from_be_slice(&output)
    };
    assert_eq!(balance(&chain, 2, 1), U256::from(999_750));
    assert_eq!(balance(&chain, 2, 2), U256::from(250));
    // The state of the block before is still there.
    assert_eq!(balance(&chain, 1, 2), U256::ZERO);

    let filter = LogFilter {
        addresses: vec![token],
        topics: [
            vec![],
            vec![address(1).into_word()],
            vec![address(2).into_word()],
            vec![],
        ],
    };
    let found: Vec<_> = filter.select(&block).collect();
    assert_eq!(found.len(), 1);
    assert_eq!(U256::from_be_slice(&found[0].log.data.data), U256::from(250));
    assert!(block.header().logs_bloom.contains_log(found[0].log));
    let elsewhere = LogFilter {
        addresses: vec![address(1)],
        ..LogFilter::default()
    };
    assert_eq!(elsewhere.select(&block).count(), 0);
}

#[test]
fn a_revert_fails_the_transaction_but_not_the_block() {
    let (mut chain, token) = chain_with_token();
    chain.take(2, Tx::call(token, token_transfer(address(3), 1)));
    let before = chain.state().balance(address(2));
    let block = chain.seal();
    assert!(!block.receipts[0].is_success());
    assert_eq!(block.receipts[0].logs_bloom(), &Bloom::ZERO);
    assert!(chain.state().balance(address(2)) < before, "gas is paid all the same");
    assert_eq!(chain.state().nonce(address(2)), 1);
}

/// EIP-161.
#[test]
fn sending_nothing_to_nobody_creates_no_account() {
    let mut chain = chain();
    let nobody = Address::repeat_byte(0x99);
    chain.take(1, Tx::transfer(nobody, U256::ZERO));
    chain.seal();
    assert!(chain.state().account(nobody).is_none());
}

#[test]
fn calls_say_why_they_revert() {
    let (chain, token) = chain_with_token();
    let request = CallRequest {
        from: address(2),
        to: TxKind::Call(token),
        input: token_transfer(address(3), 1),
        ..CallRequest::default()
    };
    let snapshot = chain.snapshot_head(GENESIS_TIME);
    for error in [
        snapshot.call(&request).unwrap_err(),
        snapshot.estimate_gas(&request).unwrap_err(),
    ] {
        let CallError::Reverted { output } = error else {
            panic!("{error}")
        };
        assert_eq!(output[..4], [0x08, 0xc3, 0x79, 0xa0]);
        assert_eq!(&output[68..73], b"short");
    }
}

#[test]
fn an_estimate_suffices_and_is_not_lavish() {
    let (chain, token) = chain_with_token();
    let snapshot = chain.snapshot_next(GENESIS_TIME + 5);
    let transfer = CallRequest {
        from: address(1),
        to: TxKind::Call(token),
        input: token_transfer(address(2), 1),
        ..CallRequest::default()
    };
    let create = CallRequest {
        from: address(1),
        to: TxKind::Create,
        input: token_code(),
        fee_cap: Some(1_000_000_000),
        tip: Some(1),
        ..CallRequest::default()
    };
    for (request, tx) in [
        (&transfer, Tx::call(token, token_transfer(address(2), 1)).nonce(1)),
        (&create, Tx::create(token_code()).nonce(1)),
    ] {
        let gas = snapshot.estimate_gas(request).unwrap();
        let mut chain = chain_with_token().0;
        chain.take(1, tx.gas(gas));
        let block = chain.seal();
        assert!(block.receipts[0].is_success(), "{gas}");
        assert!(
            gas < block.header().gas_used * 11 / 10,
            "{gas} for {}",
            block.header().gas_used
        );
    }
    let plain = CallRequest {
        from: address(1),
        to: TxKind::Call(address(2)),
        value: ether(1),
        ..CallRequest::default()
    };
    assert_eq!(snapshot.estimate_gas(&plain), Ok(21_000));
    let too_much = CallRequest {
        value: ether(1_000_000),
        ..plain
    };
    assert!(matches!(
        snapshot.estimate_gas(&too_much),
        Err(CallError::InsufficientFunds { .. })
    ));
    let priced = CallRequest {
        fee_cap: Some(1_000),
        from: Address::repeat_byte(0xee),
        value: U256::ZERO,
        ..too_much
    };
    let needed = U256::from(21_000_000);
    assert_eq!(
        snapshot.estimate_gas(&priced),
        Err(CallError::InsufficientFunds {
            balance: U256::ZERO,
            needed
        })
    );
}

#[test]
fn an_access_list_names_the_slots_a_call_reads() {
    let (chain, token) = chain_with_token();
    let request = CallRequest {
        from: address(1),
        to: TxKind::Call(token),
        input: token_transfer(address(2), 1),
        ..CallRequest::default()
    };
    let (list, gas_used) = chain.snapshot_head(GENESIS_TIME).access_list(&request).unwrap();
    assert_eq!(list.0.len(), 1);
    assert_eq!(list.0[0].address, token);
    let mut slots = [address(1).into_word(), address(2).into_word()];
    slots.sort_unstable();
    assert_eq!(list.0[0].storage_keys, slots);
    assert!(gas_used > 21_000);
}

#[test]
fn calls_see_the_clock_while_the_head_stands_still() {
    // TIMESTAMP, returned.
    let clock = Bytes::from_static(&[0x42, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]);
    let mut genesis = genesis();
    genesis.alloc.entry(Address::repeat_byte(0xcc)).or_default().code = clock;
    let chain = Chain::new(genesis).unwrap();
    let request = CallRequest {
        to: TxKind::Call(Address::repeat_byte(0xcc)),
        ..CallRequest::default()
    };
    let time = |snapshot: Snapshot| U256::from_be_slice(&snapshot.call(&request).unwrap().output).to::<u64>();
    assert_eq!(time(chain.snapshot_head(GENESIS_TIME + 900)), GENESIS_TIME + 900);
    assert_eq!(time(chain.snapshot_next(GENESIS_TIME - 900)), GENESIS_TIME);
    assert_eq!(time(chain.snapshot(0).unwrap()), GENESIS_TIME);
}

#[test]
fn a_block_may_share_its_parents_second_but_not_precede_it() {
    let mut chain = chain();
    let built = chain.build_block(at(GENESIS_TIME)).unwrap();
    chain.append(built.executed).unwrap();
    assert!(matches!(
        chain.build_block(at(GENESIS_TIME - 1)),
        Err(BlockError::Timestamp { .. })
    ));
}

/// A row of the table below: what is said, and how the block is spoilt.
type Spoilt = (&'static str, fn(&mut Block));

/// One wrong claim per row, and what is said about it.
#[test]
fn a_block_with_any_wrong_claim_is_refused() {
    let mut author = chain();
    author.take(1, Tx::transfer(address(2), ether(1)));
    author.take(2, Tx::transfer(address(3), ether(2)));
    let good = author.seal().block.clone();
    let rows: [Spoilt; 16] = [
        ("state root", |b| b.header.state_root = B256::repeat_byte(1)),
        ("receipts root", |b| b.header.receipts_root = B256::repeat_byte(1)),
        ("transactions root", |b| {
            b.header.transactions_root = B256::repeat_byte(1)
        }),
        ("gas used", |b| b.header.gas_used += 1),
        ("gas limit", |b| b.header.gas_limit += 1),
        ("base fee", |b| b.header.base_fee_per_gas = Some(8)),
        ("number", |b| b.header.number += 1),
        ("hash", |b| b.header.logs_bloom = Bloom::repeat_byte(1)),
        ("hash", |b| b.header.ommers_hash = B256::ZERO),
        ("hash", |b| b.header.blob_gas_used = None),
        ("before its parent", |b| b.header.timestamp = 1),
        ("builds on", |b| b.header.parent_hash = B256::repeat_byte(1)),
        ("extra data", |b| b.header.extra_data = Bytes::from(vec![0; 33])),
        ("withdrawals", |b| b.body.withdrawals = None),
        ("gas used", |b| {
            b.body.transactions.pop();
        }),
        ("transactions root", |b| b.body.transactions.swap(0, 1)),
    ];
    for (expected, spoil) in rows {
        let mut bad = good.clone();
        spoil(&mut bad);
        let mut reader = chain();
        let message = reader.import_block(bad).unwrap_err().to_string();
        assert!(message.contains(expected), "{expected}: {message}");
        assert_eq!(reader.head().number(), 0, "{expected}");
        assert_eq!(reader.state().root(), genesis().state().root(), "{expected}");
    }
    chain().import_block(good).unwrap();
}

#[test]
fn a_block_with_an_impossible_transaction_is_refused() {
    let mut author = chain();
    author.take(1, Tx::transfer(address(2), ether(1)));
    let good = author.seal().block.clone();
    let with = |tx: Tx, seed| {
        let mut block = good.clone();
        block.body.transactions.push(tx.sign(&Key::new(seed)));
        chain().import_block(block).unwrap_err()
    };
    let gap = with(Tx::transfer(address(2), ether(1)).nonce(5), 1);
    assert!(
        matches!(
            gap,
            BlockError::Execution {
                index: 1,
                source: Refused::Invalid(_)
            }
        ),
        "{gap}"
    );
    let poor = with(Tx::transfer(address(2), ether(1)), 77);
    assert!(matches!(poor, BlockError::Execution { index: 1, .. }), "{poor}");
    let huge = with(Tx::transfer(address(2), ether(1)).gas(31_000_000), 2);
    assert!(
        matches!(
            huge,
            BlockError::Execution {
                source: Refused::BlockFull { .. },
                ..
            }
        ),
        "{huge}"
    );
    let cheap = with(Tx::transfer(address(2), ether(1)).fees(6, 0), 2);
    assert!(
        matches!(
            cheap,
            BlockError::Execution {
                source: Refused::Invalid(_),
                ..
            }
        ),
        "{cheap}"
    );

    let mut forged = good.clone();
    let tx = forged.body.transactions[0].clone();
    let Transaction::Eip1559(signed) = tx else {
        panic!("{tx:?}")
    };
    let (inner, signature, hash) = signed.into_parts();
    let high_s = alloy_primitives::Signature::new(
        signature.r(),
        U256::from_str_radix("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141", 16).unwrap()
            - signature.s(),
        !signature.v(),
    );
    forged.body.transactions[0] = alloy_consensus::Signed::new_unchecked(inner, high_s, hash).into();
    let error = chain().import_block(forged).unwrap_err();
    assert!(
        matches!(
            error,
            BlockError::Transaction {
                index: 0,
                source: TransactionError::BadSignature
            }
        ),
        "{error}"
    );
}

#[test]
fn replaying_the_log_gives_the_same_head() {
    let (mut chain, token) = chain_with_token();
    let mut storage = MemoryStorage::default();
    for round in 0..5u64 {
        chain.take(1, Tx::call(token, token_transfer(address(2), round)).nonce(round + 1));
        chain.take(3, Tx::transfer(address(4), U256::from(round)).nonce(round));
        chain.seal();
    }
    for number in 1..=chain.head().number() {
        let block = chain.block(number).unwrap();
        storage.append(number, block.hash, &block.encode()).unwrap();
    }
    let replayed = Chain::open(genesis(), &mut storage).unwrap();
    assert_eq!(replayed.head().hash, chain.head().hash);
    assert_eq!(replayed.state().root(), chain.state().root());
    assert_eq!(replayed.head().receipts, chain.head().receipts);
    assert_eq!(replayed.head().senders, chain.head().senders);

    let mut other = genesis();
    other.timestamp -= 1;
    let error = Chain::open(other, &mut storage).unwrap_err();
    assert!(matches!(error, OpenError::Block { number: 1, .. }), "{error}");
}

#[test]
fn blocks_and_transactions_are_found_again() {
    let mut chain = chain();
    let hash = chain.take(1, Tx::transfer(address(2), ether(1)));
    assert!(chain.waiting(&hash).is_some());
    assert!(chain.transaction(&hash).is_none());
    let block = chain.seal();
    assert!(chain.waiting(&hash).is_none());
    let place = chain.transaction(&hash).unwrap();
    assert_eq!((place.block.hash, place.index), (block.hash, 0));
    let (transaction, sender) = place.transaction().unwrap();
    assert_eq!((transaction.value(), sender), (ether(1), address(1)));
    assert_eq!(chain.block_by_hash(&block.hash).unwrap().number(), 1);
    assert_eq!(chain.block_by_hash(&chain.genesis_hash()).unwrap().number(), 0);
    assert!(chain.block(2).is_none());
}

#[test]
fn old_states_end_with_a_clear_word() {
    let mut chain = chain();
    for _ in 0..STATES_KEPT + 3 {
        chain.seal();
    }
    let head = chain.head().number();
    let oldest = head + 1 - STATES_KEPT as u64;
    assert!(chain.state_at(oldest).is_ok());
    for number in [oldest - 1, head + 1] {
        assert_eq!(
            chain.state_at(number).unwrap_err(),
            HistoryError { number, oldest, head }
        );
    }
}

#[test]
fn a_full_block_leaves_the_rest_for_the_next() {
    let mut rules = genesis();
    rules.gas_limit = 50_000;
    let mut chain = Chain::new(rules).unwrap();
    for seed in 1..4 {
        chain.take(seed, Tx::transfer(address(9), U256::ONE).fees(1_000, u128::from(seed)));
    }
    let first = chain.seal();
    assert_eq!(first.senders, [address(3), address(2)]);
    assert!(chain.has_ready());
    assert_eq!(chain.seal().senders, [address(1)]);
    assert!(!chain.has_ready());
}

#[test]
fn a_block_built_for_an_old_head_is_not_appended() {
    let mut chain = chain();
    let stale = chain.build_block(at(GENESIS_TIME + 9)).unwrap();
    chain.seal();
    assert!(matches!(chain.append(stale.executed), Err(BlockError::Parent { .. })));
}

#[test]
fn a_transaction_that_became_unpayable_is_reported_and_its_followers_wait() {
    let mut chain = chain();
    let poor = chain.take(2, Tx::transfer(address(3), ether(999)));
    let follower = chain.take(2, Tx::transfer(address(3), U256::ONE).nonce(1));
    let mut proposal = chain.prepare(at(GENESIS_TIME + 1)).unwrap();
    proposal.site.state.set_balance(address(2), ether(5));
    let built = proposal.build();
    assert_eq!(built.refused.len(), 1);
    assert_eq!(built.refused[0].0, poor);
    assert_eq!(built.executed.sealed.transactions().len(), 0);
    chain.forget(&poor);
    assert!(chain.waiting(&follower).is_some());
    assert!(!chain.has_ready());
}

#[test]
fn fee_history_tells_base_fees_fullness_and_tips() {
    let mut rules = genesis();
    rules.gas_limit = 63_000;
    let mut chain = Chain::new(rules).unwrap();
    for seed in 1..4 {
        chain.take(
            seed,
            Tx::transfer(address(9), U256::ONE).fees(1_000, 10 * u128::from(seed)),
        );
    }
    chain.seal();
    chain.seal();
    let history = chain.fee_history(2, 2, &[0.0, 50.0, 100.0]);
    assert_eq!(history.oldest, 1);
    assert_eq!(history.base_fees, [7, 8, 7]);
    assert_eq!(history.gas_used_ratios, [1.0, 0.0]);
    assert_eq!(history.rewards, [[10, 20, 30], [0, 0, 0]]);
    // More than there is: all there is.
    assert_eq!(chain.fee_history(50, 99, &[]).gas_used_ratios.len(), 3);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Coins only move, but for the base fee, which is burnt; tips go to the sealer.
    #[test]
    fn transfers_conserve_coins(
        moves in prop::collection::vec((1u8..6, 1u8..12, 0u64..400, 7u128..3_000, 0u128..3_000), 1..40)
    ) {
        let mut chain = chain();
        let mut supply = chain.state().total_balance();
        for batch in moves.chunks(7) {
            for (from, to, coins, cap, tip) in batch {
                let tx = Tx::transfer(address(*to), ether(*coins))
                    .nonce(chain.pending_nonce(address(*from)))
                    .fees(*cap, (*tip).min(*cap));
                // Refusals for want of funds are part of the game.
                let _ = chain.submit(tx.recovered(&Key::new(*from)));
            }
            let sealer_before = chain.state().balance(sealer());
            let block = chain.seal();
            let gas = U256::from(block.header().gas_used);
            let burnt = gas * U256::from(block.base_fee());
            let tips: U256 = block
                .transactions()
                .iter()
                .enumerate()
                .map(|(index, tx)| {
                    let tip = tx.effective_tip_per_gas(block.base_fee()).unwrap();
                    U256::from(tip) * U256::from(block.gas_used_by(index))
                })
                .sum();
            prop_assert_eq!(chain.state().balance(sealer()), sealer_before + tips);
            supply -= burnt;
            prop_assert_eq!(chain.state().total_balance(), supply);
            // And whoever checks the block agrees with whoever built it.
            prop_assert_eq!(block.hash, block.header().hash_slow());
        }
        let mut reader = Chain::new(genesis()).unwrap();
        for number in 1..=chain.head().number() {
            reader.import_block(chain.block(number).unwrap().block.clone()).unwrap();
        }
        prop_assert_eq!(reader.head().hash, chain.head().hash);
    }
}
