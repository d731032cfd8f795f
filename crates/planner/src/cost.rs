//! What a picture costs and where: a map fitted to a few cheap probe renders.
//!
//! The model is `work = fixed + Σ area · samples · density(x, y)`. A probe is a small crop at few samples whose CPU time
//! was measured on a machine of known speed. Crops rendered at two sample counts give the fixed part (scene update and
//! BVH of a frame); every crop gives a density; a coarse grid spreads densities over the picture, and frames between
//! probed ones are interpolated. Floats stay inside: the same probes give the same integers everywhere, since only
//! additions, multiplications, divisions and square roots are used, which IEEE 754 rounds alike on every machine.

use rayswarm_model::{CpuTime, Frames, Rect, Resolution, Work};
use serde::{Deserialize, Serialize};

/// Cells of the density grid along each side: fine enough to tell sky from glass, coarse enough for a dozen probes.
const CELLS: u32 = 8;
/// Relative error that stays however many probes are made: timers, the probing machine's own speed, caches.
const ERROR_FLOOR: f64 = 0.10;
/// Relative error of one probe alone: the spread of densities over a picture that no second probe has shown.
const ERROR_SINGLE_PROBE: f64 = 0.50;
/// Relative error of frames when only one of several was probed.
const ERROR_SINGLE_FRAME: f64 = 0.20;

/// One measured crop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProbeSample {
    /// Frame number.
    pub frame: i32,
    /// Pixels rendered, in the job's resolution.
    pub rect: Rect,
    /// Samples per pixel taken.
    pub samples: u32,
    /// CPU time it took, without loading the scene.
    pub cpu: CpuTime,
}

/// All that was measured about a scene before planning.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The job's resolution.
    pub resolution: Resolution,
    /// Speed of the probing machine: milli-WU that one second of its CPU time does.
    pub milli_wu_per_cpu_second: u64,
    /// The measured crops. Two crops of one place at different sample counts reveal the fixed cost of a frame.
    pub crops: Vec<ProbeSample>,
}

/// The cost of every place of every frame.
#[derive(Clone, Debug, PartialEq)]
pub struct CostMap {
    resolution: Resolution,
    /// Milli-WU a frame costs before its first sample.
    fixed: f64,
    /// Probed frames, ascending.
    frames: Vec<FrameDensity>,
    /// Square of the relative standard error within frames.
    spatial_variance: f64,
    /// Square of the relative standard error between frames.
    temporal_variance: f64,
}

/// Milli-WU per pixel and sample in each cell, row by row.
#[derive(Clone, Debug, PartialEq)]
struct FrameDensity {
    frame: i32,
    cells: Vec<f64>,
}

/// Probes from which no cost can be learned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CostError {
    /// Nothing was probed.
    #[error("no probe render was made, so the cost is unknown; probe at least one crop")]
    NoProbes,
    /// A crop is empty, took no samples, or lies outside the picture.
    #[error("probe crop {rect} with {samples} samples is not part of a {resolution} picture; probe inside it")]
    BadCrop {
        /// The crop.
        rect: Rect,
        /// Its samples.
        samples: u32,
        /// The picture.
        resolution: Resolution,
    },
    /// The probing machine's speed is zero.
    #[error("the speed of the probing machine is unknown; run its benchmark first")]
    NoRate,
}

impl CostMap {
    /// Fits a map to measurements.
    pub fn fit(probe: &Probe) -> Result<Self, CostError> {
        if probe.crops.is_empty() {
            return Err(CostError::NoProbes);
        }
        if probe.milli_wu_per_cpu_second == 0 {
            return Err(CostError::NoRate);
        }
        let resolution = probe.resolution;
        for &ProbeSample { rect, samples, .. } in &probe.crops {
            if rect.pixels() == 0 || samples == 0 || !inside(rect, resolution) {
                return Err(CostError::BadCrop {
                    rect,
                    samples,
                    resolution,
                });
            }
        }
        let crops: Vec<Measured> = probe
            .crops
            .iter()
            .map(|crop| measure(crop, probe.milli_wu_per_cpu_second))
            .collect();
        let fixed = fixed_part(&crops);
        let densities: Vec<(i32, Rect, f64)> = crops
            .iter()
            .map(|crop| {
                (
                    crop.frame,
                    crop.rect,
                    (crop.milli_wu - fixed).max(0.0) / crop.pixel_samples,
                )
            })
            .collect();
        let mut numbers: Vec<i32> = densities.iter().map(|density| density.0).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let mut frames = Vec::with_capacity(numbers.len());
        let mut spreads = Vec::with_capacity(numbers.len());
        for frame in numbers {
            let here: Vec<(Rect, f64)> = densities
                .iter()
                .filter(|density| density.0 == frame)
                .map(|density| (density.1, density.2))
                .collect();
            spreads.push(Spread::of(&here.iter().map(|density| density.1).collect::<Vec<_>>()));
            frames.push(FrameDensity {
                frame,
                cells: spread_over_cells(resolution, &here),
            });
        }
        // Each frame's own error counts once and shrinks with the number of frames probed.
        let count = spreads.len() as f64;
        let spatial_variance = spreads.iter().map(|spread| spread.relative_variance).sum::<f64>() / (count * count);
        let between = Spread::of(&spreads.iter().map(|spread| spread.mean).collect::<Vec<_>>());
        let temporal_variance = if frames.len() < 2 {
            ERROR_SINGLE_FRAME * ERROR_SINGLE_FRAME
        } else {
            between.relative_variance
        };
        Ok(Self {
            resolution,
            fixed,
            frames,
            spatial_variance,
            temporal_variance,
        })
    }

    /// A map that says every pixel of every frame costs the same: `frame` in all at `samples` per pixel. For scenes
    /// whose cost is known from elsewhere, such as an earlier job.
    pub fn flat(resolution: Resolution, samples: u32, frame: Work) -> Self {
        let pixel_samples = resolution.pixels().max(1) as f64 * f64::from(samples.max(1));
        let cells = vec![frame.milli_wu as f64 / pixel_samples; (CELLS * CELLS) as usize];
        let frames = vec![FrameDensity { frame: 0, cells }];
        Self {
            resolution,
            fixed: 0.0,
            frames,
            spatial_variance: 0.0,
            temporal_variance: 0.0,
        }
    }

    /// The picture it is a map of.
    pub const fn resolution(&self) -> Resolution {
        self.resolution
    }

    /// Expected work of a whole frame at `samples` per pixel; at least one milli-WU.
    pub fn frame_work(&self, frame: i32, samples: u32) -> Work {
        to_work(self.fixed + self.rect_cost(frame, self.resolution.whole(), samples))
    }

    /// Expected work of a frame cut into `tiles`, each rendered with `padding` pixels around it, and the weight of each
    /// tile in it. Without padding the work is [`Self::frame_work`], up to rounding.
    pub fn tiled_work(&self, frame: i32, samples: u32, tiles: &[Rect], padding: u32) -> (Work, Vec<u64>) {
        let costs: Vec<f64> = tiles
            .iter()
            .map(|tile| self.rect_cost(frame, tile.padded(padding, self.resolution), samples))
            .collect();
        let sum: f64 = costs.iter().sum();
        // Weights are relative; 2^40 steps keep every tile of a large grid apart and fit u64 with room to add.
        let scale = if sum > 0.0 { (1u64 << 40) as f64 / sum } else { 0.0 };
        (
            to_work(self.fixed + sum),
            costs.iter().map(|cost| (cost * scale) as u64).collect(),
        )
    }

    /// Expected relative error of the total over `frames`, in thousandths: 250 means ±25 %.
    pub fn relative_error_permille(&self, frames: &Frames) -> u32 {
        let probed = |frame: &i32| self.frames.iter().any(|known| known.frame == *frame);
        let temporal = if frames.as_slice().iter().all(probed) {
            0.0
        } else {
            self.temporal_variance
        };
        let variance = ERROR_FLOOR * ERROR_FLOOR + self.spatial_variance + temporal;
        ((variance.sqrt() * 1000.0) as u32).min(1000)
    }

    /// Milli-WU of a rectangle without the fixed part.
    fn rect_cost(&self, frame: i32, rect: Rect, samples: u32) -> f64 {
        let mut cost = 0.0;
        for index in 0..CELLS * CELLS {
            let cell = cell_rect(self.resolution, index);
            let pixels = overlap(cell, rect);
            if pixels > 0 {
                cost += pixels as f64 * self.density(frame, index as usize);
            }
        }
        cost * f64::from(samples)
    }

    /// Density of a cell at a frame: linear between probed frames, constant beyond them.
    fn density(&self, frame: i32, cell: usize) -> f64 {
        let at = self.frames.partition_point(|known| known.frame < frame);
        let before = at.checked_sub(1).and_then(|index| self.frames.get(index));
        match (before, self.frames.get(at)) {
            (Some(a), Some(b)) => {
                let span = f64::from(b.frame) - f64::from(a.frame);
                let part = (f64::from(frame) - f64::from(a.frame)) / span;
                a.cells[cell] + (b.cells[cell] - a.cells[cell]) * part
            }
            (Some(only), None) | (None, Some(only)) => only.cells[cell],
            (None, None) => 0.0,
        }
    }
}

/// A crop in units of work.
struct Measured {
    frame: i32,
    rect: Rect,
    pixel_samples: f64,
    milli_wu: f64,
}

fn measure(crop: &ProbeSample, milli_wu_per_cpu_second: u64) -> Measured {
    Measured {
        frame: crop.frame,
        rect: crop.rect,
        pixel_samples: crop.rect.pixels() as f64 * f64::from(crop.samples),
        milli_wu: crop.cpu.millis as f64 * milli_wu_per_cpu_second as f64 / 1000.0,
    }
}

/// The cost of a frame before its first sample: where the lines through pairs of crops of one place meet zero samples
/// (the median of them). Zero where no place was probed twice.
fn fixed_part(crops: &[Measured]) -> f64 {
    let mut meets = Vec::new();
    for (index, a) in crops.iter().enumerate() {
        for b in &crops[index + 1..] {
            if a.frame == b.frame && a.rect == b.rect && a.pixel_samples != b.pixel_samples {
                let slope = (b.milli_wu - a.milli_wu) / (b.pixel_samples - a.pixel_samples);
                meets.push((a.milli_wu - slope.max(0.0) * a.pixel_samples).max(0.0));
            }
        }
    }
    meets.sort_by(f64::total_cmp);
    // No more than the cheapest crop cost in all, or its density would be negative.
    let cheapest = crops.iter().map(|crop| crop.milli_wu).fold(f64::INFINITY, f64::min);
    meets.get(meets.len() / 2).copied().unwrap_or(0.0).min(cheapest)
}

/// Mean of some densities and how far it may be off.
struct Spread {
    mean: f64,
    /// Variance of the mean, relative to its square.
    relative_variance: f64,
}

impl Spread {
    fn of(values: &[f64]) -> Self {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count.max(1.0);
        if values.len() < 2 {
            return Self {
                mean,
                relative_variance: ERROR_SINGLE_PROBE * ERROR_SINGLE_PROBE,
            };
        }
        let variance = values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / (count - 1.0);
        let relative_variance = if mean > 0.0 {
            variance / (count * mean * mean)
        } else {
            1.0
        };
        Self {
            mean,
            relative_variance,
        }
    }
}

/// Densities of every cell: of the crops that touch it, weighted by overlap; elsewhere of all crops, weighted by the
/// inverse square of their distance.
fn spread_over_cells(resolution: Resolution, crops: &[(Rect, f64)]) -> Vec<f64> {
    let cell_density = |index: u32| {
        let cell = cell_rect(resolution, index);
        let touching = crops
            .iter()
            .map(|(rect, density)| (overlap(cell, *rect) as f64, *density));
        let near = weighted_mean(touching);
        near.or_else(|| {
            weighted_mean(
                crops
                    .iter()
                    .map(|(rect, density)| (1.0 / distance_squared(cell, *rect), *density)),
            )
        })
        .unwrap_or(0.0)
    };
    (0..CELLS * CELLS).map(cell_density).collect()
}

fn weighted_mean(parts: impl Iterator<Item = (f64, f64)>) -> Option<f64> {
    let (weights, sum) = parts.fold((0.0, 0.0), |(weights, sum), (weight, value)| {
        (weights + weight, sum + weight * value)
    });
    (weights > 0.0).then(|| sum / weights)
}

fn cell_rect(resolution: Resolution, index: u32) -> Rect {
    let edge = |side: u32, at: u32| (u64::from(side) * u64::from(at) / u64::from(CELLS)) as u32;
    let (column, row) = (index % CELLS, index / CELLS);
    let (x, y) = (edge(resolution.width, column), edge(resolution.height, row));
    let (right, bottom) = (edge(resolution.width, column + 1), edge(resolution.height, row + 1));
    Rect {
        x,
        y,
        width: right - x,
        height: bottom - y,
    }
}

fn overlap(a: Rect, b: Rect) -> u64 {
    let width = a.right().min(b.right()).saturating_sub(a.x.max(b.x));
    let height = a.bottom().min(b.bottom()).saturating_sub(a.y.max(b.y));
    u64::from(width) * u64::from(height)
}

/// Square of the distance between centres in pixels; at least one.
fn distance_squared(a: Rect, b: Rect) -> f64 {
    let centre = |start: u32, length: u32| f64::from(start) + f64::from(length) / 2.0;
    let dx = centre(a.x, a.width) - centre(b.x, b.width);
    let dy = centre(a.y, a.height) - centre(b.y, b.height);
    (dx * dx + dy * dy).max(1.0)
}

/// Whether a crop a caller gives lies inside the picture, without trusting its sums.
fn inside(rect: Rect, resolution: Resolution) -> bool {
    let fits = |start: u32, length: u32, side: u32| start.checked_add(length).is_some_and(|end| end <= side);
    fits(rect.x, rect.width, resolution.width) && fits(rect.y, rect.height, resolution.height)
}

/// Rounds to the nearest milli-WU; nothing costs less than one. The cast saturates.
fn to_work(milli_wu: f64) -> Work {
    Work {
        milli_wu: ((milli_wu + 0.5) as u64).max(1),
    }
}

#[cfg(test)]
mod tests;
