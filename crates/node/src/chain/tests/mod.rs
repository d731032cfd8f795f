//! The chain through its real server: alloy's provider, plain HTTP, viem, ethers and `cast` where they are installed.
//!
//! | module | holds |
//! |---|---|
//! | [`clients`] | whole stories: a contract, many senders, viem, ethers, `cast` |
//! | [`answers`] | what the methods answer and refuse |
//! | [`beside_anvil`] | one list of requests and transactions, played to anvil too |
//! | [`branches`] | what clients are told when another branch becomes the best |
//! | [`gossip`] | transactions between peers |
//! | [`hostile`] | peers and clients that do not keep to the rules |
//! | [`joining`] | which branch newcomers take, and where they begin |
//! | [`keeping`] | what a chain keeps: restarts, its directory, its faucet |
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod answers;
mod beside_anvil;
mod branches;
mod clients;
mod gossip;
mod hostile;
mod joining;
mod keeping;

use std::time::Duration;

use alloy::{
    network::{EthereumWallet, TransactionBuilder},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::TransactionRequest,
    signers::local::PrivateKeySigner,
    sol,
    transports::http::reqwest,
};
use alloy_primitives::{B256, Bytes, U256};
use rayswarm_network::NetworkConfig;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;

sol! {
    #[sol(rpc)]
    contract DevToken {
        function mint(address to, uint256 amount) external;
        function transfer(address to, uint256 amount) external returns (bool);
        function balanceOf(address owner) external view returns (uint256);
        event Transfer(address indexed from, address indexed to, uint256 value);
        error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed);
    }
}

const COIN: u64 = 1_000_000_000_000_000_000;

fn token_code() -> Bytes {
    let artifact: Value =
        serde_json::from_str(include_str!("../../../../../contracts/artifacts/DevToken.json")).unwrap();
    let code = artifact["bytecode"]["object"]
        .as_str()
        .or(artifact["bytecode"].as_str());
    code.unwrap().parse().unwrap()
}

fn genesis() -> Genesis {
    // The clients of these tests are built without a TLS provider of their own; an error means that one is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    development_genesis(DEVELOPMENT_CHAIN_ID, 1_700_000_000)
}

async fn start_in(dir: &Path) -> EmbeddedChain {
    let config = ChainConfig {
        dir: dir.to_owned(),
        genesis: genesis(),
        rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
    };
    EmbeddedChain::start(config).await.unwrap()
}

async fn start() -> (EmbeddedChain, TempDir) {
    let dir = tempfile::tempdir().unwrap();
    (start_in(dir.path()).await, dir)
}

/// A chain whose only validator votes on each block, with the faucet, and the network that it keeps.
async fn start_voted() -> (EmbeddedChain, TempDir, Network) {
    // As for every client of these tests.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let dir = tempfile::tempdir().unwrap();
    let key = AccountKey::from_bytes(&[9; 32]).unwrap();
    let only = FirstValidator {
        account: key.address(),
        stake: U256::from(1_000) * U256::from(COIN),
    };
    let draft = Draft {
        kind: ConsensusKind::Pos,
        chain_id: DEVELOPMENT_CHAIN_ID,
        timestamp: crate::clock::now().seconds_floor(),
        block_time: Duration::from_millis(50),
        epoch_blocks: 100,
        seats: 4,
        validators: vec![only],
        coins: Vec::new(),
        faucet: true,
    };
    let (network, inbox) = Network::start(NetworkConfig::loopback([9; 32], dir.path().join("network")))
        .await
        .unwrap();
    let chain = EmbeddedChain::join(SharedConfig {
        dir: dir.path().join("chain"),
        spec: draft.spec(),
        rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        key: Some(key),
        mining: None,
        keeping: Keeping::default(),
        network: network.clone(),
        events: inbox.chain,
        known: Vec::new(),
    });
    (chain.await.unwrap(), dir, network)
}

fn signer(seed: u8) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(seed)).unwrap()
}

fn provider(chain: &EmbeddedChain, seed: u8) -> DynProvider {
    let wallet = EthereumWallet::from(signer(seed));
    let provider = ProviderBuilder::new()
        .wallet(wallet)
        .connect_http(chain.rpc_url().parse().unwrap());
    provider.client().set_poll_interval(Duration::from_millis(5));
    provider.erased()
}

/// A provider whose account has coins from the faucet.
async fn rich(chain: &EmbeddedChain, seed: u8) -> DynProvider {
    let provider = provider(chain, seed);
    let hash: B256 = provider
        .raw_request("rayswarm_faucet".into(), [signer(seed).address()])
        .await
        .unwrap();
    sealed(&provider, hash).await;
    provider
}

/// Waits until a transaction is in a block and checks that it succeeded.
async fn sealed(provider: &DynProvider, hash: B256) {
    let watched = alloy::providers::PendingTransactionBuilder::new(provider.root().clone(), hash);
    assert!(watched.get_receipt().await.unwrap().status());
}

async fn deploy(provider: &DynProvider) -> DevToken::DevTokenInstance<DynProvider> {
    let request = TransactionRequest::default().with_deploy_code(token_code());
    let receipt = provider
        .send_transaction(request)
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(receipt.status());
    DevToken::new(receipt.contract_address.unwrap(), provider.clone())
}

/// One call by plain HTTP; the whole answer.
async fn ask(chain: &EmbeddedChain, method: &str, params: Value) -> Value {
    post(
        chain,
        json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}),
    )
    .await
}

async fn post(chain: &EmbeddedChain, body: Value) -> Value {
    let response = reqwest::Client::new()
        .post(chain.rpc_url())
        .header("content-type", "application/json")
        .body(body.to_string())
        .send()
        .await
        .unwrap();
    serde_json::from_str(&response.text().await.unwrap()).unwrap()
}
