//! Exact and tolerant comparison of two pictures, in whole numbers of pixels.
//!
//! A pixel counts once, whichever of its channels differ most. Differences are relative to
//! `max(|reference|, `[`FLOOR`]`)`. Three questions are answered:
//!
//! - *differing*: some sample's bits differ (what one comparison class must not show);
//! - *beyond bound*: some sample is off by more than [`BOUND`] (what merged slices must not show);
//! - *apart*: some sample is off by more than [`APART`] (of which another comparison class may show a few; leaving out one
//!   sample of 128 shows 78 % of the pixels, other kernels showed up to 3 %).
//!
//! Two not-a-numbers, equal infinities, and both zeros differ in bits at most. A number against a not-a-number, or
//! anything against another infinity, is infinitely far apart.

use crate::{
    layout::layout_difference,
    picture::{Picture, Sample, Samples},
    share::BasisPoints,
};
use half::f16;
use rayswarm_model::Resolution;
use serde::{Deserialize, Serialize};

/// References smaller than this are taken for this large: linear light this dim shows as nearly black.
pub const FLOOR: f64 = 0.01;
/// The bound within which merged slices equal a whole render.
pub const BOUND: f64 = 1e-5;
/// From here two renders of one pixel are called apart.
pub const APART: f64 = 1e-3;

/// How two pictures compare.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comparison {
    /// Pixels compared.
    pub pixels: u64,
    /// Pixels with any bit different.
    pub differing: u64,
    /// Pixels off by more than [`BOUND`].
    pub beyond_bound: u64,
    /// Pixels off by more than [`APART`].
    pub apart: u64,
    /// The sample furthest off, the first of several.
    pub worst: Option<Difference>,
}

/// One sample in two pictures.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The channel's full name.
    pub channel: String,
    /// Column.
    pub x: u32,
    /// Row from the top.
    pub y: u32,
    /// In the reference.
    pub reference: Sample,
    /// In the candidate.
    pub candidate: Sample,
}

/// Two pictures cannot be compared.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LayoutDifference {
    /// Sizes differ.
    #[error("the pictures are {reference} and {candidate}; compare the same pixels")]
    Resolution {
        /// The reference's.
        reference: Resolution,
        /// The candidate's.
        candidate: Resolution,
    },
    /// Channels or attributes differ.
    #[error("the reference has {expected} where the candidate has {found}; compare renders of the same passes")]
    Channels {
        /// In the reference.
        expected: String,
        /// In the candidate.
        found: String,
    },
}

impl Comparison {
    /// All bits are equal.
    pub const fn is_exact(&self) -> bool {
        self.differing == 0
    }

    /// Every sample is within [`BOUND`].
    pub const fn is_within_bound(&self) -> bool {
        self.beyond_bound == 0
    }

    /// The share of pixels that are apart, rounded up to the next basis point.
    pub const fn apart_share(&self) -> BasisPoints {
        BasisPoints::of_ceil(self.apart, self.pixels)
    }

    /// The share of pixels with any bit different, rounded up to the next basis point.
    pub const fn differing_share(&self) -> BasisPoints {
        BasisPoints::of_ceil(self.differing, self.pixels)
    }
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            channel,
            x,
            y,
            reference,
            candidate,
        } = self;
        write!(f, "{channel} at ({x}, {y}): {candidate} instead of {reference}")
    }
}

/// Compares `candidate` with `reference`, which must have the same size, channels and attributes.
pub fn compare(reference: &Picture, candidate: &Picture) -> Result<Comparison, LayoutDifference> {
    let (size, other) = (reference.resolution(), candidate.resolution());
    if size != other {
        return Err(LayoutDifference::Resolution {
            reference: size,
            candidate: other,
        });
    }
    if let Some((expected, found)) = layout_difference(reference, candidate) {
        return Err(LayoutDifference::Channels { expected, found });
    }
    let width = size.width as usize;
    let mut row = Row {
        worst: None,
        pixels: vec![Pixel::default(); width],
    };
    let mut comparison = Comparison {
        pixels: size.pixels(),
        differing: 0,
        beyond_bound: 0,
        apart: 0,
        worst: None,
    };
    for y in 0..size.height {
        let start = y as usize * width;
        row.pixels.fill(Pixel::default());
        for (channel, (left, right)) in reference.channels().iter().zip(candidate.channels()).enumerate() {
            row.compare(left.samples(), right.samples(), start, (channel, y));
        }
        for pixel in &row.pixels {
            comparison.differing += u64::from(pixel.differs);
            comparison.beyond_bound += u64::from(pixel.off > BOUND);
            comparison.apart += u64::from(pixel.off > APART);
        }
    }
    comparison.worst = row.worst.and_then(|worst| worst.describe(reference, candidate));
    Ok(comparison)
}

/// What all channels say about one pixel.
#[derive(Clone, Copy, Default)]
struct Pixel {
    differs: bool,
    off: f64,
}

/// The largest relative difference so far and where it is.
#[derive(Clone, Copy)]
struct Worst {
    off: f64,
    channel: usize,
    x: usize,
    y: u32,
}

struct Row {
    worst: Option<Worst>,
    pixels: Vec<Pixel>,
}

impl Row {
    fn compare(&mut self, left: &Samples, right: &Samples, start: usize, place: (usize, u32)) {
        match (left, right) {
            (Samples::F16(left), Samples::F16(right)) => {
                self.walk(
                    &left[start..],
                    &right[start..],
                    place,
                    |sample: f16| u32::from(sample.to_bits()),
                    f16::to_f64,
                );
            }
            (Samples::F32(left), Samples::F32(right)) => {
                self.walk(&left[start..], &right[start..], place, f32::to_bits, f64::from);
            }
            (Samples::U32(left), Samples::U32(right)) => {
                self.walk(&left[start..], &right[start..], place, |sample| sample, f64::from);
            }
            // Types were compared before; a mixed pair cannot be.
            _ => {}
        }
    }

    fn walk<T: Copy>(
        &mut self,
        left: &[T],
        right: &[T],
        (channel, y): (usize, u32),
        bits: impl Fn(T) -> u32,
        value: impl Fn(T) -> f64,
    ) {
        for (x, (pixel, (left, right))) in self.pixels.iter_mut().zip(left.iter().zip(right)).enumerate() {
            if bits(*left) == bits(*right) {
                continue;
            }
            let off = relative(value(*left), value(*right));
            pixel.differs = true;
            pixel.off = pixel.off.max(off);
            if self.worst.is_none_or(|worst| off > worst.off) {
                self.worst = Some(Worst { off, channel, x, y });
            }
        }
    }
}

/// How far `candidate` is off, relative to `max(|reference|, FLOOR)`.
fn relative(reference: f64, candidate: f64) -> f64 {
    if reference == candidate || (reference.is_nan() && candidate.is_nan()) {
        return 0.0;
    }
    let off = (reference - candidate).abs() / reference.abs().max(FLOOR);
    if off.is_nan() { f64::INFINITY } else { off }
}

impl Worst {
    fn describe(self, reference: &Picture, candidate: &Picture) -> Option<Difference> {
        let index = self.y as usize * reference.resolution().width as usize + self.x;
        let (left, right) = (
            reference.channels().get(self.channel)?,
            candidate.channels().get(self.channel)?,
        );
        Some(Difference {
            channel: left.name().into(),
            x: u32::try_from(self.x).ok()?,
            y: self.y,
            reference: left.samples().get(index)?,
            candidate: right.samples().get(index)?,
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{picture::Channel, testing::noisy};

    fn row(samples: Vec<f32>) -> Picture {
        let size = Resolution {
            width: u32::try_from(samples.len()).unwrap(),
            height: 1,
        };
        Picture::new(size, vec![Channel::new("R", Samples::F32(samples))]).unwrap()
    }

    #[test]
    fn each_threshold_counts_what_it_says() {
        let reference = row(vec![1.0, 1.0, 1.0, 1.0, 0.0, 0.0]);
        // Equal; within the bound; beyond it; apart; a small and a large step from black, against the floor of 0.01.
        let candidate = row(vec![1.0, 1.000_005, 1.000_5, 1.003, 5e-8, 2e-5]);
        let comparison = compare(&reference, &candidate).unwrap();
        let counts = (
            comparison.pixels,
            comparison.differing,
            comparison.beyond_bound,
            comparison.apart,
        );
        assert_eq!(counts, (6, 5, 3, 2));
        assert_eq!(comparison.apart_share(), BasisPoints(3334));
        let worst = comparison.worst.unwrap();
        assert_eq!((worst.x, worst.y), (3, 0));
        assert_eq!(worst.to_string(), "R at (3, 0): 1.003 instead of 1");
    }

    #[test]
    fn unusual_floats_are_compared_as_documented() {
        let (nan, other_nan, inf) = (f32::NAN, f32::from_bits(0x7fc0_0001), f32::INFINITY);
        let cases = [
            (nan, nan, 0, 0),
            (nan, other_nan, 1, 0),
            (0.0, -0.0, 1, 0),
            (inf, inf, 0, 0),
            (inf, -inf, 1, 1),
            (1.0, nan, 1, 1),
            (nan, 1.0, 1, 1),
            (1.0, inf, 1, 1),
        ];
        for (left, right, differing, apart) in cases {
            let comparison = compare(&row(vec![left]), &row(vec![right])).unwrap();
            assert_eq!(
                (comparison.differing, comparison.apart),
                (differing, apart),
                "{left} {right}"
            );
            assert_eq!(comparison.worst.is_some(), differing == 1);
        }
    }

    #[test]
    fn a_pixel_counts_once() {
        let (left, right) = (noisy(20, 20, 1), noisy(20, 20, 2));
        let comparison = compare(&left, &right).unwrap();
        assert_eq!((comparison.pixels, comparison.differing), (400, 400));
        assert!(compare(&left, &left).unwrap().is_exact());
        assert!(compare(&left, &left).unwrap().worst.is_none());
    }

    #[test]
    fn different_layouts_are_not_compared() {
        let left = noisy(4, 4, 1);
        assert!(matches!(
            compare(&left, &noisy(4, 5, 1)),
            Err(LayoutDifference::Resolution { .. })
        ));
        let fewer = Picture::new(left.resolution(), left.channels()[1..].to_vec()).unwrap();
        let error = compare(&left, &fewer).unwrap_err().to_string();
        assert!(error.contains("Combined.A") && error.contains("Combined.B"), "{error}");
        let noted = left
            .clone()
            .with_attributes([("cryptomatte/1/name".into(), "x".into())].into());
        assert!(
            compare(&left, &noted)
                .unwrap_err()
                .to_string()
                .contains("where the candidate has attribute")
        );
    }
}
