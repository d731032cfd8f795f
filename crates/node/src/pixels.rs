//! Result files and what is said of them: the same steps on the provider, which commits, and on the requestor, which
//! checks.

use rayswarm_imaging::{CropError, DecodeError, DecodeLimits, Picture, PixelCommitment, crop, decode};
use rayswarm_model::{B256, Rect, Resolution, keccak256};
use std::path::{Path, PathBuf};

/// What a result file is, measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measured {
    /// Its length.
    pub bytes: u64,
    /// keccak-256 of its bytes.
    pub bytes_hash: B256,
    /// Commitment to the decoded pixels of the task's tile, padding cut off.
    pub commitment: B256,
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
    let bytes = read(path)?;
    let picture = decode_tile(path, &bytes, held, tile)?;
    Ok(Measured {
        bytes: bytes.len() as u64,
        bytes_hash: keccak256(&bytes),
        commitment: PixelCommitment::of(&picture).0,
    })
}

/// The pixels of `tile` from a file that holds `held` of a frame. Blocking.
pub fn read_tile(path: &Path, held: Rect, tile: Rect) -> Result<Picture, PixelsError> {
    decode_tile(path, &read(path)?, held, tile)
}

/// All pixels of a file that holds `held` of a frame. Blocking.
pub fn read_held(path: &Path, held: Rect) -> Result<Picture, PixelsError> {
    decode_held(path, &read(path)?, held)
}

fn read(path: &Path) -> Result<Vec<u8>, PixelsError> {
    std::fs::read(path).map_err(|source| PixelsError::File {
        path: path.into(),
        source,
    })
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
