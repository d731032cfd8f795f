//! An old state that is kept elsewhere gives calls the answers that it gave when it was in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use alloy_primitives::{B256, Bytes, TxKind};

use super::*;
use crate::{
    BLOCK_HASHES, BlockAttributes, CallError, CallRequest, Chain, Snapshot,
    changes::tests::Flat,
    testing::{GENESIS_TIME, Key, Tx, ether, genesis, token_balance_of, token_code, token_transfer},
};

impl PastState for Flat {
    fn account(&self, address: Address) -> Result<Option<FlatAccount>, PastError> {
        let account = self.accounts().find(|account| account.address == address);
        Ok(account.map(|account| FlatAccount {
            storage: Vec::new(),
            ..account
        }))
    }

    fn storage(&self, address: Address, slot: U256) -> Result<U256, PastError> {
        let all = self.all_storage(address)?;
        Ok(all
            .iter()
            .find(|(at, _)| *at == slot)
            .map_or(U256::ZERO, |(_, value)| *value))
    }

    fn all_storage(&self, address: Address) -> Result<Vec<(U256, U256)>, PastError> {
        let account = self.accounts().find(|account| account.address == address);
        Ok(account.map(|account| account.storage).unwrap_or_default())
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

fn past(chain: &Chain, number: u64, state: impl PastState + 'static) -> Snapshot {
    let before = (number.saturating_sub(BLOCK_HASHES)..number).map(|number| chain.block(number).unwrap().hash);
    chain.snapshot_of_past(chain.block(number).unwrap(), before.collect(), Arc::new(state))
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
    let rich = Address::repeat_byte(4);
    snapshot
        .state_with(token)
        .unwrap()
        .set_storage(token, slot(rich), U256::from(99));
    snapshot.state_with(rich).unwrap().set_balance(rich, ether(1));
    for (owner, expected) in [
        (rich, 99),
        (Address::repeat_byte(2), 10),
        (Key::new(1).address(), 999_990),
    ] {
        let request = CallRequest {
            to: TxKind::Call(token),
            input: token_balance_of(owner),
            ..CallRequest::default()
        };
        let balance = U256::from_be_slice(&snapshot.call(&request).unwrap().output);
        assert_eq!(balance, U256::from(expected), "{owner}");
    }
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

    fn all_storage(&self, _: Address) -> Result<Vec<(U256, U256)>, PastError> {
        gone()
    }
}

#[test]
fn a_state_that_cannot_be_read_is_no_empty_one() {
    let (chain, ..) = blocks();
    let snapshot = past(&chain, 1, Gone);
    let request = CallRequest {
        to: TxKind::Call(Address::repeat_byte(9)),
        ..CallRequest::default()
    };
    let error = CallError::State(gone::<B256>().unwrap_err());
    assert_eq!(snapshot.call(&request), Err(error.clone()));
    assert_eq!(snapshot.estimate_gas(&request), Err(error));
}
