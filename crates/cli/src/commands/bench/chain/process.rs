//! A process that keeps a chain, with what it says in a file.

use crate::{daemon, exit::Missing};
use anyhow::Context;
use std::{
    fs::File,
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How often it is looked whether something has come about.
const POLL: Duration = Duration::from_millis(20);
/// The longest wait until it has.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running process; killed when it is dropped.
pub struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `command`, which says what it has to say in `log`. The other end of its standard input is held open.
    pub fn start(mut command: Command, log: &Path) -> anyhow::Result<Self> {
        let file = File::create(log).with_context(|| format!("{} cannot be written", log.display()))?;
        command.stdin(Stdio::piped()).stdout(file.try_clone()?).stderr(file);
        // Its own process group: Ctrl-C in this terminal ends the command, which ends the process.
        command.process_group(0);
        let program = command.get_program().to_owned();
        let child = command.spawn();
        Ok(Self {
            child: child.with_context(|| format!("{} cannot be started", program.display()))?,
            log: log.to_path_buf(),
        })
    }

    /// Its id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// What it said behind a word at the beginning of a line.
    pub fn said(&self, word: &str) -> Option<String> {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let mut lines = text.lines().filter_map(|line| line.strip_prefix(word));
        lines.next().map(|rest| rest.trim().to_owned())
    }

    /// What `found` finds, once it does; the process must not end before.
    pub async fn until<T>(&mut self, what: &str, mut found: impl AsyncFnMut(&Self) -> Option<T>) -> anyhow::Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(found) = found(self).await {
                return Ok(found);
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(Missing(format!("a process ended ({status}) before {what}: {}", self.words())).into());
            }
            if begun.elapsed() > PATIENCE {
                return Err(Missing(format!("waited in vain until {what}: {}", self.words())).into());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The end of what it said.
    pub fn words(&self) -> String {
        daemon::last_lines(&self.log)
    }

    /// Lets it stop, and waits for it.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        daemon::end(&mut self.child).await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // Failing means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A shell that does this, and its log.
    fn shell(name: &str, script: &str) -> (Process, PathBuf) {
        let log = std::env::temp_dir().join(format!("rayswarm-{name}-{}", std::process::id()));
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]);
        (Process::start(command, &log).unwrap(), log)
    }

    #[tokio::test]
    async fn what_a_process_says_is_found_by_its_first_word() {
        let (mut process, log) = shell("says", "echo 'rpc   http://here'; echo 'peer x'; read forever");
        let said = process.until("it says so", async |process| process.said("peer")).await;
        assert_eq!(said.unwrap(), "x");
        assert_eq!(process.said("rpc").as_deref(), Some("http://here"));
        assert_eq!(process.said("account"), None);
        process.stop().await.unwrap();
        assert!(process.child.try_wait().unwrap().is_some());
        std::fs::remove_file(log).unwrap();
    }

    #[tokio::test]
    async fn a_process_that_ends_is_not_waited_for() {
        let (mut process, log) = shell("ends", "echo 'the disk is full'; exit 3");
        let waited = process.until("it answers", async |_| None::<()>).await.unwrap_err();
        let text = waited.to_string();
        assert!(
            text.contains("the disk is full") && text.contains("it answers"),
            "{text}"
        );
        std::fs::remove_file(log).unwrap();
    }
}
