//! What every renderer looks like to the rest of Rayswarm. Nothing outside this crate knows Blender.

use crate::error::EngineError;
use async_trait::async_trait;
use rayswarm_model::{
    Bytes, CpuTime, Frames, Rect, RenderSettings, SceneFacts, TaskSpec,
    settings::{Device, OutputFormat},
};
use std::{path::PathBuf, time::Duration};

/// A renderer of one exact version.
#[async_trait]
pub trait Engine: Send + Sync {
    /// The adapter's name: `blender`, `povray`.
    fn name(&self) -> &'static str;

    /// The exact version, for example `4.5.15`.
    fn version(&self) -> &str;

    /// Opens a scene on this machine, sandboxed and with scripts off, and says what it is and what it needs.
    async fn inspect(&self, request: &InspectRequest) -> Result<SceneFacts, EngineError>;

    /// Starts a warm session: one process that keeps one scene in memory.
    async fn open(&self, request: SessionRequest) -> Result<Box<dyn Session>, EngineError>;
}

/// One process with one scene in memory. Dropping it kills the process; nothing survives its node.
#[async_trait]
pub trait Session: Send {
    /// Renders one task to raw linear pixels: an OpenEXR file that holds the task's tile and its padding.
    /// `progress` gets thousandths done. Dropping the future kills the session.
    async fn render(&mut self, request: &RenderRequest, progress: ProgressSink<'_>) -> Result<RawResult, EngineError>;

    /// Finishes one merged frame: denoiser, compositor, view transform, file. Returns the files written.
    async fn finish(&mut self, request: &FinishRequest) -> Result<Vec<PathBuf>, EngineError>;

    /// Resident memory of the process now.
    fn resident(&self) -> Bytes;

    /// The device it renders on, as the engine says; never [`Device::Auto`].
    fn device(&self) -> Device;

    /// Ends the process and waits for it.
    async fn close(self: Box<Self>);
}

/// Receives thousandths of a task done.
pub type ProgressSink<'a> = &'a mut (dyn FnMut(u32) + Send);

/// What to inspect.
#[derive(Clone, Debug)]
pub struct InspectRequest {
    /// The scene file on this machine.
    pub scene: PathBuf,
    /// Files and folders outside the scene's own folder that may travel (`--include`).
    pub include: Vec<PathBuf>,
    /// Missing files that are accepted, as the scene names them (`--allow-missing`).
    pub allow_missing: Vec<String>,
    /// The renderer asked for instead of the file's own (`--engine cycles`).
    pub renderer_override: Option<String>,
    /// Engine options (`declare=fp=0`).
    pub options: Vec<(String, String)>,
    /// Frames that will be rendered; `None` for the file's own range.
    pub frames: Option<Frames>,
    /// Limits of the inspecting process.
    pub limits: SessionLimits,
}

/// What to open.
#[derive(Clone, Debug)]
pub struct SessionRequest {
    /// What it is opened for.
    pub purpose: SessionPurpose,
    /// Path of the scene file inside the session.
    pub scene: String,
    /// Files and folders of this machine and where they appear inside the session, read-only.
    pub files: Vec<SceneFile>,
    /// Settings of the job.
    pub settings: RenderSettings,
    /// A folder of this machine for results; emptied of a task's files by the caller.
    pub scratch: PathBuf,
    /// Limits of the process.
    pub limits: SessionLimits,
}

/// What a session is opened for. It can do the other thing too, after loading the scene again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum SessionPurpose {
    /// Raw tiles, which must repeat bit for bit: scenes are evaluated by one thread.
    Rendering,
    /// Finished frames: denoiser and compositor use every processor.
    Finishing,
}

/// A file or folder of this machine that a session may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SceneFile {
    /// On this machine.
    pub host: PathBuf,
    /// Absolute path inside the session.
    pub inside: String,
}

/// What one engine process may use.
#[derive(Clone, Debug)]
pub struct SessionLimits {
    /// Render threads.
    pub threads: u32,
    /// Address space and resident memory.
    pub memory: Bytes,
    /// Scheduling priority; providers use 19.
    pub nice: i32,
    /// Device to render on.
    pub device: Device,
    /// Longest time without any sign of progress before the process is killed.
    pub silence: Duration,
}

impl SessionLimits {
    /// A session that holds more than this share of its limit is replaced before it is killed for it: memory grows over
    /// mixed settings.
    const RECYCLE_PERCENT: u64 = 85;

    /// Whether a session of this size should be replaced before its next task.
    pub const fn are_nearly_reached_by(&self, resident: Bytes) -> bool {
        resident.0 >= self.memory.0 / 100 * Self::RECYCLE_PERCENT
    }
}

/// One task for a session.
#[derive(Clone, Debug)]
pub struct RenderRequest {
    /// What to render.
    pub task: TaskSpec,
    /// Pixels rendered around the tile, as far as the picture reaches.
    pub padding: u32,
    /// For scenes that must be played in order: the frame to start playing from.
    pub play_from: Option<i32>,
}

/// What a task produced.
#[derive(Clone, Debug)]
pub struct RawResult {
    /// OpenEXR file in the scratch folder. The caller removes it.
    pub picture: PathBuf,
    /// The pixels the file holds: the tile grown by its padding. Whoever decodes it crops to the tile.
    pub rect: Rect,
    /// CPU time of this task.
    pub cpu: CpuTime,
    /// Peak resident memory of the session so far.
    pub peak_memory: Bytes,
}

/// One merged frame to finish.
#[derive(Clone, Debug)]
pub struct FinishRequest {
    /// Frame number.
    pub frame: i32,
    /// The merged raw picture on this machine: multilayer OpenEXR.
    pub merged: PathBuf,
    /// Where the finished file goes on this machine, without extension; its folder exists.
    pub output: PathBuf,
    /// The format; films are finished as PNG frames first.
    pub format: OutputFormat,
}
