//! The shell inside the sandbox that runs the actions of one session.
//!
//! One sandbox per session, not per action: what an environment has started stays for the tasks, and ends with it.

use super::{CONTROL, WORK, error::CommandsError};
use crate::{error::EngineError, process::LineProcess};
use rayswarm_sandbox::{Bind, Limits, Sandbox, SandboxSpec};
use std::time::Duration;
use tokio::{io::AsyncWriteExt, process::ChildStdin};

/// What runs inside.
const SHELL: &str = include_str!("../../../../engines/commands/session.sh");

/// Commands may be silent for as long as they like; their own timeouts end them.
const SILENCE: Duration = Duration::from_secs(365 * 86_400);

/// A session's process.
#[derive(Debug)]
pub struct SessionProcess {
    process: LineProcess,
    input: Option<ChildStdin>,
    mark: String,
    /// An empty line that came: the next line says whether it is the one before the mark.
    empty: bool,
    held: Option<Line>,
}

/// What comes out of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// An action printed this.
    Said(String),
    /// An action has ended.
    Ended {
        /// Which.
        id: u64,
        /// Its exit code; 128 and more for a signal.
        code: i32,
    },
}

impl SessionProcess {
    /// Starts a session that sees `binds`.
    pub async fn start(sandbox: &Sandbox, binds: Vec<Bind>, limits: Limits) -> Result<Self, CommandsError> {
        let mut spec = SandboxSpec::new("/bin/sh");
        spec.args = ["-c", SHELL].map(Into::into).to_vec();
        spec.binds = binds;
        spec.limits = limits;
        spec.work_dir = WORK.into();
        let mut process = LineProcess::start("session", sandbox, spec).await.map_err(died)?;
        let input = process.take_input();
        let mut session = Self {
            process,
            input,
            mark: mark()?,
            empty: false,
            held: None,
        };
        let first = session.mark.clone();
        session.tell(&first).await?;
        Ok(session)
    }

    /// Starts an action whose script is written.
    pub async fn run(&mut self, id: u64) -> Result<(), CommandsError> {
        self.tell(&format!("run {id}")).await
    }

    /// Asks an action to end; `note` goes into `cancel_info.json` in the working directory.
    pub async fn ask_to_end(&mut self, id: u64, note: &str) -> Result<(), CommandsError> {
        self.tell(&format!("term {id} {note}")).await
    }

    /// Ends an action.
    pub async fn end(&mut self, id: u64) -> Result<(), CommandsError> {
        self.tell(&format!("kill {id}")).await
    }

    /// The next line. Cancellation safe.
    pub async fn next(&mut self) -> Result<Line, CommandsError> {
        if let Some(line) = self.held.take() {
            return Ok(line);
        }
        loop {
            let Some(text) = self.process.next_line(SILENCE).await.map_err(died)? else {
                return Err(died(self.process.died().await));
            };
            if let Some(ended) = self.ended(&text) {
                self.empty = false;
                return Ok(ended);
            }
            let line = Line::Said(text.clone());
            if self.empty {
                self.empty = text.is_empty();
                self.held = (!self.empty).then_some(line);
                return Ok(Line::Said(String::new()));
            }
            self.empty = text.is_empty();
            if !self.empty {
                return Ok(line);
            }
        }
    }

    /// CPU time of everything in the session so far.
    pub fn cpu(&self) -> rayswarm_model::CpuTime {
        self.process.cpu_time()
    }

    /// Ends the session and everything in it.
    pub async fn close(mut self) {
        self.process.kill().await;
    }

    fn ended(&self, text: &str) -> Option<Line> {
        let rest = text.strip_prefix(self.mark.as_str())?.strip_prefix(' ')?;
        let (id, code) = rest.split_once(' ')?;
        Some(Line::Ended {
            id: id.parse().ok()?,
            code: code.parse().ok()?,
        })
    }

    async fn tell(&mut self, line: &str) -> Result<(), CommandsError> {
        let told = match &mut self.input {
            Some(input) => input.write_all(format!("{line}\n").as_bytes()).await,
            None => Err(std::io::ErrorKind::BrokenPipe.into()),
        };
        // How the process ended says more than a broken pipe.
        match told {
            Ok(()) => Ok(()),
            Err(_) => Err(died(self.process.died().await)),
        }
    }
}

fn died(error: EngineError) -> CommandsError {
    match error {
        EngineError::Sandbox(error) => CommandsError::Sandbox(error),
        EngineError::Died { ended, log, .. } => CommandsError::Ended {
            ended: ended.to_string(),
            log,
        },
        other => CommandsError::Ended {
            ended: "cannot be followed".into(),
            log: other.to_string(),
        },
    }
}

/// A word that no action prints by accident. One that looks for it can fool nobody but its own job.
fn mark() -> Result<String, CommandsError> {
    let source = "/proc/sys/kernel/random/uuid";
    let uuid = std::fs::read_to_string(source).map_err(CommandsError::file("reading", source))?;
    Ok(format!("rayswarm-{}", uuid.trim()))
}

/// The script of an action: a fresh environment, then the command. Nothing of it is read as shell.
pub fn script(command: &[String], variables: &[(String, String)]) -> String {
    let mut text = format!("cd {WORK} || exit 126\nexec /usr/bin/env -i");
    for (name, value) in variables {
        text.push_str(&format!(" {}", quoted(&format!("{name}={value}"))));
    }
    // The inner shell looks the program up with the new PATH; `env` itself would take a program with = for a variable.
    text.push_str(" /bin/sh -c 'exec \"$@\"' action");
    for part in command {
        text.push(' ');
        text.push_str(&quoted(part));
    }
    text.push('\n');
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

/// The folder of programs first, then the system's.
pub fn search_path() -> String {
    format!("{CONTROL}/bin:/usr/local/bin:/usr/bin:/bin")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn nothing_of_a_command_is_read_as_shell() {
        let words = ["printf", "%s\n", "$HOME", "it's", "a\nb", "", "`id`", "a=b", "-x", "\\"].map(String::from);
        let variables = [("A".to_owned(), "'; exit 9; '".to_owned())];
        let text = script(&words, &variables).replace("cd /work", "cd /");
        let output = std::process::Command::new("/bin/sh")
            .args(["-c", &text])
            .output()
            .unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        assert_eq!(printed, "$HOME\nit's\na\nb\n\n`id`\na=b\n-x\n\\\n");
        assert!(output.status.success());
    }
}
