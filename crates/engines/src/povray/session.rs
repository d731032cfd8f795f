//! A session: the settings of one scene, and a process per task.

use super::{
    NAME, PovRay,
    command::{Job, WorkFolder},
    output, references, run,
    settings::Settings,
};
use crate::{
    display,
    engine::{FinishRequest, ProgressSink, RawResult, RenderRequest, SceneFile, Session, SessionRequest},
    error::EngineError,
};
use async_trait::async_trait;
use rayswarm_model::{Bytes, settings::Device};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// One scene, open for tasks.
#[derive(Debug)]
pub(crate) struct PovSession {
    engine: PovRay,
    job: Job,
    scratch: PathBuf,
    peak_memory: Bytes,
}

impl PovSession {
    /// Reads the settings; the scene itself is read by POV-Ray, anew for each task.
    pub(crate) fn open(engine: PovRay, request: SessionRequest) -> Result<Self, EngineError> {
        let SessionRequest {
            purpose: _,
            scene,
            files,
            settings: asked,
            scratch,
            limits,
        } = request;
        // Providers show the scene's folder as a whole.
        let each = one_by_one(&files);
        let (scene, settings) = settings_of(&scene, &each, &asked.options)?;
        let is_text = |file: &&SceneFile| {
            let ending = Path::new(&file.inside)
                .extension()
                .and_then(|ending| ending.to_str())
                .unwrap_or_default();
            file.inside == scene || matches!(ending.to_ascii_lowercase().as_str(), "pov" | "inc" | "mac")
        };
        let features = references::features_of(each.iter().filter(is_text).map(|file| file.host.as_path()))?;
        let job = Job {
            scene,
            files,
            settings,
            resolution: asked.resolution,
            features,
            limits,
            lifetime: None,
        };
        Ok(Self {
            engine,
            job,
            scratch,
            peak_memory: Bytes(0),
        })
    }
}

/// Every file a session sees, those in folders by their own names. Links are left out: they lead elsewhere inside.
fn one_by_one(files: &[SceneFile]) -> Vec<SceneFile> {
    let mut found = Vec::new();
    let mut waiting = files.to_vec();
    while let Some(file) = waiting.pop() {
        if !file.host.is_dir() {
            found.push(file);
            continue;
        }
        for entry in fs::read_dir(&file.host).into_iter().flatten().flatten() {
            let link = entry.file_type().is_ok_and(|kind| kind.is_symlink());
            let inside = Path::new(&file.inside).join(entry.file_name());
            if let (false, Some(inside)) = (link, inside.to_str()) {
                waiting.push(SceneFile {
                    host: entry.path(),
                    inside: inside.to_owned(),
                });
            }
        }
    }
    found
}

/// The `.pov` file inside and the settings of the INI file given as scene, or lying beside it under its name.
fn settings_of(
    scene: &str,
    files: &[SceneFile],
    options: &[(String, String)],
) -> Result<(String, Settings), EngineError> {
    let ini = Path::new(scene).with_extension("ini");
    let text = match files.iter().find(|file| Path::new(&file.inside) == ini) {
        Some(file) => read_ini(&file.host)?,
        None => String::new(),
    };
    let settings = Settings::resolve(&text, options)?;
    if Path::new(scene) != ini {
        return Ok((scene.to_owned(), settings));
    }
    let input = ini_input(&ini, &settings);
    Ok((input.to_string_lossy().into_owned(), settings))
}

/// The scene an INI file names, or the one beside it with its name.
pub(crate) fn ini_input(ini: &Path, settings: &Settings) -> PathBuf {
    match &settings.input {
        Some(input) => ini.with_file_name("").join(input),
        None => ini.with_extension("pov"),
    }
}

/// INI files are short; a long one is not read to its end.
pub(crate) fn read_ini(path: &Path) -> Result<String, EngineError> {
    const INI_BYTES_MAX: usize = 1 << 20;
    let mut bytes = fs::read(path).map_err(EngineError::file("reading", path))?;
    bytes.truncate(INI_BYTES_MAX);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[async_trait]
impl Session for PovSession {
    async fn render(&mut self, request: &RenderRequest, progress: ProgressSink<'_>) -> Result<RawResult, EngineError> {
        let task = &request.task;
        if !task.slice.is_whole() {
            return Err(EngineError::Refused {
                code: "slices",
                message: "POV-Ray has no samples to slice".into(),
                remedy: "render with --slices 1".into(),
            });
        }
        let rect = task.tile.padded(request.padding, self.job.resolution);
        let work = WorkFolder::make(&self.scratch)?;
        let used = run::render(&self.engine, &self.job, &work, task.frame, rect, progress).await?;
        self.peak_memory = self.peak_memory.max(used.peak_memory);
        let picture = self.scratch.join(format!("task-{}.exr", task.id.0));
        let (resolution, target) = (self.job.resolution, picture.clone());
        blocking(move || output::take(&work, resolution, rect, &target)).await?;
        Ok(RawResult {
            picture,
            rect,
            cpu: used.cpu,
            peak_memory: self.peak_memory,
        })
    }

    async fn finish(&mut self, request: &FinishRequest) -> Result<Vec<PathBuf>, EngineError> {
        let FinishRequest {
            merged, output, format, ..
        } = request.clone();
        let path = blocking(move || display::finish(NAME, &merged, &output, format)).await?;
        Ok(vec![path])
    }

    fn resident(&self) -> Bytes {
        // Between tasks there is no process.
        Bytes(0)
    }

    fn device(&self) -> Device {
        Device::Cpu
    }

    async fn close(self: Box<Self>) {}
}

/// Runs `work` where computing and reading files holds up nobody.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, EngineError> + Send + 'static,
) -> Result<T, EngineError> {
    let stopped = |error: tokio::task::JoinError| EngineError::Failed {
        engine: NAME,
        what: "finish a picture".into(),
        message: error.to_string(),
        log: String::new(),
    };
    tokio::task::spawn_blocking(work).await.map_err(stopped)?
}
