//! Result files and what is said of them: the same steps on the provider, which commits, and on the requestor, which
//! checks.

use rayswarm_imaging::{
    CropError, DecodeError, DecodeLimits, Picture, PixelCells, PixelTree, SampleType, crop, decode,
};
use rayswarm_model::{B256, Bytes, Rect, Resolution, keccak256};
use std::path::{Path, PathBuf};

/// Bytes of a result file beside its samples: text attributes (the decoder takes 1 MiB of those it keeps) and whatever
/// else a renderer writes into a header.
const HEADER_BYTES_MAX: u64 = 4 << 20;
/// Bytes of a result file per row and channel beside the samples: an offset, a number and a length, in case each channel
/// is a part of its own.
const ROW_BYTES: u64 = 16;

/// The names and types of a picture's channels, by name.
pub type Channels = Vec<(String, SampleType)>;

/// What a result file is, measured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Its length.
    pub bytes: u64,
    /// keccak-256 of its bytes.
    pub bytes_hash: B256,
    /// Commitment to the decoded pixels of the task's tile, padding cut off.
    pub commitment: B256,
    /// What that is made of.
    pub cells: PixelCells,
}

impl Measured {
    /// The picture's channels.
    pub const fn channels(&self) -> &Channels {
        &self.cells.header.channels
    }
}

/// A result file is not usable.
#[derive(Debug, thiserror::Error)]
pub enum PixelsError {
    /// It cannot be read.
    #[error("{path} cannot be read")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It is larger than any picture of its size.
    #[error("{path} has {found}, a picture of its size at most {limit}")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its length.
        found: Bytes,
        /// The most.
        limit: Bytes,
    },
    /// It is not the picture it should be.
    #[error("{path} is not the picture it should be")]
    Decode {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// It does not hold the tile.
    #[error("{path} does not hold the task's tile")]
    Crop {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: CropError,
    },
}

/// Measures a result file that holds `held` of a frame, for the task's `tile`. Blocking.
pub fn measure_file(path: &Path, held: Rect, tile: Rect) -> Result<Measured, PixelsError> {
    let bytes = read(path, held)?;
    let pixels = PixelTree::of(&decode_tile(path, &bytes, held, tile)?);
    Ok(Measured {
        bytes: bytes.len() as u64,
        bytes_hash: keccak256(&bytes),
        commitment: pixels.commitment().0,
        cells: pixels.cells(),
    })
}

/// The most bytes a file may have that holds `held` of a frame: every sample as it is, since what a renderer packs is
/// smaller, and what a file has beside them. Where its channels are not known, as many and as large as the decoder takes.
pub fn file_bytes_max(held: Rect, channels: Option<&[(String, SampleType)]>) -> Bytes {
    let limits = DecodeLimits::default();
    let (count, pixel_bytes) = match channels {
        Some(channels) => (
            channels.len() as u64,
            channels.iter().map(|(_, kind)| kind.bytes() as u64).sum(),
        ),
        None => (
            limits.channels_max as u64,
            (limits.channels_max * SampleType::F32.bytes()) as u64,
        ),
    };
    let samples = held.pixels().saturating_mul(pixel_bytes).min(limits.bytes_max.0);
    let rows = u64::from(held.height).saturating_mul(ROW_BYTES.saturating_mul(count));
    Bytes(samples.saturating_add(rows).saturating_add(HEADER_BYTES_MAX))
}

/// The pixels of `tile` from a file that holds `held` of a frame. Blocking.
pub fn read_tile(path: &Path, held: Rect, tile: Rect) -> Result<Picture, PixelsError> {
    decode_tile(path, &read(path, held)?, held, tile)
}

/// All pixels of a file that holds `held` of a frame. Blocking.
pub fn read_held(path: &Path, held: Rect) -> Result<Picture, PixelsError> {
    decode_held(path, &read(path, held)?, held)
}

/// A whole file in memory, once its length is that of a picture.
fn read(path: &Path, held: Rect) -> Result<Vec<u8>, PixelsError> {
    let failed = |source| PixelsError::File {
        path: path.into(),
        source,
    };
    let (found, limit) = (
        Bytes(std::fs::metadata(path).map_err(failed)?.len()),
        file_bytes_max(held, None),
    );
    if found > limit {
        return Err(PixelsError::TooLarge {
            path: path.into(),
            found,
            limit,
        });
    }
    std::fs::read(path).map_err(failed)
}

fn decode_held(path: &Path, bytes: &[u8], held: Rect) -> Result<Picture, PixelsError> {
    let limits = DecodeLimits::exactly(Resolution {
        width: held.width,
        height: held.height,
    });
    decode(bytes, &limits).map_err(|source| PixelsError::Decode {
        path: path.into(),
        source,
    })
}

fn decode_tile(path: &Path, bytes: &[u8], held: Rect, tile: Rect) -> Result<Picture, PixelsError> {
    let picture = decode_held(path, bytes, held)?;
    if held == tile {
        return Ok(picture);
    }
    let inner = Rect {
        x: tile.x.saturating_sub(held.x),
        y: tile.y.saturating_sub(held.y),
        ..tile
    };
    crop(&picture, inner).map_err(|source| PixelsError::Crop {
        path: path.into(),
        source,
    })
}

/// Where a delivered result lies in its job's folder.
pub fn result_file(job_folder: &Path, attempt: rayswarm_model::AttemptId) -> PathBuf {
    job_folder.join("results").join(format!("{}.exr", attempt.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_imaging::{Channel, Compression, Samples, commitment::PixelHeader, encode};

    const HELD: Rect = Rect {
        x: 0,
        y: 0,
        width: 64,
        height: 48,
    };

    /// Noise in three channels, which no compression makes smaller.
    fn noise() -> Picture {
        let size = Resolution {
            width: HELD.width,
            height: HELD.height,
        };
        let samples = |seed: u32| {
            (0..size.pixels() as u32)
                .map(|at| f32::from_bits(0x3f80_0000 | ((at ^ seed).wrapping_mul(0x9e37_79b9) >> 9)))
                .collect()
        };
        let channel = |name: &str, seed| Channel::new(name, Samples::F32(samples(seed)));
        Picture::new(size, vec![channel("R", 1), channel("G", 2), channel("B", 3)]).unwrap()
    }

    #[test]
    fn a_file_is_never_larger_than_its_samples_and_a_header() {
        let channels = PixelHeader::of(&noise()).channels;
        let limit = file_bytes_max(HELD, Some(&channels));
        for compression in [Compression::Uncompressed, Compression::Zip] {
            let bytes = encode(&noise(), compression).unwrap().len() as u64;
            assert!(bytes > HELD.pixels() * 12 / 2 && bytes <= limit.0, "{bytes} {limit}");
        }
        assert!(limit < file_bytes_max(HELD, None));
        // Of an 8K frame whose channels are not known, no more than the decoder takes.
        let huge = Rect {
            width: 7680,
            height: 4320,
            ..HELD
        };
        assert!(file_bytes_max(huge, None).0 <= (4 << 30) + (32 << 20));
    }

    #[test]
    fn what_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("huge.exr");
        // A file with a hole: it takes no room on disk, but would in memory.
        let file = std::fs::File::create(&path).unwrap();
        file.set_len(file_bytes_max(HELD, None).0 + 1).unwrap();
        assert!(matches!(
            measure_file(&path, HELD, HELD),
            Err(PixelsError::TooLarge { .. })
        ));
        std::fs::write(&path, encode(&noise(), Compression::Zip).unwrap()).unwrap();
        let measured = measure_file(&path, HELD, HELD).unwrap();
        assert_eq!(measured.channels().len(), 3);
    }
}
