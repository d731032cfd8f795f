//! Pixels: decode, hash, compare, crop and merge. Bytes in, bytes out.
//!
//! | module | does |
//! |---|---|
//! | [`picture`] | holds decoded channels, each in its own sample type |
//! | [`mod@decode`] | OpenEXR bytes of a peer or an engine → [`Picture`], within limits |
//! | [`mod@encode`] | [`Picture`] → OpenEXR bytes that Blender reads as multilayer |
//! | [`mod@crop`] | cuts a rectangle out |
//! | [`passes`] | what each render pass means: how its slices are merged |
//! | [`merge`] | tiles and slices → one frame |
//! | [`commitment`] | the Merkle root a provider signs, and proofs of single cells |
//! | [`mod@compare`] | exact and tolerant comparison, as integers |
//! | [`preview`] | a small PNG to look at |
//! | [`photo`] | somebody's PNG or JPEG, as PNG |
//!
//! ```
//! use rayswarm_imaging::{Channel, Picture, PixelCommitment, Samples, compare};
//! use rayswarm_model::Resolution;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let size = Resolution { width: 2, height: 1 };
//! let picture = Picture::new(size, vec![Channel::new("ViewLayer.Combined.R", Samples::F32(vec![0.5, 1.0]))])?;
//! let bytes = rayswarm_imaging::encode(&picture, rayswarm_imaging::Compression::Uncompressed)?;
//! let again = rayswarm_imaging::decode(&bytes, &rayswarm_imaging::DecodeLimits::exactly(size))?;
//! assert_eq!(PixelCommitment::of(&again), PixelCommitment::of(&picture));
//! assert!(compare(&picture, &again)?.is_exact());
//! # Ok(())
//! # }
//! ```
//!
//! Deliberately missing: files, threads, view transforms, denoising, and lossy or tiled or deep OpenEXR.

pub mod commitment;
pub mod compare;
pub mod crop;
pub mod decode;
pub mod encode;
mod layout;
pub mod merge;
pub mod passes;
pub mod photo;
pub mod picture;
pub mod preview;
pub mod share;

#[cfg(test)]
mod testing;

pub use commitment::{CellProof, PixelCells, PixelCommitment, PixelTree};
pub use compare::{Comparison, Difference, LayoutDifference, compare};
pub use crop::{CropError, crop};
pub use decode::{DecodeError, DecodeLimits, decode};
pub use encode::{Compression, EncodeError, encode};
pub use merge::{MergeError, Merger, Part};
pub use photo::{PhotoError, PhotoKind};
pub use picture::{Channel, Picture, PictureError, Sample, SampleType, Samples};
pub use preview::{Look, Mosaic, PreviewError};
pub use share::BasisPoints;
