//! What the methods answer: refusals, tags, batches, limits, pretended states.

use alloy::{
    eips::{BlockId, BlockNumberOrTag, eip2718::Encodable2718},
    network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder},
    providers::Provider,
    rpc::types::TransactionRequest,
    transports::http::reqwest,
};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde_json::json;

use super::{
    super::{DEVELOPMENT_CHAIN_ID, ledger},
    COIN, DevToken, ask, deploy, post, rich, signer, start,
};

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
    assert_eq!(broken["error"]["code"], -32602, "{broken}");
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
    ] {
        let answer = ask(&chain, method, params).await;
        assert_eq!(answer["error"]["code"], -32602, "{method}: {answer}");
    }
    let backwards = json!([{"fromBlock": "0x2", "toBlock": "0x1"}]);
    for method in ["eth_getLogs", "eth_newFilter"] {
        let answer = ask(&chain, method, backwards.clone()).await;
        assert_eq!(answer["error"]["code"], -32000, "{method}: {answer}");
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
