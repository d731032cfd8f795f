//! The geometry of a picture: whole size, tiles, samples and their slices. Pixel (0, 0) is at the top left.

use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A picture's size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Resolution {
    /// Pixels across.
    #[cfg_attr(feature = "schema", schema(minimum = 1))]
    pub width: u32,
    /// Pixels down.
    #[cfg_attr(feature = "schema", schema(minimum = 1))]
    pub height: u32,
}

/// A rectangle of pixels; `x` counts from the left, `y` from the top.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Rect {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// A subset of a tile's fixed total of samples: samples `offset .. offset + length` of `total`.
/// Merging all slices of a tile gives the full-quality pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
pub struct Slice {
    /// This slice's place, counted from zero.
    pub index: u32,
    /// How many slices the tile has.
    pub count: u32,
    /// First sample.
    pub offset: u32,
    /// Number of samples.
    pub length: u32,
}

/// Pixels along one side at most: what Blender and OpenEXR readers handle.
pub const SIDE_MAX: u32 = 65_536;

/// A text is not a size in pixels.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a picture size; write for example 1920x1080 (at most {SIDE_MAX} a side)")]
pub struct ParseResolutionError(String);

impl Resolution {
    /// The rectangle that covers the picture.
    pub const fn whole(self) -> Rect {
        Rect {
            x: 0,
            y: 0,
            width: self.width,
            height: self.height,
        }
    }
    /// Pixels in all.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
}

impl FromStr for Resolution {
    type Err = ParseResolutionError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let side = |part: &str| {
            part.trim()
                .parse::<u32>()
                .ok()
                .filter(|side| (1..=SIDE_MAX).contains(side))
        };
        let parsed = text
            .split_once(['x', 'X', '×'])
            .and_then(|(width, height)| Some((side(width)?, side(height)?)));
        let (width, height) = parsed.ok_or_else(|| ParseResolutionError(text.into()))?;
        Ok(Self { width, height })
    }
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl Rect {
    /// Pixels in all.
    pub const fn pixels(self) -> u64 {
        self.width as u64 * self.height as u64
    }
    /// The column after the last; a peer's rectangle may have none, and ends where numbers do.
    pub const fn right(self) -> u32 {
        self.x.saturating_add(self.width)
    }
    /// The row after the last.
    pub const fn bottom(self) -> u32 {
        self.y.saturating_add(self.height)
    }
    /// This rectangle grown by `pad` pixels on every side, as far as `within` allows.
    pub fn padded(self, pad: u32, within: Resolution) -> Self {
        let (x, y) = (self.x.saturating_sub(pad), self.y.saturating_sub(pad));
        let right = self.right().saturating_add(pad).min(within.width);
        let bottom = self.bottom().saturating_add(pad).min(within.height);
        Self {
            x,
            y,
            width: right - x,
            height: bottom - y,
        }
    }
    /// Whether `other` lies wholly inside.
    pub const fn contains(self, other: Self) -> bool {
        other.x >= self.x && other.y >= self.y && other.right() <= self.right() && other.bottom() <= self.bottom()
    }
}

impl fmt::Display for Rect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}+{}+{}", self.width, self.height, self.x, self.y)
    }
}

impl Slice {
    /// The slice that is everything: all `total` samples.
    pub const fn whole(total: u32) -> Self {
        Self {
            index: 0,
            count: 1,
            offset: 0,
            length: total,
        }
    }
    /// Whether the tile has just this one.
    pub const fn is_whole(self) -> bool {
        self.count == 1
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn padding_stops_at_the_picture() {
        let picture = Resolution { width: 100, height: 50 };
        let tile = Rect {
            x: 90,
            y: 0,
            width: 10,
            height: 10,
        };
        assert_eq!(
            tile.padded(16, picture),
            Rect {
                x: 74,
                y: 0,
                width: 26,
                height: 26
            }
        );
        assert_eq!(picture.whole().padded(16, picture), picture.whole());
    }

    #[test]
    fn sizes_are_read_as_typed() {
        assert_eq!(
            "1920x1080".parse::<Resolution>().unwrap(),
            Resolution {
                width: 1920,
                height: 1080
            }
        );
        for text in ["", "1920", "0x10", "10x0", "-1x5", "70000x10"] {
            assert!(text.parse::<Resolution>().is_err(), "{text}");
        }
    }
}
