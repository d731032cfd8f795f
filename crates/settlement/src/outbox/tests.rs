//! The way of a transaction, look by look.

#![allow(clippy::unwrap_used)]

use super::*;

const CHEAP: Fees = Fees { max: 100, priority: 8 };
const PLACE: Place = Place {
    tx: B256::repeat_byte(1),
    block: 7,
};

fn outgoing() -> Outgoing {
    Outgoing {
        nonce: 5,
        action: "closing the job".into(),
        to: Some(Address::repeat_byte(9)),
        value: U256::ZERO,
        input: Bytes::from_static(&[1, 2]),
        gas_limit: 21_000,
        fees: CHEAP,
        hashes: vec![B256::repeat_byte(1)],
        offered_at: UnixMillis(1_000),
        sent_at: UnixMillis(1_000),
        mined: None,
        missing_since: None,
    }
}

fn sight() -> Sight {
    Sight {
        mined_nonce: 5,
        place: None,
        stays: 6,
        market: CHEAP,
    }
}

fn seconds(seconds: u64) -> UnixMillis {
    UnixMillis(1_000 + seconds * 1_000)
}

const BUMPED: Fees = Fees { max: 113, priority: 9 };

/// Seconds since it was offered and sent, transactions of the account in blocks, its block, the newest that stays; and what
/// follows.
#[test]
fn each_look_leads_to_one_step() {
    for (waited_s, mined_nonce, block, stays, expected) in [
        (0, 5, None, 6, Step::Wait),
        (9, 5, None, 6, Step::Wait),
        (10, 5, None, 6, Step::Send),
        (35, 5, None, 6, Step::Send),
        (36, 5, None, 6, Step::Bump(BUMPED)),
        // Earlier ones of the account are still in front of it.
        (36, 3, None, 6, Step::Bump(BUMPED)),
        (0, 6, Some(7), 6, Step::Mined(PLACE)),
        (99, 6, Some(7), 7, Step::Final(PLACE)),
        (0, 6, None, 6, Step::Missing),
        (99, 8, None, 6, Step::Missing),
    ] {
        let sight = Sight {
            mined_nonce,
            place: block.map(|block| Place { block, ..PLACE }),
            stays,
            ..sight()
        };
        let step = outgoing().step(&sight, seconds(waited_s));
        assert_eq!(step, expected, "{waited_s} {mined_nonce} {block:?} {stays}");
    }
}

#[test]
fn what_a_reorganisation_takes_out_is_sent_again_at_once() {
    let mut outgoing = outgoing();
    let mined = Sight {
        mined_nonce: 6,
        place: Some(PLACE),
        ..sight()
    };
    let step = outgoing.step(&mined, seconds(1));
    outgoing.note(step, None, seconds(1));
    assert_eq!(outgoing.mined, Some(PLACE));
    assert_eq!(
        outgoing.step(&mined, seconds(99)),
        Step::Mined(PLACE),
        "it does not stay yet"
    );
    let step = outgoing.step(&sight(), seconds(2));
    assert_eq!(step, Step::Send);
    outgoing.note(step, Some(B256::repeat_byte(1)), seconds(2));
    assert_eq!((outgoing.mined, outgoing.hashes.len()), (None, 1), "the same bytes");
    assert_eq!(outgoing.step(&sight(), seconds(3)), Step::Wait);
}

#[test]
fn a_used_nonce_is_another_transactions_only_when_no_receipt_comes() {
    let used = Sight {
        mined_nonce: 6,
        ..sight()
    };
    let mut late = outgoing();
    for (waited_s, expected) in [(1, Step::Missing), (15, Step::Missing), (16, Step::Replaced)] {
        let step = late.step(&used, seconds(waited_s));
        assert_eq!(step, expected, "{waited_s}");
        late.note(step, None, seconds(waited_s));
    }
    let mut shown = outgoing();
    shown.note(Step::Missing, None, seconds(1));
    let mined = Sight {
        place: Some(PLACE),
        ..used
    };
    let step = shown.step(&mined, seconds(2));
    assert_eq!(step, Step::Mined(PLACE));
    shown.note(step, None, seconds(2));
    assert_eq!(shown.missing_since, None);
}

#[test]
fn fees_grow_until_they_cannot_be_the_reason() {
    let mut outgoing = outgoing();
    let mut fees = vec![outgoing.fees];
    let mut now = seconds(0);
    for form in 2..40 {
        now = now.after(BUMP_AFTER);
        let step = outgoing.step(&sight(), now);
        let Step::Bump(bumped) = step else {
            assert_eq!(step, Step::Send, "then it is only kept alive");
            break;
        };
        outgoing.note(step, Some(B256::repeat_byte(form)), now);
        fees.push(bumped);
    }
    assert_eq!(fees.len(), 1 + 9);
    for pair in fees.windows(2) {
        // What servers demand of a replacement.
        assert!(
            pair[1].max * 10 >= pair[0].max * 11 && pair[1].priority * 10 >= pair[0].priority * 11,
            "{pair:?}"
        );
    }
    assert!(fees[9].max < 4 * CHEAP.max, "{:?}", fees[9]);
    assert_eq!(outgoing.hashes.len(), 10, "each of its forms may be mined");
}

#[test]
fn a_bump_offers_at_least_what_the_market_asks_and_never_nothing_more() {
    let dear = Fees { max: 900, priority: 50 };
    assert_eq!(CHEAP.bumped(dear), dear);
    let free = Fees { max: 0, priority: 0 };
    assert_eq!(free.bumped(free), Fees { max: 1, priority: 1 });
    let most = Fees {
        max: u128::MAX,
        priority: u128::MAX,
    };
    assert_eq!(most.bumped(CHEAP), most);
}

#[test]
fn nonces_follow_what_was_written_down_and_what_was_seen() {
    let at = |nonce| Outgoing { nonce, ..outgoing() };
    assert_eq!(next_nonce(3, &[]), 3);
    assert_eq!(
        next_nonce(3, &[at(3), at(4)]),
        5,
        "sent by an earlier life and not seen yet"
    );
    assert_eq!(next_nonce(9, &[at(3)]), 9, "another program sent some");
}

#[test]
fn one_is_kept_under_each_nonce() {
    let outbox = MemoryOutbox::default();
    let mut first = outgoing();
    outbox.save(&first).unwrap();
    first.fees = BUMPED;
    outbox.save(&first).unwrap();
    let second = Outgoing { nonce: 4, ..outgoing() };
    outbox.save(&second).unwrap();
    assert_eq!(outbox.load().unwrap(), [second, first.clone()]);
    outbox.forget(4).unwrap();
    assert_eq!(outbox.load().unwrap(), [first]);
}

#[test]
fn a_call_is_recognised_again() {
    let one = outgoing();
    assert!(one.is(one.to, one.value, &one.input));
    assert!(!one.is(None, one.value, &one.input) && !one.is(one.to, one.value, &Bytes::new()));
    assert!(!one.is(one.to, U256::from(1), &one.input), "other coins go along");
    let text = serde_json::to_string(&one).unwrap();
    assert_eq!(serde_json::from_str::<Outgoing>(&text).unwrap(), one);
}

#[test]
fn what_was_written_down_before_coins_could_go_along_sends_none() {
    let mut older = serde_json::to_value(outgoing()).unwrap();
    older.as_object_mut().unwrap().remove("value");
    assert_eq!(serde_json::from_value::<Outgoing>(older).unwrap().value, U256::ZERO);
}
