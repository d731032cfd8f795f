//! Samples of a picture on their way into a network and out of it. Display-referred: 0 is black, 1 is white, as a PNG
//! has them.

use crate::tiling::Window;
use rayswarm_model::Resolution;
use std::borrow::Cow;

/// Channels of what networks take and give.
pub const CHANNELS: usize = 3;

/// A whole picture, red, green and blue interleaved, as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    resolution: Resolution,
    samples: Vec<u16>,
    /// The sample that is white.
    white: u16,
}

/// A part of a picture: three planes of floats, each row by row.
#[derive(Clone, Debug, PartialEq)]
pub struct Planes {
    /// Pixels across.
    pub width: usize,
    /// Pixels down.
    pub height: usize,
    /// Red, then green, then blue.
    pub values: Vec<f32>,
}

/// Samples do not make a picture.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{samples} samples do not make a picture of {resolution} with three channels and white at {white}")]
pub struct SourceError {
    /// Samples given.
    pub samples: usize,
    /// The picture's size.
    pub resolution: Resolution,
    /// White given.
    pub white: u16,
}

impl Source {
    /// A picture of interleaved `samples`, of which `white` is the largest.
    pub fn new(resolution: Resolution, samples: Vec<u16>, white: u16) -> Result<Self, SourceError> {
        let expected = resolution.pixels().checked_mul(CHANNELS as u64);
        if expected != Some(samples.len() as u64) || samples.is_empty() || white == 0 {
            return Err(SourceError {
                samples: samples.len(),
                resolution,
                white,
            });
        }
        Ok(Self {
            resolution,
            samples,
            white,
        })
    }

    /// Its size.
    pub const fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// The part in `window`; what lies outside is mirrored at the edge.
    pub fn window(&self, window: Window) -> Planes {
        let (width, height) = (window.width as usize, window.height as usize);
        let columns: Vec<usize> = mirrored(window.x, window.width, self.resolution.width);
        let rows = mirrored(window.y, window.height, self.resolution.height);
        let white = f32::from(self.white);
        let mut values = vec![0.0; CHANNELS * width * height];
        let plane = width * height;
        for (line, row) in rows.into_iter().enumerate() {
            let from = row * self.resolution.width as usize;
            for (place, column) in columns.iter().enumerate() {
                let at = (from + column) * CHANNELS;
                for channel in 0..CHANNELS {
                    values[channel * plane + line * width + place] = f32::from(self.samples[at + channel]) / white;
                }
            }
        }
        Planes { width, height, values }
    }

    /// The picture with at most `pixels_max` pixels: itself where it fits, else the mean of what falls into each pixel.
    /// Integers only, so that it is the same on every machine.
    pub fn thumbnail(&self, pixels_max: u64) -> Cow<'_, Self> {
        let size = fit(self.resolution, pixels_max);
        if size == self.resolution {
            return Cow::Borrowed(self);
        }
        let columns = parts(self.resolution.width, size.width);
        let mut samples = Vec::with_capacity(size.width as usize * size.height as usize * CHANNELS);
        for rows in parts(self.resolution.height, size.height) {
            for columns in &columns {
                samples.extend(self.mean(columns.clone(), rows.clone()));
            }
        }
        Cow::Owned(Self {
            resolution: size,
            samples,
            white: u16::MAX,
        })
    }

    fn mean(&self, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>) -> [u16; CHANNELS] {
        let count = (columns.len() * rows.len()) as u64;
        let mut sums = [0_u64; CHANNELS];
        for row in rows {
            let from = row * self.resolution.width as usize;
            let line = &self.samples[(from + columns.start) * CHANNELS..(from + columns.end) * CHANNELS];
            for (at, sample) in line.iter().enumerate() {
                sums[at % CHANNELS] += u64::from(*sample);
            }
        }
        let whole = count.max(1) * u64::from(self.white);
        sums.map(|sum| u16::try_from((sum * u64::from(u16::MAX) + whole / 2) / whole).unwrap_or(u16::MAX))
    }
}

/// The largest size of the same shape with at most `pixels_max` pixels.
fn fit(resolution: Resolution, pixels_max: u64) -> Resolution {
    let fits = |size: Resolution| size.pixels() <= pixels_max.max(1);
    if fits(resolution) {
        return resolution;
    }
    let longest = resolution.width.max(resolution.height);
    let scaled = |longer: u32| {
        let side = |pixels: u32| (u64::from(pixels) * u64::from(longer) / u64::from(longest)).max(1) as u32;
        Resolution {
            width: side(resolution.width),
            height: side(resolution.height),
        }
    };
    let (mut low, mut high) = (1, longest);
    while low + 1 < high {
        let middle = low.midpoint(high);
        if fits(scaled(middle)) {
            low = middle;
        } else {
            high = middle;
        }
    }
    scaled(low)
}

/// `count` near-equal parts of `length` pixels.
fn parts(length: u32, count: u32) -> Vec<std::ops::Range<usize>> {
    let edge = |index: u32| (u64::from(length) * u64::from(index) / u64::from(count)) as usize;
    (0..count).map(|index| edge(index)..edge(index + 1)).collect()
}

/// The pixels that stand at `start .. start + count` of a side of `length` pixels that is mirrored without end.
fn mirrored(start: i64, count: u32, length: u32) -> Vec<usize> {
    let last = i64::from(length) - 1;
    let period = (2 * last).max(1);
    let place = |at: i64| {
        let within = at.rem_euclid(period);
        usize::try_from(within.min(period - within).min(last)).unwrap_or(0)
    };
    (start..start + i64::from(count)).map(place).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn numbered(width: u32, height: u32) -> Source {
        let samples = (0..width * height * 3).map(|at| (at % 256) as u16).collect();
        Source::new(Resolution { width, height }, samples, 255).unwrap()
    }

    #[test]
    fn what_lies_outside_is_mirrored() {
        assert_eq!(mirrored(-3, 9, 4), [3, 2, 1, 0, 1, 2, 3, 2, 1]);
        assert_eq!(mirrored(-2, 4, 1), [0; 4]);
        assert_eq!(mirrored(-5, 7, 2), [1, 0, 1, 0, 1, 0, 1]);
    }

    #[test]
    fn a_window_is_planar_and_between_black_and_white() {
        let window = numbered(3, 2).window(Window {
            x: -1,
            y: 1,
            width: 3,
            height: 1,
        });
        let red: Vec<f32> = [12.0, 9.0, 12.0].map(|level: f32| level / 255.0).to_vec();
        assert_eq!(window.values[..3], red);
        assert_eq!(window.values.len(), 9);
    }

    #[test]
    fn a_thumbnail_keeps_shape_and_mean_and_small_pictures_are_their_own() {
        let picture = numbered(64, 32);
        assert!(matches!(picture.thumbnail(64 * 32), Cow::Borrowed(_)));
        let thumbnail = picture.thumbnail(64 * 32 / 4).into_owned();
        assert_eq!(thumbnail.resolution(), Resolution { width: 32, height: 16 });
        let mean = |picture: &Source| {
            let sum: f64 = picture.samples.iter().map(|sample| f64::from(*sample)).sum();
            sum / picture.samples.len() as f64 / f64::from(picture.white)
        };
        assert!((mean(&picture) - mean(&thumbnail)).abs() < 1e-4);
        let thin = numbered(4000, 1).thumbnail(10).into_owned();
        assert_eq!(thin.resolution(), Resolution { width: 10, height: 1 });
    }

    #[test]
    fn samples_that_are_too_few_are_refused() {
        let size = Resolution { width: 2, height: 2 };
        assert!(Source::new(size, vec![0; 11], 255).is_err());
        assert!(Source::new(size, vec![0; 12], 0).is_err());
        assert!(Source::new(Resolution { width: 0, height: 2 }, vec![], 255).is_err());
    }
}
