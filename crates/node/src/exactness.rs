//! Is the merged picture the single-machine picture? The same engine, sandbox, planner and merge as a job uses; what is
//! left out is only who renders.
//!
//! The reference is played by one session from the scene's first frame on, whatever inspection says of simulations. The
//! parts are rendered as providers would: a simulation that inspection overlooks makes them differ.

use crate::{
    engines::Engines,
    local, pixels,
    requestor::{
        analysis,
        assembly::{self, VerifiedPart},
        refusal::chain,
    },
};
use rayswarm_api::job::{JobRequest, ResolutionChoice};
use rayswarm_engines::{Engine, EngineError, RenderRequest, Session, SessionPurpose, SessionRequest, layout};
use rayswarm_imaging::{Comparison, compare};
use rayswarm_model::{Frames, Plan, RenderSettings, Resolution, SceneFacts, TaskSpec, Work};
use rayswarm_planner::{CostMap, ExpectedProviders, PlanRequest, SliceChoice, TileChoice, plan};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What to compare.
#[derive(Clone, Debug)]
pub struct ExactnessRequest {
    /// The job's scene and overrides; its resolution is the file's scaled to `side`.
    pub job: JobRequest,
    /// Longest side in pixels.
    pub side: u32,
    /// Folder for pictures; emptied by the caller.
    pub folder: PathBuf,
}

/// What was found about one scene.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Exactness {
    /// The scene file.
    pub scene: PathBuf,
    /// Why it was not rendered at all.
    pub refused: Option<String>,
    /// Picture size.
    pub resolution: Option<Resolution>,
    /// Frames compared.
    pub frames: Vec<i32>,
    /// The frame from which the reference was played.
    pub played_from: Option<i32>,
    /// Tiles against the whole.
    pub tiles: Option<Case>,
    /// Slices against the whole.
    pub slices: Option<Case>,
    /// Why there are no slices.
    pub slices_refused: Option<String>,
}

/// One way of cutting, compared with the whole picture.
#[derive(Clone, Debug, Serialize)]
pub struct Case {
    /// How it was cut.
    pub cut: String,
    /// Pixels compared, over all frames.
    pub pixels: u64,
    /// Pixels with any bit different.
    pub differing: u64,
    /// Pixels off by more than `1e-5 · max(|reference|, 0.01)`.
    pub beyond_bound: u64,
    /// Whether it is as promised: bit for bit for tiles, within the bound for slices.
    pub holds: bool,
    /// The worst pixel, as a sentence.
    pub worst: Option<String>,
}

impl Exactness {
    /// Whether everything that was rendered is as promised. A refused scene promises nothing.
    pub fn holds(&self) -> bool {
        [&self.tiles, &self.slices].into_iter().flatten().all(|case| case.holds)
    }
}

/// Tiles and slices of a comparison: enough seams to show an error, few enough to stay quick.
const GRID: (u32, u32) = (3, 2);
const SLICES: u32 = 4;
/// How far a reference is played: a few minutes of a heavy scene.
const PLAYED_FRAMES_MAX: u32 = 1_000;

/// Frames after which what moves has moved: about a second of film.
const MOVED_FRAMES: i32 = 24;

/// Renders a scene whole, in tiles and in slices, and compares.
pub async fn exactness(engines: &Engines, request: &ExactnessRequest) -> Exactness {
    let mut found = Exactness {
        scene: request.job.scene.clone(),
        ..Exactness::default()
    };
    match analysis::inspect(engines, &request.job, local::limits()).await {
        Err(problem) => found.refused = Some(problem.detail),
        Ok((engine, facts)) => {
            let refusals: Vec<String> = facts
                .refusals()
                .map(|finding| format!("{}; {}", finding.message, finding.remedy))
                .collect();
            if refusals.is_empty() {
                if let Err(reason) = compare_all(engine.as_ref(), &facts, request, &mut found).await {
                    found.refused = Some(reason);
                }
            } else {
                found.refused = Some(refusals.join(". "));
            }
        }
    }
    found
}

async fn compare_all(
    engine: &dyn Engine,
    facts: &SceneFacts,
    request: &ExactnessRequest,
    found: &mut Exactness,
) -> Result<(), String> {
    let settings = settings(request, facts);
    let frames = request
        .job
        .settings
        .frames
        .clone()
        .unwrap_or_else(|| frames_to_show(facts));
    found.resolution = Some(settings.resolution);
    found.frames = frames.as_slice().to_vec();
    near_enough_to_play(facts.frame_start, &frames)?;
    found.played_from = Some(facts.frame_start);
    let cutting = Cutting {
        engine,
        facts,
        request,
        settings,
        frames,
    };
    let whole = cutting.plan(TileChoice::Grid { columns: 1, rows: 1 }, 1)?;
    let reference = cutting.render(&whole, "whole", 1, found.played_from).await?;
    let play_from = facts.sequential.then_some(facts.frame_start);
    if facts.tiles_exact && !facts.sequential {
        let (columns, rows) = grid(cutting.settings.resolution);
        let tiles = cutting.plan(TileChoice::Grid { columns, rows }, 1)?;
        let merged = cutting.render(&tiles, "tiles", 2, play_from).await?;
        let what = format!("{columns}x{rows} tiles, padding {}, two sessions", tiles.tile_padding);
        found.tiles = Some(cutting.judge(what, &reference, &merged, Comparison::is_exact)?);
    } else {
        let merged = cutting.render(&whole, "again", 1, play_from).await?;
        found.tiles = Some(cutting.judge(
            "whole frames, another session".into(),
            &reference,
            &merged,
            Comparison::is_exact,
        )?);
    }
    found.slices_refused.clone_from(&facts.slices_refused);
    let count = SLICES.min(cutting.settings.samples);
    if facts.slices_refused.is_none() && count > 1 && !facts.sequential {
        let slices = cutting.plan(TileChoice::Grid { columns: 1, rows: 1 }, count)?;
        let merged = cutting.render(&slices, "slices", 2, play_from).await?;
        let case = cutting.judge(
            format!("{count} slices, two sessions"),
            &reference,
            &merged,
            Comparison::is_within_bound,
        )?;
        found.slices = Some(case);
    }
    Ok(())
}

/// The first frame, where nothing has moved yet, and one where a simulation would have, if the scene has it.
fn frames_to_show(facts: &SceneFacts) -> Frames {
    let first = facts.frame_start;
    let later = first.saturating_add(MOVED_FRAMES).min(facts.frame_end);
    Frames::try_from(vec![first, later.max(first)]).unwrap_or_else(|_| Frames::single(first))
}

/// Playing takes as long as the frames are many, and rendering none of them makes it no shorter.
fn near_enough_to_play(frame_start: i32, frames: &Frames) -> Result<(), String> {
    let far = |frame: &&i32| i64::from(**frame) - i64::from(frame_start) > i64::from(PLAYED_FRAMES_MAX);
    match frames.as_slice().iter().find(far) {
        Some(frame) => Err(format!(
            "frame {frame} lies more than {PLAYED_FRAMES_MAX} frames after the scene's first, {frame_start}, from which \
             the reference is played; name earlier ones with --frames"
        )),
        None => Ok(()),
    }
}

/// One scene, ready to be cut in several ways.
struct Cutting<'a> {
    engine: &'a dyn Engine,
    facts: &'a SceneFacts,
    request: &'a ExactnessRequest,
    settings: RenderSettings,
    frames: Frames,
}

impl Cutting<'_> {
    fn plan(&self, tiles: TileChoice, slices: u32) -> Result<Plan, String> {
        let cost = CostMap::flat(self.settings.resolution, self.settings.samples, Work { milli_wu: 1000 });
        let request = PlanRequest {
            facts: self.facts,
            settings: self.settings.clone(),
            frames: self.frames.clone(),
            tiles: if self.facts.sequential { TileChoice::Auto } else { tiles },
            slices: SliceChoice::Count(slices),
            cost: &cost,
            providers: ExpectedProviders {
                count: 2,
                median_milli_wu_per_second: 1000,
            },
        };
        plan(request).map_err(|error| chain(&error))
    }

    /// Renders a plan with its tasks dealt out to `sessions` processes, each taking every n-th one, later frames first
    /// where that is allowed. Returns the merged file of each frame.
    async fn render(
        &self,
        plan: &Plan,
        name: &str,
        sessions: usize,
        play_from: Option<i32>,
    ) -> Result<Vec<PathBuf>, String> {
        let folder = self.request.folder.join(name);
        std::fs::create_dir_all(&folder).map_err(|error| format!("{} cannot be made: {error}", folder.display()))?;
        let mut tasks: Vec<&TaskSpec> = plan.tasks.iter().collect();
        if sessions > 1 {
            tasks.reverse();
        }
        let mut parts: Vec<VerifiedPart> = Vec::new();
        for number in 0..sessions {
            let mut session = self
                .open(&folder.join(format!("session-{number}")))
                .await
                .map_err(|error| chain(&error))?;
            for task in tasks.iter().skip(number).step_by(sessions) {
                let request = RenderRequest {
                    task: **task,
                    padding: plan.tile_padding,
                    play_from,
                };
                parts.push(render_task(session.as_mut(), &request, &folder).await?);
            }
            session.close().await;
        }
        let merged = plan
            .frames
            .as_slice()
            .iter()
            .map(|frame| merge_frame(plan, &parts, *frame, &folder));
        merged.collect()
    }

    async fn open(&self, scratch: &Path) -> Result<Box<dyn Session>, EngineError> {
        std::fs::create_dir_all(scratch).map_err(|source| EngineError::File {
            what: "making",
            path: scratch.into(),
            source,
        })?;
        let view = layout::session_view(&self.request.job.scene, self.facts);
        self.engine
            .open(SessionRequest {
                purpose: SessionPurpose::Rendering,
                scene: view.scene,
                files: view.files,
                settings: self.settings.clone(),
                scratch: scratch.into(),
                limits: local::limits(),
            })
            .await
    }

    fn judge(
        &self,
        cut: String,
        reference: &[PathBuf],
        merged: &[PathBuf],
        holds: fn(&Comparison) -> bool,
    ) -> Result<Case, String> {
        let mut case = Case {
            cut,
            pixels: 0,
            differing: 0,
            beyond_bound: 0,
            holds: true,
            worst: None,
        };
        let whole = self.settings.resolution.whole();
        for (reference, merged) in reference.iter().zip(merged) {
            let read = |path: &Path| pixels::read_held(path, whole).map_err(|error| chain(&error));
            let compared = compare(&read(reference)?, &read(merged)?).map_err(|error| chain(&error))?;
            case.pixels += compared.pixels;
            case.differing += compared.differing;
            case.beyond_bound += compared.beyond_bound;
            if !holds(&compared) {
                case.holds = false;
                case.worst = compared.worst.as_ref().map(ToString::to_string);
            }
        }
        Ok(case)
    }
}

async fn render_task(
    session: &mut dyn Session,
    request: &RenderRequest,
    folder: &Path,
) -> Result<VerifiedPart, String> {
    let result = session
        .render(request, &mut |_| {})
        .await
        .map_err(|error| chain(&error))?;
    let file = folder.join(format!("{}.exr", request.task.id));
    std::fs::rename(&result.picture, &file)
        .map_err(|error| format!("{} cannot be written: {error}", file.display()))?;
    Ok(VerifiedPart {
        task: request.task,
        file,
    })
}

fn merge_frame(plan: &Plan, parts: &[VerifiedPart], frame: i32, folder: &Path) -> Result<PathBuf, String> {
    let mut of_frame: Vec<VerifiedPart> = parts.iter().filter(|part| part.task.frame == frame).cloned().collect();
    of_frame.sort_by_key(|part| part.task.id);
    let target = folder.join(format!("merged-{frame}.exr"));
    assembly::merge(plan, &of_frame, &target).map_err(|error| chain(&error))?;
    Ok(target)
}

fn settings(request: &ExactnessRequest, facts: &SceneFacts) -> RenderSettings {
    let resolution = match request.job.settings.resolution {
        Some(ResolutionChoice::Exact(resolution)) => resolution,
        _ => scaled(facts.resolution, request.side),
    };
    RenderSettings {
        resolution,
        samples: request.job.settings.samples.unwrap_or(facts.samples),
        renderer_override: request.job.settings.renderer_override.clone(),
        allowed_missing: request.job.settings.allow_missing.clone(),
        options: request.job.settings.options.clone(),
    }
}

/// The same shape with the longest side `side` pixels long.
fn scaled(resolution: Resolution, side: u32) -> Resolution {
    let longest = u64::from(resolution.width.max(resolution.height).max(1));
    let scale = |pixels: u32| {
        u32::try_from((u64::from(pixels) * u64::from(side)).div_ceil(longest))
            .unwrap_or(side)
            .max(1)
    };
    Resolution {
        width: scale(resolution.width),
        height: scale(resolution.height),
    }
}

/// The grid, as far as tiles stay at least eight pixels a side.
fn grid(resolution: Resolution) -> (u32, u32) {
    (
        GRID.0.min(resolution.width / 8).max(1),
        GRID.1.min(resolution.height / 8).max(1),
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_reference_is_played_as_far_as_is_affordable() {
        for (frame_start, frames, near) in [
            (1, "1", true),
            (1, "90,1001", true),
            (1, "90,1002", false),
            (0, "1-1000", true),
            (-2_000_000_000, "2000000000", false),
            // Before the first frame there is nothing to play.
            (250, "1", true),
        ] {
            let frames = frames.parse().unwrap();
            assert_eq!(near_enough_to_play(frame_start, &frames).is_ok(), near, "{frames}");
        }
    }
}
