//! Jobs: what is asked, and what the daemon answers.

use crate::{problem::Problem, time::Time};
use rayswarm_model::{
    Amount, Frames, JobId, Resolution, SceneFacts, Work, WorkPrice,
    settings::{Device, OutputFormat},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
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
    /// How it is to be rendered.
    #[serde(flatten)]
    pub settings: JobSettings,
}

/// How a job is to be rendered. Everything left out comes from the scene file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct JobSettings {
    /// What people call it; the scene's file name by default.
    #[schema(max_length = 200)]
    pub name: Option<String>,
    /// Frames; the file's range by default, its current frame for stills.
    #[schema(value_type = Option<Vec<i32>>)]
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
    #[schema(value_type = Option<Vec<i32>>)]
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
    #[schema(max_length = 200)]
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

/// A size, or a share of the file's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionChoice {
    /// Pixels.
    Exact(Resolution),
    /// Per cent of the file's size.
    Percent(u32),
}

/// Tiles per frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TileChoice {
    /// As the planner finds best.
    Auto,
    /// Columns and rows.
    Grid(u32, u32),
}

/// Sample slices per tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum SliceChoice {
    /// As the planner finds best.
    Auto,
    /// This many.
    Count(u32),
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The scene is opened and read.
    Analysing,
    /// Small crops are rendered to learn what the job costs.
    Probing,
    /// Price and time are known; waits for the artist, unless it starts by itself.
    Quoted,
    /// The budget is being locked in escrow.
    Funding,
    /// Providers render; frames are finished as they come.
    Rendering,
    /// Providers are paid and the rest comes back.
    Settling,
    /// All files are written and everybody is paid.
    Done,
    /// Ended early by the artist; finished work is paid, the rest is refunded.
    Cancelled,
    /// Could not be completed; finished work is paid, the rest is refunded.
    Failed,
}

impl JobState {
    /// Whether nothing more will happen unless someone retries.
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled | Self::Failed)
    }
    /// The word people see.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Analysing => "analysing",
            Self::Probing => "probing",
            Self::Quoted => "quoted",
            Self::Funding => "funding",
            Self::Rendering => "rendering",
            Self::Settling => "settling",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
            Self::Failed => "failed",
        }
    }
}

/// Price and time with error bars, from a plan and the offers at hand.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct QuoteView {
    /// Picture size. In quotes of versions that did not say, 0x0.
    #[serde(default = "QuoteView::resolution_unsaid")]
    pub resolution: Resolution,
    /// Samples per pixel. In quotes of versions that did not say, 0.
    #[serde(default)]
    pub samples: u32,
    /// Estimated work in thousandths of a WU.
    #[schema(value_type = Object)]
    pub work: Work,
    /// Expected price of the render, in base units.
    #[schema(value_type = String)]
    pub price: Amount,
    /// What is locked in escrow: the upper price and room for audits.
    #[schema(value_type = String)]
    pub budget: Amount,
    /// The most any provider may ask.
    #[schema(value_type = Object)]
    pub price_cap: WorkPrice,
    /// Expected seconds until the last frame.
    pub time_s: f64,
    /// Optimistic seconds.
    pub time_low_s: f64,
    /// Pessimistic seconds.
    pub time_high_s: f64,
    /// Tasks in the plan.
    pub tasks: u64,
    /// Frames in the plan.
    pub frames: u64,
    /// Tiles per frame.
    pub tiles: u64,
    /// Slices per tile.
    pub slices: u64,
    /// Bytes of results that will travel.
    pub result_bytes: u64,
    /// Providers the quote counts on.
    pub providers: u32,
    /// What the quote assumes, as sentences.
    pub assumptions: Vec<String>,
    /// Other budgets and the time they buy, cheapest first. In quotes of versions that did not say, empty.
    #[serde(default)]
    pub curve: Vec<CurvePoint>,
}

/// A budget and the time it buys.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct CurvePoint {
    /// What would be locked, in base units.
    #[schema(value_type = String)]
    pub budget: Amount,
    /// Expected seconds until the last frame.
    pub time_s: f64,
    /// Providers within the budget.
    pub providers: u32,
    /// The most any provider may ask then.
    #[schema(value_type = Object)]
    pub price_cap: WorkPrice,
}

/// The quote is accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct StartRequest {
    /// A budget of the quote's curve or between its points; the quote's own by default.
    #[schema(value_type = Option<String>, pattern = "^[0-9]{1,38}$")]
    pub budget: Option<Amount>,
}

impl QuoteView {
    const fn resolution_unsaid() -> Resolution {
        Resolution { width: 0, height: 0 }
    }
}

/// One job in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: JobId,
    /// What people call it.
    pub name: String,
    /// Where it stands.
    pub state: JobState,
    /// Whether nothing new is given out.
    pub paused: bool,
    /// Which of this node's jobs goes first.
    pub priority: i32,
    /// Why it failed, was refused or was cancelled.
    pub problem: Option<Problem>,
    /// When it was created.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Time,
    /// When rendering began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Time>,
    /// When it became final.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub finished_at: Option<Time>,
    /// Tasks in the plan; 0 before the plan.
    pub tasks: u64,
    /// Tasks verified.
    pub tasks_verified: u64,
    /// Frames of the job.
    pub frames: u64,
    /// Frames finished.
    pub frames_finished: u64,
    /// Rendering progress in thousandths, running tasks counted in part.
    pub progress_permille: u32,
    /// Seconds to go, when known.
    pub eta_s: Option<f64>,
    /// What is or will be locked, in base units.
    #[schema(value_type = String)]
    pub budget: Amount,
    /// What verified work has earned so far.
    #[schema(value_type = String)]
    pub paid: Amount,
}

/// Everything about one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobView {
    /// The short form.
    #[serde(flatten)]
    pub summary: JobSummary,
    /// The scene file on the node's machine.
    #[schema(value_type = String)]
    pub scene: PathBuf,
    /// How it is rendered.
    pub settings: JobSettings,
    /// What the scene holds.
    pub facts: Option<SceneFacts>,
    /// Price and time.
    pub quote: Option<QuoteView>,
    /// Picture size of the job.
    pub resolution: Option<Resolution>,
    /// Frames of the job.
    pub frame_numbers: Vec<i32>,
    /// Attempts made so far.
    pub attempts: u64,
    /// Who rendered what.
    pub providers: Vec<ProviderShare>,
    /// The money.
    pub escrow: EscrowView,
    /// Transactions that settled the job.
    pub settlement: SettlementView,
    /// Finished files.
    pub outputs: Vec<Output>,
    /// Seconds since rendering began.
    pub wall_s: f64,
    /// What happened, last lines.
    pub log: Vec<String>,
}

/// What a finished file holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// A frame as it was asked for.
    Frame,
    /// All frames as a film.
    Film,
    /// The merged picture before denoiser and compositor.
    Raw,
}

/// A finished file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Output {
    /// Its place in the list; stable once the job is final.
    pub index: u64,
    /// Its file name.
    pub name: String,
    /// Where it is on the node's machine.
    #[schema(value_type = String)]
    pub path: PathBuf,
    /// What it holds.
    pub kind: OutputKind,
    /// Its frame, unless it is a film.
    pub frame: Option<i32>,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its media type.
    pub media_type: String,
}

/// One provider's part in a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProviderShare {
    /// Node id.
    pub id: String,
    /// The account that is paid.
    pub account: String,
    /// Tasks verified.
    pub tasks: u64,
    /// Tasks of this provider that were audited.
    pub audited: u64,
    /// Audits it rendered for others.
    pub audits_rendered: u64,
    /// CPU milliseconds of its verified tasks.
    pub cpu_ms: u64,
    /// CPU milliseconds of the audits it rendered.
    pub audit_cpu_ms: u64,
    /// Paid so far (vouchered, then settled).
    #[schema(value_type = String)]
    pub paid: Amount,
}

/// A job's escrow. Deposited is always paid + refunded + locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct EscrowView {
    /// Locked at the start.
    #[schema(value_type = String)]
    pub deposited: Amount,
    /// Paid to providers on chain.
    #[schema(value_type = String)]
    pub paid: Amount,
    /// Given back.
    #[schema(value_type = String)]
    pub refunded: Amount,
    /// Still locked.
    #[schema(value_type = String)]
    pub locked: Amount,
}

/// The transactions of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettlementView {
    /// Transaction hashes, in order.
    pub transactions: Vec<String>,
    /// Gas of all of them.
    pub gas_used: u64,
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
