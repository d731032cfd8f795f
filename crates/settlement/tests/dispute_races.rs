//! Steps of a dispute and of stakes that two parties, or two lives of one account, take at the same time: on a real anvil.
//!
//! Without anvil (`npm ci --prefix contracts`, or its path in `RAYSWARM_ANVIL`) each test says so and passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use rayswarm_model::{Amount, signed::Verdict};
use rayswarm_settlement::{Chronicle, MemoryOutbox, Mined, Outbox, Phase, Seat, Settlement, SettlementError};
use serde_json::json;
use std::{collections::BTreeSet, sync::Arc};
use support::{
    court::{CROP, Court, EVIDENCE, JURORS_STAKE, TASK, other_life, salt},
    world::{REQUESTOR, STRANGER, TOKEN, key},
};

/// One of the two has sent something, or both the very same; the other found it done.
fn once(first: Result<Option<Mined>, SettlementError>, second: Result<Option<Mined>, SettlementError>) {
    let sent: BTreeSet<_> = [first.unwrap(), second.unwrap()]
        .iter()
        .flatten()
        .map(|mined| mined.tx)
        .collect();
    assert_eq!(sent.len(), 1, "{sent:?}");
}

#[tokio::test]
async fn whoever_is_second_finds_it_done() {
    let Some(court) = Court::new(3).await else { return };
    let (requestor, provider) = (court.requestor(), court.provider());
    let job = court.claimed().await;
    let account = provider.account();
    let other = Settlement::connect(&court.world.anvil.url, key(REQUESTOR), court.world.contracts);
    let other = other.await.unwrap();
    let (one, two) = tokio::join!(
        requestor.reject_claim(job, account, TASK, EVIDENCE),
        other.reject_claim(job, account, TASK, EVIDENCE)
    );
    let id = one.unwrap().dispute;
    assert_eq!(two.unwrap().dispute, id);
    assert_eq!(requestor.dispute_count().await.unwrap(), 1);
    assert_eq!(requestor.open_dispute(job, account).await.unwrap(), Some(id));

    while requestor.height().await.unwrap() <= requestor.round_of(id, 0).await.unwrap().unwrap().draw_block {
        requestor.nudge().await.unwrap();
    }
    let (one, two) = tokio::join!(requestor.draw_jurors(id), provider.draw_jurors(id));
    let drawn = |drawn: Result<Option<_>, SettlementError>| {
        drawn.map(|it| it.map(|it: rayswarm_settlement::Drawn| it.transaction))
    };
    once(drawn(one), drawn(two));

    let seat = Seat { dispute: id, round: 0 };
    for (index, juror) in court.jurors.iter().enumerate() {
        let key = rayswarm_model::signed::AccountKey::from_bytes(&[0x71 + u8::try_from(index).unwrap(); 32]).unwrap();
        let other = Settlement::connect(&court.world.anvil.url, key, court.world.contracts);
        let other = other.await.unwrap();
        assert_eq!(other.account(), juror.account());
        let commitment = juror.verdict_commitment(seat, Verdict::Good, CROP, salt(juror));
        let (one, two) = tokio::join!(
            juror.commit_verdict(seat, commitment),
            other.commit_verdict(seat, commitment)
        );
        once(one, two);
    }
    for juror in &court.jurors {
        let reveal = || juror.reveal_verdict(seat, Verdict::Good, CROP, salt(juror));
        let (one, two) = tokio::join!(reveal(), reveal());
        once(one, two);
    }
    court.pass(3 * 3_600).await;
    let (one, two) = tokio::join!(requestor.conclude(id), provider.conclude(id));
    once(one, two);
    assert_eq!(requestor.dispute_phase(id).await.unwrap(), Phase::Concluded);
    let juror = court.jurors[0].account();
    let (one, two) = tokio::join!(requestor.pay_juror(id, 0, juror), provider.pay_juror(id, 0, juror));
    once(one, two);
    let former = other_life(&court).await;
    let (one, two) = tokio::join!(provider.withdraw_credit(), former.withdraw_credit());
    once(one, two);
}

/// A daemon was killed while it took stake out; the next life wants another stake, and reckons from what is there then.
#[tokio::test]
async fn what_a_former_life_has_sent_is_waited_for() {
    let Some(court) = Court::new(0).await else { return };
    let outbox = Arc::new(MemoryOutbox::default());
    let life = || {
        let chronicle = Chronicle {
            outbox: outbox.clone(),
            ..Chronicle::default()
        };
        Settlement::connect_with(&court.world.anvil.url, key(STRANGER), court.world.contracts, chronicle)
    };
    let (former, next) = (life().await.unwrap(), life().await.unwrap());
    former.bring_stake_to(Amount(20 * TOKEN)).await.unwrap();
    let bonded = || async { next.stake_standing(next.account()).await.unwrap().bonded };
    assert_eq!(bonded().await, Amount(20 * TOKEN));
    court.ask("evm_setAutomine", json!([false])).await;
    tokio::select! {
        ended = former.bring_stake_to(Amount(15 * TOKEN)) => panic!("{ended:?}"),
        () = until_sent(&outbox) => {}
    }
    let mining = async {
        court.ask("evm_setAutomine", json!([true])).await;
        court.ask("evm_mine", json!([])).await;
    };
    let (brought, ()) = tokio::join!(next.bring_stake_to(Amount(10 * TOKEN)), mining);
    brought.unwrap();
    assert_eq!(bonded().await, Amount(10 * TOKEN));
}

/// The jurors' tree is written anew once a second: a change estimated in a second that has one already costs more in a later
/// one.
#[tokio::test]
async fn a_stake_that_is_mined_in_a_later_second_than_it_was_estimated_in_has_gas_enough() {
    let Some(court) = Court::new(8).await else { return };
    let [first, second, ..] = &court.jurors[..] else {
        panic!("eight jurors")
    };
    let less = Amount(JURORS_STAKE - 1);
    court.ask("anvil_setBlockTimestampInterval", json!([0])).await;
    first.bring_stake_to(less).await.unwrap();
    court.ask("evm_setAutomine", json!([false])).await;
    let later = async {
        let waits = || async { court.answer("txpool_status", json!([])).await["pending"] != "0x0" };
        while !waits().await {
            tokio::task::yield_now().await;
        }
        court.ask("anvil_removeBlockTimestampInterval", json!([])).await;
        court.ask("evm_increaseTime", json!([60])).await;
        court.ask("evm_mine", json!([])).await;
    };
    let (brought, ()) = tokio::join!(second.bring_stake_to(less), later);
    assert_eq!(brought.unwrap().len(), 1);
    let standing = second.stake_standing(second.account()).await.unwrap();
    assert_eq!(standing.bonded, less);
}

/// Until a transaction is written down that is in no block.
async fn until_sent(outbox: &MemoryOutbox) {
    let waits = || outbox.load().unwrap().iter().any(|one| one.mined.is_none());
    while !waits() {
        tokio::task::yield_now().await;
    }
}
