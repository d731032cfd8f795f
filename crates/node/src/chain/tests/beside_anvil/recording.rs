//! How the recording is read, and how each side makes requests of it.
//!
//! A parameter `"$name/key"` stands for what this side answered earlier to the request that says `"keep": "name"`, or for that
//! part of it; `{"sign": {…}, "by": 2}` for the raw transaction, signed by an account of the tests or by anvil's first one.

use std::collections::BTreeMap;

use alloy::{
    eips::eip2718::Encodable2718,
    network::{EthereumWallet, NetworkTransactionBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
};
use alloy_primitives::{Bytes, TxKind};
use serde::Deserialize;
use serde_json::Value;

use super::super::{super::DEVELOPMENT_CHAIN_ID, signer, token_code};

/// The first account that anvil endows; its secret is in its manual.
const FIRST_SECRET: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

/// The longest code that may create a contract (EIP-3860), and one byte more.
const CREATION_CODE_TOO_LONG: usize = 49_153;

/// One request, and what is done beside it.
#[derive(Deserialize)]
pub(super) struct Step {
    /// What it is about.
    pub(super) what: String,
    #[serde(flatten)]
    pub(super) ask: Ask,
    /// The name under which the result is kept.
    pub(super) keep: Option<String>,
    /// The transaction that is sent waits; others are in a block before the next step.
    #[serde(default)]
    pub(super) waits: bool,
}

/// How it is asked.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Ask {
    Method {
        method: String,
        params: Vec<Value>,
        /// Over the WebSocket.
        #[serde(default)]
        socket: bool,
    },
    /// A body of one's own.
    Body { body: Value },
    /// The same, and no JSON.
    Text { text: String },
    /// The next that is told of a subscription.
    Hear { hear: String },
}

/// What one side answered to the requests that keep their results.
pub(super) struct Kept(BTreeMap<String, Value>);

impl Default for Kept {
    fn default() -> Self {
        let code = |bytes: Bytes| Value::String(bytes.to_string());
        let constants = [
            ("token_code", code(token_code())),
            ("long_code", code(vec![0_u8; CREATION_CODE_TOO_LONG].into())),
        ];
        Self(constants.map(|(name, value)| (name.to_owned(), value)).into())
    }
}

impl Kept {
    pub(super) fn keep(&mut self, name: &str, result: &Value) {
        self.0.insert(name.to_owned(), result.clone());
    }

    /// What stands for a reference.
    pub(super) fn find(&self, reference: &str) -> Value {
        let (name, path) = reference.split_once('/').unwrap_or((reference, ""));
        let kept = self.0.get(name.trim_start_matches('$'));
        let parts = path.split('/').filter(|key| !key.is_empty());
        let found = parts.fold(kept, |value, key| value.and_then(|value| value.get(key)));
        found
            .unwrap_or_else(|| panic!("nothing is kept as {reference}"))
            .clone()
    }

    /// The parameters as this side is asked.
    pub(super) async fn fill(&self, params: &[Value]) -> Vec<Value> {
        let mut filled = Vec::new();
        for param in params {
            let param = self.filled(param);
            filled.push(match param.get("sign") {
                Some(transaction) => sign(transaction, param.get("by")).await,
                None => param,
            });
        }
        filled
    }

    fn filled(&self, value: &Value) -> Value {
        match value {
            Value::String(text) if text.starts_with('$') => self.find(text),
            Value::Array(items) => items.iter().map(|item| self.filled(item)).collect(),
            Value::Object(fields) => {
                let fields = fields.iter().map(|(key, field)| (key.clone(), self.filled(field)));
                Value::Object(fields.collect())
            }
            other => other.clone(),
        }
    }
}

pub(super) fn first_account() -> PrivateKeySigner {
    FIRST_SECRET.parse().unwrap()
}

async fn sign(transaction: &Value, by: Option<&Value>) -> Value {
    let mut request: TransactionRequest = serde_json::from_value(transaction.clone()).unwrap();
    request.chain_id.get_or_insert(DEVELOPMENT_CHAIN_ID);
    request.to.get_or_insert(TxKind::Create);
    let signer = match by {
        Some(seed) => signer(serde_json::from_value(seed.clone()).unwrap()),
        None => first_account(),
    };
    let signed = request.build(&EthereumWallet::from(signer)).await.unwrap();
    Value::String(Bytes::from(signed.encoded_2718()).to_string())
}
