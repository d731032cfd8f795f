//! Networks: the only module that knows tract. A file is read and looked at once; then windows of pictures go through
//! it.
//!
//! | module | holds |
//! |---|---|
//! | [`error`] | what can be wrong with a file |
//! | [`mod@file`] | reading it, and what is refused at once |
//! | [`mod@survey`] | how far its pixels reach, and what it computes about the picture as a whole |
//! | [`field`], [`taps`] | the geometry of that |
//! | [`frozen`] | numbers about the whole picture, put in as constants |
//!
//! Everything here is single-threaded and gives the same bits for the same window on one kind of processor.

mod error;
mod field;
mod file;
mod frozen;
mod survey;
mod taps;

pub use error::NetworkError;
pub use frozen::Statistics;

use crate::{
    picture::{CHANNELS, Planes, Source},
    recipe::Values,
    tiling::{Cells, Reach, Window},
};
use frozen::Place;
use rayswarm_model::Resolution;
use std::sync::Arc;
use survey::survey;
use tract_onnx::{prelude::*, tract_core::knobs::KnobScope};

/// The library that runs networks, and its version: part of what decides a result's bits.
pub const LIBRARY: &str = "tract 0.23.9";

/// A network that was read and found fit to be computed in pieces.
#[derive(Clone, Debug)]
pub struct Network {
    model: InferenceModel,
    reach: Reach,
    bytes_per_pixel: u64,
    thumbnail_bytes_per_pixel: u64,
    /// Where it makes numbers about the whole picture.
    statistics: Vec<Place>,
}

/// A network made ready for windows of one size.
#[derive(Clone, Debug)]
pub struct Prepared {
    plan: Arc<TypedRunnableModel>,
    given: (usize, usize),
    made: (usize, usize),
}

/// Sides of the pictures by which a network is looked at. Both are multiples of every power of two that networks for
/// pictures divide by, and far larger than what their pixels reach.
const LOOKED_AT: [usize; 2] = [1_024, 1_152];
/// Side of the picture by which a network's range of numbers is found out.
const TRIED: u32 = 128;
/// A result this far above 1 is not of a network whose white is 1.
const UNIT_MAX: f32 = 4.0;

impl Network {
    /// Reads an ONNX file. Its bytes may be a stranger's: this belongs into a sandbox.
    pub fn read(bytes: &[u8]) -> Result<Self, NetworkError> {
        let model = file::read(bytes)?;
        let [side, larger] = LOOKED_AT;
        let typed = typed(&model, side, side)?;
        let found = survey(&typed)?;
        let (first, second) = (sides(&typed)?, sides(&self::typed(&model, larger, larger)?)?);
        let scale = whole_scale((side, first), (larger, second))?;
        let multiple = found.multiple;
        if side % multiple != 0 {
            return Err(NetworkError::Layout(format!("divides its picture by {multiple}")));
        }
        let halo = found
            .result
            .sides
            .iter()
            .map(|side| side.ends.before.max(side.ends.after))
            .max();
        let narrow = |pixels: usize| u32::try_from(pixels).unwrap_or(u32::MAX);
        let reach = Reach {
            scale: narrow(scale),
            multiple: narrow(multiple),
            margin: narrow((scale * side - first.0) / (2 * scale)),
            halo: narrow(halo.unwrap_or(0).div_ceil(scale)),
        };
        let statistics: Vec<_> = found
            .statistics
            .iter()
            .map(|outlet| Place::of(&typed, *outlet))
            .collect();
        Ok(Self {
            model,
            reach,
            thumbnail_bytes_per_pixel: bytes_per_pixel(typed.clone(), side)?,
            bytes_per_pixel: bytes_per_pixel(blank(typed, &statistics)?, side)?,
            statistics,
        })
    }

    /// How it uses the pixels around the one it computes.
    pub const fn reach(&self) -> Reach {
        self.reach
    }

    /// Memory that a window takes while it is computed, for each of its pixels.
    pub const fn bytes_per_pixel(&self) -> u64 {
        self.bytes_per_pixel
    }

    /// The same for the thumbnail, whose numbers are not known yet.
    pub const fn thumbnail_bytes_per_pixel(&self) -> u64 {
        self.thumbnail_bytes_per_pixel
    }

    /// How many numbers about the whole picture it uses.
    pub const fn statistics(&self) -> usize {
        self.statistics.len()
    }

    /// Measures the numbers about a whole picture on a thumbnail of at most `pixels_max` pixels; `spoken` turns its
    /// samples into the network's numbers.
    pub fn measure(
        &self,
        picture: &Source,
        pixels_max: u64,
        spoken: impl Fn(Planes) -> Planes,
    ) -> Result<Statistics, NetworkError> {
        if self.statistics.is_empty() {
            return Ok(Statistics::default());
        }
        let thumbnail = picture.thumbnail(pixels_max);
        let planes = spoken(thumbnail.window(self.whole_window(thumbnail.resolution())));
        let mut model = typed(&self.model, planes.width, planes.height)?;
        let outlets = self.statistics.iter().map(|place| place.within(&model));
        let outlets = outlets.collect::<Result<Vec<_>, _>>()?;
        model.select_output_outlets(&outlets).map_err(NetworkError::inner)?;
        let plan = ready(model)?;
        let values = plan
            .run(tvec!(tensor(planes)?.into_tvalue()))
            .map_err(NetworkError::inner)?;
        Ok(Statistics::of(&self.statistics, values))
    }

    /// Makes it ready for windows of this size, with the numbers of their picture.
    pub fn prepare(&self, width: u32, height: u32, statistics: &Statistics) -> Result<Prepared, NetworkError> {
        let given = (width as usize, height as usize);
        let mut model = typed(&self.model, given.0, given.1)?;
        statistics.put_into(&mut model)?;
        let made = sides(&model)?;
        let plan = ready(model)?;
        Ok(Prepared { plan, given, made })
    }

    /// The window that is a whole picture.
    pub fn whole_window(&self, picture: Resolution) -> Window {
        let side = picture.width.max(picture.height);
        let cells = Cells::new(picture, self.reach, side.max(1));
        let touched = cells.touching(cells.result().whole());
        touched.first().map_or(
            Window {
                x: 0,
                y: 0,
                width: 0,
                height: 0,
            },
            |cell| cell.window,
        )
    }

    /// Finds out which numbers it takes and gives, by a picture between 0 and 1. Networks whose black is -1 look like
    /// those whose black is 0: their recipes have to say so.
    pub fn guess_values(&self) -> Result<Values, NetworkError> {
        let planes = ramp(TRIED + 2 * self.reach.margin);
        let model = typed(&self.model, planes.width, planes.height)?;
        let plan = ready(model)?;
        let given = plan
            .run(tvec!(tensor(planes)?.into_tvalue()))
            .map_err(NetworkError::inner)?;
        let most = values(&given)?.iter().copied().fold(0.0, f32::max);
        Ok(if most > UNIT_MAX { Values::Bytes } else { Values::Unit })
    }
}

impl Prepared {
    /// Computes one window.
    pub fn run(&self, planes: Planes) -> Result<Planes, NetworkError> {
        if (planes.width, planes.height) != self.given {
            return Err(NetworkError::Inner(format!(
                "a window of {}x{} was given to a network made ready for {}x{}",
                planes.width, planes.height, self.given.0, self.given.1
            )));
        }
        let given = self
            .plan
            .run(tvec!(tensor(planes)?.into_tvalue()))
            .map_err(NetworkError::inner)?;
        let (width, height) = self.made;
        Ok(Planes {
            width,
            height,
            values: values(&given)?,
        })
    }
}

/// The network for one size of picture, its constants computed.
fn typed(model: &InferenceModel, width: usize, height: usize) -> Result<TypedModel, NetworkError> {
    let input = f32::fact([1, CHANNELS, height, width]).into();
    let mut model = model.clone();
    model.set_input_fact(0, input).map_err(NetworkError::inner)?;
    model
        .set_output_fact(0, InferenceFact::default())
        .map_err(NetworkError::inner)?;
    let mut model = model.into_typed().map_err(NetworkError::inner)?;
    model.prop_consts().map_err(NetworkError::inner)?;
    Ok(model)
}

/// The network as it will run. tract's direct convolution for wide pictures is left out: it takes two to five times as
/// long as the others on the networks and processors tried.
fn ready(model: TypedModel) -> Result<Arc<TypedRunnableModel>, NetworkError> {
    let scope = KnobScope::new([("TRACT_DISABLE_DIRECT_SPATIAL", "1")]).map_err(NetworkError::inner)?;
    let plan = scope.enter(|| model.into_optimized().and_then(TypedModel::into_runnable));
    plan.map_err(NetworkError::inner)
}

/// Width and height of a network's result.
fn sides(model: &TypedModel) -> Result<(usize, usize), NetworkError> {
    let fact = model.output_fact(0).map_err(NetworkError::inner)?;
    match fact.shape.as_concrete() {
        Some([1, CHANNELS, height, width]) if fact.datum_type == f32::datum_type() => Ok((*width, *height)),
        _ => Err(NetworkError::Layout(format!("gives {fact:?}"))),
    }
}

/// Pixels out for one pixel in, told by what becomes of two sizes.
fn whole_scale(
    (given, made): (usize, (usize, usize)),
    (larger, more): (usize, (usize, usize)),
) -> Result<usize, NetworkError> {
    let wrong = || NetworkError::Scale { given, found: made.0 };
    let grown = more.0.checked_sub(made.0).ok_or_else(wrong)?;
    let (scale, rest) = (grown / (larger - given), grown % (larger - given));
    let cut = (scale * given).checked_sub(made.0).ok_or_else(wrong)?;
    let is_even = made.0 == made.1 && scale > 0 && rest == 0 && cut % (2 * scale) == 0;
    if is_even { Ok(scale) } else { Err(wrong()) }
}

/// The network with some number in the place of those about the whole picture.
fn blank(mut model: TypedModel, places: &[Place]) -> Result<TypedModel, NetworkError> {
    Statistics::blank(&model, places)?.put_into(&mut model)?;
    Ok(model)
}

/// The most memory alive at once for a picture of `side`, divided by its pixels.
fn bytes_per_pixel(model: TypedModel, side: usize) -> Result<u64, NetworkError> {
    let model = model.into_decluttered().map_err(NetworkError::inner)?;
    let order = model.eval_order().map_err(NetworkError::inner)?;
    let is_computed = |node: &TypedNode| !node.outputs.iter().all(|output| output.fact.konst.is_some());
    let steps = model
        .eval_tmp_memory_usage(&order, is_computed)
        .map_err(NetworkError::inner)?;
    let most = steps
        .iter()
        .filter_map(|(_, bytes)| bytes.to_i64().ok())
        .max()
        .unwrap_or(0);
    Ok(u64::try_from(most).unwrap_or(0).div_ceil((side * side) as u64).max(1))
}

/// Colours that change slowly from black to white.
fn ramp(side: u32) -> Planes {
    let side = side as usize;
    let level = |at: usize| at as f32 / (side - 1).max(1) as f32;
    let mut values = Vec::with_capacity(CHANNELS * side * side);
    for channel in 0..CHANNELS {
        for row in 0..side {
            values.extend((0..side).map(|column| match channel {
                0 => level(column),
                1 => level(row),
                _ => level(side - 1 - column),
            }));
        }
    }
    Planes {
        width: side,
        height: side,
        values,
    }
}

fn tensor(planes: Planes) -> Result<Tensor, NetworkError> {
    let shape = [1, CHANNELS, planes.height, planes.width];
    Tensor::from_shape(&shape, &planes.values).map_err(NetworkError::inner)
}

fn values(given: &[TValue]) -> Result<Vec<f32>, NetworkError> {
    let first = given.first().ok_or(NetworkError::NoPicture)?;
    let view = first.to_plain_array_view::<f32>().map_err(NetworkError::inner)?;
    Ok(view.iter().copied().collect())
}

#[cfg(test)]
mod tests;
