//! Following a job: one bar, one line of state, the end's exit code. An interrupt leaves the job to its daemon.

use super::jobs::print_job;
use crate::{
    exit::{ExitCode, code_of_status, report_problem},
    interrupt::Interrupt,
    show,
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rayswarm_api::{
    Client,
    job::{JobState, JobView},
};
use rayswarm_model::JobId;
use std::time::Duration;

/// How often the job is asked for. Fast enough for a bar that moves, slow enough to cost nothing.
const POLL: Duration = Duration::from_millis(200);

/// How following a job ended.
pub enum Followed {
    /// It is where it was followed to, or final.
    Reached(Box<JobView>),
    /// It was interrupted; the job as it was seen last, if it was.
    Left(Option<Box<JobView>>),
}

/// Follows a job until `reached` says so or it is final.
pub async fn until(
    client: &Client,
    id: JobId,
    quiet: bool,
    reached: impl Fn(JobState) -> bool,
    interrupt: &mut Interrupt,
) -> anyhow::Result<Followed> {
    let bar = progress_bar(quiet);
    let mut seen = None;
    loop {
        let Some(view) = interrupt.unless(client.job(id)).await.transpose()? else {
            break;
        };
        draw(&bar, &view);
        let state = view.summary.state;
        let view = Box::new(view);
        if reached(state) || state.is_final() {
            bar.finish_and_clear();
            return Ok(Followed::Reached(view));
        }
        seen = Some(view);
        if interrupt.unless(tokio::time::sleep(POLL)).await.is_none() {
            break;
        }
    }
    bar.abandon();
    Ok(Followed::Left(seen))
}

/// Prints a job that has come to its end and says its exit code.
pub fn report(view: &JobView, json: bool) -> anyhow::Result<ExitCode> {
    if json {
        show::json(view)?;
    } else {
        print_job(view);
    }
    Ok(end_code(view))
}

/// The exit code a finished job stands for; says why on stderr when it is not success.
pub fn end_code(view: &JobView) -> ExitCode {
    match (&view.summary.problem, view.summary.state) {
        (_, JobState::Cancelled) => ExitCode::Cancelled,
        (Some(problem), JobState::Failed) => {
            report_problem(problem);
            code_of_status(problem.status)
        }
        (None, JobState::Failed) => ExitCode::Failure,
        _ => ExitCode::Success,
    }
}

fn progress_bar(quiet: bool) -> ProgressBar {
    let bar = ProgressBar::new(1000);
    if quiet {
        bar.set_draw_target(ProgressDrawTarget::hidden());
    }
    if let Ok(style) = ProgressStyle::with_template("{prefix:>10} {bar:32.cyan/black} {percent:>3}% {msg}") {
        bar.set_style(style.progress_chars("━━╌"));
    }
    bar
}

fn draw(bar: &ProgressBar, view: &JobView) {
    bar.set_prefix(show::state(&view.summary));
    bar.set_position(u64::from(view.summary.progress_permille));
    let active = view.providers.len();
    bar.set_message(match (view.summary.state, view.summary.eta_s) {
        (JobState::Rendering, Some(eta)) => format!(
            "{}/{} tasks, {}/{} frames, {active} providers, {} to go",
            view.summary.tasks_verified,
            view.summary.tasks,
            view.summary.frames_finished,
            view.summary.frames,
            show::span(eta)
        ),
        (JobState::Rendering, None) => {
            format!(
                "{}/{} tasks, {active} providers",
                view.summary.tasks_verified, view.summary.tasks
            )
        }
        _ => view.log.last().cloned().unwrap_or_default(),
    });
}
