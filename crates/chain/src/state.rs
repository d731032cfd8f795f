//! The world state: accounts, their storage and code, in memory, with a cheap state root.
//!
//! A [`State`] is a value: copying it costs a pointer (see [`crate::trie`]), so the chain keeps the last
//! few hundred of them, a block is executed on a copy, and a refused block leaves nothing to undo.

use std::collections::HashMap;

use alloy_primitives::{Address, B256, Bytes, KECCAK256_EMPTY, U256, keccak256};
use alloy_rlp::Encodable;
use alloy_trie::TrieAccount;
use revm::{bytecode::Bytecode, state::Account as TouchedAccount};

use crate::{
    changes::{AccountChange, AccountFields, FlatAccount, StateChanges},
    trie::{Trie, TrieValue},
};

/// One account: a person's balance and nonce, or a contract with code and storage.
#[derive(Clone, Debug)]
pub struct Account {
    /// Transactions sent (or contracts created, for a contract).
    pub nonce: u64,
    /// Balance in wei.
    pub balance: U256,
    /// keccak-256 of the code.
    pub code_hash: B256,
    pub(crate) code: Bytecode,
    storage: Trie<U256>,
}

impl Default for Account {
    fn default() -> Self {
        Self {
            nonce: 0,
            balance: U256::ZERO,
            code_hash: KECCAK256_EMPTY,
            code: Bytecode::default(),
            storage: Trie::default(),
        }
    }
}

impl Account {
    /// The deployed code; empty for a person's account.
    pub fn code(&self) -> Bytes {
        self.code.original_bytes()
    }

    /// Root of the storage trie.
    pub fn storage_root(&self) -> B256 {
        self.storage.root()
    }

    /// Whether EIP-161 counts the account as empty, and so as absent.
    pub fn is_empty(&self) -> bool {
        self.nonce == 0 && self.balance.is_zero() && self.code_hash == KECCAK256_EMPTY
    }

    /// Whether a transaction from this account is refused by EIP-3607 (code that is not a delegation).
    pub fn has_foreign_code(&self) -> bool {
        self.code_hash != KECCAK256_EMPTY && !self.code.is_eip7702()
    }

    fn fields(&self) -> AccountFields {
        AccountFields {
            nonce: self.nonce,
            balance: self.balance,
            code_hash: self.code_hash,
        }
    }

    fn set_slot(&mut self, slot: U256, value: U256) {
        let key = keccak256(B256::from(slot));
        if value.is_zero() {
            self.storage.remove(&key);
        } else {
            self.storage.insert(&key, value);
        }
    }
}

impl From<FlatAccount> for Account {
    fn from(account: FlatAccount) -> Self {
        Self::from_flat(account, |_, code| decode_code(code))
    }
}

impl Account {
    /// `decode` makes of a hash and its code what is executed; it is not asked about no code.
    fn from_flat(account: FlatAccount, decode: impl FnOnce(B256, Bytes) -> Bytecode) -> Self {
        let slots = account.storage.into_iter().filter(|(_, value)| !value.is_zero());
        let slots = slots.map(|(slot, value)| (keccak256(B256::from(slot)), value));
        let (code_hash, code) = if account.code.is_empty() {
            (KECCAK256_EMPTY, Bytecode::default())
        } else {
            let hash = keccak256(&account.code);
            (hash, decode(hash, account.code))
        };
        Self {
            nonce: account.nonce,
            balance: account.balance,
            code_hash,
            code,
            storage: Trie::from_entries(slots.collect()),
        }
    }
}

impl TrieValue for Account {
    fn encode_leaf(&self, out: &mut Vec<u8>) {
        TrieAccount {
            nonce: self.nonce,
            balance: self.balance,
            storage_root: self.storage.root(),
            code_hash: self.code_hash,
        }
        .encode(out);
    }
}

/// All accounts at one point of the chain.
#[derive(Clone, Debug, Default)]
pub struct State {
    accounts: Trie<Account>,
}

impl State {
    /// The state of a flat copy: linear in its size, apart from sorting.
    ///
    /// # Errors
    /// The first error of the iterator.
    pub fn from_accounts<E>(accounts: impl IntoIterator<Item = Result<FlatAccount, E>>) -> Result<Self, E> {
        let accounts = accounts.into_iter();
        let mut codes: HashMap<B256, Bytecode> = HashMap::new();
        let mut entries = Vec::with_capacity(accounts.size_hint().0);
        for account in accounts {
            let account = account?;
            // Contracts made by one factory share their code, here as well.
            let mut code_of = |hash: B256, code: Bytes| {
                let shared = codes.entry(hash).or_insert_with(|| decode_code(code));
                shared.clone()
            };
            entries.push((keccak256(account.address), Account::from_flat(account, &mut code_of)));
        }
        Ok(Self {
            accounts: Trie::from_entries(entries),
        })
    }

    /// The state root, as a block header carries it.
    pub fn root(&self) -> B256 {
        self.accounts.root()
    }

    /// How many trie nodes [`State::root`] would have to hash now, those of accounts' storage not counted.
    pub fn nodes_to_hash(&self) -> usize {
        self.accounts.nodes_to_hash()
    }

    /// The account at `address`, if it exists.
    pub fn account(&self, address: Address) -> Option<&Account> {
        self.accounts.get(&keccak256(address))
    }

    /// Balance in wei; zero where there is no account.
    pub fn balance(&self, address: Address) -> U256 {
        self.account(address).map_or(U256::ZERO, |account| account.balance)
    }

    /// The next nonce of `address`.
    pub fn nonce(&self, address: Address) -> u64 {
        self.account(address).map_or(0, |account| account.nonce)
    }

    /// Code deployed at `address`; empty where there is none.
    pub fn code(&self, address: Address) -> Bytes {
        self.account(address).map_or_else(Bytes::new, Account::code)
    }

    /// The value of one storage slot; zero where nothing was written.
    pub fn storage(&self, address: Address, slot: U256) -> U256 {
        self.account(address)
            .and_then(|account| account.storage.get(&keccak256(B256::from(slot))))
            .copied()
            .unwrap_or_default()
    }

    /// Merkle proof of the account (EIP-1186), root first.
    pub fn account_proof(&self, address: Address) -> Vec<Bytes> {
        self.accounts.proof(&keccak256(address))
    }

    /// Merkle proof of one storage slot (EIP-1186), storage root first.
    pub fn storage_proof(&self, address: Address, slot: U256) -> Vec<Bytes> {
        self.account(address)
            .map(|account| account.storage.proof(&keccak256(B256::from(slot))))
            .unwrap_or_default()
    }

    /// The sum of all balances in wei: what property tests hold against fees and genesis.
    #[cfg(test)]
    pub(crate) fn total_balance(&self) -> U256 {
        let mut total = U256::ZERO;
        self.accounts.for_each(&mut |account| total += account.balance);
        total
    }

    /// Sets a balance: for genesis and for the overrides of `eth_call`.
    pub fn set_balance(&mut self, address: Address, balance: U256) {
        self.update(address, |account| account.balance = balance);
    }

    /// Sets a nonce: for genesis and for the overrides of `eth_call`.
    pub fn set_nonce(&mut self, address: Address, nonce: u64) {
        self.update(address, |account| account.nonce = nonce);
    }

    /// Sets code: for genesis and for the overrides of `eth_call`.
    pub fn set_code(&mut self, address: Address, code: Bytes) {
        self.update(address, |account| {
            account.code_hash = keccak256(&code);
            account.code = decode_code(code);
        });
    }

    /// Sets one storage slot: for genesis and for the overrides of `eth_call`.
    pub fn set_storage(&mut self, address: Address, slot: U256, value: U256) {
        self.update(address, |account| account.set_slot(slot, value));
    }

    /// Forgets all storage of `address`: for the overrides of `eth_call`.
    pub fn clear_storage(&mut self, address: Address) {
        self.update(address, |account| account.storage = Trie::default());
    }

    /// Puts a whole account in the place of whatever is there.
    pub(crate) fn put(&mut self, account: FlatAccount) {
        self.accounts.insert(&keccak256(account.address), account.into());
    }

    fn update(&mut self, address: Address, change: impl FnOnce(&mut Account)) {
        let key = keccak256(address);
        let mut account = self.accounts.get(&key).cloned().unwrap_or_default();
        change(&mut account);
        self.accounts.insert(&key, account);
    }

    /// Applies what one transaction touched, and notes it.
    pub(crate) fn apply(&mut self, address: Address, touched: TouchedAccount, changes: &mut StateChanges) {
        if !touched.is_touched() {
            return;
        }
        let (created, destroyed) = (touched.is_created(), touched.is_selfdestructed());
        let key = keccak256(address);
        let existing = self.accounts.get(&key).cloned();
        let known = existing.is_some();
        let mut account = existing.unwrap_or_default();
        let mut change = AccountChange::default();
        if created || destroyed {
            account.storage = Trie::default();
            change.cleared = true;
        }
        account.nonce = touched.info.nonce;
        account.balance = touched.info.balance;
        if account.code_hash != touched.info.code_hash {
            account.code_hash = touched.info.code_hash;
            account.code = touched.info.code.unwrap_or_default();
            changes.codes.insert(account.code_hash, account.code());
        }
        // EIP-161: an empty account that was touched does not exist.
        if destroyed || account.is_empty() {
            if known {
                change.cleared = true;
                self.accounts.remove(&key);
                changes.record(address, change);
            }
            return;
        }
        for (slot, value) in touched.storage {
            if value.is_changed() {
                account.set_slot(slot, value.present_value());
                change.slots.insert(slot, value.present_value());
            }
        }
        change.fields = Some(account.fields());
        changes.record(address, change);
        self.accounts.insert(&key, account);
    }

    /// Adds newly made coins to a balance, and notes it. What would pass 2^256 is lost.
    pub(crate) fn credit(&mut self, address: Address, amount: U256, changes: &mut StateChanges) {
        let key = keccak256(address);
        let mut account = self.accounts.get(&key).cloned().unwrap_or_default();
        account.balance = account.balance.saturating_add(amount);
        let change = AccountChange {
            fields: Some(account.fields()),
            ..AccountChange::default()
        };
        changes.record(address, change);
        self.accounts.insert(&key, account);
    }
}

/// Code as given in a genesis or an override. Bytes that look like a broken delegation are kept as plain
/// code, which is what every node would execute.
fn decode_code(code: Bytes) -> Bytecode {
    Bytecode::new_raw_checked(code.clone()).unwrap_or_else(|_| Bytecode::new_legacy(code))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use alloy_primitives::{address, b256};
    use alloy_trie::{Nibbles, proof::verify_proof};

    use super::*;

    /// Sepolia's genesis allocation (balance in wei) and the state root its genesis block carries.
    fn sepolia() -> Vec<(Address, U256)> {
        let million = U256::from(0xD3C21BCECCEDA1000000u128);
        let hundred_million = U256::from_str_radix("52B7D2DCC80CD2E4000000", 16).unwrap();
        let mut accounts: Vec<_> = [
            address!("0xa2A6d93439144FFE4D27c9E088dCD8b783946263"),
            address!("0xBc11295936Aa79d594139de1B2e12629414F3BDB"),
            address!("0x7cF5b79bfe291A67AB02b393E456cCc4c266F753"),
            address!("0xaaec86394441f915bce3e6ab399977e9906f3b69"),
            address!("0xF47CaE1CF79ca6758Bfc787dbD21E6bdBe7112B8"),
            address!("0xd7eDDB78ED295B3C9629240E8924fb8D8874ddD8"),
            address!("0x8b7F0977Bb4f0fBE7076FA22bC24acA043583F5e"),
            address!("0xe2e2659028143784d557bcec6ff3a0721048880a"),
            address!("0xd9a5179f091d85051d3c982785efd1455cec8699"),
            address!("0xbeef32ca5b9a198d27B4e02F4c70439fE60356Cf"),
        ]
        .into_iter()
        .map(|address| (address, million))
        .collect();
        accounts.extend(
            [
                address!("0xb21c33de1fab3fa15499c62b59fe0cc3250020d1"),
                address!("0x10F5d45854e038071485AC9e402308cF80D2d2fE"),
                address!("0xd7d76c58b3a519e9fA6Cc4D22dC017259BC49F1E"),
            ]
            .map(|address| (address, hundred_million)),
        );
        accounts.push((
            address!("0x0000006916a87b82333f4245046623b23794c65c"),
            U256::from_str_radix("84595161401484A000000", 16).unwrap(),
        ));
        accounts.push((
            address!("0x799D329e5f583419167cD722962485926E338F4a"),
            U256::from(10).pow(U256::from(18)),
        ));
        accounts
    }

    fn sepolia_state() -> State {
        let mut state = State::default();
        for (address, balance) in sepolia() {
            state.set_balance(address, balance);
        }
        state
    }

    #[test]
    fn the_root_is_the_one_sepolia_was_born_with() {
        assert_eq!(
            sepolia_state().root(),
            b256!("0x5eb6e371a698b8d68f665192350ffcecbbbf322916f4b51bd79bb6887da3f494")
        );
    }

    #[test]
    fn an_account_and_its_storage_can_be_proved_from_the_root() {
        let mut state = sepolia_state();
        let (address, balance) = sepolia()[3];
        for slot in 0..40u64 {
            state.set_storage(address, U256::from(slot), U256::from(slot + 1));
        }
        let account = state.account(address).unwrap();
        let mut leaf = Vec::new();
        account.encode_leaf(&mut leaf);
        verify_proof(
            state.root(),
            Nibbles::unpack(keccak256(address)),
            Some(leaf),
            &state.account_proof(address),
        )
        .unwrap();
        let slot = U256::from(17);
        verify_proof(
            account.storage_root(),
            Nibbles::unpack(keccak256(B256::from(slot))),
            Some(alloy_rlp::encode(U256::from(18))),
            &state.storage_proof(address, slot),
        )
        .unwrap();
        assert_eq!(state.balance(address), balance);
    }

    #[test]
    fn writing_zero_removes_a_slot() {
        let mut state = sepolia_state();
        let (address, _) = sepolia()[0];
        let before = state.root();
        state.set_storage(address, U256::from(1), U256::from(9));
        assert_ne!(state.root(), before);
        state.set_storage(address, U256::from(1), U256::ZERO);
        assert_eq!(state.root(), before);
    }
}
