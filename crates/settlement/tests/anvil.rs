//! The whole way of a job's money on a real anvil: what is sent, what is paid, what is refused and in which words.
//!
//! Without anvil (`npm ci --prefix contracts`, or its path in `RAYSWARM_ANVIL`) each test says so and passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use rayswarm_model::{
    Address, Amount, B256, Caps, ComparisonClass, FailureKind, JobId, NodeId, UnixMillis, WorkPrice,
    signed::{AccountKey, Signed, Voucher},
};
use rayswarm_settlement::{
    Contracts, JobEventKind, JobState, JobTerms, ProviderOffer, Settlement, SettlementError, TrustTier, ask_faucet,
};
use support::world::{REQUESTOR, STRANGER, TOKEN, World, caps, caps_of, key, provider, sentence};

#[tokio::test]
async fn a_job_is_opened_paid_closed_and_refunded_to_the_last_unit() {
    let Some(world) = World::new().await else { return };
    let before = world.requestor.token_balance(world.requestor.account()).await.unwrap();
    let opened = world.requestor.open_job(&world.terms(0), B256::ZERO).await.unwrap();
    let job = opened.job_id;
    assert_eq!(job, world.requestor.job_id(B256::ZERO));
    assert_eq!(opened.transactions.len(), 2, "approval and opening");
    assert_eq!(world.audited(job).await.locked, Amount(100 * TOKEN));
    let caps = caps(20, 5 * TOKEN);
    let document = B256::repeat_byte(8);
    let allocated = world.requestor.allocate(job, &caps, document).await.unwrap();
    assert_eq!(allocated.force_at, None, "the first epoch is in force at once");
    assert!(world.requestor.epochs(job).await.unwrap().in_force(&caps));

    let first: Vec<_> = (1..=20)
        .map(|i| world.voucher(job, provider(i), TOKEN + u128::from(i)))
        .collect();
    let redeemed = world.stranger.redeem(job, &first, &caps).await.unwrap();
    assert_eq!(redeemed.paid, Amount(20 * TOKEN + 210));
    eprintln!("20 vouchers to empty accounts: {} gas", redeemed.gas_used());
    assert_eq!(
        world.requestor.token_balance(provider(20)).await.unwrap(),
        Amount(TOKEN + 20)
    );

    let last: Vec<_> = (1..=20).map(|i| world.voucher(job, provider(i), 2 * TOKEN)).collect();
    let closed = world.requestor.close_job(job, &last, &caps).await.unwrap();
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
    assert_eq!(history.len(), 1 + 2 + 20 + 1 + 20 + 1);
    assert_eq!(
        history[0].kind,
        JobEventKind::Opened {
            budget: Amount(100 * TOKEN)
        }
    );
    assert!(
        matches!(history[1].kind, JobEventKind::Allocated { epoch: 1, total, document: found, .. }
            if total == caps.total() && found == document),
        "{:?}",
        history[1]
    );
    assert_eq!(history[2].kind, JobEventKind::InForce { epoch: 1 });
    assert_eq!(history[0].tx, opened.transactions[1].tx);
    let transactions = world.requestor.job_transactions(job, 0).await.unwrap();
    assert_eq!(transactions.first(), opened.transactions.last());
    assert_eq!(transactions.last(), refunded.transaction.as_ref());
    let hashes: std::collections::BTreeSet<_> = transactions.iter().map(|mined| mined.tx).collect();
    assert_eq!(hashes.len(), transactions.len());
    assert_eq!(
        history[44].kind,
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
    let caps = caps(1, 100 * TOKEN);
    assert!(
        world
            .requestor
            .allocate(job, &caps, B256::ZERO)
            .await
            .unwrap()
            .transaction
            .is_some()
    );
    assert_eq!(
        world
            .requestor
            .allocate(job, &caps, B256::ZERO)
            .await
            .unwrap()
            .transaction,
        None
    );

    let vouchers = [
        world.voucher(job, provider(1), 5 * TOKEN),
        world.voucher(job, provider(1), 3 * TOKEN),
    ];
    assert_eq!(
        world.requestor.redeem(job, &vouchers, &caps).await.unwrap().paid,
        Amount(5 * TOKEN)
    );
    let replay = world.stranger.redeem(job, &vouchers, &caps).await.unwrap();
    assert_eq!((replay.paid, replay.transactions), (Amount::ZERO, vec![]));

    let final_vouchers = [world.voucher(job, provider(1), 7 * TOKEN)];
    let closed = world.requestor.close_job(job, &vouchers, &caps).await.unwrap();
    assert_eq!(
        (closed.redeemed.paid, closed.redeemed.transactions.len()),
        (Amount::ZERO, 1)
    );
    let paid_late = world.requestor.close_job(job, &final_vouchers, &caps).await.unwrap();
    assert_eq!(paid_late.redeemed.paid, Amount(2 * TOKEN));
    let nothing = world.requestor.close_job(job, &final_vouchers, &caps).await.unwrap();
    assert_eq!(nothing.redeemed.transactions, vec![]);

    assert!(world.requestor.refund(job).await.unwrap().transaction.is_some());
    let repeated = world.requestor.refund(job).await.unwrap();
    assert_eq!((repeated.transaction, repeated.amount), (None, Amount(93 * TOKEN)));
    assert_eq!(
        world
            .requestor
            .close_job(job, &final_vouchers, &caps)
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

    let error = world.stranger.close_job(job, &[], &Caps::default()).await.unwrap_err();
    assert!(
        sentence(&error).contains("its owner must do this"),
        "{}",
        sentence(&error)
    );

    let caps = caps(1, 100 * TOKEN);
    let error = world
        .stranger
        .redeem(job, &[world.voucher(job, provider(1), TOKEN)], &caps)
        .await;
    let error = error.unwrap_err();
    assert!(sentence(&error).contains("has no caps yet"), "{}", sentence(&error));
    let too_much = caps_of([(provider(1), 101 * TOKEN)]);
    let error = world.requestor.allocate(job, &too_much, B256::ZERO).await.unwrap_err();
    assert!(
        sentence(&error).contains("caps of 101 tokens exceed the 100"),
        "{}",
        sentence(&error)
    );
    world.requestor.allocate(job, &caps, B256::ZERO).await.unwrap();
    let stranger = [world.voucher(job, provider(2), TOKEN)];
    let error = world.stranger.redeem(job, &stranger, &caps).await.unwrap_err();
    assert!(
        sentence(&error).contains("has no cap in the epoch"),
        "{}",
        sentence(&error)
    );
    let others = caps_of([(provider(2), TOKEN)]);
    let error = world.stranger.redeem(job, &stranger, &others).await.unwrap_err();
    assert!(
        sentence(&error).contains("these are not the caps of epoch 1"),
        "{}",
        sentence(&error)
    );

    let forged = Voucher {
        job,
        provider: provider(1),
        cumulative: Amount(TOKEN),
    };
    let forged = Signed::sign(forged, &world.requestor.domain(), &key(STRANGER));
    let error = world.stranger.redeem(job, &[forged], &caps).await.unwrap_err();
    assert!(
        sentence(&error).contains("is not signed by its requestor"),
        "{}",
        sentence(&error)
    );

    let strange = world.voucher(JobId::from_bytes([9; 32]), provider(1), TOKEN);
    let error = world.stranger.redeem(job, &[strange], &caps).await.unwrap_err();
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

    world.requestor.close_job(job, &[], &caps).await.unwrap();
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
        .redeem(job, &[world.voucher(job, provider(1), TOKEN)], &caps)
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
async fn the_list_of_providers_says_what_each_published_last() {
    let Some(world) = World::new().await else { return };
    let offer = ProviderOffer {
        price: WorkPrice {
            per_wu_hour: Amount(3 * TOKEN),
        },
        benchmark_milli_wu: 1_500,
        memory_mib: 12_288,
        isa_class: 3,
        trust_tier: TrustTier::Vetted,
        judges: true,
        comparison_class: ComparisonClass(B256::repeat_byte(4)),
        engines_hash: B256::repeat_byte(5),
        offer_hash: B256::repeat_byte(7),
        uri: String::new(),
    };
    let node = NodeId::from_bytes([5; 32]);
    let signature: [u8; 64] = std::array::from_fn(|index| index as u8);
    assert_eq!(world.stranger.provider(world.stranger.account()).await.unwrap(), None);
    assert!(
        world
            .stranger
            .register_provider(node, signature, &offer)
            .await
            .unwrap()
            .is_some()
    );
    assert_eq!(
        world.stranger.register_provider(node, signature, &offer).await.unwrap(),
        None
    );
    let cheaper = ProviderOffer {
        price: WorkPrice {
            per_wu_hour: Amount(TOKEN),
        },
        ..offer.clone()
    };
    assert!(
        world
            .stranger
            .register_provider(node, signature, &cheaper)
            .await
            .unwrap()
            .is_some()
    );
    world
        .requestor
        .register_provider(NodeId::from_bytes([6; 32]), signature, &offer)
        .await
        .unwrap();

    assert_eq!(world.requestor.provider_count().await.unwrap(), 2);
    let rows = world.requestor.providers(0, 10).await.unwrap();
    assert_eq!((rows.len(), rows[0].node, &rows[0].offer), (2, node, &cheaper));
    assert_eq!(rows[0].endpoint_signature, signature);
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
