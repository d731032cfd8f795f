//! What clients are told when another branch becomes the best: logs are taken back, heads and blocks go on.

use alloy::{
    consensus::{SignableTransaction, TxEip1559},
    eips::eip2718::Encodable2718,
    rpc::types::{Header as RpcHeader, Log as RpcLog},
    signers::SignerSync,
};
use alloy_primitives::{Address, B256, TxKind, U64, hex};
use jsonrpsee::{RpcModule, core::server::Subscription};
use rayswarm_chain::BlockAttributes;
use rayswarm_consensus::Seal;
use serde::de::DeserializeOwned;

use super::{
    super::{ledger::Ledger, rpc::Rpc, *},
    signer,
};

const CHAIN_ID: u64 = 7;
const GENESIS_TIME: u64 = 1_700_000_000;

/// Code that logs one topic, 7, when a contract is created of it.
const LOGGING: [u8; 6] = hex!("60075f5fa100");

/// A chain by proof of work with its methods, and no server around them.
struct Bench {
    ledger: Arc<Ledger>,
    methods: RpcModule<Rpc>,
}

impl Bench {
    fn open(dir: &Path) -> Self {
        let draft = Draft {
            kind: ConsensusKind::Pow,
            chain_id: CHAIN_ID,
            timestamp: GENESIS_TIME,
            block_time: Duration::from_secs(1),
            epoch_blocks: 1,
            seats: 1,
            validators: Vec::new(),
            coins: [1, 2].map(|seed| (signer(seed).address(), COIN)).to_vec(),
            faucet: false,
        };
        let spec = draft.spec();
        claim(dir, &spec).unwrap();
        let ledger = Arc::new(kept::open(dir, &spec, &Part::default()).unwrap().ledger);
        let rpc = Rpc::new(ledger.clone(), None, None, ("pow", None), CancellationToken::new());
        Self {
            methods: rpc::methods(rpc).unwrap(),
            ledger,
        }
    }

    /// Sends a creation whose code logs.
    fn log_by(&self, seed: u8) {
        let transaction = TxEip1559 {
            chain_id: CHAIN_ID,
            gas_limit: 100_000,
            max_fee_per_gas: 1_000,
            to: TxKind::Create,
            input: LOGGING.into(),
            ..TxEip1559::default()
        };
        let signature = signer(seed).sign_hash_sync(&transaction.signature_hash()).unwrap();
        let raw = transaction.into_signed(signature).encoded_2718();
        self.ledger.submit_raw(&raw).unwrap();
    }

    /// Stores a block of what waits. Whose it is tells it from others at its height.
    fn block(&self, parent: B256, branch: u8) -> B256 {
        let attributes = BlockAttributes {
            timestamp: GENESIS_TIME + 60,
            beneficiary: Address::repeat_byte(branch),
            ..BlockAttributes::default()
        };
        let proposal = self.ledger.read().prepare_on(&parent, attributes).unwrap();
        let sealed = proposal.build().executed.sealed;
        let header = self.ledger.store(&sealed.encode().into(), &Seal::Header).unwrap();
        header.hash
    }

    async fn ask<T: DeserializeOwned + Clone>(
        &self,
        method: &str,
        params: impl jsonrpsee::core::traits::ToRpcParams,
    ) -> T {
        self.methods.call(method, params).await.unwrap()
    }

    async fn subscribe(&self, what: &str) -> Subscription {
        self.methods.subscribe_unbounded("eth_subscribe", [what]).await.unwrap()
    }
}

async fn next<T: DeserializeOwned>(subscription: &mut Subscription) -> T {
    subscription.next().await.unwrap().unwrap().0
}

/// Where a log is, and whether it is taken back.
fn place(log: &RpcLog) -> (B256, bool) {
    assert_eq!(log.topics(), [B256::with_last_byte(7)]);
    (log.block_hash.unwrap(), log.removed)
}

fn places(logs: &[RpcLog]) -> Vec<(B256, bool)> {
    logs.iter().map(place).collect()
}

#[tokio::test]
async fn logs_of_a_branch_that_is_given_up_are_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path());
    let (mut heads, mut logs) = (bench.subscribe("newHeads").await, bench.subscribe("logs").await);
    let block_filter: U64 = bench.ask("eth_newBlockFilter", Vec::<u8>::new()).await;
    let log_filter: U64 = bench.ask("eth_newFilter", [serde_json::json!({})]).await;
    let upper: U64 = bench
        .ask("eth_newFilter", [serde_json::json!({"fromBlock": "0x2"})])
        .await;

    let genesis = bench.ledger.genesis_header().hash;
    bench.log_by(1);
    let left = bench.block(genesis, 0xa);
    bench.ledger.set_head(left).unwrap();
    assert_eq!(next::<RpcHeader>(&mut heads).await.hash, left);
    assert_eq!(place(&next(&mut logs).await), (left, false));
    let told: Vec<B256> = bench.ask("eth_getFilterChanges", [block_filter]).await;
    assert_eq!(told, [left]);
    let told: Vec<RpcLog> = bench.ask("eth_getFilterChanges", [log_filter]).await;
    assert_eq!(places(&told), [(left, false)]);
    let late: U64 = bench.ask("eth_newFilter", [serde_json::json!({})]).await;

    // Another branch with a log of its own; the one of the first waits again.
    bench.log_by(2);
    let first = bench.block(genesis, 0xb);
    let second = bench.block(first, 0xb);
    bench.ledger.set_head(second).unwrap();
    let third = bench.block(second, 0xb);
    bench.ledger.set_head(third).unwrap();
    // What was told of does not depend on the branch's being kept.
    bench.ledger.finalize(second).unwrap();
    assert!(bench.ledger.read().stored(&left).is_none());

    for head in [first, second, third] {
        assert_eq!(next::<RpcHeader>(&mut heads).await.hash, head);
    }
    let steps = [(left, true), (first, false), (third, false)];
    for step in steps {
        assert_eq!(place(&next(&mut logs).await), step);
    }
    let told: Vec<B256> = bench.ask("eth_getFilterChanges", [block_filter]).await;
    assert_eq!(told, [first, second, third]);
    for filter in [log_filter, late] {
        let told: Vec<RpcLog> = bench.ask("eth_getFilterChanges", [filter]).await;
        assert_eq!(places(&told), steps);
        let told: Vec<RpcLog> = bench.ask("eth_getFilterChanges", [filter]).await;
        assert!(told.is_empty());
    }
    // A filter is told of no block that it did not ask for.
    let told: Vec<RpcLog> = bench.ask("eth_getFilterChanges", [upper]).await;
    assert_eq!(places(&told), [(third, false)]);
    // What is taken back is in no answer about the chain.
    let all: Vec<RpcLog> = bench.ask("eth_getFilterLogs", [log_filter]).await;
    assert_eq!(places(&all), [(third, false)]);
    let all: Vec<RpcLog> = bench
        .ask("eth_getLogs", [serde_json::json!({"fromBlock": "0x0"})])
        .await;
    assert_eq!(places(&all), [(first, false), (third, false)]);
}

#[tokio::test]
async fn logs_are_taken_back_in_the_opposite_order() {
    let dir = tempfile::tempdir().unwrap();
    let bench = Bench::open(dir.path());
    let mut logs = bench.subscribe("logs").await;
    let genesis = bench.ledger.genesis_header().hash;
    bench.log_by(1);
    let lower = bench.block(genesis, 0xa);
    bench.ledger.set_head(lower).unwrap();
    bench.log_by(2);
    let upper = bench.block(lower, 0xa);
    bench.ledger.set_head(upper).unwrap();
    let filter: U64 = bench.ask("eth_newFilter", [serde_json::json!({})]).await;
    // Shorter, as a branch of more work can be; nothing waits, and a block without transactions is put on the first.
    let other = bench.block(genesis, 0xb);
    bench.ledger.set_head(other).unwrap();
    let steps = [(lower, false), (upper, false), (upper, true), (lower, true)];
    for step in steps {
        assert_eq!(place(&next(&mut logs).await), step);
    }
    let told: Vec<RpcLog> = bench.ask("eth_getFilterChanges", [filter]).await;
    assert_eq!(places(&told), [(upper, true), (lower, true)]);
}
