//! Processes as the system shows them: which of them have to do with a folder, which run below another, and signals.

use crate::{farm::SCRATCH_PARENT, wait::until};
use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process};
use std::{
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long a stopping or killed node may leave processes behind.
const GONE: Duration = Duration::from_secs(60);
/// What an engine's own process is called. Around it stand the sandbox's processes, which are not meant.
const ENGINE_NAMES: [&str; 2] = ["python", "blender"];

/// A process that has to do with a folder.
#[derive(Debug)]
pub struct Found {
    /// Its id.
    pub pid: u32,
    /// What ties it to the folder.
    pub tie: &'static str,
    /// What it runs.
    pub command: String,
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.pid, self.tie, self.command)
    }
}

/// Processes other than this one that name `folder` in their command line or environment, stand in it, have a file of
/// it open, or have a part of it mounted, as a sandbox has.
///
/// # Errors
/// When /proc cannot be read.
pub fn processes_of(folder: &Path) -> anyhow::Result<Vec<Found>> {
    let mut found = Vec::new();
    for pid in pids()?.into_iter().filter(|pid| *pid != std::process::id()) {
        if let Some(tie) = tie(pid, folder) {
            let command = command_line(pid);
            found.push(Found { pid, tie, command });
        }
    }
    Ok(found)
}

/// Waits until no process has to do with `folder` any more.
///
/// # Errors
/// When some stay; they are in the message.
pub fn nothing_left(folder: &Path) -> anyhow::Result<()> {
    let mut last = Vec::new();
    let gone = until("no process is left", GONE, || {
        last = processes_of(folder)?;
        Ok(last.is_empty().then_some(()))
    });
    let still_there = || last.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
    gone.with_context(|| format!("of {} still there:\n{}", folder.display(), still_there()))
}

/// Every process below `ancestor`, the nearest first.
///
/// # Errors
/// When /proc cannot be read.
pub fn below(ancestor: u32) -> anyhow::Result<Vec<u32>> {
    let parents: Vec<(u32, u32)> = pids()?
        .into_iter()
        .filter_map(|pid| Some((pid, parent(pid)?)))
        .collect();
    let mut family = vec![ancestor];
    let mut next = 0;
    while let Some(&one) = family.get(next) {
        family.extend(parents.iter().filter(|(_, parent)| *parent == one).map(|(pid, _)| *pid));
        next += 1;
    }
    family.remove(0);
    Ok(family)
}

/// The engines that run below a node, without the sandbox around them.
///
/// # Errors
/// When /proc cannot be read.
pub fn engines_below(node: u32) -> anyhow::Result<Vec<u32>> {
    let is_engine = |pid: &u32| {
        let name = std::fs::read_to_string(proc(*pid, "comm")).unwrap_or_default();
        ENGINE_NAMES.iter().any(|engine| name.starts_with(engine))
    };
    Ok(below(node)?.into_iter().filter(is_engine).collect())
}

/// Sends a signal. One that has ended meanwhile needs none.
///
/// # Errors
/// When this user may not.
pub fn send(pid: u32, signal: Signal) -> anyhow::Result<()> {
    let target = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .context("a pid is not 0")?;
    match kill_process(target, signal) {
        Err(error) if error != rustix::io::Errno::SRCH => {
            Err(error).with_context(|| format!("no signal can be sent to {pid}"))
        }
        _ => Ok(()),
    }
}

/// A process that stands still with all that runs below it, as on a machine that has gone to sleep. They go on when this
/// value is dropped.
#[derive(Debug)]
pub struct Frozen(Vec<u32>);

impl Frozen {
    /// Stops `top` first, so that it starts nothing more.
    ///
    /// # Errors
    /// When this user may not, or /proc cannot be read.
    pub fn with_all_below(top: u32) -> anyhow::Result<Self> {
        let mut frozen = Self(vec![top]);
        send(top, Signal::STOP)?;
        for pid in below(top)? {
            frozen.0.push(pid);
            send(pid, Signal::STOP)?;
        }
        Ok(frozen)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        for pid in self.0.iter().rev() {
            // Fails only for one that was killed meanwhile.
            let _ = send(*pid, Signal::CONT);
        }
    }
}

fn pids() -> anyhow::Result<Vec<u32>> {
    let entries = std::fs::read_dir("/proc").context("/proc cannot be read")?;
    let names = entries.map(|entry| Ok(entry?.file_name()));
    let names: Vec<_> = names.collect::<std::io::Result<_>>().context("/proc cannot be read")?;
    Ok(names.iter().filter_map(|name| name.to_str()?.parse().ok()).collect())
}

fn proc(pid: u32, file: &str) -> PathBuf {
    PathBuf::from(format!("/proc/{pid}/{file}"))
}

/// Zeros become spaces. Empty for a process that is gone, or that its parent has not yet waited for.
fn command_line(pid: u32) -> String {
    let raw = std::fs::read(proc(pid, "cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&raw).replace('\0', " ")
}

/// The fourth field of `stat`; the second, a name in brackets, may hold anything.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(proc(pid, "stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_whitespace().nth(1)?.parse().ok()
}

/// What ties a process to `folder`. What cannot be read belongs to a process that is gone.
fn tie(pid: u32, folder: &Path) -> Option<&'static str> {
    let path = folder.to_string_lossy();
    let text = |file: &str| std::fs::read(proc(pid, file)).unwrap_or_default();
    let link = |file: &str| std::fs::read_link(proc(pid, file)).is_ok_and(|target| target.starts_with(folder));
    if names(&text("cmdline"), &path) {
        return Some("command line");
    }
    if link("cwd") || link("root") {
        return Some("working folder");
    }
    if names(&text("environ"), &path) {
        return Some("environment");
    }
    let open = std::fs::read_dir(proc(pid, "fd")).into_iter().flatten().flatten();
    let mut targets = open.filter_map(|file| std::fs::read_link(file.path()).ok());
    if targets.any(|target| target.starts_with(folder)) {
        return Some("open file");
    }
    // Only the part below the file system's own root is told, which may be mounted anywhere.
    let tail = folder.strip_prefix(SCRATCH_PARENT).unwrap_or(folder).to_string_lossy();
    let mounts = text("mountinfo");
    let mut sources = mounts
        .split(|byte| *byte == b'\n')
        .filter_map(|line| line.split(|byte| *byte == b' ').nth(3));
    sources.any(|source| names(source, &tail)).then_some("mounted folder")
}

/// Whether `text` holds `path`, and not merely a longer name that begins alike.
fn names(text: &[u8], path: &str) -> bool {
    let goes_on = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    text.windows(path.len())
        .enumerate()
        .any(|(at, window)| window == path.as_bytes() && !text.get(at + path.len()).is_some_and(goes_on))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::process::{Command, Stdio};

    /// Of a process that waits for its standard input to end, which it does here at the latest with this test.
    fn ties_of(prepare: impl FnOnce(&mut Command, &Path), folder: &Path) -> Vec<&'static str> {
        let mut command = Command::new("cat");
        prepare(command.stdin(Stdio::piped()).stdout(Stdio::null()), folder);
        let mut child = command.spawn().unwrap();
        let found = processes_of(folder).unwrap();
        let ties = found
            .iter()
            .filter(|one| one.pid == child.id())
            .map(|one| one.tie)
            .collect();
        drop(child.stdin.take());
        child.wait().unwrap();
        ties
    }

    #[test]
    fn a_process_is_found_by_whatever_ties_it_to_a_folder() {
        let folder = tempfile::tempdir_in(SCRATCH_PARENT).unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        let folder = folder.path();
        assert_eq!(ties_of(|_, _| {}, folder), [] as [&str; 0]);
        let named = |command: &mut Command, folder: &Path| {
            command.arg("-").arg(folder.join("file"));
        };
        assert_eq!(ties_of(named, folder), ["command line"]);
        let standing = |command: &mut Command, folder: &Path| {
            command.current_dir(folder);
        };
        assert_eq!(ties_of(standing, folder), ["working folder"]);
        let told = |command: &mut Command, folder: &Path| {
            command.env("HERE", folder);
        };
        assert_eq!(ties_of(told, folder), ["environment"]);
        let opened = |command: &mut Command, folder: &Path| {
            command.stderr(std::fs::File::create(folder.join("log")).unwrap());
        };
        assert_eq!(ties_of(opened, folder), ["open file"]);
    }

    #[test]
    fn a_sandboxed_process_is_found_by_what_its_walls_show_it() {
        let folder = tempfile::tempdir_in(SCRATCH_PARENT).unwrap();
        let mut walls = Command::new("bwrap");
        walls
            .args(["--ro-bind", "/", "/", "--bind"])
            .arg(folder.path())
            .args(["/mnt", "cat"]);
        let mut walls = walls.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let inner = until("it runs inside", GONE, || {
            let inside = below(walls.id())?
                .into_iter()
                .find(|pid| command_line(*pid).trim() == "cat");
            anyhow::ensure!(walls.try_wait()?.is_none(), "bubblewrap cannot build walls here");
            Ok(inside)
        });
        let inner = inner.unwrap();
        assert_eq!(tie(inner, folder.path()), Some("mounted folder"));
        assert_eq!(tie(walls.id(), folder.path()), Some("command line"));
        drop(walls.stdin.take());
        walls.wait().unwrap();
    }

    #[test]
    fn a_longer_name_that_begins_alike_is_another() {
        assert!(names(b"up --data-dir /x/provider\0--http", "/x/provider"));
        assert!(names(b"/x/provider/jobs", "/x/provider"));
        assert!(!names(b"up --data-dir /x/provider-2", "/x/provider"));
        assert!(names(b"/x/provider-2 /x/provider", "/x/provider"));
    }

    #[test]
    fn a_frozen_process_goes_on_afterwards() {
        let mut child = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        assert!(below(std::process::id()).unwrap().contains(&child.id()));
        let state = || std::fs::read_to_string(proc(child.id(), "stat")).unwrap();
        let frozen = Frozen::with_all_below(child.id()).unwrap();
        until("it stands still", GONE, || Ok(state().contains(") T ").then_some(()))).unwrap();
        drop(frozen);
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
}
