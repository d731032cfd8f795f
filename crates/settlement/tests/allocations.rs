//! Caps, payments at one stroke and claims on a real anvil.
//!
//! Without anvil (`npm ci --prefix contracts`, or its path in `RAYSWARM_ANVIL`) each test says so and passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use rayswarm_model::{Address, Amount, B256};
use rayswarm_settlement::{ClaimState, JobState, JobTerms, Payments, Settlement, SettlementError, Shortfall};
use std::time::Duration;
use support::world::{STRANGER, TOKEN, World, caps, caps_of, key, provider, sentence};

#[tokio::test]
async fn an_oversigned_voucher_pays_its_cap_and_reports_the_rest() {
    let Some(world) = World::new().await else { return };
    let caps = caps_of([(provider(1), 60 * TOKEN), (provider(2), 40 * TOKEN)]);
    let job = world.job_with(&caps).await;
    let vouchers = [
        world.voucher(job, provider(1), 60 * TOKEN),
        world.voucher(job, provider(2), 60 * TOKEN),
    ];
    let redeemed = world.stranger.redeem(job, &vouchers, &caps).await.unwrap();
    assert_eq!(redeemed.paid, Amount(100 * TOKEN));
    assert_eq!(
        redeemed.unpaid,
        vec![Shortfall {
            provider: provider(2),
            amount: Amount(20 * TOKEN)
        }]
    );

    world.requestor.top_up(job, Amount(130 * TOKEN)).await.unwrap();
    let raised = caps_of([(provider(2), 20 * TOKEN)]);
    world.requestor.allocate(job, &raised, B256::ZERO).await.unwrap();
    let rest = &vouchers[1..];
    assert_eq!(
        world.stranger.redeem(job, rest, &raised).await.unwrap().paid,
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
    let account = |i: u64| Address::left_padding_from(&(1_000 + i).to_be_bytes());
    let caps = caps_of((0..301).map(|i| (account(i), 1_000)));
    let job = world.job_with(&caps).await;
    let vouchers: Vec<_> = (0..301).map(|i| world.voucher(job, account(i), 1_000)).collect();
    let closed = world.requestor.close_job(job, &vouchers, &caps).await.unwrap();
    assert_eq!(
        closed.redeemed.transactions.len(),
        4 + 1,
        "four with proofs and the close"
    );
    assert_eq!(closed.redeemed.paid, Amount(301_000));
    assert_eq!(world.audited(job).await.paid, Amount(301_000));
}

#[tokio::test]
async fn a_job_is_settled_at_one_stroke_once_and_each_finds_its_share() {
    let Some(world) = World::new().await else { return };
    let stranger = world.stranger.account();
    let caps = caps_of([
        (provider(1), 60 * TOKEN),
        (stranger, 30 * TOKEN),
        (provider(3), 10 * TOKEN),
    ]);
    let job = world.job_with(&caps).await;
    let payments = Payments::from([(provider(1), Amount(50 * TOKEN)), (stranger, Amount(20 * TOKEN))]);
    let unnamed = Payments::from([(provider(9), Amount(TOKEN))]);
    let error = world.requestor.settle_job(job, &unnamed, &caps).await.unwrap_err();
    assert!(matches!(error, SettlementError::NoCap { .. }), "{}", sentence(&error));
    let settled = world.requestor.settle_job(job, &payments, &caps).await.unwrap();
    assert_eq!(
        (settled.redeemed.paid, settled.redeemed.transactions.len()),
        (Amount(70 * TOKEN), 1)
    );
    let again = world.requestor.settle_job(job, &payments, &caps).await.unwrap();
    assert_eq!(again.redeemed.transactions, vec![]);
    let it = world.audited(job).await;
    assert_eq!((it.state, it.paid), (JobState::Closed, Amount(70 * TOKEN)));

    // The chain names nobody; the transaction does.
    assert_eq!(world.stranger.paid_to(job, stranger).await.unwrap(), Amount::ZERO);
    let shares = world.stranger.settled_shares(job, 0).await.unwrap().unwrap();
    assert_eq!(
        [provider(1), stranger, provider(3)].map(|provider| shares.paid_to(provider)),
        [Amount(50 * TOKEN), Amount(20 * TOKEN), Amount::ZERO]
    );
    // Who earned more writes down what it got, and redeems the rest.
    let voucher = [world.voucher(job, stranger, 25 * TOKEN)];
    let error = world.stranger.redeem(job, &voucher, &caps).await.unwrap_err();
    assert!(sentence(&error).contains("is not recorded"), "{}", sentence(&error));
    assert!(world.stranger.record_settlement(job, &shares).await.unwrap().is_some());
    assert_eq!(world.stranger.record_settlement(job, &shares).await.unwrap(), None);
    let redeemed = world.stranger.redeem(job, &voucher, &caps).await.unwrap();
    assert_eq!(redeemed.paid, Amount(5 * TOKEN));
    let refunded = world.stranger.refund(job).await.unwrap();
    assert_eq!(refunded.amount, Amount(25 * TOKEN));
    world.audited(job).await;
}

#[tokio::test]
async fn a_provider_whose_requestor_is_silent_claims_and_is_paid() {
    let Some(world) = World::new().await else { return };
    let account = world.stranger.account();
    let caps = caps_of([(account, 40 * TOKEN)]);
    let job = world.job_with(&caps).await;
    let commitment = B256::repeat_byte(6);
    let (claiming, earned) = (&world.stranger, Amount(50 * TOKEN));
    assert!(claiming.claim(job, earned, commitment, &caps).await.unwrap().is_some());
    assert_eq!(
        claiming.claim(job, earned, commitment, &caps).await.unwrap(),
        None,
        "one at a time"
    );
    let claim = world.requestor.claim_of(job, account).await.unwrap().unwrap();
    assert_eq!(
        (claim.amount, claim.state),
        (Amount(40 * TOKEN), ClaimState::Pending),
        "its cap, and no more"
    );
    assert_eq!(world.audited(job).await.reserved, Amount(40 * TOKEN));
    // Anybody may have it paid.
    assert!(world.requestor.pay_claim(job, account).await.unwrap().is_some());
    assert_eq!(world.requestor.pay_claim(job, account).await.unwrap(), None);
    assert_eq!(world.requestor.paid_to(job, account).await.unwrap(), Amount(40 * TOKEN));
    let error = world
        .requestor
        .settle_job(job, &Payments::new(), &caps)
        .await
        .unwrap_err();
    assert!(sentence(&error).contains("has paid 40 tokens"), "{}", sentence(&error));
    world.requestor.close_job(job, &[], &caps).await.unwrap();
    world.requestor.refund(job).await.unwrap();
    assert_eq!(world.audited(job).await.refunded, Amount(60 * TOKEN));
}

#[tokio::test]
async fn a_later_epoch_waits_for_its_notice_and_a_job_without_one_is_cancelled() {
    let Some(world) = World::new().await else { return };
    let terms = JobTerms {
        notice: Duration::from_secs(3_600),
        ..world.terms(0)
    };
    let (first, second) = (caps(1, 10 * TOKEN), caps(2, 20 * TOKEN));
    let job = world.requestor.open_job(&terms, B256::ZERO).await.unwrap().job_id;
    world.requestor.allocate(job, &first, B256::ZERO).await.unwrap();
    let later = world.requestor.allocate(job, &second, B256::ZERO).await.unwrap();
    let epochs = world.requestor.epochs(job).await.unwrap();
    assert!(later.force_at.is_some() && epochs.in_force(&first));
    assert_eq!(epochs.waits(&second), later.force_at);
    let error = world.requestor.cancel_job(job).await.unwrap_err();
    assert!(sentence(&error).contains("close it instead"), "{}", sentence(&error));

    let salt = B256::repeat_byte(1);
    let other = world.requestor.open_job(&terms, salt).await.unwrap().job_id;
    assert!(world.requestor.cancel_job(other).await.unwrap().is_some());
    assert_eq!(world.requestor.cancel_job(other).await.unwrap(), None);
    assert_eq!(world.requestor.job(other).await.unwrap().state, JobState::Refunded);
}

/// Where the deterministic deployer is, addresses are those of the book, and deploying again deploys nothing.
#[tokio::test]
async fn contracts_are_deployed_once_to_the_addresses_of_the_book() {
    let Some(world) = World::new().await else { return };
    let book: serde_json::Value = serde_json::from_str(include_str!("../../../contracts/addresses.json")).unwrap();
    let addresses = &book["chains"]["31337"]["addresses"];
    let noted = |name: &str| addresses[name].as_str().unwrap().parse::<Address>().unwrap();
    assert_eq!(
        (world.contracts.registry, world.contracts.escrow),
        (noted("registry"), noted("escrow"))
    );
    assert_eq!(world.requestor.disputes(), noted("disputes"));
    let before = world.requestor.height().await.unwrap();
    let again = Settlement::deploy(&world.anvil.url, key(STRANGER)).await.unwrap();
    assert_eq!(
        (again, world.requestor.height().await.unwrap()),
        (world.contracts, before)
    );
}
