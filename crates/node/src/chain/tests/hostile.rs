//! Peers and clients that do not keep to the rules, at a real node that keeps its chain with an honest other. They are told why, peers
//! are parted with and left out for ten minutes; the node goes on, and the honest other stays.

pub(super) mod liar;

use std::num::NonZeroU32;

use alloy::{
    consensus::{SignableTransaction, TxEip1559, TxEnvelope, TxLegacy},
    eips::eip2718::Encodable2718,
    signers::SignerSync,
};
use alloy_primitives::{Bytes, Signature, TxKind, U256, uint};
use rayswarm_chain::{decode_block, puzzle};
use rayswarm_consensus::{PowRules, pow};
use rayswarm_network::{
    ChainAnswer, ChainQuestion, ChainWord, MESSAGE_VERSION, NetworkConfig, NetworkError, SealedBytes,
};
use serde_bytes::ByteBuf;
use tokio::time::interval;

use super::*;
use crate::{
    clock,
    identity::Identity,
    keeper::{Keeper, KeeperConfig},
};
use liar::{Liar, Lie, frame, framed};

/// Codes of connections, as docs/protocol/network.md lists them.
const MALFORMED: u64 = 0x101;
const VERSION: u64 = 0x102;
const DENIED: u64 = 0x106;
const CHAIN_ID: u64 = 5_253;

/// The order of the group of secp256k1.
const ORDER: U256 = uint!(0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141_U256);

/// A node that makes blocks, and another that follows it.
pub(super) struct Stage {
    folder: TempDir,
    spec: ChainSpec,
    pub(super) node: Keeper,
    honest: Keeper,
}

impl Stage {
    pub(super) async fn set(kind: ConsensusKind) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let validator = Identity::load_or_create(&folder.path().join("node")).unwrap();
        let spec = spec(kind, validator.account.address());
        let mut config = config(&folder, "node", &spec, Vec::new());
        config.validate = kind == ConsensusKind::Pos;
        config.mining = (kind == ConsensusKind::Pow).then_some(Intensity {
            threads: 1,
            percent: 20,
        });
        let node = Keeper::start(config).await.unwrap();
        let follower = self::config(&folder, "honest", &spec, vec![node.address()]);
        let honest = Keeper::start(follower).await.unwrap();
        let stage = Self {
            folder,
            spec,
            node,
            honest,
        };
        stage.goes_on().await;
        stage
    }

    pub(super) fn genesis(&self) -> B256 {
        self.node.chain().genesis_hash()
    }

    /// The node makes blocks, and only the honest other hears of them.
    async fn goes_on(&self) {
        let height = self.node.chain().head().0;
        until(async || self.honest.chain().head().0 > height).await;
        until(async || ask(self.node.chain(), "net_peerCount", json!([])).await["result"] == "0x1").await;
    }

    /// A lie is told to the node: it says why it parts with whoever told it, does not let it in again, and goes on.
    async fn suffers(&self, lie: Lie, reason: &str) {
        let liar = Liar::new().await;
        let (mut talk, named) = liar.greet(&self.node.address(), self.genesis()).await;
        assert_eq!(named, self.genesis());
        talk.send(lie).await;
        let (code, said) = talk.end().await;
        assert!(code == MALFORMED && said.contains(reason), "{reason}: {code:#x} {said}");
        // The connection may have ended a moment before it is known for what it said.
        until(async || {
            let (code, said) = liar.end_of_another_try(&self.node.address(), self.genesis()).await;
            assert_eq!(code, MALFORMED, "{reason}: {said}");
            said.contains("ten minutes")
        })
        .await;
        self.goes_on().await;
    }

    /// The last block of the node, from an honest question.
    async fn last_block(&self) -> SealedBytes {
        let asker = Liar::new().await;
        let (talk, _) = asker.greet(&self.node.address(), self.genesis()).await;
        let all = ChainQuestion::BlocksAfter(vec![self.genesis()]);
        match talk.ask(&all).await {
            ChainAnswer::Blocks(mut blocks) => blocks.pop().unwrap(),
            other => panic!("unexpected {other:?}"),
        }
    }

    async fn newcomer(&self) -> Keeper {
        let config = config(&self.folder, "newcomer", &self.spec, vec![self.node.address()]);
        Keeper::start(config).await.unwrap()
    }

    pub(super) async fn end(self) {
        self.honest.stop().await;
        self.node.stop().await;
    }
}

fn spec(kind: ConsensusKind, validator: Address) -> ChainSpec {
    let coins = U256::from(COIN);
    let draft = Draft {
        kind,
        chain_id: CHAIN_ID,
        timestamp: clock::now().seconds_floor(),
        block_time: Duration::from_millis(200),
        epoch_blocks: 1_000,
        seats: 4,
        validators: vec![FirstValidator {
            account: validator,
            stake: coins * U256::from(1_000),
        }],
        coins: vec![(signer(1).address(), coins)],
        faucet: false,
    };
    let mut spec = draft.spec();
    if kind == ConsensusKind::Pow {
        let of = |value| NonZeroU32::new(value).unwrap();
        let rules = PowRules {
            initial_difficulty: U256::from(20_000),
            block_seconds: of(1),
            half_life_seconds: of(60),
            confirmations: of(30),
            ahead_seconds_max: 15,
        };
        spec.consensus = ConsensusRules::Pow { rules };
    }
    spec
}

fn config(folder: &TempDir, name: &str, spec: &ChainSpec, peers: Vec<PeerAddr>) -> KeeperConfig {
    KeeperConfig {
        data_dir: folder.path().join(name),
        spec: Some(spec.clone()),
        listen: vec![(Ipv4Addr::LOCALHOST, 0).into()],
        rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        peers,
        validate: false,
        mining: None,
        keeping: Keeping::default(),
    }
}

/// The runner ends a test whose condition never comes.
pub(super) async fn until(condition: impl AsyncFn() -> bool) {
    let mut looks = interval(Duration::from_millis(20));
    while !condition().await {
        looks.tick().await;
    }
}

/// What nobody has.
fn far_above() -> ChainWord {
    ChainWord::Status {
        head: u64::MAX / 2,
        hash: B256::repeat_byte(0xee),
        weight: U256::MAX >> 1,
    }
}

pub(super) fn transfer(nonce: u64) -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000,
        max_priority_fee_per_gas: 1,
        to: TxKind::Call(Address::repeat_byte(9)),
        value: U256::ONE,
        ..TxEip1559::default()
    }
}

pub(super) fn signed(transfer: TxEip1559) -> Vec<u8> {
    let signature = signer(1).sign_hash_sync(&transfer.signature_hash()).unwrap();
    TxEnvelope::from(transfer.into_signed(signature)).encoded_2718()
}

/// The twin of a good signature that EIP-2 forbids.
fn signed_high(transfer: TxEip1559) -> Vec<u8> {
    let good = signer(1).sign_hash_sync(&transfer.signature_hash()).unwrap();
    let high = Signature::new(good.r(), ORDER - good.s(), !good.v());
    TxEnvelope::from(transfer.into_signed(high)).encoded_2718()
}

fn oversized() -> Vec<u8> {
    signed(TxEip1559 {
        input: vec![0; 128 * 1024].into(),
        ..transfer(0)
    })
}

fn of_another_chain() -> Vec<u8> {
    signed(TxEip1559 {
        chain_id: CHAIN_ID + 1,
        ..transfer(0)
    })
}

fn transactions(raw: Vec<u8>) -> Lie {
    Lie::Word(frame(&ChainWord::Transactions(vec![raw.into()])))
}

/// A block with another state root, under the seal that it had.
fn with_wrong_root(block: &SealedBytes) -> SealedBytes {
    let mut wrong = decode_block(&block.block).unwrap();
    wrong.header.state_root = B256::repeat_byte(0xbb);
    SealedBytes {
        block: alloy_rlp::encode(&wrong),
        seal: block.seal.clone(),
    }
}

/// The same, mined until its nonce solves the puzzle or, if not `solved`, does not.
fn mined(block: &SealedBytes, solved: bool) -> SealedBytes {
    let mut wrong = decode_block(&with_wrong_root(block).block).unwrap();
    let target = pow::puzzle::target(wrong.header.difficulty);
    let subject = puzzle(&wrong.header);
    let nonce = (0..u64::MAX).find(|nonce| pow::puzzle::is_solved(subject, *nonce, target) == solved);
    wrong.header.nonce = nonce.unwrap().to_be_bytes().into();
    SealedBytes {
        block: alloy_rlp::encode(&wrong),
        seal: None,
    }
}

/// Lies that have nothing to do with how blocks are ordered.
fn lies() -> Vec<(Lie, &'static str)> {
    let nonsense = framed(&[0xff; 9]);
    let endless = vec![MESSAGE_VERSION, 0xff, 0xff, 0xff, 0xff];
    let crowd = vec![ByteBuf::new(); 4_097];
    let no_block = SealedBytes {
        block: vec![1, 2, 3],
        seal: None,
    };
    vec![
        (Lie::Word(nonsense.clone()), "cannot be decoded"),
        (Lie::Question(nonsense.clone()), "cannot be decoded"),
        (Lie::Answer(nonsense), "cannot be decoded"),
        (Lie::Word(endless.clone()), "at most"),
        (Lie::Question(endless.clone()), "at most"),
        (Lie::Answer(endless), "at most"),
        (Lie::Word(frame(&ChainWord::Transactions(crowd))), "cannot be decoded"),
        (
            Lie::Word(frame(&ChainWord::Block(no_block))),
            "not a block of this chain",
        ),
        (transactions(vec![2]), "does not decode"),
        (transactions(signed_high(transfer(0))), "invalid sender"),
        (transactions(of_another_chain()), "invalid chain id"),
        (transactions(oversized()), "oversized data"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lies_to_a_validator_is_told_why_and_kept_out() {
    let stage = Stage::set(ConsensusKind::Pos).await;
    for (lie, reason) in lies() {
        stage.suffers(lie, reason).await;
    }
    let message = ChainWord::Consensus(vec![0xff; 40]);
    stage
        .suffers(Lie::Word(frame(&message)), "its message does not read")
        .await;

    let wrong = with_wrong_root(&stage.last_block().await);
    let word = frame(&ChainWord::Block(wrong.clone()));
    stage.suffers(Lie::Word(word), "its seal does not hold").await;
    let answer = frame(&ChainAnswer::Blocks(vec![wrong]));
    stage.suffers(Lie::Answer(answer), "its seal does not hold").await;
    let headers = frame(&ChainAnswer::Headers(Vec::new()));
    stage.suffers(Lie::Answer(headers), "what it was not asked").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lies_to_a_miner_is_told_why_and_kept_out() {
    let stage = Stage::set(ConsensusKind::Pow).await;
    for (lie, reason) in lies() {
        stage.suffers(lie, reason).await;
    }
    let word = |block| Lie::Word(frame(&ChainWord::Block(block)));
    let block = stage.last_block().await;
    stage
        .suffers(word(mined(&block, false)), "its seal does not hold")
        .await;
    // The work was done, for a block that does not follow.
    let block = stage.last_block().await;
    stage.suffers(word(mined(&block, true)), "does not follow").await;
    let headers = frame(&ChainAnswer::Headers(vec![vec![0xff; 20]]));
    stage.suffers(Lie::Answer(headers), "does not decode").await;
    stage.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_another_chain_hears_which_and_is_no_liar() {
    let stage = Stage::set(ConsensusKind::Pos).await;
    let other = B256::repeat_byte(1);
    let folder = tempfile::tempdir().unwrap();
    let (network, _inbox) = Network::start(NetworkConfig::loopback([7; 32], folder.path().into()))
        .await
        .unwrap();
    network.keep_chain(other);
    let refused = network.join_chain_peer(&stage.node.address()).await.unwrap_err();
    assert!(
        matches!(refused, NetworkError::OtherChain { own, got, .. } if own == other && got == stage.genesis()),
        "{refused}"
    );
    network.shutdown().await;

    // One that does not go by itself is shown out. It may come again, and with the right chain is a peer like any other.
    let stranger = Liar::new().await;
    let (talk, named) = stranger.greet(&stage.node.address(), other).await;
    assert_eq!(named, stage.genesis());
    assert_eq!(talk.end().await.0, DENIED);
    let (mut talk, _) = stranger.greet(&stage.node.address(), stage.genesis()).await;
    assert!(matches!(talk.hear().await, ChainWord::Status { .. }));
    // Neither is one of another version.
    talk.send(Lie::Word(vec![MESSAGE_VERSION + 1, 0, 0, 0, 0])).await;
    assert_eq!(talk.end().await.0, VERSION);
    let (mut talk, _) = stranger.greet(&stage.node.address(), stage.genesis()).await;
    assert!(matches!(talk.hear().await, ChainWord::Status { .. }));
    drop(talk);
    stage.goes_on().await;
    stage.end().await;
}

/// A newcomer gets the chain from an honest peer, whatever another says to have and has not.
async fn newcomer_beside_a_boaster(stage: &Stage) {
    let newcomer = stage.newcomer().await;
    let boaster = Liar::new().await;
    let (talk, _) = boaster.greet(&newcomer.address(), stage.genesis()).await;
    let height = stage.node.chain().head().0;
    tokio::select! {
        () = until(async || newcomer.chain().head().0 > height) => {}
        () = talk.boast() => panic!("nobody parts with one that only boasts"),
    }
    newcomer.stop().await;
    stage.goes_on().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn boasting_keeps_nobody_from_the_chain() {
    for kind in [ConsensusKind::Pos, ConsensusKind::Pow] {
        let stage = Stage::set(kind).await;
        newcomer_beside_a_boaster(&stage).await;
        stage.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_are_told_why_a_transaction_is_not_taken() {
    let stage = Stage::set(ConsensusKind::Pos).await;
    let chain = stage.node.chain();
    let send = async |raw: Vec<u8>| ask(chain, "eth_sendRawTransaction", json!([Bytes::from(raw)])).await;
    let first = send(signed(transfer(0))).await;
    until(async || !ask(chain, "eth_getTransactionReceipt", json!([first["result"]])).await["result"].is_null()).await;
    let waits = send(signed(transfer(5))).await;
    assert!(waits["result"].is_string(), "{waits}");

    let legacy = TxLegacy {
        gas_price: 1_000,
        gas_limit: 21_000,
        to: TxKind::Call(Address::ZERO),
        ..TxLegacy::default()
    };
    let signature = signer(1).sign_hash_sync(&legacy.signature_hash()).unwrap();
    let unprotected = TxEnvelope::from(legacy.into_signed(signature)).encoded_2718();
    let dearer = TxEip1559 {
        max_fee_per_gas: 1_050,
        ..transfer(5)
    };
    for (raw, code, reason) in [
        (of_another_chain(), -32003, "invalid chain id"),
        (unprotected, -32003, "only replay-protected"),
        (signed(transfer(0)), -32003, "nonce too low: next nonce 1, tx nonce 0"),
        (signed(transfer(100_000)), -32003, "nonce too high"),
        (signed(dearer), -32003, "replacement transaction underpriced"),
        (signed(transfer(5)), -32003, "already known"),
        (oversized(), -32003, "oversized data"),
        (signed_high(transfer(1)), -32602, "invalid sender"),
        (vec![3, 0xc0], -32602, "transaction type not supported"),
        (vec![2, 0xff, 0], -32602, "transaction does not decode"),
        (vec![], -32602, "transaction does not decode"),
    ] {
        let answer = send(raw).await;
        assert_eq!(answer["error"]["code"], code, "{reason}: {answer}");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(reason), "{reason}: {answer}");
    }
    for params in [json!(["0xzz"]), json!([7]), json!([]), json!({"raw": "0x"})] {
        let answer = ask(chain, "eth_sendRawTransaction", params).await;
        assert_eq!(answer["error"]["code"], -32602, "{answer}");
    }
    let pool = ask(chain, "txpool_status", json!([])).await;
    assert_eq!(pool["result"]["pending"], "0x1", "the one with a gap before it: {pool}");
    stage.goes_on().await;
    stage.end().await;
}
