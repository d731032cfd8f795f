//! From scene facts, settings and cost to frame × tile × slice tasks of a sensible size.
//!
//! A task should take the median provider 10–60 s: long enough that hand-overs cost nothing, short enough that one slow
//! machine delays nobody. A frame cheaper than that is one task (leases batch cheap tasks). Tiles come first, since
//! merged tiles equal the whole picture bit for bit; slices, whose merge equals it only within 1e-5, are used when asked
//! for, or when tiles alone would leave tasks far too long.

mod error;

pub use error::PlanError;

use crate::{cost::CostMap, grid};
use rayswarm_model::{
    Frames, Plan, RenderSettings, Resolution, SceneFacts, Slice, TaskId, TaskSpec, picture::SIDE_MAX,
};

/// A task shorter than this is not cut further.
const TASK_MS_MIN: u64 = 10_000;
/// A task longer than this is cut further.
const TASK_MS_MAX: u64 = 60_000;
/// Auto slices only tasks that even tiled take twice the longest wanted: tiles are exact and slices nearly.
const SLICE_ABOVE_MS: u64 = 2 * TASK_MS_MAX;
/// Tasks per provider that keep slow and fast ones busy to the end.
const TASKS_PER_PROVIDER: u64 = 10;
/// Tiles below this side lose more to borders, and show more, than their parallelism is worth.
const AUTO_SIDE_MIN: u32 = 32;
/// Tiles a person asks for may be smaller, but engines stop being exact at a few pixels.
pub(crate) const ASKED_SIDE_MIN: u32 = 8;
/// Auto spends at most a quarter more pixels on padding.
const AUTO_OVERHEAD_PERMILLE_MAX: u64 = 1_250;
/// Slices of one tile at most: each is a full-size picture to send, store and add up.
const AUTO_SLICES_MAX: u64 = 16;
/// Tiles of one frame at most.
const AUTO_TILES_MAX: u64 = 4_096;
/// Tasks of one job at most: what requestor, journal and scheduler are built for.
pub const TASKS_MAX: u64 = 1_000_000;
/// A provider of unknown speed is taken for one reference core: one WU per second.
const REFERENCE_MILLI_WU: u64 = 1_000;

/// What to plan.
#[derive(Clone, Debug)]
pub struct PlanRequest<'a> {
    /// What inspecting the scene found.
    pub facts: &'a SceneFacts,
    /// Settings of the job, the artist's overrides applied.
    pub settings: RenderSettings,
    /// Frames to render.
    pub frames: Frames,
    /// How to cut frames into tiles.
    pub tiles: TileChoice,
    /// How to cut samples into slices.
    pub slices: SliceChoice,
    /// What each place of each frame costs.
    pub cost: &'a CostMap,
    /// Who is expected to render.
    pub providers: ExpectedProviders,
}

/// How to cut a frame into tiles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TileChoice {
    /// As cost, providers and padding suggest.
    Auto,
    /// This many columns and rows.
    Grid {
        /// Tiles across.
        columns: u32,
        /// Tiles down.
        rows: u32,
    },
}

/// How to cut a tile's samples into slices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceChoice {
    /// Only where tiles alone leave tasks far too long.
    Auto,
    /// This many.
    Count(u32),
}

/// The providers a plan is made for. It also suits others: leases adapt to whoever comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExpectedProviders {
    /// How many.
    pub count: u32,
    /// Median speed in milli-WU per second; zero if unknown.
    pub median_milli_wu_per_second: u64,
}

/// Plans a job, or says why it cannot be planned as asked and what to change.
pub fn plan(request: PlanRequest<'_>) -> Result<Plan, PlanError> {
    check_scene(&request)?;
    let shape = match (request.tiles, request.slices) {
        _ if request.facts.sequential => sequential_shape(&request)?,
        (TileChoice::Auto, SliceChoice::Auto) => auto_shape(&request, None),
        (TileChoice::Auto, SliceChoice::Count(count)) => {
            check_slices(&request, count)?;
            auto_shape(&request, Some(count))
        }
        (TileChoice::Grid { columns, rows }, slices) => {
            check_grid(&request, columns, rows)?;
            let slices = match slices {
                // Someone who chose tiles chose exactness with them.
                SliceChoice::Auto => 1,
                SliceChoice::Count(count) => count,
            };
            check_slices(&request, slices)?;
            Shape { columns, rows, slices }
        }
    };
    shape.check_count(&request)?;
    Ok(build(request, shape))
}

/// How every frame is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Shape {
    columns: u32,
    rows: u32,
    slices: u32,
}

impl Shape {
    const WHOLE: Self = Self {
        columns: 1,
        rows: 1,
        slices: 1,
    };

    fn tiles(self) -> u64 {
        u64::from(self.columns) * u64::from(self.rows)
    }

    fn check_count(self, request: &PlanRequest<'_>) -> Result<(), PlanError> {
        let (frames, tiles, slices) = (request.frames.len() as u64, self.tiles(), u64::from(self.slices));
        let tasks = frames.saturating_mul(tiles).saturating_mul(slices);
        if tasks > TASKS_MAX {
            Err(PlanError::TooManyTasks {
                frames,
                tiles,
                slices,
                tasks,
            })
        } else {
            Ok(())
        }
    }
}

fn check_scene(request: &PlanRequest<'_>) -> Result<(), PlanError> {
    if let Some(refusal) = request.facts.refusals().next() {
        return Err(PlanError::SceneRefused {
            message: refusal.message.clone(),
            remedy: refusal.remedy.clone(),
        });
    }
    let asked = request.settings.resolution;
    let possible = 1..=SIDE_MAX;
    if !possible.contains(&asked.width) || !possible.contains(&asked.height) {
        return Err(PlanError::Resolution { resolution: asked });
    }
    if request.cost.resolution() != asked {
        return Err(PlanError::CostOfOtherResolution {
            measured: request.cost.resolution(),
            asked,
        });
    }
    if request.settings.samples == 0 {
        Err(PlanError::NoSamples)
    } else {
        Ok(())
    }
}

fn check_grid(request: &PlanRequest<'_>, columns: u32, rows: u32) -> Result<(), PlanError> {
    if columns == 0 || rows == 0 {
        return Err(PlanError::NoTiles { columns, rows });
    }
    if columns == 1 && rows == 1 {
        return Ok(());
    }
    if !request.facts.tiles_exact {
        return Err(PlanError::TilesNotExact {
            columns,
            rows,
            engine: request.facts.engine.clone(),
        });
    }
    let resolution = request.settings.resolution;
    // A side that is not cut may be as short as the picture itself.
    let too_small = |side: u32, parts: u32| parts > 1 && side / parts < ASKED_SIDE_MIN;
    if too_small(resolution.width, columns) || too_small(resolution.height, rows) {
        return Err(PlanError::TilesTooSmall {
            columns,
            rows,
            resolution,
        });
    }
    Ok(())
}

fn check_slices(request: &PlanRequest<'_>, count: u32) -> Result<(), PlanError> {
    let samples = request.settings.samples;
    if count == 0 || count > samples {
        return Err(PlanError::SliceCount { count, samples });
    }
    match slices_refused(request.facts) {
        Some(reason) if count > 1 => Err(PlanError::SlicesRefused { count, reason }),
        _ => Ok(()),
    }
}

fn slices_refused(facts: &SceneFacts) -> Option<String> {
    let adaptive = || {
        facts
            .adaptive_sampling
            .then(|| "adaptive sampling decides on all samples at once".to_owned())
    };
    facts.slices_refused.clone().or_else(adaptive)
}

fn sequential_shape(request: &PlanRequest<'_>) -> Result<Shape, PlanError> {
    match (request.tiles, request.slices) {
        (TileChoice::Grid { columns, rows }, _) if (columns, rows) != (1, 1) => {
            Err(PlanError::Sequential { what: "tiles" })
        }
        (_, SliceChoice::Count(count)) if count != 1 => Err(PlanError::Sequential { what: "slices" }),
        _ => Ok(Shape::WHOLE),
    }
}

/// The shape that suits cost and providers. With `slices` given only the tiles are chosen.
fn auto_shape(request: &PlanRequest<'_>, slices: Option<u32>) -> Shape {
    let rate = match request.providers.median_milli_wu_per_second {
        0 => REFERENCE_MILLI_WU,
        rate => rate,
    };
    let frame_ms = frame_work_mean(request).saturating_mul(1000) / rate;
    let fixed_slices = slices.unwrap_or(1).max(1);
    let resolution = request.settings.resolution;
    let (columns, rows) = if request.facts.tiles_exact {
        let wanted = pieces_wanted(request, frame_ms / u64::from(fixed_slices)).min(AUTO_TILES_MAX);
        best_grid(resolution, wanted, request.facts)
    } else {
        (1, 1)
    };
    let shape = Shape {
        columns,
        rows,
        slices: fixed_slices,
    };
    let overhead = grid::padding_overhead_permille(resolution, columns, rows, request.facts.tile_padding);
    let tile_ms = frame_ms.saturating_mul(overhead) / 1000 / shape.tiles();
    if slices.is_some() || tile_ms <= SLICE_ABOVE_MS || slices_refused(request.facts).is_some() {
        return shape;
    }
    let most = AUTO_SLICES_MAX.min(u64::from(request.settings.samples));
    let slices = pieces_wanted(request, tile_ms).clamp(1, most.max(1));
    Shape {
        slices: u32::try_from(slices).unwrap_or(1),
        ..shape
    }
}

/// Into how many pieces something of `ms` on the median provider should be cut: ten tasks for every provider, as long
/// as pieces stay within 10–60 s.
fn pieces_wanted(request: &PlanRequest<'_>, ms: u64) -> u64 {
    if ms < TASK_MS_MIN {
        return 1;
    }
    let tasks = TASKS_PER_PROVIDER * u64::from(request.providers.count.max(1));
    let for_everyone = tasks.div_ceil(request.frames.len() as u64);
    for_everyone.clamp(ms.div_ceil(TASK_MS_MAX), ms / TASK_MS_MIN)
}

/// The grid nearest to `wanted` tiles with the squarest tiles, none tiny, padding kept within bounds.
fn best_grid(resolution: Resolution, wanted: u64, facts: &SceneFacts) -> (u32, u32) {
    let padding = facts.tile_padding;
    let parts_max = |pixels: u32| match facts.tile_step {
        0 | 1 => u64::from(pixels / AUTO_SIDE_MIN),
        // On a grid of its own an engine cuts no finer than that.
        step => u64::from(pixels.div_ceil(step.max(AUTO_SIDE_MIN))),
    };
    let mut best = ((1, 1), u64::MAX);
    let columns_max = parts_max(resolution.width).min(wanted).max(1);
    let rows_max = parts_max(resolution.height).max(1);
    for columns in 1..=columns_max {
        for rows in [wanted / columns, wanted.div_ceil(columns)] {
            let (columns, mut rows) = (columns as u32, rows.clamp(1, rows_max) as u32);
            let too_padded =
                |rows| grid::padding_overhead_permille(resolution, columns, rows, padding) > AUTO_OVERHEAD_PERMILLE_MAX;
            while rows > 1 && too_padded(rows) {
                rows -= 1;
            }
            let badness = grid_badness(resolution, columns, rows, wanted);
            if badness < best.1 && !too_padded(rows) {
                best = ((columns, rows), badness);
            }
        }
    }
    best.0
}

/// Missing the wanted number by a tenth is as bad as tiles twice as long as wide.
fn grid_badness(resolution: Resolution, columns: u32, rows: u32, wanted: u64) -> u64 {
    let count = u64::from(columns) * u64::from(rows);
    let missed = count.abs_diff(wanted) * 1000 / wanted.max(1);
    let (width, height) = (
        u64::from(resolution.width) * u64::from(rows),
        u64::from(resolution.height) * u64::from(columns),
    );
    let aspect = width.max(height) * 100 / width.min(height).max(1);
    missed + aspect
}

/// Mean work of the job's frames in milli-WU, from at most 64 of them spread evenly.
fn frame_work_mean(request: &PlanRequest<'_>) -> u64 {
    let frames = request.frames.as_slice();
    let step = frames.len().div_ceil(64);
    let works: Vec<u64> = frames
        .iter()
        .step_by(step)
        .map(|&frame| request.cost.frame_work(frame, request.settings.samples).milli_wu)
        .collect();
    works.iter().fold(0u64, |sum, work| sum.saturating_add(*work)) / works.len().max(1) as u64
}

/// Lays out the tasks: frame by frame, tile by tile, slice by slice.
fn build(request: PlanRequest<'_>, shape: Shape) -> Plan {
    let PlanRequest {
        facts,
        settings,
        frames,
        cost,
        ..
    } = request;
    let tiles = grid::stepped_tiles(settings.resolution, shape.columns, shape.rows, facts.tile_step);
    let slices = if shape.slices == 1 {
        vec![Slice::whole(settings.samples)]
    } else {
        grid::slices(settings.samples, shape.slices)
    };
    let tile_padding = if tiles.len() == 1 { 0 } else { facts.tile_padding };
    let mut tasks = Vec::with_capacity(frames.len() * tiles.len() * slices.len());
    for &frame in frames.as_slice() {
        let (work, weights) = cost.tiled_work(frame, settings.samples, &tiles, tile_padding);
        let pieces: Vec<u64> = weights
            .iter()
            .flat_map(|weight| {
                slices
                    .iter()
                    .map(|slice| piece_weight(*weight, *slice, settings.samples))
            })
            .collect();
        let mut shares = grid::apportion(work.milli_wu, &pieces).into_iter();
        for &tile in &tiles {
            for &slice in &slices {
                let work = rayswarm_model::Work {
                    milli_wu: shares.next().unwrap_or(1),
                };
                tasks.push(TaskSpec {
                    id: TaskId(tasks.len() as u64),
                    frame,
                    tile,
                    slice,
                    work,
                });
            }
        }
    }
    Plan {
        engine: facts.engine.clone(),
        engine_version: facts.engine_version.clone(),
        settings,
        frames,
        tiles,
        tile_padding,
        slices,
        sequential: facts.sequential,
        tasks,
    }
}

/// A tile's weight times the slice's part of the samples.
fn piece_weight(tile: u64, slice: Slice, samples: u32) -> u64 {
    let weight = u128::from(tile) * u128::from(slice.length) / u128::from(samples.max(1));
    u64::try_from(weight).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
