//! Jobs as the journal keeps them: waiting for their artist, over, or rendered with a history.

use super::{
    SeedError,
    history::{self, History, THREADS},
    scene::{RESOLUTION, SAMPLES, facts},
};
use crate::requestor::{
    naming,
    record::{JobRecord, SecretSeed},
    rendering::Progress,
};
use rayswarm_api::{
    Problem,
    job::{CurvePoint, EscrowView, JobRequest, JobSettings, JobState, ProviderShare, QuoteView, SettlementView},
};
use rayswarm_model::{
    Amount, Bytes, CpuTime, Frames, JobId, NodeId, Offer, Plan, Rect, RenderSettings, SceneFacts, UnixMillis,
    WorkPrice, keccak256,
    settings::{Device, OutputFormat},
};
use rayswarm_planner::{
    AuditRate, CostMap, ExpectedProviders, PlanRequest, Probe, ProbeSample, Quote, QuoteRequest, SliceChoice,
    TileChoice, plan, quote,
};
use rayswarm_scheduler::Policy;
use std::{path::PathBuf, time::Duration};

/// Frames of the large job: what a new scene has.
const LARGE_FRAMES: i32 = 250;
/// Tiles of each: with the frames, ten thousand tasks.
const LARGE_TILES: (u32, u32) = (8, 5);
/// Frames of the other jobs at most.
const FRAMES_MAX: u8 = 96;
/// Machines of the farm.
const MACHINES: u8 = 8;
/// What each of them does in a second of wall time, thousandths of a WU.
const MILLI_WU_PER_SECOND: u64 = 1000 * THREADS;
/// Price of the cheapest machine in base units per WU-hour; each is a tenth dearer than the one before.
const PRICE: u128 = 1_000_000_000_000_000_000;
/// CPU time of the crop that was probed in each job.
const PROBED_CPU: CpuTime = CpuTime { millis: 900 };
/// Pixels of a side of that crop.
const PROBED_SIDE: u32 = 64;
/// Samples it was probed with.
const PROBED_SAMPLES: u32 = 16;

/// A job before it was rendered.
pub struct Shot {
    /// Its id.
    pub id: JobId,
    /// What is rendered.
    pub plan: Plan,
    number: u32,
    created_at: UnixMillis,
    facts: SceneFacts,
    quote: QuoteView,
}

impl Shot {
    /// One of the many.
    pub fn of(number: u32, created_at: UnixMillis) -> Result<Self, SeedError> {
        let frames = 1 + keccak256(number.to_be_bytes())[0] % FRAMES_MAX;
        Self::new(number, created_at, i32::from(frames), TileChoice::Auto)
    }

    /// The large one.
    pub fn large(number: u32, created_at: UnixMillis) -> Result<Self, SeedError> {
        let (columns, rows) = LARGE_TILES;
        Self::new(number, created_at, LARGE_FRAMES, TileChoice::Grid { columns, rows })
    }

    /// Four tasks.
    #[cfg(test)]
    pub fn small() -> Self {
        let tiles = TileChoice::Grid { columns: 2, rows: 1 };
        Self::new(0, UnixMillis(1_700_000_000_000), 2, tiles).expect("it is planned like any other")
    }

    fn new(number: u32, created_at: UnixMillis, frames: i32, tiles: TileChoice) -> Result<Self, SeedError> {
        let facts = facts(frames);
        let frames = Frames::range(1, frames, 1)?;
        let cost = CostMap::fit(&Probe {
            resolution: RESOLUTION,
            milli_wu_per_cpu_second: 1000,
            crops: vec![ProbeSample {
                frame: 1,
                rect: Rect {
                    x: 900,
                    y: 500,
                    width: PROBED_SIDE,
                    height: PROBED_SIDE,
                },
                samples: PROBED_SAMPLES,
                cpu: PROBED_CPU,
            }],
        })?;
        let offers = offers(created_at);
        let plan = plan(PlanRequest {
            facts: &facts,
            settings: RenderSettings {
                resolution: RESOLUTION,
                samples: SAMPLES,
                renderer_override: None,
                allowed_missing: Vec::new(),
                options: Vec::new(),
            },
            frames: frames.clone(),
            tiles,
            slices: SliceChoice::Count(1),
            cost: &cost,
            providers: ExpectedProviders {
                count: MACHINES.into(),
                median_milli_wu_per_second: MILLI_WU_PER_SECOND,
            },
        })?;
        let question = QuoteRequest {
            plan: &plan,
            error_permille: cost.relative_error_permille(&frames),
            offers: &offers,
            channels: 12,
            scene: facts.memory_estimate,
            setup: Duration::from_secs(5),
            audits: AuditRate::default(),
            adaptive_sampling: facts.adaptive_sampling,
        };
        let quote = quote_view(&question)?;
        Ok(Self {
            id: JobId::from(keccak256(format!("seeded job {number}"))),
            plan,
            number,
            created_at,
            facts,
            quote,
        })
    }

    /// When its rendering began.
    pub fn started_at(&self) -> UnixMillis {
        self.created_at.after(Duration::from_secs(60))
    }

    /// Who offered to render it.
    pub fn offers(&self) -> Vec<Offer> {
        offers(self.created_at)
    }

    /// How the farm decides.
    pub fn policy(&self) -> Policy {
        Policy {
            price_cap: self.quote.price_cap,
            budget: Some(self.quote.budget),
            deadline: Some(self.deadline_at()),
            ..Policy::default()
        }
    }

    /// What decides its audits.
    pub fn audit_seed(&self) -> SecretSeed {
        SecretSeed(keccak256(format!("audits of job {}", self.number)).0)
    }

    /// The job as it waits for its artist.
    pub fn waiting(&self) -> JobRecord {
        let name = format!("shot_{:04}", self.number);
        let scene = PathBuf::from(format!("/projects/film/{name}/{name}.blend"));
        JobRecord {
            id: self.id,
            salt: keccak256(name.as_bytes()),
            created_at: self.created_at,
            request: JobRequest {
                settings: JobSettings {
                    name: Some(name.clone()),
                    format: Some(OutputFormat::Png),
                    ..JobSettings::default()
                },
                ..JobRequest::new(scene, format!("/projects/film/{name}/frames").into())
            },
            asked_with: None,
            paused: false,
            state: JobState::Quoted,
            problem: None,
            facts: Some(self.facts.clone()),
            plan_hash: None,
            manifest: None,
            policy: Policy::default(),
            tasks: self.plan.tasks.len() as u64,
            progress: Progress::default(),
            resolution: Some(RESOLUTION),
            frames: Some(self.plan.frames.clone()),
            frames_inherited: Vec::new(),
            quote: Some(self.quote.clone()),
            format: Some(OutputFormat::Png),
            audit_seed: self.audit_seed(),
            deadline_at: self.deadline_at(),
            started_at: None,
            finished_at: None,
            escrow: EscrowView::default(),
            opened_after: None,
            settlement: SettlementView::default(),
            frames_finished: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// The job after its end: done, or one in ten cancelled or failed in its middle.
    pub fn over(&self) -> JobRecord {
        let (state, problem) = match self.number % 20 {
            5 => (
                JobState::Cancelled,
                Some(("cancelled", "cancelled; finished work is paid, the rest is refunded")),
            ),
            15 => (
                JobState::Failed,
                Some(("no_providers", "no provider that may render this job is left")),
            ),
            _ => (JobState::Done, None),
        };
        let all = self.plan.frames.as_slice();
        let finished = if problem.is_none() { all } else { &all[..all.len() / 2] };
        let permille = 1000 * finished.len() / all.len();
        let tasks = self.plan.tasks.len() as u64 * permille as u64 / 1000;
        let shares = self.offers().into_iter().map(|offer| ProviderShare {
            id: offer.node.to_string(),
            account: offer.account.to_string(),
            tasks: tasks / u64::from(MACHINES),
            audited: tasks / 40,
            audits_rendered: tasks / 40,
            cpu_ms: 40_000 * tasks / u64::from(MACHINES),
            audit_cpu_ms: 2_000 * tasks / 40,
            paid: Amount(self.quote.price.0 / u128::from(MACHINES)),
        });
        let progress = Progress {
            permille: permille as u32,
            eta_s: None,
            attempts: tasks + tasks / 4,
            tasks_verified: tasks,
            shares: shares.collect(),
            earnings: Default::default(),
        };
        let mut record = self.ended(state, finished.to_vec(), progress, self.started_at().after(RENDERED_IN));
        record.problem = problem.map(|(kind, detail)| Problem::new(503, kind, detail));
        record
    }

    /// The job with the history.
    pub fn rendered(&self, history: &History) -> JobRecord {
        let progress = Progress {
            permille: 1000,
            eta_s: None,
            attempts: history.ledger.attempts(),
            tasks_verified: history.ledger.accepted.len() as u64,
            shares: history.ledger.shares(),
            earnings: history.ledger.earnings.clone(),
        };
        let frames = self.plan.frames.as_slice().to_vec();
        self.ended(JobState::Done, frames, progress, history.ended_at)
    }

    fn ended(&self, state: JobState, frames: Vec<i32>, progress: Progress, at: UnixMillis) -> JobRecord {
        let paid: Amount = progress.shares.iter().map(|share| share.paid).sum();
        let waiting = self.waiting();
        let (folder, scene) = (&waiting.request.output, &waiting.request.scene);
        let file = |frame: &i32| naming::frame_file(folder, &self.facts, scene, *frame, OutputFormat::Png);
        let transaction = |what: &str| keccak256(format!("{what} {}", self.id)).to_string();
        JobRecord {
            state,
            policy: self.policy(),
            progress,
            started_at: Some(self.started_at()),
            finished_at: Some(at),
            escrow: EscrowView {
                deposited: self.quote.budget,
                paid,
                refunded: self.quote.budget.checked_minus(paid).unwrap_or_default(),
                locked: Amount::ZERO,
            },
            settlement: SettlementView {
                transactions: ["open", "close", "refund"].map(transaction).to_vec(),
                gas_used: 512_345,
            },
            outputs: frames.iter().map(file).collect(),
            frames_finished: frames,
            ..waiting
        }
    }

    fn deadline_at(&self) -> UnixMillis {
        self.created_at.after(DEADLINE)
    }
}

/// How long the small jobs took.
const RENDERED_IN: Duration = Duration::from_secs(1800);
/// Time a job had: the large one takes machines of eight threads some days.
const DEADLINE: Duration = Duration::from_secs(365 * 24 * 3600);

fn offers(now: UnixMillis) -> Vec<Offer> {
    let offer = |number: u8| {
        let node = NodeId::from_bytes(keccak256([number]).0);
        Offer {
            node,
            account: history::account_of(node),
            engines: Vec::new(),
            threads: THREADS as u32,
            memory: Bytes(16 << 30),
            benchmark_milli_wu: MILLI_WU_PER_SECOND,
            price: WorkPrice {
                per_wu_hour: Amount(PRICE * u128::from(10 + number) / 10),
            },
            device: Device::Cpu,
            sandboxed: true,
            commands: None,
            issued_at: now,
        }
    };
    (0..MACHINES).map(offer).collect()
}

fn quote_view(question: &QuoteRequest<'_>) -> Result<QuoteView, SeedError> {
    let whole = quote(question)?;
    let count = |quote: &Quote| u32::try_from(quote.providers).unwrap_or(u32::MAX);
    let mut curve = Vec::new();
    for machines in 1..=question.offers.len() {
        let offers = &question.offers[..machines];
        let part = quote(&QuoteRequest { offers, ..*question })?;
        curve.push(CurvePoint {
            budget: part.price_high,
            time_s: part.time_ms as f64 / 1e3,
            providers: count(&part),
            price_cap: part.price_cap,
        });
    }
    Ok(QuoteView {
        resolution: RESOLUTION,
        samples: SAMPLES,
        work: whole.work,
        price: whole.price,
        budget: whole.price_high,
        price_cap: whole.price_cap,
        time_s: whole.time_ms as f64 / 1e3,
        time_low_s: whole.time_low_ms as f64 / 1e3,
        time_high_s: whole.time_high_ms as f64 / 1e3,
        tasks: whole.tasks,
        frames: question.plan.frames.len() as u64,
        tiles: question.plan.tiles.len() as u64,
        slices: question.plan.slices.len() as u64,
        result_bytes: whole.result_bytes.0,
        providers: count(&whole),
        assumptions: whole.assumptions.iter().map(ToString::to_string).collect(),
        curve,
    })
}
