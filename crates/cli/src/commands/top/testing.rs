//! A farm to look at in tests.

use super::state::Farm;
use rayswarm_api::{
    Time,
    farm::{EngineView, NodeSettings, NodeView, ProviderTier, ProviderView},
    job::{JobKind, JobState, JobSummary},
};
use rayswarm_model::{Amount, JobId};

/// One token in base units.
const TOKEN: u128 = 1_000_000_000_000_000_000;

/// A job that is rendered; its number is in its id and its name.
pub fn job(number: u32) -> JobSummary {
    let mut id = [0; 32];
    id[..4].copy_from_slice(&number.to_be_bytes());
    JobSummary {
        id: JobId::from_bytes(id),
        kind: JobKind::Render,
        name: format!("shot-{number}.blend"),
        state: JobState::Rendering,
        paused: false,
        priority: 0,
        problem: None,
        created_at: Time::default(),
        started_at: Some(Time::default()),
        finished_at: None,
        tasks: 96,
        tasks_verified: 60,
        frames: 24,
        frames_finished: 12,
        progress_permille: 625,
        eta_s: Some(245.0),
        budget: Amount(3 * TOKEN),
        paid: Amount(TOKEN / 2),
    }
}

/// A provider; its number is in its id.
pub fn provider(number: u32) -> ProviderView {
    ProviderView {
        id: format!("{number:08}{}", "f".repeat(56)),
        account: "0xabc".into(),
        engines: vec!["blender 4.5.15".into(), "povray 3.7".into()],
        threads: 8,
        memory_bytes: 12 << 30,
        wu_per_second: 1.5,
        price_per_wu_hour: Amount(TOKEN),
        rtt_ms: Some(12.34),
        classes: Vec::new(),
        device: "cpu".into(),
        last_seen_s: 0.5,
        registered: true,
        own: false,
        tier: ProviderTier::Open,
        busy: true,
        tasks_verified: 1234,
        tasks_rejected: 5,
        earned: Amount(0),
    }
}

/// A node that renders for others, with these jobs and one provider.
pub fn farm(jobs: Vec<JobSummary>) -> Farm {
    Farm {
        node: NodeView {
            id: "1a2b3c4d5e6f".into(),
            version: "0.1.0".into(),
            provides: true,
            provider_ready: true,
            provider_paused: false,
            chain_id: 21_075,
            rpc: "http://127.0.0.1:8545".into(),
            active_jobs: jobs.len() as u64,
            uptime_s: 3_723,
            pid: 1,
            engines: vec![EngineView {
                name: "blender".into(),
                version: "4.5.15".into(),
            }],
            sandbox: "bubblewrap".into(),
            loopback: true,
            settings: NodeSettings {
                price_per_wu_hour: Some(Amount(TOKEN)),
                threads: Some(8),
                memory_bytes: Some(12 << 30),
                cache_bytes: 50 << 30,
                http: "127.0.0.1:3000".into(),
            },
        },
        jobs,
        providers: vec![provider(1)],
    }
}
