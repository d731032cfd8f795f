//! Merging is independent of order, exact for tiles, and refuses what is not the plan.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::{
    PixelCommitment, compare,
    testing::{noisy, numbered},
};
use proptest::prelude::*;

const PLENTY: Bytes = Bytes(1 << 30);

/// A frame cut into `columns` × `rows` tiles, uneven where it must be.
fn tiles_of(size: Resolution, columns: u32, rows: u32) -> Vec<Rect> {
    let edge = |at: u32, parts: u32, whole: u32| at * whole / parts;
    let mut tiles = Vec::new();
    for row in 0..rows {
        for column in 0..columns {
            let (x, y) = (edge(column, columns, size.width), edge(row, rows, size.height));
            let (right, bottom) = (edge(column + 1, columns, size.width), edge(row + 1, rows, size.height));
            tiles.push(Rect {
                x,
                y,
                width: right - x,
                height: bottom - y,
            });
        }
    }
    tiles
}

fn slices_of(lengths: &[u32]) -> Vec<Slice> {
    let mut offset = 0;
    let count = u32::try_from(lengths.len()).unwrap();
    let slice = |(index, length): (u32, &u32)| {
        let slice = Slice {
            index,
            count,
            offset,
            length: *length,
        };
        offset += length;
        slice
    };
    (0..).zip(lengths).map(slice).collect()
}

fn part(picture: &Picture, tile: Rect, pad: u32, slice: Slice) -> Part {
    let held = tile.padded(pad, picture.resolution());
    Part {
        tile,
        slice,
        held,
        picture: crop(picture, held).unwrap(),
    }
}

#[test]
fn tiles_make_the_frame_bit_for_bit() {
    let frame = noisy(37, 23, 1);
    let size = frame.resolution();
    for (columns, rows, pad) in [(1, 1, 0), (4, 3, 0), (3, 5, 4), (2, 2, 99)] {
        let tiles = tiles_of(size, columns, rows);
        let mut merger = Merger::new(size, &tiles, &[Slice::whole(64)], PLENTY).unwrap();
        for tile in tiles.iter().rev() {
            merger.add(part(&frame, *tile, pad, Slice::whole(64))).unwrap();
        }
        assert!(
            compare(&frame, &merger.finish().unwrap()).unwrap().is_exact(),
            "{columns}x{rows} pad {pad}"
        );
    }
}

#[test]
fn slices_are_weighted_and_first_sample_passes_come_from_the_first() {
    let size = Resolution { width: 2, height: 1 };
    let slices = slices_of(&[1, 3]);
    let picture = |colour: f32, depth: f32| {
        let channel = |name: &str, value| Channel::new(name, Samples::F32(vec![value; 2]));
        Picture::new(size, vec![channel("V.Combined.R", colour), channel("V.Depth.Z", depth)]).unwrap()
    };
    let mut merger = Merger::new(size, &[size.whole()], &slices, PLENTY).unwrap();
    merger
        .add(part(&picture(2.0, 0.0), size.whole(), 0, slices[1]))
        .unwrap();
    assert_eq!(merger.missing().collect::<Vec<_>>(), [(size.whole(), slices[0])]);
    merger
        .add(part(&picture(1.0, 7.5), size.whole(), 0, slices[0]))
        .unwrap();
    let frame = merger.finish().unwrap();
    assert_eq!(
        frame.channel("V.Combined.R").unwrap().samples(),
        &Samples::F32(vec![1.75; 2])
    );
    assert_eq!(
        frame.channel("V.Depth.Z").unwrap().samples(),
        &Samples::F32(vec![7.5; 2])
    );
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn arrival_order_changes_nothing(order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle(), pad in 0u32..5) {
        let size = Resolution { width: 11, height: 7 };
        let tiles = tiles_of(size, 2, 2);
        let slices = slices_of(&[5, 1, 10]);
        // One picture per slice, without the pass that cannot be sliced.
        let sources: Vec<Picture> = (0..3).map(|seed| without(&noisy(11, 7, seed), "Mist")).collect();
        let merge = |order: &[usize]| {
            let mut merger = Merger::new(size, &tiles, &slices, PLENTY).unwrap();
            for at in order {
                merger.add(part(&sources[at % 3], tiles[at / 3], pad, slices[at % 3])).unwrap();
            }
            PixelCommitment::of(&merger.finish().unwrap())
        };
        let plan_order: Vec<usize> = (0..12).collect();
        prop_assert_eq!(merge(&order), merge(&plan_order));
    }
}

fn without(picture: &Picture, pass: &str) -> Picture {
    let kept = picture
        .channels()
        .iter()
        .filter(|channel| !channel.name().contains(pass))
        .cloned()
        .collect();
    Picture::new(picture.resolution(), kept).unwrap()
}

#[test]
fn plans_that_do_not_cover_the_frame_once_are_refused() {
    let size = Resolution { width: 4, height: 4 };
    let rect = |x, y, width, height| Rect { x, y, width, height };
    let cases: [(&[Rect], &str); 6] = [
        (&[], "16 pixels are in no tile"),
        (&[rect(0, 0, 4, 3)], "4 pixels are in no tile"),
        (&[rect(0, 0, 4, 4), rect(0, 0, 4, 4)], "overlap"),
        (&[rect(0, 0, 3, 4), rect(2, 0, 2, 4)], "overlap"),
        (&[rect(0, 0, 5, 4)], "outside"),
        (&[rect(0, 0, 4, 4), rect(u32::MAX, 0, 2, 2)], "outside"),
    ];
    for (tiles, why) in cases {
        let error = Merger::new(size, tiles, &[Slice::whole(1)], PLENTY)
            .unwrap_err()
            .to_string();
        assert!(error.contains(why), "{tiles:?}: {error}");
    }
    let mut gap = slices_of(&[2, 2]);
    gap[1].offset = 3;
    let mut unordered = slices_of(&[2, 2]);
    unordered.swap(0, 1);
    for slices in [vec![], gap, unordered, slices_of(&[0, 2])] {
        assert!(
            matches!(
                Merger::new(size, &[size.whole()], &slices, PLENTY),
                Err(MergeError::Slices(_))
            ),
            "{slices:?}"
        );
    }
}

#[test]
fn parts_that_are_not_the_plans_are_refused() {
    let frame = noisy(8, 8, 1);
    let size = frame.resolution();
    let tiles = tiles_of(size, 2, 1);
    let whole = Slice::whole(4);
    let mut merger = Merger::new(size, &tiles, &[whole], PLENTY).unwrap();
    merger.add(part(&frame, tiles[0], 1, whole)).unwrap();
    assert!(matches!(
        merger.add(part(&frame, tiles[0], 0, whole)),
        Err(MergeError::Twice { .. })
    ));
    assert!(matches!(
        merger.add(part(&frame, size.whole(), 0, whole)),
        Err(MergeError::Unplanned { .. })
    ));
    assert!(matches!(
        merger.add(part(&frame, tiles[1], 0, Slice::whole(5))),
        Err(MergeError::Unplanned { .. })
    ));
    let honest = part(&frame, tiles[1], 1, whole);
    for held in [
        tiles[1],
        tiles[0],
        Rect {
            x: u32::MAX,
            ..honest.held
        },
        Rect { x: 0, ..honest.held },
    ] {
        let refused = merger.add(Part { held, ..honest.clone() });
        assert!(matches!(refused, Err(MergeError::Held { .. })), "{held}");
    }
    let other = part(&without(&frame, "Depth"), tiles[1], 1, whole);
    let error = merger.add(other).unwrap_err().to_string();
    assert!(
        error.contains("\"ViewLayer.Depth.Z\"") && error.contains("\"ViewLayer.IndexOB.X\"") || error.contains("Mist"),
        "{error}"
    );
    let noted = honest
        .picture
        .clone()
        .with_attributes([("cryptomatte/1/name".into(), "x".into())].into());
    assert!(matches!(
        merger.add(Part {
            picture: noted,
            ..honest.clone()
        }),
        Err(MergeError::Layout { .. })
    ));
    assert!(matches!(
        Merger::new(size, &tiles, &[whole], PLENTY).unwrap().finish(),
        Err(MergeError::Missing {
            missing: 2,
            planned: 2,
            ..
        })
    ));
    merger.add(honest).unwrap();
    assert!(compare(&frame, &merger.finish().unwrap()).unwrap().is_exact());
}

#[test]
fn passes_that_are_no_sums_are_refused_in_slices() {
    let picture = numbered(4, 4, &["V.Combined.R", "V.Vector.X"]);
    let slices = slices_of(&[1, 1]);
    let mut merger = Merger::new(picture.resolution(), &[picture.resolution().whole()], &slices, PLENTY).unwrap();
    let error = merger
        .add(part(&picture, picture.resolution().whole(), 0, slices[0]))
        .unwrap_err();
    assert!(matches!(error, MergeError::Unsliceable { .. }), "{error}");
}

#[test]
fn a_frame_beyond_memory_is_refused_before_it_is_made() {
    let size = Resolution {
        width: 65_536,
        height: 65_536,
    };
    let tile = Rect {
        width: 2,
        height: 2,
        ..size.whole()
    };
    let mut tiles = vec![
        tile,
        Rect {
            x: 2,
            width: 65_534,
            height: 2,
            ..size.whole()
        },
    ];
    tiles.push(Rect {
        y: 2,
        height: 65_534,
        ..size.whole()
    });
    let mut merger = Merger::new(size, &tiles, &[Slice::whole(1)], PLENTY).unwrap();
    let part = Part {
        tile,
        slice: Slice::whole(1),
        held: tile,
        picture: noisy(2, 2, 1),
    };
    assert!(matches!(merger.add(part), Err(MergeError::Memory { channels: 7, .. })));
}
