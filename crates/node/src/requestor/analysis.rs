//! From a request to what will be rendered: the scene's facts, the settings, the frames, the format. Everything that can
//! be refused is refused here, before money moves.

use super::{
    naming,
    refusal::{bad_input, chain, failed, missing},
};
use crate::{engines::Engines, services::Services};
use rayswarm_api::{
    Problem,
    job::{JobRequest, ResolutionChoice},
};
use rayswarm_engines::{Engine, EngineError, InspectRequest, SessionLimits, layout};
use rayswarm_imaging::passes::{SliceRule, slice_rule};
use rayswarm_model::{
    FailureKind, Frames, RenderSettings, Resolution, SceneFacts, manifest::SCENE_ROOT, picture::SIDE_MAX,
    settings::OutputFormat,
};
use std::{
    collections::HashSet,
    path::{Path, PathBuf},
    sync::Arc,
};

/// What will be rendered.
pub struct Analysis {
    /// The engine.
    pub engine: Arc<dyn Engine>,
    /// What the scene holds.
    pub facts: SceneFacts,
    /// Settings that change pixels.
    pub settings: RenderSettings,
    /// Frames still to do; `None` when every finished file exists already.
    pub frames: Option<Frames>,
    /// Format of the finished files.
    pub format: OutputFormat,
}

/// Opens the scene and decides what will be rendered.
pub async fn analyse(services: &Services, request: &JobRequest) -> Result<Analysis, Problem> {
    let limits = services.local_limits();
    let (engine, mut facts) = inspect(&services.engines, request, limits).await?;
    let refusals: Vec<String> = facts
        .refusals()
        .map(|finding| format!("{}; {}", finding.message, finding.remedy))
        .collect();
    if !refusals.is_empty() {
        return Err(bad_input("scene_refused", refusals.join(". ")));
    }
    let format = request.settings.format.unwrap_or_else(|| format_of_file(&facts));
    drop_moot(&mut facts, request.settings.format, format);
    let settings = settings(request, &facts, format)?;
    let wanted = wanted_frames(request, &facts)?;
    refuse_overwriting(request, &facts, &wanted, format)?;
    check_output(&request.output)?;
    let frames = open_frames(request, &facts, wanted, format);
    Ok(Analysis {
        engine,
        facts,
        settings,
        frames,
        format,
    })
}

/// Opens the scene and says what it is.
pub async fn inspect(
    engines: &Engines,
    request: &JobRequest,
    limits: SessionLimits,
) -> Result<(Arc<dyn Engine>, SceneFacts), Problem> {
    if !request.scene.is_file() {
        let detail = format!(
            "{} is not a file on the daemon's machine; check the path",
            request.scene.display()
        );
        return Err(bad_input("no_such_scene", detail));
    }
    if let Some(renderer) = request
        .settings
        .renderer_override
        .as_deref()
        .filter(|renderer| *renderer != "cycles")
    {
        let detail = format!("--engine {renderer} is not a renderer Rayswarm can distribute; use --engine cycles");
        return Err(bad_input("wrong_engine", detail));
    }
    let engine = engines.for_scene(&request.scene).map_err(|error| match error {
        crate::engines::NoEngine::UnknownKind { .. } => bad_input("unknown_scene_kind", chain(&error)),
        _ => missing("no_engine", chain(&error)),
    })?;
    let question = InspectRequest {
        scene: request.scene.clone(),
        include: request.include.clone(),
        allow_missing: request.settings.allow_missing.clone(),
        renderer_override: request.settings.renderer_override.clone(),
        options: with_passes(request.settings.options.clone(), request.settings.format),
        frames: request.settings.frames.clone(),
        limits,
    };
    let mut facts = engine
        .inspect(&question)
        .await
        .map_err(|error| named_as_typed(engine_problem(&error), &request.scene))?;
    facts.slices_refused = facts.slices_refused.take().or_else(|| pass_without_slices(&facts));
    Ok((engine, facts))
}

/// A multilayer file is to hold the scene's every pass, not only what its own outputs read.
fn with_passes(mut options: Vec<(String, String)>, format: Option<OutputFormat>) -> Vec<(String, String)> {
    let every = ("passes".to_owned(), "all".to_owned());
    if format == Some(OutputFormat::ExrMultilayer) && !options.contains(&every) {
        options.push(every);
        options.sort();
    }
    options
}

/// Why the scene's samples cannot be split, if one of its passes is no sum of samples.
fn pass_without_slices(facts: &SceneFacts) -> Option<String> {
    let mut passes = facts.view_layers.iter().flat_map(|layer| &layer.passes);
    passes.find_map(|pass| match slice_rule(&format!("{pass}.R")) {
        SliceRule::Refused(reason) => Some(format!("pass {pass}: {reason}")),
        SliceRule::Mean | SliceRule::First => None,
    })
}

/// A session sees the scene below its own root; people know it by the path they typed.
fn named_as_typed(problem: Problem, scene: &Path) -> Problem {
    let typed = scene.display().to_string();
    Problem {
        detail: problem.detail.replace(&format!("{SCENE_ROOT}{typed}"), &typed),
        ..problem
    }
}

/// An engine's error as a problem of the job.
pub fn engine_problem(error: &EngineError) -> Problem {
    match error.kind() {
        _ if matches!(error, EngineError::NotInstalled { .. }) => missing("no_engine", chain(error)),
        FailureKind::Permanent => bad_input("scene_refused", chain(error)),
        _ => failed("engine_failed", chain(error)),
    }
}

fn settings(request: &JobRequest, facts: &SceneFacts, format: OutputFormat) -> Result<RenderSettings, Problem> {
    let resolution = match request.settings.resolution {
        None => facts.resolution,
        Some(ResolutionChoice::Exact(resolution)) => resolution,
        Some(ResolutionChoice::Percent(percent)) => {
            let side = |pixels: u32| (u64::from(pixels) * u64::from(percent.get()) / 100).max(1) as u32;
            Resolution {
                width: side(facts.resolution.width),
                height: side(facts.resolution.height),
            }
        }
    };
    if resolution.width > SIDE_MAX || resolution.height > SIDE_MAX {
        return Err(bad_input(
            "too_large",
            format!("a picture of {resolution} is too large; at most {SIDE_MAX} a side"),
        ));
    }
    Ok(RenderSettings {
        resolution,
        samples: request.settings.samples.unwrap_or(facts.samples),
        renderer_override: request.settings.renderer_override.clone(),
        allowed_missing: request.settings.allow_missing.clone(),
        options: with_passes(request.settings.options.clone(), Some(format)),
    })
}

/// Findings about the file's own format mean nothing to who chose another, nor those about films to who gets pictures.
fn drop_moot(facts: &mut SceneFacts, chosen: Option<OutputFormat>, format: OutputFormat) {
    facts.findings.retain(|finding| match finding.code.as_str() {
        "format_replaced" => chosen.is_none(),
        "sound" => format.is_film(),
        _ => true,
    });
}

/// The frames asked for: the file's range, unless others were named.
fn wanted_frames(request: &JobRequest, facts: &SceneFacts) -> Result<Frames, Problem> {
    let range = || Frames::range(facts.frame_start, facts.frame_end, facts.frame_step);
    let frames = request.settings.frames.clone().map_or_else(range, Ok);
    let frames = frames.map_err(|error| bad_input("no_frames", chain(&error)))?;
    let own = facts.frame_start..=facts.frame_end;
    let outside = frames.as_slice().iter().find(|frame| !own.contains(frame));
    match (&facts.frames_bounded, outside) {
        (Some(reason), Some(frame)) => {
            let (first, last) = (own.start(), own.end());
            let detail = format!("frame {frame} lies outside the scene's range {first}-{last}; {reason}");
            Err(bad_input("frame_outside_range", detail))
        }
        _ => Ok(frames),
    }
}

/// Finished pictures must not take the place of files the scene is made of.
fn refuse_overwriting(
    request: &JobRequest,
    facts: &SceneFacts,
    frames: &Frames,
    format: OutputFormat,
) -> Result<(), Problem> {
    let inputs = layout::session_view(&request.scene, facts).files.into_iter();
    // What is not there cannot be the same file as a finished one that is.
    let inputs: HashSet<PathBuf> = inputs.filter_map(|file| file.host.canonicalize().ok()).collect();
    let is_input = |target: &PathBuf| target.canonicalize().is_ok_and(|target| inputs.contains(&target));
    match naming::targets(request, facts, frames, format).find(is_input) {
        Some(target) => Err(bad_input(
            "would_overwrite_input",
            format!(
                "rendering would overwrite {}, which the scene is made of; choose another folder with --out",
                target.display()
            ),
        )),
        None => Ok(()),
    }
}

/// The frames still to do; `None` when there are none.
fn open_frames(request: &JobRequest, facts: &SceneFacts, wanted: Frames, format: OutputFormat) -> Option<Frames> {
    if !request.settings.skip_existing || format.is_film() {
        return Some(wanted);
    }
    let exists = |frame: &i32| naming::frame_file(&request.output, facts, &request.scene, *frame, format).exists();
    let open = wanted.as_slice().iter().copied().filter(|frame| !exists(frame));
    Frames::try_from(open.collect::<Vec<_>>()).ok()
}

fn format_of_file(facts: &SceneFacts) -> OutputFormat {
    match facts.output.format.as_str() {
        "exr" => OutputFormat::Exr,
        "exr-multilayer" => OutputFormat::ExrMultilayer,
        "jpeg" => OutputFormat::Jpeg,
        "mp4" => OutputFormat::Mp4,
        "webm" => OutputFormat::Webm,
        _ => OutputFormat::Png,
    }
}

/// An output folder that cannot be written must be known before anything is rendered.
fn check_output(folder: &Path) -> Result<(), Problem> {
    let unwritable = |error: std::io::Error| {
        let detail = format!(
            "the output folder {} cannot be written ({error}); choose another with --out",
            folder.display()
        );
        bad_input("unwritable_output", detail)
    };
    std::fs::create_dir_all(folder).map_err(unwritable)?;
    let trial = folder.join(format!(".rayswarm-{}", std::process::id()));
    std::fs::write(&trial, b"").map_err(unwritable)?;
    std::fs::remove_file(&trial).map_err(unwritable)
}

#[cfg(test)]
mod tests;
