//! OpenEXR bytes → [`Picture`]: flat scan-line files in lossless compression, of one part or several.
//!
//! Blender 4.5 writes one part whose channels are named `Layer.Pass.Component`, Blender 5 one part per pass unless told to
//! interleave, with the same full names; a crop's file has the crop's size and both windows at (0, 0). POV-Ray writes
//! `R`, `G`, `B` and perhaps `A` as half floats, and a crop's file has the whole picture's size. In other files of several
//! parts a channel's bare name follows its part's.
//!
//! The bytes may come from a peer: declared sizes are held against [`DecodeLimits`] and against what so many bytes can
//! hold *before* anything is allocated, and every row must be there exactly once.

use crate::picture::{Channel, NAME_BYTES_MAX, Picture, PictureError, SampleType, Samples};
use exr::{
    block::{UncompressedBlock, reader::ChunksReader},
    meta::{
        BlockDescription,
        attribute::{AttributeValue, Text},
        header::Header,
    },
};
use half::f16;
use rayswarm_model::{Bytes, Resolution, picture::SIDE_MAX};
use std::{
    collections::BTreeMap,
    io::Cursor,
    panic::{AssertUnwindSafe, catch_unwind},
};

/// Text attributes that belong to the pixels and are kept; all others (dates, paths, render times) are dropped.
const KEPT_ATTRIBUTES: &str = "cryptomatte/";
/// Bytes of kept attributes at most: a manifest of some ten thousand objects.
const ATTRIBUTE_BYTES_MAX: usize = 1 << 20;
/// A zlib stream cannot grow by more than 1032 times; run-length and PIZ coding by less.
const EXPANSION_MAX: u64 = 1032;

/// How large a picture may be that is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeLimits {
    /// The one size expected, where it is known.
    pub resolution: Option<Resolution>,
    /// Pixels at most.
    pub pixels_max: u64,
    /// Channels at most.
    pub channels_max: usize,
    /// Decoded bytes at most.
    pub bytes_max: Bytes,
}

impl Default for DecodeLimits {
    /// 16K pictures, 256 channels, 4 GiB: 8K with 32 float channels.
    fn default() -> Self {
        Self {
            resolution: None,
            pixels_max: 1 << 28,
            channels_max: 256,
            bytes_max: Bytes(4 << 30),
        }
    }
}

impl DecodeLimits {
    /// The default limits, and nothing but a picture of `resolution`.
    pub fn exactly(resolution: Resolution) -> Self {
        Self {
            resolution: Some(resolution),
            ..Self::default()
        }
    }
}

/// Bytes are not a picture we take.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// Not OpenEXR, damaged, or cut short.
    #[error("the OpenEXR file of {bytes} bytes cannot be read; render it again")]
    Damaged {
        /// Its length.
        bytes: usize,
        /// What the reader says.
        #[source]
        source: exr::error::Error,
    },
    /// The OpenEXR reader broke on it, which only bytes made to do so achieve.
    #[error("the OpenEXR file of {0} bytes breaks the reader; treat its sender as malicious")]
    Broken(usize),
    /// A kind of file that is never needed here.
    #[error("the OpenEXR file has {0}, which is not taken; write flat scan lines with ZIP or no compression")]
    Unsupported(String),
    /// The declared size is not the expected one.
    #[error("the OpenEXR file holds {found}, expected {expected}; render the task's own rectangle")]
    Resolution {
        /// Expected.
        expected: Resolution,
        /// Declared.
        found: Resolution,
    },
    /// The declared size is over a limit.
    #[error("the OpenEXR file declares {what} {found}, at most {limit} are taken")]
    TooLarge {
        /// What is too large.
        what: &'static str,
        /// Declared.
        found: u64,
        /// Allowed.
        limit: u64,
    },
    /// A row occurs twice or never.
    #[error("row {row} of part {part} occurs {times} times; render it again")]
    Row {
        /// The part, from zero.
        part: usize,
        /// The row, from the top.
        row: usize,
        /// How often.
        times: u32,
    },
    /// The channels do not make a picture.
    #[error("the OpenEXR file's channels do not make a picture")]
    Picture(#[from] PictureError),
}

/// Decodes an OpenEXR file within `limits`. Never panics: the reader's own panics, should there be any, become
/// [`DecodeError::Broken`].
pub fn decode(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture, DecodeError> {
    // `exr` checks much by assertions (some only in debug builds) that crafted files may reach. Nothing outlives the
    // closure, so no broken state can be seen afterwards.
    catch_unwind(AssertUnwindSafe(|| decode_unguarded(bytes, limits))).unwrap_or(Err(DecodeError::Broken(bytes.len())))
}

/// Where a part's channels go and which of its rows have come.
struct PartLayout {
    first_channel: usize,
    types: Vec<SampleType>,
    rows_seen: Vec<u32>,
}

fn decode_unguarded(bytes: &[u8], limits: &DecodeLimits) -> Result<Picture, DecodeError> {
    let damaged = |source| DecodeError::Damaged {
        bytes: bytes.len(),
        source,
    };
    let reader = exr::block::read(Cursor::new(bytes), false).map_err(damaged)?;
    let resolution = check_headers(reader.headers(), bytes.len(), limits)?;

    let attributes = kept_attributes(reader.headers())?;
    let pixels = resolution.width as usize * resolution.height as usize;
    let (mut channels, mut parts) = (Vec::new(), Vec::new());
    for header in reader.headers() {
        let types: Vec<SampleType> = header
            .channels
            .list
            .iter()
            .map(|channel| sample_type(channel.sample_type))
            .collect();
        let first_channel = channels.len();
        for (channel, kind) in header.channels.list.iter().zip(&types) {
            let name = channel_name(header, &channel.name)?;
            channels.push(Channel::new(name, Samples::zeros(*kind, pixels)));
        }
        parts.push(PartLayout {
            first_channel,
            types,
            rows_seen: vec![0; resolution.height as usize],
        });
    }

    let width = resolution.width as usize;
    let blocks = reader
        .all_chunks(false)
        .map_err(damaged)?
        .sequential_decompressor(false);
    for block in blocks {
        let block = block.map_err(damaged)?;
        place(&block, width, &mut parts, &mut channels).map_err(damaged)?;
    }
    for (part, layout) in parts.iter().enumerate() {
        if let Some((row, times)) = layout.rows_seen.iter().enumerate().find(|(_, times)| **times != 1) {
            return Err(DecodeError::Row {
                part,
                row,
                times: *times,
            });
        }
    }
    Ok(Picture::new(resolution, channels)?.with_attributes(attributes))
}

/// Checks all parts before anything is allocated for their pixels; returns the size they share.
fn check_headers(headers: &[Header], file_bytes: usize, limits: &DecodeLimits) -> Result<Resolution, DecodeError> {
    let refuse = |what: &str| Err(DecodeError::Unsupported(what.into()));
    let Some(first) = headers.first() else {
        return refuse("no part");
    };
    let resolution = size_of(first)?;
    let mut row_bytes = 0u64;
    let mut channel_count = 0usize;
    for header in headers {
        if header.deep {
            return refuse("deep data");
        }
        if header.blocks != BlockDescription::ScanLines {
            return refuse("tiles");
        }
        let window = header.data_window();
        if size_of(header)? != resolution || header.shared_attributes.display_window != window {
            return refuse("parts or windows of different sizes");
        }
        if (window.position.0, window.position.1) != (0, 0) {
            return refuse("a window that does not start at (0, 0)");
        }
        for channel in &header.channels.list {
            if channel.sampling.0 != 1 || channel.sampling.1 != 1 {
                return refuse("subsampled channels");
            }
            if !header.compression.is_lossless_for(channel.sample_type) {
                return Err(DecodeError::Unsupported(format!(
                    "lossy compression ({})",
                    header.compression
                )));
            }
            row_bytes += u64::from(resolution.width) * sample_type(channel.sample_type).bytes() as u64;
        }
        channel_count += header.channels.list.len();
    }
    if let Some(expected) = limits.resolution.filter(|expected| *expected != resolution) {
        return Err(DecodeError::Resolution {
            expected,
            found: resolution,
        });
    }
    let within = |what, found: u64, limit: u64| {
        if found > limit {
            Err(DecodeError::TooLarge { what, found, limit })
        } else {
            Ok(())
        }
    };
    within("channels:", channel_count as u64, limits.channels_max as u64)?;
    within("pixels:", resolution.pixels(), limits.pixels_max)?;
    let decoded = row_bytes * u64::from(resolution.height);
    within("bytes:", decoded, limits.bytes_max.0)?;
    within(
        "more bytes than it can hold:",
        decoded,
        (file_bytes as u64).saturating_mul(EXPANSION_MAX),
    )?;
    Ok(resolution)
}

fn size_of(header: &Header) -> Result<Resolution, DecodeError> {
    let side = |length: usize| u32::try_from(length).ok().filter(|side| (1..=SIDE_MAX).contains(side));
    match (side(header.layer_size.0), side(header.layer_size.1)) {
        (Some(width), Some(height)) => Ok(Resolution { width, height }),
        _ => Err(DecodeError::Unsupported(format!(
            "a size of {}x{}",
            header.layer_size.0, header.layer_size.1
        ))),
    }
}

const fn sample_type(kind: exr::meta::attribute::SampleType) -> SampleType {
    match kind {
        exr::meta::attribute::SampleType::F16 => SampleType::F16,
        exr::meta::attribute::SampleType::F32 => SampleType::F32,
        exr::meta::attribute::SampleType::U32 => SampleType::U32,
    }
}

/// The channel's full name. A part's name is its layer and pass, unless the channel already says them itself.
fn channel_name(header: &Header, name: &Text) -> Result<String, DecodeError> {
    let own = utf8(name)?;
    let Some(part) = header.own_attributes.layer_name.as_ref() else {
        return Ok(own);
    };
    let part = utf8(part)?;
    if part.is_empty() || own.contains('.') || part.len() + own.len() >= NAME_BYTES_MAX {
        return Ok(own);
    }
    Ok(format!("{part}.{own}"))
}

fn utf8(text: &Text) -> Result<String, DecodeError> {
    String::from_utf8(text.as_slice().to_vec())
        .map_err(|error| DecodeError::Unsupported(format!("a name that is not UTF-8 ({error})")))
}

/// The attributes that belong to the pixels, of all parts.
fn kept_attributes(headers: &[Header]) -> Result<BTreeMap<String, String>, DecodeError> {
    let mut kept = BTreeMap::new();
    let mut bytes = 0usize;
    for header in headers {
        for (name, value) in header
            .own_attributes
            .other
            .iter()
            .chain(&header.shared_attributes.other)
        {
            let AttributeValue::Text(value) = value else { continue };
            if !name.as_slice().starts_with(KEPT_ATTRIBUTES.as_bytes()) {
                continue;
            }
            bytes += name.as_slice().len() + value.as_slice().len();
            if bytes > ATTRIBUTE_BYTES_MAX {
                let (found, limit) = (bytes as u64, ATTRIBUTE_BYTES_MAX as u64);
                return Err(DecodeError::TooLarge {
                    what: "bytes of attributes:",
                    found,
                    limit,
                });
            }
            kept.insert(utf8(name)?, utf8(value)?);
        }
    }
    Ok(kept)
}

/// Copies the rows of one block to their channels.
fn place(
    block: &UncompressedBlock,
    width: usize,
    parts: &mut [PartLayout],
    channels: &mut [Channel],
) -> Result<(), exr::error::Error> {
    let stray = || exr::error::Error::Invalid("block outside the picture".into());
    let part = parts.get_mut(block.index.layer).ok_or_else(stray)?;
    let (top, rows) = (block.index.pixel_position.1, block.index.pixel_size.1);
    if block.index.pixel_position.0 != 0 || block.index.pixel_size.0 != width {
        return Err(stray());
    }
    let mut bytes = block.data.as_slice();
    for row in top..top + rows {
        *part.rows_seen.get_mut(row).ok_or_else(stray)? += 1;
        let place = row * width..(row + 1) * width;
        for (index, kind) in part.types.iter().enumerate() {
            let channel = channels.get_mut(part.first_channel + index).ok_or_else(stray)?;
            let (line, rest) = bytes.split_at_checked(width * kind.bytes()).ok_or_else(stray)?;
            bytes = rest;
            match channel.samples_mut() {
                Samples::F16(samples) => copy(
                    samples.get_mut(place.clone()).ok_or_else(stray)?,
                    line,
                    f16::from_ne_bytes,
                ),
                Samples::F32(samples) => copy(
                    samples.get_mut(place.clone()).ok_or_else(stray)?,
                    line,
                    f32::from_ne_bytes,
                ),
                Samples::U32(samples) => copy(
                    samples.get_mut(place.clone()).ok_or_else(stray)?,
                    line,
                    u32::from_ne_bytes,
                ),
            }
        }
    }
    Ok(())
}

/// The bytes of a line, which `exr` hands over in this machine's order, as samples.
fn copy<T, const N: usize>(samples: &mut [T], line: &[u8], from: impl Fn([u8; N]) -> T) {
    let (words, _) = line.as_chunks::<N>();
    for (sample, word) in samples.iter_mut().zip(words) {
        *sample = from(*word);
    }
}

#[cfg(test)]
mod tests;
