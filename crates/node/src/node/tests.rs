//! What faces read from a chain: a job's money, blocks and transactions, on a real embedded chain.

#![allow(clippy::unwrap_used)]

use super::blocks::NewestBlocks;
use crate::{
    chain::{ChainConfig, DEVELOPMENT_CHAIN_ID, EmbeddedChain, development_genesis},
    clock,
};
use rayswarm_model::{
    Address, Amount, B256, Caps, ComparisonClass, JobId, UnixMillis,
    allocation::Cap,
    signed::{AccountKey, Signed, SignedVoucher, Voucher},
};
use rayswarm_settlement::{
    BlockName, Contracts, JobTerms, MovementKind, Movements, Payments, Settlement, Transaction, ask_faucet,
};
use std::{net::Ipv4Addr, time::Duration};
use tempfile::TempDir;

const TOKEN: u128 = 1_000_000_000_000_000_000;

struct World {
    requestor: Settlement,
    provider: Settlement,
    _chain: EmbeddedChain,
    _folder: TempDir,
}

fn key(byte: u8) -> AccountKey {
    AccountKey::from_bytes(&[byte; 32]).unwrap()
}

async fn connect(url: &str, byte: u8, contracts: Contracts) -> Settlement {
    ask_faucet(url, key(byte).address()).await.unwrap();
    Settlement::connect(url, key(byte), contracts).await.unwrap()
}

impl World {
    async fn new() -> Self {
        // The clients are built without a TLS provider of their own; an error means that one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let chain = EmbeddedChain::start(ChainConfig {
            dir: folder.path().join("chain"),
            genesis: development_genesis(DEVELOPMENT_CHAIN_ID, clock::now().seconds_floor()),
            rpc_bind: (Ipv4Addr::LOCALHOST, 0).into(),
        });
        let chain = chain.await.unwrap();
        let url = chain.rpc_url();
        ask_faucet(&url, key(1).address()).await.unwrap();
        let contracts = Settlement::deploy(&url, key(1)).await.unwrap();
        let requestor = connect(&url, 1, contracts).await;
        let budget = Amount(1_000 * TOKEN);
        requestor.mint_dev_tokens(requestor.account(), budget).await.unwrap();
        Self {
            provider: connect(&url, 2, contracts).await,
            requestor,
            _chain: chain,
            _folder: folder,
        }
    }

    async fn open(&self) -> JobId {
        self.open_as(B256::ZERO).await
    }

    async fn open_as(&self, salt: B256) -> JobId {
        let terms = JobTerms {
            manifest_hash: B256::ZERO,
            plan_hash: B256::ZERO,
            policy_hash: B256::ZERO,
            comparison_class: ComparisonClass(B256::ZERO),
            token: self.requestor.contracts().token,
            budget: Amount(100 * TOKEN),
            provider_stake: Amount::ZERO,
            deadline: UnixMillis(clock::now().0 + 3_600_000),
            exit_window: Duration::ZERO,
            notice: Duration::ZERO,
            challenge: Duration::ZERO,
            trust_tier: 0,
        };
        self.requestor.open_job(&terms, salt).await.unwrap().job_id
    }

    fn voucher(&self, job: JobId, provider: Address, cumulative: u128) -> SignedVoucher {
        let voucher = Voucher {
            job,
            provider,
            cumulative: Amount(cumulative),
        };
        Signed::sign(voucher, &self.requestor.domain(), &key(1))
    }
}

fn told(movements: &Movements) -> Vec<(MovementKind, u128)> {
    let told = movements.all().map(|one| (one.kind, one.amount.0 / TOKEN));
    told.collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_history_of_a_wallet_is_what_the_chain_says_of_it() {
    let world = World::new().await;
    let (mut paying, mut earning) = (Movements::default(), Movements::default());
    paying.update(&world.requestor).await.unwrap();
    assert!(paying.is_empty());
    let job = world.open().await;
    let (provider, third) = (world.provider.account(), Address::repeat_byte(3));
    let cap = |provider| Cap {
        provider,
        cap: Amount(50 * TOKEN),
    };
    let caps = Caps::new(vec![cap(provider), cap(third)]).unwrap();
    world.requestor.allocate(job, &caps, B256::ZERO).await.unwrap();
    let first = [world.voucher(job, provider, 10 * TOKEN)];
    world.provider.redeem(job, &first, &caps).await.unwrap();
    paying.update(&world.requestor).await.unwrap();
    assert_eq!(told(&paying), [(MovementKind::Opened, 100), (MovementKind::Paid, 10)]);

    // Two are paid in one transaction.
    let last = [
        world.voucher(job, provider, 15 * TOKEN),
        world.voucher(job, third, 25 * TOKEN),
    ];
    world.requestor.close_job(job, &last, &caps).await.unwrap();
    world.requestor.refund(job).await.unwrap();
    paying.update(&world.requestor).await.unwrap();
    let expected = [
        (MovementKind::Opened, 100),
        (MovementKind::Paid, 10),
        (MovementKind::Paid, 30),
        (MovementKind::Refunded, 60),
    ];
    assert_eq!(told(&paying), expected);
    earning.update(&world.provider).await.unwrap();
    assert_eq!(told(&earning), [(MovementKind::Earned, 10), (MovementKind::Earned, 5)]);

    // At one stroke: the chain names no provider, and each finds its own all the same.
    let other = world.open_as(B256::repeat_byte(1)).await;
    world.requestor.allocate(other, &caps, B256::ZERO).await.unwrap();
    let payments = Payments::from([(provider, Amount(7 * TOKEN)), (third, Amount(2 * TOKEN))]);
    world.requestor.settle_job(other, &payments, &caps).await.unwrap();
    paying.update(&world.requestor).await.unwrap();
    earning.update(&world.provider).await.unwrap();
    assert_eq!(
        told(&paying)[4..],
        [(MovementKind::Opened, 100), (MovementKind::Paid, 9)]
    );
    assert_eq!(told(&earning)[2..], [(MovementKind::Earned, 7)]);

    let all: Vec<_> = paying.all().chain(earning.all()).collect();
    for movement in all {
        assert!([job, other].contains(&movement.job));
        let block = world
            .requestor
            .block(BlockName::Number(movement.block))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (block.at, block.transactions.contains(&movement.tx)),
            (movement.at, true)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn blocks_and_transactions_are_shown_in_words() {
    let world = World::new().await;
    let blocks = NewestBlocks::default();
    assert_eq!(blocks.update(&world.requestor).await.unwrap(), []);
    let before = blocks.all();
    let job = world.open().await;
    let came = blocks.update(&world.requestor).await.unwrap();
    let newest = world.requestor.newest_block().await.unwrap();
    assert_eq!((came.len(), came.last()), (2, Some(&newest)), "approval and opening");
    assert_eq!(blocks.all(), [before, came.clone()].concat());
    assert_eq!(blocks.update(&world.requestor).await.unwrap(), []);
    assert_eq!(world.requestor.finalized(newest.number).await.unwrap(), newest.number);

    let by_hash = world.requestor.block(BlockName::Hash(newest.hash)).await.unwrap();
    assert_eq!(by_hash.as_ref(), Some(&newest));
    assert_eq!(newest.parent, came[0].hash);
    assert!(newest.bytes > 0 && newest.gas_used > 0);
    for unknown in [BlockName::Number(9_999), BlockName::Hash(B256::repeat_byte(9))] {
        assert_eq!(world.requestor.block(unknown).await.unwrap(), None);
    }
    assert_eq!(world.requestor.transaction(B256::repeat_byte(9)).await.unwrap(), None);

    let opening: Transaction = world
        .requestor
        .transaction(newest.transactions[0])
        .await
        .unwrap()
        .unwrap();
    assert_eq!((opening.method.as_deref(), opening.ok), (Some("openJob"), true));
    assert_eq!(
        (opening.from, opening.to),
        (key(1).address(), Some(world.requestor.contracts().escrow))
    );
    let names: Vec<&str> = opening.events.iter().map(|event| event.name.as_str()).collect();
    assert!(names.contains(&"Transfer") && names.contains(&"JobOpened"), "{names:?}");
    let symbol = world.requestor.token_symbol().await.unwrap();
    let opened = opening.events.iter().find(|event| event.name == "JobOpened").unwrap();
    let end = format!(" locked 100 {symbol} for job {}", job.short());
    assert!(!symbol.is_empty() && opened.text.ends_with(&end), "{}", opened.text);
    let approval = world
        .requestor
        .transaction(came[0].transactions[0])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(approval.method.as_deref(), Some("approve"));
}
