//! Quarrels about claims on a real anvil, from stake to payout.
//!
//! Without anvil (`npm ci --prefix contracts`, or its path in `RAYSWARM_ANVIL`) each test says so and passes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stderr)]

mod support;

use rayswarm_model::{Amount, B256, FailureKind, signed::Verdict};
use rayswarm_settlement::{
    ClaimState, Contracts, DeploySettings, DrawOutcome, Phase, Rejected, Seat, Settlement, SettlementError,
};
use serde_json::json;
use support::{
    court::{CLAIMED, CROP, Court, EVIDENCE, JURORS_STAKE, PROVIDERS_STAKE, TASK, other_life, salt},
    world::{REQUESTOR, STRANGER, TOKEN, caps_of, key, sentence},
};

alloy::sol! {
    #[sol(rpc)]
    interface Judge {
        function verdictCommitment(uint256, uint8, address, uint8, bytes32, bytes32) external view returns (bytes32);
    }
}

const HOUR: u64 = 3_600;
const EIP_2935: &str = "0x0000F90827F1C53a10cb7A02335B175320002935";

/// Good work is rejected: the requestor loses its bond, which pays the jurors and the provider.
#[tokio::test]
async fn good_work_is_paid_to_the_last_unit_and_every_step_may_be_repeated() {
    let Some(court) = Court::new(3).await else { return };
    let (requestor, provider) = (court.requestor(), court.provider());
    let job = court.claimed().await;
    let account = provider.account();
    let rejected = requestor.reject_claim(job, account, TASK, EVIDENCE).await.unwrap();
    assert_eq!(rejected.transactions.len(), 2, "approval of the bond and rejection");
    let id = rejected.dispute;
    assert_eq!((id.0, requestor.dispute_count().await.unwrap()), (1, 1));
    let again = requestor.reject_claim(job, account, TASK, EVIDENCE).await.unwrap();
    let nothing_sent = Rejected {
        dispute: id,
        transactions: Vec::new(),
    };
    assert_eq!(again, nothing_sent);
    let claim = requestor.claim_of(job, account).await.unwrap().unwrap();
    assert_eq!(claim.state, ClaimState::Disputed);

    let dispute = requestor.dispute(id).await.unwrap().unwrap();
    assert_eq!((dispute.job, dispute.task, dispute.evidence), (job, TASK, EVIDENCE));
    assert_eq!((dispute.provider, dispute.requestor), (account, requestor.account()));
    assert_eq!(dispute.frozen_stake, Amount(PROVIDERS_STAKE));
    let early = requestor.draw_jurors(id).await.unwrap_err();
    assert!(
        matches!(early, SettlementError::DrawNotDue { .. }),
        "{}",
        sentence(&early)
    );
    assert_eq!(early.kind(), FailureKind::Transient);
    let jurors = court.seated(id).await;
    assert_eq!(requestor.draw_jurors(id).await.unwrap(), None);

    let seat = Seat { dispute: id, round: 0 };
    let juror = &jurors[0];
    let commitment = juror.verdict_commitment(seat, Verdict::Good, CROP, salt(juror));
    let judge = Judge::new(requestor.disputes(), &court.rpc);
    let asked = judge.verdictCommitment(alloy::primitives::U256::ONE, 0, juror.account(), 1, CROP, salt(juror));
    assert_eq!(asked.call().await.unwrap(), commitment);
    let unseated = provider.commit_verdict(seat, commitment).await.unwrap_err();
    assert!(
        matches!(unseated, SettlementError::NotSeated { .. }),
        "{}",
        sentence(&unseated)
    );
    assert!(juror.commit_verdict(seat, commitment).await.unwrap().is_some());
    assert_eq!(juror.commit_verdict(seat, commitment).await.unwrap(), None);
    let other = juror.commit_verdict(seat, B256::repeat_byte(9)).await.unwrap_err();
    assert!(
        matches!(other, SettlementError::OtherCommitment { committed, .. } if committed == commitment),
        "{}",
        sentence(&other)
    );
    let early = juror
        .reveal_verdict(seat, Verdict::Good, CROP, salt(juror))
        .await
        .unwrap_err();
    assert_eq!(
        sentence(&early),
        "revealing a verdict must wait: dispute 1 is taking commitments; try again later"
    );
    assert_eq!(early.kind(), FailureKind::Transient);
    court.judged_by(seat, &jurors[1..], Verdict::Good).await;
    let wrong = juror
        .reveal_verdict(seat, Verdict::Bad, CROP, salt(juror))
        .await
        .unwrap_err();
    assert!(
        sentence(&wrong).contains("is not what it committed to"),
        "{}",
        sentence(&wrong)
    );
    let reveal = || juror.reveal_verdict(seat, Verdict::Good, CROP, salt(juror));
    assert!(reveal().await.unwrap().is_some());
    assert_eq!(reveal().await.unwrap(), None);

    let ballot = requestor.ballot_of(id, 0, juror.account()).await.unwrap().unwrap();
    assert_eq!(
        (ballot.commitment, ballot.verdict, ballot.paid),
        (Some(commitment), Some(Verdict::Good), false)
    );
    let round = requestor.round_of(id, 0).await.unwrap().unwrap();
    assert_eq!((round.seats, round.committed, round.good, round.bad), (3, 3, 3, 0));
    assert_eq!((round.verdict(), round.bond), (Some(Verdict::Good), Amount(4 * TOKEN)));
    assert_eq!(requestor.round_of(id, 1).await.unwrap(), None);

    let early = provider.conclude(id).await.unwrap_err();
    assert_eq!(early.kind(), FailureKind::Transient, "{}", sentence(&early));
    let unpaid = provider.pay_juror(id, 0, juror.account()).await.unwrap_err();
    assert_eq!(unpaid.kind(), FailureKind::Transient, "{}", sentence(&unpaid));
    court.pass(3 * HOUR).await;
    assert_eq!(requestor.dispute_phase(id).await.unwrap(), Phase::Due);
    assert!(provider.conclude(id).await.unwrap().is_some());
    assert_eq!(provider.conclude(id).await.unwrap(), None);
    assert_eq!(requestor.dispute_phase(id).await.unwrap(), Phase::Concluded);
    assert!(requestor.dispute(id).await.unwrap().unwrap().concluded);
    for juror in &jurors {
        assert!(provider.pay_juror(id, 0, juror.account()).await.unwrap().is_some());
        assert_eq!(provider.pay_juror(id, 0, juror.account()).await.unwrap(), None);
        assert_eq!(juror.credit_of(juror.account()).await.unwrap(), Amount(TOKEN));
    }
    assert!(provider.pay_claim(job, account).await.unwrap().is_some());
    court.nothing_is_left_with_the_judge().await;
    assert_eq!(
        court.tokens(provider).await,
        CLAIMED + TOKEN,
        "its claim, and what jurors left of the bond"
    );
    assert_eq!(court.tokens(requestor).await, (1_000 - 100 - 4) * TOKEN);
    for juror in &jurors {
        assert_eq!(court.tokens(juror).await, TOKEN);
    }
    let standing = provider.stake_standing(account).await.unwrap();
    assert_eq!(
        (standing.bonded, standing.frozen),
        (Amount(PROVIDERS_STAKE), Amount::ZERO)
    );
}

/// Garbage is rejected: the provider loses its stake, which pays the jurors and the requestor.
#[tokio::test]
async fn a_provider_of_garbage_loses_its_stake() {
    let Some(court) = Court::new(3).await else { return };
    let (requestor, provider) = (court.requestor(), court.provider());
    let (job, id) = court.rejected().await;
    let jurors = court.seated(id).await;
    court.judged(Seat { dispute: id, round: 0 }, &[], &jurors).await;
    court.pass(3 * HOUR).await;
    requestor.conclude(id).await.unwrap();
    assert_eq!(requestor.claim_of(job, provider.account()).await.unwrap(), None);
    assert_eq!(requestor.open_dispute(job, provider.account()).await.unwrap(), None);
    for juror in &jurors {
        assert!(juror.pay_juror(id, 0, juror.account()).await.unwrap().is_some());
    }
    court.nothing_is_left_with_the_judge().await;
    assert_eq!(court.tokens(requestor).await, 900 * TOKEN + PROVIDERS_STAKE - 3 * TOKEN);
    assert_eq!(court.tokens(provider).await, 0);
    let standing = provider.stake_standing(provider.account()).await.unwrap();
    assert_eq!((standing.bonded, standing.frozen), (Amount::ZERO, Amount::ZERO));
    assert!(standing.jailed_until > court.now().await);

    let caps = caps_of([(provider.account(), 50 * TOKEN)]);
    provider
        .mint_dev_tokens(provider.account(), Amount(PROVIDERS_STAKE))
        .await
        .unwrap();
    provider.bring_stake_to(Amount(PROVIDERS_STAKE)).await.unwrap();
    let barred = provider.claim(job, Amount(CLAIMED), EVIDENCE, &caps).await.unwrap_err();
    assert!(
        matches!(&barred, SettlementError::Reverted { revert, .. } if revert.is_claim_barred()),
        "{}",
        sentence(&barred)
    );
    requestor.close_job(job, &[], &caps).await.unwrap();
    court.pass(HOUR).await;
    requestor.refund(job).await.unwrap();
    assert_eq!(court.world.audited(job).await.refunded, Amount(100 * TOKEN));
}

/// One of three jurors sleeps: the others decide, and its fee stays with the winner.
#[tokio::test]
async fn an_absent_juror_gets_nothing() {
    let Some(court) = Court::new(3).await else { return };
    let (requestor, provider) = (court.requestor(), court.provider());
    let (_, id) = court.rejected().await;
    let jurors = court.seated(id).await;
    let seat = Seat { dispute: id, round: 0 };
    let (absent, present) = jurors.split_last().unwrap();
    for juror in present {
        let commitment = juror.verdict_commitment(seat, Verdict::Good, CROP, salt(juror));
        juror.commit_verdict(seat, commitment).await.unwrap();
    }
    court.pass(121).await;
    assert_eq!(requestor.dispute_phase(id).await.unwrap(), Phase::Revealing);
    let late = absent.commit_verdict(seat, EVIDENCE).await.unwrap_err();
    assert!(
        sentence(&late).contains("dispute 1 is taking verdicts"),
        "{}",
        sentence(&late)
    );
    assert_eq!(late.kind(), FailureKind::Permanent);
    for juror in present {
        juror
            .reveal_verdict(seat, Verdict::Good, CROP, salt(juror))
            .await
            .unwrap();
    }
    court.pass(3 * HOUR).await;
    provider.conclude(id).await.unwrap();
    for juror in present {
        assert!(juror.pay_juror(id, 0, juror.account()).await.unwrap().is_some());
    }
    assert_eq!(absent.pay_juror(id, 0, absent.account()).await.unwrap(), None);
    assert_eq!(absent.pay_juror(id, 1, absent.account()).await.unwrap(), None);
    assert_eq!(court.tokens(absent).await, 0);
    court.nothing_is_left_with_the_judge().await;
    assert_eq!(court.tokens(provider).await, 2 * TOKEN);
}

/// The first committee is wrong; the provider appeals with twice the bond, and the second sets it right.
#[tokio::test]
async fn an_appeal_overturns_a_verdict() {
    let Some(court) = Court::new(8).await else { return };
    let (requestor, provider) = (court.requestor(), court.provider());
    assert_eq!(requestor.committees().await.unwrap(), [3, 7, 15, 31]);
    let bonds = [requestor.bond_of(0).await.unwrap(), requestor.bond_of(1).await.unwrap()];
    assert_eq!(bonds, [Amount(4 * TOKEN), Amount(8 * TOKEN)]);
    assert_eq!(requestor.juror_fee().await.unwrap(), Amount(TOKEN));
    let (_, id) = court.rejected().await;
    provider.mint_dev_tokens(provider.account(), bonds[1]).await.unwrap();
    let early = provider.appeal(id, 0, EVIDENCE).await.unwrap_err();
    assert_eq!(early.kind(), FailureKind::Transient, "{}", sentence(&early));
    let first = court.seated(id).await;
    court
        .judged(Seat { dispute: id, round: 0 }, &first[..1], &first[1..])
        .await;
    assert_eq!(requestor.dispute_phase(id).await.unwrap(), Phase::Appealing);
    let winner = requestor.appeal(id, 0, EVIDENCE).await.unwrap_err();
    assert!(
        sentence(&winner).contains("who alone may appeal"),
        "{}",
        sentence(&winner)
    );

    let other = other_life(&court).await;
    let evidence = B256::repeat_byte(0xe2);
    let lives = tokio::join!(provider.appeal(id, 0, evidence), other.appeal(id, 0, evidence));
    let sent = [lives.0.unwrap(), lives.1.unwrap()].concat();
    assert!(sent.len() >= 2, "approval and appeal, by one of them at least");
    assert_eq!(provider.appeal(id, 0, evidence).await.unwrap(), []);
    let dispute = requestor.dispute(id).await.unwrap().unwrap();
    assert_eq!((dispute.round, dispute.standing), (1, Verdict::Bad));
    let round = requestor.round_of(id, 1).await.unwrap().unwrap();
    assert_eq!(
        (round.bonder, round.bond, round.evidence),
        (provider.account(), bonds[1], evidence)
    );
    // What was meant for the first round is not taken for the second.
    let late = first[0].appeal(id, 2, EVIDENCE).await.unwrap_err();
    assert!(
        matches!(late, SettlementError::OtherRound { .. }),
        "{}",
        sentence(&late)
    );

    let second = court.seated(id).await;
    assert_eq!(second.len(), 7);
    let stale = Seat { dispute: id, round: 0 };
    let again = first[0]
        .reveal_verdict(stale, Verdict::Good, CROP, salt(&first[0]))
        .await;
    assert_eq!(again.unwrap(), None, "it was revealed in that round");
    court.judged(Seat { dispute: id, round: 1 }, &second, &[]).await;
    court.pass(3 * HOUR).await;
    provider.conclude(id).await.unwrap();
    let mut paid = 0;
    for (round, jurors) in [&first, &second].into_iter().enumerate() {
        for juror in jurors {
            let round = u8::try_from(round).unwrap();
            paid += usize::from(juror.pay_juror(id, round, juror.account()).await.unwrap().is_some());
        }
    }
    assert_eq!(paid, 1 + 7);
    court.nothing_is_left_with_the_judge().await;
    assert_eq!(
        court.tokens(provider).await,
        (8 + 4 - 8) * TOKEN,
        "both bonds, less eight fees"
    );
    let standing = provider.stake_standing(provider.account()).await.unwrap();
    assert_eq!(
        (standing.bonded, standing.frozen),
        (Amount(PROVIDERS_STAKE), Amount::ZERO)
    );
}

#[tokio::test]
async fn disputes_and_seats_are_found_in_the_events() {
    let Some(court) = Court::new(4).await else { return };
    let (requestor, provider) = (court.requestor(), court.provider());
    let (job, id) = court.rejected().await;
    let jurors = court.seated(id).await;
    let seat = Seat { dispute: id, round: 0 };
    for juror in &court.jurors {
        let drawn = jurors.iter().any(|one| one.account() == juror.account());
        let seats = requestor.seats_of(juror.account(), 0).await.unwrap();
        assert_eq!(seats.found == [seat], drawn);
    }
    let accounts: Vec<_> = jurors.iter().map(Settlement::account).collect();
    assert_eq!(requestor.jurors_of(seat, 0).await.unwrap(), accounts);
    let others = requestor.jurors_of(Seat { round: 1, ..seat }, 0).await.unwrap();
    assert!(others.is_empty());

    let theirs = Some(provider.account());
    for (job, provider, expected) in [
        (Some(job), None, 1),
        (Some(job), theirs, 1),
        (None, theirs, 1),
        (None, None, 1),
        (Some(job), Some(requestor.account()), 0),
        (Some(rayswarm_model::JobId::from_bytes([3; 32])), theirs, 0),
    ] {
        let found = requestor.disputes_of(job, provider, 0).await.unwrap().found;
        assert_eq!(found.len(), expected, "{job:?} {provider:?}");
        assert!(found.iter().all(|found| *found == id));
    }

    // While blocks may still be replaced they are asked for again; later ones hold nothing of it.
    let juror = accounts[0];
    let before = requestor.seats_of(juror, 0).await.unwrap();
    let height = requestor.height().await.unwrap();
    assert!(before.next_block <= height);
    assert_eq!(requestor.seats_of(juror, before.next_block).await.unwrap(), before);
    court.ask("anvil_mine", json!([100])).await;
    let after = requestor.seats_of(juror, before.next_block).await.unwrap();
    assert_eq!(after.found, [seat]);
    assert!(after.next_block > height);
    let nothing_new = requestor.seats_of(juror, after.next_block).await.unwrap();
    assert_eq!((nothing_new.found, nothing_new.next_block), (vec![], after.next_block));
}

#[tokio::test]
async fn a_committee_that_cannot_be_seated_costs_nobody_anything() {
    let Some(court) = Court::new(2).await else { return };
    let requestor = court.requestor();
    let (job, id) = court.rejected().await;
    assert_eq!(court.drawn(id).await, DrawOutcome::Missing);
    assert!(requestor.round_of(id, 0).await.unwrap().unwrap().unseatable);
    assert_eq!(requestor.draw_jurors(id).await.unwrap(), None);
    assert!(requestor.conclude(id).await.unwrap().is_some(), "at once");
    let claim = requestor
        .claim_of(job, court.provider().account())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(claim.state, ClaimState::Upheld);
    court.nothing_is_left_with_the_judge().await;
    assert_eq!(court.tokens(requestor).await, 900 * TOKEN);
}

/// A chain remembers 256 blocks, and 8,191 by EIP-2935, which is taken away here; who draws later gets another block.
#[tokio::test]
async fn a_draw_that_comes_too_late_is_made_again() {
    let Some(court) = Court::new(3).await else { return };
    let (_, id) = court.rejected().await;
    court.ask("anvil_setCode", json!([EIP_2935, "0x"])).await;
    court.ask("anvil_mine", json!([300])).await;
    let height = court.requestor().height().await.unwrap();
    let DrawOutcome::Rearmed { draw_block } = court.drawn(id).await else {
        panic!("the block was remembered")
    };
    assert!(draw_block > height);
    assert_eq!(
        court.requestor().round_of(id, 0).await.unwrap().unwrap().draw_block,
        draw_block
    );
    assert_eq!(court.seated(id).await.len(), 3);
}

/// Where the deployment takes randomness out of headers, the draw shows one.
#[tokio::test]
async fn a_draw_shows_the_header_of_its_block() {
    let Some(court) = Court::with(3, |settings| settings.entropy = 1).await else {
        return;
    };
    let (_, id) = court.rejected().await;
    assert_eq!(court.seated(id).await.len(), 3);
}

#[tokio::test]
async fn what_cannot_be_disputed_is_said_in_words() {
    let Some(court) = Court::new(0).await else { return };
    let (requestor, provider) = (court.requestor(), court.provider());
    let job = court.claimed().await;
    let account = provider.account();
    let error = requestor
        .reject_claim(job, requestor.account(), TASK, EVIDENCE)
        .await
        .unwrap_err();
    assert!(sentence(&error).contains("is not there"), "{}", sentence(&error));
    let poor = provider.reject_claim(job, account, TASK, EVIDENCE).await.unwrap_err();
    assert!(
        sentence(&poor).contains("and the bond of a rejection needs 4; add tokens"),
        "{}",
        sentence(&poor)
    );
    provider.mint_dev_tokens(account, Amount(4 * TOKEN)).await.unwrap();
    let stranger = provider.reject_claim(job, account, TASK, EVIDENCE).await.unwrap_err();
    assert!(
        sentence(&stranger).contains("its owner must reject its claims"),
        "{}",
        sentence(&stranger)
    );
    let bare = requestor
        .reject_claim(job, account, TASK, B256::ZERO)
        .await
        .unwrap_err();
    assert!(
        sentence(&bare).contains("needs the hash of its evidence"),
        "{}",
        sentence(&bare)
    );
    court.pass(25 * HOUR).await;
    let late = requestor.reject_claim(job, account, TASK, EVIDENCE).await.unwrap_err();
    assert!(
        matches!(&late, SettlementError::Reverted { revert, .. } if revert.is_claim_window_over()),
        "{}",
        sentence(&late)
    );
    for error in [
        requestor.draw_jurors(rayswarm_model::DisputeId(7)).await.unwrap_err(),
        requestor.conclude(rayswarm_model::DisputeId(7)).await.unwrap_err(),
    ] {
        assert!(
            sentence(&error).contains("there is no dispute 7"),
            "{}",
            sentence(&error)
        );
        assert_eq!(error.kind(), FailureKind::Permanent);
    }
    assert_eq!(requestor.dispute(rayswarm_model::DisputeId(7)).await.unwrap(), None);
    assert_eq!(
        requestor.dispute_phase(rayswarm_model::DisputeId(7)).await.unwrap(),
        Phase::None
    );
}

/// On a chain of another name nothing is deployed unasked with the settings of anvil.
#[tokio::test]
async fn a_chain_that_is_in_no_book_needs_settings_of_its_own() {
    let Some(court) = Court::new(0).await else { return };
    let url = &court.world.anvil.url;
    court.ask("anvil_setChainId", json!([777])).await;
    let before = court.requestor().height().await.unwrap();
    let error = Settlement::deploy(url, key(STRANGER)).await.unwrap_err();
    assert!(
        matches!(error, SettlementError::NoSettings { chain_id: 777 }),
        "{}",
        sentence(&error)
    );
    assert_eq!(court.requestor().height().await.unwrap(), before);

    let mut book: serde_json::Value = serde_json::from_str(include_str!("../../../contracts/addresses.json")).unwrap();
    let mut entry = book["chains"]["31337"].take();
    entry["developmentToken"] = false.into();
    entry["settings"]["stakeToken"] = court.world.contracts.token.to_string().into();
    entry["settings"]["jurorFee"] = "7".into();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("book.json");
    std::fs::write(&file, json!({ "chains": { "777": entry } }).to_string()).unwrap();
    let settings = DeploySettings::from_file(&file, 777).unwrap();
    let contracts = Settlement::deploy_with(url, key(REQUESTOR), settings).await.unwrap();
    assert_ne!(contracts.registry, court.world.contracts.registry);
    let expected = Contracts {
        token: court.world.contracts.token,
        ..contracts
    };
    assert_eq!(contracts, expected, "the token of the stakes");
    let settlement = Settlement::connect(url, key(REQUESTOR), contracts).await.unwrap();
    assert_eq!(settlement.juror_fee().await.unwrap(), Amount(7));
    assert_eq!(settlement.stake_token().await.unwrap(), contracts.token);
    assert!(JURORS_STAKE > settlement.min_juror_stake().await.unwrap().0);
}
