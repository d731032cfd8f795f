//! Builders for this crate's tests: keys from small numbers, transactions in one line, a funded genesis.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip7702, TxLegacy};
use alloy_eips::{
    eip2930::AccessList,
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use k256::ecdsa::SigningKey;

use crate::{
    genesis::{Genesis, GenesisAccount, Hardfork},
    transaction::{RecoveredTransaction, Transaction, recover},
};

pub const CHAIN_ID: u64 = 5_253;
pub const GENESIS_TIME: u64 = 1_800_000_000;

pub fn ether(amount: u64) -> U256 {
    U256::from(amount) * U256::from(10).pow(U256::from(18))
}

pub fn sealer() -> Address {
    Address::repeat_byte(0x5e)
}

/// A genesis in which keys 1 to 9 have 1,000 coins each.
pub fn genesis() -> Genesis {
    let rich = |seed| {
        let account = GenesisAccount {
            balance: ether(1_000),
            ..GenesisAccount::default()
        };
        (Key::new(seed).address(), account)
    };
    Genesis {
        chain_id: CHAIN_ID,
        timestamp: GENESIS_TIME,
        gas_limit: 30_000_000,
        base_fee: 7,
        hardfork: Hardfork::Osaka,
        sealer: sealer(),
        alloc: (1..10).map(rich).collect::<BTreeMap<_, _>>(),
        extra_data: Bytes::new(),
        reward: U256::ZERO,
        system: None,
    }
}

pub struct Key(SigningKey);

impl Key {
    pub fn new(seed: u8) -> Self {
        Self(SigningKey::from_slice(&[seed; 32]).unwrap())
    }

    pub fn address(&self) -> Address {
        Address::from_public_key(self.0.verifying_key())
    }

    pub fn sign(&self, hash: B256) -> Signature {
        self.0.sign_prehash_recoverable(hash.as_slice()).unwrap().into()
    }

    pub fn delegate(&self, to: Address, nonce: u64) -> SignedAuthorization {
        let authorization = Authorization {
            chain_id: U256::from(CHAIN_ID),
            address: to,
            nonce,
        };
        let signature = self.sign(authorization.signature_hash());
        authorization.into_signed(signature)
    }
}

/// An EIP-1559 transaction unless told otherwise.
#[derive(Clone)]
pub struct Tx {
    kind: u8,
    inner: TxEip1559,
    delegations: Vec<SignedAuthorization>,
}

impl Tx {
    fn new(to: TxKind, value: U256, input: Bytes, gas_limit: u64) -> Self {
        Self {
            kind: 2,
            inner: TxEip1559 {
                chain_id: CHAIN_ID,
                nonce: 0,
                gas_limit,
                max_fee_per_gas: 2_000_000_000,
                max_priority_fee_per_gas: 1_000_000_000,
                to,
                value,
                access_list: AccessList::default(),
                input,
            },
            delegations: Vec::new(),
        }
    }

    pub fn transfer(to: Address, value: U256) -> Self {
        Self::new(TxKind::Call(to), value, Bytes::new(), 21_000)
    }

    pub fn call(to: Address, input: Bytes) -> Self {
        Self::new(TxKind::Call(to), U256::ZERO, input, 500_000)
    }

    pub fn create(code: Bytes) -> Self {
        Self::new(TxKind::Create, U256::ZERO, code, 2_000_000)
    }

    pub fn nonce(mut self, nonce: u64) -> Self {
        self.inner.nonce = nonce;
        self
    }

    pub fn gas(mut self, gas: u64) -> Self {
        self.inner.gas_limit = gas;
        self
    }

    pub fn value(mut self, value: U256) -> Self {
        self.inner.value = value;
        self
    }

    pub fn input(mut self, input: Bytes) -> Self {
        self.inner.input = input;
        self
    }

    /// Fee cap and tip, in wei per gas.
    pub fn fees(mut self, cap: u128, tip: u128) -> Self {
        self.inner.max_fee_per_gas = cap;
        self.inner.max_priority_fee_per_gas = tip;
        self
    }

    /// EIP-2718 type: 0, 1, 2 or 4.
    pub fn kind(mut self, kind: u8) -> Self {
        self.kind = kind;
        self
    }

    pub fn delegations(mut self, delegations: Vec<SignedAuthorization>) -> Self {
        self.delegations = delegations;
        self.kind(4)
    }

    pub fn sign(self, key: &Key) -> Transaction {
        let tx = self.inner;
        match self.kind {
            0 => {
                let tx = TxLegacy {
                    chain_id: Some(tx.chain_id),
                    nonce: tx.nonce,
                    gas_price: tx.max_fee_per_gas,
                    gas_limit: tx.gas_limit,
                    to: tx.to,
                    value: tx.value,
                    input: tx.input,
                };
                let signature = key.sign(tx.signature_hash());
                tx.into_signed(signature).into()
            }
            1 => {
                let tx = TxEip2930 {
                    chain_id: tx.chain_id,
                    nonce: tx.nonce,
                    gas_price: tx.max_fee_per_gas,
                    gas_limit: tx.gas_limit,
                    to: tx.to,
                    value: tx.value,
                    input: tx.input,
                    access_list: tx.access_list,
                };
                let signature = key.sign(tx.signature_hash());
                tx.into_signed(signature).into()
            }
            4 => {
                let tx = TxEip7702 {
                    chain_id: tx.chain_id,
                    nonce: tx.nonce,
                    gas_limit: tx.gas_limit,
                    max_fee_per_gas: tx.max_fee_per_gas,
                    max_priority_fee_per_gas: tx.max_priority_fee_per_gas,
                    to: *tx.to.to().unwrap(),
                    value: tx.value,
                    access_list: tx.access_list,
                    authorization_list: self.delegations,
                    input: tx.input,
                };
                let signature = key.sign(tx.signature_hash());
                tx.into_signed(signature).into()
            }
            _ => {
                let signature = key.sign(tx.signature_hash());
                tx.into_signed(signature).into()
            }
        }
    }

    pub fn recovered(self, key: &Key) -> RecoveredTransaction {
        recover(self.sign(key)).unwrap()
    }
}

/// A small token in the manner of ERC-20: `balanceOf`, `transfer` with its event, 1,000,000 for the creator,
/// and `Error("short")` for whoever sends more than it has. Balances sit in the slot of their owner's address.
pub fn token_code() -> Bytes {
    const CODE: &str = concat!(
        "620f42403355609a80600f5f395ff35f3560e01c806370a082311461001e578063a9059cbb14610029575f5ffd5b6004",
        "35545f5260205ff35b6024353354818110610075578190033355600435805482018155815f52337fddf252ad1be2c89b",
        "69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef60205fa360015f5260205ff35b6308c379a060e01b5f5260",
        "2060045260056024526473686f727460d81b60445260645ffd",
    );
    alloy_primitives::hex::decode(CODE).unwrap().into()
}

pub fn token_transfer(to: Address, amount: u64) -> Bytes {
    let selector = [0xa9, 0x05, 0x9c, 0xbb];
    [
        &selector[..],
        to.into_word().as_slice(),
        &U256::from(amount).to_be_bytes::<32>(),
    ]
    .concat()
    .into()
}

pub fn token_balance_of(owner: Address) -> Bytes {
    [&[0x70, 0xa0, 0x82, 0x31][..], owner.into_word().as_slice()]
        .concat()
        .into()
}
