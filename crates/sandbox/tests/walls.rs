//! What a process inside the walls can and cannot do, tried with real processes.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use rayswarm_sandbox::{Bind, Ended, Sandbox, SandboxSpec, SandboxedChild, StopReason, usage::children};
use std::{
    fs,
    io::{BufRead, BufReader},
    net::TcpListener,
    process::{Command, Stdio},
    time::Duration,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt};

/// A shell script in a sandbox; tests change what they need.
fn shell(script: &str) -> SandboxSpec {
    let mut spec = SandboxSpec::new("/bin/bash");
    spec.args = vec!["-c".into(), script.into()];
    spec
}

async fn start(spec: SandboxSpec) -> SandboxedChild {
    Sandbox::detect().unwrap().spawn(spec).await.unwrap()
}

/// Runs to the end; standard output and error together, and how it ended.
async fn run(spec: SandboxSpec) -> (String, Ended) {
    let mut child = start(spec).await;
    let (mut out, mut err) = (String::new(), String::new());
    child.stdin = None;
    let (mut stdout, mut stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
    let (a, b) = tokio::join!(stdout.read_to_string(&mut out), stderr.read_to_string(&mut err));
    a.and(b).unwrap();
    let ended = child.wait().await;
    (out + &err, ended)
}

/// The first line a child prints.
async fn first_line(child: &mut SandboxedChild) -> String {
    let stdout = child.stdout.as_mut().unwrap();
    tokio::io::BufReader::new(stdout)
        .lines()
        .next_line()
        .await
        .unwrap()
        .unwrap_or_default()
}

/// Whether a process still runs (a zombie does not).
fn alive(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').unwrap().1.starts_with(" Z") && !stat.contains(") X"))
}

#[tokio::test]
async fn it_runs_and_reports_the_exit_code() {
    let (text, ended) = run(shell("echo hello; exit 3")).await;
    assert_eq!((text.as_str(), ended), ("hello\n", Ended::Exited(3)));
    assert_eq!(run(shell("kill -ABRT $$")).await.1, Ended::Signalled(6));
}

#[tokio::test]
async fn it_has_no_network() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let script = format!("exec 3<>/dev/tcp/127.0.0.1/{port} && echo connected");
    // The same script reaches the listener from outside, so the port and the script are right.
    let outside = Command::new("bash").args(["-c", &script]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&outside.stdout), "connected\n");
    let (text, ended) = run(shell(&script)).await;
    assert_eq!(ended, Ended::Exited(1), "{text}");
    assert!(!text.contains("connected"), "{text}");
}

#[tokio::test]
async fn it_sees_no_file_that_was_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    let script = format!(
        "cat /etc/shadow; cat /etc/passwd; cat {}; ls /home /root /sys /work; ls /",
        secret.display()
    );
    let (text, _) = run(shell(&script)).await;
    assert!(!text.contains("secret\n") && !text.contains("root:"), "{text}");
    assert_eq!(text.matches("No such file or directory").count(), 7, "{text}");
}

#[tokio::test]
async fn it_reads_what_was_shown_and_writes_only_where_it_may() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (folder.path().join("in"), folder.path().join("out"));
    fs::create_dir(&input).unwrap();
    fs::create_dir(&output).unwrap();
    fs::write(input.join("scene"), "scene").unwrap();
    let mut spec = shell(
        "cat /scene/deep/scene > /out/copy; echo x > /scene/deep/scene; echo x > /new; echo x > /usr/new; rm /scene/deep/scene",
    );
    spec.binds = vec![Bind::read_only(&input, "/scene/deep"), Bind::writable(&output, "/out")];
    let (text, _) = run(spec).await;
    assert_eq!(fs::read_to_string(output.join("copy")).unwrap(), "scene");
    assert_eq!(fs::read_to_string(input.join("scene")).unwrap(), "scene");
    assert_eq!(text.matches("Read-only file system").count(), 4, "{text}");
}

#[tokio::test]
async fn its_environment_is_what_was_given() {
    let mut spec = SandboxSpec::new("/usr/bin/env");
    spec.env = vec![("COLOUR".into(), "green".into())];
    let (text, _) = run(spec).await;
    let mut names: Vec<_> = text.lines().filter_map(|line| line.split('=').next()).collect();
    names.sort_unstable();
    assert_eq!(names, ["COLOUR", "HOME", "LANG", "PATH", "PWD", "TMPDIR"], "{text}");
}

#[tokio::test]
async fn it_has_no_powers_and_is_its_own_user() {
    let (text, _) = run(shell(
        "grep -E 'CapEff|CapPrm|NoNewPrivs' /proc/self/status; id -u; ulimit -c",
    ))
    .await;
    assert_eq!(text.matches("0000000000000000").count(), 2, "{text}");
    assert!(text.contains("NoNewPrivs:\t1"), "{text}");
    let user: u32 = text.lines().rev().nth(1).unwrap().parse().unwrap();
    assert_ne!(user, 0);
    assert!(text.ends_with("\n0\n"), "{text}");
}

#[tokio::test]
async fn it_sees_no_process_but_its_own() {
    let (text, _) = run(shell("for p in /proc/[0-9]*; do cat $p/comm; done")).await;
    assert!(!text.contains("walls"), "{text}");
    assert!(text.lines().count() <= 4, "{text}");
}

#[tokio::test]
async fn memory_beyond_its_address_space_is_refused_inside() {
    let mut spec = shell("head -c 400000000 /dev/zero | tail -c 300000000 | wc -c");
    spec.limits.address_space = Some(100 << 20);
    let (text, _) = run(spec).await;
    assert!(
        text.contains("memory exhausted") || text.contains("annot allocate memory"),
        "{text}"
    );
}

#[tokio::test]
async fn memory_of_all_processes_together_is_watched() {
    // Two processes, each below the limit alone.
    let mut spec = shell("for i in 1 2; do (x=$(head -c 60000000 /dev/zero | tr '\\0' x); sleep 1000) & done; wait");
    spec.limits.resident = Some(100 << 20);
    let ended = start(spec).await.wait().await;
    assert!(
        matches!(ended, Ended::Stopped(StopReason::Memory(bytes)) if bytes > 100 << 20),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_fork_bomb_meets_its_limit() {
    let mut spec = shell("for i in $(seq 200); do sleep 1000 & done 2>/dev/null; echo $(ls -d /proc/[0-9]* | wc -l)");
    spec.limits.processes = 20;
    spec.limits.lifetime = Some(Duration::from_secs(2));
    let mut child = start(spec).await;
    let ended = child.wait().await;
    // bash retries a refused fork for seconds, so the lifetime ends it; the count seen from outside is what matters.
    assert!(
        matches!(ended, Ended::Stopped(StopReason::Lifetime(_)) | Ended::Exited(_)),
        "{ended:?}"
    );
    let peak = child.peak_processes();
    assert!((10..=24).contains(&peak), "{peak} processes");
}

#[tokio::test]
async fn a_file_larger_than_its_limit_ends_the_writer() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = SandboxSpec::new("/usr/bin/dd");
    spec.args = ["if=/dev/zero", "of=/out/large", "bs=64k", "count=100"]
        .map(Into::into)
        .to_vec();
    spec.binds = vec![Bind::writable(folder.path(), "/out")];
    spec.limits.file_size = 1 << 20;
    let (_, ended) = run(spec).await;
    assert_eq!(ended, Ended::Signalled(25));
    assert_eq!(fs::metadata(folder.path().join("large")).unwrap().len(), 1 << 20);
}

#[tokio::test]
async fn many_small_files_meet_the_limit_of_the_folder() {
    let folder = tempfile::tempdir().unwrap();
    let mut spec = shell("for i in $(seq 64); do head -c 65536 /dev/zero > /out/$i; done; sleep 1000");
    spec.binds = vec![Bind::writable(folder.path(), "/out")];
    spec.limits.disk = 1 << 20;
    let ended = start(spec).await.wait().await;
    assert!(
        matches!(ended, Ended::Stopped(StopReason::Disk(bytes)) if bytes > 1 << 20),
        "{ended:?}"
    );
}

#[tokio::test]
async fn a_full_temporary_folder_is_an_error_inside_only() {
    let mut spec = shell("head -c 2000000 /dev/zero > /tmp/a; head -c 2000000 /dev/zero > /dev/shm/b; echo still here");
    spec.limits.temporary = 1 << 20;
    let (text, ended) = run(spec).await;
    assert_eq!(text.matches("No space left on device").count(), 2, "{text}");
    assert!(text.contains("still here"));
    assert_eq!(ended, Ended::Exited(0));
}

#[tokio::test]
async fn cpu_time_is_limited_and_measured() {
    let mut spec = shell("while :; do :; done");
    spec.limits.cpu = Some(Duration::from_secs(1));
    let mut child = start(spec).await;
    let ended = child.wait().await;
    assert!(matches!(ended, Ended::Signalled(9 | 24)), "{ended:?}");
    // Read from outside at most half a second before the end.
    assert!(child.cpu_time() >= Duration::from_millis(400), "{:?}", child.cpu_time());
    assert!(child.peak_resident() > 1 << 20);
}

#[tokio::test]
async fn a_lifetime_ends_it() {
    let mut spec = shell("sleep 1000");
    spec.limits.lifetime = Some(Duration::from_millis(100));
    assert_eq!(
        start(spec).await.wait().await,
        Ended::Stopped(StopReason::Lifetime(Duration::from_millis(100)))
    );
}

#[tokio::test]
async fn kill_returns_when_everything_inside_is_gone() {
    let mut child = start(shell("sleep 1000 & sleep 1000 & echo ready; wait")).await;
    assert_eq!(first_line(&mut child).await, "ready");
    let inside = below(child.pid());
    assert!(inside.len() >= 4, "{inside:?}");
    assert_eq!(child.kill().await, Ended::Stopped(StopReason::Asked));
    assert!(inside.iter().all(|pid| !alive(*pid)), "{inside:?}");
    assert_eq!(child.resident(), 0);
}

#[tokio::test]
async fn a_ctrl_c_for_its_parent_does_not_reach_it() {
    let mut child = start(shell("echo ready; sleep 1000")).await;
    assert_eq!(first_line(&mut child).await, "ready");
    let group = |pid: u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        stat.rsplit_once(')')
            .unwrap()
            .1
            .split_whitespace()
            .nth(2)
            .unwrap()
            .parse::<u32>()
            .unwrap()
    };
    assert!(
        below(child.pid())
            .into_iter()
            .all(|pid| group(pid) != group(std::process::id()))
    );
}

#[tokio::test]
async fn dropping_it_kills_everything_inside() {
    let mut child = start(shell("sleep 1000 & echo ready; wait")).await;
    assert_eq!(first_line(&mut child).await, "ready");
    let mut stderr = child.stderr.take().unwrap();
    drop(child);
    // The pipe ends when the last process that holds it does.
    let mut rest = String::new();
    stderr.read_to_string(&mut rest).await.unwrap();
}

#[tokio::test]
async fn paths_that_lead_elsewhere_are_refused() {
    let sandbox = Sandbox::detect().unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (host, inside) in [
        (folder.path(), "/a/../../b"),
        (folder.path(), "a"),
        ("/no/such/file".as_ref(), "/a"),
    ] {
        let mut spec = shell("true");
        spec.binds = vec![Bind::writable(host, inside)];
        assert!(sandbox.spawn(spec).await.is_err(), "{inside}");
    }
}

/// Not a test by itself: the parent that [`nothing_survives_a_killed_parent`] kills. It runs in this program's image.
#[test]
fn parent_that_is_killed() {
    if std::env::var_os("RAYSWARM_SANDBOX_PARENT").is_none() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let mut child = start(shell("sleep 1000 & echo ready; wait")).await;
        assert_eq!(first_line(&mut child).await, "ready");
        let inside = below(child.pid());
        println!("inside {inside:?}");
        child.wait().await;
    });
}

#[test]
fn nothing_survives_a_killed_parent() {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "parent_that_is_killed", "--nocapture"])
        .env("RAYSWARM_SANDBOX_PARENT", "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(parent.stdout.take().unwrap());
    let mut lines = stdout.lines().map_while(Result::ok);
    let line = lines
        .find_map(|line| Some(line.split_once("inside [")?.1.trim_end_matches(']').to_owned()))
        .unwrap();
    let inside: Vec<u32> = line.split(", ").map(|pid| pid.parse().unwrap()).collect();
    assert!(inside.len() >= 3 && inside.iter().all(|pid| alive(*pid)), "{inside:?}");
    parent.kill().unwrap();
    parent.wait().unwrap();
    // The kernel kills the rest on its own time; a survivor would keep this test from ending.
    while inside.iter().any(|pid| alive(*pid)) {
        std::thread::yield_now();
    }
}

/// Not a test by itself: [`where_bubblewrap_fails_the_reason_is_told`] runs it with a `bwrap` that fails.
#[test]
fn machine_without_walls() {
    if std::env::var_os("RAYSWARM_SANDBOX_BROKEN").is_some() {
        println!("detected: {}", Sandbox::detect().unwrap_err());
    }
}

#[test]
fn where_bubblewrap_fails_the_reason_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let fake = folder.path().join("bwrap");
    fs::write(
        &fake,
        "#!/bin/sh\necho 'No permissions to create new namespace' >&2\nexit 1\n",
    )
    .unwrap();
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "machine_without_walls", "--nocapture"])
        .env("RAYSWARM_SANDBOX_BROKEN", "1")
        .env("PATH", format!("{}:/usr/bin:/bin", folder.path().display()))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(said.contains("No permissions to create new namespace"), "{said}");
}

/// Everything below a process, itself included.
fn below(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while next < found.len() {
        found.extend(children(found[next]));
        next += 1;
    }
    found
}
