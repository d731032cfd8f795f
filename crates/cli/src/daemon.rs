//! Finding the daemon a command talks to, or starting one.

use crate::exit::Missing;
use anyhow::Context;
use rayswarm_api::Client;
use rayswarm_node::config::{DaemonFile, default_data_dir};
use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Longest wait for a daemon to answer; its first start measures the machine.
const START_PATIENCE: Duration = Duration::from_secs(120);
/// How often to look whether it answers.
const POLL: Duration = Duration::from_millis(50);
/// Longest wait for a daemon to drain and stop. It gives running tasks back at once; engines are killed after seconds.
pub const STOP_PATIENCE: Duration = Duration::from_secs(20);
/// How long a daemon that outlives its command stays without an unfinished job: time enough to look at what became of the
/// last one and to send another, and soon enough not to be found there the next day.
pub const IDLE_PATIENCE: &str = "60s";

/// The data folder: as typed, or the default.
pub fn data_dir(typed: Option<&Path>) -> anyhow::Result<PathBuf> {
    Ok(typed.map_or_else(default_data_dir, |dir| Ok(dir.to_path_buf()))?)
}

/// A client of the daemon that runs in `data_dir`.
pub fn client(data_dir: &Path) -> anyhow::Result<Client> {
    let file = daemon_file(data_dir)?;
    let token_file = data_dir.join("token");
    let token = std::fs::read_to_string(&token_file)
        .with_context(|| format!("the daemon's token {} cannot be read", token_file.display()))?;
    Ok(Client::new(file.http, token.trim()))
}

/// Where a browser of this machine finds the daemon that runs in `data_dir`.
pub fn address(data_dir: &Path) -> anyhow::Result<String> {
    Ok(format!("http://{}", daemon_file(data_dir)?.http))
}

fn daemon_file(data_dir: &Path) -> Result<DaemonFile, Missing> {
    DaemonFile::read(data_dir).ok_or_else(|| {
        Missing(format!(
            "no daemon runs in {}; start one with `rayswarm up`",
            data_dir.display()
        ))
    })
}

/// A client of the daemon in `data_dir`, if one answers there.
pub async fn running(data_dir: &Path) -> Option<Client> {
    let client = client(data_dir).ok()?;
    client.node().await.is_ok().then_some(client)
}

/// How long a daemon lives that a command starts.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Lifetime {
    /// Until this process ends, however it ends.
    WithThisProcess,
    /// Until it has nothing to do.
    UntilIdle,
}

/// A daemon process that this command started.
pub struct Started {
    /// Holds the other end of the daemon's standard input open, which tells it that this process lives.
    child: Child,
    data_dir: PathBuf,
}

/// Starts `rayswarm up` in `data_dir` with `arguments`; [`Started::answering`] waits for it.
pub fn spawn(data_dir: &Path, arguments: &[String], lifetime: Lifetime) -> anyhow::Result<Started> {
    std::fs::create_dir_all(data_dir).with_context(|| format!("the folder {} cannot be made", data_dir.display()))?;
    let log = log_path(data_dir);
    let log_file = std::fs::File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
    // A file left by a daemon that was killed would answer for the new one.
    let stale = DaemonFile::path(data_dir);
    if stale.exists() {
        std::fs::remove_file(&stale).with_context(|| format!("{} cannot be removed", stale.display()))?;
    }
    let program = std::env::current_exe().context("this program's own path is unknown")?;
    let mut command = Command::new(program);
    command.arg("up").arg("--data-dir").arg(data_dir).args(arguments);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log_file);
    match lifetime {
        Lifetime::WithThisProcess => command.arg("--with-parent").stdin(Stdio::piped()),
        Lifetime::UntilIdle => command.args(["--until-idle", IDLE_PATIENCE]),
    };
    // Its own process group: Ctrl-C in this terminal ends the command, not the daemon.
    std::os::unix::process::CommandExt::process_group(&mut command, 0);
    Ok(Started {
        child: command.spawn().context("the daemon cannot be started")?,
        data_dir: data_dir.to_path_buf(),
    })
}

impl Started {
    /// The process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Its client, once it answers.
    pub async fn answering(&mut self) -> anyhow::Result<Client> {
        let begun = Instant::now();
        loop {
            if let Some(client) = running(&self.data_dir).await {
                return Ok(client);
            }
            let log = log_path(&self.data_dir);
            if let Some(status) = self.child.try_wait()? {
                return Err(Missing(format!("the daemon stopped at once ({status}): {}", last_lines(&log))).into());
            }
            if begun.elapsed() > START_PATIENCE {
                return Err(Missing(format!("the daemon does not answer: {}", last_lines(&log))).into());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Lets it drain and stop, and waits for it.
    pub async fn stop(&mut self) -> anyhow::Result<()> {
        end(&mut self.child).await
    }

    /// Ends it at once. Its journal allows for that, and its engines end with it.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

/// Asks a process to stop and waits for it; one that does not is killed.
pub async fn end(child: &mut Child) -> anyhow::Result<()> {
    if child.try_wait()?.is_some() {
        return Ok(());
    }
    if let Some(pid) = rustix::process::Pid::from_raw(child.id().cast_signed()) {
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)?;
    }
    let begun = Instant::now();
    while child.try_wait()?.is_none() {
        if begun.elapsed() > STOP_PATIENCE {
            child.kill()?;
            child.wait()?;
        }
        tokio::time::sleep(POLL).await;
    }
    Ok(())
}

fn log_path(data_dir: &Path) -> PathBuf {
    data_dir.join("daemon.log")
}

/// The end of a process's log, in words.
pub fn last_lines(log: &Path) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(6)..].join("\n  ");
    format!("its log {} ends with\n  {tail}", log.display())
}
