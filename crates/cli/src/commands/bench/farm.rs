//! `rayswarm bench farm`: one scene on one machine three ways, in one run and side by side. Plain Blender in one process,
//! one process per frame as farm managers start them, and Rayswarm with its audits, chain and payments.

mod plain;
pub(super) mod rayswarm;
mod report;

use crate::{
    args::FarmArgs,
    commands::{demo::scratch_folder, render::existing_file},
    exit::{BadInput, ExitCode},
    interrupt::Interrupt,
    local_network::LocalNetwork,
};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use plain::Plain;
use rayswarm::job_request;
use rayswarm_api::job::{Positive, TileChoice};
use report::{Cold, Report, Round};
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Results of a newcomer that are audited densely (`AuditPolicy`), and a few to spare.
const FIRST_AUDITS: u32 = 14;

/// What is measured, and where.
struct Bench {
    args: FarmArgs,
    scene: PathBuf,
    folder: PathBuf,
    /// Providers of one thread each; also the workers of a farm manager.
    cores: u32,
    bar: ProgressBar,
}

pub async fn run(args: FarmArgs) -> anyhow::Result<ExitCode> {
    if args.rounds == 0 {
        return Err(BadInput("--rounds 0 measures nothing; give at least 1".into()).into());
    }
    let scene = existing_file(&args.scene)?;
    if scene.extension().is_none_or(|extension| extension != "blend") {
        return Err(BadInput(format!(
            "{} is no .blend; plain Blender cannot open it",
            scene.display()
        ))
        .into());
    }
    let mut bench = Bench {
        args,
        scene,
        folder: scratch_folder("farm"),
        cores: std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32),
        bar: spinner(),
    };
    // Listened for from the start: the processes must be stopped before this one ends.
    let mut interrupt = Interrupt::listen()?;
    let outcome = bench.measure(&mut interrupt).await;
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
    Ok(ExitCode::Success)
}

impl Bench {
    /// Everything, or `None` when it was interrupted.
    async fn measure(&mut self, interrupt: &mut Interrupt) -> anyhow::Result<Option<Report>> {
        let Some(network) = self.network("warm", interrupt).await? else {
            return Ok(None);
        };
        let outcome = interrupt.unless(self.rounds(&network)).await.transpose();
        self.bar.set_message("stopping the network");
        network.stop(interrupt).await?;
        let Some(mut report) = outcome? else { return Ok(None) };
        let begun = Instant::now();
        let Some(network) = self.network("cold", interrupt).await? else {
            return Ok(None);
        };
        let network_s = begun.elapsed().as_secs_f64();
        let measuring = self.cold(&network, begun, network_s);
        let outcome = interrupt.unless(measuring).await.transpose();
        self.bar.set_message("stopping the network");
        network.stop(interrupt).await?;
        report.cold = outcome?;
        Ok(report.cold.is_some().then_some(report))
    }

    async fn network(&self, name: &str, interrupt: &mut Interrupt) -> anyhow::Result<Option<LocalNetwork>> {
        let say = |text| self.bar.set_message(text);
        LocalNetwork::start(&self.folder.join(name), &[], (self.cores, 1), say, interrupt).await
    }

    /// One warm-up job of one frame, then the rounds. The warm-up also says what the scene is, and has tiles enough for
    /// every provider's dense first audits, so that the rounds meet the steady rate.
    async fn rounds(&self, network: &LocalNetwork) -> anyhow::Result<Report> {
        self.bar.set_message("warming up");
        let first = rayswarm_model::Frames::single(self.args.frames.first());
        let side = (1..).find(|side| side * side >= self.cores * FIRST_AUDITS).unwrap_or(1);
        let mut warm_up = job_request(self, first, self.output("warm-up")?);
        warm_up.settings.tiles = Positive::new(side).map_or(TileChoice::Auto, |side| TileChoice::Grid([side, side]));
        let (_, view) = rayswarm::measure(network, &warm_up).await?;
        let facts = view.facts.as_ref();
        let plain = Plain::prepare(self, self.args.resolution.and(view.resolution))?;
        let mut report = Report {
            scene: self.scene.clone(),
            engine: format!("blender {}", plain.version()),
            frames: self.args.frames.to_string(),
            frame_count: self.args.frames.len(),
            resolution: view.resolution,
            samples: self.args.samples.or_else(|| facts.map(|facts| facts.samples)),
            cores: self.cores,
            rounds: Vec::new(),
            cold: None,
        };
        for number in 1..=self.args.rounds {
            let say = |what: &str| {
                let text = format!("round {number} of {}: {what}", self.args.rounds);
                self.bar.set_message(text);
            };
            let mut idle = network.cpu_meter();
            let before = idle.total();
            say("plain Blender");
            let one_process = plain.in_order(&self.output(&format!("plain-{number}"))?).await?;
            let mut per_frame = None;
            if !self.args.skip_per_frame {
                say("one process per frame");
                let output = self.output(&format!("frames-{number}"))?;
                per_frame = Some(plain.process_per_frame(&output).await?);
            }
            idle.look();
            let idle_cpu_s = (idle.total() - before).as_secs_f64();
            say("Rayswarm");
            let output = self.output(&format!("rayswarm-{number}"))?;
            let request = job_request(self, self.args.frames.clone(), output);
            let (rayswarm, _) = rayswarm::measure(network, &request).await?;
            report.rounds.push(Round {
                one_process,
                per_frame,
                rayswarm,
                idle_cpu_s,
            });
        }
        Ok(report)
    }

    /// The whole job on a network that has just started.
    async fn cold(&self, network: &LocalNetwork, begun: Instant, network_s: f64) -> anyhow::Result<Cold> {
        self.bar.set_message("Rayswarm from a cold start");
        let request = job_request(self, self.args.frames.clone(), self.output("rayswarm-cold")?);
        let (job, _) = rayswarm::measure(network, &request).await?;
        Ok(Cold {
            wall_s: begun.elapsed().as_secs_f64(),
            network_s,
            job,
        })
    }

    fn output(&self, name: &str) -> anyhow::Result<PathBuf> {
        let folder = self.folder.join(name);
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(folder)
    }
}

pub(super) fn spinner() -> ProgressBar {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(250));
    bar
}

/// The number of pictures in `folder` must be the number of frames: a way that skips work would win.
fn expect_pictures(folder: &Path, frames: usize) -> anyhow::Result<()> {
    let pictures = std::fs::read_dir(folder)
        .with_context(|| format!("{} cannot be read", folder.display()))?
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "png"))
        .count();
    anyhow::ensure!(
        pictures == frames,
        "{pictures} pictures were written to {} instead of {frames}",
        folder.display()
    );
    Ok(())
}
