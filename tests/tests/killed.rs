//! `kill -9` of a provider and of the requestor costs time, never a frame and never a token.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Context;
use rayswarm_api::job::{JobState, Output};
use rayswarm_tests::{
    Farm, Job, Node,
    job::{TINY, rendered_after_verified},
    money::done_and_paid,
    nothing_left,
};

const FRAMES: u64 = 6;

#[test]
fn a_killed_provider_and_a_killed_requestor_cost_nothing() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let mut requestor = Node::start(&farm, "requestor", &[])?;
    let ticket = requestor.ticket()?;
    let provide = ["--provide", "--threads", "1", "--join", &ticket];
    let mut killed = Node::start(&farm, "provider-killed", &provide)?;
    let steady = Node::start(&farm, "provider-steady", &provide)?;
    requestor.wait_for_providers(2)?;
    let before = requestor.funded_wallet()?.tokens;

    let (scene, out) = (Farm::example("animation/animation.blend"), farm.scratch().join("out"));
    let (scene, out) = (scene.to_string_lossy(), out.to_string_lossy());
    let arguments = [
        "render", &scene, "--yes", "--frames", "1-6", "--format", "png", "--out", &out,
    ];
    let job = Job::submit(&requestor, &[&arguments[..], &TINY[..]].concat())?;
    let tasks = job.wait_for(&requestor, "a task is verified", |view| {
        (view.summary.tasks_verified >= 1).then_some(view.summary.tasks)
    })?;
    assert!(tasks >= FRAMES);

    killed.kill().context("the killed provider")?;
    let view = requestor.job(&job.id)?;
    assert_eq!(
        view.summary.state,
        JobState::Rendering,
        "the requestor is to be killed mid-job"
    );
    requestor.kill().context("the killed requestor")?;
    requestor.start_again().context("the requestor starts again")?;
    killed.start_again().context("the provider starts again")?;

    // Its daemon was killed under it, so how the command that followed the job ended is not this test's matter.
    let (view, _) = job.end(&requestor)?;
    done_and_paid(&view)?;
    assert_eq!(view.outputs.len() as u64, FRAMES, "{:?}", view.outputs);
    for frame in 1..=FRAMES {
        let named = |output: &&Output| output.path.to_string_lossy().ends_with(&format!("{frame:04}.png"));
        let file = view
            .outputs
            .iter()
            .find(named)
            .with_context(|| format!("no file of frame {frame}: {view:?}"))?;
        assert!(std::fs::metadata(&file.path)?.len() > 0, "{file:?}");
    }
    let again = rendered_after_verified(&requestor.explain(&view.summary.id.to_string())?)?;
    assert_eq!(again, [] as [&str; 0], "verified tasks were given out again");
    let after = requestor.wallet()?.tokens;
    assert_eq!(
        after.0 + view.escrow.paid.0,
        before.0,
        "the rest came back to the last base unit"
    );

    steady.stop()?;
    killed.stop()?;
    requestor.stop()?;
    nothing_left(farm.scratch())
}
