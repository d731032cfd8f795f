//! Asking for a job, and for changes of one.

use rayswarm_model::{
    Amount, Frames, JobId, Resolution,
    settings::{Device, OutputFormat},
};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, num::NonZeroU32, path::PathBuf};
use utoipa::{IntoParams, ToSchema};

/// Where a scene comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SceneSource {
    /// A finished upload.
    Upload(String),
    /// A file of the node's machine; needs the scope `paths`.
    #[schema(value_type = String)]
    Path(PathBuf),
}

/// A job to be made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct NewJob {
    /// The scene.
    pub scene: SceneSource,
    /// Folder of the node's machine for the finished files; needs the scope `paths`. By default the node keeps them.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub output: Option<PathBuf>,
    /// Files of the node's machine outside the scene's folder that may travel; needs the scope `paths`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub include: Vec<PathBuf>,
    /// Values of the template's parameters, where the scene is an Open Job Description template (`.yaml`, `.json`). Its
    /// commands begin at once; needs the scope `spend`.
    #[serde(default)]
    pub parameters: BTreeMap<String, String>,
    /// Environment templates to enter around the template's own, outermost first; needs the scope `paths`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub environments: Vec<PathBuf>,
    /// How it is to be rendered.
    #[serde(flatten)]
    pub settings: JobSettings,
}

/// How a job is to be rendered. Everything left out comes from the scene file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct JobSettings {
    /// What people call it; the scene's file name by default.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
    /// Frames; the file's range by default, its current frame for stills.
    #[schema(value_type = Option<Vec<i32>>, min_items = 1)]
    pub frames: Option<Frames>,
    /// Picture size; the file's by default.
    pub resolution: Option<ResolutionChoice>,
    /// Samples per pixel.
    #[schema(minimum = 1)]
    pub samples: Option<u32>,
    /// Tiles per frame.
    pub tiles: TileChoice,
    /// Sample slices per tile.
    pub slices: SliceChoice,
    /// Format of the finished files; the file's own by default.
    pub format: Option<OutputFormat>,
    /// The most the job may cost, in base units; the quote's upper price by default.
    #[schema(value_type = Option<String>, pattern = "^[0-9]{1,38}$")]
    pub budget: Option<Amount>,
    /// Seconds from the start within which the job must be settled; one day by default.
    #[schema(minimum = 1, maximum = 31_536_000u64)]
    pub deadline_s: u64,
    /// The renderer to use though the file asks for another: `cycles`.
    pub renderer_override: Option<String>,
    /// Missing files that are accepted, as the scene names them.
    pub allow_missing: Vec<String>,
    /// Frames whose finished file exists already are left out.
    pub skip_existing: bool,
    /// Engine options, sorted.
    #[schema(value_type = Vec<Vec<String>>)]
    pub options: Vec<(String, String)>,
    /// Device that providers must render on.
    pub device: Device,
    /// Keep the merged raw pictures beside the finished files.
    pub keep_raw: bool,
    /// Fewest providers to wait for before tasks are given out.
    #[schema(maximum = 10_000)]
    pub providers_min: u32,
    /// Start without another word once it is quoted; a quote above the budget is refused as ever. Needs the scope `spend`.
    pub auto_start: bool,
    /// Which of this node's jobs goes first, -100 to 100.
    #[schema(minimum = -100, maximum = 100)]
    pub priority: i32,
}

impl JobSettings {
    /// Time a job has when nobody says otherwise: one day.
    pub const DEADLINE_S: u64 = 86_400;
    /// The most and the least important job.
    pub const PRIORITY_MAX: i32 = 100;
}

impl Default for JobSettings {
    fn default() -> Self {
        Self {
            name: None,
            frames: None,
            resolution: None,
            samples: None,
            tiles: TileChoice::Auto,
            slices: SliceChoice::Auto,
            format: None,
            budget: None,
            deadline_s: Self::DEADLINE_S,
            renderer_override: None,
            allow_missing: Vec::new(),
            skip_existing: false,
            options: Vec::new(),
            device: Device::Cpu,
            keep_raw: false,
            providers_min: 1,
            auto_start: false,
            priority: 0,
        }
    }
}

/// A job whose scene and folder are files of this machine: what the node works with and writes to its journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    /// The scene file.
    pub scene: PathBuf,
    /// Folder for the finished files.
    pub output: PathBuf,
    /// Files outside the scene's folder that may travel.
    #[serde(default)]
    pub include: Vec<PathBuf>,
    /// The failed or cancelled job that this one goes on with: finished frames of its film are taken over.
    #[serde(default)]
    pub continues: Option<JobId>,
    /// How it is to be rendered.
    #[serde(flatten)]
    pub settings: JobSettings,
}

impl JobRequest {
    /// The scene as its file says, with finished files in `output`.
    pub fn new(scene: PathBuf, output: PathBuf) -> Self {
        Self {
            scene,
            output,
            include: Vec::new(),
            continues: None,
            settings: JobSettings::default(),
        }
    }

    /// What people call it.
    pub fn name(&self) -> String {
        let of_file = || {
            let name = self.scene.file_name().unwrap_or(self.scene.as_os_str());
            name.to_string_lossy().into_owned()
        };
        self.settings.name.clone().unwrap_or_else(of_file)
    }
}

impl From<JobRequest> for NewJob {
    fn from(request: JobRequest) -> Self {
        Self {
            scene: SceneSource::Path(request.scene),
            output: Some(request.output),
            include: request.include,
            parameters: BTreeMap::new(),
            environments: Vec::new(),
            settings: request.settings,
        }
    }
}

/// A scene to look at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Inspection {
    /// The scene.
    pub scene: SceneSource,
    /// The renderer to use though the file asks for another.
    #[serde(default)]
    pub renderer_override: Option<String>,
    /// Missing files that are accepted, as the scene names them.
    #[serde(default)]
    pub allow_missing: Vec<String>,
    /// Files of the node's machine outside the scene's folder that may travel; needs the scope `paths`.
    #[serde(default)]
    #[schema(value_type = Vec<String>)]
    pub include: Vec<PathBuf>,
    /// The job's frames; the file's own range by default.
    #[serde(default)]
    #[schema(value_type = Option<Vec<i32>>, min_items = 1)]
    pub frames: Option<Frames>,
    /// Engine options, sorted.
    #[serde(default)]
    #[schema(value_type = Vec<Vec<String>>)]
    pub options: Vec<(String, String)>,
}

impl Inspection {
    /// Of what a job would render.
    pub fn of(request: &JobRequest) -> Self {
        Self {
            scene: SceneSource::Path(request.scene.clone()),
            renderer_override: request.settings.renderer_override.clone(),
            allow_missing: request.settings.allow_missing.clone(),
            include: request.include.clone(),
            frames: request.settings.frames.clone(),
            options: request.settings.options.clone(),
        }
    }
}

/// How a job is to be tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct RetryRequest {
    /// As in [`JobSettings::auto_start`]; consent to the first try is no consent to another.
    pub auto_start: bool,
}

/// A copy of a job, with what is to be different.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct DuplicateRequest {
    /// Fields of [`JobSettings`] that are to be different; those left out are the same.
    #[schema(value_type = JobSettings)]
    pub changes: serde_json::Map<String, serde_json::Value>,
}

/// What may be changed of a job at any time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct JobChange {
    /// Which of this node's jobs goes first, -100 to 100.
    #[schema(minimum = -100, maximum = 100)]
    pub priority: Option<i32>,
    /// What people call it.
    #[schema(min_length = 1, max_length = 200)]
    pub name: Option<String>,
}

/// Which jobs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct JobsQuery {
    /// Only those in these states, separated by commas.
    pub state: Option<String>,
    /// Only those whose name or id holds this text.
    pub q: Option<String>,
    /// Jobs at most.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
}

/// A number of at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(value_type = u32, minimum = 1)]
pub struct Positive(NonZeroU32);

impl Positive {
    /// This number, if it is not zero.
    pub fn new(number: u32) -> Option<Self> {
        NonZeroU32::new(number).map(Self)
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0.get()
    }
}

/// A size, or a share of the file's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionChoice {
    /// Pixels.
    Exact(Resolution),
    /// Per cent of the file's size.
    Percent(Positive),
}

/// Tiles per frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TileChoice {
    /// As the planner finds best.
    Auto,
    /// Columns and rows.
    Grid([Positive; 2]),
}

/// Sample slices per tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SliceChoice {
    /// As the planner finds best.
    Auto,
    /// This many.
    Count(Positive),
}

/// The quote is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StartRequest {
    /// A budget of the quote's curve or between its points; the quote's own by default.
    #[schema(value_type = Option<String>, pattern = "^[0-9]{1,38}$")]
    pub budget: Option<Amount>,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_request_that_does_not_say_so_does_not_start_by_itself() {
        let mut asked = JobRequest::new("shot.blend".into(), "renders".into());
        asked.settings.auto_start = true;
        let mut written = serde_json::to_value(&asked).unwrap();
        assert_eq!(serde_json::from_value::<JobRequest>(written.clone()).unwrap(), asked);
        written.as_object_mut().unwrap().remove("auto_start");
        assert!(
            !serde_json::from_value::<JobRequest>(written)
                .unwrap()
                .settings
                .auto_start
        );
        assert!(!serde_json::from_str::<RetryRequest>("{}").unwrap().auto_start);
        let least: NewJob = serde_json::from_str(r#"{"scene": {"upload": "u1"}}"#).unwrap();
        assert_eq!(least.settings, JobSettings::default());
    }
}
