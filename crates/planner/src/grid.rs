//! Cuts pictures into tiles, samples into slices, and work into shares whose sum is exact.

use rayswarm_model::{Rect, Resolution, Slice};

/// Cuts a picture into `columns` × `rows` near-equal tiles, row by row from the top left. They cover the picture
/// without overlap; sides differ by at most one pixel. A count of zero, or beyond the pixels of a side, is brought to
/// the nearest possible one.
pub fn tiles(picture: Resolution, columns: u32, rows: u32) -> Vec<Rect> {
    let (across, down) = (cuts(picture.width, columns), cuts(picture.height, rows));
    let mut tiles = Vec::with_capacity(across.len() * down.len());
    for &(y, height) in &down {
        tiles.extend(across.iter().map(|&(x, width)| Rect { x, y, width, height }));
    }
    tiles
}

/// Like [`tiles`], with every inner edge on a multiple of `step` where there are enough of those.
pub fn stepped_tiles(picture: Resolution, columns: u32, rows: u32, step: u32) -> Vec<Rect> {
    let (across, down) = (
        stepped_cuts(picture.width, columns, step),
        stepped_cuts(picture.height, rows, step),
    );
    let row = |(y, height)| across.iter().map(move |&(x, width)| Rect { x, y, width, height });
    down.into_iter().flat_map(row).collect()
}

/// Cuts `total` samples into `count` contiguous, near-equal slices in sample order.
pub fn slices(total: u32, count: u32) -> Vec<Slice> {
    let parts = cuts(total, count);
    let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
    let numbered = (0u32..).zip(parts);
    numbered
        .map(|(index, (offset, length))| Slice {
            index,
            count,
            offset,
            length,
        })
        .collect()
}

/// Thousandths by which padding enlarges the pixels rendered: 1000 without padding. Padding stops at the picture's edge.
pub fn padding_overhead_permille(picture: Resolution, columns: u32, rows: u32, padding: u32) -> u64 {
    let padded = |side: u32, parts: u32| -> u64 {
        let grown = cuts(side, parts).into_iter().map(|(start, length)| {
            let end = start.saturating_add(length).saturating_add(padding).min(side);
            u64::from(end - start.saturating_sub(padding))
        });
        grown.sum()
    };
    let pixels = u128::from(picture.pixels().max(1));
    let rendered = u128::from(padded(picture.width, columns)) * u128::from(padded(picture.height, rows));
    u64::try_from(rendered * 1000 / pixels).unwrap_or(u64::MAX)
}

/// Shares `total` in proportion to `weights` by the largest-remainder method (ties go to the earlier share). Every
/// share is at least one, so the sum is `total`, or the number of shares where `total` is less. Equal weights stand in
/// for weights that are all zero.
pub fn apportion(total: u64, weights: &[u64]) -> Vec<u64> {
    let count = weights.len() as u64;
    let spare = u128::from(total.saturating_sub(count));
    let sum: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    let weight_of = |weight: u64| if sum == 0 { 1 } else { u128::from(weight) };
    let sum = if sum == 0 { u128::from(count.max(1)) } else { sum };
    let mut shares: Vec<u64> = Vec::with_capacity(weights.len());
    let mut remainders: Vec<(u128, usize)> = Vec::with_capacity(weights.len());
    for (index, &weight) in weights.iter().enumerate() {
        // At most 2^64 × 2^64, which u128 holds.
        let exact = spare * weight_of(weight);
        shares.push(1 + u64::try_from(exact / sum).unwrap_or(u64::MAX - 1));
        remainders.push((exact % sum, index));
    }
    let given: u128 = shares.iter().map(|&share| u128::from(share - 1)).sum();
    let left = usize::try_from(spare.saturating_sub(given)).unwrap_or(usize::MAX);
    remainders.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    for &(_, index) in remainders.iter().take(left) {
        shares[index] += 1;
    }
    shares
}

/// Start and length of `parts` near-equal parts of `length`, the longer ones spread evenly.
fn cuts(length: u32, parts: u32) -> Vec<(u32, u32)> {
    let parts = parts.clamp(1, length.max(1));
    let edge = |index: u32| (u64::from(length) * u64::from(index) / u64::from(parts)) as u32;
    (0..parts)
        .map(|index| (edge(index), edge(index + 1) - edge(index)))
        .collect()
}

/// Near-equal parts whose inner edges are multiples of `step`, if there are as many multiples as parts.
fn stepped_cuts(length: u32, parts: u32, step: u32) -> Vec<(u32, u32)> {
    let steps = length.div_ceil(step.max(1));
    if step <= 1 || parts > steps {
        return cuts(length, parts);
    }
    let on_grid = cuts(steps, parts).into_iter();
    on_grid
        .map(|(start, count)| {
            let start = start * step;
            (start, count.saturating_mul(step).min(length - start))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tiles_cover_pictures_they_do_not_divide() {
        let picture = Resolution {
            width: 641,
            height: 359,
        };
        let tiles = tiles(picture, 7, 5);
        assert_eq!(tiles.len(), 35);
        assert_eq!(tiles.iter().map(|tile| tile.pixels()).sum::<u64>(), picture.pixels());
        let (narrow, wide) = (tiles.iter().map(|t| t.width).min(), tiles.iter().map(|t| t.width).max());
        assert_eq!((narrow, wide), (Some(91), Some(92)));
        assert_eq!(
            tiles[0],
            Rect {
                x: 0,
                y: 0,
                width: 91,
                height: 71
            }
        );
        assert_eq!((tiles[34].right(), tiles[34].bottom()), (641, 359));
    }

    #[test]
    fn tiles_end_on_steps_where_there_are_enough() {
        let picture = Resolution {
            width: 1200,
            height: 800,
        };
        let stepped = stepped_tiles(picture, 2, 2, 512);
        let corners: Vec<_> = stepped
            .iter()
            .map(|tile| (tile.x, tile.y, tile.right(), tile.bottom()))
            .collect();
        let expected = [
            (0, 0, 512, 512),
            (512, 0, 1200, 512),
            (0, 512, 512, 800),
            (512, 512, 1200, 800),
        ];
        assert_eq!(corners, expected);
        assert_eq!(stepped_tiles(picture, 4, 3, 512), tiles(picture, 4, 3), "too few steps");
        assert_eq!(stepped_tiles(picture, 4, 3, 1), tiles(picture, 4, 3));
    }

    #[test]
    fn slices_are_contiguous() {
        let slices = slices(10, 3);
        assert_eq!(
            slices
                .iter()
                .map(|slice| (slice.offset, slice.length))
                .collect::<Vec<_>>(),
            [(0, 3), (3, 3), (6, 4)]
        );
        assert!(slices.iter().all(|slice| slice.count == 3));
    }

    #[test]
    fn more_parts_than_pixels_become_one_pixel_each() {
        assert_eq!(tiles(Resolution { width: 3, height: 1 }, 9, 0).len(), 3);
    }

    #[test]
    fn padding_counts_only_inside_the_picture() {
        let picture = Resolution {
            width: 400,
            height: 400,
        };
        assert_eq!(padding_overhead_permille(picture, 1, 1, 16), 1000);
        // Each of the two halves grows by 16 columns of 400.
        assert_eq!(padding_overhead_permille(picture, 2, 1, 16), 1080);
        assert!(padding_overhead_permille(picture, 10, 10, 16) > 2900);
    }

    #[test]
    fn shares_sum_exactly() {
        let cases: &[(u64, &[u64], &[u64])] = &[
            (10, &[1, 1, 1], &[4, 3, 3]),
            (100, &[0, 0], &[50, 50]),
            (2, &[5, 5, 5], &[1, 1, 1]),
            (13, &[1, 2, 7], &[2, 3, 8]),
            (u64::MAX, &[u64::MAX, u64::MAX], &[u64::MAX / 2 + 1, u64::MAX / 2]),
        ];
        for (total, weights, expected) in cases {
            assert_eq!(apportion(*total, weights), *expected, "{total} by {weights:?}");
        }
    }
}
