//! Who sends, and what: transfers of one wei, signed and put into JSON before any clock starts.

use crate::chain::parallel;
use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope},
    eips::eip2718::Encodable2718,
};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use anyhow::Context;
use rayswarm_model::signed::AccountKey;
use serde_json::json;
use std::{ops::Range, sync::Arc};

/// Gas of a transfer.
const GAS: u64 = 21_000;
/// The most that is paid for gas, in wei: enough for a fee that full blocks have raised a thousandfold.
const FEE_CAP: u128 = 1_000_000_000_000;
/// What the maker of the block gets of it: the least that wallets offer.
const TIP: u128 = 1_000_000_000;

/// Accounts that send.
#[derive(Debug)]
pub struct Senders {
    chain_id: u64,
    keys: Vec<AccountKey>,
}

/// A signed transfer.
#[derive(Debug)]
pub struct Transfer {
    /// Its hash.
    pub hash: B256,
    /// Which of the senders sends it.
    pub(super) sender: usize,
    /// The JSON-RPC call by which it is sent.
    pub(super) call: String,
}

impl Senders {
    /// So many accounts of a chain, the same each time: their keys are worth nothing.
    ///
    /// # Errors
    /// If there are none, or a key is none, which one hash in 2^128 is.
    pub fn new(count: u32, chain_id: u64) -> anyhow::Result<Self> {
        anyhow::ensure!(count > 0, "somebody has to send");
        let key = |number: u32| {
            let secret = keccak256([&b"rayswarm bench chain"[..], &number.to_be_bytes()].concat());
            AccountKey::from_bytes(&secret.0).context("a hash is no key")
        };
        let keys: anyhow::Result<Vec<AccountKey>> = (0..count).map(key).collect();
        Ok(Self { chain_id, keys: keys? })
    }

    /// The accounts.
    pub fn accounts(&self) -> Vec<Address> {
        self.keys.iter().map(AccountKey::address).collect()
    }

    /// The transfers at these places in the order in which all of them are sent: one of each sender, each to the next, and then
    /// another of each. On all processors.
    ///
    /// # Errors
    /// If signing was broken off.
    pub async fn sign(self: &Arc<Self>, places: Range<u64>) -> anyhow::Result<Vec<Arc<Transfer>>> {
        let senders = self.clone();
        let signing = tokio::task::spawn_blocking(move || {
            let places: Vec<u64> = places.collect();
            let signed = parallel::map(&places, |place| senders.transfer(*place).map(Arc::new));
            let all: Option<Vec<_>> = signed.into_iter().collect();
            all.filter(|all| all.len() == places.len())
        });
        signing.await?.context("the transfers were not all signed")
    }

    fn transfer(&self, place: u64) -> Option<Transfer> {
        let count = self.keys.len() as u64;
        let sender = usize::try_from(place % count).ok()?;
        let receiver = self.keys.get(sender + 1).or_else(|| self.keys.first())?;
        let key = self.keys.get(sender)?;
        let transaction = TxEip1559 {
            chain_id: self.chain_id,
            nonce: place / count,
            gas_limit: GAS,
            max_fee_per_gas: FEE_CAP,
            max_priority_fee_per_gas: TIP,
            to: TxKind::Call(receiver.address()),
            value: U256::ONE,
            ..TxEip1559::default()
        };
        let signature = key.sign_digest(&transaction.signature_hash());
        let signed = TxEnvelope::from(transaction.into_signed(signature));
        let raw = Bytes::from(signed.encoded_2718());
        let call = json!({ "jsonrpc": "2.0", "id": place, "method": "eth_sendRawTransaction", "params": [raw] });
        Some(Transfer {
            hash: *signed.tx_hash(),
            sender,
            call: call.to_string(),
        })
    }
}
