//! The thread that starts one sandbox, watches what resource limits cannot express, and reaps it.
//!
//! One thread per sandbox, because `--die-with-parent` follows the *thread* that forked: the sandbox would die with any
//! pool thread that goes to rest. This one stays exactly as long as the sandbox.

use crate::{
    child::{Ended, StopReason},
    spec::SandboxSpec,
    usage::{Usage, children, folder_size},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal},
};
use std::{
    io,
    os::fd::OwnedFd,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::{oneshot, watch as channel};

/// Time between two looks at a sandbox. A walk costs about a tenth of a millisecond.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long the inner processes may take to die before the walls are taken down over them.
const GRACE: Duration = Duration::from_secs(2);

/// A sandbox that has started.
pub(crate) struct Started {
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) ended: channel::Receiver<Option<Ended>>,
}

/// What the thread and the handle both know.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) pid: u32,
    /// Refers to this very process even after its id is used again.
    handle: OwnedFd,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    usage: Usage,
    peak_processes: usize,
    stopped: Option<(StopReason, Instant)>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // What a panicking holder leaves behind is still the last reading.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads usage anew. CPU time and peak never fall, though processes end and take theirs with them.
    pub(crate) fn refresh(&self) -> Usage {
        let now = Usage::below(self.pid);
        let mut state = self.state();
        state.usage = Usage {
            cpu: state.usage.cpu.max(now.cpu),
            peak_resident: state.usage.peak_resident.max(now.peak_resident),
            ..now
        };
        state.peak_processes = state.peak_processes.max(now.processes);
        state.usage
    }

    pub(crate) fn peak_processes(&self) -> usize {
        self.state().peak_processes
    }

    /// Kills everything inside; the first reason is kept.
    pub(crate) fn stop(&self, reason: StopReason) {
        self.state().stopped.get_or_insert((reason, Instant::now()));
        // The first process inside first: the walls end once it is gone, and it is gone once all the others are.
        let inner = children(self.pid)
            .into_iter()
            .filter_map(|child| i32::try_from(child).ok().and_then(Pid::from_raw));
        let mut killed = false;
        for inner in inner.filter_map(|child| pidfd_open(child, PidfdFlags::empty()).ok()) {
            killed |= pidfd_send_signal(&inner, Signal::KILL).is_ok();
        }
        if !killed {
            self.kill_walls();
        }
    }

    /// Takes down bubblewrap itself; what is inside follows. Fails only when it is gone already.
    fn kill_walls(&self) {
        let _gone_already = pidfd_send_signal(&self.handle, Signal::KILL);
    }
}

/// Body of the thread: start, report, watch, reap.
pub(crate) fn run(mut command: Command, spec: &SandboxSpec, report: oneshot::Sender<io::Result<Started>>) {
    let (mut child, shared) = match start(&mut command) {
        Ok(started) => started,
        Err(error) => {
            // A caller that went away wants no report.
            let _unheard = report.send(Err(error));
            return;
        }
    };
    let (send, ended) = channel::channel(None);
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let started = Started {
        stdin,
        stdout,
        stderr,
        shared: Arc::clone(&shared),
        ended,
    };
    if report.send(Ok(started)).is_err() {
        shared.stop(StopReason::Asked);
    }
    watch(&shared, spec);
    let status = child.wait();
    let ended = match (shared.state().stopped, status) {
        (Some((reason, _)), _) => Ended::Stopped(reason),
        (None, Ok(status)) => read_status(status),
        (None, Err(_)) => Ended::Signalled(9),
    };
    send.send_replace(Some(ended));
}

/// Starts bubblewrap with three pipes, in a process group of its own: Ctrl-C in a terminal is for the program that
/// started it, which may want to let its work finish.
fn start(command: &mut Command) -> io::Result<(Child, Arc<Shared>)> {
    command.process_group(0);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let pid = child.id();
    let handle = i32::try_from(pid)
        .ok()
        .and_then(Pid::from_raw)
        .ok_or(rustix::io::Errno::SRCH);
    match handle.and_then(|pid| pidfd_open(pid, PidfdFlags::empty())) {
        Ok(handle) => Ok((
            child,
            Arc::new(Shared {
                pid,
                handle,
                state: Mutex::default(),
            }),
        )),
        Err(error) => {
            child.kill()?;
            child.wait()?;
            Err(error.into())
        }
    }
}

/// Returns when the walls have come down.
fn watch(shared: &Shared, spec: &SandboxSpec) {
    let started = Instant::now();
    let folders: Vec<&Path> = spec
        .binds
        .iter()
        .filter(|bind| bind.writable)
        .map(|bind| bind.host.as_path())
        .collect();
    loop {
        let until_end = spec
            .limits
            .lifetime
            .map(|lifetime| lifetime.saturating_sub(started.elapsed()));
        let pause = until_end.unwrap_or(LOOK_EVERY).min(LOOK_EVERY);
        let pause = Timespec {
            tv_sec: 0,
            tv_nsec: i64::from(pause.subsec_nanos()),
        };
        let mut waiting = [PollFd::new(&shared.handle, PollFlags::IN)];
        // A pidfd becomes readable when its process ends. An interrupted wait is one look more.
        if poll(&mut waiting, Some(&pause)).is_ok_and(|ready| ready > 0) {
            return;
        }
        let usage = shared.refresh();
        let stopped = shared.state().stopped;
        match stopped {
            Some((_, since)) if since.elapsed() > GRACE => shared.kill_walls(),
            Some(_) => {}
            None => {
                if let Some(reason) = over_limit(spec, usage, started.elapsed(), &folders) {
                    shared.stop(reason);
                }
            }
        }
    }
}

/// What the sandbox has too much of, if anything.
fn over_limit(spec: &SandboxSpec, usage: Usage, age: Duration, folders: &[&Path]) -> Option<StopReason> {
    let limits = &spec.limits;
    if let Some(lifetime) = limits.lifetime.filter(|lifetime| age >= *lifetime) {
        return Some(StopReason::Lifetime(lifetime));
    }
    if limits.resident.is_some_and(|bytes| usage.resident > bytes) {
        return Some(StopReason::Memory(usage.resident));
    }
    let disk: u64 = folders.iter().map(|folder| folder_size(folder)).sum();
    (disk > limits.disk).then_some(StopReason::Disk(disk))
}

/// bubblewrap reports a signal of the process inside as a shell does, as 128 and more.
fn read_status(status: std::process::ExitStatus) -> Ended {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) if code > 128 => Ended::Signalled(code - 128),
        (Some(code), _) => Ended::Exited(code),
        (None, signal) => Ended::Signalled(signal.unwrap_or(9)),
    }
}
