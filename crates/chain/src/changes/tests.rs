//! A flat copy that follows the blocks' changes is the state, whatever the blocks do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::convert::Infallible;

use alloy_primitives::keccak256;
use proptest::prelude::*;

use super::*;
use crate::{
    BlockAttributes, Chain, Genesis, State, SystemContract,
    testing::{GENESIS_TIME, Key, Tx, ether, genesis, token_code, token_transfer},
};

/// What a database would keep.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flat {
    accounts: BTreeMap<Address, AccountFields>,
    slots: BTreeMap<(Address, U256), U256>,
    codes: BTreeMap<B256, Bytes>,
}

impl Flat {
    pub(crate) fn apply(&mut self, changes: &StateChanges) {
        for (address, change) in &changes.accounts {
            if change.cleared {
                self.slots.retain(|(owner, _), _| owner != address);
            }
            for (slot, value) in &change.slots {
                if value.is_zero() {
                    self.slots.remove(&(*address, *slot));
                } else {
                    self.slots.insert((*address, *slot), *value);
                }
            }
            match change.fields {
                Some(fields) => self.accounts.insert(*address, fields),
                None => self.accounts.remove(address),
            };
        }
        for (hash, code) in &changes.codes {
            assert_eq!(keccak256(code), *hash);
            self.codes.insert(*hash, code.clone());
        }
    }

    pub(crate) fn accounts(&self) -> impl Iterator<Item = FlatAccount> {
        self.accounts.iter().map(|(address, fields)| {
            let slots = self.slots.range((*address, U256::ZERO)..=(*address, U256::MAX));
            FlatAccount {
                address: *address,
                nonce: fields.nonce,
                balance: fields.balance,
                code: self.codes.get(&fields.code_hash).cloned().unwrap_or_default(),
                storage: slots.map(|((_, slot), value)| (*slot, *value)).collect(),
            }
        })
    }

    pub(crate) fn state(&self) -> State {
        State::from_accounts(self.accounts().map(Ok::<_, Infallible>)).unwrap()
    }
}

/// Writes the first word of its call data into the slot that the second names.
const WRITER: &[u8] = &[0x5f, 0x35, 0x60, 0x20, 0x35, 0x55];
const WRITER_AT: Address = Address::repeat_byte(0xd1);

/// Creation code: write slot 1, and be gone again with whatever was sent (CALLER SELFDESTRUCT).
const GONE_AT_ONCE: &[u8] = &[0x60, 0x01, 0x60, 0x01, 0x55, 0x33, 0xff];

/// Counts its calls: PUSH0 SLOAD PUSH1 1 ADD PUSH0 SSTORE.
const COUNTER: &[u8] = &[0x5f, 0x54, 0x60, 0x01, 0x01, 0x5f, 0x55];
const COUNTER_AT: Address = Address::repeat_byte(0xd2);

fn world() -> Genesis {
    let mut genesis = genesis();
    genesis.alloc.entry(WRITER_AT).or_default().code = Bytes::from_static(WRITER);
    let writer = genesis.alloc.get_mut(&WRITER_AT).unwrap();
    writer.storage = [(U256::from(1), U256::from(7)), (U256::from(2), U256::ZERO)].into();
    genesis.alloc.entry(COUNTER_AT).or_default().code = Bytes::from_static(COUNTER);
    // An account that has nothing, which only a genesis can make.
    genesis.alloc.entry(Address::repeat_byte(0xd3)).or_default();
    genesis.reward = U256::from(3);
    genesis.system = Some(SystemContract {
        address: COUNTER_AT,
        init: Bytes::from_static(&[1]),
    });
    genesis
}

fn action(kind: u8, argument: u8, token: Address) -> Tx {
    let word = |value: u8| U256::from(value).to_be_bytes::<32>();
    match kind {
        0 => Tx::transfer(Address::repeat_byte(argument), ether(u64::from(argument % 4))),
        1 => Tx::create(token_code()),
        2 => Tx::call(
            token,
            token_transfer(
                Address::repeat_byte(argument),
                1_000_000 / (1 + u64::from(argument % 3)),
            ),
        ),
        3 => Tx::call(WRITER_AT, [word(argument % 2), word(argument % 5)].concat().into()),
        4 => Tx::create(Bytes::from_static(GONE_AT_ONCE)).value(U256::from(argument)),
        // Touches nobody, who then is not there.
        5 => Tx::transfer(Address::repeat_byte(0xe0 | argument), U256::ZERO),
        // Gives the account code that reads as a delegation, or takes it away.
        _ => {
            let target = if argument.is_multiple_of(2) {
                WRITER_AT
            } else {
                Address::ZERO
            };
            let authority = Key::new(9);
            Tx::transfer(Address::repeat_byte(1), U256::ZERO)
                .gas(200_000)
                .delegations(vec![authority.delegate(target, u64::from(argument / 2 % 4))])
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_flat_copy_has_the_blocks_root(
        actions in prop::collection::vec((1u8..4, 0u8..7, any::<u8>()), 1..30),
        per_block in 1usize..8,
    ) {
        let mut chain = Chain::new(world()).unwrap();
        let mut flat = Flat::default();
        flat.apply(&world().changes().unwrap());
        prop_assert_eq!(flat.state().root(), chain.state().root());
        let mut all = StateChanges::default();
        let begin = flat.clone();
        let token = Key::new(1).address().create(0);
        chain.submit(Tx::create(token_code()).recovered(&Key::new(1))).unwrap();
        for batch in actions.chunks(per_block) {
            for (seed, kind, argument) in batch {
                let key = Key::new(*seed);
                let tx = action(*kind, *argument, token).nonce(chain.pending_nonce(key.address()));
                chain.submit(tx.recovered(&key)).unwrap();
            }
            let attributes = BlockAttributes {
                timestamp: GENESIS_TIME,
                beneficiary: Address::repeat_byte(0xbe),
                ..BlockAttributes::default()
            };
            let executed = chain.build_block(attributes).unwrap().executed;
            all.extend(StateChanges::clone(executed.changes()));
            flat.apply(executed.changes());
            let rebuilt = flat.state();
            prop_assert_eq!(rebuilt.root(), executed.sealed.header().state_root);
            // Code is not in the root by its bytes.
            let existing = [WRITER_AT, COUNTER_AT, token, Key::new(9).address()];
            for address in existing {
                prop_assert_eq!(rebuilt.code(address), executed.state().code(address));
            }
            chain.append(executed).unwrap();
        }
        // Changes of several blocks are applied as one.
        let mut at_once = begin;
        at_once.apply(&all);
        prop_assert_eq!(at_once.state().root(), chain.state().root());
    }
}

#[test]
fn changes_name_what_was_touched_and_nothing_else() {
    let mut chain = Chain::new(genesis()).unwrap();
    let nobody = Address::repeat_byte(0xee);
    chain
        .submit(Tx::transfer(nobody, U256::ZERO).recovered(&Key::new(1)))
        .unwrap();
    chain.submit(Tx::create(token_code()).recovered(&Key::new(2))).unwrap();
    let attributes = BlockAttributes {
        timestamp: GENESIS_TIME,
        beneficiary: Address::repeat_byte(0xbe),
        ..BlockAttributes::default()
    };
    let executed = chain.build_block(attributes).unwrap().executed;
    let changes = executed.changes();
    let token = Key::new(2).address().create(0);
    let touched: Vec<Address> = changes.accounts.keys().copied().collect();
    let mut expected = [
        Key::new(1).address(),
        Key::new(2).address(),
        token,
        Address::repeat_byte(0xbe),
    ];
    expected.sort();
    assert_eq!(touched, expected);
    let made = &changes.accounts[&token];
    assert!(made.cleared, "a new contract has no storage of before");
    assert_eq!(
        made.slots.values().copied().collect::<Vec<_>>(),
        [U256::from(1_000_000)]
    );
    assert_eq!(
        changes.codes.keys().copied().collect::<Vec<_>>(),
        [made.fields.unwrap().code_hash]
    );
}
