//! The whole way of a job's money on a real anvil: what is sent, what is paid, what is refused and in which words.
//!
//! Without anvil (`npm ci --prefix contracts`, or its path in `RAYSWARM_ANVIL`) each test says so and passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use rayswarm_model::{
    Address, Amount, B256, FailureKind, JobId, NodeId, UnixMillis, WorkPrice,
    signed::{AccountKey, Signed, SignedVoucher, Voucher},
};
use rayswarm_settlement::{
    Contracts, Job, JobEventKind, JobState, JobTerms, ProviderOffer, Settlement, SettlementError, Shortfall, ask_faucet,
};
use std::{
    error::Error,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use support::Anvil;

/// The first two accounts that anvil endows with its own currency; their secrets are in its manual.
const REQUESTOR: &str = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const STRANGER: &str = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d";

const TOKEN: u128 = 1_000_000_000_000_000_000;

fn key(hex_secret: &str) -> AccountKey {
    AccountKey::from_bytes(&hex_secret.parse::<B256>().unwrap().0).unwrap()
}

fn provider(index: u8) -> Address {
    AccountKey::from_bytes(&[index; 32]).unwrap().address()
}

struct World {
    requestor: Settlement,
    stranger: Settlement,
    contracts: Contracts,
    anvil: Anvil,
}

impl World {
    async fn new() -> Option<Self> {
        let anvil = match Anvil::start() {
            Ok(anvil) => anvil,
            Err(reason) => {
                eprintln!("skipped: {reason}");
                return None;
            }
        };
        let contracts = Settlement::deploy(&anvil.url, key(REQUESTOR)).await.unwrap();
        let requestor = Settlement::connect(&anvil.url, key(REQUESTOR), contracts)
            .await
            .unwrap();
        let stranger = Settlement::connect(&anvil.url, key(STRANGER), contracts).await.unwrap();
        requestor
            .mint_dev_tokens(requestor.account(), Amount(1_000 * TOKEN))
            .await
            .unwrap();
        Some(Self {
            requestor,
            stranger,
            contracts,
            anvil,
        })
    }

    fn terms(&self, exit_window_s: u64) -> JobTerms {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        JobTerms {
            manifest_hash: B256::repeat_byte(1),
            plan_hash: B256::repeat_byte(2),
            token: self.contracts.token,
            budget: Amount(100 * TOKEN),
            deadline: UnixMillis(u64::try_from(now.as_millis()).unwrap() + 3_600_000),
            exit_window: Duration::from_secs(exit_window_s),
        }
    }

    fn voucher(&self, job: JobId, provider: Address, cumulative: u128) -> SignedVoucher {
        let voucher = Voucher {
            job,
            provider,
            cumulative: Amount(cumulative),
        };
        Signed::sign(voucher, &self.requestor.domain(), &key(REQUESTOR))
    }

    /// The job, after making sure that its sums and the token's balances agree to the last unit.
    async fn audited(&self, job: JobId) -> Job {
        let it = self.requestor.job(job).await.unwrap();
        assert_eq!(it.deposited.0, it.paid.0 + it.refunded.0 + it.locked.0);
        let held = self.requestor.token_balance(self.contracts.escrow).await.unwrap();
        assert_eq!(held, it.locked, "the escrow holds what is locked");
        it
    }
}

/// The whole chain of causes, as the edges print it.
fn sentence(error: &SettlementError) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[tokio::test]
async fn a_job_is_opened_paid_closed_and_refunded_to_the_last_unit() {
    let Some(world) = World::new().await else { return };
    let before = world.requestor.token_balance(world.requestor.account()).await.unwrap();
    let opened = world.requestor.open_job(&world.terms(0), B256::ZERO).await.unwrap();
    let job = opened.job_id;
    assert_eq!(job, world.requestor.job_id(B256::ZERO));
    assert_eq!(opened.transactions.len(), 2, "approval and opening");
    assert_eq!(world.audited(job).await.locked, Amount(100 * TOKEN));

    let first: Vec<_> = (1..=20)
        .map(|i| world.voucher(job, provider(i), TOKEN + u128::from(i)))
        .collect();
    let redeemed = world.stranger.redeem(job, &first).await.unwrap();
    assert_eq!(redeemed.paid, Amount(20 * TOKEN + 210));
    eprintln!("20 vouchers to empty accounts: {} gas", redeemed.gas_used());
    assert_eq!(
        world.requestor.token_balance(provider(20)).await.unwrap(),
        Amount(TOKEN + 20)
    );

    let last: Vec<_> = (1..=20).map(|i| world.voucher(job, provider(i), 2 * TOKEN)).collect();
    let closed = world.requestor.close_job(job, &last).await.unwrap();
    assert_eq!(closed.redeemed.paid, Amount(20 * TOKEN - 210));
    assert_eq!(world.audited(job).await.state, JobState::Closed);

    let refunded = world.stranger.refund(job).await.unwrap();
    assert_eq!(refunded.amount, Amount(60 * TOKEN));
    let end = world.audited(job).await;
    assert_eq!(
        (end.state, end.paid, end.locked),
        (JobState::Refunded, Amount(40 * TOKEN), Amount::ZERO)
    );
    let after = world.requestor.token_balance(world.requestor.account()).await.unwrap();
    assert_eq!(before.0 - after.0, 40 * TOKEN);

    let history = world.requestor.job_history(job, 0).await.unwrap();
    assert_eq!(history.len(), 1 + 20 + 1 + 20 + 1);
    assert_eq!(
        history[0].kind,
        JobEventKind::Opened {
            budget: Amount(100 * TOKEN)
        }
    );
    assert_eq!(history[0].tx, opened.transactions[1].tx);
    let transactions = world.requestor.job_transactions(job, 0).await.unwrap();
    assert_eq!(transactions.first(), opened.transactions.last());
    assert_eq!(transactions.last(), refunded.transaction.as_ref());
    let hashes: std::collections::BTreeSet<_> = transactions.iter().map(|mined| mined.tx).collect();
    assert_eq!(hashes.len(), transactions.len());
    assert_eq!(
        history[42].kind,
        JobEventKind::Refunded {
            amount: Amount(60 * TOKEN)
        }
    );
}

#[tokio::test]
async fn every_step_can_be_repeated_and_pays_nobody_twice() {
    let Some(world) = World::new().await else { return };
    let terms = world.terms(0);
    let job = world.requestor.open_job(&terms, B256::ZERO).await.unwrap().job_id;
    let again = world.requestor.open_job(&terms, B256::ZERO).await.unwrap();
    assert_eq!((again.job_id, again.transactions), (job, vec![]));

    let vouchers = [
        world.voucher(job, provider(1), 5 * TOKEN),
        world.voucher(job, provider(1), 3 * TOKEN),
    ];
    assert_eq!(
        world.requestor.redeem(job, &vouchers).await.unwrap().paid,
        Amount(5 * TOKEN)
    );
    let replay = world.stranger.redeem(job, &vouchers).await.unwrap();
    assert_eq!((replay.paid, replay.transactions), (Amount::ZERO, vec![]));

    let final_vouchers = [world.voucher(job, provider(1), 7 * TOKEN)];
    let closed = world.requestor.close_job(job, &vouchers).await.unwrap();
    assert_eq!(
        (closed.redeemed.paid, closed.redeemed.transactions.len()),
        (Amount::ZERO, 1)
    );
    let paid_late = world.requestor.close_job(job, &final_vouchers).await.unwrap();
    assert_eq!(paid_late.redeemed.paid, Amount(2 * TOKEN));
    let nothing = world.requestor.close_job(job, &final_vouchers).await.unwrap();
    assert_eq!(nothing.redeemed.transactions, vec![]);

    assert!(world.requestor.refund(job).await.unwrap().transaction.is_some());
    let repeated = world.requestor.refund(job).await.unwrap();
    assert_eq!((repeated.transaction, repeated.amount), (None, Amount(93 * TOKEN)));
    assert_eq!(
        world
            .requestor
            .close_job(job, &final_vouchers)
            .await
            .unwrap()
            .redeemed
            .transactions,
        vec![]
    );
    assert_eq!(
        world.requestor.open_job(&terms, B256::ZERO).await.unwrap().transactions,
        vec![]
    );
    assert_eq!(
        world.requestor.token_balance(provider(1)).await.unwrap(),
        Amount(7 * TOKEN)
    );
    world.audited(job).await;
}

/// A restarted daemon and its former self's transactions meet: both call, one job is opened, one budget is locked.
#[tokio::test]
async fn two_lives_of_one_account_open_a_job_once() {
    let Some(world) = World::new().await else { return };
    let other_life = Settlement::connect(&world.anvil.url, key(REQUESTOR), world.contracts)
        .await
        .unwrap();
    let terms = world.terms(0);
    let clone = world.requestor.clone();
    let (a, b, c) = tokio::join!(
        world.requestor.open_job(&terms, B256::ZERO),
        other_life.open_job(&terms, B256::ZERO),
        clone.open_job(&terms, B256::ZERO),
    );
    let ids = [a.unwrap().job_id, b.unwrap().job_id, c.unwrap().job_id];
    assert!(ids.iter().all(|id| *id == ids[0]));
    assert_eq!(world.audited(ids[0]).await.deposited, Amount(100 * TOKEN));
    let opened = world.requestor.job_history(ids[0], 0).await.unwrap();
    assert_eq!(opened.len(), 1);
}

#[tokio::test]
async fn what_the_contracts_refuse_is_said_in_words() {
    let Some(world) = World::new().await else { return };
    let terms = world.terms(3_600);
    let too_dear = JobTerms {
        budget: Amount(1_001 * TOKEN),
        ..terms
    };
    let error = world.requestor.open_job(&too_dear, B256::ZERO).await.unwrap_err();
    assert!(sentence(&error).contains("holds 1000 tokens"), "{}", sentence(&error));
    assert_eq!(error.kind(), FailureKind::Permanent);

    let late = JobTerms {
        deadline: UnixMillis(1_000),
        ..terms
    };
    let error = world.requestor.open_job(&late, B256::ZERO).await.unwrap_err();
    assert!(sentence(&error).contains("is past"), "{}", sentence(&error));

    let job = world.requestor.open_job(&terms, B256::ZERO).await.unwrap().job_id;
    let other = JobTerms {
        plan_hash: B256::ZERO,
        ..terms
    };
    let error = world.requestor.open_job(&other, B256::ZERO).await.unwrap_err();
    assert!(sentence(&error).contains("another plan"), "{}", sentence(&error));

    let error = world.stranger.close_job(job, &[]).await.unwrap_err();
    assert!(
        sentence(&error).contains("its owner must do this"),
        "{}",
        sentence(&error)
    );

    let forged = Voucher {
        job,
        provider: provider(1),
        cumulative: Amount(TOKEN),
    };
    let forged = Signed::sign(forged, &world.requestor.domain(), &key(STRANGER));
    let error = world.stranger.redeem(job, &[forged]).await.unwrap_err();
    assert!(
        sentence(&error).contains("is not signed by its requestor"),
        "{}",
        sentence(&error)
    );

    let strange = world.voucher(JobId::from_bytes([9; 32]), provider(1), TOKEN);
    let error = world.stranger.redeem(job, &[strange]).await.unwrap_err();
    assert!(
        sentence(&error).contains("hand it in for its own"),
        "{}",
        sentence(&error)
    );

    let error = world.stranger.refund(JobId::from_bytes([9; 32])).await.unwrap_err();
    assert!(
        sentence(&error).contains("was never opened here"),
        "{}",
        sentence(&error)
    );

    world.requestor.close_job(job, &[]).await.unwrap();
    let error = world.stranger.refund(job).await.unwrap_err();
    assert!(
        sentence(&error).contains("cannot be refunded for another"),
        "{}",
        sentence(&error)
    );
    assert_eq!(error.kind(), FailureKind::Transient);

    let poor = AccountKey::from_bytes(&[77; 32]).unwrap();
    let poor = Settlement::connect(&world.anvil.url, poor, world.contracts)
        .await
        .unwrap();
    let error = poor
        .redeem(job, &[world.voucher(job, provider(1), TOKEN)])
        .await
        .unwrap_err();
    assert!(
        matches!(error, SettlementError::NoGas { balance_wei: 0, .. }),
        "{}",
        sentence(&error)
    );
    assert_eq!(world.audited(job).await.paid, Amount::ZERO);
}

#[tokio::test]
async fn an_oversigned_voucher_pays_what_is_there_and_reports_the_rest() {
    let Some(world) = World::new().await else { return };
    let job = world
        .requestor
        .open_job(&world.terms(0), B256::ZERO)
        .await
        .unwrap()
        .job_id;
    let vouchers = [
        world.voucher(job, provider(1), 60 * TOKEN),
        world.voucher(job, provider(2), 60 * TOKEN),
    ];
    let redeemed = world.stranger.redeem(job, &vouchers).await.unwrap();
    assert_eq!(redeemed.paid, Amount(100 * TOKEN));
    assert_eq!(
        redeemed.unpaid,
        vec![Shortfall {
            provider: provider(2),
            amount: Amount(20 * TOKEN)
        }]
    );

    world.requestor.top_up(job, Amount(30 * TOKEN)).await.unwrap();
    assert_eq!(
        world.stranger.redeem(job, &vouchers).await.unwrap().paid,
        Amount(20 * TOKEN)
    );
    assert_eq!(
        world.requestor.paid_to(job, provider(2)).await.unwrap(),
        Amount(60 * TOKEN)
    );
    assert_eq!(world.audited(job).await.locked, Amount(10 * TOKEN));
}

#[tokio::test]
async fn more_vouchers_than_one_transaction_takes() {
    let Some(world) = World::new().await else { return };
    let job = world
        .requestor
        .open_job(&world.terms(0), B256::ZERO)
        .await
        .unwrap()
        .job_id;
    let account = |i: u64| Address::left_padding_from(&(1_000 + i).to_be_bytes());
    let vouchers: Vec<_> = (0..401).map(|i| world.voucher(job, account(i), 1_000)).collect();
    let closed = world.requestor.close_job(job, &vouchers).await.unwrap();
    assert_eq!(closed.redeemed.transactions.len(), 3);
    assert_eq!(closed.redeemed.paid, Amount(401_000));
    assert_eq!(world.audited(job).await.paid, Amount(401_000));
}

#[tokio::test]
async fn the_list_of_providers_says_what_each_published_last() {
    let Some(world) = World::new().await else { return };
    let offer = ProviderOffer {
        price: WorkPrice {
            per_wu_hour: Amount(3 * TOKEN),
        },
        benchmark_milli_wu: 1_500,
        memory_mib: 12_288,
        offer_hash: B256::repeat_byte(7),
        uri: String::new(),
    };
    let node = NodeId::from_bytes([5; 32]);
    assert_eq!(world.stranger.provider(world.stranger.account()).await.unwrap(), None);
    assert!(world.stranger.register_provider(node, &offer).await.unwrap().is_some());
    assert_eq!(world.stranger.register_provider(node, &offer).await.unwrap(), None);
    let cheaper = ProviderOffer {
        price: WorkPrice {
            per_wu_hour: Amount(TOKEN),
        },
        ..offer.clone()
    };
    assert!(
        world
            .stranger
            .register_provider(node, &cheaper)
            .await
            .unwrap()
            .is_some()
    );
    world
        .requestor
        .register_provider(NodeId::from_bytes([6; 32]), &offer)
        .await
        .unwrap();

    assert_eq!(world.requestor.provider_count().await.unwrap(), 2);
    let rows = world.requestor.providers(0, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].node, &rows[0].offer), (2, node, &cheaper));
    assert_eq!(world.requestor.providers(1, 10).await.unwrap(), rows[1..]);

    assert!(world.stranger.deregister_provider().await.unwrap().is_some());
    assert_eq!(world.stranger.deregister_provider().await.unwrap(), None);
    assert_eq!(world.requestor.provider_count().await.unwrap(), 1);
}

#[tokio::test]
async fn wrong_chains_and_contracts_are_told_apart() {
    let Some(world) = World::new().await else { return };
    assert_eq!(world.requestor.chain_id(), 31_337);
    assert_ne!(world.requestor.genesis_hash().await.unwrap(), B256::ZERO);
    let Contracts { escrow, token, .. } = world.contracts;
    let right = world.contracts;
    let nowhere = Address::repeat_byte(1);
    for (wrong, what) in [
        (Contracts { escrow: token, ..right }, "job escrow"),
        (
            Contracts {
                escrow: nowhere,
                ..right
            },
            "job escrow",
        ),
        (
            Contracts {
                registry: escrow,
                ..right
            },
            "provider registry",
        ),
        (
            Contracts {
                registry: nowhere,
                ..right
            },
            "provider registry",
        ),
        (Contracts { token: escrow, ..right }, "ERC-20"),
        (
            Contracts {
                token: nowhere,
                ..right
            },
            "ERC-20",
        ),
    ] {
        let error = Settlement::connect(&world.anvil.url, key(STRANGER), wrong)
            .await
            .unwrap_err();
        assert!(
            matches!(&error, SettlementError::WrongContracts { what: missing, .. } if missing.starts_with(what)),
            "{what}: {}",
            sentence(&error)
        );
    }
    let url = world.anvil.url.clone();
    let error = ask_faucet(&url, provider(1)).await.unwrap_err();
    assert!(
        matches!(error, SettlementError::NoFaucet { .. }),
        "anvil has no faucet: {}",
        sentence(&error)
    );
    drop(world);
    let error = Settlement::deploy(&url, key(STRANGER)).await.unwrap_err();
    assert!(
        matches!(error, SettlementError::Unreachable { .. }),
        "{}",
        sentence(&error)
    );
    assert_eq!(error.kind(), FailureKind::Transient);
}
