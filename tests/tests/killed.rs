//! Power cuts: a killed provider and a killed requestor cost time, never a frame and never a token.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Context;
use rayswarm_api::job::JobState;
use rayswarm_tests::{Farm, Node, money::done_and_paid, node::nothing_left, until};
use std::time::Duration;

/// Longest wait for a state of the job. Renders take seconds; leases and retries after a kill take most of it.
const PATIENCE: Duration = Duration::from_secs(240);
const FRAMES: u64 = 6;

#[test]
fn a_killed_provider_costs_nothing() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let mut requestor = Node::start(&farm, "requestor", &[])?;
    let ticket = requestor.ticket()?;
    let provide = ["--provide", "--threads", "1", "--join", &ticket];
    let mut killed = Node::start(&farm, "provider-killed", &provide)?;
    let steady = Node::start(&farm, "provider-steady", &provide)?;
    requestor.wait_for_providers(2)?;
    let before = requestor.funded_wallet()?.tokens;

    let scene = Farm::example("animation/animation.blend");
    let (scene, out) = (scene.to_string_lossy(), farm.scratch().join("out"));
    let out_text = out.to_string_lossy();
    let mut client = requestor.spawn(&[
        "render",
        &scene,
        "--yes",
        "--json",
        "--frames",
        "1-6",
        "--resolution",
        "64x36",
        "--samples",
        "4",
        "--format",
        "png",
        "--out",
        &out_text,
    ])?;
    let id = until("the job is known", PATIENCE, || {
        Ok(requestor.jobs()?.first().map(|job| job.id.to_string()))
    })?;
    let view = until("a task is verified", PATIENCE, || {
        let view = requestor.job(&id)?;
        anyhow::ensure!(!view.summary.state.is_final(), "the job ended too early: {view:?}");
        Ok((view.summary.tasks_verified >= 1).then_some(view))
    })?;
    assert!(view.summary.tasks >= FRAMES, "{view:?}");

    killed.kill().context("the killed provider")?;
    let view = requestor.job(&id)?;
    assert_eq!(
        view.summary.state,
        JobState::Rendering,
        "the requestor is to be killed mid-job"
    );
    requestor.kill().context("the killed requestor")?;
    // Its daemon is gone, so the command that followed the job has ended; how it says so is not this test's matter.
    client.wait()?;
    requestor.start_again().context("the requestor starts again")?;
    killed.start_again().context("the provider starts again")?;

    let ended = until("the job ends", PATIENCE, || {
        let view = requestor.job(&id)?;
        Ok(view.summary.state.is_final().then_some(view))
    });
    let view = ended.with_context(|| format!("{:?}\n{}", requestor.job(&id), requestor.log_end()))?;
    done_and_paid(&view)?;
    assert_eq!(view.outputs.len() as u64, FRAMES, "{:?}", view.outputs);
    for frame in 1..=FRAMES {
        let named = |path: &&std::path::PathBuf| path.to_string_lossy().ends_with(&format!("{frame:04}.png"));
        let file = view
            .outputs
            .iter()
            .find(named)
            .with_context(|| format!("no file of frame {frame}: {view:?}"))?;
        assert!(std::fs::metadata(file)?.len() > 0, "{}", file.display());
    }
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
