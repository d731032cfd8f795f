//! `rayswarm render`: quote, ask, render, write the files.

use super::accept::{self, Manner};
use crate::{
    args::{PictureArgs, RenderArgs},
    daemon::{self, IDLE_PATIENCE, Lifetime, Started},
    exit::{BadInput, ExitCode},
    interrupt::Interrupt,
    show,
};
use anyhow::Context;
use clap::ValueEnum;
use rayswarm_api::{
    Client,
    job::{JobRequest, JobSettings},
};
use std::path::{Path, PathBuf};

pub async fn run(data_dir: Option<&Path>, args: RenderArgs) -> anyhow::Result<ExitCode> {
    let data_dir = daemon::data_dir(data_dir)?;
    let request = request(&data_dir, &args)?;
    let mut interrupt = Interrupt::listen()?;
    match interrupt.unless(daemon::running(&data_dir)).await {
        None => Ok(ExitCode::Interrupted),
        Some(Some(client)) => render(&client, &args, &request, &mut interrupt).await,
        Some(None) => render_alone(&data_dir, &args, &request, &mut interrupt).await,
    }
}

/// Renders in a daemon that is started for this job. It is stopped at the end, unless a job was left to it.
async fn render_alone(
    data_dir: &Path,
    args: &RenderArgs,
    request: &JobRequest,
    interrupt: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    show::note("no daemon runs; starting one that renders on this machine");
    let mut started = daemon::spawn(data_dir, &daemon_arguments(args), Lifetime::UntilIdle)?;
    let outcome = start_and_render(&mut started, args, request, interrupt).await;
    if let Ok((ExitCode::Interrupted, Some(client))) = &outcome
        && let Some(Ok(node)) = interrupt.unless(client.node()).await
        && node.active_jobs > 0
    {
        show::note(format_args!(
            "the daemon that was started for it, process {}, ends by itself when no job was unfinished for {IDLE_PATIENCE}",
            started.process()
        ));
        return Ok(ExitCode::Interrupted);
    }
    if let Some(stopped) = interrupt.unless(started.stop()).await {
        stopped?;
    }
    outcome.map(|(code, _)| code)
}

/// The exit code, and the daemon's client if it has ever answered.
async fn start_and_render(
    started: &mut Started,
    args: &RenderArgs,
    request: &JobRequest,
    interrupt: &mut Interrupt,
) -> anyhow::Result<(ExitCode, Option<Client>)> {
    let Some(client) = interrupt.unless(started.answering()).await.transpose()? else {
        return Ok((ExitCode::Interrupted, None));
    };
    let code = render(&client, args, request, interrupt).await?;
    Ok((code, Some(client)))
}

async fn render(
    client: &Client,
    args: &RenderArgs,
    request: &JobRequest,
    interrupt: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let Some(job) = interrupt.unless(client.create_job(request)).await.transpose()? else {
        return Ok(ExitCode::Interrupted);
    };
    let manner = Manner {
        yes: args.yes,
        json: args.json,
        made_here: true,
    };
    accept::to_the_end(client, job.id, manner, interrupt).await
}

/// A daemon for one machine's own jobs: it renders them itself, on the device they ask for, for nothing.
fn daemon_arguments(args: &RenderArgs) -> Vec<String> {
    let mut arguments = ["--provide", "--price", "0", "--http", "127.0.0.1:0"]
        .map(String::from)
        .to_vec();
    if let Some(device) = args.device.to_possible_value() {
        arguments.extend(["--device".into(), device.get_name().into()]);
    }
    arguments
}

/// The request that the arguments stand for, paths made absolute.
fn request(data_dir: &Path, args: &RenderArgs) -> anyhow::Result<JobRequest> {
    let file = existing_file(&args.file)?;
    let beside = || file.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    let output = args.out.as_ref().map_or_else(|| Ok(beside()), std::path::absolute)?;
    let scene = match &args.model {
        Some(model) => rayswarm_node::models::recipe(data_dir, model, &file, args.strength)?,
        None => file.clone(),
    };
    let mut request = picture_request(scene, output, &args.picture)?;
    request.settings = JobSettings {
        budget: args.budget,
        deadline_s: args.deadline.as_secs(),
        skip_existing: args.skip_existing,
        device: args.device.into(),
        auto_start: args.yes,
        ..request.settings
    };
    Ok(request)
}

/// The part of a request that says how the picture is made.
pub fn picture_request(scene: PathBuf, output: PathBuf, picture: &PictureArgs) -> anyhow::Result<JobRequest> {
    let include = picture
        .include
        .iter()
        .map(|path| existing(path))
        .collect::<Result<_, _>>()?;
    let mut options = picture.options.clone();
    options.sort();
    Ok(JobRequest {
        include,
        settings: JobSettings {
            frames: picture.frames.clone(),
            resolution: picture.resolution,
            samples: picture.samples,
            tiles: picture.tiles,
            slices: picture.slices,
            format: picture.format.map(Into::into),
            renderer_override: picture.engine.clone(),
            allow_missing: picture.allow_missing.clone(),
            options,
            keep_raw: picture.keep_raw,
            ..JobSettings::default()
        },
        ..JobRequest::new(scene, output)
    })
}

/// The absolute path of a file that must be there.
pub fn existing_file(path: &Path) -> anyhow::Result<PathBuf> {
    let found = existing(path)?;
    if found.is_dir() {
        return Err(BadInput(format!("{} is a folder; name a scene file", path.display())).into());
    }
    Ok(found)
}

fn existing(path: &Path) -> anyhow::Result<PathBuf> {
    std::fs::canonicalize(path).with_context(|| BadInput(format!("{} cannot be found; check the path", path.display())))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;
    use crate::args::{Args, Command};
    use clap::Parser;

    #[test]
    fn a_daemon_started_for_a_job_renders_on_its_device() {
        let typed = Args::parse_from(["rayswarm", "render", "shot.blend", "--device", "cuda"]);
        let Command::Render(render) = typed.command else {
            panic!("{typed:?}")
        };
        let line = ["rayswarm", "up"]
            .map(String::from)
            .into_iter()
            .chain(daemon_arguments(&render));
        let Command::Up(up) = Args::parse_from(line).command else {
            panic!("not up")
        };
        assert_eq!(up.device, render.device);
        assert!(up.provide);
    }
}
