//! Commands that run while a test looks at what they do, also in a terminal of their own.

use crate::{Answer, processes::send, until};
use anyhow::Context;
use rustix::process::Signal;
use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

/// Longest wait for what a terminal shows or the end of a command. A small render takes seconds, and minutes where other
/// things are built or rendered at the same time.
const PATIENCE: Duration = Duration::from_secs(300);

/// A command that runs while the test looks at what it does.
#[derive(Debug)]
pub struct Running(Child);

impl Running {
    /// Starts it, its output in pipes.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut command: Command) -> anyhow::Result<Self> {
        Ok(Self(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?))
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Whether it has not ended yet.
    ///
    /// # Errors
    /// When the system does not say.
    pub fn is_running(&mut self) -> anyhow::Result<bool> {
        Ok(self.0.try_wait()?.is_none())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended.
    pub fn signal(&self, signal: Signal) -> anyhow::Result<()> {
        send(self.pid(), signal)
    }

    /// Waits for its end. What it prints must fit into a pipe.
    ///
    /// # Errors
    /// When it does not end; it is killed then.
    pub fn end(mut self) -> anyhow::Result<Answer> {
        let waited = until("the command ends", PATIENCE, || Ok(self.0.try_wait()?));
        if waited.is_err() {
            self.0.kill()?;
        }
        let answer = Answer::of(self.0)?;
        waited.with_context(|| format!("{answer:?}"))?;
        Ok(answer)
    }
}

/// A command in a terminal of its own, of 80 columns and 24 rows, whose screen is written to a file.
#[derive(Debug)]
pub struct Terminal {
    running: Running,
    screen: PathBuf,
}

impl Terminal {
    /// Starts `command` and writes what it shows to `screen`.
    ///
    /// # Errors
    /// When `script` of util-linux is not there.
    pub fn open(command: &Command, screen: &Path) -> anyhow::Result<Self> {
        let words = std::iter::once(command.get_program()).chain(command.get_args());
        let words: Vec<String> = words.map(|word| format!("'{}'", word.to_string_lossy())).collect();
        let line = format!("stty rows 24 columns 80 && exec {}", words.join(" "));
        let mut script = Command::new("script");
        script
            .args(["--quiet", "--return", "--flush", "--command", &line])
            .arg(screen);
        // What it shows goes to the file alone: nobody would empty a pipe.
        script.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        script.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
        Ok(Self {
            running: Running(script.spawn().context("`script` of util-linux is needed")?),
            screen: screen.to_path_buf(),
        })
    }

    /// Waits until `text` has been shown.
    ///
    /// # Errors
    /// When it is not.
    pub fn shows(&self, text: &str) -> anyhow::Result<()> {
        until(&format!("the terminal shows {text:?}"), PATIENCE, || {
            let screen = std::fs::read_to_string(&self.screen).unwrap_or_default();
            Ok(screen.contains(text).then_some(()))
        })
    }

    /// Presses keys.
    ///
    /// # Errors
    /// When the terminal is closed.
    pub fn types(&mut self, keys: &[u8]) -> anyhow::Result<()> {
        let keyboard = self.running.0.stdin.as_mut().context("there is a keyboard")?;
        keyboard.write_all(keys)?;
        Ok(keyboard.flush()?)
    }

    /// Waits for the command's end: its exit code, and all that was shown.
    ///
    /// # Errors
    /// When it does not end.
    pub fn end(self) -> anyhow::Result<(i32, String)> {
        let code = self.running.end()?.code;
        Ok((code, std::fs::read_to_string(self.screen)?))
    }
}
