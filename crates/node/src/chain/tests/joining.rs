//! Nodes that join a chain of others: which branch they take, and where they begin.

use std::num::NonZeroU32;

use alloy_primitives::{U256, hex};
use rayswarm_chain::BlockAttributes;
use rayswarm_consensus::{
    Event, Output, PowRules,
    pow::{puzzle, retarget::difficulty_after},
};
use rayswarm_network::{BlobOptions, NetworkConfig, SealedBytes};
use tokio::time::interval;

use super::*;
use crate::{
    chain::{kept::Start, ledger::header_of},
    clock,
};

/// How old the chain of these tests is, in seconds: what stands on its first block may say that it came late.
const AGE: u64 = 3_000;

fn rules(block_seconds: u32) -> PowRules {
    let of = |value| NonZeroU32::new(value).unwrap();
    PowRules {
        initial_difficulty: U256::from(64),
        block_seconds: of(block_seconds),
        half_life_seconds: of(100),
        confirmations: of(3),
        ahead_seconds_max: 15,
    }
}

/// A chain with a block every so many seconds.
fn spec(block_seconds: u32) -> ChainSpec {
    // As for every client of these tests.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let begin = clock::now().seconds_floor() - AGE;
    let mut spec = Draft::mined(begin, Duration::from_secs(block_seconds.into())).spec();
    spec.consensus = ConsensusRules::Pow {
        rules: rules(block_seconds),
    };
    spec
}

fn trusting(checkpoint: Checkpoint) -> Keeping {
    Keeping {
        checkpoint: Some(checkpoint),
        ..Keeping::default()
    }
}

/// Adds a block for each of these times to the chain in a folder, whose rewards go to `miner`.
fn grow(dir: &Path, spec: &ChainSpec, times: impl IntoIterator<Item = u64>, miner: Address) {
    grow_with(dir, spec, &Part::default(), times, miner);
}

fn grow_with(dir: &Path, spec: &ChainSpec, part: &Part, times: impl IntoIterator<Item = u64>, miner: Address) {
    let ConsensusRules::Pow { rules } = &spec.consensus else {
        panic!("not pow")
    };
    claim(dir, spec).unwrap();
    let kept::Opened {
        ledger, mut consensus, ..
    } = kept::open(dir, spec, part).unwrap();
    consensus.start(clock::now().0, &[]);
    for timestamp in times {
        let parent = ledger.read().head().clone();
        let difficulty = difficulty_after(rules, ledger.genesis_header(), &header_of(parent.hash, parent.header()));
        let attributes = BlockAttributes {
            timestamp,
            beneficiary: miner,
            difficulty,
            ..BlockAttributes::default()
        };
        let proposal = ledger.read().prepare_on(&parent.hash, attributes).unwrap();
        let executed = proposal.build().executed;
        let target = puzzle::target(difficulty);
        let nonce = puzzle::search(executed.sealed.puzzle(), target, 0..u64::MAX).unwrap();
        let sealed = SealedBytes {
            block: executed.with_nonce(nonce).unwrap().sealed.encode(),
            seal: None,
        };
        let checked = ledger.check_seal(&sealed, |header, seal, site| {
            consensus.verify_seal(clock::now().0, header, seal, site)
        });
        let header = ledger.import(checked.unwrap().unwrap()).unwrap();
        let stored = Event::Stored {
            header,
            validators: None,
        };
        for output in consensus.handle(clock::now().0, stored) {
            match output {
                Output::Head(hash) => ledger.set_head(hash).unwrap(),
                Output::Final(hash) => ledger.finalize(hash).unwrap(),
                _ => {}
            }
        }
    }
    ledger.close();
}

struct Node {
    chain: EmbeddedChain,
    network: Network,
}

impl Node {
    async fn start(dir: &Path, spec: &ChainSpec, known: Vec<PeerAddr>, keeping: Keeping) -> Result<Self, ChainError> {
        let (network, events) = network(dir).await;
        Self::join(dir, spec, known, keeping, network, events).await
    }

    async fn join(
        dir: &Path,
        spec: &ChainSpec,
        known: Vec<PeerAddr>,
        keeping: Keeping,
        network: Network,
        events: mpsc::Receiver<ChainEvent>,
    ) -> Result<Self, ChainError> {
        let chain = EmbeddedChain::join(SharedConfig {
            dir: dir.join("chain"),
            spec: spec.clone(),
            rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
            key: None,
            mining: None,
            keeping,
            network: network.clone(),
            events,
            known,
        })
        .await?;
        Ok(Self { chain, network })
    }

    fn address(&self) -> PeerAddr {
        self.network.addr()
    }

    /// Waits until its head is this block.
    async fn reaches(&self, head: (u64, B256)) {
        until(|| self.chain.head() == head).await;
    }

    async fn stop(self) {
        self.chain.shutdown().await;
        self.network.shutdown().await;
    }
}

async fn network(dir: &Path) -> (Network, mpsc::Receiver<ChainEvent>) {
    let mut secret_key = [0; 32];
    let name = dir.file_name().unwrap().as_encoded_bytes();
    secret_key[..name.len()].copy_from_slice(name);
    let config = NetworkConfig {
        secret_key,
        bind: vec![(Ipv4Addr::LOCALHOST, 0).into()],
        relay: None,
        idle_timeout: NetworkConfig::IDLE_TIMEOUT,
        folder: dir.join("network"),
        blobs: BlobOptions::default(),
    };
    let (network, inbox) = Network::start(config).await.unwrap();
    (network, inbox.chain)
}

/// The runner ends a test whose condition never comes.
async fn until(condition: impl Fn() -> bool) {
    let mut looks = interval(Duration::from_millis(20));
    while !condition() {
        looks.tick().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_takes_the_branch_with_most_work_whoever_comes_first() {
    let folder = tempfile::tempdir().unwrap();
    let [honest, liar, fresh] = ["honest", "liar", "fresh"].map(|name| folder.path().join(name));
    let spec = spec(50);
    let begin = spec.genesis.timestamp;
    // On schedule, and far longer than it: but so late that each block costs a hash or two.
    grow(
        &honest.join("chain"),
        &spec,
        (1..=50).map(|number| begin + number * 50),
        Address::repeat_byte(1),
    );
    grow(
        &liar.join("chain"),
        &spec,
        (0..58).map(|number| begin + AGE - 100 + number),
        Address::repeat_byte(2),
    );

    let liar = Node::start(&liar, &spec, Vec::new(), Keeping::default()).await.unwrap();
    let (honest_network, events) = network(&honest).await;
    let known = vec![liar.address(), honest_network.addr()];
    let fresh = Node::start(&fresh, &spec, known, Keeping::default()).await.unwrap();
    until(|| fresh.network.chain_peers().len() == 1).await;
    assert_eq!(liar.chain.head().0, 58);

    let honest = Node::join(&honest, &spec, Vec::new(), Keeping::default(), honest_network, events)
        .await
        .unwrap();
    fresh.reaches(honest.chain.head()).await;
    assert_eq!(fresh.chain.head().0, 50, "shorter, and heavier");
    for node in [fresh, honest, liar] {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newcomer_begins_at_a_checkpoint_and_needs_no_block_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let [old, fresh] = ["old", "fresh"].map(|name| folder.path().join(name));
    let spec = spec(1);
    let late = spec.genesis.timestamp + AGE - 700;
    let miner = Address::repeat_byte(1);
    grow(&old.join("chain"), &spec, (0..600).map(|number| late + number), miner);
    let old = Node::start(&old, &spec, Vec::new(), Keeping::default()).await.unwrap();
    let said = ask(&old.chain, "rayswarm_checkpoint", json!([])).await;
    let checkpoint: Checkpoint = said["result"].as_str().unwrap().parse().unwrap();
    assert_eq!(checkpoint.number, 597, "what is final");

    let known = vec![old.address()];
    let node = Node::start(&fresh, &spec, known, trusting(checkpoint)).await.unwrap();
    node.reaches(old.chain.head()).await;
    for (method, params) in [
        ("eth_getBalance", json!([miner, "latest"])),
        ("eth_getBlockByNumber", json!(["0x0", false])),
        ("eth_getBlockByNumber", json!(["0x200", true])),
        ("eth_getBlockByNumber", json!(["finalized", false])),
    ] {
        let [expected, got] = [&old.chain, &node.chain].map(|chain| ask(chain, method, params.clone()));
        let (expected, got) = (expected.await, got.await);
        assert!(!expected["result"].is_null(), "{expected}");
        assert_eq!(expected, got, "{method} {params}");
    }
    let first = ask(&node.chain, "eth_getBlockByNumber", json!(["0x1", false])).await;
    assert!(first["result"].is_null(), "it never had block 1: {first}");
    node.stop().await;

    // It goes on where it was, without help, and holds its chain against the checkpoint.
    let head = old.chain.head();
    old.stop().await;
    let node = Node::start(&fresh, &spec, Vec::new(), trusting(checkpoint))
        .await
        .unwrap();
    assert_eq!(node.chain.head(), head);
    node.stop().await;
    let wrong = Checkpoint {
        hash: B256::repeat_byte(9),
        ..checkpoint
    };
    let refused = Node::start(&fresh, &spec, Vec::new(), trusting(wrong))
        .await
        .err()
        .unwrap();
    assert!(matches!(refused, ChainError::Checkpoint(_)), "{refused}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_archive_answers_for_every_state_from_where_it_begins() {
    let folder = tempfile::tempdir().unwrap();
    let [whole, late, plain] = ["whole", "late", "plain"].map(|name| folder.path().join(name));
    let spec = spec(1);
    let begin = spec.genesis.timestamp + AGE - 700;
    let archive = Keeping {
        archive: Some(true),
        ..Keeping::default()
    };
    let part = Part {
        keeping: archive,
        ..Part::default()
    };
    let miner = Address::repeat_byte(1);
    grow_with(
        &whole.join("chain"),
        &spec,
        &part,
        (0..300).map(|number| begin + number),
        miner,
    );
    let whole = Node::start(&whole, &spec, Vec::new(), archive).await.unwrap();
    let reward = U256::from(spec.genesis.reward);
    let balance = async |node: &Node, block: Value| {
        let answer = ask(&node.chain, "eth_getBalance", json!([miner, block])).await;
        let balance = answer["result"]
            .as_str()
            .map(|balance| balance.parse::<U256>().unwrap());
        balance.ok_or_else(|| answer["error"]["message"].as_str().unwrap().to_owned())
    };
    for number in [0, 1, 40, 41, 100, 297, 300] {
        let expected = reward * U256::from(number);
        assert_eq!(
            balance(&whole, json!(format!("{number:#x}"))).await,
            Ok(expected),
            "{number}"
        );
        let block = ask(
            &whole.chain,
            "eth_getBlockByNumber",
            json!([format!("{number:#x}"), false]),
        )
        .await;
        let hash = block["result"]["hash"].clone();
        assert_eq!(
            balance(&whole, json!({ "blockHash": hash })).await,
            Ok(expected),
            "{hash}"
        );
    }
    // BALANCE of the miner, and the hash of the block before, by a creation that returns both.
    let code = format!("0x73{}315f52600143034060205260405ff3", hex::encode(miner));
    let before = ask(&whole.chain, "eth_getBlockByNumber", json!(["0x63", false])).await;
    let hash = before["result"]["hash"].as_str().unwrap();
    let seen = ask(&whole.chain, "eth_call", json!([{ "data": code }, "0x64"])).await;
    let expected = format!("0x{:064x}{}", reward * U256::from(100), &hash[2..]);
    assert_eq!(seen["result"], expected, "{seen}");
    // Calls about what is final do not see what is not.
    let seen = ask(&whole.chain, "eth_call", json!([{ "data": code }, "finalized"])).await;
    assert_eq!(
        seen["result"].as_str().unwrap()[2..66],
        format!("{:064x}", reward * U256::from(297))
    );

    // Who began at a checkpoint has states from there on; who keeps none, the latest only.
    let said = ask(&whole.chain, "rayswarm_checkpoint", json!([])).await;
    let checkpoint: Checkpoint = said["result"].as_str().unwrap().parse().unwrap();
    let known = vec![whole.address()];
    let keeping = Keeping {
        archive: Some(true),
        ..trusting(checkpoint)
    };
    let late = Node::start(&late, &spec, known.clone(), keeping).await.unwrap();
    let plain = Node::start(&plain, &spec, known, Keeping::default()).await.unwrap();
    for (node, oldest) in [(&late, checkpoint.number), (&plain, 297 - 255)] {
        node.reaches(whole.chain.head()).await;
        assert_eq!(
            balance(node, json!(format!("{oldest:#x}"))).await,
            Ok(reward * U256::from(oldest))
        );
        let refused = balance(node, json!(format!("{:#x}", oldest - 1))).await.unwrap_err();
        assert!(refused.contains(&format!("outside {oldest}..=300")), "{refused}");
    }
    for node in [whole, late, plain] {
        node.stop().await;
    }

    // Who only opens it, as an export does, leaves it. A start without it drops it, and the next with it begins anew.
    let opened_with = |archive| {
        let part = Part {
            keeping: Keeping {
                archive,
                ..Keeping::default()
            },
            ..Part::default()
        };
        let opened = kept::open(&folder.path().join("whole/chain"), &spec, &part).unwrap();
        opened.ledger.archive()
    };
    let wishes = [None, Some(true), Some(false), None, Some(true)];
    let last = Some(297);
    assert_eq!(wishes.map(&opened_with), [Some(0), Some(0), None, None, last]);
    // All of it is made again of the blocks.
    fs::remove_file(folder.path().join("whole/chain/state.redb")).unwrap();
    assert_eq!(opened_with(Some(true)), Some(0));
    let again = Node::start(&folder.path().join("whole"), &spec, Vec::new(), archive)
        .await
        .unwrap();
    assert_eq!(balance(&again, json!("0x28")).await, Ok(reward * U256::from(40)));
    again.stop().await;
}

#[test]
fn a_chain_begins_anew_at_a_checkpoint_only_where_it_is_far_behind_and_keeps_no_archive() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("chain");
    let spec = spec(50);
    let at = |number| Checkpoint {
        number,
        hash: B256::ZERO,
    };
    let start = |number, archive| kept::start(&dir, &spec, at(number), archive).unwrap();
    assert_eq!(start(1, None), Start::New);
    let begin = spec.genesis.timestamp;
    // Seven of them are final.
    grow(&dir, &spec, (1..=10).map(|number| begin + number * 50), Address::ZERO);
    assert_eq!(start(7 + 16_384, None), Start::There);
    assert_eq!(start(8 + 16_384, None), Start::FarBefore);
    let part = Part {
        keeping: Keeping {
            archive: Some(true),
            ..Keeping::default()
        },
        ..Part::default()
    };
    grow_with(&dir, &spec, &part, [begin + 550], Address::ZERO);
    assert_eq!(start(1 << 20, Some(true)), Start::There);
    assert_eq!(start(1 << 20, Some(false)), Start::FarBefore);
}

/// Of final blocks a node may keep no more than the last 1,024 with their receipts; peers are given all of them all the same.
#[tokio::test(flavor = "multi_thread")]
async fn who_keeps_a_short_history_still_gives_peers_the_whole_chain() {
    let folder = tempfile::tempdir().unwrap();
    let [short, fresh, late] = ["short", "fresh", "late"].map(|name| folder.path().join(name));
    let spec = spec(1);
    let begin = spec.genesis.timestamp + AGE - 1_400;
    let keeping = Keeping {
        history: Some(1),
        ..Keeping::default()
    };
    let part = Part {
        keeping,
        ..Part::default()
    };
    let times = |numbers: std::ops::Range<u64>| numbers.map(|number| begin + number);
    let miner = Address::repeat_byte(1);
    grow_with(&short.join("chain"), &spec, &part, times(0..10), miner);
    fs::create_dir_all(late.join("chain")).unwrap();
    for file in [GENESIS_FILE, LOG_FILE, "state.redb"] {
        fs::copy(short.join("chain").join(file), late.join("chain").join(file)).unwrap();
    }
    grow_with(&short.join("chain"), &spec, &part, times(10..1_300), miner);

    let short = Node::start(&short, &spec, Vec::new(), keeping).await.unwrap();
    let head = short.chain.head();
    assert_eq!(head.0, 1_300);
    let old = ask(&short.chain, "eth_getBlockByNumber", json!(["0x64", false])).await;
    assert!(old["result"].is_null(), "it is kept no more: {old}");
    let logs = json!([{ "fromBlock": "0x0", "toBlock": "latest" }]);
    let refused = ask(&short.chain, "eth_getLogs", logs.clone()).await;
    assert_eq!(refused["error"]["code"], -32001, "{refused}");
    let said = refused["error"]["message"].as_str().unwrap();
    assert!(said.contains("from block 274 on"), "{said}");
    let near = json!([{ "fromBlock": "0x112", "toBlock": "latest" }]);
    assert_eq!(
        ask(&short.chain, "eth_getLogs", near).await["result"],
        json!([]),
        "all of these are kept"
    );

    let fresh = Node::start(&fresh, &spec, vec![short.address()], Keeping::default())
        .await
        .unwrap();
    fresh.reaches(head).await;
    assert_eq!(ask(&fresh.chain, "eth_getLogs", logs).await["result"], json!([]));

    // Who was away for long may begin anew at a checkpoint, and executes nothing of what lies between.
    let said = ask(&short.chain, "rayswarm_checkpoint", json!([])).await;
    let checkpoint: Checkpoint = said["result"].as_str().unwrap().parse().unwrap();
    let (network, mut events) = network(&late).await;
    let first = spec.chain_genesis().unwrap().block();
    network.keep_chain(first.hash);
    let mut peers = Peers::new(network.clone(), vec![short.address()], TaskTracker::new());
    let wanted = Wanted {
        checkpoint,
        genesis: header_of(first.hash, first.header()),
        pow: Some(rules(1)),
    };
    let beginning = beginning::fetch(&mut peers, &mut events, &wanted).await.unwrap();
    kept::begin_at(&late.join("chain"), &spec, &Part::default(), &beginning).unwrap();
    network.shutdown().await;
    let late = Node::start(&late, &spec, vec![short.address()], trusting(checkpoint))
        .await
        .unwrap();
    late.reaches(head).await;
    let skipped = ask(&late.chain, "eth_getBlockByNumber", json!(["0xc8", false])).await;
    assert!(skipped["result"].is_null(), "{skipped}");
    for node in [fresh, late, short] {
        node.stop().await;
    }
}
