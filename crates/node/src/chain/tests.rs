//! The chain through its real server: alloy's provider, plain HTTP, `cast` where it is installed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{path::PathBuf, process::Stdio, sync::Arc, time::Duration};

use alloy::{
    eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718},
    network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder},
    providers::{DynProvider, Provider, ProviderBuilder},
    rpc::types::{BlockTransactions, Filter, FilterChanges, Log as RpcLog, TransactionRequest},
    signers::local::PrivateKeySigner,
    sol,
    transports::http::reqwest,
};
use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use rayswarm_chain::SealedBlock;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{process::Command, sync::mpsc};

use super::{faucet::Faucet, ledger::Ledger, rpc::Rpc, *};

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
    let artifact: Value = serde_json::from_str(include_str!("../../../../contracts/artifacts/DevToken.json")).unwrap();
    let code = artifact["bytecode"]["object"]
        .as_str()
        .or(artifact["bytecode"].as_str());
    code.unwrap().parse().unwrap()
}

fn genesis() -> Genesis {
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

#[tokio::test(flavor = "multi_thread")]
async fn a_contract_is_deployed_used_and_heard_of() {
    let (chain, _dir) = start().await;
    let alice = rich(&chain, 1).await;
    let (alice_address, bob) = (signer(1).address(), signer(2).address());
    let token = deploy(&alice).await;
    assert_eq!(alice.get_chain_id().await.unwrap(), DEVELOPMENT_CHAIN_ID);
    assert!(!alice.get_code_at(*token.address()).await.unwrap().is_empty());

    let filter = Filter::new()
        .address(*token.address())
        .event_signature(keccak256("Transfer(address,address,uint256)"));
    let polled = alice.new_filter(&filter).await.unwrap();
    let heads = alice.new_block_filter().await.unwrap();
    let amount = U256::from(1_000);
    token
        .mint(alice_address, amount)
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let receipt = token
        .transfer(bob, U256::from(300))
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert_eq!(token.balanceOf(bob).call().await.unwrap(), U256::from(300));
    assert_eq!(receipt.from, alice_address);
    assert!(receipt.gas_used > 21_000 && receipt.effective_gas_price >= 7);

    // The same event by receipt, by range, by topic, by filter.
    let topics = filter.clone().topic2(bob.into_word()).from_block(0);
    let found = alice.get_logs(&topics).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].transaction_hash, Some(receipt.transaction_hash));
    assert_eq!(found[0].log_index, Some(0));
    assert_eq!(receipt.inner.logs()[0], found[0]);
    assert_eq!(
        found[0].log_decode::<DevToken::Transfer>().unwrap().inner.value,
        U256::from(300)
    );
    let changes: FilterChanges<alloy::rpc::types::Transaction, RpcLog> =
        alice.get_filter_changes_dyn(polled).await.unwrap();
    assert_eq!(changes.as_logs().unwrap().len(), 2);
    let again: Vec<RpcLog> = alice.get_filter_changes(polled).await.unwrap();
    assert_eq!(again.len(), 0);
    let hashes: Vec<B256> = alice.get_filter_changes(heads).await.unwrap();
    assert_eq!(hashes.last(), receipt.block_hash.as_ref());
    assert!(alice.uninstall_filter(polled).await.unwrap());
    assert!(alice.get_filter_changes::<RpcLog>(polled).await.is_err());

    // Block, receipts and transaction agree, and the hash is the hash of the header.
    let block = alice.get_block(BlockId::latest()).full().await.unwrap().unwrap();
    assert_eq!(block.header.inner.hash_slow(), block.header.hash);
    let BlockTransactions::Full(transactions) = &block.transactions else {
        panic!("hashes")
    };
    assert_eq!(transactions[0].inner.tx_hash(), &receipt.transaction_hash);
    let root = block.header.transactions_root;
    let plain = block
        .clone()
        .map_transactions(|transaction| transaction.inner.into_inner());
    assert_eq!(plain.calculate_transactions_root(), Some(root));
    let receipts = alice.get_block_receipts(BlockId::latest()).await.unwrap().unwrap();
    assert_eq!(receipts, std::slice::from_ref(&receipt));
    let transaction = alice
        .get_transaction_by_hash(receipt.transaction_hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(transaction.block_number, receipt.block_number);

    let proof = alice.get_proof(*token.address(), vec![B256::ZERO]).await.unwrap();
    alloy_proof::verify(block.header.state_root, &proof);
    chain.shutdown().await;
}

/// Checks an account proof against a state root, by rebuilding only what it names.
mod alloy_proof {
    use alloy::rpc::types::EIP1186AccountProofResponse;
    use alloy_primitives::{B256, keccak256};

    pub(super) fn verify(root: B256, proof: &EIP1186AccountProofResponse) {
        let mut expected = root;
        for node in &proof.account_proof {
            assert_eq!(keccak256(node), expected, "each node is named by the one before it");
            // The next node's hash is somewhere in this one; the last holds the account.
            let next = proof
                .account_proof
                .iter()
                .map(keccak256)
                .find(|hash| node.windows(32).any(|window| window == hash.as_slice()));
            expected = next.unwrap_or(expected);
        }
        let last = proof.account_proof.last().unwrap();
        assert!(last.windows(32).any(|window| window == proof.storage_hash.as_slice()));
        assert!(last.windows(32).any(|window| window == proof.code_hash.as_slice()));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_keeps_head_state_and_receipts() {
    let dir = tempfile::tempdir().unwrap();
    let chain = start_in(dir.path()).await;
    let alice = rich(&chain, 1).await;
    let token = deploy(&alice).await;
    let receipt = token
        .mint(signer(2).address(), U256::from(77))
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    let (head, name) = (chain.head(), chain.genesis_hash());
    chain.shutdown().await;

    let chain = start_in(dir.path()).await;
    assert_eq!((chain.head(), chain.genesis_hash()), (head, name));
    let alice = provider(&chain, 1);
    let token = DevToken::new(*token.address(), alice.clone());
    assert_eq!(
        token.balanceOf(signer(2).address()).call().await.unwrap(),
        U256::from(77)
    );
    let kept = alice
        .get_transaction_receipt(receipt.transaction_hash)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept, receipt);
    // And it goes on.
    token
        .mint(signer(2).address(), U256::ONE)
        .send()
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert_eq!(chain.head().0, head.0 + 1);
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_belongs_to_one_chain_and_one_process() {
    let dir = tempfile::tempdir().unwrap();
    assert!(stored_genesis(dir.path()).unwrap().is_none());
    let chain = start_in(dir.path()).await;
    assert_eq!(stored_genesis(dir.path()).unwrap(), Some(genesis()));
    let with = |genesis| {
        EmbeddedChain::start(ChainConfig {
            dir: dir.path().to_owned(),
            genesis,
            rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        })
    };
    let second = with(genesis()).await.err().unwrap();
    assert!(
        matches!(second, ChainError::Storage(StorageError::InUse(_))),
        "{second}"
    );
    let other = with(development_genesis(DEVELOPMENT_CHAIN_ID, 1)).await.err().unwrap();
    assert!(matches!(other, ChainError::OtherChain { .. }), "{other}");

    let taken = EmbeddedChain::start(ChainConfig {
        dir: tempfile::tempdir().unwrap().path().to_owned(),
        genesis: genesis(),
        rpc_bind: chain.rpc_addr(),
    });
    let taken = taken.await.err().unwrap();
    assert!(matches!(taken, ChainError::Rpc(RpcError::Bind { .. })), "{taken}");
    chain.shutdown().await;
    with(genesis()).await.unwrap().shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revert_comes_with_its_data_and_code_three() {
    let (chain, _dir) = start().await;
    let alice = rich(&chain, 1).await;
    let token = deploy(&alice).await;
    let poor = token.transfer(signer(2).address(), U256::from(5));
    let error = poor.call().await.unwrap_err();
    let reason = error.as_decoded_error::<DevToken::ERC20InsufficientBalance>().unwrap();
    assert_eq!((reason.sender, reason.needed), (signer(1).address(), U256::from(5)));
    // Sending estimates first, and fails with the same reason before any gas is spent.
    assert!(poor.send().await.unwrap_err().as_revert_data().is_some());

    let call = json!({"from": signer(1).address(), "to": token.address(), "input": poor.calldata()});
    for method in ["eth_call", "eth_estimateGas"] {
        let answer = ask(&chain, method, json!([call, "latest"])).await;
        assert_eq!(answer["error"]["code"], 3, "{answer}");
        assert!(
            answer["error"]["data"].as_str().unwrap().starts_with("0xe450d38c"),
            "{answer}"
        );
        assert!(
            answer["error"]["message"]
                .as_str()
                .unwrap()
                .starts_with("execution reverted")
        );
    }
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_faucet_helps_those_who_have_little() {
    let (chain, _dir) = start().await;
    let alice = rich(&chain, 1).await;
    let address = signer(1).address();
    let given = alice.get_balance(address).await.unwrap();
    assert_eq!(given, U256::from(100) * U256::from(COIN));
    let again: Option<B256> = alice.raw_request("rayswarm_faucet".into(), [address]).await.unwrap();
    assert_eq!(again, None);
    assert_eq!(alice.get_balance(address).await.unwrap(), given);
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_development_genesis_has_a_faucet() {
    let dir = tempfile::tempdir().unwrap();
    let mut genesis = genesis();
    genesis.alloc.clear();
    let config = ChainConfig {
        dir: dir.path().to_owned(),
        genesis,
        rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
    };
    let chain = EmbeddedChain::start(config).await.unwrap();
    let answer = ask(&chain, "rayswarm_faucet", json!([Address::ZERO])).await;
    assert_eq!(answer["error"]["code"], -32601, "{answer}");
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_use_the_words_that_clients_look_for() {
    let (chain, _dir) = start().await;
    let alice = rich(&chain, 1).await;
    let send = async |chain_id: u64, nonce: u64, value: U256, gas: u64, seed: u8| {
        let request = TransactionRequest::default()
            .with_to(Address::repeat_byte(9))
            .with_chain_id(chain_id)
            .with_nonce(nonce)
            .with_value(value)
            .with_gas_limit(gas)
            .with_max_fee_per_gas(100)
            .with_max_priority_fee_per_gas(1);
        let signed = request.build(&EthereumWallet::from(signer(seed))).await.unwrap();
        let sent = ask(
            &chain,
            "eth_sendRawTransaction",
            json!([Bytes::from(signed.encoded_2718())]),
        )
        .await;
        (sent["error"]["message"].as_str().unwrap_or_default().to_owned(), sent)
    };
    let id = DEVELOPMENT_CHAIN_ID;
    let one = U256::ONE;
    let rows = [
        (send(id + 1, 0, one, 21_000, 1).await, "invalid chain id"),
        (send(id, 0, one, 20_000, 1).await, "intrinsic gas too low"),
        (
            send(id, 0, U256::from(COIN) * U256::from(1_000), 21_000, 1).await,
            "insufficient funds",
        ),
        (send(id, 0, one, 21_000, 3).await, "insufficient funds"),
        (send(id, 0, one, 1 << 25, 1).await, "exceeds gas limit"),
        // A gap waits; said twice it is known.
        (send(id, 5, one, 21_000, 1).await, ""),
        (send(id, 5, one, 21_000, 1).await, "already known"),
        (
            send(id, 5, U256::from(2), 21_000, 1).await,
            "replacement transaction underpriced",
        ),
    ];
    for ((message, answer), expected) in rows {
        assert!(
            message.starts_with(expected) && (message.is_empty() == expected.is_empty()),
            "{expected}: {answer}"
        );
    }
    let receipt = alice
        .send_transaction(
            TransactionRequest::default()
                .with_to(Address::repeat_byte(9))
                .with_value(one),
        )
        .await
        .unwrap()
        .get_receipt()
        .await
        .unwrap();
    assert!(receipt.status());
    let (message, _) = send(id, 0, one, 21_000, 1).await;
    assert!(message.starts_with("nonce too low"), "{message}");
    let broken = ask(&chain, "eth_sendRawTransaction", json!(["0x02"])).await;
    assert_eq!(broken["error"]["code"], -32000, "{broken}");
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tags_name_the_blocks_of_a_chain_where_all_is_final() {
    let (chain, _dir) = start().await;
    let alice = rich(&chain, 1).await;
    let head = alice.get_block(BlockId::latest()).await.unwrap().unwrap();
    for tag in [BlockNumberOrTag::Safe, BlockNumberOrTag::Finalized] {
        let block = alice.get_block(tag.into()).await.unwrap().unwrap();
        assert_eq!(block.header.hash, head.header.hash);
    }
    let first = alice.get_block(BlockId::earliest()).await.unwrap().unwrap();
    assert_eq!(first.header.hash, chain.genesis_hash());
    assert!(alice.get_block(BlockId::number(99)).await.unwrap().is_none());
    let missing = ask(&chain, "eth_getBalance", json!([Address::ZERO, "0x63"])).await;
    assert!(
        missing["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("block not found"),
        "{missing}"
    );

    // What waits is counted by `pending` alone, and is in the pending block once it is its turn.
    let me = signer(1).address();
    let raw = |nonce: u64| async move {
        let request = TransactionRequest::default()
            .with_to(Address::repeat_byte(9))
            .with_chain_id(DEVELOPMENT_CHAIN_ID)
            .with_nonce(nonce)
            .with_gas_limit(21_000)
            // Below the base fee: it waits for ever.
            .with_max_fee_per_gas(6)
            .with_max_priority_fee_per_gas(0);
        let signed = request.build(&EthereumWallet::from(signer(1))).await.unwrap();
        Bytes::from(signed.encoded_2718())
    };
    let waiting = alice.send_raw_transaction(&raw(0).await).await.unwrap();
    assert_eq!(alice.get_transaction_count(me).pending().await.unwrap(), 1);
    assert_eq!(alice.get_transaction_count(me).await.unwrap(), 0);
    let seen = alice
        .get_transaction_by_hash(*waiting.tx_hash())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(seen.block_number, None);
    assert!(
        alice
            .get_transaction_receipt(*waiting.tx_hash())
            .await
            .unwrap()
            .is_none()
    );
    let pending = alice.get_block(BlockId::pending()).await.unwrap().unwrap();
    assert_eq!(pending.header.number, head.header.number + 1);
    assert!(pending.transactions.is_empty());
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_can_be_asked_for_and_carries_the_present_time() {
    let (chain, _dir) = start().await;
    let before = ledger::now();
    let number = ask(&chain, "rayswarm_mine", json!([])).await;
    assert_eq!(number["result"], "0x1", "{number}");
    let block = ask(&chain, "eth_getBlockByNumber", json!(["latest", false])).await;
    let time: U64 = serde_json::from_value(block["result"]["timestamp"].clone()).unwrap();
    assert!(time.to::<u64>() >= before);
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_clients_get_batches_cors_and_limits() {
    let (chain, _dir) = start().await;
    let one = |id: u64, method: &str| json!({"jsonrpc": "2.0", "id": id, "method": method, "params": []});
    let batch = post(
        &chain,
        json!([one(1, "eth_chainId"), one(2, "no_such"), one(3, "net_version")]),
    )
    .await;
    let by_id = |id: u64| {
        batch
            .as_array()
            .unwrap()
            .iter()
            .find(|answer| answer["id"] == id)
            .unwrap()
    };
    assert_eq!(by_id(1)["result"], "0x5253");
    assert_eq!(by_id(2)["error"]["code"], -32601);
    assert_eq!(by_id(3)["result"], "21075");

    let client = reqwest::Client::new();
    let preflight = client
        .request(reqwest::Method::OPTIONS, chain.rpc_url())
        .header("origin", "http://example.org")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .send()
        .await
        .unwrap();
    assert!(preflight.status().is_success());
    assert_eq!(preflight.headers()["access-control-allow-origin"], "*");

    let huge = client.post(chain.rpc_url()).header("content-type", "application/json");
    // Refused on its announced length: the client hears 413, or finds the door shut while it still sends.
    match huge.body(vec![b' '; 9 * 1024 * 1024]).send().await {
        Ok(response) => assert_eq!(response.status().as_u16(), 413),
        Err(error) => assert!(error.is_request(), "{error}"),
    }
    for (method, params) in [
        ("eth_getBalance", json!(["nonsense"])),
        ("eth_getBalance", json!([])),
        ("eth_getBlockByNumber", json!([{}])),
        ("eth_feeHistory", json!(["0x1", "latest", [50, 20]])),
        ("eth_getLogs", json!([{"fromBlock": "0x2", "toBlock": "0x1"}])),
    ] {
        let answer = ask(&chain, method, params).await;
        assert_eq!(answer["error"]["code"], -32602, "{method}: {answer}");
    }
    for (method, expected) in [
        ("eth_syncing", json!(false)),
        ("eth_accounts", json!([])),
        ("eth_blockNumber", json!("0x0")),
        ("eth_gasPrice", json!("0x8")),
        ("eth_maxPriorityFeePerGas", json!("0x1")),
    ] {
        assert_eq!(ask(&chain, method, json!([])).await["result"], expected, "{method}");
    }
    let history = ask(&chain, "eth_feeHistory", json!(["0xa", "latest", [20]])).await;
    assert_eq!(history["result"]["baseFeePerGas"], json!(["0x7", "0x7"]), "{history}");
    assert_eq!(history["result"]["oldestBlock"], "0x0");
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_may_pretend_that_the_state_is_another() {
    let (chain, _dir) = start().await;
    // Returns slot 0, then the balance of the contract.
    let code = "0x5f545f5247602052 60405ff3".replace(' ', "");
    let target = Address::repeat_byte(0x77);
    let call = json!({"to": target});
    let overrides = json!({target.to_string(): {
        "code": code, "balance": "0x5", "stateDiff": {B256::ZERO.to_string(): B256::with_last_byte(9)}
    }});
    let answer = ask(&chain, "eth_call", json!([call, "latest", overrides])).await;
    let expected = [U256::from(9).to_be_bytes::<32>(), U256::from(5).to_be_bytes::<32>()].concat();
    assert_eq!(answer["result"], Bytes::from(expected).to_string(), "{answer}");
    assert_eq!(ask(&chain, "eth_call", json!([call, "latest"])).await["result"], "0x");
    chain.shutdown().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_senders_at_once_are_all_served() {
    let (chain, _dir) = start().await;
    let seeds: Vec<u8> = (1..=4).collect();
    let mut sending = tokio::task::JoinSet::new();
    for seed in seeds.clone() {
        let provider = rich(&chain, seed).await;
        sending.spawn(async move {
            let wallet = EthereumWallet::from(signer(seed));
            let mut last = B256::ZERO;
            for nonce in 0..25 {
                let request = TransactionRequest::default()
                    .with_to(Address::repeat_byte(9))
                    .with_value(U256::ONE)
                    .with_chain_id(DEVELOPMENT_CHAIN_ID)
                    .with_nonce(nonce)
                    .with_gas_limit(21_000)
                    .with_max_fee_per_gas(100)
                    .with_max_priority_fee_per_gas(1);
                let signed = request.build(&wallet).await.unwrap();
                last = *provider
                    .send_raw_transaction(&signed.encoded_2718())
                    .await
                    .unwrap()
                    .tx_hash();
            }
            sealed(&provider, last).await;
        });
    }
    while let Some(sent) = sending.join_next().await {
        sent.unwrap();
    }
    let balance = provider(&chain, 1).get_balance(Address::repeat_byte(9)).await.unwrap();
    assert_eq!(balance, U256::from(100));
    chain.shutdown().await;
}

/// The methods without a server around them, on a ledger of their own.
fn bare(dir: &Path) -> (jsonrpsee::RpcModule<Rpc>, Arc<Ledger>, CancellationToken) {
    let ledger = Arc::new(open(dir, genesis()).unwrap());
    let stopping = CancellationToken::new();
    let rpc = Rpc::new(
        ledger.clone(),
        Faucet::of(&genesis()),
        mpsc::channel(1).0,
        stopping.clone(),
    );
    (rpc::methods(rpc).unwrap(), ledger, stopping)
}

#[tokio::test]
async fn subscribers_hear_of_heads_and_logs() {
    let dir = tempfile::tempdir().unwrap();
    let (methods, ledger, stopping) = bare(dir.path());
    let mut heads = methods
        .subscribe_unbounded("eth_subscribe", ["newHeads"])
        .await
        .unwrap();
    let wanted = (json!("logs"), json!({"address": Address::repeat_byte(1)}));
    let mut logs = methods.subscribe_unbounded("eth_subscribe", wanted).await.unwrap();
    assert!(methods.subscribe_unbounded("eth_subscribe", ["syncing"]).await.is_err());

    let seal = |ledger: &Ledger| -> Arc<SealedBlock> { ledger.seal(Address::ZERO, true).unwrap().unwrap() };
    for _ in 0..2 {
        let block = seal(&ledger);
        let (header, _) = heads.next::<alloy::rpc::types::Header>().await.unwrap().unwrap();
        assert_eq!(header.hash, block.hash);
    }
    // Nothing was logged: the subscription ends without a word when the chain stops.
    stopping.cancel();
    assert!(logs.next::<RpcLog>().await.is_none());
}

#[tokio::test]
async fn nothing_is_answered_for_that_was_not_stored() {
    let dir = tempfile::tempdir().unwrap();
    let (_, ledger, _) = bare(dir.path());
    let faucet = Faucet::of(&genesis()).unwrap();
    let hash = faucet.drip(&ledger, Address::repeat_byte(4)).unwrap().unwrap();
    ledger.close();
    assert!(ledger.seal(Address::ZERO, false).is_err());
    assert!(ledger.read().transaction(&hash).is_none());
    assert_eq!(ledger.read().head().number(), 0);
    // It still waits, for whoever can store it.
    assert!(ledger.read().waiting(&hash).is_some());
}

/// Foundry's `cast`, where the contracts' tools are installed.
#[tokio::test(flavor = "multi_thread")]
async fn cast_can_send_call_and_read() {
    let cast = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../contracts/node_modules/@foundry-rs/cast-linux-amd64/bin/cast");
    if !cast.exists() {
        eprintln!("skipped: {} is not installed (npm ci in contracts/)", cast.display());
        return;
    }
    let (chain, _dir) = start().await;
    rich(&chain, 1).await;
    let url = chain.rpc_url();
    let run = async |arguments: &[&str]| {
        let output = Command::new(&cast)
            .args(arguments)
            .env("ETH_RPC_URL", &url)
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let key = B256::repeat_byte(1).to_string();
    let bob = signer(2).address().to_string();
    assert_eq!(run(&["chain-id"]).await, DEVELOPMENT_CHAIN_ID.to_string());
    let code = token_code().to_string();
    let created: Value =
        serde_json::from_str(&run(&["send", "--json", "--private-key", &key, "--create", &code]).await).unwrap();
    assert_eq!(created["status"], "0x1", "{created}");
    let token = created["contractAddress"].as_str().unwrap();
    run(&[
        "send",
        "--private-key",
        &key,
        token,
        "mint(address,uint256)",
        &bob,
        "1234",
    ])
    .await;
    let balance = run(&["call", token, "balanceOf(address)(uint256)", &bob]).await;
    assert!(balance.starts_with("1234"), "{balance}");
    run(&["send", "--private-key", &key, "--legacy", "--value", "1ether", &bob]).await;
    assert_eq!(run(&["balance", &bob]).await, COIN.to_string());
    assert_eq!(run(&["nonce", &signer(1).address().to_string()]).await, "3");
    let block: Value = serde_json::from_str(&run(&["block", "latest", "--json"]).await).unwrap();
    assert_eq!(
        block["number"].as_str().or(block["number"].as_u64().map(|_| "0x4")),
        Some("0x4"),
        "{block}"
    );
    let logs = run(&["logs", "--from-block", "0", "--address", token]).await;
    assert!(logs.contains("0xddf252ad"), "{logs}");
    run(&["access-list", token, "balanceOf(address)", &bob]).await;
    chain.shutdown().await;
}
