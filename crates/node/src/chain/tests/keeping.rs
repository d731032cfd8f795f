//! What a chain keeps and whose it is: restarts, its directory, its faucet, and the ledger without a server around it.

use alloy::{providers::Provider, rpc::types::Log as RpcLog};
use alloy_primitives::{Address, B256, U256};
use rayswarm_chain::SealedBlock;
use serde_json::json;
use tokio::sync::mpsc;

use super::{
    super::{faucet::Faucet, ledger::Ledger, rpc::Rpc, *},
    COIN, DevToken, ask, deploy, genesis, provider, rich, signer, start, start_in,
};

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
    assert!(stored_chain(dir.path()).unwrap().is_none());
    let chain = start_in(dir.path()).await;
    assert_eq!(stored_chain(dir.path()).unwrap(), Some(ChainSpec::solo(genesis())));
    let with = |genesis| {
        EmbeddedChain::start(ChainConfig {
            dir: dir.path().to_owned(),
            genesis,
            rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        })
    };
    let second = with(genesis()).await.err().unwrap();
    assert!(
        matches!(second, ChainError::Storage(StorageError::InUse { .. })),
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

/// The methods without a server around them, on a ledger of their own.
fn bare(dir: &Path) -> (jsonrpsee::RpcModule<Rpc>, Arc<Ledger>, CancellationToken) {
    let ledger = Arc::new(open(dir, genesis()).unwrap());
    let stopping = CancellationToken::new();
    let rpc = Rpc::new(
        ledger.clone(),
        Faucet::of(&genesis()),
        Some(mpsc::channel(1).0),
        ("solo", None),
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

    let seal = |ledger: &Ledger| -> Arc<SealedBlock> { ledger.seal(true).unwrap().unwrap() };
    for _ in 0..2 {
        let block = seal(&ledger);
        let (header, _) = heads.next::<alloy::rpc::types::Header>().await.unwrap().unwrap();
        assert_eq!(header.hash, block.hash);
    }
    // A transaction is told of when it comes, not when it is sealed.
    let told = ("newPendingTransactions", true);
    let mut hashes = methods
        .subscribe_unbounded("eth_subscribe", ["newPendingTransactions"])
        .await
        .unwrap();
    let mut full = methods.subscribe_unbounded("eth_subscribe", told).await.unwrap();
    let faucet = Faucet::of(&genesis()).unwrap();
    let hash = faucet.drip(&ledger, Address::repeat_byte(4)).unwrap().unwrap();
    assert_eq!(hashes.next::<B256>().await.unwrap().unwrap().0, hash);
    let (transaction, _) = full.next::<alloy::rpc::types::Transaction>().await.unwrap().unwrap();
    assert_eq!((*transaction.inner.tx_hash(), transaction.block_hash), (hash, None));

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
    assert!(ledger.seal(false).is_err());
    assert!(ledger.read().transaction(&hash).is_none());
    assert_eq!(ledger.read().head().number(), 0);
    // It still waits, for whoever can store it.
    assert!(ledger.read().waiting(&hash).is_some());
}

#[tokio::test]
async fn who_is_behind_says_so_and_who_cannot_go_on_takes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (methods, ledger, _) = bare(dir.path());
    let syncing = async || {
        let params = jsonrpsee::core::EmptyServerParams::new();
        methods
            .call::<_, serde_json::Value>("eth_syncing", params)
            .await
            .unwrap()
    };
    assert_eq!(syncing().await, json!(false));
    // The next block is on its way.
    ledger.aim_at(1);
    assert_eq!(syncing().await, json!(false));
    ledger.aim_at(5);
    let behind = json!({"startingBlock": "0x0", "currentBlock": "0x0", "highestBlock": "0x5"});
    assert_eq!(syncing().await, behind);
    ledger.aim_at(0);
    assert_eq!(syncing().await, json!(false));

    let faucet = Faucet::of(&genesis()).unwrap();
    faucet.drip(&ledger, Address::repeat_byte(4)).unwrap().unwrap();
    ledger.stall("the log of votes cannot be written".into());
    let refused = faucet.drip(&ledger, Address::repeat_byte(5)).unwrap_err();
    assert!(format!("{refused:?}").contains("log of votes"), "{refused:?}");
}
