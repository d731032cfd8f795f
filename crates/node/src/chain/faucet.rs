//! Coins for everybody on a development chain, and the genesis that makes a chain one.
//!
//! The faucet is an ordinary account. Its key is keccak-256 of `"rayswarm development faucet"` followed by the
//! chain id as eight big-endian bytes: public by design, so that a development chain's coins are worth nothing
//! and nobody mistakes them for something else. A genesis that funds this account has a faucet; any other
//! has none.

use std::collections::BTreeMap;

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    signers::{SignerSync, local::PrivateKeySigner},
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, address, hex, keccak256};
use rayswarm_chain::{Chain, Genesis, GenesisAccount, Hardfork, RecoveredTransaction};

use super::ledger::{Ledger, SubmitError};

/// Gas of a development chain's block: some 6,000 vouchers.
const GAS_LIMIT: u64 = 100_000_000;

/// Base fee in wei: the least that EIP-1559 never lowers, so fees stay invisible.
const BASE_FEE: u64 = 7;

const COIN: U256 = U256::from_limbs([1_000_000_000_000_000_000, 0, 0, 0]);

/// What the faucet starts with, in coins.
const FAUCET_COINS: u64 = 1_000_000_000;

/// What one request gives, in coins.
const DRIP_COINS: u64 = 100;

/// Who has this many coins gets no more.
const PLENTY_COINS: u64 = 50;

/// The deterministic deployer of most chains, by which our contracts get the addresses of `contracts/addresses.json`:
/// where it is, and what it does (<https://github.com/Arachnid/deterministic-deployment-proxy>).
const DEPLOYER: Address = address!("4e59b44847b379578588920cA78FbF26c0B4956C");
const DEPLOYER_CODE: [u8; 69] = hex!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd"
    "5b8082525050506014600cf3"
);

/// The genesis of a development chain: no accounts but the faucet and the deterministic deployer, Osaka rules, a base fee
/// of 7 wei.
/// `timestamp` (seconds since 1970) tells one such chain from the next.
pub fn development_genesis(chain_id: u64, timestamp: u64) -> Genesis {
    let faucet = Faucet::signer(chain_id).map(|signer| {
        let account = GenesisAccount {
            balance: COIN * U256::from(FAUCET_COINS),
            ..GenesisAccount::default()
        };
        (signer.address(), account)
    });
    let deployer = GenesisAccount {
        nonce: 1,
        code: Bytes::from_static(&DEPLOYER_CODE),
        ..GenesisAccount::default()
    };
    Genesis {
        chain_id,
        timestamp,
        gas_limit: GAS_LIMIT,
        base_fee: BASE_FEE,
        hardfork: Hardfork::Osaka,
        // Tips go back to where all coins come from.
        sealer: faucet.as_ref().map_or(Address::ZERO, |(address, _)| *address),
        alloc: faucet
            .into_iter()
            .chain([(DEPLOYER, deployer)])
            .collect::<BTreeMap<_, _>>(),
        extra_data: Bytes::new(),
        reward: U256::ZERO,
        system: None,
    }
}

/// Why nothing came out.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FaucetError {
    /// Signing failed.
    #[error("the faucet could not sign")]
    Sign(#[from] alloy::signers::Error),
    /// The transfer was not taken.
    #[error("the faucet's transfer was not taken")]
    Submit(#[from] SubmitError),
}

/// The faucet of a development chain.
pub(crate) struct Faucet {
    signer: PrivateKeySigner,
    chain_id: u64,
}

impl Faucet {
    /// The faucet of this genesis, if it has one.
    pub(crate) fn of(genesis: &Genesis) -> Option<Self> {
        let signer = Self::signer(genesis.chain_id)?;
        let funded = genesis
            .alloc
            .get(&signer.address())
            .is_some_and(|account| !account.balance.is_zero());
        funded.then_some(Self {
            signer,
            chain_id: genesis.chain_id,
        })
    }

    /// `None` only for a key that is no key, which one hash in 2^128 is.
    fn signer(chain_id: u64) -> Option<PrivateKeySigner> {
        let seed = [&b"rayswarm development faucet"[..], &chain_id.to_be_bytes()].concat();
        PrivateKeySigner::from_bytes(&keccak256(seed)).ok()
    }

    /// Sends coins to `to`; `None` when it has plenty.
    pub(crate) fn drip(&self, ledger: &Ledger, to: Address) -> Result<Option<B256>, FaucetError> {
        if ledger.read().state().balance(to) >= COIN * U256::from(PLENTY_COINS) {
            return Ok(None);
        }
        ledger.submit_with(|chain| self.transfer(chain, to)).map(Some)
    }

    fn transfer(&self, chain: &Chain, to: Address) -> Result<RecoveredTransaction, FaucetError> {
        let tip = 1;
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: chain.pending_nonce(self.signer.address()),
            gas_limit: 100_000,
            max_fee_per_gas: u128::from(chain.next_base_fee()) * 2 + tip,
            max_priority_fee_per_gas: tip,
            to: TxKind::Call(to),
            value: COIN * U256::from(DRIP_COINS),
            input: Bytes::new(),
            ..TxEip1559::default()
        };
        let signature = self.signer.sign_hash_sync(&transaction.signature_hash())?;
        let signed = transaction.into_signed(signature).into();
        Ok(RecoveredTransaction::new_unchecked(signed, self.signer.address()))
    }
}
