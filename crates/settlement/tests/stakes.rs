//! Stakes on a real anvil: bonded, taken out, fetched, weighed, jailed.
//!
//! Without anvil (`npm ci --prefix contracts`, or its path in `RAYSWARM_ANVIL`) each test says so and passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use rayswarm_model::{Amount, B256, ComparisonClass, FailureKind, NodeId};
use rayswarm_settlement::{Seat, Settlement, Standing};
use support::{
    court::{CLASS, Court, JURORS_STAKE, PROVIDERS_STAKE, offer_to_judge, other_life},
    world::{TOKEN, World, sentence},
};

alloy::sol! {
    #[sol(rpc)]
    interface Registry {
        function poolOf(bytes32, uint8) external pure returns (bytes32);
    }
    #[sol(rpc)]
    interface Token {
        function allowance(address, address) external view returns (uint256);
    }
}

const DAY: u64 = 86_400;

#[tokio::test]
async fn a_stake_is_brought_to_what_it_should_be() {
    let Some(court) = Court::new(0).await else { return };
    let account = court.requestor();
    let standing = || async { account.stake_standing(account.account()).await.unwrap() };
    assert_eq!(standing().await, Standing::default());
    assert_eq!(account.bring_stake_to(Amount::ZERO).await.unwrap(), []);
    let sent = account.bring_stake_to(Amount(30 * TOKEN)).await.unwrap();
    assert_eq!(sent.len(), 2, "approval and bond");
    assert_eq!(account.bring_stake_to(Amount(30 * TOKEN)).await.unwrap(), []);
    assert_eq!(standing().await.bonded, Amount(30 * TOKEN));
    assert_eq!(account.free_stake(account.account()).await.unwrap(), Amount(30 * TOKEN));
    account.bring_stake_to(Amount(35 * TOKEN)).await.unwrap();
    let token = Token::new(account.stake_token().await.unwrap(), &court.rpc);
    let left = token.allowance(account.account(), account.contracts().registry);
    assert!(
        left.call().await.unwrap().is_zero(),
        "no more was allowed than was bonded"
    );
    let held = account.token_balance(account.account()).await.unwrap();
    assert_eq!(held, Amount(965 * TOKEN));

    assert_eq!(
        account.withdraw_stake().await.unwrap(),
        None,
        "nothing is on its way out"
    );
    let sent = account.bring_stake_to(Amount(5 * TOKEN)).await.unwrap();
    assert_eq!(sent.len(), 1, "what is too much");
    assert_eq!(account.bring_stake_to(Amount(5 * TOKEN)).await.unwrap(), []);
    let leaving = standing().await;
    assert_eq!(
        (leaving.bonded, leaving.unbonding),
        (Amount(5 * TOKEN), Amount(30 * TOKEN))
    );
    assert!(leaving.release_at > court.now().await);
    assert_eq!(account.withdraw_stake().await.unwrap(), None, "not yet");
    court.pass(21 * DAY).await;
    assert!(account.withdraw_stake().await.unwrap().is_some());
    assert_eq!(account.withdraw_stake().await.unwrap(), None);
    let held = account.token_balance(account.account()).await.unwrap();
    assert_eq!(held, Amount(995 * TOKEN));

    let dear = account.bring_stake_to(Amount(5_000 * TOKEN)).await.unwrap_err();
    assert!(
        sentence(&dear).contains("holds 995 tokens") && sentence(&dear).contains("the stake needs 4995"),
        "{}",
        sentence(&dear)
    );
    assert_eq!(dear.kind(), FailureKind::Permanent);
}

/// A restarted daemon and its former self bond together what one of them should.
#[tokio::test]
async fn two_lives_of_one_account_bond_once() {
    let Some(court) = Court::new(0).await else { return };
    let (life, other) = (court.provider(), other_life(&court).await);
    life.mint_dev_tokens(life.account(), Amount(500 * TOKEN)).await.unwrap();
    for target in [90 * TOKEN, 15 * TOKEN, 120 * TOKEN] {
        let (a, b) = tokio::join!(
            life.bring_stake_to(Amount(target)),
            other.bring_stake_to(Amount(target))
        );
        a.unwrap();
        b.unwrap();
        // One may have been too eager; whoever looks again sets it right.
        life.bring_stake_to(Amount(target)).await.unwrap();
        let standing = life.stake_standing(life.account()).await.unwrap();
        assert_eq!(standing.bonded, Amount(target));
    }
}

#[tokio::test]
async fn what_jurors_weigh_is_their_stake_while_they_judge() {
    let Some(court) = Court::new(2).await else { return };
    let juror = &court.jurors[0];
    let pool = Settlement::juror_pool(CLASS, 0);
    let registry = Registry::new(juror.contracts().registry, &court.rpc);
    for (class, tier) in [(CLASS, 0), (CLASS, 2), (ComparisonClass(B256::repeat_byte(9)), 1)] {
        let named = registry.poolOf(class.0, tier).call().await.unwrap();
        assert_eq!(named, Settlement::juror_pool(class, tier));
    }
    let weight = || async { juror.juror_weight(pool, juror.account()).await.unwrap() };
    assert_eq!(weight().await, Amount(JURORS_STAKE));
    let now = court.now().await;
    assert_eq!(juror.pool_weight(pool, now).await.unwrap(), Amount(2 * JURORS_STAKE));
    assert_eq!(
        juror.pool_weight(Settlement::juror_pool(CLASS, 1), now).await.unwrap(),
        Amount::ZERO
    );

    // What is changed now counts from a later second on.
    court.pass(2).await;
    let least = juror.min_juror_stake().await.unwrap();
    assert_eq!(least, Amount(10 * TOKEN));
    juror.bring_stake_to(Amount(least.0 - 1)).await.unwrap();
    assert_eq!(weight().await, Amount::ZERO, "too little to be drawn");
    juror.bring_stake_to(least).await.unwrap_err();
    juror.mint_dev_tokens(juror.account(), least).await.unwrap();
    juror.bring_stake_to(least).await.unwrap();
    assert_eq!(weight().await, least);
    assert_eq!(
        juror.unjail(juror.account()).await.unwrap(),
        None,
        "it never was in jail"
    );
    court.pass(1).await;
    let later = juror.pool_weight(pool, court.now().await).await.unwrap();
    assert_eq!(later, Amount(JURORS_STAKE + least.0));
    assert_eq!(
        juror.pool_weight(pool, now).await.unwrap(),
        Amount(2 * JURORS_STAKE),
        "as it was"
    );
}

#[tokio::test]
async fn a_provider_that_lost_leaves_jail_when_its_time_is_over() {
    let Some(court) = Court::new(3).await else { return };
    let provider = court.provider();
    let account = provider.account();
    let (node, offer) = (NodeId::from_bytes([9; 32]), offer_to_judge());
    provider.register_provider(node, [0; 64], &offer).await.unwrap();
    provider.mint_dev_tokens(account, Amount(10 * TOKEN)).await.unwrap();
    provider
        .bring_stake_to(Amount(PROVIDERS_STAKE + 10 * TOKEN))
        .await
        .unwrap();
    let (_, id) = court.rejected().await;
    provider.bring_stake_to(Amount(10 * TOKEN)).await.unwrap();
    let standing = provider.stake_standing(account).await.unwrap();
    assert_eq!(
        (standing.unbonding, standing.frozen),
        (Amount(PROVIDERS_STAKE), Amount(PROVIDERS_STAKE))
    );
    assert_eq!(standing.leaving(), Amount(10 * TOKEN), "as much as no dispute holds");
    assert_eq!(provider.free_stake(account).await.unwrap(), Amount::ZERO);

    let jurors = court.seated(id).await;
    court.judged(Seat { dispute: id, round: 0 }, &[], &jurors).await;
    court.pass(3 * 3_600).await;
    court.requestor().conclude(id).await.unwrap();
    let pool = Settlement::juror_pool(CLASS, 0);
    let weight = || async { provider.juror_weight(pool, account).await.unwrap() };
    assert_eq!(weight().await, Amount::ZERO);
    let early = court.requestor().unjail(account).await.unwrap_err();
    assert!(
        sentence(&early).contains("is drawn for no committee for another"),
        "{}",
        sentence(&early)
    );
    assert_eq!(early.kind(), FailureKind::Transient);
    court.pass(30 * DAY).await;
    assert!(court.requestor().unjail(account).await.unwrap().is_some());
    assert_eq!(court.requestor().unjail(account).await.unwrap(), None);
    assert_eq!(weight().await, Amount(10 * TOKEN));
}

/// An account that bonds nothing needs no tokens.
#[tokio::test]
async fn an_account_without_stake_stands_nowhere() {
    let Some(world) = World::new().await else { return };
    let nobody = support::world::provider(9);
    assert_eq!(
        world.requestor.stake_standing(nobody).await.unwrap(),
        Standing::default()
    );
    assert_eq!(world.requestor.free_stake(nobody).await.unwrap(), Amount::ZERO);
    assert_eq!(world.requestor.unjail(nobody).await.unwrap(), None);
    assert_eq!(world.requestor.stake_token().await.unwrap(), world.contracts.token);
}
