//! What is known of each tensor of a network: whether it is a picture, where its sides lie, and how much of them is
//! right.

use super::taps::Ends;

/// One tensor.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Known {
    /// The same whatever the picture.
    Constant,
    /// Depends on the picture as a whole: a mean, a variance, and what is computed from them.
    Global,
    /// Has the picture's sides.
    Field(Field),
}

/// A tensor with the picture's sides.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Field {
    /// Down, then across.
    pub(super) sides: [Side; 2],
}

/// One side of the picture in a tensor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Side {
    /// The tensor's axis.
    pub(super) axis: usize,
    /// Pixels of the input for each pixel here, as a fraction.
    pub(super) ratio: Ratio,
    /// What is wrong at its ends.
    pub(super) ends: Ends,
}

/// A fraction in lowest terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ratio {
    pub(super) over: usize,
    pub(super) under: usize,
}

impl Ratio {
    pub(super) const ONE: Self = Self { over: 1, under: 1 };

    /// Times `over / under`.
    pub(super) fn times(self, over: usize, under: usize) -> Self {
        let (over, under) = (self.over.saturating_mul(over), self.under.saturating_mul(under));
        let common = gcd(over, under).max(1);
        Self {
            over: over / common,
            under: under / common,
        }
    }
}

pub(super) const fn gcd(mut a: usize, mut b: usize) -> usize {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

impl Field {
    /// Whether a side lies along `axis`.
    pub(super) fn has(&self, axis: usize) -> bool {
        self.sides.iter().any(|side| side.axis == axis)
    }

    /// Both at once, where they lie alike.
    pub(super) fn with(mut self, other: &Self) -> Option<Self> {
        for (own, other) in self.sides.iter_mut().zip(&other.sides) {
            if (own.axis, own.ratio) != (other.axis, other.ratio) {
                return None;
            }
            own.ends = own.ends.max(other.ends);
        }
        Some(self)
    }

    /// After an axis was put in at `at`.
    pub(super) fn after_adding(mut self, at: usize) -> Self {
        for side in &mut self.sides {
            side.axis += usize::from(side.axis >= at);
        }
        self
    }

    /// After the axis at `at` was taken out.
    pub(super) fn after_removing(mut self, at: usize) -> Option<Self> {
        if self.has(at) {
            return None;
        }
        for side in &mut self.sides {
            side.axis -= usize::from(side.axis > at);
        }
        Some(self)
    }

    /// After an axis went from one place to another.
    pub(super) fn after_moving(mut self, from: usize, to: usize) -> Self {
        for side in &mut self.sides {
            side.axis = match side.axis {
                axis if axis == from => to,
                axis if from < axis && axis <= to => axis - 1,
                axis if to <= axis && axis < from => axis + 1,
                axis => axis,
            };
        }
        self
    }

    /// After the axes of lengths `before` from `at` on became those of lengths `after`. Only what moves whole blocks of
    /// pixels between a side and the channels is followed: the block's axis stands right behind the side's.
    pub(super) fn after_reshaping(mut self, at: usize, before: &[usize], after: &[usize]) -> Option<Self> {
        let touched = at..at + before.len();
        for side in &mut self.sides {
            if side.axis >= touched.end {
                side.axis = side.axis + after.len() - before.len();
            } else if side.axis >= at {
                *side = reshaped(*side, at, before, after)?;
            }
        }
        let distinct = self.sides[0].axis != self.sides[1].axis;
        distinct.then_some(self)
    }
}

/// One side in a reshaping. Axes are matched from the left by the number of elements before them.
fn reshaped(side: Side, at: usize, before: &[usize], after: &[usize]) -> Option<Side> {
    let index = side.axis - at;
    let elements: usize = before[..index].iter().product();
    let mut passed = 1;
    let place = after.iter().position(|length| {
        let here = passed == elements;
        if !here {
            passed *= length;
        }
        here
    })?;
    let (old, new) = (before[index], after[place]);
    let axis = at + place;
    if new == old {
        return Some(Side { axis, ..side });
    }
    if new > old && new % old == 0 {
        // The axes behind it must be the block that is merged in, no more and no less.
        let block = new / old;
        let merged = before[index + 1..].iter().scan(1, |product, length| {
            *product *= length;
            Some(*product)
        });
        if !merged.into_iter().any(|product| product == block) {
            return None;
        }
        let ends = side.ends.spread(old, new, |at| {
            let from = at.div_euclid(block as i64);
            (from, from)
        });
        let ratio = side.ratio.times(1, block);
        return Some(Side { axis, ratio, ends });
    }
    if old > new && new > 0 && old % new == 0 {
        let block = old / new;
        let ends = side.ends.spread(old, new, |at| {
            let from = at * block as i64;
            (from, from + block as i64 - 1)
        });
        let ratio = side.ratio.times(block, 1);
        return Some(Side { axis, ratio, ends });
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn field(down: usize, across: usize) -> Field {
        let side = |axis| Side {
            axis,
            ratio: Ratio::ONE,
            ends: Ends { before: 2, after: 3 },
        };
        Field {
            sides: [side(down), side(across)],
        }
    }

    #[test]
    fn depth_to_space_is_followed_and_multiplies() {
        // [1, 12, 8, 10] → [1, 3, 2, 2, 8, 10] → [1, 3, 8, 2, 10, 2] → [1, 3, 16, 20].
        let split = field(2, 3).after_reshaping(1, &[12], &[3, 2, 2]).unwrap();
        assert_eq!(split.sides.map(|side| side.axis), [4, 5]);
        let moved = split.after_moving(3, 5).after_moving(2, 3);
        assert_eq!(moved.sides.map(|side| side.axis), [2, 4]);
        let merged = moved.after_reshaping(2, &[8, 2, 10, 2], &[16, 20]).unwrap();
        assert_eq!(merged.sides.map(|side| side.axis), [2, 3]);
        for side in merged.sides {
            assert_eq!(side.ends, Ends { before: 4, after: 6 });
            assert_eq!(side.ratio, Ratio { over: 1, under: 2 });
        }
    }

    #[test]
    fn space_to_depth_is_followed_and_divides() {
        // [1, 3, 16, 20] → [1, 3, 8, 2, 10, 2].
        let split = field(2, 3).after_reshaping(2, &[16, 20], &[8, 2, 10, 2]).unwrap();
        assert_eq!(split.sides.map(|side| side.axis), [2, 4]);
        assert_eq!(split.sides[0].ends, Ends { before: 1, after: 2 });
    }

    #[test]
    fn what_mixes_both_sides_is_not_followed() {
        assert!(field(2, 3).after_reshaping(2, &[16, 20], &[320]).is_none());
        assert!(field(2, 3).after_reshaping(1, &[3, 16, 20], &[960]).is_none());
        assert!(field(2, 3).after_removing(3).is_none());
    }

    #[test]
    fn added_and_removed_axes_shift() {
        assert_eq!(field(2, 3).after_adding(0), field(3, 4));
        assert_eq!(field(2, 3).after_removing(1), Some(field(1, 2)));
    }
}
