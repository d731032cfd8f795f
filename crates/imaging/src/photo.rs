//! A photograph as somebody has it, PNG or JPEG, as a PNG that stands upright.
//!
//! A PNG is only looked at, not decoded: whoever renders it does that, in a sandbox. JPEG is decoded here, by a decoder
//! without unsafe code, in bounded memory.

use rayswarm_model::Resolution;
use std::io::Cursor;
use zune_jpeg::{
    JpegDecoder,
    errors::DecodeErrors,
    zune_core::{colorspace::ColorSpace, options::DecoderOptions},
};

/// Pixels of a photograph at most, 8192 × 8192: as many as the largest cameras that people carry make. Decoding takes up
/// to twelve bytes of memory for each.
pub const PHOTO_PIXELS_MAX: u64 = 1 << 26;
/// The longest side that a JPEG can have; what may be decoded is bounded in pixels.
const JPEG_SIDE_MAX: usize = u16::MAX as usize;
/// Scans of a progressive JPEG at most. Encoders make about ten; each more costs a pass over all pixels.
const JPEG_SCANS_MAX: usize = 32;
/// Bytes of an unknown file that are told.
const BEGINNING: usize = 8;
/// Bytes of a pixel.
const CHANNELS: usize = 3;

const PNG_BEGINNING: &[u8] = b"\x89PNG\r\n\x1a\n";
const JPEG_BEGINNING: &[u8] = b"\xff\xd8\xff";

/// What a photograph's file is, by its first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhotoKind {
    /// Portable Network Graphics.
    Png,
    /// JPEG.
    Jpeg,
}

impl PhotoKind {
    /// Bytes that tell them apart.
    pub const BYTES_NEEDED: usize = PNG_BEGINNING.len();

    /// By the first bytes of a file.
    pub fn of(beginning: &[u8]) -> Option<Self> {
        if beginning.starts_with(PNG_BEGINNING) {
            Some(Self::Png)
        } else if beginning.starts_with(JPEG_BEGINNING) {
            Some(Self::Jpeg)
        } else {
            None
        }
    }
}

/// A file is no photograph that is taken.
#[derive(Debug, thiserror::Error)]
pub enum PhotoError {
    /// Neither PNG nor JPEG.
    #[error("the file is neither PNG nor JPEG: it begins with {0}; save the picture as one of them")]
    Unknown(String),
    /// Too many pixels.
    #[error("the picture is {0}, more than {PHOTO_PIXELS_MAX} pixels; make it smaller")]
    TooLarge(Resolution),
    /// No PNG after all.
    #[error("the file begins as a PNG, but is none; save the picture again")]
    Png(#[source] png::DecodingError),
    /// No JPEG after all, or of a rare kind.
    #[error("the JPEG cannot be decoded; save the picture as PNG")]
    Jpeg(#[source] DecodeErrors),
    /// Neither grey nor colour.
    #[error("the JPEG has {0} channels; save the picture as PNG")]
    Channels(u8),
    /// The encoder failed.
    #[error("the picture of {size} cannot be written as PNG")]
    Encode {
        /// Its size.
        size: Resolution,
        /// Why.
        #[source]
        source: png::EncodingError,
    },
}

impl PhotoError {
    /// A file that begins with these bytes is none that is taken.
    pub fn unknown(beginning: &[u8]) -> Self {
        let shown = &beginning[..beginning.len().min(BEGINNING)];
        Self::Unknown(format!("\"{}\"", shown.escape_ascii()))
    }
}

/// The photograph as PNG. A PNG comes back as it is; a JPEG is decoded and turned as its EXIF data say.
pub fn as_png(file: Vec<u8>) -> Result<Vec<u8>, PhotoError> {
    match PhotoKind::of(&file) {
        Some(PhotoKind::Png) => {
            check_png(&file)?;
            Ok(file)
        }
        Some(PhotoKind::Jpeg) => png_of_jpeg(&file),
        None => Err(PhotoError::unknown(&file)),
    }
}

fn check_png(file: &[u8]) -> Result<(), PhotoError> {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    let info = decoder.read_header_info().map_err(PhotoError::Png)?;
    check_size(Resolution {
        width: info.width,
        height: info.height,
    })
}

fn check_size(size: Resolution) -> Result<(), PhotoError> {
    let pixels = u64::from(size.width) * u64::from(size.height);
    if pixels > PHOTO_PIXELS_MAX {
        return Err(PhotoError::TooLarge(size));
    }
    Ok(())
}

fn png_of_jpeg(file: &[u8]) -> Result<Vec<u8>, PhotoError> {
    let options = DecoderOptions::new_safe()
        .set_max_width(JPEG_SIDE_MAX)
        .set_max_height(JPEG_SIDE_MAX)
        .jpeg_set_max_scans(JPEG_SCANS_MAX)
        .jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(Cursor::new(file), options);
    decoder.decode_headers().map_err(PhotoError::Jpeg)?;
    let info = decoder.info().unwrap_or_default();
    let size = Resolution {
        width: info.width.into(),
        height: info.height.into(),
    };
    check_size(size)?;
    if !matches!(info.components, 1 | 3 | 4) {
        return Err(PhotoError::Channels(info.components));
    }
    let orientation = info.exif_data.as_deref().and_then(orientation).unwrap_or_default();
    let pixels = decoder.decode().map_err(PhotoError::Jpeg)?;
    let (size, pixels) = orientation.upright(size, pixels);
    write_png(size, &pixels).map_err(|source| PhotoError::Encode { size, source })
}

fn write_png(size: Resolution, pixels: &[u8]) -> Result<Vec<u8>, png::EncodingError> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, size.width, size.height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Fast);
    let mut writer = encoder.write_header()?;
    writer.write_image_data(pixels)?;
    writer.finish()?;
    Ok(out)
}

/// How a picture lies in its file, as EXIF 2.3 tells it (tag 274).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Orientation {
    /// Rows and columns are exchanged, before anything else.
    transposed: bool,
    /// Right and left are exchanged.
    mirrored: bool,
    /// Top and bottom are exchanged.
    flipped: bool,
}

impl Orientation {
    const fn of(value: u16) -> Option<Self> {
        let (transposed, mirrored, flipped) = match value {
            1 => (false, false, false),
            2 => (false, true, false),
            3 => (false, true, true),
            4 => (false, false, true),
            5 => (true, false, false),
            6 => (true, true, false),
            7 => (true, true, true),
            8 => (true, false, true),
            _ => return None,
        };
        Some(Self {
            transposed,
            mirrored,
            flipped,
        })
    }

    /// The picture as it is to be seen.
    fn upright(self, size: Resolution, pixels: Vec<u8>) -> (Resolution, Vec<u8>) {
        if self == Self::default() {
            return (size, pixels);
        }
        let turned = if self.transposed {
            Resolution {
                width: size.height,
                height: size.width,
            }
        } else {
            size
        };
        let mut upright = Vec::with_capacity(pixels.len());
        for y in 0..turned.height {
            for x in 0..turned.width {
                let x = if self.mirrored { turned.width - 1 - x } else { x };
                let y = if self.flipped { turned.height - 1 - y } else { y };
                let (x, y) = if self.transposed { (y, x) } else { (x, y) };
                let at = (y as usize * size.width as usize + x as usize) * CHANNELS;
                upright.extend(pixels.get(at..at + CHANNELS).unwrap_or(&[0; CHANNELS]));
            }
        }
        (turned, upright)
    }
}

/// The orientation that EXIF data say, if they say one: TIFF, whose first directory has it.
fn orientation(exif: &[u8]) -> Option<Orientation> {
    const TAG: u16 = 274;
    const ENTRY_BYTES: usize = 12;
    let big = match exif.get(..2)? {
        b"MM" => true,
        b"II" => false,
        _ => return None,
    };
    let bytes_at = |at: usize, count: usize| exif.get(at..at.checked_add(count)?);
    let short = |at: usize| -> Option<u16> {
        let two = bytes_at(at, 2)?.try_into().ok()?;
        Some(if big {
            u16::from_be_bytes(two)
        } else {
            u16::from_le_bytes(two)
        })
    };
    let long = |at: usize| -> Option<u32> {
        let four = bytes_at(at, 4)?.try_into().ok()?;
        Some(if big {
            u32::from_be_bytes(four)
        } else {
            u32::from_le_bytes(four)
        })
    };
    let directory = long(4)? as usize;
    let entries = usize::from(short(directory)?);
    let places = (0..entries).map(|entry| directory + 2 + entry * ENTRY_BYTES);
    let found = places
        .take_while(|at| *at < exif.len())
        .find(|at| short(*at) == Some(TAG))?;
    Orientation::of(short(found + 8)?)
}

#[cfg(test)]
mod tests;
