//! Jobs: what is asked, and what the daemon answers.

use crate::problem::Problem;
use rayswarm_model::{
    Amount, Frames, JobId, Resolution, SceneFacts, Work, WorkPrice,
    settings::{Device, OutputFormat},
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// What an artist asks for. Everything left out comes from the scene file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobRequest {
    /// The scene file on the daemon's machine.
    pub scene: PathBuf,
    /// Frames; the file's range by default, its current frame for stills.
    pub frames: Option<Frames>,
    /// Picture size; the file's by default.
    pub resolution: Option<ResolutionChoice>,
    /// Samples per pixel.
    pub samples: Option<u32>,
    /// Tiles per frame.
    pub tiles: TileChoice,
    /// Sample slices per tile.
    pub slices: SliceChoice,
    /// Format of the finished files; the file's own by default.
    pub format: Option<OutputFormat>,
    /// Folder for the finished files.
    pub output: PathBuf,
    /// The most the job may cost; the quote's upper price by default.
    pub budget: Option<Amount>,
    /// Seconds from the start within which the job must be settled.
    pub deadline_s: u64,
    /// The renderer to use though the file asks for another.
    pub renderer_override: Option<String>,
    /// Files outside the scene's folder that may travel.
    pub include: Vec<PathBuf>,
    /// Missing files that are accepted, as the scene names them.
    pub allow_missing: Vec<String>,
    /// Frames whose finished file exists already are left out.
    pub skip_existing: bool,
    /// The failed or cancelled job that this one goes on with: finished frames of its film are taken over.
    #[serde(default)]
    pub continues: Option<JobId>,
    /// Engine options, sorted.
    pub options: Vec<(String, String)>,
    /// Device that providers must render on.
    pub device: Device,
    /// Keep the merged raw pictures beside the finished files.
    pub keep_raw: bool,
    /// Fewest providers to wait for before tasks are given out.
    pub providers_min: u32,
    /// Start without another word once it is quoted; a quote above the budget is refused as ever.
    #[serde(default)]
    pub auto_start: bool,
}

/// How a job is to be tried again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRequest {
    /// As in [`JobRequest::auto_start`]; consent to the first try is no consent to another.
    #[serde(default)]
    pub auto_start: bool,
}

impl JobRequest {
    /// Time a job has when nobody says otherwise: one day.
    pub const DEADLINE_S: u64 = 86_400;

    /// The scene as its file says, with finished files in `output`.
    pub const fn new(scene: PathBuf, output: PathBuf) -> Self {
        Self {
            scene,
            frames: None,
            resolution: None,
            samples: None,
            tiles: TileChoice::Auto,
            slices: SliceChoice::Auto,
            format: None,
            output,
            budget: None,
            deadline_s: Self::DEADLINE_S,
            renderer_override: None,
            include: Vec::new(),
            allow_missing: Vec::new(),
            skip_existing: false,
            continues: None,
            options: Vec::new(),
            device: Device::Cpu,
            keep_raw: false,
            providers_min: 1,
            auto_start: false,
        }
    }
}

/// A size, or a share of the file's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolutionChoice {
    /// Pixels.
    Exact(Resolution),
    /// Per cent of the file's size.
    Percent(u32),
}

/// Tiles per frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TileChoice {
    /// As the planner finds best.
    Auto,
    /// Columns and rows.
    Grid(u32, u32),
}

/// Sample slices per tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceChoice {
    /// As the planner finds best.
    Auto,
    /// This many.
    Count(u32),
}

/// Where a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuoteView {
    /// Picture size. In quotes of versions that did not say, 0x0.
    #[serde(default = "QuoteView::resolution_unsaid")]
    pub resolution: Resolution,
    /// Samples per pixel. In quotes of versions that did not say, 0.
    #[serde(default)]
    pub samples: u32,
    /// Estimated work.
    pub work: Work,
    /// Expected price of the render.
    pub price: Amount,
    /// What is locked in escrow: the upper price and room for audits.
    pub budget: Amount,
    /// The most any provider may ask.
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
}

impl QuoteView {
    const fn resolution_unsaid() -> Resolution {
        Resolution { width: 0, height: 0 }
    }
}

/// One job in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobSummary {
    /// Its id.
    pub id: JobId,
    /// The scene file.
    pub scene: PathBuf,
    /// Where it stands.
    pub state: JobState,
    /// Why it failed, was refused or was cancelled.
    pub problem: Option<Problem>,
    /// When it was created.
    pub created_at_ms: u64,
    /// Tasks verified.
    pub tasks_verified: u64,
    /// Tasks in the plan; 0 before the plan.
    pub tasks: u64,
}

/// Everything about one job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct JobView {
    /// The short form.
    #[serde(flatten)]
    pub summary: JobSummary,
    /// What was asked.
    pub request: JobRequest,
    /// What the scene holds.
    pub facts: Option<SceneFacts>,
    /// Price and time.
    pub quote: Option<QuoteView>,
    /// Picture size of the job.
    pub resolution: Option<Resolution>,
    /// Frames of the job.
    pub frames: Option<Frames>,
    /// Rendering progress in thousandths, running tasks counted in part.
    pub progress_permille: u32,
    /// Seconds to go, when known.
    pub eta_s: Option<f64>,
    /// Attempts made so far.
    pub attempts: u64,
    /// Who rendered what.
    pub providers: Vec<ProviderShare>,
    /// The money.
    pub escrow: EscrowView,
    /// Transactions that settled the job.
    pub settlement: SettlementView,
    /// Frames finished.
    pub frames_finished: u64,
    /// Finished files.
    pub outputs: Vec<PathBuf>,
    /// Seconds since rendering began.
    pub wall_s: f64,
    /// What happened, last lines.
    pub log: Vec<String>,
}

/// One provider's part in a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    pub paid: Amount,
}

/// A job's escrow. Deposited is always paid + refunded + locked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EscrowView {
    /// Locked at the start.
    pub deposited: Amount,
    /// Paid to providers on chain.
    pub paid: Amount,
    /// Given back.
    pub refunded: Amount,
    /// Still locked.
    pub locked: Amount,
}

/// The transactions of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettlementView {
    /// Transaction hashes, in order.
    pub transactions: Vec<String>,
    /// Gas of all of them.
    pub gas_used: u64,
}

/// Why each task went where it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// What was decided.
    pub decision: String,
    /// Why.
    pub reason: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_request_that_does_not_say_so_does_not_start_by_itself() {
        let asked = JobRequest {
            auto_start: true,
            ..JobRequest::new("shot.blend".into(), "renders".into())
        };
        let mut written = serde_json::to_value(&asked).unwrap();
        assert_eq!(serde_json::from_value::<JobRequest>(written.clone()).unwrap(), asked);
        written.as_object_mut().unwrap().remove("auto_start");
        assert!(!serde_json::from_value::<JobRequest>(written).unwrap().auto_start);
        assert!(!serde_json::from_str::<RetryRequest>("{}").unwrap().auto_start);
    }
}
