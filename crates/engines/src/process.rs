//! A sandboxed child process that speaks lines: one JSON document per line in, one per line out, its log on stderr.
//!
//! Shared by the adapters. Everything has a limit: a line, the log kept, the silence borne.

use crate::error::EngineError;
use rayswarm_model::{Bytes, CpuTime};
use rayswarm_sandbox::{Ended, Sandbox, SandboxSpec, SandboxedChild};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    io::{AsyncBufRead, AsyncBufReadExt, AsyncRead, AsyncWriteExt, BufReader},
    process::{ChildStdin, ChildStdout},
    task::JoinSet,
};

/// The longest line taken from a child. Scene facts with a few thousand dependencies stay well below.
pub const LINE_MAX: usize = 4 << 20;

/// How much of the log is kept for error messages.
const LOG_LINES_MAX: usize = 60;
const LOG_LINE_CHARS_MAX: usize = 400;

/// How long a child that has closed its output may take to end before it is killed: bpy 4.5 hangs at exit.
const EXIT_GRACE: Duration = Duration::from_secs(2);

/// A sandboxed child and its three pipes. Dropping it kills the child.
#[derive(Debug)]
pub struct LineProcess {
    engine: &'static str,
    child: SandboxedChild,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
    line: Vec<u8>,
    log: Log,
    tasks: JoinSet<()>,
}

/// The last lines a child printed on stderr, shared with the task that reads them.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<VecDeque<String>>>);

impl LineProcess {
    /// Starts `spec` in `sandbox`; `engine` names it in errors.
    pub async fn start(engine: &'static str, sandbox: &Sandbox, spec: SandboxSpec) -> Result<Self, EngineError> {
        let mut child = sandbox.spawn(spec).await?;
        let log = Log::default();
        let mut tasks = JoinSet::new();
        if let Some(stderr) = child.stderr.take() {
            tasks.spawn(log.clone().keep(stderr));
        }
        let stdin = child.stdin.take();
        let Some(stdout) = child.stdout.take() else {
            return Err(EngineError::Died {
                engine,
                ended: child.kill().await,
                log: log.tail(),
            });
        };
        Ok(Self {
            engine,
            child,
            stdin,
            stdout: BufReader::new(stdout),
            line: Vec::new(),
            log,
            tasks,
        })
    }

    /// Sends one document as one line.
    pub async fn send(&mut self, document: &impl Serialize) -> Result<(), EngineError> {
        let mut line = serde_json::to_vec(document).map_err(|error| self.out_of_protocol(error.to_string(), ""))?;
        line.push(b'\n');
        let sent = match &mut self.stdin {
            Some(stdin) => stdin.write_all(&line).await,
            None => Err(io::ErrorKind::BrokenPipe.into()),
        };
        // A broken pipe says less than how the process ended.
        if sent.is_err() { Err(self.died().await) } else { Ok(()) }
    }

    /// Hands over the child's standard input, for those that read something else than lines there.
    pub fn take_input(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// Closes the child's standard input, which asks line-speaking children to end.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// The next document. Blank lines are skipped. After `silence` without a line the child is killed.
    ///
    /// Dropping the future loses no line that has come in part: the next call continues it.
    pub async fn receive<T: DeserializeOwned>(&mut self, silence: Duration) -> Result<T, EngineError> {
        loop {
            let Some(line) = self.next_line(silence).await? else {
                return Err(self.died().await);
            };
            if !line.trim().is_empty() {
                return serde_json::from_str(&line).map_err(|error| self.out_of_protocol(error.to_string(), &line));
            }
        }
    }

    /// The next line without its end; `None` when the child has closed its output.
    pub async fn next_line(&mut self, silence: Duration) -> Result<Option<String>, EngineError> {
        let read = tokio::time::timeout(silence, read_line(&mut self.stdout, &mut self.line)).await;
        match read {
            Err(_) => {
                self.child.kill().await;
                Err(EngineError::Silent {
                    engine: self.engine,
                    silence,
                    log: self.log.tail(),
                })
            }
            Ok(Err(error)) => {
                let start = String::from_utf8_lossy(&self.line).into_owned();
                self.child.kill().await;
                Err(self.out_of_protocol(error.to_string(), &start))
            }
            Ok(Ok(false)) => Ok(None),
            Ok(Ok(true)) => {
                let line = String::from_utf8_lossy(&self.line).into_owned();
                self.line.clear();
                Ok(Some(line))
            }
        }
    }

    /// Waits for the end of a child that is expected to end by itself, at most `limit`, then kills it.
    pub async fn wait(&mut self, limit: Duration) -> Ended {
        match tokio::time::timeout(limit, self.child.wait()).await {
            Ok(ended) => ended,
            Err(_) => self.child.kill().await,
        }
    }

    /// Kills the child and waits until it is gone.
    pub async fn kill(&mut self) -> Ended {
        self.child.kill().await
    }

    /// The error of a child that ended or closed its output when it should not have; makes sure that it is gone and
    /// that its last words were read.
    pub async fn died(&mut self) -> EngineError {
        let ended = self.wait(EXIT_GRACE).await;
        // Nobody holds the pipe any more, so the log ends too.
        while self.tasks.join_next().await.is_some() {}
        EngineError::Died {
            engine: self.engine,
            ended,
            log: self.log.tail(),
        }
    }

    /// The last lines of its log.
    pub fn log_tail(&self) -> String {
        self.log.tail()
    }

    /// CPU time of the child so far.
    pub fn cpu_time(&self) -> CpuTime {
        CpuTime {
            millis: u64::try_from(self.child.cpu_time().as_millis()).unwrap_or(u64::MAX),
        }
    }

    /// Its resident memory now.
    pub fn resident(&self) -> Bytes {
        Bytes(self.child.resident())
    }

    /// The most resident memory it has had.
    pub fn peak_resident(&self) -> Bytes {
        Bytes(self.child.peak_resident())
    }

    /// Process id of its walls on this machine.
    pub fn pid(&self) -> u32 {
        self.child.pid()
    }

    fn out_of_protocol(&self, what: String, line: &str) -> EngineError {
        EngineError::Protocol {
            engine: self.engine,
            what,
            line: line.chars().take(LOG_LINE_CHARS_MAX).collect(),
        }
    }
}

impl Log {
    /// Reads `stderr` to its end, keeping the last lines.
    async fn keep(self, stderr: impl AsyncRead + Unpin) {
        let mut reader = BufReader::new(stderr);
        let mut line = Vec::new();
        // An unreadable or endless line ends the reading; the child then blocks or dies and is reported by its silence.
        while matches!(read_line(&mut reader, &mut line).await, Ok(true)) {
            self.push(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }

    fn push(&self, line: &str) {
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        tracing::trace!(target: "engine_log", "{line}");
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == LOG_LINES_MAX {
            lines.pop_front();
        }
        lines.push_back(line.chars().take(LOG_LINE_CHARS_MAX).collect());
    }

    /// The lines kept, oldest first.
    pub fn tail(&self) -> String {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.iter().map(String::as_str).collect::<Vec<_>>().join("\n")
    }
}

/// Appends to `line` up to the next newline or carriage return (progress that overwrites itself), which is taken and left
/// out. `Ok(false)` at the end of input, where an unfinished line counts as finished. Safe to drop: what was read stays
/// in `line`.
async fn read_line(reader: &mut (impl AsyncBufRead + Unpin), line: &mut Vec<u8>) -> io::Result<bool> {
    loop {
        let chunk = reader.fill_buf().await?;
        if chunk.is_empty() {
            return Ok(!line.is_empty());
        }
        let end = chunk.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
        let taken = end.map_or(chunk.len(), |at| at + 1);
        line.extend_from_slice(&chunk[..end.unwrap_or(chunk.len())]);
        reader.consume(taken);
        if line.len() > LINE_MAX {
            return Err(io::Error::other("a line is longer than 4 MiB"));
        }
        if end.is_some() {
            return Ok(true);
        }
    }
}
