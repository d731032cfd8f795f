//! The running process: pipes, CPU time, memory, kill, wait.

use crate::{
    command::Walls,
    error::SandboxError,
    spec::SandboxSpec,
    watch::{self, Shared, Started},
};
use std::{fmt, sync::Arc, time::Duration};
use tokio::{
    process::{ChildStderr, ChildStdin, ChildStdout},
    sync::{oneshot, watch as channel},
};

/// A process in its sandbox. Dropping it kills everything inside.
#[derive(Debug)]
pub struct SandboxedChild {
    /// Its standard input, until taken.
    pub stdin: Option<ChildStdin>,
    /// Its standard output, until taken.
    pub stdout: Option<ChildStdout>,
    /// Its standard error, until taken. Begins with bubblewrap's own complaint when the walls could not be built.
    pub stderr: Option<ChildStderr>,
    shared: Arc<Shared>,
    ended: channel::Receiver<Option<Ended>>,
}

/// How a sandbox ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The process ended with this exit code.
    Exited(i32),
    /// The process was ended by this signal (134 in a shell is 6 here: an abort).
    Signalled(i32),
    /// We ended it.
    Stopped(StopReason),
}

/// Why we ended a sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopReason {
    /// [`SandboxedChild::kill`] was called, or the child was dropped.
    Asked,
    /// Its lifetime was over.
    Lifetime(Duration),
    /// Its processes together held this many bytes of memory.
    Memory(u64),
    /// Its writable folders held this many bytes.
    Disk(u64),
}

impl SandboxedChild {
    /// Builds the walls and starts the process.
    pub(crate) async fn spawn(walls: &Walls, spec: SandboxSpec) -> Result<Self, SandboxError> {
        let program = spec.program.clone();
        let failed = |source| SandboxError::Start {
            program: program.clone(),
            source,
        };
        let command = walls.command(&spec)?;
        let (send, receive) = oneshot::channel();
        let thread = std::thread::Builder::new().name("sandbox".into());
        thread.spawn(move || watch::run(command, &spec, send)).map_err(failed)?;
        let gone = |_| std::io::Error::other("its thread ended early");
        let Started {
            stdin,
            stdout,
            stderr,
            shared,
            ended,
        } = receive
            .await
            .map_err(gone)
            .and_then(|started| started)
            .map_err(failed)?;
        // From here on a failure drops `shared` through `Self`, which kills the process.
        let mut child = Self {
            stdin: None,
            stdout: None,
            stderr: None,
            shared,
            ended,
        };
        child.stdin = stdin.map(ChildStdin::from_std).transpose().map_err(failed)?;
        child.stdout = stdout.map(ChildStdout::from_std).transpose().map_err(failed)?;
        child.stderr = stderr.map(ChildStderr::from_std).transpose().map_err(failed)?;
        Ok(child)
    }

    /// The process id of the walls on this machine; everything inside is below it.
    pub fn pid(&self) -> u32 {
        self.shared.pid
    }

    /// User and system CPU time of everything inside so far; after the end, as last seen (at most a second old).
    pub fn cpu_time(&self) -> Duration {
        self.shared.refresh().cpu
    }

    /// Bytes of resident memory of everything inside now; zero after the end.
    pub fn resident(&self) -> u64 {
        if self.ended.borrow().is_some() {
            0
        } else {
            self.shared.refresh().resident
        }
    }

    /// The most resident memory seen so far, in bytes.
    pub fn peak_resident(&self) -> u64 {
        self.shared.refresh().peak_resident
    }

    /// The most processes seen inside at one time, the first process of the walls included.
    pub fn peak_processes(&self) -> usize {
        self.shared.refresh();
        self.shared.peak_processes()
    }

    /// How it ended, if it has.
    pub fn ended(&self) -> Option<Ended> {
        *self.ended.borrow()
    }

    /// Waits for the end. May be called again, and dropped at any time.
    pub async fn wait(&mut self) -> Ended {
        match self.ended.wait_for(Option::is_some).await {
            Ok(ended) => (*ended).unwrap_or(Ended::Stopped(StopReason::Asked)),
            // The watching thread reports before it ends, so this is a thread that was torn down with its program.
            Err(_) => Ended::Stopped(StopReason::Asked),
        }
    }

    /// Kills everything inside and waits until it is gone.
    pub async fn kill(&mut self) -> Ended {
        self.shared.stop(StopReason::Asked);
        self.wait().await
    }
}

impl Drop for SandboxedChild {
    fn drop(&mut self) {
        self.shared.stop(StopReason::Asked);
    }
}

impl Ended {
    /// Whether the process ended by itself without complaint.
    pub fn success(self) -> bool {
        self == Self::Exited(0)
    }

    /// Whether it was ended by what it used.
    pub fn over_limit(self) -> bool {
        matches!(
            self,
            Self::Stopped(StopReason::Lifetime(_) | StopReason::Memory(_) | StopReason::Disk(_))
        )
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exited(code) => write!(f, "ended with exit code {code}"),
            Self::Signalled(6) => write!(f, "aborted (signal 6)"),
            Self::Signalled(9) => write!(f, "was killed (signal 9), often for want of memory"),
            Self::Signalled(11) => write!(f, "crashed (signal 11)"),
            Self::Signalled(24) => write!(f, "used up its CPU time (signal 24)"),
            Self::Signalled(25) => write!(f, "wrote a file larger than its limit (signal 25)"),
            Self::Signalled(signal) => write!(f, "was ended by signal {signal}"),
            Self::Stopped(StopReason::Asked) => write!(f, "was stopped"),
            Self::Stopped(StopReason::Lifetime(time)) => write!(f, "was stopped after {} s, its limit", time.as_secs()),
            Self::Stopped(StopReason::Memory(bytes)) => {
                write!(f, "was stopped at {} MiB of memory, over its limit", bytes >> 20)
            }
            Self::Stopped(StopReason::Disk(bytes)) => {
                write!(f, "was stopped at {} MiB of output, over its limit", bytes >> 20)
            }
        }
    }
}
