//! Decoded pixels, each channel in the sample type it was rendered in, so that nothing is lost and nothing doubled.

use half::f16;
use rayswarm_model::{Resolution, picture::SIDE_MAX};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Bytes of a channel name at most: OpenEXR's long-name limit.
pub const NAME_BYTES_MAX: usize = 255;

/// A picture: channels of equal size in order of name. Pixel (0, 0) is at the top left, rows follow one another.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    resolution: Resolution,
    channels: Vec<Channel>,
    attributes: BTreeMap<String, String>,
}

/// One channel, named `Layer.Pass.Component` (Blender) or just `R` (POV-Ray).
#[derive(Clone, Debug, PartialEq)]
pub struct Channel {
    name: String,
    samples: Samples,
}

/// A channel's samples, row by row from the top left.
#[derive(Clone, Debug, PartialEq)]
pub enum Samples {
    /// 16-bit floats.
    F16(Vec<f16>),
    /// 32-bit floats.
    F32(Vec<f32>),
    /// 32-bit unsigned integers.
    U32(Vec<u32>),
}

/// What a sample is; the discriminant is OpenEXR's own code and enters the pixel commitment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[repr(u8)]
pub enum SampleType {
    /// 32-bit unsigned integer.
    U32 = 0,
    /// 16-bit float.
    F16 = 1,
    /// 32-bit float.
    F32 = 2,
}

/// One sample by its bits, so that evidence keeps not-a-numbers and signs of zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Sample {
    /// How the bits are to be read.
    pub kind: SampleType,
    /// The bits; a 16-bit float fills the lower half.
    pub bits: u32,
}

/// Channels do not make a picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// A side is zero or too long.
    #[error("a picture of {0} is outside 1 to {SIDE_MAX} pixels a side")]
    Size(Resolution),
    /// No channels at all.
    #[error("a picture of {0} without channels")]
    Empty(Resolution),
    /// A name OpenEXR cannot hold.
    #[error("channel name {0:?} is empty, longer than {NAME_BYTES_MAX} bytes, or holds a zero byte")]
    Name(String),
    /// Two channels of one name.
    #[error("channel {0:?} occurs twice")]
    Twice(String),
    /// Samples and size disagree.
    #[error("channel {name:?} has {found} samples; a picture of {resolution} needs {expected}")]
    Length {
        /// The channel.
        name: String,
        /// The picture's size.
        resolution: Resolution,
        /// Its number of pixels.
        expected: u64,
        /// Samples given.
        found: u64,
    },
}

impl SampleType {
    /// Bytes of one sample.
    pub const fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 | Self::U32 => 4,
        }
    }
}

impl fmt::Display for SampleType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::F16 => "f16",
            Self::F32 => "f32",
            Self::U32 => "u32",
        })
    }
}

impl Sample {
    /// The value as a double, which holds every sample exactly.
    pub fn value(self) -> f64 {
        match self.kind {
            SampleType::F16 => f16::from_bits(self.bits as u16).to_f64(),
            SampleType::F32 => f64::from(f32::from_bits(self.bits)),
            SampleType::U32 => f64::from(self.bits),
        }
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            SampleType::F16 => write!(f, "{}", f16::from_bits(self.bits as u16)),
            SampleType::F32 => write!(f, "{}", f32::from_bits(self.bits)),
            SampleType::U32 => write!(f, "{}", self.bits),
        }
    }
}

impl Samples {
    /// `count` zeros of `kind`.
    pub fn zeros(kind: SampleType, count: usize) -> Self {
        match kind {
            SampleType::F16 => Self::F16(vec![f16::ZERO; count]),
            SampleType::F32 => Self::F32(vec![0.0; count]),
            SampleType::U32 => Self::U32(vec![0; count]),
        }
    }

    /// How many there are.
    pub const fn len(&self) -> usize {
        match self {
            Self::F16(samples) => samples.len(),
            Self::F32(samples) => samples.len(),
            Self::U32(samples) => samples.len(),
        }
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What they are.
    pub const fn kind(&self) -> SampleType {
        match self {
            Self::F16(_) => SampleType::F16,
            Self::F32(_) => SampleType::F32,
            Self::U32(_) => SampleType::U32,
        }
    }

    /// The sample at `index`, if there is one.
    pub fn get(&self, index: usize) -> Option<Sample> {
        let bits = match self {
            Self::F16(samples) => u32::from(samples.get(index)?.to_bits()),
            Self::F32(samples) => samples.get(index)?.to_bits(),
            Self::U32(samples) => *samples.get(index)?,
        };
        Some(Sample {
            kind: self.kind(),
            bits,
        })
    }

    /// Appends the little-endian bits of samples `start .. start + count` to `out`; samples past the end are left out.
    pub fn extend_le(&self, start: usize, count: usize, out: &mut Vec<u8>) {
        fn push<T: Copy, const N: usize>(samples: &[T], out: &mut Vec<u8>, bytes: impl Fn(T) -> [u8; N]) {
            let filled = out.len();
            out.resize(filled + samples.len() * N, 0);
            for (slot, sample) in out[filled..].chunks_exact_mut(N).zip(samples) {
                slot.copy_from_slice(&bytes(*sample));
            }
        }
        let range = start.min(self.len())..start.saturating_add(count).min(self.len());
        match self {
            Self::F16(samples) => push(&samples[range], out, f16::to_le_bytes),
            Self::F32(samples) => push(&samples[range], out, f32::to_le_bytes),
            Self::U32(samples) => push(&samples[range], out, u32::to_le_bytes),
        }
    }
}

impl Channel {
    /// A channel; [`Picture::new`] checks it.
    pub fn new(name: impl Into<String>, samples: Samples) -> Self {
        Self {
            name: name.into(),
            samples,
        }
    }

    /// Its full name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its samples.
    pub const fn samples(&self) -> &Samples {
        &self.samples
    }

    pub(crate) const fn samples_mut(&mut self) -> &mut Samples {
        &mut self.samples
    }
}

impl Picture {
    /// A picture of `channels`, in any order; sorts them by the bytes of their names as OpenEXR does.
    pub fn new(resolution: Resolution, mut channels: Vec<Channel>) -> Result<Self, PictureError> {
        let sides = 1..=SIDE_MAX;
        if !sides.contains(&resolution.width) || !sides.contains(&resolution.height) {
            return Err(PictureError::Size(resolution));
        }
        if channels.is_empty() {
            return Err(PictureError::Empty(resolution));
        }
        channels.sort_by(|left, right| left.name.cmp(&right.name));
        for channel in &channels {
            let name = &channel.name;
            if name.is_empty() || name.len() > NAME_BYTES_MAX || name.contains('\0') {
                return Err(PictureError::Name(name.clone()));
            }
            let (expected, found) = (resolution.pixels(), channel.samples.len() as u64);
            if found != expected {
                return Err(PictureError::Length {
                    name: name.clone(),
                    resolution,
                    expected,
                    found,
                });
            }
        }
        if let Some(pair) = channels.windows(2).find(|pair| pair[0].name == pair[1].name) {
            return Err(PictureError::Twice(pair[0].name.clone()));
        }
        Ok(Self {
            resolution,
            channels,
            attributes: BTreeMap::new(),
        })
    }

    /// The same picture with text `attributes`: of a file's many, only those that belong to its pixels are kept
    /// (Cryptomatte's manifest, without which its channels mean nothing).
    #[must_use]
    pub fn with_attributes(mut self, attributes: BTreeMap<String, String>) -> Self {
        self.attributes = attributes;
        self
    }

    /// Its size.
    pub const fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// Its channels in order of name.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    pub(crate) fn channels_mut(&mut self) -> &mut [Channel] {
        &mut self.channels
    }

    /// The channel of this full name.
    pub fn channel(&self, name: &str) -> Option<&Channel> {
        let at = self
            .channels
            .binary_search_by(|channel| channel.name.as_str().cmp(name))
            .ok()?;
        self.channels.get(at)
    }

    /// Text attributes that belong to the pixels.
    pub const fn attributes(&self) -> &BTreeMap<String, String> {
        &self.attributes
    }

    /// Bytes its samples take in memory.
    pub fn bytes(&self) -> u64 {
        self.channels
            .iter()
            .map(|channel| (channel.samples.len() * channel.samples.kind().bytes()) as u64)
            .sum()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const SIZE: Resolution = Resolution { width: 2, height: 1 };

    fn channel(name: &str, count: usize) -> Channel {
        Channel::new(name, Samples::zeros(SampleType::F32, count))
    }

    #[test]
    fn channels_are_sorted_and_found() {
        let picture = Picture::new(SIZE, vec![channel("b", 2), channel("A", 2), channel("a", 2)]).unwrap();
        let names: Vec<_> = picture.channels().iter().map(Channel::name).collect();
        assert_eq!(names, ["A", "a", "b"]);
        assert_eq!(picture.channel("a").unwrap().name(), "a");
        assert!(picture.channel("c").is_none());
        assert_eq!(picture.bytes(), 24);
    }

    #[test]
    fn what_is_no_picture_is_refused() {
        let none = Resolution { width: 0, height: 1 };
        assert_eq!(
            Picture::new(none, vec![channel("a", 0)]).unwrap_err(),
            PictureError::Size(none)
        );
        assert_eq!(Picture::new(SIZE, vec![]).unwrap_err(), PictureError::Empty(SIZE));
        assert!(matches!(
            Picture::new(SIZE, vec![channel("", 2)]),
            Err(PictureError::Name(_))
        ));
        assert!(matches!(
            Picture::new(SIZE, vec![channel("a\0", 2)]),
            Err(PictureError::Name(_))
        ));
        assert!(matches!(
            Picture::new(SIZE, vec![channel("a", 2), channel("a", 2)]),
            Err(PictureError::Twice(_))
        ));
        assert!(matches!(
            Picture::new(SIZE, vec![channel("a", 3)]),
            Err(PictureError::Length { found: 3, .. })
        ));
    }

    #[test]
    fn samples_keep_their_bits() {
        let samples = Samples::F32(vec![-0.0, f32::from_bits(0x7fc0_1234)]);
        let mut bytes = Vec::new();
        samples.extend_le(0, 9, &mut bytes);
        assert_eq!(bytes, [0, 0, 0, 0x80, 0x34, 0x12, 0xc0, 0x7f]);
        assert_eq!(samples.get(0).unwrap().bits, 0x8000_0000);
        assert_eq!(samples.get(2), None);
        assert_eq!(
            Samples::F16(vec![f16::from_f32(1.5)]).get(0).unwrap().to_string(),
            "1.5"
        );
    }
}
