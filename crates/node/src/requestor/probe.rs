//! A few cheap crops that say what the job costs, rendered in the requestor's own session before any money moves.

use super::refusal::chain;
use crate::pixels::{self, Channels};
use rayswarm_engines::{EngineError, RenderRequest, Session};
use rayswarm_model::{CpuTime, Frames, Rect, RenderSettings, Resolution, SceneFacts, Slice, TaskId, TaskSpec, Work};
use rayswarm_planner::cost::{Probe, ProbeSample};
use std::path::{Path, PathBuf};

/// Samples of the crop that shows a frame's fixed cost.
const SAMPLES_FEW: u32 = 1;
/// Samples of all other crops; enough to tell glass from sky.
const SAMPLES_MORE: u32 = 4;
/// Sides of a probed crop in pixels.
const CROP_SIDE_MIN: u32 = 8;
const CROP_SIDE_MAX: u32 = 48;
/// Where crops lie, in eighths of the picture: the middle first, then around it.
const PLACES: [(u32, u32); 6] = [(4, 4), (2, 2), (6, 2), (2, 6), (6, 6), (4, 2)];

/// How many squares of an engine's own grid are probed: each takes seconds.
const SQUARES_PROBED: usize = 2;

/// What the probe showed.
pub struct Probed {
    /// What crops cost.
    pub cost: Probe,
    /// The channels that pictures of this scene have, if they could be read.
    pub channels: Option<Channels>,
}

/// Renders the probe. `milli_wu_per_cpu_second` is this machine's measured speed.
pub async fn probe(
    session: &mut dyn Session,
    facts: &SceneFacts,
    settings: &RenderSettings,
    frames: &Frames,
    milli_wu_per_cpu_second: u64,
) -> Result<Probed, EngineError> {
    let resolution = settings.resolution;
    let (mut crops, mut channels) = (Vec::new(), None);
    for (index, frame) in probed_frames(frames).into_iter().enumerate() {
        let places = crops_of(facts, resolution);
        let few = samples(facts, settings, SAMPLES_FEW);
        let more = samples(facts, settings, SAMPLES_MORE);
        if facts.tile_step <= 1 {
            if index == 0 {
                // Loading and the first build of the scene belong to the session, not to each frame.
                measure(session, facts, settings, frame, places[0], few, &mut channels).await?;
            }
            crops.push(measure(session, facts, settings, frame, places[0], few, &mut channels).await?);
        }
        for crop in places {
            crops.push(measure(session, facts, settings, frame, crop, more, &mut channels).await?);
        }
    }
    let cost = Probe {
        resolution,
        milli_wu_per_cpu_second,
        crops,
    };
    Ok(Probed { cost, channels })
}

/// The first frame and the middle one.
fn probed_frames(frames: &Frames) -> Vec<i32> {
    let all = frames.as_slice();
    let mut chosen = vec![all[0], all[all.len() / 2]];
    chosen.dedup();
    chosen
}

/// An engine without slices renders every crop in full.
fn samples(facts: &SceneFacts, settings: &RenderSettings, wanted: u32) -> u32 {
    if facts.samples <= 1 {
        settings.samples
    } else {
        wanted.min(settings.samples)
    }
}

/// Without them results are held against one another only, so an unreadable crop does not end the job.
fn channels_of(picture: &Path, crop: Rect) -> Option<Channels> {
    let measured = pixels::measure_file(picture, crop, crop);
    let measured = measured.inspect_err(|error| tracing::warn!(error = %chain(error), "a probe crop cannot be read"));
    Some(measured.ok()?.cells.header.channels)
}

/// A probe's pixels are of no use; what they cost and which channels they have is.
fn remove(picture: &Path) {
    if let Err(error) = std::fs::remove_file(picture) {
        tracing::debug!(%error, "a probe crop was not removed");
    }
}

/// Renders one crop and says what it cost; its picture says which channels this scene has, if none has said so yet.
async fn measure(
    session: &mut dyn Session,
    facts: &SceneFacts,
    settings: &RenderSettings,
    frame: i32,
    rect: Rect,
    samples: u32,
    channels: &mut Option<Channels>,
) -> Result<ProbeSample, EngineError> {
    let (cpu, picture) = render(session, facts, settings, frame, rect, samples).await?;
    if channels.is_none() {
        *channels = channels_of(&picture, rect);
    }
    remove(&picture);
    Ok(ProbeSample {
        frame,
        rect,
        samples,
        cpu,
    })
}

/// Renders one crop: its CPU time and its file.
async fn render(
    session: &mut dyn Session,
    facts: &SceneFacts,
    settings: &RenderSettings,
    frame: i32,
    tile: Rect,
    samples: u32,
) -> Result<(CpuTime, PathBuf), EngineError> {
    let slice = if samples == settings.samples {
        Slice::whole(samples)
    } else {
        Slice {
            index: 0,
            count: settings.samples.div_ceil(samples),
            offset: 0,
            length: samples,
        }
    };
    let task = TaskSpec {
        id: TaskId(0),
        frame,
        tile,
        slice,
        work: Work::ZERO,
    };
    let play_from = facts.sequential.then_some(facts.frame_start);
    let result = session
        .render(
            &RenderRequest {
                task,
                padding: 0,
                play_from,
            },
            &mut |_| {},
        )
        .await?;
    Ok((result.cpu, result.picture))
}

/// The crops that are probed. An engine that computes on a grid of its own takes as long for any pixel as for its whole
/// square, and as long for one square as for another: a few of them, whole, tell what all cost.
fn crops_of(facts: &SceneFacts, resolution: Resolution) -> Vec<Rect> {
    if facts.tile_step <= 1 {
        return PLACES.map(|place| crop_at(resolution, place)).to_vec();
    }
    let mut squares: Vec<Rect> = PLACES[..SQUARES_PROBED]
        .iter()
        .map(|place| square_at(resolution, facts.tile_step, crop_at(resolution, *place)))
        .collect();
    squares.dedup();
    squares
}

/// The square of the engine's grid that holds the top left of `crop`.
fn square_at(resolution: Resolution, step: u32, crop: Rect) -> Rect {
    let (x, y) = (crop.x / step * step, crop.y / step * step);
    Rect {
        x,
        y,
        width: step.min(resolution.width - x),
        height: step.min(resolution.height - y),
    }
}

fn crop_at(resolution: Resolution, (across, down): (u32, u32)) -> Rect {
    let side = |pixels: u32| (pixels / 8).clamp(CROP_SIDE_MIN, CROP_SIDE_MAX).min(pixels);
    let (width, height) = (side(resolution.width), side(resolution.height));
    let start = |pixels: u32, length: u32, eighths: u32| {
        let middle = u64::from(pixels) * u64::from(eighths) / 8;
        (middle as u32).saturating_sub(length / 2).min(pixels - length)
    };
    Rect {
        x: start(resolution.width, width, across),
        y: start(resolution.height, height, down),
        width,
        height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_lie_on_the_grid_and_inside_the_picture() {
        for (width, height) in [(1, 1), (500, 700), (1200, 800), (4096, 3072)] {
            let resolution = Resolution { width, height };
            for place in PLACES {
                let square = square_at(resolution, 512, crop_at(resolution, place));
                assert!(resolution.whole().contains(square), "{resolution} {square}");
                assert_eq!((square.x % 512, square.y % 512), (0, 0));
            }
        }
        let small = Resolution {
            width: 300,
            height: 200,
        };
        assert_eq!(square_at(small, 512, crop_at(small, PLACES[1])), small.whole());
    }

    #[test]
    fn crops_lie_inside_any_picture() {
        for (width, height) in [(1, 1), (7, 3), (96, 54), (1920, 1080)] {
            let resolution = Resolution { width, height };
            for place in PLACES {
                assert!(
                    resolution.whole().contains(crop_at(resolution, place)),
                    "{resolution} {place:?}"
                );
            }
        }
    }
}
