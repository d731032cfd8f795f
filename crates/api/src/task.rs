//! Tasks, attempts and audits of one job: the mosaic, and why each task went where it went.

use crate::time::Time;
use rayswarm_model::{Amount, Rect};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// Nobody has it.
    Waiting,
    /// A provider has it in its queue.
    Given,
    /// A provider renders it.
    Rendering,
    /// Its result is here or on its way.
    Delivered,
    /// Its result is being audited.
    Auditing,
    /// Its result counts and is paid.
    Verified,
    /// It failed as often as it may.
    Failed,
}

/// One task of the mosaic.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskRow {
    /// Its number in the plan.
    pub id: u64,
    /// Its frame.
    pub frame: i32,
    /// Its pixels, from the top left.
    pub tile: Rect,
    /// Which slice of the samples.
    pub slice: u32,
    /// Of how many.
    pub slices: u32,
    /// Where it stands.
    pub state: TaskState,
    /// Who has or had it last.
    pub node: Option<String>,
    /// Thousandths done.
    pub permille: u16,
    /// Attempts made, audits left out.
    pub attempts: u32,
    /// Grows with each change of any task; the page's `rev` when this one changed last.
    pub rev: u64,
}

/// Where a task of a job of commands stands. Nobody checks what commands write, so none is ever verified.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum CommandState {
    /// It waits for its turn, or for other steps.
    Waiting,
    /// A session has it.
    Running,
    /// Done; its files are where they belong.
    Done,
    /// Failed as often as it may.
    Failed,
}

/// One task of a job of commands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CommandTask {
    /// Its number in the job.
    pub id: u64,
    /// Its step.
    pub step: String,
    /// Its values by parameter.
    pub values: std::collections::BTreeMap<String, String>,
    /// Where it stands.
    pub state: CommandState,
    /// Thousandths done, as its command says.
    pub permille: u32,
    /// What it does, as its command says.
    pub status: Option<String>,
    /// Attempts made.
    pub attempts: u32,
    /// The node of the last attempt, if it was another one than this.
    #[serde(default)]
    pub node: Option<String>,
    /// Why the last attempt failed.
    pub problem: Option<String>,
}

/// Tasks in the plan's order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TaskPage {
    /// Ask again with `since` this for what has changed.
    pub rev: u64,
    /// The tasks.
    pub tasks: Vec<TaskRow>,
    /// Asks for the next page; none on the last.
    pub next_cursor: Option<String>,
}

/// Which tasks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct TasksQuery {
    /// Only those that have changed since this `rev`.
    #[param(maximum = 9_007_199_254_740_991u64)]
    pub since: Option<u64>,
    /// Tasks at most.
    #[param(minimum = 1, maximum = 10_000)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,15}$")]
    pub cursor: Option<String>,
}

impl TasksQuery {
    /// Tasks on a page at most.
    pub const LIMIT_MAX: u32 = 10_000;
}

/// What an attempt is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AttemptPurpose {
    /// The picture.
    Render,
    /// A comparison with another attempt.
    Audit,
}

/// One try at a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttemptView {
    /// Its number in the job.
    pub id: u64,
    /// The task.
    pub task: u64,
    /// The task's frame.
    pub frame: i32,
    /// Who renders it.
    pub node: String,
    /// What for.
    pub purpose: AttemptPurpose,
    /// The attempt it audits.
    pub of: Option<u64>,
    /// Where it stands.
    pub state: String,
    /// Why it went there.
    pub reason: String,
    /// When it was given.
    #[schema(value_type = String, format = DateTime)]
    pub granted_at: Time,
    /// When it came to the head of its provider's queue.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Time>,
    /// When it ended.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Time>,
    /// Why it ended.
    pub ended_reason: Option<String>,
    /// CPU milliseconds, as its receipt says.
    pub cpu_ms: Option<u64>,
    /// The provider's price when it was given, in base units.
    #[schema(value_type = String)]
    pub price_per_wu_hour: Amount,
}

/// Which attempts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AttemptsQuery {
    /// Only those at this task.
    #[param(maximum = 9_007_199_254_740_991u64)]
    pub task: Option<u64>,
    /// Only those of this provider.
    pub node: Option<String>,
    /// Attempts at most.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,15}$")]
    pub cursor: Option<String>,
}

/// Why a task went where it went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Explanation {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// What was decided.
    pub decision: String,
    /// Why.
    pub reason: String,
}

/// Which explanations.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ExplainQuery {
    /// Only those about this task.
    #[param(maximum = 9_007_199_254_740_991u64)]
    pub task: Option<u64>,
    /// Explanations at most.
    #[param(minimum = 1, maximum = 1000)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(pattern = "^[0-9]{1,15}$")]
    pub cursor: Option<String>,
}

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogLine {
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
    /// What.
    pub text: String,
}

/// Which lines.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LogQuery {
    /// What is known of this attempt, instead of the job's own log.
    #[param(maximum = 9_007_199_254_740_991u64)]
    pub attempt: Option<u64>,
}

/// A log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LogView {
    /// Its last lines, oldest first.
    pub lines: Vec<LogLine>,
}

/// What an audit found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AuditOutcome {
    /// Not decided.
    Open,
    /// The pixels agree.
    Passed,
    /// They do not.
    Failed,
    /// Nobody could tell; the result counts.
    Inconclusive,
}

/// One audit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// The attempt that is audited.
    pub attempt: u64,
    /// Its task.
    pub task: u64,
    /// The task's frame.
    pub frame: i32,
    /// Who rendered it.
    pub provider: String,
    /// Who renders it again.
    pub auditor: String,
    /// The pixels compared.
    pub crop: Rect,
    /// What it found.
    pub outcome: AuditOutcome,
    /// When it was decided, or given out.
    #[schema(value_type = String, format = DateTime)]
    pub at: Time,
}

/// The audits of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditReport {
    /// Results drawn for an audit.
    pub drawn: u64,
    /// Audits that agreed.
    pub passed: u64,
    /// Audits that did not.
    pub failed: u64,
    /// Audits that could not tell.
    pub inconclusive: u64,
    /// Each of them, newest last.
    pub items: Vec<AuditView>,
}

/// Which picture.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PreviewQuery {
    /// The frame; by default the first of which something is there.
    pub frame: Option<i32>,
    /// Pixels of the longer side at most.
    #[param(minimum = 1, maximum = 4096)]
    pub side: Option<u32>,
    /// Only the result of this task.
    #[param(maximum = 9_007_199_254_740_991u64)]
    pub tile_task: Option<u64>,
    /// Exposure in stops.
    #[param(minimum = -20.0, maximum = 20.0)]
    pub exposure: Option<f64>,
    /// One channel in grey instead of the colour.
    pub channel: Option<String>,
}

/// Which frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FrameQuery {
    /// The frame.
    pub frame: i32,
}
