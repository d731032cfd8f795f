//! Jobs: what is asked (in `ask`), and what the daemon answers.

mod ask;

use crate::{problem::Problem, time::Time};
use rayswarm_model::{Amount, JobId, Resolution, SceneFacts, Work, WorkPrice};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use utoipa::ToSchema;

pub use ask::{
    DuplicateRequest, Inspection, JobChange, JobRequest, JobSettings, JobsQuery, NewJob, Positive, ResolutionChoice,
    RetryRequest, SceneSource, SliceChoice, StartRequest, TileChoice,
};

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
    /// Providers render; frames are finished as they come. For a job of commands: its commands run.
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
    #[schema(value_type = u64)]
    pub work: Work,
    /// Expected price of the render, in base units.
    #[schema(value_type = String)]
    pub price: Amount,
    /// What is locked in escrow: the upper price and room for audits.
    #[schema(value_type = String)]
    pub budget: Amount,
    /// The most any provider may ask.
    #[schema(value_type = String, pattern = "^[0-9]{1,38}$")]
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
    #[schema(value_type = String, pattern = "^[0-9]{1,38}$")]
    pub price_cap: WorkPrice,
}

impl QuoteView {
    const fn resolution_unsaid() -> Resolution {
        Resolution { width: 0, height: 0 }
    }
}

/// What a job is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum JobKind {
    /// Frames of a scene, rendered by providers.
    #[default]
    Render,
    /// Commands of an Open Job Description template, run by this node.
    Commands,
}

/// One step of a job of commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StepView {
    /// Its name.
    pub name: String,
    /// Tasks it has.
    pub tasks: u64,
    /// Tasks done.
    pub tasks_done: u64,
    /// The steps that must be done before.
    pub waits_for: Vec<String>,
}

/// One job in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct JobSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: JobId,
    /// What it is made of.
    #[serde(default)]
    pub kind: JobKind,
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
    /// The steps of a job of commands.
    #[serde(default)]
    pub steps: Vec<StepView>,
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
    /// A file that a command wrote.
    File,
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
