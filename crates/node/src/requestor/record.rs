//! What the requestor decided about one job: written to the journal at each step, read back after a crash.

use super::rendering::Progress;
use rayswarm_api::{
    Problem, Time,
    job::{
        CurvePoint, EscrowView, JobChange, JobKind, JobRequest, JobSettings, JobState, JobSummary, QuoteView,
        SettlementView,
    },
};
use rayswarm_model::{Amount, B256, BlobId, Frames, JobId, Resolution, SceneFacts, UnixMillis, settings::OutputFormat};
use rayswarm_scheduler::Policy;
use serde::{Deserialize, Serialize};
use std::{fmt, path::PathBuf};

/// One job as the journal keeps it. The plan is a file beside it: it can be large and never changes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct JobRecord {
    /// Its id on chain and everywhere else.
    pub id: JobId,
    /// The salt its id was made with.
    pub salt: B256,
    /// When it was asked for.
    pub created_at: UnixMillis,
    /// What was asked.
    pub request: JobRequest,
    /// The key and body that it was asked with, so that asking again makes no second job.
    #[serde(default)]
    pub asked_with: Option<AskedWith>,
    /// Whether the artist lets nothing new be given out.
    #[serde(default)]
    pub paused: bool,
    /// Where it stands.
    pub state: JobState,
    /// Why it failed or was cancelled. Set before settling, so that a crash does not forget it.
    pub problem: Option<Problem>,
    /// What the scene holds.
    pub facts: Option<SceneFacts>,
    /// keccak-256 of the plan's canonical encoding; the plan is `plan.bin` in the job's folder.
    pub plan_hash: Option<B256>,
    /// The packed scene.
    pub manifest: Option<ManifestBlob>,
    /// How the farm decides; fixed when the job is funded.
    pub policy: Policy,
    /// Tasks in the plan.
    pub tasks: u64,
    /// How far it was when the record was last written.
    #[serde(default)]
    pub progress: Progress,
    /// Picture size.
    #[serde(default)]
    pub resolution: Option<Resolution>,
    /// Frames of the plan.
    #[serde(default)]
    pub frames: Option<Frames>,
    /// Frames of a film that an earlier try finished; they are not in the plan.
    #[serde(default)]
    pub frames_inherited: Vec<i32>,
    /// Price and time.
    pub quote: Option<QuoteView>,
    /// Format of the finished frames and film.
    pub format: Option<OutputFormat>,
    /// Secret seed of the audit draws.
    pub audit_seed: SecretSeed,
    /// When the escrow lets anyone ask for the refund.
    pub deadline_at: UnixMillis,
    /// When rendering began.
    pub started_at: Option<UnixMillis>,
    /// When it became final.
    pub finished_at: Option<UnixMillis>,
    /// The money.
    pub escrow: EscrowView,
    /// Height of the chain before the job was opened: its events are looked for from there on.
    #[serde(default)]
    pub opened_after: Option<u64>,
    /// Its transactions.
    pub settlement: SettlementView,
    /// Frames whose files are written.
    pub frames_finished: Vec<i32>,
    /// Finished files.
    pub outputs: Vec<PathBuf>,
}

/// An idempotency key, and the hash of what was asked with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskedWith {
    /// The key.
    pub key: String,
    /// BLAKE3 of the request.
    pub body: String,
}

/// Whoever knows it knows which crops will be audited, so it is written to the journal and nowhere else.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SecretSeed(pub [u8; 32]);

impl fmt::Debug for SecretSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretSeed(hidden)")
    }
}

/// Where the job's manifest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ManifestBlob {
    /// The blob.
    pub blob: BlobId,
    /// Its length.
    pub bytes: u64,
}

impl JobRecord {
    /// The short form for lists.
    pub fn summary(&self) -> JobSummary {
        let budget = self.quote.as_ref().map(|quote| quote.budget);
        let frames = self.frames.as_ref().map_or(0, Frames::len) + self.frames_inherited.len();
        JobSummary {
            id: self.id,
            kind: JobKind::Render,
            name: self.request.name(),
            state: self.state,
            paused: self.paused,
            priority: self.request.settings.priority,
            problem: self.problem.clone(),
            created_at: Time(self.created_at),
            started_at: self.started_at.map(Time),
            finished_at: self.finished_at.map(Time),
            tasks: self.tasks,
            tasks_verified: self.progress.tasks_verified,
            frames: frames as u64,
            frames_finished: (self.frames_finished.len() + self.frames_inherited.len()) as u64,
            progress_permille: self.progress.permille,
            eta_s: self.progress.eta_s,
            budget: budget.or(self.request.settings.budget).unwrap_or_default(),
            paid: self.progress.shares.iter().map(|share| share.paid).sum(),
        }
    }

    /// Takes the dearest point of the quote's curve that the budget allows.
    pub fn choose(&mut self, budget: Option<Amount>) {
        let (Some(budget), Some(quote)) = (budget, self.quote.as_mut()) else {
            return;
        };
        let within = quote.curve.iter().filter(|point| point.budget <= budget);
        if let Some(point) = within.max_by_key(|point| point.budget).cloned() {
            let CurvePoint { price_cap, time_s, .. } = point;
            (quote.budget, quote.price_cap, quote.time_s) = (budget, price_cap, time_s);
        }
    }

    /// Another name or priority.
    pub fn change(&mut self, change: JobChange) {
        if let Some(priority) = change.priority {
            self.request.settings.priority = priority.clamp(-JobSettings::PRIORITY_MAX, JobSettings::PRIORITY_MAX);
        }
        if change.name.is_some() {
            self.request.settings.name = change.name;
        }
    }
}
