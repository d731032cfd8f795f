//! Maps fitted to made-up probes.
#![allow(clippy::unwrap_used)]
use super::*;
use crate::grid;

const PICTURE: Resolution = Resolution {
    width: 640,
    height: 320,
};

fn crop(frame: i32, x: u32, y: u32, samples: u32, millis: u64) -> ProbeSample {
    ProbeSample {
        frame,
        rect: Rect {
            x,
            y,
            width: 40,
            height: 40,
        },
        samples,
        cpu: CpuTime { millis },
    }
}

fn fit(crops: Vec<ProbeSample>) -> CostMap {
    CostMap::fit(&Probe {
        resolution: PICTURE,
        milli_wu_per_cpu_second: 1000,
        crops,
    })
    .unwrap()
}

#[test]
fn two_sample_counts_reveal_the_fixed_part() {
    // 500 ms + 1600 px × samples × 0.01 ms.
    let map = fit(vec![crop(1, 0, 0, 4, 564), crop(1, 0, 0, 16, 756)]);
    assert_eq!(map.frame_work(1, 64).milli_wu, 500 + 640 * 320 * 64 / 100);
}

#[test]
fn cost_lies_where_it_was_measured() {
    // The right half costs nine times the left.
    let map = fit(vec![
        crop(1, 40, 40, 1, 100),
        crop(1, 40, 240, 1, 100),
        crop(1, 560, 40, 1, 900),
        crop(1, 560, 240, 1, 900),
    ]);
    let (_, weights) = map.tiled_work(1, 1, &grid::tiles(PICTURE, 2, 1), 0);
    assert!(weights[1] > weights[0] * 3, "{weights:?}");
}

#[test]
fn frames_between_probes_are_interpolated() {
    let map = fit(vec![crop(0, 0, 0, 1, 100), crop(100, 0, 0, 1, 300)]);
    let work = |frame| map.frame_work(frame, 1).milli_wu;
    assert_eq!(
        [work(-5), work(0), work(25), work(50), work(100), work(7800)],
        [12800, 12800, 19200, 25600, 38400, 38400]
    );
}

#[test]
fn padding_adds_work() {
    let map = fit(vec![crop(1, 0, 0, 1, 100)]);
    let tiles = grid::tiles(PICTURE, 4, 4);
    let (plain, _) = map.tiled_work(1, 8, &tiles, 0);
    let (padded, _) = map.tiled_work(1, 8, &tiles, 16);
    assert_eq!(plain, map.frame_work(1, 8));
    let expected = plain.milli_wu * grid::padding_overhead_permille(PICTURE, 4, 4, 16) / 1000;
    assert!(
        padded.milli_wu.abs_diff(expected) <= plain.milli_wu / 500,
        "{} {expected}",
        padded.milli_wu
    );
}

#[test]
fn more_probes_narrow_the_error() {
    let one = Frames::single(1);
    let alone = fit(vec![crop(1, 0, 0, 1, 100)]).relative_error_permille(&one);
    let four = fit(vec![
        crop(1, 0, 0, 1, 100),
        crop(1, 200, 0, 1, 120),
        crop(1, 0, 200, 1, 90),
        crop(1, 200, 200, 1, 110),
    ]);
    assert_eq!(alone, 509);
    assert!(
        four.relative_error_permille(&one) < 130,
        "{}",
        four.relative_error_permille(&one)
    );
    assert!(four.relative_error_permille(&Frames::range(1, 48, 1).unwrap()) > 200);
}

#[test]
fn useless_probes_are_refused() {
    let refuse = |rate, crops| {
        CostMap::fit(&Probe {
            resolution: PICTURE,
            milli_wu_per_cpu_second: rate,
            crops,
        })
        .unwrap_err()
    };
    assert_eq!(refuse(1000, vec![]), CostError::NoProbes);
    assert_eq!(refuse(0, vec![crop(1, 0, 0, 1, 1)]), CostError::NoRate);
    for bad in [crop(1, 0, 0, 0, 1), crop(1, 601, 0, 1, 1), crop(1, u32::MAX, 0, 1, 1)] {
        assert!(matches!(refuse(1000, vec![bad]), CostError::BadCrop { .. }));
    }
}
