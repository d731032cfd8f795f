//! Opening at a block is like having executed all before it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use alloy_primitives::{Address, Bytes, U256};

use super::*;
use crate::{
    BlockAttributes, STATES_KEPT,
    changes::tests::Flat,
    testing::{GENESIS_TIME, Key, Tx, genesis},
};

/// Stores the hash of the block whose number it is called with: PUSH0 CALLDATALOAD BLOCKHASH PUSH0 SSTORE.
const HASHES: &[u8] = &[0x5f, 0x35, 0x40, 0x5f, 0x55];
const HASHES_AT: Address = Address::repeat_byte(0xaa);
const BLOCKS: u64 = 300;

fn rules() -> Genesis {
    let mut genesis = genesis();
    genesis.alloc.entry(HASHES_AT).or_default().code = Bytes::from_static(HASHES);
    genesis
}

fn seal(chain: &mut Chain) -> (B256, U256) {
    let attributes = BlockAttributes {
        timestamp: GENESIS_TIME + chain.head().number() + 1,
        ..BlockAttributes::default()
    };
    let executed = chain.build_block(attributes).unwrap().executed;
    let hash = chain.append(executed).unwrap().hash;
    (hash, chain.state().storage(HASHES_AT, U256::ZERO))
}

/// A long chain, and what a node would have stored of it.
fn grown() -> (Chain, Vec<SealedBlock>, Flat) {
    let mut chain = Chain::new(rules()).unwrap();
    let mut flat = Flat::default();
    flat.apply(&rules().changes().unwrap());
    for number in 0..BLOCKS {
        let key = Key::new(1);
        if number % 50 == 0 {
            let nonce = chain.pending_nonce(key.address());
            let tx = Tx::transfer(Address::repeat_byte(number as u8 + 1), U256::from(9)).nonce(nonce);
            chain.submit(tx.recovered(&key)).unwrap();
        }
        let attributes = BlockAttributes {
            timestamp: GENESIS_TIME + number,
            ..BlockAttributes::default()
        };
        let executed = chain.build_block(attributes).unwrap().executed;
        let block = chain.insert(executed).unwrap();
        chain.set_head(&block.hash).unwrap();
        for settled in chain.finalize(&block.hash).unwrap().blocks {
            flat.apply(&settled.changes);
        }
    }
    let blocks = (0..=BLOCKS).map(|number| {
        let bytes = chain.block(number).unwrap().encode_executed();
        SealedBlock::decode_executed(&bytes).unwrap()
    });
    let blocks = blocks.collect();
    (chain, blocks, flat)
}

fn resume(mut blocks: Vec<SealedBlock>, state: State) -> Result<Chain, ResumeError> {
    let last = blocks.pop().unwrap();
    Chain::resume(rules(), last, blocks, state, PoolLimits::default())
}

#[test]
fn a_resumed_chain_goes_on_as_if_nothing_had_happened() {
    let (mut whole, blocks, flat) = grown();
    let recent = blocks[blocks.len() - 257..].to_vec();
    let mut resumed = resume(recent, flat.state()).unwrap();
    assert_eq!(resumed.head().hash, whole.head().hash);
    assert_eq!(resumed.finalized().hash, whole.head().hash);
    assert_eq!(resumed.genesis_hash(), whole.genesis_hash());
    assert_eq!(resumed.oldest_known(), BLOCKS - 256);
    assert!(resumed.block(BLOCKS - 257).is_none());
    assert_eq!(resumed.block(0).unwrap().hash, whole.genesis_hash());
    assert!(resumed.state_at(BLOCKS - 1).is_err(), "older states are not known");
    assert_eq!(resumed.fee_history(1_000, BLOCKS, &[]).oldest, BLOCKS - 256);
    // What is sealed is found again, and what comes next is the same, down to the oldest block hash there is.
    let key = Key::new(1);
    let sealed = *blocks[251].transactions()[0].tx_hash();
    assert_eq!(resumed.transaction(&sealed).unwrap().block.number(), 251);
    assert!(resumed.transaction(blocks[1].transactions()[0].tx_hash()).is_none());
    let oldest = BLOCKS + 1 - 256;
    for chain in [&mut whole, &mut resumed] {
        let nonce = chain.pending_nonce(key.address());
        let call = Tx::call(HASHES_AT, U256::from(oldest).to_be_bytes::<32>().into()).nonce(nonce);
        chain.submit(call.recovered(&key)).unwrap();
    }
    let (hash, seen) = seal(&mut resumed);
    assert_eq!((hash, seen), seal(&mut whole));
    assert_eq!(seen, U256::from_be_bytes(blocks[oldest as usize].hash.0));
    for _ in 0..STATES_KEPT {
        seal(&mut resumed);
    }
    assert_eq!(resumed.tree.oldest(), BLOCKS + 2);
}

#[test]
fn a_chain_resumes_at_its_beginning_too() {
    let resumed = resume(vec![rules().block()], rules().state()).unwrap();
    assert_eq!(resumed.head().number(), 0);
    assert_eq!(resumed.oldest_known(), 0);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let (whole, blocks, flat) = grown();
    let state = || flat.state();
    let recent = || blocks[blocks.len() - 257..].to_vec();

    let mut wrong = state();
    wrong.set_balance(Address::repeat_byte(1), U256::ONE);
    assert!(matches!(
        resume(recent(), wrong),
        Err(ResumeError::StateRoot { number: BLOCKS, .. })
    ));

    let few = recent()[1..].to_vec();
    assert!(matches!(
        resume(few, state()),
        Err(ResumeError::TooFew { needed: 256, got: 255 })
    ));

    let mut gap = blocks.clone();
    gap.remove(20);
    assert!(matches!(resume(gap, state()), Err(ResumeError::Gap(19))));

    let mut other = blocks.clone();
    other[0] = genesis().block();
    let error = resume(other, state()).unwrap_err();
    assert!(
        matches!(error, ResumeError::OtherChain { expected, .. } if expected == whole.genesis_hash()),
        "{error}"
    );
}
