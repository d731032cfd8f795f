//! What a scene is and needs, said before it is split or paid for.

use super::{
    NAME, PovRay,
    command::{Job, WorkFolder},
    references::{Places, Survey},
    run,
    session::{ini_input, read_ini},
    settings::Settings,
    source::Feature,
};
use crate::{engine::InspectRequest, error::EngineError, layout};
use rayswarm_model::{
    Bytes, Resolution, SceneFacts,
    scene::{Camera, Dependency, DependencyState, Finding, FrameRate, OutputPattern, Severity, ViewLayer},
};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// Pixels across of the trial picture: enough for every line of the scene to be parsed.
const TRIAL_WIDTH: u32 = 8;

/// How long the trial may take. Scenes can compute and talk without end; a thumbnail of an honest one takes seconds.
const TRIAL_TIME_MAX: Duration = Duration::from_secs(1_800);

/// What POV-Ray takes beside the scene and the picture.
const MEMORY_BASE: u64 = 128 << 20;

/// Animations of POV-Ray have no frame rate of their own.
const FRAME_RATE: FrameRate = FrameRate {
    numerator: 24,
    denominator: 1,
};

/// Reads the scene, then has POV-Ray render a thumbnail of it in the sandbox: that alone shows that it parses.
pub(crate) async fn inspect(engine: &PovRay, request: &InspectRequest) -> Result<SceneFacts, EngineError> {
    let given = layout::lexical(&request.scene);
    let ini = given.with_extension("ini");
    let text = if ini.is_file() { read_ini(&ini)? } else { String::new() };
    let settings = Settings::resolve(&text, &request.options)?;
    let scene = if given == ini {
        ini_input(&ini, &settings)
    } else {
        given.clone()
    };
    if !scene.is_file() {
        return Err(EngineError::Refused {
            code: "no_scene",
            message: format!(
                "{} names the scene {}, which is not there",
                ini.display(),
                scene.display()
            ),
            remedy: "give the .pov file, or mend Input_File_Name".into(),
        });
    }
    // POV-Ray's working directory is the folder of what was given, in every session as here.
    let folder = given.parent().unwrap_or(Path::new("/"));
    let consent = layout::Consent::new(&given, &request.include);
    let places = Places {
        folder,
        library: &engine.library,
        consent,
    };
    let mut survey = Survey::of(&scene, &places)?;
    let companion = if given == ini { scene.clone() } else { ini.clone() };
    if companion.is_file() {
        survey.dependencies.push(settings_file(&companion, folder));
    }

    let mut findings = findings(&survey, &settings, request);
    if findings.iter().all(|finding| finding.severity != Severity::Refusal) {
        findings.extend(trial(engine, &given, &scene, &settings, &survey, request).await?);
    }
    let animated = settings.animation.is_declared();
    let (frame_start, frame_end) = settings.animation.range();
    let channels = if settings.alpha { "RGBA" } else { "RGB" };
    let stem = scene
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned())
        .unwrap_or_default();
    let digits = if animated {
        "#".repeat(frame_end.to_string().len())
    } else {
        String::new()
    };
    let exact = tiles_exact(&settings, &survey);
    Ok(SceneFacts {
        repeats_roughly: None,
        engine: NAME.into(),
        engine_version: engine.program.version.clone(),
        saved_by: survey
            .version
            .as_ref()
            .map_or("POV-Ray".into(), |version| format!("POV-Ray {version}")),
        renderer: NAME.into(),
        frame_start,
        frame_end,
        frame_step: 1,
        frames_bounded: Some(
            "POV-Ray computes the clock of a frame from the declared range; declare another with --option initial_frame=N \
             --option final_frame=N"
                .into(),
        ),
        frame_rate: FRAME_RATE,
        resolution: settings.resolution,
        pixel_aspect_milli: 1000,
        samples: 1,
        adaptive_sampling: false,
        denoise: false,
        compositor: false,
        cameras: vec![Camera {
            name: "camera".into(),
            active: true,
            marker_frames: Vec::new(),
        }],
        view_layers: vec![ViewLayer {
            name: String::new(),
            passes: vec![channels.into()],
        }],
        output: OutputPattern {
            name: format!("{stem}{digits}"),
            format: "png".into(),
            color_mode: channels.into(),
            color_depth: 8,
            numbered: true,
        },
        memory_estimate: memory_estimate(settings.resolution, &survey),
        dependencies: survey.dependencies,
        findings,
        sequential: false,
        tile_padding: 0,
        tile_step: 1,
        tiles_exact: exact,
        slices_refused: Some("POV-Ray has no samples to slice".into()),
    })
}

/// The settings or scene file that belongs to the one given.
fn settings_file(path: &Path, folder: &Path) -> Dependency {
    let reference = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().into_owned();
    Dependency {
        reference,
        path: Some(path.to_owned()),
        kind: "settings".into(),
        state: DependencyState::Found,
    }
}

/// Whether a crop equals that part of the whole.
fn tiles_exact(settings: &Settings, survey: &Survey) -> bool {
    let order_matters = [Feature::Radiosity, Feature::Photons]
        .iter()
        .any(|feature| survey.features.contains(feature));
    settings.antialias.is_none() && !order_matters
}

/// Parsed scenes are some ten times their text; images are held unpacked.
fn memory_estimate(resolution: Resolution, survey: &Survey) -> Bytes {
    let size = |path: &PathBuf| fs::metadata(path).map_or(0, |found| found.len());
    let paths = survey
        .dependencies
        .iter()
        .filter_map(|dependency| dependency.path.as_ref());
    let files: u64 = survey.texts.iter().chain(paths).map(size).sum();
    // Four floats a pixel while it is traced, once more while it is written.
    Bytes(MEMORY_BASE + files * 10 + resolution.pixels() * 32)
}

fn findings(survey: &Survey, settings: &Settings, request: &InspectRequest) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut say = |severity, code: &str, message: String, remedy: &str| {
        findings.push(Finding {
            severity,
            code: code.into(),
            message,
            remedy: remedy.into(),
        });
    };
    let names = |state| {
        let found = survey
            .dependencies
            .iter()
            .filter(|dependency| dependency.state == state);
        found
            .map(|dependency| dependency.reference.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let missing = names(DependencyState::Missing);
    if !missing.is_empty() {
        let remedy = "put them beside the scene; POV-Ray cannot render without them";
        say(
            Severity::Refusal,
            "missing_files",
            format!("files that the scene needs are missing: {missing}"),
            remedy,
        );
    }
    let outside = names(DependencyState::NeedsConsent);
    if !outside.is_empty() {
        let remedy = "allow them to travel with --include PATH, or move them into the scene's folder";
        say(
            Severity::Refusal,
            "needs_consent",
            format!("files lie outside the scene's folder: {outside}"),
            remedy,
        );
    }
    if let Some(renderer) = &request.renderer_override {
        say(
            Severity::Refusal,
            "wrong_engine",
            format!("{renderer} cannot render a POV-Ray scene"),
            "leave --engine out",
        );
    }
    for feature in &survey.features {
        match feature {
            Feature::Radiosity | Feature::Photons => {
                let what = if *feature == Feature::Radiosity {
                    "radiosity"
                } else {
                    "photons"
                };
                let message = format!("{what} depends on the order of tracing: each frame is one task, on one thread");
                say(
                    Severity::Warning,
                    what,
                    message,
                    "remove it to have frames split into tiles",
                );
            }
            Feature::WallClock => {
                let message =
                    "the scene reads the date (now), so no two renders of it are alike and none can be checked";
                say(
                    Severity::Refusal,
                    "reads_clock",
                    message.into(),
                    "replace `now` with a number",
                );
            }
            Feature::WritesFiles => {
                let message = "the scene writes files, which other frames and other machines would not see";
                say(
                    Severity::Refusal,
                    "writes_files",
                    message.into(),
                    "write them once, and read them in the scene",
                );
            }
        }
    }
    if settings.antialias.is_some() {
        let message = "antialiasing makes crops differ from the whole: each frame is one task";
        say(
            Severity::Note,
            "antialiasing",
            message.into(),
            "use --option antialias=off to have frames split into tiles",
        );
    }
    if !settings.commands.is_empty() {
        let message = format!(
            "commands of the INI file are never run: {}",
            settings.commands.join("; ")
        );
        say(
            Severity::Warning,
            "commands",
            message,
            "run them yourself before or after the job",
        );
    }
    findings
}

/// Renders a thumbnail of the first frame. What goes wrong is a finding, in POV-Ray's own words.
async fn trial(
    engine: &PovRay,
    given: &Path,
    scene: &Path,
    settings: &Settings,
    survey: &Survey,
    request: &InspectRequest,
) -> Result<Option<Finding>, EngineError> {
    let scratch = TrialFolder::make()?;
    let view = layout::view(given, &survey.dependencies);
    let inside = view
        .files
        .iter()
        .find(|file| file.host == *scene)
        .map_or(view.scene, |file| file.inside.clone());
    let Resolution { width, height } = settings.resolution;
    let height = u32::try_from(u64::from(TRIAL_WIDTH) * u64::from(height) / u64::from(width))
        .unwrap_or(1)
        .clamp(1, 64);
    let job = Job {
        scene: inside,
        files: view.files,
        settings: Settings {
            antialias: None,
            ..settings.clone()
        },
        resolution: Resolution {
            width: TRIAL_WIDTH,
            height,
        },
        features: survey.features.clone(),
        limits: request.limits.clone(),
        lifetime: Some(TRIAL_TIME_MAX),
    };
    let work = WorkFolder::make(&scratch.0)?;
    let first = settings.animation.range().0;
    match run::render(engine, &job, &work, first, job.resolution.whole(), &mut |_| {}).await {
        Ok(_) => Ok(None),
        Err(EngineError::Failed { message, .. }) => Ok(Some(Finding {
            severity: Severity::Refusal,
            code: "does_not_parse".into(),
            message: format!("POV-Ray cannot read the scene: {message}"),
            remedy: "mend the scene, and pass #declare values by --option declare=NAME=NUMBER".into(),
        })),
        Err(other) => Err(other),
    }
}

/// A folder that is gone when the trial is over.
struct TrialFolder(PathBuf);

const TRIAL_PREFIX: &str = "rayswarm-povray-";

impl TrialFolder {
    fn make() -> Result<Self, EngineError> {
        use std::sync::atomic::{AtomicU64, Ordering};
        static NEXT: AtomicU64 = AtomicU64::new(0);
        sweep_trials();
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("{TRIAL_PREFIX}{}-{number}", std::process::id()));
        fs::create_dir(&folder).map_err(EngineError::file("making", &folder))?;
        Ok(Self(folder))
    }
}

impl Drop for TrialFolder {
    fn drop(&mut self) {
        // The next trial on this machine sweeps once this process has ended.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Removes what trials of killed processes left.
fn sweep_trials() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let process = name
            .strip_prefix(TRIAL_PREFIX)
            .and_then(|rest| rest.split('-').next()?.parse::<u32>().ok());
        if process.is_some_and(|process| !Path::new("/proc").join(process.to_string()).exists()) {
            // Somebody else's may not be ours to remove.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
