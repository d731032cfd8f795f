//! A disk that fills up ends a job with an error that says so, or lets it go on; it costs nobody's money or name.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_api::job::{JobState, JobView};
use rayswarm_tests::{Farm, Job, Node, disk::SmallDisk, job::TINY, money::nothing_locked, nothing_left};
use std::path::PathBuf;

const FAILED: i32 = 1;
/// Holds one or two uncompressed pictures of the size that is rendered here.
const OUT_KIBIBYTES: u64 = 64;
/// Holds a requestor and its job; filled when it shall be full.
const DATA_KIBIBYTES: u64 = 256 << 10;

/// Whether a sentence tells people that space is what is missing.
fn speaks_of_space(text: &str) -> bool {
    let text = text.to_lowercase();
    text.contains("no space left") || text.contains("disk is full") || text.contains("free space")
}

fn problem(view: &JobView) -> &str {
    let problem = view.summary.problem.as_ref();
    problem.map(|problem| problem.detail.as_str()).unwrap_or_default()
}

fn provider<'a>(farm: &'a Farm, requestor: &Node<'_>) -> anyhow::Result<Node<'a>> {
    let ticket = requestor.ticket()?;
    let provider = Node::start(farm, "provider", &["--provide", "--threads", "1", "--join", &ticket])?;
    requestor.wait_for_providers(1)?;
    Ok(provider)
}

#[test]
fn a_full_output_disk_ends_the_job_and_says_so() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let out = farm.scratch().join("out");
    let Some(disk) = SmallDisk::mount(&out, OUT_KIBIBYTES)? else {
        return Ok(());
    };
    let requestor = Node::start(&farm, "requestor", &[])?;
    let provider = provider(&farm, &requestor)?;
    let before = requestor.funded_wallet()?.tokens;
    let (scene, out) = (Farm::example("animation/animation.blend"), out.to_string_lossy());
    let scene = scene.to_string_lossy();
    let arguments = [
        "render", &scene, "--yes", "--frames", "1-6", "--format", "exr", "--out", &out,
    ];
    let job = Job::submit(&requestor, &[&arguments[..], &TINY[..]].concat())?;
    let (view, answer) = job.end(&requestor)?;

    assert_eq!(
        (view.summary.state, answer.code),
        (JobState::Failed, FAILED),
        "{view:?}"
    );
    assert!(
        speaks_of_space(problem(&view)) && problem(&view).contains(out.as_ref()),
        "{}",
        problem(&view)
    );
    assert!(speaks_of_space(&answer.stderr), "{}", answer.stderr);
    nothing_locked(&view)?;
    assert_eq!(requestor.wallet()?.tokens.0 + view.escrow.paid.0, before.0);
    // What is there is whole: a frame that did not fit leaves nothing.
    let outputs: Vec<PathBuf> = view.outputs.iter().map(|output| output.path.clone()).collect();
    assert_eq!(disk.files()?, outputs);
    provider.stop()?;
    requestor.stop()?;
    drop(disk);
    nothing_left(farm.scratch())
}

#[test]
fn a_full_data_folder_ends_the_job_and_blames_no_provider() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let Some(disk) = SmallDisk::mount(&farm.scratch().join("requestor"), DATA_KIBIBYTES)? else {
        return Ok(());
    };
    let requestor = Node::start(&farm, "requestor", &[])?;
    let provider = provider(&farm, &requestor)?;
    let before = requestor.funded_wallet()?.tokens;
    let (scene, out) = (Farm::example("animation/animation.blend"), farm.scratch().join("out"));
    let (scene, out) = (scene.to_string_lossy(), out.to_string_lossy());
    let arguments = [
        "render", &scene, "--yes", "--frames", "1-24", "--format", "png", "--out", &out,
    ];
    let job = Job::submit(&requestor, &[&arguments[..], &TINY[..]].concat())?;
    job.wait_for(&requestor, "results arrive", |view| {
        (view.summary.tasks_verified > 0).then_some(())
    })?;
    disk.fill()?;
    job.wait_for(&requestor, "the node says that space is missing", |view| {
        view.log.iter().any(|line| speaks_of_space(line)).then_some(())
    })?;
    // The embedded chain needs room too, to pay and to refund.
    disk.make_room()?;
    let (view, answer) = job.end(&requestor)?;

    match view.summary.state {
        JobState::Done => assert_eq!(answer.code, 0, "{}", answer.stderr),
        JobState::Failed => {
            assert!(speaks_of_space(problem(&view)), "{}", problem(&view));
            assert_eq!(answer.code, FAILED, "{}", answer.stderr);
        }
        other => panic!("{other:?}: {view:?}"),
    }
    nothing_locked(&view)?;
    assert_eq!(requestor.wallet()?.tokens.0 + view.escrow.paid.0, before.0);
    let decisions = requestor.explain(&view.summary.id.to_string())?;
    let shut_out = decisions.iter().find(|one| one.decision.starts_with("exclude "));
    assert_eq!(shut_out, None, "the provider did nothing wrong");
    provider.stop()?;
    requestor.stop()?;
    drop(disk);
    nothing_left(farm.scratch())
}
