//! Tiles and slices → one frame. The bytes depend on the plan alone, not on who finished first.
//!
//! A tile of one slice is copied bit for bit. Slices are summed in 64-bit floats in sample order, each weighted by its
//! number of samples, and rounded once; [`slice_rule`] says which passes come from the first slice instead. A slice that
//! arrives before its turn is kept (cropped to its tile) until the ones before it are there, so a caller that adds in
//! plan order holds the frame, one tile's sums and nothing else.

use crate::{
    crop::{CropError, crop, is_inside},
    layout::layout_difference,
    passes::{SliceRule, slice_rule},
    picture::{Channel, Picture, PictureError, SampleType, Samples},
};
use half::f16;
use rayswarm_model::{Bytes, Rect, Resolution, Slice};
use std::collections::{BTreeMap, HashMap};

/// One task's picture on its way into the frame.
#[derive(Clone, Debug)]
pub struct Part {
    /// The task's tile, in the frame.
    pub tile: Rect,
    /// The task's slice.
    pub slice: Slice,
    /// The pixels `picture` holds, in the frame: the tile and perhaps padding, or the whole frame.
    pub held: Rect,
    /// The decoded picture.
    pub picture: Picture,
}

/// Parts cannot become a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MergeError {
    /// The plan's tiles do not cover the frame exactly once.
    #[error("the plan's tiles do not cover {resolution} exactly once: {why}")]
    Tiles {
        /// The frame.
        resolution: Resolution,
        /// What is wrong.
        why: String,
    },
    /// The plan's slices are not one sequence of samples.
    #[error("the plan's slice {0:?} does not follow the one before it")]
    Slices(Slice),
    /// The part is not in the plan.
    #[error("tile {tile}, samples {} to {} are not in the plan", .slice.offset, .slice.offset.saturating_add(.slice.length))]
    Unplanned {
        /// Its tile.
        tile: Rect,
        /// Its slice.
        slice: Slice,
    },
    /// The part was added before.
    #[error("tile {tile}, slice {slice} was already added")]
    Twice {
        /// Its tile.
        tile: Rect,
        /// Its slice's index.
        slice: u32,
    },
    /// The picture is not of the pixels it is said to hold, or these do not contain the tile.
    #[error("the picture of tile {tile} is {size} and should hold {held}; render the task again")]
    Held {
        /// Its tile.
        tile: Rect,
        /// What it should hold.
        held: Rect,
        /// The picture's size.
        size: Resolution,
    },
    /// Channels, types or attributes differ from the first part's.
    #[error("the picture of tile {tile} has {found} where others have {expected}; render the task again")]
    Layout {
        /// Its tile.
        tile: Rect,
        /// The first part's.
        expected: String,
        /// This part's.
        found: String,
    },
    /// A pass whose slices cannot be merged.
    #[error("slices of channel {channel:?} cannot be merged: {why}; plan tiles instead of slices")]
    Unsliceable {
        /// The channel.
        channel: String,
        /// Why not.
        why: &'static str,
    },
    /// The frame would take too much memory.
    #[error(
        "a frame of {resolution} with {channels} channels takes {needed}, at most {limit} are allowed; render fewer passes"
    )]
    Memory {
        /// The frame.
        resolution: Resolution,
        /// Its channels.
        channels: usize,
        /// Bytes it takes.
        needed: Bytes,
        /// Bytes allowed.
        limit: Bytes,
    },
    /// Not all parts were added.
    #[error("{missing} of {planned} parts are missing, the first of them tile {tile}, slice {slice}")]
    Missing {
        /// How many are missing.
        missing: u64,
        /// How many there should be.
        planned: u64,
        /// The first missing one's tile.
        tile: Rect,
        /// The first missing one's slice.
        slice: u32,
    },
    /// Cutting a tile out failed.
    #[error("the tile cannot be cut out of its picture")]
    Crop(#[from] CropError),
    /// The frame is not a picture.
    #[error("the frame is not a picture")]
    Picture(#[from] PictureError),
}

/// Puts one frame together.
#[derive(Debug)]
pub struct Merger {
    resolution: Resolution,
    tiles: Vec<Rect>,
    tile_index: HashMap<Rect, usize>,
    slices: Vec<Slice>,
    total_samples: u64,
    progress: Vec<TileProgress>,
    frame: Option<Picture>,
    bytes_max: Bytes,
}

/// How far one tile is.
#[derive(Debug, Default)]
struct TileProgress {
    /// Slices summed so far; equals the number of slices when the tile is done.
    summed: usize,
    /// One sum per averaged channel, while some slices are summed and some are not.
    sums: Vec<Option<Vec<f64>>>,
    /// Slices that wait for earlier ones.
    waiting: BTreeMap<usize, Picture>,
}

impl Merger {
    /// For a frame cut as the plan says. The frame may take `bytes_max` of memory.
    pub fn new(resolution: Resolution, tiles: &[Rect], slices: &[Slice], bytes_max: Bytes) -> Result<Self, MergeError> {
        check_cover(resolution, tiles)?;
        let total_samples = check_slices(slices)?;
        Ok(Self {
            resolution,
            tiles: tiles.to_vec(),
            tile_index: tiles.iter().copied().zip(0..).collect(),
            slices: slices.to_vec(),
            total_samples,
            progress: tiles.iter().map(|_| TileProgress::default()).collect(),
            frame: None,
            bytes_max,
        })
    }

    /// Adds one part. A part that is refused leaves the frame as it was.
    pub fn add(&mut self, part: Part) -> Result<(), MergeError> {
        let Part {
            tile,
            slice,
            held,
            picture,
        } = part;
        let slice_at = self.slices.iter().position(|planned| *planned == slice);
        let (Some(slice_at), Some(tile_at)) = (slice_at, self.tile_index.get(&tile).copied()) else {
            return Err(MergeError::Unplanned { tile, slice });
        };
        let progress = &self.progress[tile_at];
        let summed = progress.summed;
        if slice_at < summed || progress.waiting.contains_key(&slice_at) {
            return Err(MergeError::Twice {
                tile,
                slice: slice.index,
            });
        }
        let size = picture.resolution();
        if (size.width, size.height) != (held.width, held.height)
            || !is_inside(held, self.resolution)
            || !held.contains(tile)
        {
            return Err(MergeError::Held { tile, held, size });
        }
        self.check_layout(tile, &picture)?;

        let inner = Rect {
            x: tile.x - held.x,
            y: tile.y - held.y,
            ..tile
        };
        if slice_at > summed {
            let cropped = if inner == size.whole() {
                picture
            } else {
                crop(&picture, inner)?
            };
            self.progress[tile_at].waiting.insert(slice_at, cropped);
            return Ok(());
        }
        self.sum(tile_at, slice_at, &picture, inner);
        while let Some((slice_at, next)) = self.next_waiting(tile_at) {
            let whole = next.resolution().whole();
            self.sum(tile_at, slice_at, &next, whole);
        }
        Ok(())
    }

    /// Parts that are not there yet, in plan order.
    pub fn missing(&self) -> impl Iterator<Item = (Rect, Slice)> + '_ {
        self.tiles.iter().zip(&self.progress).flat_map(move |(tile, progress)| {
            let open = move |at: &usize| *at >= progress.summed && !progress.waiting.contains_key(at);
            (0..self.slices.len())
                .filter(open)
                .map(move |at| (*tile, self.slices[at]))
        })
    }

    /// The finished frame.
    pub fn finish(self) -> Result<Picture, MergeError> {
        let first = self.missing().next();
        if let Some((tile, slice)) = first {
            let missing = self.missing().count() as u64;
            let planned = self.tiles.len() as u64 * self.slices.len() as u64;
            return Err(MergeError::Missing {
                missing,
                planned,
                tile,
                slice: slice.index,
            });
        }
        // Every frame has a tile, so with nothing missing the frame was begun.
        self.frame
            .ok_or(MergeError::Picture(PictureError::Empty(self.resolution)))
    }

    /// Begins the frame with the first part's channels; holds later parts against them.
    fn check_layout(&mut self, tile: Rect, picture: &Picture) -> Result<(), MergeError> {
        if let Some(frame) = &self.frame {
            if let Some((expected, found)) = layout_difference(frame, picture) {
                return Err(MergeError::Layout { tile, expected, found });
            }
            return Ok(());
        }
        if self.slices.len() > 1 {
            for channel in picture.channels() {
                if let SliceRule::Refused(why) = slice_rule(channel.name()) {
                    return Err(MergeError::Unsliceable {
                        channel: channel.name().into(),
                        why,
                    });
                }
            }
        }
        let pixel_bytes: u64 = picture
            .channels()
            .iter()
            .map(|channel| channel.samples().kind().bytes() as u64)
            .sum();
        let needed = Bytes(pixel_bytes.saturating_mul(self.resolution.pixels()));
        if needed > self.bytes_max {
            let (channels, limit) = (picture.channels().len(), self.bytes_max);
            return Err(MergeError::Memory {
                resolution: self.resolution,
                channels,
                needed,
                limit,
            });
        }
        let pixels = self.resolution.width as usize * self.resolution.height as usize;
        let blank = |channel: &Channel| Channel::new(channel.name(), Samples::zeros(channel.samples().kind(), pixels));
        let blanks = picture.channels().iter().map(blank).collect();
        self.frame = Some(Picture::new(self.resolution, blanks)?.with_attributes(picture.attributes().clone()));
        Ok(())
    }

    fn next_waiting(&mut self, tile_at: usize) -> Option<(usize, Picture)> {
        let progress = self.progress.get_mut(tile_at)?;
        let at = progress.summed;
        progress.waiting.remove(&at).map(|picture| (at, picture))
    }

    /// Takes in the slice whose turn it is: the part of `picture` inside `inner`. The last one fills the frame.
    fn sum(&mut self, tile_at: usize, slice_at: usize, picture: &Picture, inner: Rect) {
        let Some(frame) = self.frame.as_mut() else { return };
        let (tile, slice) = (self.tiles[tile_at], self.slices[slice_at]);
        let progress = &mut self.progress[tile_at];
        let (only, last) = (self.slices.len() == 1, slice_at + 1 == self.slices.len());
        progress.sums.resize_with(picture.channels().len(), || None);
        let span = Span {
            from: (inner.x as usize, inner.y as usize),
            from_stride: picture.resolution().width as usize,
            to: (tile.x as usize, tile.y as usize),
            to_stride: frame.resolution().width as usize,
            width: tile.width as usize,
            height: tile.height as usize,
        };
        for ((into, channel), sums) in frame
            .channels_mut()
            .iter_mut()
            .zip(picture.channels())
            .zip(&mut progress.sums)
        {
            if only || rule_of(channel) == SliceRule::First {
                if slice_at == 0 {
                    copy(channel.samples(), into.samples_mut(), &span);
                }
                continue;
            }
            let sums = sums.get_or_insert_with(|| vec![0.0; span.width * span.height]);
            accumulate(channel.samples(), sums, f64::from(slice.length), &span);
            if last {
                settle(sums, into.samples_mut(), self.total_samples as f64, &span);
            }
        }
        progress.summed += 1;
        if last {
            progress.sums = Vec::new();
        }
    }
}

/// Integers are identities, never sums.
fn rule_of(channel: &Channel) -> SliceRule {
    match channel.samples().kind() {
        SampleType::U32 => SliceRule::First,
        SampleType::F16 | SampleType::F32 => slice_rule(channel.name()),
    }
}

/// A rectangle of one picture and where it goes in another.
struct Span {
    from: (usize, usize),
    from_stride: usize,
    to: (usize, usize),
    to_stride: usize,
    width: usize,
    height: usize,
}

impl Span {
    fn rows<'a, T>(&self, samples: &'a [T]) -> impl Iterator<Item = &'a [T]> {
        let (left, width) = (self.from.0, self.width);
        samples
            .chunks_exact(self.from_stride)
            .skip(self.from.1)
            .take(self.height)
            .map(move |row| &row[left..left + width])
    }

    fn rows_mut<'a, T>(&self, samples: &'a mut [T]) -> impl Iterator<Item = &'a mut [T]> {
        let (left, width) = (self.to.0, self.width);
        samples
            .chunks_exact_mut(self.to_stride)
            .skip(self.to.1)
            .take(self.height)
            .map(move |row| &mut row[left..left + width])
    }
}

fn copy(from: &Samples, to: &mut Samples, span: &Span) {
    fn rows<T: Copy>(from: &[T], to: &mut [T], span: &Span) {
        span.rows_mut(to)
            .zip(span.rows(from))
            .for_each(|(to, from)| to.copy_from_slice(from));
    }
    match (from, to) {
        (Samples::F16(from), Samples::F16(to)) => rows(from, to, span),
        (Samples::F32(from), Samples::F32(to)) => rows(from, to, span),
        (Samples::U32(from), Samples::U32(to)) => rows(from, to, span),
        // Types were compared before; a mixed pair cannot be.
        _ => {}
    }
}

fn accumulate(from: &Samples, sums: &mut [f64], weight: f64, span: &Span) {
    fn rows<T: Copy>(from: &[T], sums: &mut [f64], span: &Span, weighted: impl Fn(T) -> f64) {
        for (sums, from) in sums.chunks_exact_mut(span.width).zip(span.rows(from)) {
            for (sum, sample) in sums.iter_mut().zip(from) {
                *sum += weighted(*sample);
            }
        }
    }
    match from {
        Samples::F16(from) => rows(from, sums, span, |sample| weight * sample.to_f64()),
        Samples::F32(from) => rows(from, sums, span, |sample| weight * f64::from(sample)),
        Samples::U32(from) => rows(from, sums, span, |sample| weight * f64::from(sample)),
    }
}

fn settle(sums: &[f64], to: &mut Samples, total: f64, span: &Span) {
    fn rows<T>(sums: &[f64], to: &mut [T], span: &Span, rounded: impl Fn(f64) -> T) {
        for (to, sums) in span.rows_mut(to).zip(sums.chunks_exact(span.width)) {
            for (sample, sum) in to.iter_mut().zip(sums) {
                *sample = rounded(*sum);
            }
        }
    }
    match to {
        Samples::F16(to) => rows(sums, to, span, |sum| f16::from_f64(sum / total)),
        Samples::F32(to) => rows(sums, to, span, |sum| (sum / total) as f32),
        Samples::U32(to) => rows(sums, to, span, |sum| (sum / total) as u32),
    }
}

/// Tiles are inside, do not overlap, and have as many pixels as the frame.
fn check_cover(resolution: Resolution, tiles: &[Rect]) -> Result<(), MergeError> {
    let refuse = |why| Err(MergeError::Tiles { resolution, why });
    if let Some(tile) = tiles.iter().find(|tile| !is_inside(**tile, resolution)) {
        return refuse(format!("{tile} is empty or outside"));
    }
    let mut sorted = tiles.to_vec();
    sorted.sort();
    for (at, tile) in sorted.iter().enumerate() {
        let beside = sorted[at + 1..].iter().take_while(|other| other.x < tile.right());
        let mut overlapping = beside.filter(|other| other.y < tile.bottom() && tile.y < other.bottom());
        if let Some(other) = overlapping.next() {
            return refuse(format!("{tile} and {other} overlap"));
        }
    }
    let covered: u64 = tiles.iter().map(|tile| tile.pixels()).sum();
    if covered != resolution.pixels() {
        return refuse(format!("{} pixels are in no tile", resolution.pixels() - covered));
    }
    Ok(())
}

/// Slices follow one another from sample zero; returns how many samples they hold together.
fn check_slices(slices: &[Slice]) -> Result<u64, MergeError> {
    let mut next = 0u64;
    for (index, slice) in slices.iter().enumerate() {
        let in_place = slice.index as usize == index && slice.count as usize == slices.len();
        if !in_place || u64::from(slice.offset) != next || slice.length == 0 {
            return Err(MergeError::Slices(*slice));
        }
        next += u64::from(slice.length);
    }
    if next == 0 {
        Err(MergeError::Slices(Slice::whole(0)))
    } else {
        Ok(next)
    }
}

#[cfg(test)]
mod tests;
