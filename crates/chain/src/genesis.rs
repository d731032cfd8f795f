//! The first block and the rules it fixes: chain id, hardfork, gas limit, opening balances.
//!
//! Every node that starts from the same [`Genesis`] computes the same genesis hash, which is what an
//! invitation names a chain by. The JSON form is meant to be written and read by people.

use std::collections::BTreeMap;

use alloy_consensus::{BlockBody, EMPTY_ROOT_HASH};
use alloy_eips::{eip4895::Withdrawals, eip7825::MAX_TX_GAS_LIMIT_OSAKA};
use alloy_primitives::{Address, B256, Bytes, U256};
use revm::primitives::hardfork::SpecId;
use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, HeaderParts, SealedBlock, seal_header},
    state::State,
};

/// The Ethereum rules a chain executes by.
///
/// Amsterdam is left out on purpose: it multiplies the price of state, and the contracts here are written
/// for the gas table before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hardfork {
    /// Pectra: EIP-7702 accounts, EIP-7623 calldata floor.
    Prague,
    /// Fusaka: CLZ, secp256r1 and a cap of 16,777,216 gas per transaction (EIP-7825). The contracts are
    /// compiled for it.
    Osaka,
}

impl Hardfork {
    pub(crate) const fn spec(self) -> SpecId {
        match self {
            Self::Prague => SpecId::PRAGUE,
            Self::Osaka => SpecId::OSAKA,
        }
    }

    /// The largest gas limit one transaction may have (EIP-7825), if there is one.
    pub const fn transaction_gas_cap(self) -> Option<u64> {
        match self {
            Self::Prague => None,
            Self::Osaka => Some(MAX_TX_GAS_LIMIT_OSAKA),
        }
    }
}

/// What a chain starts from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Genesis {
    /// EIP-155 chain id, part of every signature.
    pub chain_id: u64,
    /// Time of block 0, seconds since 1970.
    pub timestamp: u64,
    /// Gas of every block; constant for the life of the chain.
    pub gas_limit: u64,
    /// Base fee of block 1 in wei per gas; from there EIP-1559 moves it. Below 8 wei it never falls.
    pub base_fee: u64,
    /// Rules of execution.
    pub hardfork: Hardfork,
    /// Coinbase of block 0; the sealer of a `solo` chain, which receives the tips.
    pub sealer: Address,
    /// Opening balances, and contracts that exist from the start.
    pub alloc: BTreeMap<Address, GenesisAccount>,
}

/// An account that exists in block 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct GenesisAccount {
    /// Balance in wei (hexadecimal or decimal string).
    pub balance: U256,
    /// Next nonce.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub nonce: u64,
    /// Deployed code.
    #[serde(default, skip_serializing_if = "no_code")]
    pub code: Bytes,
    /// Storage, slot to value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub storage: BTreeMap<U256, U256>,
}

/// Serde wants a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_zero(value: &u64) -> bool {
    *value == 0
}

fn no_code(code: &Bytes) -> bool {
    code.is_empty()
}

/// Why a genesis cannot start a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GenesisError {
    /// A block could not hold one plain transfer, or would overflow the arithmetic of fees.
    #[error("genesis gas limit {0} is outside 21000..=1000000000000; set `gasLimit` to something like 100000000")]
    GasLimit(u64),
    /// EIP-155 reserves zero for "no chain".
    #[error("genesis chain id 0 is reserved; choose any other `chainId`")]
    ChainId,
    /// The balances do not fit into 256 bits together.
    #[error("the balances in genesis `alloc` sum to more than 2^256 wei; lower them")]
    Supply,
}

impl Genesis {
    /// Checks the values that later arithmetic relies on.
    ///
    /// # Errors
    /// See [`GenesisError`].
    pub fn check(&self) -> Result<(), GenesisError> {
        if !(21_000..=1_000_000_000_000).contains(&self.gas_limit) {
            return Err(GenesisError::GasLimit(self.gas_limit));
        }
        if self.chain_id == 0 {
            return Err(GenesisError::ChainId);
        }
        self.alloc
            .values()
            .try_fold(U256::ZERO, |sum, account| sum.checked_add(account.balance))
            .map(|_| ())
            .ok_or(GenesisError::Supply)
    }

    /// The state before the first transaction.
    pub fn state(&self) -> State {
        let mut state = State::default();
        for (&address, account) in &self.alloc {
            state.set_balance(address, account.balance);
            state.set_nonce(address, account.nonce);
            state.set_code(address, account.code.clone());
            for (&slot, &value) in &account.storage {
                state.set_storage(address, slot, value);
            }
        }
        state
    }

    /// Block 0.
    pub fn block(&self) -> SealedBlock {
        self.block_on(&self.state())
    }

    /// Block 0 over a state that was already computed.
    pub(crate) fn block_on(&self, state: &State) -> SealedBlock {
        let header = seal_header(HeaderParts {
            parent_hash: B256::ZERO,
            number: 0,
            timestamp: self.timestamp,
            beneficiary: self.sealer,
            mix_hash: B256::ZERO,
            extra_data: Bytes::new(),
            gas_limit: self.gas_limit,
            base_fee: self.base_fee,
            state_root: state.root(),
            transactions_root: EMPTY_ROOT_HASH,
            receipts_root: EMPTY_ROOT_HASH,
            ..HeaderParts::default()
        });
        let body = BlockBody {
            transactions: Vec::new(),
            ommers: Vec::new(),
            withdrawals: Some(Withdrawals::default()),
        };
        SealedBlock::new(Block { header, body }, Vec::new(), Vec::new())
    }

    /// Hash of block 0: the chain's name.
    pub fn hash(&self) -> B256 {
        self.block().hash
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::testing::genesis;

    #[test]
    fn json_comes_back_the_same_and_reads_well() {
        let genesis = genesis();
        let text = serde_json::to_string_pretty(&genesis).unwrap();
        assert!(text.contains("\"hardfork\": \"osaka\""), "{text}");
        assert!(!text.contains("nonce"), "defaults stay out: {text}");
        let back: Genesis = serde_json::from_str(&text).unwrap();
        assert_eq!(back, genesis);
        assert_eq!(back.hash(), genesis.hash());
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let mut value = serde_json::to_value(genesis()).unwrap();
        value["gaslimit"] = 5.into();
        assert!(serde_json::from_value::<Genesis>(value).is_err());
    }

    #[test]
    fn every_rule_of_genesis_shows_in_its_hash() {
        let base = genesis();
        let hash = base.hash();
        type Change = (&'static str, fn(&mut Genesis));
        let changes: [Change; 5] = [
            ("timestamp", |g| g.timestamp += 1),
            ("gas limit", |g| g.gas_limit += 1),
            ("base fee", |g| g.base_fee += 1),
            ("sealer", |g| g.sealer = Address::repeat_byte(9)),
            ("alloc", |g| g.alloc.clear()),
        ];
        for (name, change) in changes {
            let mut changed = base.clone();
            change(&mut changed);
            assert_ne!(changed.hash(), hash, "{name}");
        }
    }

    #[test]
    fn impossible_rules_are_refused() {
        let with = |change: fn(&mut Genesis)| {
            let mut genesis = genesis();
            change(&mut genesis);
            genesis.check()
        };
        assert_eq!(with(|_| ()), Ok(()));
        assert_eq!(with(|g| g.gas_limit = 20_999), Err(GenesisError::GasLimit(20_999)));
        assert_eq!(with(|g| g.chain_id = 0), Err(GenesisError::ChainId));
        let supply = with(|g| {
            for account in g.alloc.values_mut() {
                account.balance = U256::MAX;
            }
        });
        assert_eq!(supply, Err(GenesisError::Supply));
    }
}
