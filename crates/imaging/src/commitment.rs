//! The pixel commitment: what a provider signs before it can know which crop will be audited.
//!
//! Over decoded channels, never over EXR bytes: those hold dates and paths. The picture is cut into cells of
//! [`CELL_SIDE`]², row by row from the top left (cells at the right and bottom edge may be smaller), so that a dispute can
//! later show one cell of a picture without the rest. All integers are big-endian, as in Solidity's `encodePacked`:
//!
//! ```text
//! header = keccak(DOMAIN · width u32 · height u32 · cell side u32 · channel count u32
//!                 · per channel, by name: name length u32 · name · sample type u8
//!                 · attribute count u32 · per attribute, by name: name length u32 · name · value length u32 · value)
//! leaf i = keccak(0x00 · i u64 · per channel, by name: the cell's samples row by row, little-endian bits)
//! node   = keccak(0x01 · left · right); an odd node at the end of a level moves up as it is
//! root   = keccak(0x02 · header · top node)
//! ```
//!
//! The header fixes the number of leaves, hence the tree's shape. Samples are hashed by their bits as they are: -0.0 is
//! not 0.0, and each not-a-number is itself. Two pictures have one commitment exactly if all their bits are equal.

mod cells;

pub use cells::PixelCells;

use crate::picture::{Picture, SampleType};
use alloy_primitives::{B256, Keccak256, keccak256};
use rayswarm_model::{Rect, Resolution, picture::SIDE_MAX};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fmt};

/// Pixels along a cell's side.
pub const CELL_SIDE: u32 = 64;
/// Separates this hash from any other and names its version.
const DOMAIN: &[u8] = b"rayswarm/pixels/1";
const LEAF: u8 = 0;
const NODE: u8 = 1;
const ROOT: u8 = 2;

/// A picture's commitment: the root of its cells' hashes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PixelCommitment(pub B256);

/// The hashes of all cells of a picture: 32 bytes per 4,096 pixels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PixelTree {
    header: PixelHeader,
    /// Leaves first, each level half as long, the top node last.
    levels: Vec<Vec<B256>>,
}

/// What the pixels are, without them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PixelHeader {
    /// Size.
    pub resolution: Resolution,
    /// Names and types by name.
    pub channels: Vec<(String, SampleType)>,
    /// Text that belongs to the pixels.
    pub attributes: BTreeMap<String, String>,
}

/// One cell of a picture and what shows that it belongs to a commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellProof {
    /// The picture's header.
    pub header: PixelHeader,
    /// Which cell, counted row by row from the top left.
    pub index: u64,
    /// The cell's samples, as the leaf hashes them.
    pub samples: Vec<u8>,
    /// The hashes beside the way up.
    pub siblings: Vec<B256>,
}

/// A proof does not show what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CellProofError {
    /// The header is not of a picture.
    #[error("the proof's picture of {0} has no valid size")]
    Header(Resolution),
    /// The cell is not in the picture.
    #[error("the proof is for cell {index}, the picture has {count}")]
    Index {
        /// The cell.
        index: u64,
        /// Cells of the picture.
        count: u64,
    },
    /// Samples do not fill the cell.
    #[error("the proof's cell needs {expected} bytes, it has {found}")]
    Samples {
        /// Bytes of such a cell.
        expected: u64,
        /// Bytes given.
        found: u64,
    },
    /// The way up has another length.
    #[error("the proof has {found} hashes beside the way up, the picture's tree needs {expected}")]
    Siblings {
        /// Needed.
        expected: usize,
        /// Given.
        found: usize,
    },
    /// It leads to another root.
    #[error("the proof leads to {found}, not to {expected}")]
    Root {
        /// The commitment.
        expected: PixelCommitment,
        /// Where it leads.
        found: PixelCommitment,
    },
}

impl PixelCommitment {
    /// The commitment of `picture`.
    pub fn of(picture: &Picture) -> Self {
        PixelTree::of(picture).commitment()
    }
}

impl fmt::Display for PixelCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Debug for PixelCommitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PixelCommitment({})", self.0)
    }
}

impl PixelHeader {
    /// The header of `picture`.
    pub fn of(picture: &Picture) -> Self {
        let channels = picture
            .channels()
            .iter()
            .map(|channel| (channel.name().into(), channel.samples().kind()))
            .collect();
        Self {
            resolution: picture.resolution(),
            channels,
            attributes: picture.attributes().clone(),
        }
    }

    /// Its hash.
    pub fn hash(&self) -> B256 {
        fn number(hasher: &mut Keccak256, value: usize) {
            // Sizes, counts and lengths here come from pictures and stay far below 4 GiB.
            hasher.update(u32::try_from(value).unwrap_or(u32::MAX).to_be_bytes());
        }
        fn text(hasher: &mut Keccak256, value: &str) {
            number(hasher, value.len());
            hasher.update(value.as_bytes());
        }
        let mut hasher = Keccak256::new();
        hasher.update(DOMAIN);
        for side in [self.resolution.width, self.resolution.height, CELL_SIDE] {
            hasher.update(side.to_be_bytes());
        }
        number(&mut hasher, self.channels.len());
        for (name, kind) in &self.channels {
            text(&mut hasher, name);
            hasher.update([*kind as u8]);
        }
        number(&mut hasher, self.attributes.len());
        for (name, value) in &self.attributes {
            text(&mut hasher, name);
            text(&mut hasher, value);
        }
        hasher.finalize()
    }

    /// How many cells such a picture has.
    pub const fn cell_count(&self) -> u64 {
        self.resolution.width.div_ceil(CELL_SIDE) as u64 * self.resolution.height.div_ceil(CELL_SIDE) as u64
    }

    /// The pixels of cell `index`, if there is such a cell.
    pub fn cell(&self, index: u64) -> Option<Rect> {
        if index >= self.cell_count() {
            return None;
        }
        let columns = u64::from(self.resolution.width.div_ceil(CELL_SIDE));
        let x = u32::try_from(index % columns).ok()? * CELL_SIDE;
        let y = u32::try_from(index / columns).ok()? * CELL_SIDE;
        let width = CELL_SIDE.min(self.resolution.width - x);
        let height = CELL_SIDE.min(self.resolution.height - y);
        Some(Rect { x, y, width, height })
    }

    /// The cell that holds pixel (`x`, `y`).
    pub const fn cell_at(&self, x: u32, y: u32) -> u64 {
        (y / CELL_SIDE) as u64 * self.resolution.width.div_ceil(CELL_SIDE) as u64 + (x / CELL_SIDE) as u64
    }
}

impl PixelTree {
    /// Hashes all cells of `picture`.
    pub fn of(picture: &Picture) -> Self {
        let header = PixelHeader::of(picture);
        let mut buffer = Vec::new();
        let level: Vec<B256> = (0..header.cell_count())
            .filter_map(|index| header.cell(index).map(|cell| (index, cell)))
            .map(|(index, cell)| {
                start_leaf(index, &mut buffer);
                push_cell(picture, cell, &mut buffer);
                keccak256(&buffer)
            })
            .collect();
        let levels = levels(level);
        Self { header, levels }
    }

    /// The commitment.
    pub fn commitment(&self) -> PixelCommitment {
        // A picture has at least one pixel, hence a top node.
        let top = self
            .levels
            .last()
            .and_then(|level| level.first())
            .copied()
            .unwrap_or_default();
        root(self.header.hash(), top)
    }

    /// What the pixels are.
    pub const fn header(&self) -> &PixelHeader {
        &self.header
    }

    /// The hashes of the cells alone.
    pub fn cells(&self) -> PixelCells {
        PixelCells {
            header: self.header.clone(),
            leaves: self.levels.first().cloned().unwrap_or_default(),
        }
    }

    /// Shows cell `index` of `picture`, the picture this tree was made of; `None` if there is no such cell.
    pub fn prove(&self, picture: &Picture, index: u64) -> Option<CellProof> {
        let cell = self.header.cell(index)?;
        let mut samples = Vec::new();
        push_cell(picture, cell, &mut samples);
        let mut at = usize::try_from(index).ok()?;
        let mut siblings = Vec::new();
        for level in &self.levels {
            siblings.extend(level.get(at ^ 1).copied());
            at /= 2;
        }
        Some(CellProof {
            header: self.header.clone(),
            index,
            samples,
            siblings,
        })
    }
}

impl CellProof {
    /// Checks that this cell belongs to `commitment`; returns the pixels it shows.
    pub fn verify(&self, commitment: PixelCommitment) -> Result<Rect, CellProofError> {
        let size = self.header.resolution;
        if !(1..=SIDE_MAX).contains(&size.width) || !(1..=SIDE_MAX).contains(&size.height) {
            return Err(CellProofError::Header(size));
        }
        let count = self.header.cell_count();
        let cell = self.header.cell(self.index).ok_or(CellProofError::Index {
            index: self.index,
            count,
        })?;
        let pixel_bytes: u64 = self.header.channels.iter().map(|(_, kind)| kind.bytes() as u64).sum();
        let (expected, found) = (cell.pixels().saturating_mul(pixel_bytes), self.samples.len() as u64);
        if expected != found {
            return Err(CellProofError::Samples { expected, found });
        }
        let mut buffer = Vec::with_capacity(self.samples.len() + 9);
        start_leaf(self.index, &mut buffer);
        buffer.extend_from_slice(&self.samples);
        let mut top = keccak256(&buffer);
        let (mut at, mut width, mut used) = (self.index, count, 0);
        while width > 1 {
            let alone = at % 2 == 0 && at + 1 == width;
            if !alone {
                let expected = used + 1;
                let sibling = self.siblings.get(used).copied();
                let sibling = sibling.ok_or(CellProofError::Siblings {
                    expected,
                    found: self.siblings.len(),
                })?;
                top = if at % 2 == 0 {
                    node(top, sibling)
                } else {
                    node(sibling, top)
                };
                used += 1;
            }
            (at, width) = (at / 2, width.div_ceil(2));
        }
        if used != self.siblings.len() {
            return Err(CellProofError::Siblings {
                expected: used,
                found: self.siblings.len(),
            });
        }
        let found = root(self.header.hash(), top);
        if found == commitment {
            Ok(cell)
        } else {
            Err(CellProofError::Root {
                expected: commitment,
                found,
            })
        }
    }
}

/// The tree over these leaves: leaves first, the top node last.
fn levels(leaves: Vec<B256>) -> Vec<Vec<B256>> {
    let mut levels = Vec::new();
    let mut level = leaves;
    while level.len() > 1 {
        let above = level.chunks(2).map(|pair| {
            if let [left, right] = pair {
                node(*left, *right)
            } else {
                pair[0]
            }
        });
        let above = above.collect();
        levels.push(level);
        level = above;
    }
    levels.push(level);
    levels
}

fn start_leaf(index: u64, buffer: &mut Vec<u8>) {
    buffer.clear();
    buffer.push(LEAF);
    buffer.extend_from_slice(&index.to_be_bytes());
}

fn push_cell(picture: &Picture, cell: Rect, buffer: &mut Vec<u8>) {
    let stride = picture.resolution().width as usize;
    for channel in picture.channels() {
        for row in cell.y..cell.bottom() {
            channel
                .samples()
                .extend_le(row as usize * stride + cell.x as usize, cell.width as usize, buffer);
        }
    }
}

fn node(left: B256, right: B256) -> B256 {
    let mut bytes = [NODE; 65];
    bytes[1..33].copy_from_slice(left.as_slice());
    bytes[33..].copy_from_slice(right.as_slice());
    keccak256(bytes)
}

fn root(header: B256, top: B256) -> PixelCommitment {
    let mut bytes = [ROOT; 65];
    bytes[1..33].copy_from_slice(header.as_slice());
    bytes[33..].copy_from_slice(top.as_slice());
    PixelCommitment(keccak256(bytes))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{
        picture::{Channel, Samples},
        testing::{noisy, numbered},
    };

    /// Changes deliberately, in its own commit, with [`DOMAIN`]'s version.
    #[test]
    fn the_commitment_is_the_published_one() {
        let picture = numbered(130, 70, &["ViewLayer.Combined.R", "ViewLayer.Depth.Z"]);
        let golden = "0x4542b632785aa456c216bb3799b5a2c5c9339cedbb0edf5f2dddae320bcab7e0";
        assert_eq!(PixelCommitment::of(&picture).to_string(), golden);
    }

    #[test]
    fn every_bit_counts() {
        let size = Resolution { width: 2, height: 1 };
        let of =
            |name: &str, samples| PixelCommitment::of(&Picture::new(size, vec![Channel::new(name, samples)]).unwrap());
        let base = of("R", Samples::F32(vec![0.0, 1.0]));
        assert_eq!(of("R", Samples::F32(vec![0.0, 1.0])), base);
        assert_ne!(of("R", Samples::F32(vec![-0.0, 1.0])), base);
        assert_ne!(of("G", Samples::F32(vec![0.0, 1.0])), base);
        assert_ne!(of("R", Samples::U32(vec![0, 0x3f80_0000])), base);
        let nan = |bits| of("R", Samples::F32(vec![f32::from_bits(bits), 1.0]));
        assert_ne!(nan(0x7fc0_0000), nan(0x7fc0_0001));
        let tall = Resolution { width: 1, height: 2 };
        let tall = Picture::new(tall, vec![Channel::new("R", Samples::F32(vec![0.0, 1.0]))]).unwrap();
        assert_ne!(PixelCommitment::of(&tall), base);
        let noted = Picture::new(size, vec![Channel::new("R", Samples::F32(vec![0.0, 1.0]))]).unwrap();
        let noted = noted.with_attributes(BTreeMap::from([("cryptomatte/a/name".into(), "x".into())]));
        assert_ne!(PixelCommitment::of(&noted), base);
    }

    #[test]
    fn each_cell_can_be_shown_and_no_other() {
        // 1, 2, 3, 5, 6 and 12 cells: full and lopsided trees.
        for (width, height) in [(64, 64), (65, 10), (129, 1), (300, 20), (129, 65), (200, 150)] {
            let picture = noisy(width, height, 3);
            let tree = PixelTree::of(&picture);
            let commitment = tree.commitment();
            let count = tree.header().cell_count();
            let mut pixels = 0;
            for index in 0..count {
                let proof = tree.prove(&picture, index).unwrap();
                pixels += proof.verify(commitment).unwrap().pixels();
                assert_eq!(
                    tree.header()
                        .cell_at(proof.verify(commitment).unwrap().x, proof.verify(commitment).unwrap().y),
                    index
                );
                let mut edited = proof.clone();
                edited.samples[0] ^= 1;
                assert!(matches!(edited.verify(commitment), Err(CellProofError::Root { .. })));
                let mut moved = proof.clone();
                moved.index = (index + 1) % count;
                assert!(count == 1 || moved.verify(commitment).is_err());
                let mut longer = proof.clone();
                longer.siblings.push(B256::ZERO);
                assert!(matches!(
                    longer.verify(commitment),
                    Err(CellProofError::Siblings { .. })
                ));
                let mut resized = proof;
                resized.header.resolution.width += 64;
                assert!(resized.verify(commitment).is_err());
            }
            assert_eq!(pixels, picture.resolution().pixels());
            assert!(tree.prove(&picture, count).is_none());
        }
    }

    #[test]
    fn a_proof_from_a_peer_may_say_anything() {
        let picture = noisy(10, 10, 1);
        let tree = PixelTree::of(&picture);
        let mut proof = tree.prove(&picture, 0).unwrap();
        proof.header.resolution = Resolution {
            width: u32::MAX,
            height: 0,
        };
        assert!(matches!(
            proof.verify(tree.commitment()),
            Err(CellProofError::Header(_))
        ));
        proof.header.resolution = Resolution {
            width: SIDE_MAX,
            height: SIDE_MAX,
        };
        proof.index = u64::MAX;
        assert!(matches!(
            proof.verify(tree.commitment()),
            Err(CellProofError::Index { .. })
        ));
    }
}
