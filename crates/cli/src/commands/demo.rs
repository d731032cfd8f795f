//! `rayswarm demo`: a whole network on this machine. A requestor with a chain, provider processes, one job, payment, stop.

use super::{
    chain,
    follow::{self, Followed},
    jobs, render,
};
use crate::{
    args::{ConsensusArg, DemoArgs},
    exit::{ExitCode, Missing},
    interrupt::Interrupt,
    local_network::LocalNetwork,
    show,
};
use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use rayswarm_api::{
    Client,
    job::{EscrowView, JobRequest, JobView, ResolutionChoice, SettlementView},
};
use rayswarm_model::{Amount, Frames, Resolution};
use serde::Serialize;
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// The demo's own scene and the size that keeps it under a minute on two cores.
const OWN_SCENE: &str = "examples/still/still.blend";
const OWN_RESOLUTION: Resolution = Resolution {
    width: 480,
    height: 270,
};
const OWN_SAMPLES: u32 = 32;

pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let request = request(&args)?;
    let folder = scratch_folder("demo");
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.enable_steady_tick(Duration::from_millis(100));
    // Listened for from the start: the processes must be stopped before this one ends.
    let mut interrupt = Interrupt::listen()?;
    let code = on_a_network(&args, &request, &folder, &bar, &mut interrupt).await?;
    bar.finish_and_clear();
    // Not there when it was interrupted before the first node had begun.
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("{} cannot be removed", folder.display()))?;
    }
    Ok(code)
}

async fn on_a_network(
    args: &DemoArgs,
    request: &JobRequest,
    folder: &Path,
    bar: &ProgressBar,
    interrupt: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get() as u32);
    let threads = (cores / args.providers).max(1);
    let say = |text| bar.set_message(text);
    if args.consensus != ConsensusArg::Solo {
        chain::init::for_one_node(&LocalNetwork::requestor_folder(folder), args.consensus)?;
    }
    let mining: &[&str] = match args.consensus {
        ConsensusArg::Pow => &["--mine", "1"],
        _ => &[],
    };
    let starting = LocalNetwork::start(folder, mining, (args.providers, threads), say, interrupt);
    let Some(network) = starting.await? else {
        return Ok(ExitCode::Interrupted);
    };
    let outcome = play(args, request, &network.client, bar, interrupt).await;
    bar.set_message("stopping the providers, the requestor and the chain");
    network.stop(interrupt).await?;
    outcome
}

async fn play(
    args: &DemoArgs,
    request: &JobRequest,
    client: &Client,
    bar: &ProgressBar,
    interrupt: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let Some(job) = interrupt.unless(client.create_job(request)).await.transpose()? else {
        return Ok(ExitCode::Interrupted);
    };
    let following = follow::until(client, job.id, args.json, |_| false, interrupt);
    let Followed::Reached(view) = bar.suspend_for(following).await? else {
        return Ok(ExitCode::Interrupted);
    };
    if args.json {
        show::json(&Report::of(&view))?;
    } else {
        jobs::print_job(&view);
    }
    Ok(follow::end_code(&view))
}

/// A folder for this process alone. Not below /tmp, which every sandbox covers with its own.
pub fn scratch_folder(purpose: &str) -> PathBuf {
    let parent = std::env::var_os("TMPDIR").map_or_else(|| PathBuf::from("/var/tmp"), PathBuf::from);
    parent.join(format!("rayswarm-{purpose}-{}", std::process::id()))
}

fn request(args: &DemoArgs) -> anyhow::Result<JobRequest> {
    let mut picture = args.picture.clone();
    let scene = match &args.scene {
        Some(scene) => render::existing_file(scene)?,
        None => {
            picture.resolution = picture.resolution.or(Some(ResolutionChoice::Exact(OWN_RESOLUTION)));
            picture.samples = picture.samples.or(Some(OWN_SAMPLES));
            own_scene()?
        }
    };
    let mut request = render::picture_request(scene, std::path::absolute(&args.out)?, &picture)?;
    request.settings.providers_min = args.providers;
    request.settings.auto_start = true;
    Ok(request)
}

/// The scene in the repository, looked for from here upwards.
pub fn own_scene() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("the current folder is unknown")?;
    let found = here
        .ancestors()
        .map(|folder| folder.join(OWN_SCENE))
        .find(|scene| scene.is_file());
    found.ok_or_else(|| Missing(format!("{OWN_SCENE} is not here; name a scene with --scene")).into())
}

trait SuspendFor {
    /// Hides this spinner while another bar is drawn.
    async fn suspend_for<T>(&self, work: impl Future<Output = T>) -> T;
}

impl SuspendFor for ProgressBar {
    async fn suspend_for<T>(&self, work: impl Future<Output = T>) -> T {
        self.disable_steady_tick();
        self.set_message("");
        let done = work.await;
        self.enable_steady_tick(Duration::from_millis(100));
        done
    }
}

/// What `rayswarm demo --json` prints last.
#[derive(Serialize)]
struct Report<'a> {
    job_id: String,
    scene: &'a Path,
    engine: String,
    frames: String,
    resolution: String,
    tasks: u64,
    attempts: u64,
    wall_s: f64,
    providers: Vec<ProviderReport>,
    escrow: EscrowView,
    settlement: &'a SettlementView,
    outputs: Vec<&'a Path>,
}

#[derive(Serialize)]
struct ProviderReport {
    id: String,
    account: String,
    tasks: u64,
    audited: u64,
    cpu_s: f64,
    paid: Amount,
}

impl<'a> Report<'a> {
    fn of(view: &'a JobView) -> Self {
        let facts = view.facts.as_ref();
        let providers = view.providers.iter().map(|share| ProviderReport {
            id: share.id.clone(),
            account: share.account.clone(),
            tasks: share.tasks,
            audited: share.audited,
            cpu_s: share.cpu_ms as f64 / 1e3,
            paid: share.paid,
        });
        Self {
            job_id: view.summary.id.to_string(),
            scene: &view.scene,
            engine: facts.map_or_else(String::new, |facts| {
                format!("{} {}", facts.engine, facts.engine_version)
            }),
            frames: Frames::try_from(view.frame_numbers.clone())
                .map_or_else(|_| String::new(), |frames| frames.to_string()),
            resolution: view
                .resolution
                .map_or_else(String::new, |resolution| resolution.to_string()),
            tasks: view.summary.tasks,
            attempts: view.attempts,
            wall_s: view.wall_s,
            providers: providers.collect(),
            escrow: view.escrow,
            settlement: &view.settlement,
            outputs: view.outputs.iter().map(|output| output.path.as_path()).collect(),
        }
    }
}
