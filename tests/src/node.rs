//! One daemon process that a test starts, asks, kills and starts again.

use crate::{
    Answer, Farm,
    processes::{Frozen, nothing_left, send},
    wait::until,
};
use anyhow::{Context, bail};
use rayswarm_api::{
    farm::{InviteView, ProviderView, WalletView},
    job::{JobSummary, JobView},
    task::Explanation,
};
use serde::{Deserialize, de::DeserializeOwned};
use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{Child, Stdio},
    time::Duration,
};

/// A first start measures the machine, which shares its cores with other tests.
const START: Duration = Duration::from_secs(120);
/// How long a node may take to stop.
const STOP: Duration = Duration::from_secs(60);

/// A daemon in its own data folder. Dropping it kills it.
pub struct Node<'a> {
    farm: &'a Farm,
    data_dir: PathBuf,
    arguments: Vec<String>,
    /// Where its engines are, if not where all nodes' are.
    engines: Option<PathBuf>,
    child: Child,
}

/// What a running daemon writes down; only the part that tells an old file from a new one.
#[derive(Deserialize)]
struct DaemonFile {
    pid: u32,
}

impl<'a> Node<'a> {
    /// Starts `rayswarm up` on loopback, in a folder called `name`, and waits until it answers.
    ///
    /// # Errors
    /// When it stops or does not answer; the end of its log is in the message.
    pub fn start(farm: &'a Farm, name: &str, arguments: &[&str]) -> anyhow::Result<Self> {
        Self::start_with(farm, name, arguments, None)
    }

    /// The same with engines of its own.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_with(
        farm: &'a Farm,
        name: &str,
        arguments: &[&str],
        engines: Option<PathBuf>,
    ) -> anyhow::Result<Self> {
        let data_dir = farm.scratch().join(name);
        std::fs::create_dir_all(&data_dir)?;
        let local = ["--http", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
        let arguments: Vec<String> = local.iter().chain(arguments).map(ToString::to_string).collect();
        let child = spawn(farm, &data_dir, &arguments, engines.as_deref())?;
        let mut node = Self {
            farm,
            data_dir,
            arguments,
            engines,
            child,
        };
        node.wait_until_it_answers()?;
        Ok(node)
    }

    /// Starts it again after [`Node::kill`], in the same folder with the same arguments.
    ///
    /// # Errors
    /// As [`Node::start`].
    pub fn start_again(&mut self) -> anyhow::Result<()> {
        self.child = spawn(self.farm, &self.data_dir, &self.arguments, self.engines.as_deref())?;
        self.wait_until_it_answers()
    }

    /// Its data folder.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Lets it stand still, engines included, until the returned value is dropped.
    ///
    /// # Errors
    /// As [`Frozen::with_all_below`].
    pub fn freeze(&self) -> anyhow::Result<Frozen> {
        Frozen::with_all_below(self.pid())
    }

    /// Kills it with `kill -9` and waits until its sandboxes are gone too.
    ///
    /// # Errors
    /// When processes of it stay.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        nothing_left(&self.data_dir)
    }

    /// Asks it to stop, as Ctrl-C does, and waits until nothing of it is left.
    ///
    /// # Errors
    /// When it does not stop, or ends with another code than 0.
    pub fn stop(mut self) -> anyhow::Result<()> {
        send(self.pid(), rustix::process::Signal::TERM)?;
        let status = until("the daemon stops", STOP, || Ok(self.child.try_wait()?))?;
        if !status.success() {
            bail!("the daemon ended with {status}: {}", self.log_end());
        }
        nothing_left(&self.data_dir)
    }

    /// Runs a command against this node to its end.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn run(&self, arguments: &[&str]) -> anyhow::Result<Answer> {
        self.farm.run(self.with_data_dir(arguments))
    }

    /// Starts a command against this node and leaves it running, its output in pipes.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(&self, arguments: &[&str]) -> anyhow::Result<Child> {
        let mut command = self.farm.command(self.with_data_dir(arguments));
        Ok(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?)
    }

    /// A ticket with which another node joins.
    ///
    /// # Errors
    /// As all that follow: when the command fails or answers something else.
    pub fn ticket(&self) -> anyhow::Result<String> {
        Ok(self.ask::<InviteView>(&["invite", "--json"])?.ticket)
    }

    /// The wallet, after taking test money.
    ///
    /// # Errors
    /// When the command fails or answers something else.
    pub fn funded_wallet(&self) -> anyhow::Result<WalletView> {
        self.ask(&["wallet", "faucet", "--json"])
    }

    /// The wallet.
    ///
    /// # Errors
    /// When the command fails or answers something else.
    pub fn wallet(&self) -> anyhow::Result<WalletView> {
        self.ask(&["wallet", "show", "--json"])
    }

    /// All jobs, newest first.
    ///
    /// # Errors
    /// When the command fails or answers something else.
    pub fn jobs(&self) -> anyhow::Result<Vec<JobSummary>> {
        self.ask(&["jobs", "list", "--json"])
    }

    /// One job.
    ///
    /// # Errors
    /// When the command fails or answers something else.
    pub fn job(&self, id: &str) -> anyhow::Result<JobView> {
        self.ask(&["jobs", "show", id, "--json"])
    }

    /// Why each task of a job went where it went.
    ///
    /// # Errors
    /// When the command fails or answers something else.
    pub fn explain(&self, id: &str) -> anyhow::Result<Vec<Explanation>> {
        self.ask(&["jobs", "explain", id, "--json"])
    }

    /// Waits until this node knows `count` providers.
    ///
    /// # Errors
    /// When they do not show up.
    pub fn wait_for_providers(&self, count: usize) -> anyhow::Result<()> {
        until(&format!("{count} providers are known"), START, || {
            let known: Vec<ProviderView> = self.ask(&["providers", "--json"])?;
            Ok((known.len() >= count).then_some(()))
        })
    }

    /// The last lines of its log, for messages.
    pub fn log_end(&self) -> String {
        let text = std::fs::read_to_string(log_path(&self.data_dir)).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }

    fn ask<T: DeserializeOwned>(&self, arguments: &[&str]) -> anyhow::Result<T> {
        self.run(arguments)?
            .json()
            .with_context(|| format!("rayswarm {}", arguments.join(" ")))
    }

    fn with_data_dir(&self, arguments: &[&str]) -> Vec<String> {
        let folder = self.data_dir.to_string_lossy();
        let own = ["--data-dir", folder.as_ref()];
        own.iter().chain(arguments).map(ToString::to_string).collect()
    }

    fn wait_until_it_answers(&mut self) -> anyhow::Result<()> {
        let file = self.data_dir.join("daemon.json");
        let begun = until("the daemon answers", START, || {
            if let Some(status) = self.child.try_wait()? {
                bail!("the daemon stopped at once ({status})");
            }
            // A killed daemon leaves its file behind; only this process's own counts.
            let written = std::fs::read(&file).unwrap_or_default();
            let ours = serde_json::from_slice::<DaemonFile>(&written).is_ok_and(|file| file.pid == self.child.id());
            Ok((ours && self.jobs().is_ok()).then_some(()))
        });
        begun.with_context(|| format!("{}: its log ends with\n{}", self.data_dir.display(), self.log_end()))
    }
}

impl Drop for Node<'_> {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn spawn(farm: &Farm, data_dir: &Path, arguments: &[String], engines: Option<&Path>) -> anyhow::Result<Child> {
    let log = OpenOptions::new().create(true).append(true).open(log_path(data_dir))?;
    let mut command = farm.command(["up", "--data-dir"]);
    command.arg(data_dir).args(arguments);
    if let Some(engines) = engines {
        command.env("RAYSWARM_ENGINES", engines);
    }
    let child = command.stdout(Stdio::null()).stderr(log).spawn();
    child.context("the daemon cannot be started")
}

fn log_path(data_dir: &Path) -> PathBuf {
    data_dir.join("daemon.log")
}
