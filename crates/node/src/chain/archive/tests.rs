//! Whatever blocks change, the archive has every state as it was.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use alloy_primitives::{B256, KECCAK256_EMPTY};
use proptest::prelude::*;
use rayswarm_chain::{AccountChange, AccountFields};
use redb::{Database, ReadableDatabase, backends::InMemoryBackend};

use super::*;
use crate::chain::snapshots::rows::apply;

/// A state by its rows, as a block left it.
#[derive(Clone, Debug, Default)]
struct Model {
    nonces: BTreeMap<Address, u64>,
    slots: BTreeMap<(Address, U256), U256>,
}

impl Model {
    fn apply(&mut self, changes: &StateChanges) {
        for (address, change) in &changes.accounts {
            if change.cleared || change.fields.is_none() {
                self.slots.retain(|(owner, _), _| owner != address);
            }
            for (slot, value) in &change.slots {
                self.slots.insert((*address, *slot), *value);
            }
            match change.fields {
                Some(fields) => self.nonces.insert(*address, fields.nonce),
                None => self.nonces.remove(address),
            };
        }
        self.slots.retain(|_, value| !value.is_zero());
    }
}

fn word(byte: u8) -> U256 {
    // Slots next to each other, and the last of all.
    if byte == 3 { U256::MAX } else { U256::from(byte) }
}

fn change() -> impl Strategy<Value = AccountChange> {
    let slots = prop::collection::btree_map((0..4u8).prop_map(word), (0..3u8).prop_map(U256::from), 0..4);
    (any::<bool>(), 0..5u64, slots).prop_map(|(cleared, nonce, slots)| {
        let fields = (nonce > 0).then_some(AccountFields {
            nonce,
            balance: U256::from(nonce),
            code_hash: KECCAK256_EMPTY,
        });
        AccountChange {
            slots: if fields.is_some() { slots } else { BTreeMap::new() },
            cleared,
            fields,
        }
    })
}

/// What one block changes.
fn changes() -> impl Strategy<Value = StateChanges> {
    let address = prop::sample::select(vec![
        Address::ZERO,
        Address::with_last_byte(1),
        Address::repeat_byte(0xff),
    ]);
    prop::collection::btree_map(address, change(), 0..3).prop_map(|accounts| StateChanges {
        accounts,
        ..StateChanges::default()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_state_is_as_it_was(blocks in prop::collection::vec(changes(), 1..12), first in 0..12usize) {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let write = |work: &dyn Fn(&WriteTransaction) -> Result<(), redb::Error>| {
            let transaction = database.begin_write().unwrap();
            work(&transaction).unwrap();
            transaction.commit().unwrap();
        };
        let first = first.min(blocks.len() - 1);
        let mut model = Model::default();
        let mut states = Vec::new();
        for (height, changes) in blocks.iter().enumerate() {
            write(&|transaction| {
                if height > first {
                    note(transaction, height as u64, changes)?;
                }
                apply(transaction, changes)?;
                if height == first {
                    begin(transaction, height as u64)?;
                }
                Ok(())
            });
            model.apply(changes);
            states.push(model.clone());
        }
        let view = || database.begin_read().unwrap();
        prop_assert_eq!(super::first(&view()).unwrap(), Some(first as u64));
        for (height, state) in states.iter().enumerate().skip(first) {
            let past = Past::new(view(), height as u64);
            for address in [Address::ZERO, Address::with_last_byte(1), Address::repeat_byte(0xff)] {
                let nonce = past.account(address).unwrap().map(|account| account.nonce);
                prop_assert_eq!(nonce, state.nonces.get(&address).copied(), "{} at {}", address, height);
                for slot in (0..4).map(word) {
                    let expected = state.slots.get(&(address, slot)).copied().unwrap_or_default();
                    prop_assert_eq!(past.storage(address, slot).unwrap(), expected, "{} {} at {}", address, slot, height);
                }
            }
        }
        write(&forget);
        prop_assert_eq!(super::first(&view()).unwrap(), None);
    }
}

#[test]
fn an_account_has_the_code_that_it_had() {
    let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
    let code = Bytes::from_static(&[0x5f]);
    let address = Address::repeat_byte(1);
    for (height, code) in [(0, Bytes::new()), (1, code.clone())] {
        let code_hash = if code.is_empty() {
            KECCAK256_EMPTY
        } else {
            alloy_primitives::keccak256(&code)
        };
        let change = AccountChange {
            fields: Some(AccountFields {
                nonce: 1,
                balance: U256::ZERO,
                code_hash,
            }),
            ..AccountChange::default()
        };
        let changes = StateChanges {
            accounts: [(address, change)].into(),
            codes: [(code_hash, code)]
                .into_iter()
                .filter(|(hash, _): &(B256, Bytes)| *hash != KECCAK256_EMPTY)
                .collect(),
        };
        let transaction = database.begin_write().unwrap();
        note(&transaction, height, &changes).unwrap();
        apply(&transaction, &changes).unwrap();
        transaction.commit().unwrap();
    }
    let codes = [0, 1].map(|height| {
        let past = Past::new(database.begin_read().unwrap(), height);
        past.account(address).unwrap().unwrap().code
    });
    assert_eq!(codes, [Bytes::new(), code]);
}
