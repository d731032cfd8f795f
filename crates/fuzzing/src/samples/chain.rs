//! A chain with one transaction of every type.

use super::Sample;
use crate::{chain::CHAIN_ID, consensus::key};
use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{
    eip2718::Encodable2718 as _,
    eip2930::{AccessList, AccessListItem},
    eip7702::Authorization,
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use rayswarm_chain::{BlockAttributes, Chain, Genesis, GenesisAccount, Hardfork, SealedBlock, Transaction, recover};

/// An account with a contract.
pub const CONTRACT: Address = Address::repeat_byte(0xcc);

/// It stores the first word that it is called with, logs it, and returns it.
const CONTRACT_CODE: &[u8] = &[
    0x5f, 0x35, 0x80, 0x5f, 0x55, 0x80, 0x5f, 0x52, 0x60, 0x20, 0x5f, 0xa1, 0x60, 0x20, 0x5f, 0xf3,
];

const TIME: u64 = 1_800_000_000;
const FEE: u128 = 1_000_000_000;

/// The genesis: four accounts that have coins, and the contract. Blocks are small, so that no call takes long.
pub fn genesis() -> Genesis {
    let rich = |number| {
        let account = GenesisAccount {
            balance: U256::from(10).pow(U256::from(18)),
            ..GenesisAccount::default()
        };
        (key(number).address(), account)
    };
    let contract = GenesisAccount {
        nonce: 1,
        code: Bytes::from_static(CONTRACT_CODE),
        ..GenesisAccount::default()
    };
    Genesis {
        chain_id: CHAIN_ID,
        timestamp: TIME,
        gas_limit: 500_000,
        base_fee: 7,
        hardfork: Hardfork::Osaka,
        sealer: Address::repeat_byte(0x5e),
        alloc: (1..=4).map(rich).chain([(CONTRACT, contract)]).collect(),
        extra_data: Bytes::new(),
        reward: U256::ZERO,
        system: None,
    }
}

fn sign(number: u8, hash: B256) -> Signature {
    key(number).sign_digest(&hash)
}

fn signed<T: SignableTransaction<Signature>>(number: u8, transaction: T) -> Transaction
where
    Transaction: From<alloy_consensus::Signed<T>>,
{
    let signature = sign(number, transaction.signature_hash());
    transaction.into_signed(signature).into()
}

fn word(number: u64) -> Bytes {
    Bytes::copy_from_slice(B256::from(U256::from(number)).as_slice())
}

fn transfer() -> Transaction {
    let transaction = TxLegacy {
        chain_id: Some(CHAIN_ID),
        nonce: 0,
        gas_price: FEE,
        gas_limit: 21_000,
        to: TxKind::Call(Address::repeat_byte(2)),
        value: U256::from(5),
        input: Bytes::new(),
    };
    signed(1, transaction)
}

fn listed() -> Transaction {
    let transaction = TxEip2930 {
        chain_id: CHAIN_ID,
        nonce: 0,
        gas_price: FEE,
        gas_limit: 100_000,
        to: TxKind::Call(CONTRACT),
        value: U256::ZERO,
        access_list: AccessList(vec![AccessListItem {
            address: CONTRACT,
            storage_keys: vec![B256::ZERO],
        }]),
        input: word(2),
    };
    signed(2, transaction)
}

/// A call of the contract, which an empty chain of this genesis takes.
pub fn call() -> Transaction {
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: 0,
        gas_limit: 100_000,
        max_fee_per_gas: FEE,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(CONTRACT),
        value: U256::ZERO,
        access_list: AccessList::default(),
        input: word(7),
    };
    signed(3, transaction)
}

fn creation() -> Transaction {
    let transaction = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce: 1,
        gas_limit: 100_000,
        max_fee_per_gas: FEE,
        max_priority_fee_per_gas: 2,
        to: TxKind::Create,
        value: U256::ZERO,
        access_list: AccessList::default(),
        // Returns one byte, which is the code of the new contract: to stop.
        input: Bytes::from_static(&[0x60, 1, 0x5f, 0xf3]),
    };
    signed(3, transaction)
}

fn delegation() -> Transaction {
    let authorization = Authorization {
        chain_id: U256::from(CHAIN_ID),
        address: CONTRACT,
        nonce: 0,
    };
    let signature = sign(4, authorization.signature_hash());
    let transaction = TxEip7702 {
        chain_id: CHAIN_ID,
        nonce: 1,
        gas_limit: 100_000,
        max_fee_per_gas: FEE,
        max_priority_fee_per_gas: 1,
        to: key(4).address(),
        value: U256::ZERO,
        access_list: AccessList::default(),
        authorization_list: vec![authorization.into_signed(signature)],
        input: word(9),
    };
    signed(2, transaction)
}

fn block_of(transactions: Vec<Transaction>) -> SealedBlock {
    let mut chain = Chain::new(genesis()).unwrap();
    for transaction in transactions {
        chain.submit(recover(transaction).unwrap()).unwrap();
    }
    let attributes = BlockAttributes {
        timestamp: TIME + 1,
        beneficiary: Address::repeat_byte(0x5e),
        mix_hash: B256::repeat_byte(3),
        extra_data: Bytes::from_static(b"fuzz"),
        difficulty: U256::from(1 << 20),
        nonce: 77,
    };
    chain.build_block(attributes).unwrap().executed.sealed
}

/// A block with a transaction of every type.
pub fn full() -> SealedBlock {
    block_of(vec![transfer(), listed(), call(), creation(), delegation()])
}

/// Block 1 with nothing in it.
pub fn empty() -> SealedBlock {
    block_of(Vec::new())
}

pub(super) fn transactions() -> Vec<Sample> {
    [
        ("legacy", transfer()),
        ("listed", listed()),
        ("call", call()),
        ("creation", creation()),
        ("delegation", delegation()),
    ]
    .map(|(name, transaction)| (name, transaction.encoded_2718()))
    .into()
}

pub(super) fn blocks() -> Vec<Sample> {
    vec![
        ("genesis", genesis().block().encode()),
        ("empty", empty().encode()),
        ("full", full().encode()),
    ]
}

pub(super) fn headers() -> Vec<Sample> {
    [("genesis", genesis().block()), ("full", full())]
        .map(|(name, block)| (name, alloy_rlp::encode(block.header())))
        .into()
}

pub(super) fn executed_blocks() -> Vec<Sample> {
    [
        ("transfer", block_of(vec![transfer()])),
        ("call", block_of(vec![call()])),
    ]
    .map(|(name, block)| (name, block.encode_executed()))
    .into()
}
