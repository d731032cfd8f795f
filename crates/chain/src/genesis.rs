//! The first block and the rules it fixes: chain id, hardfork, gas limit, opening balances.
//!
//! Every node that starts from the same [`Genesis`] computes the same genesis hash, which is what an
//! invitation names a chain by. The JSON form is meant to be written and read by people.

use std::{collections::BTreeMap, sync::Arc};

use alloy_consensus::{BlockBody, EMPTY_ROOT_HASH};
use alloy_eips::{eip4895::Withdrawals, eip7825::MAX_TX_GAS_LIMIT_OSAKA};
use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use revm::primitives::hardfork::SpecId;
use serde::{Deserialize, Serialize};

use crate::{
    block::{Block, EXTRA_DATA_BYTES_MAX, HeaderParts, SealedBlock, seal_header},
    changes::{AccountChange, AccountFields, StateChanges},
    database::{EvmDatabase, RecentHashes},
    execute::{BlockEnvironment, Rules},
    state::State,
    system::{SystemOutcome, call_system},
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
    /// Extra data of block 0, at most 32 bytes: whatever else the chain's name is to cover.
    #[serde(default, skip_serializing_if = "no_bytes")]
    pub extra_data: Bytes,
    /// Coins that every block makes, in wei, at most 2^128.
    #[serde(default, skip_serializing_if = "U256::is_zero")]
    pub reward: U256,
    /// The contract that gets the reward and is told of the end of every block. Without one the beneficiary gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system: Option<SystemContract>,
}

/// The contract that consensus and chain have in common. Its code is in `alloc`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SystemContract {
    /// Where it is.
    pub address: Address,
    /// What it is called with in block 0, by the system address; no call if there is nothing.
    #[serde(default, skip_serializing_if = "no_bytes")]
    pub init: Bytes,
}

/// What a chain begins with: the state after block 0, and how it comes out of nothing.
pub(crate) struct Opening {
    pub state: State,
    pub changes: StateChanges,
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
    #[serde(default, skip_serializing_if = "no_bytes")]
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

/// Rewards below it cannot overflow balances in 2^64 blocks.
const REWARD_BITS_MAX: usize = 128;

fn no_bytes(bytes: &Bytes) -> bool {
    bytes.is_empty()
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
    /// The balances do not fit into 256 bits together, with all rewards there can be.
    #[error("the balances in genesis `alloc` and the rewards of 2^64 blocks sum to more than 2^256 wei; lower them")]
    Supply,
    /// A reward that could overflow.
    #[error("genesis reward of {0} wei is not below 2^128; lower `reward`")]
    Reward(U256),
    /// More than a header may carry.
    #[error("genesis extra data of {0} bytes, at most {EXTRA_DATA_BYTES_MAX} are allowed")]
    ExtraData(usize),
    /// There is no code to call.
    #[error("the system contract {0} has no code in genesis `alloc`")]
    SystemCode(Address),
    /// The system contract does not begin.
    #[error("the system contract does not take its `init`: {0:?}")]
    SystemInit(SystemOutcome),
}

impl Genesis {
    /// Checks the values that later arithmetic relies on.
    ///
    /// # Errors
    /// See [`GenesisError`].
    pub fn check(&self) -> Result<(), GenesisError> {
        self.check_and_open().map(|_| ())
    }

    pub(crate) fn check_and_open(&self) -> Result<Opening, GenesisError> {
        if !(21_000..=1_000_000_000_000).contains(&self.gas_limit) {
            return Err(GenesisError::GasLimit(self.gas_limit));
        }
        if self.chain_id == 0 {
            return Err(GenesisError::ChainId);
        }
        if self.extra_data.len() > EXTRA_DATA_BYTES_MAX {
            return Err(GenesisError::ExtraData(self.extra_data.len()));
        }
        if self.reward.bit_len() > REWARD_BITS_MAX {
            return Err(GenesisError::Reward(self.reward));
        }
        self.alloc
            .values()
            .try_fold(self.reward << 64, |sum: U256, account| sum.checked_add(account.balance))
            .ok_or(GenesisError::Supply)?;
        self.open()
    }

    /// The state before the first transaction. A system contract that does not take its `init`, which [`Genesis::check`]
    /// refuses, leaves no trace in it.
    pub fn state(&self) -> State {
        self.open().map_or_else(|_| self.alloc_state(), |opening| opening.state)
    }

    /// How the state after block 0 comes out of nothing: what a flat copy of the state starts with.
    ///
    /// # Errors
    /// [`GenesisError::SystemCode`], [`GenesisError::SystemInit`].
    pub fn changes(&self) -> Result<StateChanges, GenesisError> {
        self.open().map(|opening| opening.changes)
    }

    pub(crate) fn rules(&self) -> Rules {
        Rules {
            chain_id: self.chain_id,
            hardfork: self.hardfork,
            gas_limit: self.gas_limit,
            reward: self.reward,
            system: self.system.as_ref().map(|system| system.address),
        }
    }

    fn alloc_state(&self) -> State {
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

    fn alloc_changes(&self) -> StateChanges {
        let mut changes = StateChanges::default();
        for (&address, account) in &self.alloc {
            let code_hash = keccak256(&account.code);
            if code_hash != KECCAK256_EMPTY {
                changes.codes.insert(code_hash, account.code.clone());
            }
            let written = account.storage.iter().filter(|(_, value)| !value.is_zero());
            let change = AccountChange {
                fields: Some(AccountFields {
                    nonce: account.nonce,
                    balance: account.balance,
                    code_hash,
                }),
                cleared: false,
                slots: written.map(|(slot, value)| (*slot, *value)).collect(),
            };
            changes.record(address, change);
        }
        changes
    }

    /// The state after block 0, the system contract's beginning included.
    fn open(&self) -> Result<Opening, GenesisError> {
        let mut database = EvmDatabase::new(self.alloc_state(), Arc::new(RecentHashes::default()));
        database.changes = self.alloc_changes();
        if let Some(SystemContract { address, init }) = &self.system {
            if self.alloc.get(address).is_none_or(|account| account.code.is_empty()) {
                return Err(GenesisError::SystemCode(*address));
            }
            if !init.is_empty() {
                let environment = BlockEnvironment {
                    number: 0,
                    timestamp: self.timestamp,
                    beneficiary: self.sealer,
                    mix_hash: B256::ZERO,
                    gas_limit: self.gas_limit,
                    base_fee: self.base_fee,
                };
                match call_system(self.rules(), &environment, *address, init.clone(), &mut database) {
                    SystemOutcome::Done { .. } => {}
                    failed => return Err(GenesisError::SystemInit(failed)),
                }
            }
        }
        Ok(Opening {
            state: database.state.memory,
            changes: database.changes,
        })
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
            extra_data: self.extra_data.clone(),
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
    use alloy_primitives::b256;

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

    /// The hashes from before there were rewards, a system contract, difficulty and nonce.
    #[test]
    fn chains_that_ask_for_nothing_new_keep_their_hashes() {
        let mut chain = crate::Chain::new(genesis()).unwrap();
        let attributes = crate::BlockAttributes {
            timestamp: crate::testing::GENESIS_TIME,
            ..crate::BlockAttributes::default()
        };
        let first = chain.build_block(attributes).unwrap().executed;
        let expected = [
            b256!("0x7665c517135a7f867d5c3147cf6c4f128bbd62e8e7e6af96c66baed8e30df903"),
            b256!("0x70293a59f063f78050cc9256f47c9287aeeb766656208bd59d6fcef6a5dd21e3"),
        ];
        assert_eq!([genesis().hash(), chain.append(first).unwrap().hash], expected);
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
        let changes: [Change; 6] = [
            ("timestamp", |g| g.timestamp += 1),
            ("gas limit", |g| g.gas_limit += 1),
            ("base fee", |g| g.base_fee += 1),
            ("sealer", |g| g.sealer = Address::repeat_byte(9)),
            ("alloc", |g| g.alloc.clear()),
            ("extra data", |g| g.extra_data = Bytes::from_static(&[1])),
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
        let long = with(|g| g.extra_data = Bytes::from_static(&[1; 33]));
        assert_eq!(long, Err(GenesisError::ExtraData(33)));
        let most = with(|g| g.reward = U256::from(u128::MAX));
        assert_eq!(most, Ok(()));
        let more = with(|g| g.reward = U256::ONE << 128);
        assert_eq!(more, Err(GenesisError::Reward(U256::ONE << 128)));
        let rewards = with(|g| {
            g.reward = U256::ONE << 127;
            g.alloc.values_mut().next().unwrap().balance = U256::MAX - (U256::ONE << 191);
        });
        assert_eq!(rewards, Err(GenesisError::Supply));
    }
}
