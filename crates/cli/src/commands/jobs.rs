//! `rayswarm jobs`: list, show, attach, pause, resume, cancel, retry, explain.

use super::{
    accept::{self, Manner},
    follow::{self, Followed},
};
use crate::{
    args::{FollowArgs, JobArgs, JobsCommand, JsonArgs, match_job},
    daemon,
    exit::ExitCode,
    interrupt::Interrupt,
    show,
};
use rayswarm_api::{
    Client,
    job::{JobKind, JobSummary, JobView, ProviderShare, RetryRequest},
};
use rayswarm_model::JobId;
use std::path::Path;

pub async fn run(data_dir: Option<&Path>, command: JobsCommand) -> anyhow::Result<ExitCode> {
    let client = daemon::client(&daemon::data_dir(data_dir)?)?;
    match command {
        JobsCommand::List(args) => list(&client, args).await,
        JobsCommand::Show(args) => show_one(&client, args).await,
        JobsCommand::Attach(args) => {
            let id = find(&client, &args.job).await?;
            to_the_end(&client, id, &args, false).await
        }
        JobsCommand::Pause(args) => pause(&client, args).await,
        JobsCommand::Resume(args) => resume(&client, args).await,
        JobsCommand::Cancel(args) => cancel(&client, args).await,
        JobsCommand::Retry(args) => {
            let id = find(&client, &args.job).await?;
            let retry = RetryRequest { auto_start: args.yes };
            let again = client.retry_job(id, retry).await?;
            to_the_end(&client, again.id, &args, true).await
        }
        JobsCommand::Explain(args) => explain(&client, args).await,
    }
}

async fn to_the_end(client: &Client, id: JobId, args: &FollowArgs, made_here: bool) -> anyhow::Result<ExitCode> {
    let manner = Manner {
        yes: args.yes,
        json: args.job.json,
        made_here,
    };
    accept::to_the_end(client, id, manner, &mut Interrupt::listen()?).await
}

async fn pause(client: &Client, args: JobArgs) -> anyhow::Result<ExitCode> {
    let job = client.pause_job(find(client, &args).await?).await?;
    changed(
        &job,
        &args,
        "rests; what is being rendered is finished, and nothing new is given out",
    )
}

async fn resume(client: &Client, args: JobArgs) -> anyhow::Result<ExitCode> {
    let job = client.resume_job(find(client, &args).await?).await?;
    changed(&job, &args, "goes on")
}

fn changed(job: &JobSummary, args: &JobArgs, how: &str) -> anyhow::Result<ExitCode> {
    if args.json {
        show::json(job)?;
    } else {
        show::line(format_args!("job {} {how}", job.id.short()));
    }
    Ok(ExitCode::Success)
}

async fn cancel(client: &Client, args: JobArgs) -> anyhow::Result<ExitCode> {
    let id = find(client, &args).await?;
    client.cancel_job(id).await?;
    match follow::until(client, id, false, |_| false, &mut Interrupt::listen()?).await? {
        Followed::Reached(view) => follow::report(&view, args.json),
        Followed::Left(_) => {
            show::note(format_args!(
                "the job is being cancelled; see it with `rayswarm jobs show {}`",
                id.short()
            ));
            Ok(ExitCode::Interrupted)
        }
    }
}

async fn find(client: &Client, args: &JobArgs) -> anyhow::Result<JobId> {
    let jobs = client.jobs().await?;
    Ok(match_job(&args.id, jobs.iter().map(|job| job.id))?)
}

async fn list(client: &Client, args: JsonArgs) -> anyhow::Result<ExitCode> {
    let jobs = client.jobs().await?;
    if args.json {
        show::json(&jobs)?;
        return Ok(ExitCode::Success);
    }
    let mut table = show::table(["job", "name", "state", "tasks", "why"]);
    for job in &jobs {
        table.add_row([
            job.id.short(),
            job.name.clone(),
            show::state(job).into(),
            format!("{}/{}", job.tasks_verified, job.tasks),
            job.problem
                .as_ref()
                .map_or_else(String::new, |problem| problem.detail.clone()),
        ]);
    }
    show::line(table);
    Ok(ExitCode::Success)
}

async fn show_one(client: &Client, args: JobArgs) -> anyhow::Result<ExitCode> {
    let job = client.job(find(client, &args).await?).await?;
    if args.json {
        show::json(&job)?;
    } else {
        print_job(&job);
    }
    Ok(ExitCode::Success)
}

async fn explain(client: &Client, args: JobArgs) -> anyhow::Result<ExitCode> {
    let reasons = client.explain(find(client, &args).await?).await?;
    if args.json {
        show::json(&reasons)?;
        return Ok(ExitCode::Success);
    }
    let begun = reasons.first().map_or(0, |reason| reason.at.0.0);
    for reason in &reasons {
        let seconds = reason.at.0.0.saturating_sub(begun) as f64 / 1e3;
        show::line(format_args!("{seconds:>8.2} s  {}: {}", reason.decision, reason.reason));
    }
    Ok(ExitCode::Success)
}

/// The table at the end of a job: who did what, for how much.
pub fn print_job(job: &JobView) {
    show::line(format_args!(
        "job       {} ({})",
        job.summary.id,
        show::state(&job.summary)
    ));
    if let Some(problem) = &job.summary.problem {
        show::line(format_args!("why       {}", problem.detail));
        if let Some(step) = &problem.next_step {
            show::line(format_args!("next      {step}"));
        }
    }
    if job.summary.kind == JobKind::Commands {
        return print_commands(job);
    }
    show::line(format_args!("scene     {}", job.scene.display()));
    let mut table = show::table([
        "provider",
        "tasks",
        "CPU seconds",
        "audited",
        "audits made",
        "paid (tokens)",
    ]);
    for share in &job.providers {
        table.add_row([
            share.id.chars().take(10).collect(),
            share.tasks.to_string(),
            format!("{:.1}", share.cpu_ms as f64 / 1e3),
            share.audited.to_string(),
            share.audits_rendered.to_string(),
            show::tokens(share.paid),
        ]);
    }
    show::line(table);
    let escrow = &job.escrow;
    show::line(format_args!(
        "escrow    {} deposited = {} paid + {} refunded + {} locked",
        show::tokens(escrow.deposited),
        show::tokens(escrow.paid),
        show::tokens(escrow.refunded),
        show::tokens(escrow.locked)
    ));
    if let Some(last) = job.settlement.transactions.last() {
        show::line(format_args!(
            "settled   {last} ({} gas in all)",
            job.settlement.gas_used
        ));
    }
    for output in &job.outputs {
        show::line(format_args!("picture   {}", output.path.display()));
    }
}

/// What a job of commands is: its steps, what it wrote, and its last words where it failed.
fn print_commands(job: &JobView) {
    show::line(format_args!("template  {}", job.scene.display()));
    let mut table = show::table(["step", "tasks", "waits for"]);
    for step in &job.steps {
        table.add_row([
            step.name.clone(),
            format!("{}/{}", step.tasks_done, step.tasks),
            step.waits_for.join(", "),
        ]);
    }
    show::line(table);
    if job.providers.len() > 1 {
        let node = |share: &ProviderShare| format!("{} ({})", share.id.get(..10).unwrap_or(&share.id), share.tasks);
        let nodes: Vec<String> = job.providers.iter().map(node).collect();
        show::line(format_args!("nodes     {}", nodes.join(", ")));
    }
    if job.summary.problem.is_some() {
        for line in &job.log {
            show::line(format_args!("said      {line}"));
        }
    }
    for output in &job.outputs {
        show::line(format_args!("file      {}", output.path.display()));
    }
}
