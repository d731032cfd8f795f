//! What a recipe is and needs, said before it is split or paid for. The recipe's few words are read here; the model and
//! the picture are read in the sandbox only.

use super::{
    ENDING, NAME, Onnx, VERSION,
    start::start,
    wire::{Examined, Inspected, Request},
};
use crate::{
    conversation::Answer,
    engine::{InspectRequest, SceneFile, SessionLimits},
    error::EngineError,
    layout::{self, Consent},
};
use rayswarm_model::{
    Bytes, SceneFacts,
    scene::{Camera, Dependency, DependencyState, Finding, FrameRate, OutputPattern, Severity, ViewLayer},
};
use rayswarm_models::{
    Recipe,
    recipe::{BYTES_MAX, RecipeError},
};
use std::{fs::File, io::Read, path::Path};

/// What a session takes beside the picture, the result and what is computed.
const MEMORY_BASE: u64 = 128 << 20;
/// Bytes of a pixel of the picture as it is held: three 16-bit samples, and the file's own while it is read.
const PICTURE_PIXEL_BYTES: u64 = 12;
/// Bytes of a pixel of the result: three floats, once more while they are packed.
const RESULT_PIXEL_BYTES: u64 = 24;

/// Where a model appears that is only examined.
const EXAMINED: &str = "/scene/model.onnx";

/// Reads a model and says what it is.
pub(super) async fn examine(engine: &Onnx, model: &Path, limits: &SessionLimits) -> Result<Examined, EngineError> {
    let files = [SceneFile {
        host: layout::lexical(model),
        inside: EXAMINED.into(),
    }];
    let ask = Request::Examine { model: EXAMINED.into() };
    look(engine, &files, limits, "read the model", &ask).await
}

/// Reads the recipe, looks for its files, and has the sandbox read those.
pub(super) async fn inspect(engine: &Onnx, request: &InspectRequest) -> Result<SceneFacts, EngineError> {
    let scene = layout::lexical(&request.scene);
    let recipe = recipe(&scene)?;
    let dependencies = dependencies(&recipe, &scene, request);
    let mut findings = findings(&dependencies, request);
    let mut inspected = None;
    if findings.iter().all(|finding| finding.severity != Severity::Refusal) {
        let view = layout::view(&scene, &dependencies);
        let ask = Request::Inspect { scene: view.scene };
        match look(engine, &view.files, &request.limits, "read the recipe", &ask).await {
            Ok(found) => inspected = Some(found),
            Err(EngineError::Refused { code, message, remedy }) => findings.push(Finding {
                severity: Severity::Refusal,
                code: code.into(),
                message,
                remedy,
            }),
            Err(other) => return Err(other),
        }
    }
    findings.extend(inspected.as_ref().and_then(thumbnail));
    Ok(facts(&scene, &recipe, dependencies, findings, inspected.as_ref()))
}

async fn look<T: serde::de::DeserializeOwned>(
    engine: &Onnx,
    files: &[SceneFile],
    limits: &SessionLimits,
    what: &str,
    ask: &Request,
) -> Result<T, EngineError> {
    let mut conversation = start(engine, files, None, limits).await?;
    let answer: Result<Answer<T>, _> = conversation.ask(what, ask, &mut |_| {}).await;
    conversation.end().await;
    Ok(answer?.result)
}

fn recipe(scene: &Path) -> Result<Recipe, EngineError> {
    let mut text = Vec::new();
    let read = File::open(scene).and_then(|file| file.take(BYTES_MAX as u64 + 1).read_to_end(&mut text));
    read.map_err(EngineError::file("reading", scene))?;
    Recipe::read(&text).map_err(|error| {
        let message = match &error {
            RecipeError::Unreadable(cause) => format!("{} is no recipe: {cause}", scene.display()),
            other => format!("{}: {other}", scene.display()),
        };
        let remedy = "mend the recipe, or have one written: rayswarm render PICTURE.png --model NAME".into();
        EngineError::Refused {
            code: "recipe",
            message,
            remedy,
        }
    })
}

fn dependencies(recipe: &Recipe, scene: &Path, request: &InspectRequest) -> Vec<Dependency> {
    let folder = scene.parent().unwrap_or(Path::new("/"));
    let consent = Consent::new(scene, &request.include);
    let found = |(name, kind): (&str, &'static str)| {
        let path = folder.join(name);
        let state = match (path.is_file(), consent.covers(&path)) {
            (false, _) => DependencyState::Missing,
            (true, false) => DependencyState::NeedsConsent,
            (true, true) => DependencyState::Found,
        };
        Dependency {
            reference: name.into(),
            path: Some(path),
            kind: kind.into(),
            state,
        }
    };
    recipe.files().into_iter().map(found).collect()
}

fn findings(dependencies: &[Dependency], request: &InspectRequest) -> Vec<Finding> {
    let refusal = |code: &str, message: String, remedy: &str| Finding {
        severity: Severity::Refusal,
        code: code.into(),
        message,
        remedy: remedy.into(),
    };
    let names = |state| {
        let those = dependencies.iter().filter(|dependency| dependency.state == state);
        those
            .map(|dependency| dependency.reference.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (missing, outside) = (names(DependencyState::Missing), names(DependencyState::NeedsConsent));
    let mut findings = Vec::new();
    if !missing.is_empty() {
        let message = format!("files that the recipe names are missing: {missing}");
        findings.push(refusal("missing_files", message, "put them below the recipe's folder"));
    }
    if !outside.is_empty() {
        let message = format!("files lie outside the recipe's folder: {outside}");
        let remedy = "allow them to travel with --include PATH, or put them into the recipe's folder";
        findings.push(refusal("needs_consent", message, remedy));
    }
    if let Some(renderer) = &request.renderer_override {
        let message = format!("{renderer} cannot render a recipe");
        findings.push(refusal("wrong_engine", message, "leave --engine out"));
    }
    findings
}

/// A large picture is normalised by numbers of a small one: good to know, for it is not quite what one machine would
/// do.
fn thumbnail(inspected: &Inspected) -> Option<Finding> {
    (inspected.statistics > 0).then(|| Finding {
        severity: Severity::Note,
        code: "thumbnail_statistics".into(),
        message: format!(
            "the model normalises by {} numbers about the whole picture, which are measured on a thumbnail",
            inspected.statistics
        ),
        remedy: "expect fine patterns elsewhere than in a run in one piece, and no seams".into(),
    })
}

fn facts(
    scene: &Path,
    recipe: &Recipe,
    dependencies: Vec<Dependency>,
    findings: Vec<Finding>,
    inspected: Option<&Inspected>,
) -> SceneFacts {
    let nothing = rayswarm_model::Resolution { width: 1, height: 1 };
    let (picture, result) = inspected.map_or((nothing, nothing), |found| (found.picture, found.result));
    let memory = MEMORY_BASE
        + picture.pixels() * PICTURE_PIXEL_BYTES
        + result.pixels() * RESULT_PIXEL_BYTES
        + inspected.map_or(0, |found| found.bytes);
    let channels = if inspected.is_some_and(|found| found.alpha) {
        "RGBA"
    } else {
        "RGB"
    };
    let name = scene
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let stem = name
        .get(..name.len().saturating_sub(ENDING.len()))
        .unwrap_or(&name)
        .to_owned();
    SceneFacts {
        engine: NAME.into(),
        engine_version: VERSION.into(),
        saved_by: "a recipe".into(),
        renderer: recipe.model.kind.to_string(),
        frame_start: 1,
        frame_end: 1,
        frame_step: 1,
        frames_bounded: Some("an image model makes one picture of one".into()),
        frame_rate: FrameRate {
            numerator: 24,
            denominator: 1,
        },
        resolution: result,
        pixel_aspect_milli: 1000,
        samples: 1,
        adaptive_sampling: false,
        denoise: false,
        compositor: false,
        cameras: vec![Camera {
            name: "picture".into(),
            active: true,
            marker_frames: Vec::new(),
        }],
        view_layers: vec![ViewLayer {
            name: String::new(),
            passes: vec![channels.into()],
        }],
        output: OutputPattern {
            name: stem,
            format: "png".into(),
            color_mode: channels.into(),
            color_depth: 8,
            numbered: false,
        },
        memory_estimate: Bytes(memory),
        dependencies,
        findings,
        sequential: false,
        tile_padding: 0,
        tile_step: inspected.map_or(1, |found| found.step),
        tiles_exact: true,
        slices_refused: Some("an image model has no samples to slice".into()),
        repeats_roughly: None,
    }
}
