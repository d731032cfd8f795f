//! Heads that move, blocks that are held, what is final: one case each.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use alloy_consensus::{SignableTransaction, TxLegacy};
use alloy_primitives::{Bytes, U256};

use super::*;
use crate::{
    block::BlockAttributes,
    chain::{CANDIDATES_KEPT, STATES_KEPT},
    mempool::Pool,
    testing::{GENESIS_TIME, Key, Tx, ether, genesis},
};

/// One sender's transaction: (sender's key, variant). Its nonce is the next where it is sent; variants differ.
pub(super) type Sent = (u8, u8);

pub(super) fn transfer(sent: Sent, nonce: u64, coins: u64) -> RecoveredTransaction {
    let to = Address::repeat_byte(sent.1 + 1);
    Tx::transfer(to, ether(coins * u64::from(sent.1)))
        .nonce(nonce)
        .recovered(&Key::new(sent.0))
}

fn verify(chain: &Chain, block: &Block, senders: Vec<Address>) -> Result<ExecutedBlock, BlockError> {
    chain.prepare_check(block.clone(), Some(senders))?.run()
}

fn on(chain: &Chain, parent: &B256, timestamp: u64) -> ExecutedBlock {
    let attributes = BlockAttributes {
        timestamp: GENESIS_TIME + timestamp,
        ..BlockAttributes::default()
    };
    chain.prepare_on(parent, attributes).unwrap().build().executed
}

#[test]
fn transactions_of_a_lost_block_wait_again_in_their_order() {
    let mut chain = Chain::new(genesis()).unwrap();
    let root = chain.genesis_hash();
    let sent: Vec<B256> = (0..3)
        .map(|nonce| chain.submit(transfer((1, 1), nonce, 1)).unwrap())
        .collect();
    let full = chain.insert(on(&chain, &root, 1)).unwrap();
    assert_eq!(full.senders.len(), 3);
    assert_eq!(chain.waiting_count(), 3, "it is not the head yet");
    chain.set_head(&full.hash).unwrap();
    assert_eq!(chain.waiting_count(), 0);
    let empty = {
        let mut proposal = chain.prepare_on(
            &root,
            BlockAttributes {
                timestamp: GENESIS_TIME + 2,
                ..BlockAttributes::default()
            },
        );
        proposal.as_mut().unwrap().candidates.truncate(1);
        proposal.unwrap().build().executed
    };
    let empty = chain.insert(empty).unwrap();
    let change = chain.set_head(&empty.hash).unwrap();
    assert_eq!(
        (change.reverted[0].hash, change.applied[0].hash),
        (full.hash, empty.hash)
    );
    assert_eq!(chain.pool.hashes(), sent.iter().copied().collect());
    assert_eq!(chain.pending_nonce(Key::new(1).address()), 3);
    assert!(chain.transaction(&sent[0]).is_none());
    let next = on(&chain, &empty.hash, 3);
    let hashes: Vec<B256> = next.sealed.transactions().iter().map(|tx| *tx.tx_hash()).collect();
    assert_eq!(hashes, sent);
}

#[test]
fn senders_of_what_waits_are_known() {
    let mut chain = Chain::new(genesis()).unwrap();
    let sent = [3, 1, 2].map(|sender| chain.submit(transfer((sender, 1), 0, 1)).unwrap());
    let sealed = on(&chain, &chain.genesis_hash(), 1).sealed;
    let received = crate::decode_block(&sealed.encode()).unwrap();
    let all: Vec<_> = sealed.senders.iter().copied().map(Some).collect();
    assert_eq!(chain.waiting_senders(&received), all);
    chain.forget(&sent[1]);
    let gone = sealed
        .senders
        .iter()
        .map(|sender| (*sender != Key::new(1).address()).then_some(*sender));
    assert_eq!(chain.waiting_senders(&received), gone.collect::<Vec<_>>());
}

#[test]
fn what_was_executed_once_is_not_executed_again() {
    let mut chain = Chain::new(genesis()).unwrap();
    let root = chain.genesis_hash();
    let executed = on(&chain, &root, 1);
    let block = executed.sealed.block.clone();
    let is_done = |chain: &Chain, block: &Block| {
        let check = chain.prepare_check(block.clone(), None).unwrap();
        matches!(check.work, crate::execute::Work::Done(_))
    };
    assert!(!is_done(&chain, &block));
    let hash = executed.sealed.hash;
    chain.hold(executed);
    assert!(is_done(&chain, &block));
    // The header does not vouch for the body.
    let mut other_body = block.clone();
    other_body.body.transactions.push(transfer((1, 1), 0, 1).into_parts().0);
    assert!(!is_done(&chain, &other_body));
    assert!(chain.verify_block(other_body).is_err());

    let executed = chain.verify_block(block.clone()).unwrap();
    chain.insert(executed).unwrap();
    assert!(chain.held(&hash).is_none(), "it stands in the tree now");
    assert!(is_done(&chain, &block));
    assert_eq!(chain.verify_block(block).unwrap().sealed.hash, hash);
}

#[test]
fn only_so_many_blocks_are_held_and_none_that_came_too_late() {
    let mut chain = Chain::new(genesis()).unwrap();
    let root = chain.genesis_hash();
    let many: Vec<ExecutedBlock> = (0..=CANDIDATES_KEPT as u64)
        .map(|time| on(&chain, &root, time))
        .collect();
    for executed in &many {
        chain.hold(executed.clone());
    }
    assert!(chain.held(&many[0].sealed.hash).is_none());
    assert_eq!(chain.candidates.len(), CANDIDATES_KEPT);
    let taken = chain.take_held(&many[1].sealed.hash).unwrap();
    assert_eq!(chain.candidates.len(), CANDIDATES_KEPT - 1);
    chain.append(taken).unwrap();
    assert_eq!(chain.candidates.len(), 0, "block 1 is final");
}

#[test]
fn the_final_block_stays() {
    let mut chain = Chain::new(genesis()).unwrap();
    let root = chain.genesis_hash();
    let [first, second] = [1, 2].map(|time| chain.insert(on(&chain, &root, time)).unwrap());
    let late = on(&chain, &root, 3);
    assert_eq!(chain.finalize(&first.hash).unwrap_err(), TreeError::Beside(first.hash));
    chain.set_head(&first.hash).unwrap();
    let finality = chain.finalize(&first.hash).unwrap();
    assert_eq!(finality.pruned, [second.hash]);
    assert_eq!(chain.finalized().hash, first.hash);
    assert_eq!(chain.finalize(&root).unwrap().blocks.len(), 0, "it is final already");
    assert_eq!(chain.finalized().hash, first.hash);
    assert_eq!(
        chain.finalize(&second.hash).unwrap_err(),
        TreeError::Unknown(second.hash)
    );
    assert!(matches!(
        chain.set_head(&root),
        Err(TreeError::BelowFinal {
            number: 0,
            finalized: 1
        })
    ));
    let refused = chain.verify_block(late.sealed.block.clone()).unwrap_err();
    assert!(
        matches!(
            refused,
            BlockError::BelowFinal {
                number: 1,
                finalized: 1
            }
        ),
        "{refused}"
    );
    assert!(matches!(chain.insert(late), Err(BlockError::BelowFinal { .. })));
}

#[test]
fn there_is_an_end_to_blocks_beside_the_best() {
    let mut chain = Chain::new(genesis()).unwrap();
    let root = chain.genesis_hash();
    let best = chain.insert(on(&chain, &root, 0)).unwrap();
    chain.set_head(&best.hash).unwrap();
    // Another nonce is another block.
    let base = on(&chain, &root, 1);
    for nonce in 0..SIDE_BLOCKS_MAX as u64 {
        chain.insert(base.clone().with_nonce(nonce).unwrap()).unwrap();
    }
    let one_more = base.with_nonce(u64::MAX).unwrap();
    assert!(!chain.has_room_on(&root));
    assert!(matches!(chain.insert(one_more.clone()), Err(BlockError::Crowded(1))));
    let next = chain.insert(on(&chain, &best.hash, 2)).unwrap();
    chain.set_head(&next.hash).unwrap();
    chain.finalize(&best.hash).unwrap();
    assert_eq!(chain.tree.sizes()[0], 3);
    assert!(chain.has_room_on(&root));
    assert!(matches!(chain.insert(one_more), Err(BlockError::BelowFinal { .. })));
}

#[test]
fn senders_recovered_beforehand_are_taken() {
    let mut chain = Chain::new(genesis()).unwrap();
    let root = chain.genesis_hash();
    for seed in 1..4 {
        chain.submit(transfer((seed, 1), 0, 1)).unwrap();
    }
    let executed = on(&chain, &root, 1);
    let block = executed.sealed.block.clone();
    let transactions = &block.body.transactions;
    let senders: Vec<Address> = transactions
        .iter()
        .map(|transaction| crate::recover_sender(transaction).unwrap())
        .collect();
    let verified = verify(&chain, &block, senders.clone()).unwrap();
    assert_eq!(verified.sealed.hash, executed.sealed.hash);
    assert_eq!(verified.sealed.senders, senders);
    let few = verify(&chain, &block, senders[1..].to_vec());
    assert!(matches!(
        few,
        Err(BlockError::Senders {
            transactions: 3,
            senders: 2
        })
    ));
    let mut others = senders;
    others.rotate_left(1);
    others[0] = Address::repeat_byte(1);
    assert!(verify(&chain, &block, others).is_err());
}

#[test]
fn a_block_may_hold_no_transaction_of_another_chain_or_of_any() {
    let mut chain = Chain::new(genesis()).unwrap();
    let root = chain.genesis_hash();
    chain.submit(transfer((1, 1), 0, 1)).unwrap();
    let mut block = on(&chain, &root, 1).sealed.block;
    for (chain_id, expected) in [(None, "replay-protected"), (Some(1), "invalid chain id")] {
        let tx = TxLegacy {
            chain_id,
            gas_limit: 21_000,
            gas_price: 1_000_000_000,
            ..TxLegacy::default()
        };
        let signature = Key::new(1).sign(tx.signature_hash());
        block.body.transactions = vec![tx.into_signed(signature).into()];
        let refused = chain.verify_block(block.clone()).unwrap_err();
        let BlockError::Transaction { index: 0, source } = refused else {
            panic!("{refused}")
        };
        assert!(source.to_string().contains(expected), "{source}");
        // Whoever knows the sender looks as well.
        assert!(verify(&chain, &block, vec![Key::new(1).address()]).is_err());
    }
}

#[test]
fn states_before_the_final_block_are_forgotten_and_old_blocks_if_asked() {
    let mut chain = Chain::new(genesis()).unwrap();
    let sent = chain.submit(transfer((1, 1), 0, 1)).unwrap();
    chain.forget_old_blocks();
    let kept = crate::BLOCKS_KEPT as u64;
    for time in 0..kept + 10 {
        let head = chain.head().hash;
        let block = chain.insert(on(&chain, &head, time)).unwrap();
        chain.set_head(&block.hash).unwrap();
    }
    assert!(chain.transaction(&sent).is_some(), "nothing is final yet");
    assert!(chain.state_at(0).is_ok());
    let last = chain.head().number() - 4;
    chain.finalize(&chain.block(last).unwrap().hash.clone()).unwrap();
    assert_eq!(chain.oldest_known(), last + 1 - kept);
    assert_eq!(chain.best.sizes(), [crate::BLOCKS_KEPT + 4, crate::BLOCKS_KEPT + 4, 0]);
    assert_eq!(chain.tree.sizes()[0], STATES_KEPT + 4);
    assert!(chain.transaction(&sent).is_none());
    assert_eq!(chain.block(0).unwrap().hash, chain.genesis_hash());
    assert!(chain.block(1).is_none());
    assert!(chain.state_at(last - STATES_KEPT as u64).is_err());
    assert!(chain.state_at(last + 1 - STATES_KEPT as u64).is_ok());
}

#[test]
fn a_block_beside_the_best_sees_the_hashes_of_its_own_branch() {
    // PUSH0 CALLDATALOAD BLOCKHASH PUSH0 SSTORE
    let code = Bytes::from_static(&[0x5f, 0x35, 0x40, 0x5f, 0x55]);
    let contract = Address::repeat_byte(0xaa);
    let mut rules = genesis();
    rules.alloc.entry(contract).or_default().code = code;
    let mut chain = Chain::new(rules).unwrap();
    let mut branch = |time: u64| {
        let mut parent = chain.genesis_hash();
        (0..3)
            .map(|number| {
                let block = chain.insert(on(&chain, &parent, time + number)).unwrap();
                parent = block.hash;
                block
            })
            .collect::<Vec<_>>()
    };
    let [best, beside] = [branch(0), branch(10)];
    chain.set_head(&best[2].hash).unwrap();
    for own in [&beside, &best] {
        for number in 1..=3u64 {
            let ask = Tx::call(contract, U256::from(number).to_be_bytes::<32>().into()).recovered(&Key::new(1));
            let attributes = BlockAttributes {
                timestamp: GENESIS_TIME + 20,
                ..BlockAttributes::default()
            };
            let mut proposal = chain.prepare_on(&own[2].hash, attributes).unwrap();
            proposal.candidates = vec![Pool::wrap(ask)];
            let executed = proposal.build().executed;
            let expected = own[number as usize - 1].hash;
            assert_eq!(
                executed.state.storage(contract, U256::ZERO),
                U256::from_be_bytes(expected.0)
            );
        }
        let snapshot = chain.snapshot_of(&own[2].hash).unwrap();
        let call = crate::CallRequest {
            to: alloy_primitives::TxKind::Create,
            // Returns the hash of block 2: PUSH1 2 BLOCKHASH PUSH0 MSTORE PUSH1 32 PUSH0 RETURN
            input: Bytes::from_static(&[0x60, 0x02, 0x40, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3]),
            ..crate::CallRequest::default()
        };
        assert_eq!(snapshot.call(&call).unwrap().output[..], own[1].hash.0);
    }
}
