//! A whole network on this machine: a requestor with a chain, and provider processes that joined it.

use crate::{
    daemon::{self, Started},
    exit::Missing,
};
use rayswarm_api::Client;
use rayswarm_node::local::CpuMeter;
use std::{
    path::Path,
    time::{Duration, Instant},
};

/// How often providers are counted while they start.
const POLL: Duration = Duration::from_millis(100);
/// Longest wait until every provider is known; each measures the machine first.
const JOIN_PATIENCE: Duration = Duration::from_secs(300);

/// The running processes. They stop in [`LocalNetwork::stop`] only; a value that is dropped leaves them running.
pub struct LocalNetwork {
    /// The requestor's client.
    pub client: Client,
    /// The requestor first.
    nodes: Vec<Started>,
}

impl LocalNetwork {
    /// Starts a requestor and `providers` providers of `threads` threads each, with their data below `folder`, and
    /// waits until the requestor knows them all and has test money. `say` hears what happens. Nothing is left running
    /// when this fails.
    pub async fn start(folder: &Path, providers: u32, threads: u32, say: impl Fn(String)) -> anyhow::Result<Self> {
        say("starting a chain and a requestor".into());
        let requestor = daemon::start(&folder.join("requestor"), &local(&[])).await?;
        let mut network = Self {
            client: requestor.client.clone(),
            nodes: vec![requestor],
        };
        match network.grow(folder, providers, threads, say).await {
            Ok(()) => Ok(network),
            Err(error) => {
                network.stop().await?;
                Err(error)
            }
        }
    }

    async fn grow(&mut self, folder: &Path, providers: u32, threads: u32, say: impl Fn(String)) -> anyhow::Result<()> {
        let ticket = self.client.invite().await?.ticket;
        let threads = threads.to_string();
        for number in 1..=providers {
            say(format!("starting provider {number} of {providers}"));
            let arguments = local(&["--provide", "--threads", &threads, "--join", &ticket]);
            let data_dir = folder.join(format!("provider-{number}"));
            self.nodes.push(daemon::start(&data_dir, &arguments).await?);
        }
        say("providers measure this machine".into());
        let begun = Instant::now();
        loop {
            let known = self.client.providers().await?.len();
            if known >= providers as usize {
                break;
            }
            if begun.elapsed() > JOIN_PATIENCE {
                return Err(Missing(format!(
                    "only {known} of {providers} providers joined; their logs are in {}",
                    folder.display()
                ))
                .into());
            }
            tokio::time::sleep(POLL).await;
        }
        self.client.faucet().await?;
        Ok(())
    }

    /// Counts the CPU time of every node and of the engines below it.
    pub fn cpu_meter(&self) -> CpuMeter {
        CpuMeter::of(self.nodes.iter().map(Started::process).collect())
    }

    /// Stops every process and waits for it; the first failure is reported after all were tried.
    pub async fn stop(self) -> anyhow::Result<()> {
        let mut outcome = Ok(());
        // Providers first: they still talk to the chain while they stop.
        for started in self.nodes.into_iter().rev() {
            let stopped = started.stop().await;
            outcome = outcome.and(stopped);
        }
        outcome
    }
}

/// A node of such a network listens on loopback only, on ports nobody else has.
fn local(more: &[&str]) -> Vec<String> {
    let own = ["--http", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
    own.iter().chain(more).map(ToString::to_string).collect()
}
