//! Whole stories, as clients live them: alloy with a contract, many senders at once, viem, ethers, `cast`.
#![allow(clippy::print_stderr)]

use std::{
    path::{Path, PathBuf},
    process::Stdio,
};

use alloy::{
    eips::{BlockId, eip2718::Encodable2718},
    network::{EthereumWallet, NetworkTransactionBuilder, TransactionBuilder},
    providers::Provider,
    rpc::types::{BlockTransactions, Filter, FilterChanges, Log as RpcLog, TransactionRequest},
};
use alloy_primitives::{Address, B256, U256, keccak256};
use serde_json::Value;
use tokio::process::Command;

use super::{
    super::{DEVELOPMENT_CHAIN_ID, EmbeddedChain},
    COIN, DevToken, deploy, provider, rich, sealed, signer, start, start_voted, token_code,
};

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
    let arrivals = alice.new_pending_transactions_filter(false).await.unwrap();
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
    let arrived: Vec<B256> = alice.get_filter_changes(arrivals).await.unwrap();
    assert_eq!((arrived.len(), arrived.last()), (2, Some(&receipt.transaction_hash)));
    assert!(alice.get_filter_changes::<B256>(arrivals).await.unwrap().is_empty());
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

/// One of the contracts' tools below `contracts/`. Where it is not installed the test says so and passes;
/// `scripts/test.sh` says it once more, because the runner hides what passing tests print.
fn tool(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts").join(path);
    let is_there = path.exists();
    if !is_there {
        eprintln!(
            "SKIPPED: there is no {}; run scripts/setup-npm.sh contracts",
            path.display()
        );
    }
    is_there.then_some(path)
}

/// Tells a story of a node's own chain, and of one whose validators vote.
async fn on_both(story: impl AsyncFn(&EmbeddedChain)) {
    let (own, _dir) = start().await;
    story(&own).await;
    own.shutdown().await;
    let (voted, _dir, network) = start_voted().await;
    story(&voted).await;
    voted.shutdown().await;
    network.shutdown().await;
}

/// What a script in Node says at its end, of this chain and the first signer. Its arguments come after the
/// chain's address and that signer's key.
async fn said_by(script: &str, chain: &EmbeddedChain, arguments: &[Address]) -> Value {
    let output = Command::new("node")
        .arg(tool(script).unwrap())
        .args([chain.rpc_url(), B256::repeat_byte(1).to_string()])
        .args(arguments.iter().map(Address::to_string))
        .stdin(Stdio::null())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let saw: Value = serde_json::from_str(said.lines().last().unwrap()).unwrap();
    assert_eq!(saw["chainId"], DEVELOPMENT_CHAIN_ID, "{saw}");
    assert_eq!(saw["account"], signer(1).address().to_string(), "{saw}");
    saw
}

/// viem, as a script in Node: `contracts/test/viem.mjs`.
#[tokio::test(flavor = "multi_thread")]
async fn viem_can_send_call_and_watch() {
    if tool("node_modules/viem").is_none() {
        return;
    }
    on_both(async |chain| {
        let alice = rich(chain, 1).await;
        let token = deploy(&alice).await;
        let minted = token.mint(signer(1).address(), U256::from(1_000)).send().await.unwrap();
        minted.get_receipt().await.unwrap();
        let blocks = chain.head().0;
        let bob = signer(2).address();
        let saw = said_by("test/viem.mjs", chain, &[*token.address(), bob]).await;

        // What it saw is what is there.
        assert_eq!(saw["held"], "5", "{saw}");
        assert!(saw["blocks"].as_u64().unwrap() >= blocks, "{saw}");
        assert_eq!(token.balanceOf(bob).call().await.unwrap(), U256::from(5));
        assert_eq!(alice.get_balance(bob).await.unwrap(), U256::from(5));
        let last: B256 = serde_json::from_value(saw["last"].clone()).unwrap();
        let last = alice.get_transaction_receipt(last).await.unwrap().unwrap();
        assert!(last.block_number.unwrap() >= blocks + 4);
    })
    .await;
}

/// ethers, as a script in Node: `contracts/test/ethers.mjs`.
#[tokio::test(flavor = "multi_thread")]
async fn ethers_can_deploy_call_and_listen() {
    if tool("node_modules/ethers").is_none() {
        return;
    }
    on_both(async |chain| {
        let alice = rich(chain, 1).await;
        let bob = signer(2).address();
        let saw = said_by("test/ethers.mjs", chain, &[bob]).await;

        let token: Address = serde_json::from_value(saw["token"].clone()).unwrap();
        let held = DevToken::new(token, alice.clone()).balanceOf(bob).call().await.unwrap();
        assert!(held >= U256::from(305) && held % U256::from(5) == U256::ZERO, "{held}");
        assert_eq!(alice.get_balance(bob).await.unwrap(), U256::from(3));
        let last: B256 = serde_json::from_value(saw["last"].clone()).unwrap();
        assert!(alice.get_transaction_receipt(last).await.unwrap().unwrap().status());
    })
    .await;
}

/// Foundry's `cast`.
#[tokio::test(flavor = "multi_thread")]
async fn cast_can_send_call_and_read() {
    let Some(cast) = tool("node_modules/@foundry-rs/cast-linux-amd64/bin/cast") else {
        return;
    };
    on_both(async |chain| {
        rich(chain, 1).await;
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
        let created = run(&["send", "--json", "--private-key", &key, "--create", &code]).await;
        let created: Value = serde_json::from_str(&created).unwrap();
        assert_eq!(created["status"], "0x1", "{created}");
        let token = created["contractAddress"].as_str().unwrap();
        let mint = "mint(address,uint256)";
        run(&["send", "--private-key", &key, token, mint, &bob, "1234"]).await;
        let balance = run(&["call", token, "balanceOf(address)(uint256)", &bob]).await;
        assert!(balance.starts_with("1234"), "{balance}");
        run(&["send", "--private-key", &key, "--legacy", "--value", "1ether", &bob]).await;
        assert_eq!(run(&["balance", &bob]).await, COIN.to_string());
        assert_eq!(run(&["nonce", &signer(1).address().to_string()]).await, "3");
        let known = run(&["block-number"]).await.parse::<u64>().unwrap();
        assert!(known >= 4, "{known}");
        let block = run(&["block", &known.to_string(), "--field", "number"]).await;
        assert_eq!(block, known.to_string());
        let logs = run(&["logs", "--from-block", "0", "--address", token]).await;
        assert!(logs.contains("0xddf252ad"), "{logs}");
        run(&["access-list", token, "balanceOf(address)", &bob]).await;
    })
    .await;
}
