//! `rayswarm render`: quote, ask, render, write the files.

use super::follow;
use crate::{
    args::{PictureArgs, RenderArgs},
    daemon,
    exit::{BadInput, ExitCode},
    show,
};
use anyhow::Context;
use rayswarm_api::{
    Client,
    job::{JobRequest, JobState, QuoteView},
};
use rayswarm_model::JobId;
use std::{
    io::{BufRead, IsTerminal},
    path::{Path, PathBuf},
};

pub async fn run(data_dir: Option<&Path>, args: RenderArgs) -> anyhow::Result<ExitCode> {
    let request = request(&args)?;
    let data_dir = daemon::data_dir(data_dir)?;
    if let Some(client) = daemon::running(&data_dir).await {
        return render(&client, &args, &request).await;
    }
    show::note("no daemon runs; starting one that renders on this machine");
    let arguments = ["--provide", "--price", "0", "--http", "127.0.0.1:0"].map(String::from);
    let started = daemon::start(&data_dir, &arguments).await?;
    let code = render(&started.client, &args, &request).await;
    match code {
        // Detached: the daemon goes on with the job.
        Ok(ExitCode::Interrupted) => Ok(ExitCode::Interrupted),
        code => {
            started.stop().await?;
            code
        }
    }
}

async fn render(client: &Client, args: &RenderArgs, request: &JobRequest) -> anyhow::Result<ExitCode> {
    let job = client.create_job(request).await?;
    let Some(view) = follow::until(client, job.id, args.json, |state| state == JobState::Quoted).await? else {
        return detached(job.id);
    };
    if view.summary.state == JobState::Failed {
        if args.json {
            show::json(&view)?;
        }
        return Ok(follow::end_code(&view));
    }
    if let Some(quote) = &view.quote {
        if !args.json {
            print_quote(quote);
        }
        if !args.yes && !asked(quote)? {
            client.cancel_job(job.id).await?;
            show::note("nothing was spent");
            return Ok(ExitCode::Cancelled);
        }
    }
    client.start_job(job.id).await?;
    follow::until_final(client, job.id, args.json).await
}

fn detached(id: JobId) -> anyhow::Result<ExitCode> {
    show::note(format_args!(
        "the job goes on; follow it with `rayswarm jobs attach {}`",
        id.short()
    ));
    Ok(ExitCode::Interrupted)
}

/// The request that the arguments stand for, paths made absolute.
fn request(args: &RenderArgs) -> anyhow::Result<JobRequest> {
    let scene = existing_file(&args.file)?;
    let beside = || scene.parent().map_or_else(|| PathBuf::from("/"), Path::to_path_buf);
    let output = args.out.as_ref().map_or_else(|| Ok(beside()), std::path::absolute)?;
    let mut request = picture_request(scene.clone(), output, &args.picture)?;
    request.budget = args.budget;
    request.deadline_s = args.deadline.as_secs();
    request.skip_existing = args.skip_existing;
    request.device = args.device.into();
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
        frames: picture.frames.clone(),
        resolution: picture.resolution,
        samples: picture.samples,
        tiles: picture.tiles,
        slices: picture.slices,
        format: picture.format.map(Into::into),
        renderer_override: picture.engine.clone(),
        include,
        allow_missing: picture.allow_missing.clone(),
        options,
        keep_raw: picture.keep_raw,
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

fn print_quote(quote: &QuoteView) {
    show::line(format_args!(
        "tasks     {} ({} frames x {} tiles x {} slices), {}",
        quote.tasks, quote.frames, quote.tiles, quote.slices, quote.work
    ));
    show::line(format_args!(
        "time      {} ({} to {}) on {} providers",
        show::span(quote.time_s),
        show::span(quote.time_low_s),
        show::span(quote.time_high_s),
        quote.providers
    ));
    show::line(format_args!(
        "price     {} tokens; at most {} is locked",
        show::tokens(quote.price),
        show::tokens(quote.budget)
    ));
    for assumption in &quote.assumptions {
        show::line(format_args!("          {assumption}"));
    }
}

fn asked(quote: &QuoteView) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(BadInput("nobody can be asked here; add --yes to accept the quote".into()).into());
    }
    show::note(format_args!(
        "lock {} tokens and render? [y/N]",
        show::tokens(quote.budget)
    ));
    let mut answer = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("the answer cannot be read")?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
