//! Providers that hang, engines that abort, nodes that end at the worst moment: the job goes on, or ends with a reason
//! and a refund.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_api::job::{JobState, JobView};
use rayswarm_tests::{
    Farm, Job, Node,
    job::{TINY, rendered_after_verified},
    money::{done_and_paid, nothing_locked},
    nothing_left,
    processes::{engines_below, send},
    until,
};
use rustix::process::Signal;
use std::{
    collections::BTreeMap,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

/// Longest wait for an engine to show up.
const PATIENCE: Duration = Duration::from_secs(120);
const FAILED: i32 = 1;
const CANCELLED: i32 = 4;

/// `render` of an example into `out`, tiny, as PNG.
fn render(scene: &Path, frames: &str, out: &Path) -> Vec<String> {
    let (scene, out) = (scene.to_string_lossy(), out.to_string_lossy());
    let own = [
        "render", &scene, "--yes", "--frames", frames, "--format", "png", "--out", &out,
    ];
    own.iter().chain(&TINY).map(ToString::to_string).collect()
}

fn submit(node: &Node<'_>, arguments: &[String]) -> anyhow::Result<Job> {
    Job::submit(node, &arguments.iter().map(String::as_str).collect::<Vec<_>>())
}

/// A requestor with money and one provider.
fn pair<'a>(farm: &'a Farm) -> anyhow::Result<(Node<'a>, Node<'a>)> {
    let requestor = Node::start(farm, "requestor", &[])?;
    let provider = join(farm, &requestor, "provider", 1)?;
    requestor.funded_wallet()?;
    Ok((requestor, provider))
}

/// Starts a provider and waits until the requestor knows `known` of them.
fn join<'a>(farm: &'a Farm, requestor: &Node<'_>, name: &str, known: usize) -> anyhow::Result<Node<'a>> {
    let ticket = requestor.ticket()?;
    let provider = Node::start(farm, name, &["--provide", "--threads", "1", "--join", &ticket])?;
    requestor.wait_for_providers(known)?;
    Ok(provider)
}

/// What is gone from the wallet is what the job paid.
fn refund_is_exact(node: &Node<'_>, before: rayswarm_model::Amount, view: &JobView) -> anyhow::Result<()> {
    nothing_locked(view)?;
    assert_eq!(
        node.wallet()?.tokens.0 + view.escrow.paid.0,
        before.0,
        "{:?}",
        view.escrow
    );
    Ok(())
}

#[test]
fn a_provider_that_hangs_loses_its_work_to_another() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let (requestor, hung) = pair(&farm)?;
    let before = requestor.wallet()?.tokens;
    let scene = Farm::example("animation/animation.blend");
    let job = submit(&requestor, &render(&scene, "1-4", &farm.scratch().join("out")))?;

    // Its engine takes seconds to open, and nothing is rendered before: it holds work, and has delivered none.
    until("the provider has work and opens its engine", PATIENCE, || {
        let has_work = requestor.job(&job.id)?.attempts > 0;
        Ok((has_work && !engines_below(hung.pid())?.is_empty()).then_some(()))
    })?;
    let frozen = hung.freeze()?;
    let steady = join(&farm, &requestor, "steady", 1)?;
    let (view, answer) = job.end(&requestor)?;

    assert_eq!(answer.code, 0, "{}", answer.stderr);
    done_and_paid(&view)?;
    refund_is_exact(&requestor, before, &view)?;
    assert!(view.attempts > view.summary.tasks, "nothing was taken away: {view:?}");
    let rendered: Vec<u64> = view
        .providers
        .iter()
        .map(|share| share.tasks)
        .filter(|tasks| *tasks > 0)
        .collect();
    assert_eq!(rendered, [view.summary.tasks], "{:?}", view.providers);
    // Awake again it finds that all is over, and ends as any other.
    drop(frozen);
    hung.stop()?;
    steady.stop()?;
    requestor.stop()?;
    nothing_left(farm.scratch())
}

#[test]
fn an_engine_that_aborts_again_and_again_ends_the_job_with_its_last_words() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let (requestor, provider) = pair(&farm)?;
    let before = requestor.wallet()?.tokens;
    let scene = Farm::example("animation/animation.blend");
    let job = submit(&requestor, &render(&scene, "1", &farm.scratch().join("out")))?;
    let mut aborted = 0;
    let (view, answer) = job.end_while(&requestor, || {
        for engine in engines_below(provider.pid())? {
            send(engine, Signal::ABORT)?;
            aborted += 1;
        }
        Ok(())
    })?;

    assert!(aborted > 0);
    assert_eq!(
        (view.summary.state, answer.code),
        (JobState::Failed, FAILED),
        "{view:?}"
    );
    refund_is_exact(&requestor, before, &view)?;
    assert_eq!(
        view.escrow.refunded, view.escrow.deposited,
        "nothing was verified: {view:?}"
    );
    let problem = view
        .summary
        .problem
        .as_ref()
        .map(|problem| problem.detail.as_str())
        .unwrap_or_default();
    assert!(problem.contains("aborted (signal 6)"), "{problem}");
    assert!(problem.contains("its last lines:"), "{problem}");
    assert!(answer.stderr.contains("aborted (signal 6)"), "{}", answer.stderr);
    assert!(view.outputs.is_empty(), "{:?}", view.outputs);
    provider.stop()?;
    requestor.stop()?;
    nothing_left(farm.scratch())
}

#[test]
fn a_retry_renders_what_a_cancelled_job_left_open() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let (requestor, mut provider) = pair(&farm)?;
    let before = requestor.wallet()?.tokens;
    let (scene, out) = (Farm::example("animation/animation.blend"), farm.scratch().join("out"));
    let job = submit(&requestor, &render(&scene, "1-12", &out))?;
    let id = job.id.clone();
    // Killed as soon as a result has arrived, the provider has left most of the frames open.
    until("a result has arrived", PATIENCE, || {
        let decisions = requestor.explain(&id)?;
        Ok(decisions
            .iter()
            .any(|one| one.decision.starts_with("draw audit"))
            .then_some(()))
    })?;
    provider.kill()?;
    job.wait_for(&requestor, "a frame is finished", |view| {
        (view.summary.frames_finished > 0).then_some(())
    })?;
    let cancelling = requestor.run(&["jobs", "cancel", &id])?;
    assert_eq!(cancelling.code, CANCELLED, "{}", cancelling.stderr);
    let (cancelled, answer) = job.end(&requestor)?;
    assert_eq!((cancelled.summary.state, answer.code), (JobState::Cancelled, CANCELLED));
    nothing_locked(&cancelled)?;
    let finished = pictures(&out)?;
    assert_eq!(finished.len() as u64, cancelled.summary.frames_finished, "{finished:?}");
    assert!((1..12).contains(&finished.len()), "{finished:?}");

    provider.start_again()?;
    requestor.wait_for_providers(1)?;
    let retry = requestor.run(&["jobs", "retry", &id, "--yes", "--json"])?;
    let retried: JobView = retry.json()?;
    done_and_paid(&retried)?;
    let open = 12 - finished.len();
    assert_eq!(retried.frame_numbers.len(), open, "{retried:?}");
    assert_eq!(retried.summary.frames_finished, open as u64, "{retried:?}");
    let all = pictures(&out)?;
    assert_eq!(all.len(), 12, "{all:?}");
    for (file, stamp) in &finished {
        assert_eq!(&all[file], stamp, "{} was written again", file.display());
    }
    let spent = cancelled.escrow.paid.0 + retried.escrow.paid.0;
    assert_eq!(requestor.wallet()?.tokens.0 + spent, before.0);
    provider.stop()?;
    requestor.stop()?;
    nothing_left(farm.scratch())
}

/// Finished files, and what shows whether one was written since.
fn pictures(folder: &Path) -> anyhow::Result<BTreeMap<PathBuf, (u64, SystemTime)>> {
    let entries = std::fs::read_dir(folder)?.map(|entry| {
        let entry = entry?;
        let metadata = entry.metadata()?;
        Ok((entry.path(), (metadata.ino(), metadata.modified()?)))
    });
    entries.collect()
}

#[test]
fn a_requestor_killed_between_the_last_verdict_and_the_last_file_goes_on() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let (mut requestor, provider) = pair(&farm)?;
    let before = requestor.wallet()?.tokens;
    let (scene, out) = (Farm::example("animation/animation.blend"), farm.scratch().join("out"));
    let job = submit(&requestor, &render(&scene, "1", &out))?;
    // The first frame to be finished waits for a session to open, which takes seconds.
    let attempts = job.wait_for(&requestor, "every task is verified", |view| {
        let verified = view.summary.tasks > 0 && view.summary.tasks_verified == view.summary.tasks;
        verified.then_some(view.attempts)
    })?;
    requestor.kill()?;
    assert_eq!(
        pictures(&out)?.len(),
        0,
        "the requestor was killed too late to show anything"
    );
    requestor.start_again()?;

    let id = job.id.clone();
    // Its daemon was killed under it, so how the command that followed the job ended is not this test's matter.
    let (view, _) = job.end(&requestor)?;
    done_and_paid(&view)?;
    refund_is_exact(&requestor, before, &view)?;
    assert_eq!((view.outputs.len(), pictures(&out)?.len()), (1, 1), "{view:?}");
    assert_eq!(view.attempts, attempts, "something was rendered again");
    assert_eq!(rendered_after_verified(&requestor.explain(&id)?)?, [] as [&str; 0]);
    provider.stop()?;
    requestor.stop()?;
    nothing_left(farm.scratch())
}
