//! From a quote to the end of its job, the same for render, attach and retry: show the quote, ask, start, follow.

use super::{
    follow::{self, Followed},
    inspect::findings,
};
use crate::{
    exit::{BadInput, ExitCode},
    interrupt::Interrupt,
    show,
};
use anyhow::Context;
use rayswarm_api::{
    Client, ClientError,
    job::{JobState, JobView, QuoteView},
};
use rayswarm_model::{JobId, SceneFacts, scene::Severity};
use std::io::{BufRead, IsTerminal};

/// How a job is brought to its end.
#[derive(Clone, Copy)]
pub struct Manner {
    /// Do not ask before spending.
    pub yes: bool,
    /// Print the job as JSON at its end.
    pub json: bool,
    /// This command made the job: a quote that gets no answer is of no use to anybody.
    pub made_here: bool,
}

/// What was answered to a quote.
enum Answer {
    Yes,
    No,
    /// Ctrl-C instead of an answer.
    Interrupted,
    /// There is no terminal.
    Nobody,
}

/// Follows a job from wherever it stands to its end. A quote that waits for an answer is shown and asked about.
pub async fn to_the_end(
    client: &Client,
    id: JobId,
    manner: Manner,
    interrupt: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let view = match follow::until(client, id, manner.json, |state| !is_before_quote(state), interrupt).await? {
        Followed::Reached(view) => view,
        Followed::Left(view) => return Ok(left(id, view.as_deref())),
    };
    let waits = view.summary.state == JobState::Quoted && !view.settings.auto_start;
    if let Some(quote) = view.quote.as_ref().filter(|_| waits || manner.made_here) {
        show_quote(quote, view.facts.as_ref(), manner.json);
    }
    if waits {
        let answer = match &view.quote {
            Some(quote) if !manner.yes => ask(quote, interrupt).await?,
            _ => Answer::Yes,
        };
        if !matches!(answer, Answer::Yes) {
            return decline(client, &view, &answer, manner, interrupt).await;
        }
        if interrupt.unless(start(client, id)).await.transpose()?.is_none() {
            return Ok(left(id, None));
        }
    }
    match follow::until(client, id, false, |_| false, interrupt).await? {
        Followed::Reached(view) => follow::report(&view, manner.json),
        Followed::Left(_) => Ok(goes_on(id)),
    }
}

/// Accepts the quote. A job that waits no longer was answered or cancelled by somebody else; following it shows which.
async fn start(client: &Client, id: JobId) -> anyhow::Result<()> {
    match client.start_job(id).await {
        Err(ClientError::Refused(problem)) if problem.kind == "not_quoted" => Ok(()),
        started => Ok(started.map(drop)?),
    }
}

async fn decline(
    client: &Client,
    view: &JobView,
    answer: &Answer,
    manner: Manner,
    interrupt: &mut Interrupt,
) -> anyhow::Result<ExitCode> {
    let id = view.summary.id;
    if matches!(answer, Answer::No) || manner.made_here {
        // A second interrupt does not wait for the daemon's answer.
        interrupt.unless(client.cancel_job(id)).await.transpose()?;
        let ended = follow::until(client, id, manner.json, |_| false, interrupt).await?;
        if let (Followed::Reached(view), true) = (ended, manner.json) {
            show::json(&view)?;
        }
    }
    match answer {
        Answer::Nobody => Err(BadInput(format!(
            "job {} wants an answer to its quote and nobody can be asked here; add --yes to accept it",
            id.short()
        ))
        .into()),
        Answer::Interrupted if manner.made_here => {
            show::note("the quote is cancelled; nothing was spent");
            Ok(ExitCode::Interrupted)
        }
        Answer::Interrupted => Ok(left(id, Some(view))),
        Answer::Yes | Answer::No => {
            show::note("nothing was spent");
            Ok(ExitCode::Cancelled)
        }
    }
}

/// Says what becomes of a job that is no longer followed.
fn left(id: JobId, seen: Option<&JobView>) -> ExitCode {
    let Some(view) = seen else {
        show::note(format_args!(
            "see what the job does with `rayswarm jobs show {}`",
            id.short()
        ));
        return ExitCode::Interrupted;
    };
    let state = view.summary.state;
    if view.settings.auto_start || !(is_before_quote(state) || state == JobState::Quoted) {
        return goes_on(id);
    }
    let when = if state == JobState::Quoted {
        "the job"
    } else {
        "once it is quoted, the job"
    };
    show::note(format_args!(
        "{when} waits for your answer: `rayswarm jobs attach {}`",
        id.short()
    ));
    ExitCode::Interrupted
}

fn goes_on(id: JobId) -> ExitCode {
    show::note(format_args!(
        "the job goes on; follow it with `rayswarm jobs attach {}`",
        id.short()
    ));
    ExitCode::Interrupted
}

const fn is_before_quote(state: JobState) -> bool {
    matches!(state, JobState::Analysing | JobState::Probing)
}

/// The quote, and what may make the picture another than expected. With `--json`, standard output is for the last line
/// alone.
fn show_quote(quote: &QuoteView, facts: Option<&SceneFacts>, json: bool) {
    let warnings = facts.into_iter().flat_map(|facts| findings(facts, Severity::Warning));
    for line in quote_lines(quote).into_iter().chain(warnings) {
        if json {
            show::note(line);
        } else {
            show::line(line);
        }
    }
}

fn quote_lines(quote: &QuoteView) -> Vec<String> {
    let mut lines = vec![
        format!("picture   {}, {} samples per pixel", quote.resolution, quote.samples),
        format!(
            "tasks     {} ({} frames x {} tiles x {} slices), {}",
            quote.tasks, quote.frames, quote.tiles, quote.slices, quote.work
        ),
        format!(
            "time      {} ({} to {}) on {} providers",
            show::span(quote.time_s),
            show::span(quote.time_low_s),
            show::span(quote.time_high_s),
            quote.providers
        ),
        format!(
            "price     {} tokens; at most {} is locked",
            show::tokens(quote.price),
            show::tokens(quote.budget)
        ),
    ];
    lines.extend(
        quote
            .assumptions
            .iter()
            .map(|assumption| format!("          {assumption}")),
    );
    lines
}

async fn ask(quote: &QuoteView, interrupt: &mut Interrupt) -> anyhow::Result<Answer> {
    if !std::io::stdin().is_terminal() {
        return Ok(Answer::Nobody);
    }
    show::note(format_args!(
        "lock {} tokens and render? [y/N]",
        show::tokens(quote.budget)
    ));
    // On a thread of its own, which is left behind on an interrupt: nothing else ends a read from a terminal.
    let reading = tokio::task::spawn_blocking(|| {
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).map(|_| answer)
    });
    let Some(read) = interrupt.unless(reading).await else {
        return Ok(Answer::Interrupted);
    };
    let answer = read
        .context("the answer was not read")?
        .context("the answer cannot be read")?;
    Ok(match answer.trim() {
        "y" | "Y" | "yes" => Answer::Yes,
        _ => Answer::No,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rayswarm_model::{Amount, Resolution, Work, WorkPrice};

    #[test]
    fn a_quote_shows_samples_size_and_frames() {
        let quote = QuoteView {
            resolution: Resolution {
                width: 3840,
                height: 2160,
            },
            samples: 10_000,
            work: Work { milli_wu: 5 },
            price: Amount(1),
            budget: Amount(2),
            price_cap: WorkPrice { per_wu_hour: Amount(1) },
            time_s: 1.0,
            time_low_s: 1.0,
            time_high_s: 1.0,
            tasks: 7800,
            frames: 7800,
            tiles: 1,
            slices: 1,
            result_bytes: 0,
            providers: 1,
            assumptions: vec!["an assumption".into()],
            curve: Vec::new(),
        };
        let text = quote_lines(&quote).join("\n");
        for part in ["3840x2160", "10000 samples", "7800 frames", "an assumption"] {
            assert!(text.contains(part), "{part} is not in\n{text}");
        }
    }
}
