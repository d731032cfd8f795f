//! Draws are even, follow the policy, and can be recomputed.
#![allow(clippy::unwrap_used)]

use super::*;
use proptest::prelude::*;

fn subject(task: u64, tile: Rect) -> Subject {
    let commitment = PixelCommitment(B256::repeat_byte(7));
    Subject {
        job: JobId::from_bytes([1; 32]),
        task: TaskId(task),
        attempt: AttemptId(task),
        commitment,
        tile,
    }
}

const SEED: AuditSeed = AuditSeed::from_bytes([42; 32]);
const TILE: Rect = Rect {
    x: 480,
    y: 270,
    width: 480,
    height: 270,
};

#[test]
fn the_first_tasks_are_all_audited() {
    let policy = AuditPolicy::default();
    for before in 0..10 {
        let draw = draw(&policy, &SEED, &subject(before, TILE), before, None);
        assert!(draw.crop.is_some());
        assert_eq!(
            draw.reason,
            DrawReason::FirstTasks {
                nth: before + 1,
                of: 10
            }
        );
    }
    let later = draw(&policy, &SEED, &subject(10, TILE), 10, None);
    assert!(matches!(later.reason, DrawReason::Lot { .. }), "{later:?}");
}

#[test]
fn a_quarter_of_later_tasks_is_audited() {
    let policy = AuditPolicy::default();
    let audited = (0..10_000)
        .filter(|task| draw(&policy, &SEED, &subject(*task, TILE), 10, None).crop.is_some())
        .count();
    // Binomial(10,000, 1/4): mean 2,500, sigma 43.3; within four of them.
    assert!((2_327..=2_673).contains(&audited), "{audited}");
}

#[test]
fn a_rate_of_all_audits_all_and_the_smallest_still_some() {
    let rate = |rate| {
        AuditPolicy::new(AuditSettings {
            rate: BasisPoints(rate),
            ..AuditSettings::default()
        })
        .unwrap()
    };
    let audited = |policy: AuditPolicy, tasks: u64| {
        (0..tasks)
            .filter(|task| draw(&policy, &SEED, &subject(*task, TILE), 99, None).crop.is_some())
            .count()
    };
    assert_eq!(audited(rate(10_000), 500), 500);
    // Binomial(100,000, 1/10,000): mean 10, sigma 3.2.
    assert!((1..=23).contains(&audited(rate(1), 100_000)));
}

/// Pearson's statistic of how often each crop of [`TILE`] was drawn, against `expected` shares.
fn chi_square(draws: u64, weight: Option<&dyn Fn(Rect) -> u64>, expected: impl Fn(Rect) -> f64) -> (f64, usize) {
    let policy = AuditPolicy::default();
    let crops = crops_of(&policy, TILE);
    let mut counts = vec![0u64; crops.len()];
    for task in 0..draws {
        let crop = draw(&policy, &SEED, &subject(task, TILE), 0, weight).crop.unwrap();
        counts[crops.iter().position(|other| *other == crop).unwrap()] += 1;
    }
    let terms = crops.iter().zip(&counts).map(|(crop, count)| {
        let expected = expected(*crop) * draws as f64;
        (*count as f64 - expected).powi(2) / expected
    });
    (terms.sum(), crops.len())
}

#[test]
fn every_crop_is_equally_likely() {
    let (statistic, crops) = chi_square(20_000, None, |_| 0.05);
    assert_eq!(crops, 20);
    // Chi-square with 19 degrees of freedom is below 43.8 in 999 of 1,000 cases.
    assert!(statistic < 43.8, "{statistic}");
}

#[test]
fn weights_guide_half_of_the_draws() {
    let dear = |crop: Rect| if crop.x == TILE.x && crop.y == TILE.y { 300 } else { 0 };
    let share = |crop: Rect| if dear(crop) > 0 { 0.5 + 0.025 } else { 0.025 };
    let (statistic, _) = chi_square(20_000, Some(&dear), share);
    assert!(statistic < 43.8, "{statistic}");
    let (even, _) = chi_square(20_000, Some(&|_| 0), |_| 0.05);
    assert!(even < 43.8, "{even}");
}

#[test]
fn a_draw_depends_on_all_of_its_subject_and_on_the_seed() {
    let policy = AuditPolicy::default();
    let base = subject(
        3,
        Rect {
            x: 0,
            y: 0,
            width: 1920,
            height: 1080,
        },
    );
    let rolled = |seed: &AuditSeed, subject: &Subject| match draw(&policy, seed, subject, 10, None).reason {
        DrawReason::Lot { rolled, .. } => rolled,
        DrawReason::FirstTasks { .. } => BasisPoints(0),
    };
    let first = rolled(&SEED, &base);
    assert_eq!(rolled(&SEED, &base), first);
    // Golden: another version must draw alike, or old verdicts could not be recomputed.
    assert_eq!(first, BasisPoints(4_548));
    assert_ne!(rolled(&AuditSeed::from_bytes([43; 32]), &base), first);
    assert_ne!(
        rolled(
            &SEED,
            &Subject {
                attempt: AttemptId(4),
                ..base
            }
        ),
        first
    );
    assert_ne!(
        rolled(
            &SEED,
            &Subject {
                task: TaskId(4),
                ..base
            }
        ),
        first
    );
    assert_ne!(
        rolled(
            &SEED,
            &Subject {
                job: JobId::from_bytes([2; 32]),
                ..base
            }
        ),
        first
    );
    assert_ne!(
        rolled(
            &SEED,
            &Subject {
                commitment: PixelCommitment(B256::repeat_byte(8)),
                ..base
            }
        ),
        first
    );
}

#[test]
fn the_seed_never_shows_in_logs() {
    let text = format!("{SEED:?}");
    assert!(!text.contains("2a2a2a") && !text.contains("42, 42"), "{text}");
    assert_ne!(SEED.commitment(), AuditSeed::from_bytes([43; 32]).commitment());
}

#[test]
fn large_crops_end_on_cells_and_tiny_tiles_are_audited_whole() {
    let policy = AuditPolicy::default();
    let whole = Rect {
        x: 5,
        y: 7,
        width: 3840,
        height: 2160,
    };
    for crop in crops_of(&policy, whole) {
        assert_eq!(((crop.x - 5) % CELL_SIDE, (crop.y - 7) % CELL_SIDE), (0, 0), "{crop}");
    }
    let tiny = Rect {
        x: 5,
        y: 7,
        width: 20,
        height: 31,
    };
    assert_eq!(crops_of(&policy, tiny), [tiny]);
    let long = crops_of(
        &policy,
        Rect {
            x: 0,
            y: 0,
            width: 1920,
            height: 16,
        },
    );
    assert_eq!(long.len(), 20);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn crops_cover_the_tile_once_and_are_as_large_as_asked(
        x in 0u32..5000, y in 0u32..5000, width in 1u32..4000, height in 1u32..4000, share in 1u32..=10_000, side in 1u32..100,
    ) {
        let settings = AuditSettings { crop_share: BasisPoints(share), crop_side_min: side, ..AuditSettings::default() };
        let tile = Rect { x, y, width, height };
        let crops = crops_of(&AuditPolicy::new(settings).unwrap(), tile);
        prop_assert_eq!(crops.iter().map(|crop| crop.pixels()).sum::<u64>(), tile.pixels());
        for (at, crop) in crops.iter().enumerate() {
            prop_assert!(tile.contains(*crop) && crop.pixels() > 0);
            prop_assert!(crop.width >= side.min(width) && crop.height >= side.min(height), "{}", crop);
            for other in &crops[at + 1..] {
                let apart = crop.right() <= other.x || other.right() <= crop.x
                    || crop.bottom() <= other.y || other.bottom() <= crop.y;
                prop_assert!(apart, "{} {}", crop, other);
            }
        }
        prop_assert!(crops.len() as u64 * u64::from(share) <= 10_000);
    }
}
