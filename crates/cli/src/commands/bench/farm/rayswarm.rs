//! One job on the local network, timed from outside as its artist sees it.

use super::{Bench, expect_pictures};
use crate::{
    commands::follow,
    exit::{BadInput, in_full},
    local_network::LocalNetwork,
};
use rayswarm_api::job::{JobRequest, JobSettings, JobState, JobView};
use rayswarm_model::{Frames, settings::OutputFormat};
use serde::Serialize;
use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

/// How often the job is asked for: also the error of every time below. Each answer costs the requestor about a millisecond,
/// which is taken from what is measured.
const POLL: Duration = Duration::from_millis(100);

/// How often CPU times are read: what a process uses after the last reading before its end is lost.
const METER_EVERY: Duration = Duration::from_millis(200);

/// What one job took.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct RayswarmRun {
    /// Seconds of analysis and probe, before the artist accepts.
    pub quote_s: f64,
    /// Seconds from the acceptance to `done`: all files written, everybody paid.
    pub wall_s: f64,
    /// Of these, seconds until the budget is locked.
    pub funding_s: f64,
    /// Of these, seconds of rendering, audits, merging and finishing.
    pub rendering_s: f64,
    /// Of these, seconds of payment.
    pub settling_s: f64,
    /// CPU seconds of every process of the network between acceptance and `done`.
    pub cpu_s: f64,
    /// CPU seconds of verified tasks, as their receipts say.
    pub render_cpu_s: f64,
    /// CPU seconds of audits, as their receipts say.
    pub audit_cpu_s: f64,
    /// Tasks verified.
    pub tasks: u64,
    /// Tasks audited.
    pub audited: u64,
    /// Attempts made.
    pub attempts: u64,
}

impl RayswarmRun {
    /// CPU seconds outside tasks and audits: loading, merging, finishing, network, chain.
    pub fn rest_cpu_s(&self) -> f64 {
        (self.cpu_s - self.render_cpu_s - self.audit_cpu_s).max(0.0)
    }
}

/// The job over `frames`, pictures as PNG like plain Blender's.
pub(super) fn job_request(bench: &Bench, frames: Frames, output: PathBuf) -> JobRequest {
    JobRequest {
        settings: JobSettings {
            frames: Some(frames),
            resolution: bench.args.resolution,
            samples: bench.args.samples,
            format: Some(OutputFormat::Png),
            providers_min: bench.cores,
            ..JobSettings::default()
        },
        ..JobRequest::new(bench.scene.clone(), output)
    }
}

/// Runs one job to its end. Anything but `done` is an error.
pub async fn measure(network: &LocalNetwork, request: &JobRequest) -> anyhow::Result<(RayswarmRun, JobView)> {
    let client = &network.client;
    let begun = Instant::now();
    let id = client.create_job(request).await?.id;
    let mut view = client.job(id).await?;
    while view.summary.state != JobState::Quoted && !view.summary.state.is_final() {
        tokio::time::sleep(POLL).await;
        view = client.job(id).await?;
    }
    let quote_s = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let mut meter = network.cpu_meter();
    let cpu_before = meter.total();
    if view.summary.state == JobState::Quoted {
        client.start_job(id).await?;
    }
    let (mut rendering_at, mut settling_at) = (None, None);
    let mut metered = begun;
    while !view.summary.state.is_final() {
        tokio::time::sleep(POLL).await;
        if metered.elapsed() > METER_EVERY {
            meter.look();
            metered = Instant::now();
        }
        view = client.job(id).await?;
        let now = begun.elapsed().as_secs_f64();
        match view.summary.state {
            JobState::Rendering => _ = rendering_at.get_or_insert(now),
            JobState::Settling => _ = settling_at.get_or_insert(now),
            _ => {}
        }
    }
    let wall_s = begun.elapsed().as_secs_f64();
    meter.look();
    let cpu_s = (meter.total() - cpu_before).as_secs_f64();
    if view.summary.state != JobState::Done {
        return Err(refused(&view));
    }
    expect_pictures(&request.output, request.settings.frames.as_ref().map_or(0, Frames::len))?;
    let settling_at = settling_at.unwrap_or(wall_s);
    let rendering_at = rendering_at.unwrap_or(settling_at);
    let seconds = |of: fn(&rayswarm_api::job::ProviderShare) -> u64| {
        let millis: u64 = view.providers.iter().map(of).sum();
        millis as f64 / 1e3
    };
    let run = RayswarmRun {
        quote_s,
        wall_s,
        funding_s: rendering_at,
        rendering_s: settling_at - rendering_at,
        settling_s: wall_s - settling_at,
        cpu_s,
        render_cpu_s: seconds(|share| share.cpu_ms),
        audit_cpu_s: seconds(|share| share.audit_cpu_ms),
        tasks: view.summary.tasks_verified,
        audited: view.providers.iter().map(|share| share.audited).sum(),
        attempts: view.attempts,
    };
    Ok((run, view))
}

fn refused(view: &JobView) -> anyhow::Error {
    let state = view.summary.state.word();
    let problem = view.summary.problem.as_ref();
    let detail = problem.map_or_else(|| "no reason given".into(), in_full);
    let text = format!("the job ended as {state}: {detail}");
    match follow::end_code(view) {
        crate::exit::ExitCode::BadInput => BadInput(text).into(),
        _ => anyhow::anyhow!(text),
    }
}
