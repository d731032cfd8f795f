//! Fifty tasks while providers are killed again and again and the requestor twice: the exact picture, the exact sums,
//! nothing left behind. `kill -9` is what is tested here; that the disk keeps what it was told when the power fails is
//! the file system's promise.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Context;
use rayswarm_api::job::JobView;
use rayswarm_imaging::{DecodeLimits, Picture, compare, decode};
use rayswarm_tests::{
    Farm, Job, Node, job::rendered_after_verified, leftovers::no_temporary_files, money::done_and_paid, nothing_left,
    until,
};
use std::{collections::BTreeMap, path::PathBuf, time::Duration};

/// Longest wait for the job. Leases, retries and sessions opened anew take most of it.
const PATIENCE: Duration = Duration::from_secs(540);
const PROVIDERS: usize = 3;
const TASKS: u64 = 50;
/// A provider is killed each time this many more tasks are verified: every few seconds here.
const TASKS_BETWEEN_KILLS: u64 = 4;
/// The requestor is killed when so many tasks are verified.
const REQUESTOR_KILLS: [u64; 2] = [14, 32];
const PICTURE: [&str; 8] = [
    "--frames",
    "1-10",
    "--resolution",
    "160x90",
    "--samples",
    "4",
    "--format",
    "png",
];

#[test]
fn fifty_tasks_survive_kills() -> anyhow::Result<()> {
    let Some(farm) = Farm::find()? else { return Ok(()) };
    let mut requestor = Node::start(&farm, "requestor", &[])?;
    let ticket = requestor.ticket()?;
    let provide = ["--provide", "--threads", "1", "--join", &ticket];
    let mut providers = Vec::new();
    for number in 0..PROVIDERS {
        providers.push(Node::start(&farm, &format!("provider-{number}"), &provide)?);
    }
    requestor.wait_for_providers(PROVIDERS)?;
    let before = requestor.funded_wallet()?.tokens;

    let (scene, out) = (Farm::example("animation/animation.blend"), farm.scratch().join("out"));
    let (scene, out) = (scene.to_string_lossy(), out.to_string_lossy());
    let arguments = ["render", &scene, "--yes", "--keep-raw", "--tiles", "5x1", "--out", &out];
    let job = Job::submit(&requestor, &[&arguments[..], &PICTURE[..]].concat())?;
    let (view, kills) = end_under_fire(&job, &mut requestor, &mut providers)?;
    let id = job.id.clone();
    // Its daemon was killed under it, so how this command ended is not this test's matter.
    job.end(&requestor)?;

    assert!(
        kills >= 5,
        "only {kills} providers killed in {} tasks",
        view.summary.tasks
    );
    assert_eq!(view.summary.tasks, TASKS);
    done_and_paid(&view)?;
    let after = requestor.wallet()?.tokens;
    assert_eq!(after.0 + view.escrow.paid.0, before.0);
    let again = rendered_after_verified(&requestor.explain(&id)?)?;
    assert_eq!(again, [] as [&str; 0], "verified tasks were given out again");
    for provider in providers {
        provider.stop()?;
    }
    requestor.stop()?;
    no_temporary_files(farm.scratch(), &id)?;
    let undisturbed = undisturbed(&farm)?;
    same_pictures(&view, &undisturbed)?;
    nothing_left(farm.scratch())
}

/// Kills nodes as tasks are verified until the job has ended; also returns how often a provider was killed.
fn end_under_fire(job: &Job, requestor: &mut Node<'_>, providers: &mut [Node<'_>]) -> anyhow::Result<(JobView, usize)> {
    let (mut next_kill, mut kills) = (1, 0);
    let mut requestor_kills = REQUESTOR_KILLS.into_iter().peekable();
    let ended = until("the job ends", PATIENCE, || {
        let view = requestor.job(&job.id)?;
        if view.summary.state.is_final() {
            return Ok(Some(view));
        }
        let verified = view.summary.tasks_verified;
        if requestor_kills.next_if(|at| verified >= *at).is_some() {
            requestor.kill().context("the requestor")?;
            requestor.start_again().context("the requestor again")?;
        } else if verified >= next_kill && verified < TASKS {
            let provider = &mut providers[kills % PROVIDERS];
            provider.kill().context("a provider")?;
            provider.start_again().context("a provider again")?;
            kills += 1;
            next_kill = verified + TASKS_BETWEEN_KILLS;
        }
        Ok(None)
    });
    let told = || {
        format!(
            "after {kills} kills: {:?}\n{}",
            requestor.job(&job.id),
            requestor.log_end()
        )
    };
    let view = ended.with_context(told)?;
    assert_eq!(requestor_kills.next(), None, "the requestor was to be killed twice");
    Ok((view, kills))
}

/// Whole frames by one provider with nobody killed.
fn undisturbed(farm: &Farm) -> anyhow::Result<BTreeMap<String, Picture>> {
    let (scene, out) = (
        Farm::example("animation/animation.blend"),
        farm.scratch().join("undisturbed"),
    );
    let (scene, out_text) = (scene.to_string_lossy(), out.to_string_lossy());
    let demo = [
        "demo",
        "--scene",
        &scene,
        "--keep-raw",
        "--tiles",
        "1x1",
        "--providers",
        "1",
        "--out",
        &out_text,
    ];
    let answer = farm.run([&demo[..], &PICTURE[..]].concat())?;
    anyhow::ensure!(answer.code == 0, "{}", answer.stderr);
    let files = std::fs::read_dir(&out)?.map(|entry| Ok(entry?.path()));
    raw_pictures(&files.collect::<anyhow::Result<Vec<_>>>()?)
}

fn raw_pictures(files: &[PathBuf]) -> anyhow::Result<BTreeMap<String, Picture>> {
    let raw = files.iter().filter(|path| path.to_string_lossy().ends_with("_raw.exr"));
    raw.map(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok((name, decode(&std::fs::read(path)?, &DecodeLimits::default())?))
    })
    .collect()
}

fn same_pictures(view: &JobView, undisturbed: &BTreeMap<String, Picture>) -> anyhow::Result<()> {
    let files: Vec<PathBuf> = view.outputs.iter().map(|output| output.path.clone()).collect();
    let pictures = raw_pictures(&files)?;
    assert_eq!(pictures.len(), 10, "{:?}", view.outputs);
    assert!(pictures.keys().eq(undisturbed.keys()), "{:?}", pictures.keys());
    for (name, picture) in &pictures {
        let found = compare(&undisturbed[name], picture)?;
        assert!(found.is_exact(), "{name}: {found:?}");
    }
    Ok(())
}
