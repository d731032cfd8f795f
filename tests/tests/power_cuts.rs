//! Fifty tasks while providers lose power again and again and the requestor twice: the exact picture, the exact sums,
//! nothing left behind.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use anyhow::Context;
use rayswarm_api::job::JobView;
use rayswarm_imaging::{DecodeLimits, Picture, compare, decode};
use rayswarm_tests::{Farm, Node, money::done_and_paid, node::nothing_left, until};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

/// Longest wait for the job. Leases, retries and sessions opened anew take most of it.
const PATIENCE: Duration = Duration::from_secs(540);
const PROVIDERS: usize = 3;
const TASKS: u64 = 50;
/// A provider is killed each time this many more tasks are verified: every few seconds here.
const TASKS_BETWEEN_CUTS: u64 = 4;
/// The requestor is killed when so many tasks are verified.
const REQUESTOR_CUTS: [u64; 2] = [14, 32];
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
fn fifty_tasks_survive_power_cuts() -> anyhow::Result<()> {
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
    let (scene, out_text) = (scene.to_string_lossy(), out.to_string_lossy());
    let job = [
        "render",
        &scene,
        "--yes",
        "--keep-raw",
        "--tiles",
        "5x1",
        "--out",
        &out_text,
    ];
    let mut client = requestor.spawn(&[&job[..], &PICTURE[..]].concat())?;
    let id = until("the job is known", PATIENCE, || {
        Ok(requestor.jobs()?.first().map(|job| job.id.to_string()))
    })?;

    let (mut next_cut, mut cuts) = (1, 0);
    let mut requestor_cuts = REQUESTOR_CUTS.into_iter().peekable();
    let ended = until("the job ends", PATIENCE, || {
        let view = requestor.job(&id)?;
        if view.summary.state.is_final() {
            return Ok(Some(view));
        }
        let verified = view.summary.tasks_verified;
        if requestor_cuts.next_if(|at| verified >= *at).is_some() {
            requestor.kill().context("the requestor")?;
            requestor.start_again().context("the requestor again")?;
        } else if verified >= next_cut && verified < TASKS {
            let provider = &mut providers[cuts % PROVIDERS];
            provider.kill().context("a provider")?;
            provider.start_again().context("a provider again")?;
            cuts += 1;
            next_cut = verified + TASKS_BETWEEN_CUTS;
        }
        Ok(None)
    });
    let view =
        ended.with_context(|| format!("after {cuts} cuts: {:?}\n{}", requestor.job(&id), requestor.log_end()))?;
    client.wait()?;

    assert_eq!(requestor_cuts.next(), None, "the requestor was to be killed twice");
    assert!(cuts >= 5, "only {cuts} power cuts in {} tasks", view.summary.tasks);
    assert_eq!(view.summary.tasks, TASKS);
    done_and_paid(&view)?;
    let after = requestor.wallet()?.tokens;
    assert_eq!(after.0 + view.escrow.paid.0, before.0);
    for provider in providers {
        provider.stop()?;
    }
    requestor.stop()?;
    no_temporary_files(farm.scratch(), &id)?;
    let undisturbed = undisturbed(&farm)?;
    same_pictures(&view, &undisturbed)?;
    nothing_left(farm.scratch())
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
    let pictures = raw_pictures(&view.outputs)?;
    assert_eq!(pictures.len(), 10, "{:?}", view.outputs);
    assert!(pictures.keys().eq(undisturbed.keys()), "{:?}", pictures.keys());
    for (name, picture) in &pictures {
        let found = compare(&undisturbed[name], picture)?;
        assert!(found.is_exact(), "{name}: {found:?}");
    }
    Ok(())
}

/// Working folders of the job, on every node, and half-written files.
fn no_temporary_files(scratch: &Path, job: &str) -> anyhow::Result<()> {
    let mut waiting = vec![scratch.to_path_buf()];
    while let Some(folder) = waiting.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
            if !entry.file_type()?.is_dir() {
                assert!(
                    !name.ends_with(".part") && !name.starts_with("task-"),
                    "{} is left",
                    path.display()
                );
                continue;
            }
            let provider_folder = name == job && folder.ends_with("provider");
            let working = ["results", "merged", "scratch", "frames"].contains(&name.as_str()) && folder.ends_with(job);
            assert!(!provider_folder && !working, "{} is left", path.display());
            waiting.push(path);
        }
    }
    Ok(())
}
