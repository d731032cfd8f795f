//! That a test here can fail: one fixture as it is, and with one lie at a time.

use alloy_primitives::{B256, Bytes, U256};

use crate::{
    Tally,
    fixture::{Outcome, StateTest, StateTests},
    left_out::LeftOut,
};

/// One that `fill/` has made: a transfer with a log, for both hardforks, and a second choice with too little gas.
pub const SAMPLE: &str = include_str!("sample.json");

fn tally(change: impl FnOnce(&mut StateTest)) -> Tally {
    let mut tests: StateTests = serde_json::from_str(SAMPLE).unwrap();
    change(tests.values_mut().next().unwrap());
    let mut tally = Tally::default();
    tally.run("sample.json", &tests);
    tally
}

/// The first choice at Osaka.
fn osaka(test: &mut StateTest) -> &mut Outcome {
    &mut test.post.get_mut("Osaka").unwrap()[0]
}

#[test]
fn what_is_as_it_should_be_passes() {
    let tally = tally(|_| ());
    assert_eq!(tally.failures, [""; 0]);
    assert_eq!((tally.executed, tally.refused, tally.left_out.len()), (2, 2, 0));
}

#[test]
fn a_lie_is_found() {
    type Lie = (&'static str, fn(&mut StateTest));
    let lies: [Lie; 9] = [
        ("state root is", |test| osaka(test).hash = B256::ZERO),
        ("hash of logs is", |test| osaka(test).logs = B256::ZERO),
        ("was executed", |test| osaka(test).exception = Some("no".to_owned())),
        ("not taken by the pool", |test| {
            test.post.get_mut("Osaka").unwrap()[1].exception = None;
        }),
        ("state root before is", |test| {
            test.post.get_mut("Osaka").unwrap()[1].hash = B256::ZERO;
        }),
        ("does not read", |test| {
            osaka(test).txbytes = Some(Bytes::from_static(&[1]))
        }),
        ("data, gas and value are", |test| osaka(test).indexes.gas = 1),
        ("signed by", |test| {
            test.transaction.sender = Some(test.env.current_coinbase);
            test.post.remove("Prague");
        }),
        ("expected 8", |test| {
            osaka(test).hash = B256::ZERO;
            for account in osaka(test).state.as_mut().unwrap().values_mut() {
                account.storage.values_mut().for_each(|value| *value = U256::from(8));
            }
        }),
    ];
    for (expected, lie) in lies {
        let found = tally(lie).failures;
        assert_eq!(found.len(), 1, "{expected}: {found:?}");
        assert!(found[0].contains(expected), "{expected}: {found:?}");
    }
}

#[test]
fn what_cannot_be_asked_is_left_out() {
    type Change = (LeftOut, fn(&mut StateTest));
    let changes: [Change; 6] = [
        (LeftOut::Hardfork, |test| {
            let outcomes = test.post["Osaka"].clone();
            test.post = [("London".to_owned(), outcomes)].into();
        }),
        (LeftOut::NoBytes, |test| {
            test.post
                .values_mut()
                .flatten()
                .for_each(|outcome| outcome.txbytes = None);
        }),
        (LeftOut::BlobPrice, |test| test.env.current_excess_blob_gas = U256::ONE),
        (LeftOut::BlockNumber, |test| test.env.current_number = U256::from(2)),
        (LeftOut::Genesis, |test| test.env.current_gas_limit = U256::MAX),
        (LeftOut::Genesis, |test| {
            test.pre.values_mut().for_each(|account| account.balance = U256::MAX);
        }),
    ];
    for (reason, change) in changes {
        let tally = tally(change);
        assert_eq!(tally.failures, [""; 0], "{reason}");
        assert_eq!((tally.executed, tally.refused), (0, 0), "{reason}");
        assert_eq!(tally.left_out.keys().collect::<Vec<_>>(), [&reason]);
    }
}
