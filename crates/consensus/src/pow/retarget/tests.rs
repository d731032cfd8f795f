//! The retarget against floating point, and the properties that its specification promises.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::pow::testing::{header, rules};
use proptest::prelude::*;

const GENESIS_TIME: u64 = 1_800_000_000;

/// The difficulty after block `number`, which is `late` seconds behind its schedule.
fn after(initial: U256, number: u64, late: i64) -> U256 {
    let rules = PowRules {
        initial_difficulty: initial,
        ..rules()
    };
    let mut genesis = header(0);
    genesis.timestamp = GENESIS_TIME;
    let mut parent = header(number);
    parent.timestamp = (GENESIS_TIME + number * u64::from(rules.block_seconds.get()))
        .checked_add_signed(late)
        .unwrap();
    difficulty_after(&rules, &genesis, &parent)
}

#[test]
fn on_schedule_it_stays_for_ever() {
    let initial = U256::from(987_654_321);
    for number in [0, 1, 2, 1_000, 123_456_789] {
        assert_eq!(after(initial, number, 0), initial, "after block {number}");
    }
}

#[test]
fn each_half_life_late_halves_it_and_each_early_doubles_it() {
    let half_life = i64::from(rules().half_life_seconds.get());
    let initial = U256::from(1u64 << 40);
    for halvings in 0..=40u32 {
        let late = i64::from(halvings) * half_life;
        assert_eq!(after(initial, 1_000_000, late), initial >> halvings);
        assert_eq!(after(initial, 1_000_000, -late), initial << halvings);
    }
    assert_eq!(
        after(initial, 1_000_000, 41 * half_life),
        U256::ONE,
        "never less than one"
    );
}

#[test]
fn it_ends_at_its_bounds_whatever_the_times_say() {
    let cases = [
        (U256::ONE, 0, U256::ONE),
        (U256::ZERO, 0, U256::ONE),
        (U256::MAX, 0, DIFFICULTY_MAX),
        (DIFFICULTY_MAX, 1, DIFFICULTY_MAX),
        (DIFFICULTY_MAX, i128::MAX, DIFFICULTY_MAX),
        (U256::ONE, 191 << 16, U256::ONE << 191),
        (U256::ONE, 192 << 16, DIFFICULTY_MAX),
        (U256::ONE, 256 << 16, DIFFICULTY_MAX),
        (DIFFICULTY_MAX, -(191 << 16), U256::ONE),
        (DIFFICULTY_MAX, -(300 << 16), U256::ONE),
        (DIFFICULTY_MAX, i128::MIN, U256::ONE),
    ];
    for (difficulty, exponent, expected) in cases {
        assert_eq!(doubled(difficulty, exponent), expected, "{difficulty} by {exponent}");
    }
    let rules = PowRules {
        block_seconds: u32::MAX.try_into().unwrap(),
        half_life_seconds: 1.try_into().unwrap(),
        ..rules()
    };
    let mut genesis = header(0);
    let mut parent = header(0);
    parent.number = u64::MAX;
    assert_eq!(difficulty_after(&rules, &genesis, &parent), DIFFICULTY_MAX);
    (genesis.timestamp, parent.number, parent.timestamp) = (0, 0, u64::MAX);
    assert_eq!(difficulty_after(&rules, &genesis, &parent), U256::ONE);
}

#[test]
fn it_depends_on_the_parent_alone_not_on_the_way_there() {
    // An average over a window would remember that the blocks before came in a rush or not at all.
    let initial = U256::from(1_000_000);
    assert_eq!(after(initial, 500, 77), after(initial, 20, 77));
}

proptest! {
    #[test]
    fn it_is_the_power_of_two_that_floating_point_computes(
        bits in 30u32..120, mantissa in 1u64.., number in 0u64..1 << 32, late in -400_000i64..400_000,
    ) {
        // Thirty bits at least: what is rounded to whole numbers must not count.
        let initial = (U256::from(mantissa | 1 << 63) << 64) >> (128 - bits);
        let late = late.max(-i64::try_from(number * 15).unwrap());
        let got = f64::from(after(initial, number, late));
        let half_life = f64::from(rules().half_life_seconds.get());
        let expected = f64::from(initial) * (-(late as f64) / half_life).exp2();
        prop_assume!(expected > 20f64.exp2() && expected < 191f64.exp2());
        // The cubic's 0.013 %, one step of the exponent and one of the result.
        prop_assert!((got / expected - 1.0).abs() < 0.000_15, "{got}, {expected} expected");
    }

    #[test]
    fn later_is_never_harder(number in 0u64..1 << 32, late in -100_000i64..100_000) {
        let late = late.max(-i64::try_from(number * 15).unwrap());
        let initial = U256::from(1u64 << 50);
        prop_assert!(after(initial, number, late + 1) <= after(initial, number, late));
    }
}
