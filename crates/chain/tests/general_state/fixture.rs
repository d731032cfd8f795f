//! The format of state tests, as far as it is read here. Numbers are strings, mostly hexadecimal.

use std::{collections::BTreeMap, fmt};

use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::Deserialize;

/// A file: tests by name.
pub type StateTests = BTreeMap<String, StateTest>;

/// A state, a block, a transaction with choices, and what follows at each hardfork.
#[derive(Clone, Debug, Deserialize)]
pub struct StateTest {
    #[serde(default)]
    pub config: Config,
    pub env: Env,
    pub pre: BTreeMap<Address, AccountState>,
    pub transaction: Choices,
    pub post: BTreeMap<String, Vec<Outcome>>,
}

/// The chain.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Config {
    pub chainid: Option<U64>,
}

/// The block.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Env {
    pub current_coinbase: Address,
    pub current_gas_limit: U256,
    pub current_number: U256,
    pub current_timestamp: U256,
    pub current_random: Option<B256>,
    pub current_base_fee: Option<U256>,
    #[serde(default)]
    pub current_excess_blob_gas: U256,
}

/// An account before or after.
#[derive(Clone, Debug, Deserialize)]
pub struct AccountState {
    pub balance: U256,
    pub nonce: U64,
    pub code: Bytes,
    pub storage: BTreeMap<U256, U256>,
}

/// What may be chosen of the transaction. The rest of it is read from its bytes.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Choices {
    pub data: Vec<Bytes>,
    pub gas_limit: Vec<U256>,
    /// Texts, since some are meant to be no numbers.
    pub value: Vec<String>,
    pub sender: Option<Address>,
}

/// What follows from one choice.
#[derive(Clone, Debug, Deserialize)]
pub struct Outcome {
    pub indexes: Indexes,
    /// The signed transaction.
    pub txbytes: Option<Bytes>,
    /// Root of the state after it.
    pub hash: B256,
    /// keccak-256 of the encoded logs.
    pub logs: B256,
    /// Why no block may hold it.
    #[serde(rename = "expectException")]
    pub exception: Option<String>,
    /// The state after it, where it is told, to find what differs.
    pub state: Option<BTreeMap<Address, AccountState>>,
}

/// A choice.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Indexes {
    pub data: usize,
    pub gas: usize,
    pub value: usize,
}

impl fmt::Display for Indexes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "d{} g{} v{}", self.data, self.gas, self.value)
    }
}
