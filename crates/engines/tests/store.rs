//! A real installation, where its wheels are at hand: run with `PIP_NO_INDEX=1 PIP_FIND_LINKS=FOLDER`. Tests never reach
//! for the package index.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_engines::{
    Sandbox, Store,
    process::LineProcess,
    store::{BLENDER_DEFAULT, InstallPhase, InstallProgress},
};
use rayswarm_sandbox::SandboxSpec;
use std::{fs, time::Duration};

#[tokio::test]
async fn blender_is_installed_once_and_starts_in_the_sandbox() {
    if std::env::var_os("PIP_FIND_LINKS").is_none() || std::env::var_os("PIP_NO_INDEX").is_none() {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let store = Store::at(root.path());
    fs::create_dir_all(root.path().join(".partial/left by a crash")).unwrap();
    let mut phases = Vec::new();
    let mut told = |progress: InstallProgress| {
        assert!(
            progress.total == 0 || progress.done <= progress.total * 2,
            "{progress:?}"
        );
        phases.push(progress.phase);
    };
    let mut untold = |_| {};
    // Asked for twice at the same time: one waits and finds it done.
    let (first, second) = tokio::join!(
        store.install(BLENDER_DEFAULT, &mut told),
        store.install(BLENDER_DEFAULT, &mut untold)
    );
    let install = first.unwrap();
    assert_eq!(second.unwrap(), install);
    phases.dedup();
    if phases.len() > 1 {
        use InstallPhase::{Checking, Downloading, Unpacking, Waiting};
        assert_eq!(phases, [Waiting, Downloading, Checking, Unpacking]);
    }
    assert_eq!(store.list(), std::slice::from_ref(&install));
    let names = fs::read_dir(root.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.collect();
    names.sort_unstable();
    assert_eq!(names, [".lock".to_owned(), format!("blender-{BLENDER_DEFAULT}")]);

    let mut spec = SandboxSpec::new(&install.program);
    spec.args = [
        "-c",
        "import bpy, os; print(bpy.app.version_string, flush=True); os._exit(0)",
    ]
    .map(Into::into)
    .to_vec();
    spec.binds = install.binds;
    spec.limits.address_space = Some(12 << 30);
    let mut process = LineProcess::start("blender", &Sandbox::detect().unwrap(), spec)
        .await
        .unwrap();
    let mut said = Vec::new();
    while let Some(line) = process.next_line(Duration::from_secs(60)).await.unwrap() {
        said.push(line);
    }
    assert!(
        said.iter().any(|line| line.starts_with(BLENDER_DEFAULT)),
        "{said:?} {}",
        process.log_tail()
    );
}
