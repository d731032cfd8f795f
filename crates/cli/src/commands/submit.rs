//! `rayswarm submit`: hand the commands of a template or bundle to the daemon, or run them here.

use super::follow::{self, Followed};
use crate::{
    args::SubmitArgs,
    daemon,
    exit::{ExitCode, code_of_status, report_problem},
    interrupt::Interrupt,
    show,
};
use anyhow::Context;
use rayswarm_api::{
    Client, Problem,
    job::{JobSettings, NewJob, SceneSource},
};
use rayswarm_node::local::{LocalEnd, LocalJob, Told, Typed, Verdict, absolute, template_at};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

pub async fn run(data_dir: Option<&Path>, args: SubmitArgs) -> anyhow::Result<ExitCode> {
    let data_dir = daemon::data_dir(data_dir)?;
    let mut interrupt = Interrupt::listen()?;
    let asked = match asked(&args)? {
        Ok(asked) => asked,
        Err(problem) => return Ok(refused(&problem)),
    };
    let running = if args.local {
        None
    } else {
        match interrupt.unless(daemon::running(&data_dir)).await {
            None => return Ok(ExitCode::Interrupted),
            Some(running) => running,
        }
    };
    match running {
        Some(client) => hand_over(&client, &args, asked, &mut interrupt).await,
        None => {
            if !args.local {
                show::note("no daemon runs; running it here");
            }
            here(&data_dir, &args, asked, &mut interrupt).await
        }
    }
}

/// What is asked, with absolute paths: the daemon is in another folder.
struct Asked {
    template: PathBuf,
    typed: Typed,
    output: Option<PathBuf>,
}

fn asked(args: &SubmitArgs) -> anyhow::Result<Result<Asked, Problem>> {
    let folder = std::env::current_dir().context("the current folder is unknown")?;
    let absolute_path = |path: &PathBuf| std::path::absolute(path);
    let template = match template_at(&absolute_path(&args.path)?) {
        Ok(template) => template,
        Err(problem) => return Ok(Err(problem)),
    };
    let mut values: BTreeMap<String, String> = args.parameters.iter().cloned().collect();
    if let Err(problem) = absolute(&template, &mut values, &folder) {
        return Ok(Err(problem));
    }
    let environments = args.environments.iter().map(absolute_path).collect::<Result<_, _>>()?;
    Ok(Ok(Asked {
        template,
        typed: Typed { values, environments },
        output: args.out.as_ref().map(absolute_path).transpose()?,
    }))
}

async fn hand_over(
    client: &Client,
    args: &SubmitArgs,
    asked: Asked,
    interrupt: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let job = NewJob {
        scene: SceneSource::Path(asked.template),
        output: asked.output,
        include: Vec::new(),
        parameters: asked.typed.values,
        environments: asked.typed.environments,
        settings: JobSettings::default(),
    };
    let Some(job) = interrupt.unless(client.create_commands(&job)).await.transpose()? else {
        return Ok(ExitCode::Interrupted);
    };
    match follow::until(client, job.id, args.json, |_| false, interrupt).await? {
        Followed::Reached(view) => follow::report(&view, args.json),
        Followed::Left(_) => {
            let id = job.id.short();
            show::note(format_args!("the job goes on; see it with `rayswarm jobs show {id}`"));
            Ok(ExitCode::Interrupted)
        }
    }
}

async fn here(data_dir: &Path, args: &SubmitArgs, asked: Asked, interrupt: &mut Interrupt) -> anyhow::Result<ExitCode> {
    let folder = data_dir.join("commands").join(format!("local-{}", std::process::id()));
    let told = |told: Told| match told {
        Told::Task(text) => show::note(text),
        Told::Line { title, text } => show::note(format_args!("[{title}] {text}")),
    };
    let opened = LocalJob::open(&asked.template, asked.typed, asked.output, folder, told);
    let job = match opened {
        Ok(job) => job,
        Err(problem) => return Ok(refused(&problem)),
    };
    show::note(format_args!("{}: {} tasks", job.name(), job.tasks()));
    let cancel = job.canceller();
    let running = job.run();
    tokio::pin!(running);
    let (ended, interrupted) = tokio::select! {
        ended = &mut running => (ended, false),
        () = interrupt.received() => {
            show::note("cancelling; once more to stop at once");
            cancel();
            // Environments are left as the template says, which may take a while.
            match interrupt.unless(running).await {
                Some(ended) => (ended, true),
                None => return Ok(ExitCode::Interrupted),
            }
        }
    };
    match ended {
        Ok(end) => report(&end, args.json, interrupted),
        Err(problem) => Ok(refused(&problem)),
    }
}

fn report(end: &LocalEnd, json: bool, interrupted: bool) -> anyhow::Result<ExitCode> {
    let (word, code) = match &end.verdict {
        Verdict::Complete => ("done", ExitCode::Success),
        Verdict::Failed(_) => ("failed", ExitCode::Failure),
        Verdict::Cancelled if interrupted => ("cancelled", ExitCode::Interrupted),
        Verdict::Cancelled => ("cancelled", ExitCode::Cancelled),
    };
    if json {
        let reason = match &end.verdict {
            Verdict::Failed(reason) => Some(reason),
            _ => None,
        };
        show::json(&serde_json::json!({
            "state": word,
            "problem": reason,
            "tasks": end.tasks.1,
            "tasks_done": end.tasks.0,
            "outputs": end.outputs,
        }))?;
        return Ok(code);
    }
    show::line(format_args!(
        "job       {word}, {} of {} tasks",
        end.tasks.0, end.tasks.1
    ));
    for path in &end.outputs {
        show::line(format_args!("file      {}", path.display()));
    }
    if let Verdict::Failed(reason) = &end.verdict {
        show::note(format_args!("error: {reason}"));
    }
    Ok(code)
}

fn refused(problem: &Problem) -> ExitCode {
    report_problem(problem);
    code_of_status(problem.status)
}
