//! Which input pixels an output pixel is made of, along one side, and how far a wrong edge spreads by that.

/// Pixels at both ends of a side whose values are not those of the uncut picture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) before: usize,
    pub(super) after: usize,
}

impl Ends {
    /// The wider of both, at each end.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            before: self.before.max(other.before),
            after: self.after.max(other.after),
        }
    }

    /// What becomes of them where output pixel `at` reads the input pixels `taps(at)`, first and last. What it would
    /// read beyond the side is wrong too: padding stands there, and the uncut picture has pixels.
    pub(super) fn spread(self, length_in: usize, length_out: usize, taps: impl Fn(i64) -> (i64, i64)) -> Self {
        let first_right = self.before as i64;
        let first_wrong = length_in as i64 - self.after as i64;
        let length = length_out as i64;
        let middle = length / 2;
        let before = (0..middle).rev().find(|at| taps(*at).0 < first_right);
        let after = (middle..length).find(|at| taps(*at).1 >= first_wrong);
        let count = |pixels: i64| usize::try_from(pixels).unwrap_or(0);
        Self {
            before: before.map_or(0, |at| count(at + 1)),
            after: after.map_or(0, |at| count(length - at)),
        }
    }

    /// Whether nothing right is left of a side of `length` pixels.
    pub(super) fn cover(self, length: usize) -> bool {
        // Both halves are looked at apart, so that neither may reach the middle.
        self.before + 1 >= length / 2 || self.after + 1 >= length / 2
    }
}

/// A kernel that slides over a side: convolution or pooling.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kernel {
    pub(super) size: usize,
    pub(super) stride: usize,
    pub(super) dilation: usize,
    /// Padding at the beginning.
    pub(super) pad: usize,
}

impl Kernel {
    /// The taps of a convolution.
    pub(super) const fn convolution(self, at: i64) -> (i64, i64) {
        let first = at * self.stride as i64 - self.pad as i64;
        (first, first + self.width())
    }

    /// The taps of a transposed convolution.
    pub(super) const fn transposed(self, at: i64) -> (i64, i64) {
        let (stride, place) = (self.stride as i64, at + self.pad as i64);
        (
            (place - self.width() + stride - 1).div_euclid(stride),
            place.div_euclid(stride),
        )
    }

    const fn width(self) -> i64 {
        (self.size as i64 - 1) * self.dilation as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Ends = Ends { before: 0, after: 0 };

    fn kernel(size: usize, stride: usize, pad: usize) -> Kernel {
        Kernel {
            size,
            stride,
            dilation: 1,
            pad,
        }
    }

    #[test]
    fn padded_convolutions_spread_by_their_radius_and_unpadded_ones_do_not() {
        let same = NONE.spread(64, 64, |at| kernel(9, 1, 4).convolution(at));
        assert_eq!(same, Ends { before: 4, after: 4 });
        let valid = NONE.spread(64, 62, |at| kernel(3, 1, 0).convolution(at));
        assert_eq!(valid, NONE);
        let after_padding = Ends { before: 1, after: 1 }.spread(66, 64, |at| kernel(3, 1, 0).convolution(at));
        assert_eq!(after_padding, Ends { before: 1, after: 1 });
    }

    #[test]
    fn a_stride_halves_what_is_wrong() {
        let halved = Ends { before: 4, after: 4 }.spread(64, 32, |at| kernel(3, 2, 1).convolution(at));
        assert_eq!(halved, Ends { before: 3, after: 2 });
    }

    #[test]
    fn a_transposed_convolution_doubles_it_and_adds_its_own() {
        let doubled = NONE.spread(32, 64, |at| kernel(4, 2, 1).transposed(at));
        assert_eq!(doubled, Ends { before: 1, after: 1 });
        let cropped = NONE.spread(32, 60, |at| kernel(4, 2, 3).transposed(at));
        assert_eq!(cropped, NONE);
    }
}
