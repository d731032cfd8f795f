//! Rewards, and a small contract that is told of the end of every block.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use alloy_primitives::{Bloom, hex, keccak256};

use super::*;
use crate::{
    BlockAttributes, BlockError, Chain, ExecutedBlock, Genesis, GenesisError, SystemContract,
    testing::{GENESIS_TIME, Key, Tx, ether, genesis},
};

/// Counts its calls in slot 0 and keeps in slots 1 to 5 the three arguments, the caller and its own balance, then emits an
/// empty log. When the second argument is 0xdead it counts and reverts, when it is 0xbeef it runs until its gas is gone.
///
/// ```text
/// 00  PUSH1 24 CALLDATALOAD PUSH2 dead EQ PUSH1 39 JUMPI
/// 0a  PUSH1 24 CALLDATALOAD PUSH2 beef EQ PUSH1 44 JUMPI
/// 14  PUSH0 SLOAD PUSH1 01 ADD PUSH0 SSTORE
/// 1b  PUSH1 04 CALLDATALOAD PUSH1 01 SSTORE
/// 21  PUSH1 24 CALLDATALOAD PUSH1 02 SSTORE
/// 27  PUSH1 44 CALLDATALOAD PUSH1 03 SSTORE
/// 2d  CALLER PUSH1 04 SSTORE
/// 31  SELFBALANCE PUSH1 05 SSTORE
/// 35  PUSH0 PUSH0 LOG0 STOP
/// 39  JUMPDEST PUSH0 SLOAD PUSH1 01 ADD PUSH0 SSTORE PUSH0 PUSH0 REVERT
/// 44  JUMPDEST PUSH1 44 JUMP
/// ```
const WITNESS: [u8; 72] = hex!(
    "60243561dead14603957 60243561beef14604457 5f546001015f55 600435600155 602435600255 604435600355
     33600455 47600555 5f5fa000 5b5f546001015f555f5ffd 5b604456"
);
const CONTRACT: Address = Address::repeat_byte(0xcc);
const REVERTS: u64 = 0xdead;
const RUNS_ON: u64 = 0xbeef;

/// Every block makes five wei.
fn reward() -> U256 {
    U256::from(5)
}

fn with_reward() -> Genesis {
    Genesis {
        reward: reward(),
        ..genesis()
    }
}

fn with_system(init: Bytes) -> Genesis {
    let mut genesis = with_reward();
    genesis.alloc.entry(CONTRACT).or_default().code = Bytes::from_static(&WITNESS);
    genesis.system = Some(SystemContract {
        address: CONTRACT,
        init,
    });
    genesis
}

fn build(chain: &Chain, proposer: u8, nonce: u64) -> ExecutedBlock {
    let attributes = BlockAttributes {
        timestamp: GENESIS_TIME + chain.head().number() + 1,
        beneficiary: Address::repeat_byte(proposer),
        nonce,
        ..BlockAttributes::default()
    };
    chain.build_block(attributes).unwrap().executed
}

fn slots(chain: &Chain) -> [U256; 6] {
    std::array::from_fn(|slot| chain.state().storage(CONTRACT, U256::from(slot)))
}

fn word(address: Address) -> U256 {
    U256::from_be_bytes(address.into_word().0)
}

#[test]
fn the_selector_is_the_signatures() {
    assert_eq!(keccak256("endBlock(address,uint64,uint256)")[..4], END_BLOCK);
}

#[test]
fn the_contract_is_told_who_made_each_block_and_paid() {
    let mut chain = Chain::new(with_system(Bytes::new())).unwrap();
    let supply = chain.state().total_balance();
    let mut reader = Chain::new(with_system(Bytes::new())).unwrap();
    for (number, proposer, round) in [(1, 0xa1, 0), (2, 0xa2, 7)] {
        let executed = build(&chain, proposer, round);
        assert!(matches!(executed.system, Some(SystemOutcome::Done { gas_used }) if gas_used > 40_000));
        assert_eq!(executed.sealed.receipts, []);
        assert_eq!(executed.sealed.header().gas_used, 0);
        assert_eq!(executed.sealed.header().logs_bloom, Bloom::ZERO);
        let block = chain.append(executed).unwrap();
        let number = U256::from(number);
        let proposer = Address::repeat_byte(proposer);
        let expected = [
            number,
            word(proposer),
            U256::from(round),
            reward(),
            word(SYSTEM_ADDRESS),
            number * reward(),
        ];
        assert_eq!(slots(&chain), expected);
        assert_eq!(chain.state().balance(CONTRACT), number * reward());
        assert_eq!(chain.state().balance(proposer), U256::ZERO);
        assert_eq!(chain.state().total_balance(), supply + number * reward());
        // And whoever checks it sees the same.
        reader.import_block(block.block.clone()).unwrap();
        assert_eq!(reader.head().hash, block.hash);
    }
    assert!(chain.state().account(SYSTEM_ADDRESS).is_none());
}

#[test]
fn a_call_that_fails_leaves_no_trace_and_the_chain_goes_on() {
    let mut chain = Chain::new(with_system(Bytes::new())).unwrap();
    chain.append(build(&chain, 1, 3)).unwrap();
    let before = slots(&chain);

    let reverted = build(&chain, 2, REVERTS);
    assert_eq!(reverted.system, Some(SystemOutcome::Reverted { output: Bytes::new() }));
    chain.append(reverted).unwrap();
    assert_eq!(slots(&chain), before);
    assert_eq!(chain.state().balance(CONTRACT), reward() * U256::from(2));

    let endless = build(&chain, 2, RUNS_ON);
    assert!(matches!(
        endless.system,
        Some(SystemOutcome::Halted(HaltReason::OutOfGas(_)))
    ));
    let block = chain.append(endless).unwrap();
    assert_eq!(slots(&chain), before);
    assert_eq!(block.header().gas_used, 0);

    chain.append(build(&chain, 1, 4)).unwrap();
    assert_eq!(slots(&chain)[0], U256::from(2));
    assert_eq!(slots(&chain)[5], reward() * U256::from(4));
}

/// EIP-7825's cap on transactions does not bind it.
#[test]
fn the_call_has_thirty_million_gas() {
    let mut rules = with_system(Bytes::new());
    // GAS PUSH0 SSTORE; GAS itself costs two.
    rules.alloc.get_mut(&CONTRACT).unwrap().code = Bytes::from_static(&[0x5a, 0x5f, 0x55]);
    let mut chain = Chain::new(rules).unwrap();
    chain.append(build(&chain, 1, 0)).unwrap();
    assert_eq!(slots(&chain)[0], U256::from(30_000_000 - 2));
}

/// A builder tries transactions that are then refused. What they warmed in the EVM must not show in the call's gas.
#[test]
fn refused_transactions_do_not_show_in_the_call() {
    let mut chain = Chain::new(with_system(Bytes::new())).unwrap();
    let alone = build(&chain, 1, 3).system;
    chain
        .submit(Tx::call(CONTRACT, Bytes::new()).recovered(&Key::new(1)))
        .unwrap();
    let attributes = BlockAttributes {
        timestamp: GENESIS_TIME + 1,
        beneficiary: Address::repeat_byte(1),
        nonce: 3,
        ..BlockAttributes::default()
    };
    let mut proposal = chain.prepare(attributes).unwrap();
    proposal.site.state.set_balance(Key::new(1).address(), U256::ONE);
    let built = proposal.build();
    assert_eq!(built.refused.len(), 1);
    assert_eq!(built.executed.system, alone);
}

#[test]
fn without_a_contract_the_reward_is_the_beneficiarys() {
    let mut chain = Chain::new(with_reward()).unwrap();
    let supply = chain.state().total_balance();
    let executed = build(&chain, 9, 12);
    assert_eq!(executed.system, None);
    let block = chain.append(executed).unwrap();
    assert_eq!(chain.state().balance(Address::repeat_byte(9)), reward());
    assert_eq!(chain.state().total_balance(), supply + reward());
    Chain::new(with_reward())
        .unwrap()
        .import_block(block.block.clone())
        .unwrap();
    // Under other rules it is another block.
    let error = Chain::new(Genesis {
        reward: U256::from(6),
        ..genesis()
    })
    .unwrap()
    .import_block(block.block.clone())
    .unwrap_err();
    assert!(
        matches!(
            error,
            BlockError::Root {
                field: "state root",
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn the_contract_begins_in_block_0_or_there_is_no_chain() {
    let init = |round| end_block_input(Address::repeat_byte(3), round, ether(1));
    let started = with_system(init(8));
    let chain = Chain::new(started.clone()).unwrap();
    assert_eq!(
        slots(&chain)[..3],
        [U256::ONE, word(Address::repeat_byte(3)), U256::from(8)]
    );
    assert_eq!(slots(&chain)[4], word(SYSTEM_ADDRESS));
    assert_eq!(chain.head().header().state_root, chain.state().root());
    assert_ne!(started.hash(), with_system(init(9)).hash());
    assert_ne!(started.hash(), with_system(Bytes::new()).hash());

    assert!(matches!(
        Chain::new(with_system(init(REVERTS))),
        Err(GenesisError::SystemInit(SystemOutcome::Reverted { .. }))
    ));
    assert!(matches!(
        with_system(init(RUNS_ON)).check(),
        Err(GenesisError::SystemInit(SystemOutcome::Halted(_)))
    ));
    let mut nobody = started;
    nobody.alloc.remove(&CONTRACT);
    assert_eq!(nobody.check(), Err(GenesisError::SystemCode(CONTRACT)));
}

#[test]
fn genesis_files_say_only_what_is_set() {
    let text = serde_json::to_string(&genesis()).unwrap();
    for absent in ["extraData", "reward", "system"] {
        assert!(!text.contains(absent), "{text}");
    }
    let mut full = with_system(Bytes::from_static(&[1, 2]));
    full.extra_data = Bytes::from_static(b"rules");
    let text = serde_json::to_string(&full).unwrap();
    assert!(text.contains("\"extraData\":\"0x72756c6573\""), "{text}");
    assert!(text.contains("\"init\":\"0x0102\""), "{text}");
    assert_eq!(serde_json::from_str::<Genesis>(&text).unwrap(), full);
}

#[test]
fn another_nonce_is_another_block_without_execution() {
    let mut chain = Chain::new(with_reward()).unwrap();
    chain
        .submit(Tx::transfer(Address::repeat_byte(2), ether(1)).recovered(&Key::new(1)))
        .unwrap();
    let attributes = BlockAttributes {
        timestamp: GENESIS_TIME,
        difficulty: U256::from(1_000),
        ..BlockAttributes::default()
    };
    let built = chain.build_block(attributes).unwrap().executed;
    let puzzle = built.sealed.puzzle();
    assert_eq!(puzzle, built.sealed.hash, "its nonce is zero");
    let solved = built.with_nonce(0x0102_0304).unwrap();
    assert_eq!(solved.sealed.puzzle(), puzzle);
    assert_ne!(solved.sealed.hash, puzzle);
    assert_eq!(solved.sealed.header().nonce.0, [0, 0, 0, 0, 1, 2, 3, 4]);
    assert_eq!(solved.sealed.header().difficulty, U256::from(1_000));
    // It is what somebody else gets who executes it, whatever difficulty and nonce are.
    let verified = chain.verify_block(solved.sealed.block.clone()).unwrap();
    assert_eq!(verified.sealed.hash, solved.sealed.hash);
    assert_eq!(verified.sealed.size, solved.sealed.size);
    let block = chain.append(solved).unwrap();
    assert_eq!(
        chain.block_by_hash(&block.hash).unwrap().hash,
        block.header().hash_slow()
    );
}

#[test]
fn a_block_whose_contract_knows_the_nonce_keeps_it() {
    let chain = Chain::new(with_system(Bytes::new())).unwrap();
    assert!(build(&chain, 1, 3).with_nonce(4).is_none());
}
