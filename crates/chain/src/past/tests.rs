//! An old state that is kept elsewhere gives calls the answers that it gave when it was in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use alloy_primitives::{Bytes, TxKind};

use super::*;
use crate::{
    BlockAttributes, CallError, CallRequest, Chain, Snapshot,
    changes::tests::Flat,
    testing::{GENESIS_TIME, Key, Tx, ether, genesis, token_balance_of, token_code, token_transfer},
};

/// A state as somebody else may keep it, with the hashes of the blocks.
#[derive(Debug)]
struct Kept {
    state: Flat,
    hashes: Vec<B256>,
}

impl Kept {
    fn find(&self, address: Address) -> Option<FlatAccount> {
        self.state.accounts().find(|account| account.address == address)
    }
}

impl PastState for Kept {
    fn account(&self, address: Address) -> Result<Option<FlatAccount>, PastError> {
        Ok(self.find(address).map(|account| FlatAccount {
            storage: Vec::new(),
            ..account
        }))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, PastError> {
        let all = self.find(address).map(|account| account.storage).unwrap_or_default();
        Ok(all
            .iter()
            .find(|(at, _)| *at == slot)
            .map_or(U256::ZERO, |(_, value)| *value))
    }

    fn block_hash(&self, number: u64) -> Result<B256, PastError> {
        Ok(self.hashes[number as usize])
    }
}

/// Gives the hash of the block before: NUMBER - 1, BLOCKHASH, returned.
const BEFORE: &[u8] = &[0x60, 0x01, 0x43, 0x03, 0x40, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xf3];
const BEFORE_AT: Address = Address::repeat_byte(0xbf);

/// Three blocks, in each of which somebody gets tokens; the states after them, and the token.
fn blocks() -> (Chain, Vec<Flat>, Address) {
    let mut genesis = genesis();
    genesis.alloc.entry(BEFORE_AT).or_default().code = Bytes::from_static(BEFORE);
    let mut flat = Flat::default();
    flat.apply(&genesis.changes().unwrap());
    let mut chain = Chain::new(genesis).unwrap();
    let owner = Key::new(1);
    let token = owner.address().create(0);
    let mut states = vec![flat.clone()];
    let actions = [
        Tx::create(token_code()),
        Tx::call(token, token_transfer(Address::repeat_byte(2), 10)),
        Tx::call(token, token_transfer(Address::repeat_byte(2), 5)),
    ];
    for (nonce, action) in (0..).zip(actions) {
        chain.submit(action.nonce(nonce).recovered(&owner)).unwrap();
        let attributes = BlockAttributes {
            timestamp: GENESIS_TIME + nonce,
            ..BlockAttributes::default()
        };
        let executed = chain.build_block(attributes).unwrap().executed;
        flat.apply(executed.changes());
        states.push(flat.clone());
        chain.append(executed).unwrap();
    }
    (chain, states, token)
}

fn past(chain: &Chain, number: u64, state: Flat) -> Snapshot {
    let hashes = (0..number).map(|number| chain.block(number).unwrap().hash).collect();
    let kept = Arc::new(Kept { state, hashes });
    chain.snapshot_of_past(chain.block(number).unwrap(), kept)
}

#[test]
fn calls_see_an_old_state_as_they_did_when_it_was_in_memory() {
    let (chain, states, token) = blocks();
    let questions = [
        (token, token_balance_of(Address::repeat_byte(2))),
        (token, token_transfer(Address::repeat_byte(3), 7)),
        (BEFORE_AT, Bytes::new()),
        (Address::repeat_byte(9), Bytes::new()),
    ];
    for (number, state) in (0..).zip(states) {
        let (then, now) = (chain.snapshot(number).unwrap(), past(&chain, number, state));
        for (to, input) in &questions {
            let request = CallRequest {
                from: Key::new(1).address(),
                to: TxKind::Call(*to),
                value: U256::from(u64::from(input.is_empty())),
                fee_cap: Some(1_000_000_000),
                input: input.clone(),
                ..CallRequest::default()
            };
            assert_eq!(now.call(&request), then.call(&request), "{number} {to}");
            assert_eq!(now.estimate_gas(&request), then.estimate_gas(&request), "{number} {to}");
            assert_eq!(now.access_list(&request), then.access_list(&request), "{number} {to}");
        }
    }
}

#[test]
fn an_override_leaves_the_rest_of_its_account_as_it_was() {
    let (chain, states, token) = blocks();
    let mut snapshot = past(&chain, 2, states[2].clone());
    let slot = |owner: Address| U256::from_be_bytes(owner.into_word().0);
    let (rich, poor, creator) = (Address::repeat_byte(4), Address::repeat_byte(2), Key::new(1).address());
    snapshot.state_with(token).unwrap().set_balance(token, ether(1));
    snapshot.set_storage(token, slot(rich), U256::from(99));
    let balance = |snapshot: &Snapshot, owner: Address| {
        let request = CallRequest {
            to: TxKind::Call(token),
            input: token_balance_of(owner),
            ..CallRequest::default()
        };
        U256::from_be_slice(&snapshot.call(&request).unwrap().output).to::<u64>()
    };
    assert_eq!(
        [rich, poor, creator].map(|owner| balance(&snapshot, owner)),
        [99, 10, 999_990]
    );
    snapshot.set_storage(token, slot(poor), U256::ZERO);
    assert_eq!(
        [rich, poor, creator].map(|owner| balance(&snapshot, owner)),
        [99, 0, 999_990]
    );
    snapshot.clear_storage(token);
    snapshot.set_storage(token, slot(poor), U256::from(3));
    assert_eq!([rich, poor, creator].map(|owner| balance(&snapshot, owner)), [0, 3, 0]);
}

/// A state on a disk that is gone.
#[derive(Debug)]
struct Gone;

fn gone<T>() -> Result<T, PastError> {
    Err(PastError("the disk is gone".into()))
}

impl PastState for Gone {
    fn account(&self, _: Address) -> Result<Option<FlatAccount>, PastError> {
        gone()
    }

    fn storage(&self, _: Address, _: U256) -> Result<U256, PastError> {
        gone()
    }

    fn block_hash(&self, _: u64) -> Result<B256, PastError> {
        gone()
    }
}

#[test]
fn a_state_that_cannot_be_read_is_no_empty_one() {
    let (chain, ..) = blocks();
    let snapshot = chain.snapshot_of_past(chain.block(1).unwrap(), Arc::new(Gone));
    let request = CallRequest {
        to: TxKind::Call(Address::repeat_byte(9)),
        ..CallRequest::default()
    };
    let error = CallError::State(gone::<B256>().unwrap_err());
    assert_eq!(snapshot.call(&request), Err(error.clone()));
    assert_eq!(snapshot.estimate_gas(&request), Err(error));
}
