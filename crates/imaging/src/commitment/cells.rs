//! The cells' hashes of a picture without its pixels: what a provider keeps of a result, and jurors compare with.

use super::{CELL_SIDE, PixelCommitment, PixelHeader, levels, push_cell, root, start_leaf};
use crate::picture::Picture;
use alloy_primitives::{B256, keccak256};
use rayswarm_model::{Rect, picture::SIDE_MAX};
use serde::{Deserialize, Serialize};

/// What a commitment is made of, without the pixels: 32 bytes per cell. Whoever renders a part of the picture again can
/// compare it by this.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelCells {
    /// What the pixels are.
    pub header: PixelHeader,
    /// The hash of each cell, row by row from the top left.
    pub leaves: Vec<B256>,
}

impl PixelCells {
    /// The commitment that these cells give; none where their number is not that of such a picture, or the picture has no
    /// valid size.
    pub fn commitment(&self) -> Option<PixelCommitment> {
        let size = self.header.resolution;
        let is_valid = |side: u32| (1..=SIDE_MAX).contains(&side);
        if !is_valid(size.width) || !is_valid(size.height) || self.leaves.len() as u64 != self.header.cell_count() {
            return None;
        }
        let top = levels(self.leaves.clone()).last()?.first().copied()?;
        Some(root(self.header.hash(), top))
    }

    /// The smallest part of the picture that holds `part` and is made of whole cells.
    pub fn whole_cells(&self, part: Rect) -> Rect {
        let size = self.header.resolution;
        let (x, y) = (part.x / CELL_SIDE * CELL_SIDE, part.y / CELL_SIDE * CELL_SIDE);
        let end = |end: u32, side: u32| end.div_ceil(CELL_SIDE).saturating_mul(CELL_SIDE).min(side);
        Rect {
            x,
            y,
            width: end(part.right(), size.width).saturating_sub(x),
            height: end(part.bottom(), size.height).saturating_sub(y),
        }
    }

    /// Whether `again`, which shows the whole cells of `part`, is this picture there, bit for bit.
    pub fn agree_with(&self, again: &Picture, part: Rect) -> bool {
        let there = PixelHeader::of(again);
        let same_kind = there.channels == self.header.channels && there.attributes == self.header.attributes;
        let same_size = (there.resolution.width, there.resolution.height) == (part.width, part.height);
        if !same_kind || !same_size || self.whole_cells(part) != part {
            return false;
        }
        let mut buffer = Vec::new();
        let mut agrees = |index: u64, leaf: &B256| {
            let Some(cell) = self.header.cell(index) else {
                return false;
            };
            let is_inside = (part.x..part.right()).contains(&cell.x) && (part.y..part.bottom()).contains(&cell.y);
            if !is_inside {
                return true;
            }
            let here = Rect {
                x: cell.x - part.x,
                y: cell.y - part.y,
                ..cell
            };
            start_leaf(index, &mut buffer);
            push_cell(again, here, &mut buffer);
            keccak256(&buffer) == *leaf
        };
        (0..).zip(&self.leaves).all(|(index, leaf)| agrees(index, leaf))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{commitment::PixelTree, crop, testing::noisy};
    use rayswarm_model::Resolution;

    const fn rect(x: u32, y: u32, width: u32, height: u32) -> Rect {
        Rect { x, y, width, height }
    }

    #[test]
    fn cells_give_the_commitment_that_the_pixels_give() {
        for (width, height) in [(64, 64), (65, 10), (129, 65), (200, 150)] {
            let tree = PixelTree::of(&noisy(width, height, 3));
            let cells = tree.cells();
            assert_eq!(cells.commitment(), Some(tree.commitment()));
            let mut fewer = cells.clone();
            fewer.leaves.pop();
            assert_eq!(fewer.commitment(), None);
            let mut other = cells;
            other.leaves[0].0[0] ^= 1;
            assert_ne!(other.commitment(), Some(tree.commitment()));
        }
        let mut endless = PixelTree::of(&noisy(1, 1, 3)).cells();
        endless.header.resolution = Resolution {
            width: u32::MAX,
            height: u32::MAX,
        };
        assert_eq!(endless.commitment(), None);
    }

    #[test]
    fn a_part_grows_to_whole_cells_and_no_further() {
        let cells = PixelTree::of(&noisy(200, 150, 3)).cells();
        assert_eq!(cells.whole_cells(rect(70, 10, 10, 10)), rect(64, 0, 64, 64));
        assert_eq!(cells.whole_cells(rect(63, 63, 2, 2)), rect(0, 0, 128, 128));
        assert_eq!(cells.whole_cells(rect(190, 140, 10, 10)), rect(128, 128, 72, 22));
        assert_eq!(cells.whole_cells(rect(0, 0, 200, 150)), rect(0, 0, 200, 150));
    }

    #[test]
    fn a_part_rendered_again_agrees_if_every_bit_does() {
        let picture = noisy(200, 150, 3);
        let cells = PixelTree::of(&picture).cells();
        let part = rect(64, 64, 136, 86);
        let again = crop(&picture, part).unwrap();
        assert!(cells.agree_with(&again, part));
        assert!(!cells.agree_with(&again, rect(0, 64, 136, 86)), "elsewhere");
        assert!(!cells.agree_with(&again, rect(64, 64, 130, 86)), "another size");
        let other = crop(&noisy(200, 150, 4), part).unwrap();
        assert!(!cells.agree_with(&other, part));
        let ragged = rect(60, 64, 140, 86);
        let again = crop(&picture, ragged).unwrap();
        assert!(!cells.agree_with(&again, ragged), "cells are cut");
    }
}
