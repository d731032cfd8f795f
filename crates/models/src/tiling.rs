//! How a picture is cut for a network: cells on one fixed grid, each computed with enough picture around it.
//!
//! Floating-point results depend on the shape of what is computed at once. So the grid follows from the network and the
//! picture alone: whoever needs one pixel of a cell computes that whole cell, and every provider and every plan of
//! tiles has the same bytes. Around a cell lies what its pixels depend on (the halo); it is computed and thrown away.

use rayswarm_model::{Rect, Resolution};

/// How a network uses the pixels around the one it computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Pixels out for one pixel in, along a side.
    pub scale: u32,
    /// Widths and heights that the network takes are multiples of this.
    pub multiple: u32,
    /// Pixels that the network cuts off at each side, counted in its input.
    pub margin: u32,
    /// Pixels at each side of a window whose results depend on what lies beyond it, counted in its input.
    pub halo: u32,
}

/// The grid of one picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cells {
    picture: Resolution,
    reach: Reach,
    side: u32,
}

/// What is computed for one cell, in pixels of the picture. Parts of it may lie outside; they are filled by mirroring.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// Left edge; negative where the network wants pixels beyond the picture.
    pub x: i64,
    /// Top edge.
    pub y: i64,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// One cell of the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// What it covers of the result.
    pub result: Rect,
    /// What is computed for it.
    pub window: Window,
    /// Where the cell begins in what the network gives for that window.
    pub inner: (u32, u32),
}

/// Cells are multiples of this, so that tiles fall on them where a plan can arrange it.
const SIDE_STEP: u32 = 64;
/// The smallest side of a cell. Below it nearly all work would go into halos.
pub const SIDE_MIN: u32 = 64;
/// The largest side of a cell: work is shared and checked by cells, so a picture should have many.
pub const SIDE_MAX: u32 = 512;

/// No cell of this network fits into the memory it may use.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the network needs {needed} bytes for a piece of {window} pixels a side, at most {limit} are allowed; use a \
     smaller network"
)]
pub struct TooHungry {
    /// Bytes of the smallest window.
    pub needed: u64,
    /// Its side.
    pub window: u32,
    /// Bytes allowed.
    pub limit: u64,
}

impl Reach {
    /// Pixels around a cell that are computed with it, at each side.
    pub fn around(&self) -> u32 {
        self.halo.next_multiple_of(self.multiple.max(1))
    }

    /// Side of the window of a cell inside the picture.
    pub fn window_side(&self, cell_side: u32) -> u32 {
        cell_side + 2 * (self.around() + self.margin)
    }

    /// The side of cells whose window takes at most `bytes_max`, where the network takes `bytes_per_pixel`.
    pub fn cell_side(&self, bytes_per_pixel: u64, bytes_max: u64) -> Result<u32, TooHungry> {
        let step = SIDE_STEP.max(self.multiple).next_multiple_of(self.multiple.max(1));
        let bytes = |side: u32| u64::from(self.window_side(side)).pow(2).saturating_mul(bytes_per_pixel);
        let mut side = step.max(SIDE_MIN);
        if bytes(side) > bytes_max {
            return Err(TooHungry {
                needed: bytes(side),
                window: self.window_side(side),
                limit: bytes_max,
            });
        }
        while side + step <= SIDE_MAX && bytes(side + step) <= bytes_max {
            side += step;
        }
        Ok(side)
    }
}

impl Cells {
    /// The grid of `picture` with cells of `side` pixels of it.
    pub const fn new(picture: Resolution, reach: Reach, side: u32) -> Self {
        Self { picture, reach, side }
    }

    /// The size of the whole result.
    pub const fn result(&self) -> Resolution {
        Resolution {
            width: self.picture.width.saturating_mul(self.reach.scale),
            height: self.picture.height.saturating_mul(self.reach.scale),
        }
    }

    /// Side of a cell in the result.
    pub const fn step(&self) -> u32 {
        self.side * self.reach.scale
    }

    /// The cells that hold pixels of `rect` of the result, row by row.
    pub fn touching(&self, rect: Rect) -> Vec<Cell> {
        let step = self.step();
        let range = |start: u32, end: u32| start / step..end.div_ceil(step);
        let columns = range(rect.x, rect.right());
        range(rect.y, rect.bottom())
            .flat_map(|row| columns.clone().map(move |column| (column, row)))
            .map(|(column, row)| self.cell(column, row))
            .collect()
    }

    fn cell(&self, column: u32, row: u32) -> Cell {
        let (across, down) = (
            self.span(column, self.picture.width),
            self.span(row, self.picture.height),
        );
        let scale = self.reach.scale;
        Cell {
            result: Rect {
                x: across.start * scale,
                y: down.start * scale,
                width: across.length * scale,
                height: down.length * scale,
            },
            window: Window {
                x: across.window_start,
                y: down.window_start,
                width: across.window_length,
                height: down.window_length,
            },
            inner: (across.inner * scale, down.inner * scale),
        }
    }

    /// Cell number `index` along a side of `length` pixels.
    fn span(&self, index: u32, length: u32) -> Span {
        let Reach { multiple, margin, .. } = self.reach;
        // What the network sees of the picture's side, were it computed at once.
        let whole = length.next_multiple_of(multiple.max(1));
        let start = index * self.side;
        let end = (start + self.side).min(length);
        let first = start.saturating_sub(self.reach.around());
        let last = (start + self.side + self.reach.around()).min(whole);
        Span {
            start,
            length: end - start,
            window_start: i64::from(first) - i64::from(margin),
            window_length: last - first + 2 * margin,
            inner: start - first,
        }
    }
}

/// A cell along one side, in pixels of the picture.
struct Span {
    start: u32,
    length: u32,
    window_start: i64,
    window_length: u32,
    inner: u32,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const REACH: Reach = Reach {
        scale: 2,
        multiple: 4,
        margin: 3,
        halo: 9,
    };

    fn cells(width: u32, height: u32) -> Cells {
        Cells::new(Resolution { width, height }, REACH, 64)
    }

    #[test]
    fn cells_cover_the_result_once_and_windows_keep_their_phase() {
        let cells = cells(150, 70);
        let all = cells.touching(cells.result().whole());
        assert_eq!(all.len(), 3 * 2);
        assert_eq!(all.iter().map(|cell| cell.result.pixels()).sum::<u64>(), 300 * 140);
        for cell in &all {
            assert_eq!((cell.window.x + 3).rem_euclid(4), 0, "{cell:?}");
            assert_eq!((cell.window.width - 6) % 4, 0, "{cell:?}");
            let given = (2 * (cell.window.width - 6), 2 * (cell.window.height - 6));
            assert!(cell.inner.0 + cell.result.width <= given.0, "{cell:?}");
            assert!(cell.inner.1 + cell.result.height <= given.1, "{cell:?}");
        }
    }

    #[test]
    fn inside_the_picture_a_cell_has_its_halo_on_every_side() {
        let middle = cells(640, 640).touching(Rect {
            x: 256,
            y: 384,
            width: 1,
            height: 1,
        });
        let expected = Cell {
            result: Rect {
                x: 256,
                y: 384,
                width: 128,
                height: 128,
            },
            window: Window {
                x: 128 - 12 - 3,
                y: 192 - 12 - 3,
                width: 64 + 24 + 6,
                height: 64 + 24 + 6,
            },
            inner: (24, 24),
        };
        assert_eq!(middle, [expected]);
    }

    #[test]
    fn a_rectangle_touches_the_cells_it_needs_and_no_others() {
        let rect = Rect {
            x: 127,
            y: 128,
            width: 2,
            height: 128,
        };
        let touched = cells(640, 640).touching(rect);
        let corners: Vec<_> = touched.iter().map(|cell| (cell.result.x, cell.result.y)).collect();
        assert_eq!(corners, [(0, 128), (128, 128)]);
    }

    #[test]
    fn cells_are_as_large_as_memory_lets_them_be() {
        let window = |side: u64| (side + 2 * (12 + 3)).pow(2);
        assert_eq!(REACH.cell_side(10, window(256) * 10), Ok(256));
        assert_eq!(REACH.cell_side(10, window(256) * 10 - 1), Ok(192));
        assert_eq!(REACH.cell_side(1, u64::MAX), Ok(SIDE_MAX));
        assert!(REACH.cell_side(1_000, 1_000).is_err());
    }
}
