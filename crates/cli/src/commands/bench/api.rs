//! `rayswarm bench api`: how a node answers many at once. Real processes, a list of a thousand jobs, and figures with
//! their targets beside them: the time of reads, the completeness of events, the memory, and what rendering loses to
//! people who look at it.

mod changes;
mod endpoints;
mod latency;
mod listeners;
mod load;
mod memory;
mod reads;
mod rendering;
mod report;
mod sequence;
mod soak;
mod wire;

use super::farm::spinner;
use crate::{
    args::ApiArgs,
    commands::{
        demo::{own_scene, scratch_folder},
        render::existing_file,
    },
    exit::{BadInput, ExitCode},
    interrupt::Interrupt,
    local_network::LocalNetwork,
};
use anyhow::Context;
use indicatif::ProgressBar;
use rayswarm_api::job::{JobRequest, JobSettings, Positive, ResolutionChoice, TileChoice};
use rayswarm_model::{Frames, Resolution, settings::OutputFormat};
use rayswarm_node::{
    bench_seed::{Seeded, seed},
    config::DaemonFile,
};
use report::Report;
use std::{
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};
use wire::Target;

/// The job of the rendering rounds: small, and long enough that a fiftieth of it can be seen.
const RESOLUTION: Resolution = Resolution {
    width: 480,
    height: 270,
};

/// What is measured, and where.
struct Bench {
    args: ApiArgs,
    /// The scene of the rendering rounds, unless they are left out.
    scene: Option<PathBuf>,
    folder: PathBuf,
    cores: u32,
    bar: ProgressBar,
}

pub async fn run(args: ApiArgs) -> anyhow::Result<ExitCode> {
    let scene = match &args.scene {
        _ if args.skip_rendering => None,
        Some(scene) => Some(existing_file(scene)?),
        None => Some(own_scene()?),
    };
    if args.jobs < JOBS_MIN {
        return Err(BadInput(format!("--jobs {} is too few; give at least {JOBS_MIN}", args.jobs)).into());
    }
    let bench = Bench {
        args,
        scene,
        folder: scratch_folder("api"),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        bar: spinner(),
    };
    // Listened for from the start: the processes must be stopped before this one ends.
    let mut interrupt = Interrupt::listen()?;
    let outcome = bench.run(&mut interrupt).await;
    bench.bar.finish_and_clear();
    super::remove(&bench.folder)?;
    let Some(report) = outcome? else {
        return Ok(ExitCode::Interrupted);
    };
    if bench.args.json {
        report.print_json()?;
    } else {
        report.print();
    }
    Ok(if report.holds() {
        ExitCode::Success
    } else {
        ExitCode::Failure
    })
}

/// Fewer have no job that waits for its artist beside the large one.
const JOBS_MIN: u32 = 20;

impl Bench {
    /// Everything, or `None` when it was interrupted.
    async fn run(&self, interrupt: &mut Interrupt) -> anyhow::Result<Option<Report>> {
        self.say("writing the jobs of a year");
        let (data_dir, jobs) = (self.requestor(), self.args.jobs);
        let seeding = tokio::task::spawn_blocking(move || seed(&data_dir, jobs));
        let Some(seeded) = interrupt.unless(seeding).await else {
            return Ok(None);
        };
        let seeded = seeded??;
        let begun = SystemTime::now();
        // Providers render, and are asked about; without rounds there is nothing for them to do.
        let providers = if self.scene.is_some() { self.cores } else { 0 };
        let say = |text| self.bar.set_message(text);
        let Some(network) = LocalNetwork::start(&self.folder, &[], (providers, 1), say, interrupt).await? else {
            return Ok(None);
        };
        let start_s = answered_after(&self.requestor(), begun);
        let outcome = interrupt
            .unless(self.measure(&network, &seeded, start_s))
            .await
            .transpose();
        self.say("stopping the network");
        network.stop(interrupt).await?;
        outcome
    }

    async fn measure(&self, network: &LocalNetwork, seeded: &Seeded, start_s: f64) -> anyhow::Result<Report> {
        let args = &self.args;
        let load_before = load_average();
        let target = Target::of(&self.requestor())?;
        self.say("looking at what is to be read");
        let endpoints = endpoints::endpoints(&target, seeded).await?;
        let mut rows = Vec::new();
        for (number, endpoint) in (1..).zip(&endpoints) {
            self.say(&format!("reads {number} of {}: {}", endpoints.len(), endpoint.name));
            let span = Duration::from_secs(args.seconds);
            rows.push(reads::measure(&target, endpoint, args.connections, span).await?);
        }
        self.say(&format!("everything at once for {} minutes", args.minutes));
        let plan = soak::Plan {
            span: Duration::from_secs(60) * args.minutes,
            listeners: args.listeners,
            connections: args.connections,
        };
        let soak = soak::soak(&target, seeded, &endpoints, plan).await?;
        let rendering = match &self.scene {
            Some(scene) => {
                let job = |name: &str| self.job(scene, name);
                Some(rendering::measure(network, &target, args.rounds, job, |text| self.say(&text)).await?)
            }
            None => None,
        };
        Ok(Report {
            cores: self.cores,
            load_before,
            load_after: load_average(),
            jobs: seeded.jobs.len() as u64,
            tasks: seeded.tasks,
            attempts: seeded.attempts,
            journal_events: seeded.events,
            start_s,
            connections: args.connections,
            reads: rows,
            soak,
            rendering,
        })
    }

    fn job(&self, scene: &Path, name: &str) -> anyhow::Result<JobRequest> {
        let output = self.folder.join(name);
        std::fs::create_dir_all(&output).with_context(|| format!("{} cannot be made", output.display()))?;
        Ok(JobRequest {
            settings: JobSettings {
                frames: Some(Frames::single(1)),
                resolution: Some(ResolutionChoice::Exact(RESOLUTION)),
                samples: Some(self.args.samples),
                format: Some(OutputFormat::Png),
                // The planner's own choice follows the probe, and a job of one task takes half as long again as one of two.
                tiles: Positive::new(self.cores).map_or(TileChoice::Auto, |side| TileChoice::Grid([side, side])),
                providers_min: self.cores,
                ..JobSettings::default()
            },
            ..JobRequest::new(scene.to_path_buf(), output)
        })
    }

    /// The folder that [`LocalNetwork`] gives its requestor.
    fn requestor(&self) -> PathBuf {
        self.folder.join("requestor")
    }

    fn say(&self, text: &str) {
        self.bar.set_message(text.to_owned());
    }
}

/// Seconds from `begun` until the daemon in this folder answered: it says where when it does.
fn answered_after(data_dir: &Path, begun: SystemTime) -> f64 {
    let file = std::fs::metadata(DaemonFile::path(data_dir)).and_then(|file| file.modified());
    let span = file.ok().and_then(|at| at.duration_since(begun).ok());
    span.map_or(f64::NAN, |span| span.as_secs_f64())
}

/// Processes that wanted to run, on average over the last minute.
fn load_average() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ')
        .next()
        .and_then(|load| load.parse().ok())
        .unwrap_or(f64::NAN)
}
