//! The JSON-RPC calls that settlement needs. Standard methods only, so that any Ethereum chain serves.

mod blocks;
mod heads;
mod logs;
#[cfg(test)]
pub(crate) mod testing;

pub(crate) use blocks::RawBlock;
pub(crate) use heads::RawHead;

use crate::{error::SettlementError, revert::Revert};
use alloy::{
    consensus::TxEnvelope,
    eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718},
    network::Ethereum,
    primitives::{Address, B256, Bytes, U256},
    providers::{Provider, RootProvider, utils::Eip1559Estimation},
    rpc::{
        client::RpcClient,
        types::{TransactionReceipt, TransactionRequest},
    },
    sol_types::SolCall,
    transports::{RpcError, TransportError, TransportResult, http::Http, http::reqwest},
};
use std::{
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

/// A server that does not answer a single call in this time is taken for gone.
const CALL_TIMEOUT: Duration = Duration::from_secs(20);
/// A development chain seals at once, or within seconds where nodes keep it together; a minute means that it does not seal.
const FAUCET_LOOKS_MAX: u32 = 1_200;
const FAUCET_LOOK_EVERY: Duration = Duration::from_millis(50);

/// JSON-RPC's code for a method that the server does not have.
const METHOD_NOT_FOUND: i64 = -32601;

/// What tells one chain from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainName {
    /// EIP-155 chain id.
    pub chain_id: u64,
    /// Hash of block zero: two chains with one id differ in it.
    pub genesis: B256,
}

/// Asks the server at `rpc_url` which chain it serves.
pub async fn identify(rpc_url: &str) -> Result<ChainName, SettlementError> {
    let rpc = Rpc::new(rpc_url)?;
    Ok(ChainName {
        chain_id: rpc.chain_id().await?,
        genesis: rpc.block(BlockNumberOrTag::Number(0)).await?.hash,
    })
}

/// Asks the chain at `rpc_url` for coins for `account` (`rayswarm_faucet`, which only our development chains have).
/// One that has plenty gets no more.
pub async fn ask_faucet(rpc_url: &str, account: Address) -> Result<(), SettlementError> {
    Rpc::new(rpc_url)?.faucet(account).await
}

/// One JSON-RPC server.
#[derive(Clone, Debug)]
pub(crate) struct Rpc {
    url: String,
    provider: RootProvider<Ethereum>,
    /// Until it has refused one.
    takes_batches: Arc<AtomicBool>,
    /// Whose state contracts are read in.
    read_at: BlockId,
    /// Blocks this far below the newest stay, on a chain that does not say.
    stays_below: u64,
}

/// A block's place in the chain.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BlockStamp {
    pub(crate) number: u64,
    pub(crate) hash: B256,
}

impl Rpc {
    pub(crate) fn new(url: &str) -> Result<Self, SettlementError> {
        let bad = |reason: String| SettlementError::Url {
            url: url.into(),
            reason,
        };
        let parsed: reqwest::Url = url.parse().map_err(|error| bad(format!("{error}")))?;
        if !matches!(parsed.scheme(), "http" | "https") {
            return Err(bad(format!("the scheme is {}", parsed.scheme())));
        }
        // Built without a TLS provider of its own (iroh's choice for the whole program); an error means one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder().timeout(CALL_TIMEOUT);
        if is_loopback(&parsed) {
            // A proxy configured for the internet cannot reach this machine.
            builder = builder.no_proxy();
        }
        let client = builder.build().map_err(|error| bad(error.to_string()))?;
        let rpc_client = RpcClient::new(Http::with_client(client, parsed.clone()), is_loopback(&parsed));
        Ok(Self {
            url: url.into(),
            provider: RootProvider::new(rpc_client),
            takes_batches: Arc::new(AtomicBool::new(true)),
            read_at: BlockId::latest(),
            stays_below: 0,
        })
    }

    /// The same server on a chain that does not say what stays.
    pub(crate) const fn staying_below(mut self, blocks: u64) -> Self {
        self.stays_below = blocks;
        self
    }

    /// The same server with contracts read as of a block.
    pub(crate) fn reading_at(&self, block: u64) -> Self {
        Self {
            read_at: BlockId::number(block),
            ..self.clone()
        }
    }

    pub(crate) async fn chain_id(&self) -> Result<u64, SettlementError> {
        self.done("eth_chainId", self.provider.get_chain_id().await)
    }

    pub(crate) async fn block(&self, number: BlockNumberOrTag) -> Result<BlockStamp, SettlementError> {
        const METHOD: &str = "eth_getBlockByNumber";
        let block = self.done(METHOD, self.provider.get_block_by_number(number).await)?;
        let missing = || SettlementError::Nonsense {
            method: METHOD,
            reason: format!("no block {number}"),
        };
        block
            .map(|block| BlockStamp {
                number: block.header.number,
                hash: block.header.hash,
            })
            .ok_or_else(missing)
    }

    pub(crate) async fn has_code(&self, address: Address) -> Result<bool, SettlementError> {
        let code = self.done("eth_getCode", self.provider.get_code_at(address).await)?;
        Ok(!code.is_empty())
    }

    pub(crate) async fn native_balance(&self, account: Address) -> Result<U256, SettlementError> {
        self.done("eth_getBalance", self.provider.get_balance(account).await)
    }

    /// Returns when the coins are there.
    async fn faucet(&self, account: Address) -> Result<(), SettlementError> {
        const METHOD: &str = "rayswarm_faucet";
        let asked = self.done(METHOD, self.provider.raw_request(METHOD.into(), (account,)).await);
        let sent: Option<B256> = match asked {
            Err(SettlementError::Refused {
                code: METHOD_NOT_FOUND, ..
            }) => {
                return Err(SettlementError::NoFaucet {
                    url: self.url.clone(),
                    account,
                });
            }
            answered => answered?,
        };
        let Some(hash) = sent else { return Ok(()) };
        for _ in 0..FAUCET_LOOKS_MAX {
            if self.receipt(hash).await?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(FAUCET_LOOK_EVERY).await;
        }
        let waited = FAUCET_LOOK_EVERY * FAUCET_LOOKS_MAX;
        Err(SettlementError::NotMined {
            action: "the faucet's transfer",
            tx: hash,
            waited,
        })
    }

    /// The nonce of the account's next transaction, those waiting to be mined included.
    pub(crate) async fn next_nonce(&self, account: Address) -> Result<u64, SettlementError> {
        self.done(
            "eth_getTransactionCount",
            self.provider.get_transaction_count(account).pending().await,
        )
    }

    /// Transactions of the account that are in blocks.
    pub(crate) async fn mined_nonce(&self, account: Address) -> Result<u64, SettlementError> {
        self.done(
            "eth_getTransactionCount",
            self.provider.get_transaction_count(account).latest().await,
        )
    }

    /// Number of the newest block that stays: what the chain says is finalized, or the depth that was chosen where
    /// it does not say.
    pub(crate) async fn stays(&self) -> Result<u64, SettlementError> {
        let newest = self.block(BlockNumberOrTag::Latest).await?.number;
        match self.block_by_number(BlockNumberOrTag::Finalized).await {
            Ok(Some(block)) => Ok(block.number.to::<u64>().min(newest)),
            // Not every chain knows the word.
            Ok(None) | Err(SettlementError::Refused { .. } | SettlementError::Nonsense { .. }) => {
                Ok(newest.saturating_sub(self.stays_below))
            }
            Err(error) => Err(error),
        }
    }

    pub(crate) async fn fees(&self) -> Result<Eip1559Estimation, SettlementError> {
        self.done("eth_feeHistory", self.provider.estimate_eip1559_fees().await)
    }

    pub(crate) async fn estimate_gas(
        &self,
        action: &'static str,
        request: TransactionRequest,
    ) -> Result<u64, SettlementError> {
        self.executed(action, "eth_estimateGas", self.provider.estimate_gas(request).await)
    }

    /// Executes without sending and decodes the answer.
    pub(crate) async fn read<C: SolCall>(
        &self,
        action: &'static str,
        from: Address,
        to: Address,
        call: C,
    ) -> Result<C::Return, SettlementError> {
        let request = TransactionRequest::default()
            .from(from)
            .to(to)
            .input(call.abi_encode().into());
        let answer = self.provider.call(request).block(self.read_at).await;
        let answer = self.executed(action, "eth_call", answer)?;
        C::abi_decode_returns(&answer).map_err(|error| SettlementError::Nonsense {
            method: C::SIGNATURE,
            reason: error.to_string(),
        })
    }

    /// Executes on the state after `block`; used to find out why a mined transaction failed.
    pub(crate) async fn replay(
        &self,
        action: &'static str,
        request: TransactionRequest,
        block: u64,
    ) -> Result<Bytes, SettlementError> {
        let call = self.provider.call(request).block(BlockId::number(block));
        self.executed(action, "eth_call", call.await)
    }

    pub(crate) async fn send(&self, tx: &TxEnvelope) -> Result<(), SettlementError> {
        let sent = self.provider.send_raw_transaction(&tx.encoded_2718()).await;
        self.done("eth_sendRawTransaction", sent).map(drop)
    }

    pub(crate) async fn receipt(&self, tx: B256) -> Result<Option<TransactionReceipt>, SettlementError> {
        self.done(
            "eth_getTransactionReceipt",
            self.provider.get_transaction_receipt(tx).await,
        )
    }

    fn executed<T>(
        &self,
        action: &'static str,
        method: &'static str,
        result: TransportResult<T>,
    ) -> Result<T, SettlementError> {
        if let Err(RpcError::ErrorResp(payload)) = &result {
            // Code 3 is an execution error by convention; some servers send it without data when there is none.
            if let Some(data) = payload.as_revert_data() {
                return Err(SettlementError::Reverted {
                    action,
                    revert: Revert::decode(&data),
                });
            }
            if payload.code == 3 {
                return Err(SettlementError::Reverted {
                    action,
                    revert: Revert::decode(&Bytes::new()),
                });
            }
        }
        self.done(method, result)
    }

    fn done<T>(&self, method: &'static str, result: TransportResult<T>) -> Result<T, SettlementError> {
        result.map_err(|error| self.failure(method, error))
    }

    fn failure(&self, method: &'static str, error: TransportError) -> SettlementError {
        match error {
            RpcError::ErrorResp(payload) => SettlementError::Refused {
                method,
                code: payload.code,
                message: payload.message.into_owned(),
            },
            RpcError::Transport(_) => SettlementError::Unreachable {
                url: self.url.clone(),
                method,
                source: error,
            },
            other => SettlementError::Nonsense {
                method,
                reason: other.to_string(),
            },
        }
    }
}

fn is_loopback(url: &reqwest::Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn only_http_addresses_are_taken() {
        assert!(Rpc::new("http://127.0.0.1:8545").is_ok());
        for url in ["127.0.0.1:8545", "ws://127.0.0.1:8545", "", "http://"] {
            assert!(matches!(Rpc::new(url), Err(SettlementError::Url { .. })), "{url}");
        }
    }

    #[test]
    fn loopback_is_recognised() {
        for (url, expected) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost:1", true),
            ("https://rpc.example", false),
            ("http://10.0.0.1:1", false),
        ] {
            assert_eq!(is_loopback(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
