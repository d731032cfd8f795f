//! A whole network on this machine: a requestor with a chain, and provider processes that joined it.

use crate::{
    daemon::{self, Lifetime, Started},
    exit::Missing,
    interrupt::Interrupt,
};
use rayswarm_api::Client;
use rayswarm_node::local::CpuMeter;
use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// How often providers are counted while they start.
const POLL: Duration = Duration::from_millis(100);
/// Longest wait until every provider is known; each measures the machine first.
const JOIN_PATIENCE: Duration = Duration::from_secs(300);

/// The running processes. [`LocalNetwork::stop`] waits for their end; they end by themselves soon after this value is
/// dropped or this process is killed.
pub struct LocalNetwork {
    /// The requestor's client.
    pub client: Client,
    /// The requestor first.
    nodes: Vec<Started>,
}

impl LocalNetwork {
    /// The data folder of the requestor of a network below `folder`.
    pub fn requestor_folder(folder: &Path) -> PathBuf {
        folder.join("requestor")
    }

    /// Starts a requestor with these options besides its addresses, and `providers` providers of `threads` threads each,
    /// with their data below `folder`, and waits until the requestor knows them all and has test money; `None` when it was interrupted. `say` hears what
    /// happens. Nothing is left running but what is returned.
    pub async fn start(
        folder: &Path,
        options: &[&str],
        (providers, threads): (u32, u32),
        say: impl Fn(String),
        interrupt: &mut Interrupt,
    ) -> anyhow::Result<Option<Self>> {
        let mut nodes = Vec::new();
        let growing = grow(&mut nodes, folder, options, (providers, threads), &say);
        let outcome = match interrupt.unless(growing).await {
            Some(Ok(client)) => return Ok(Some(Self { client, nodes })),
            Some(Err(error)) => Err(error),
            None => Ok(None),
        };
        say("stopping what has started".into());
        stop_all(&mut nodes, interrupt).await?;
        outcome
    }

    /// Counts the CPU time of every node and of the engines below it.
    pub fn cpu_meter(&self) -> CpuMeter {
        CpuMeter::of(self.nodes.iter().map(Started::process).collect())
    }

    /// Stops every process and waits for it; the first failure is reported after all were tried. An interrupt ends them
    /// at once.
    pub async fn stop(mut self, interrupt: &mut Interrupt) -> anyhow::Result<()> {
        stop_all(&mut self.nodes, interrupt).await
    }
}

/// Starts the nodes one after another; each is in `nodes` as soon as its process is there. The requestor's client.
async fn grow(
    nodes: &mut Vec<Started>,
    folder: &Path,
    options: &[&str],
    (providers, threads): (u32, u32),
    say: &impl Fn(String),
) -> anyhow::Result<Client> {
    say("starting a chain and a requestor".into());
    let client = add(nodes, &LocalNetwork::requestor_folder(folder), &local(options)).await?;
    let ticket = client.invite().await?.ticket;
    let threads = threads.to_string();
    for number in 1..=providers {
        say(format!("starting provider {number} of {providers}"));
        let arguments = local(&["--provide", "--threads", &threads, "--join", &ticket]);
        add(nodes, &folder.join(format!("provider-{number}")), &arguments).await?;
    }
    say("providers measure this machine".into());
    wait_for_providers(&client, providers, folder).await?;
    client.faucet().await?;
    Ok(client)
}

async fn add(nodes: &mut Vec<Started>, data_dir: &Path, arguments: &[String]) -> anyhow::Result<Client> {
    let node = nodes.push_mut(daemon::spawn(data_dir, arguments, Lifetime::WithThisProcess)?);
    node.answering().await
}

async fn wait_for_providers(client: &Client, providers: u32, folder: &Path) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let known = client.providers().await?.len();
        if known >= providers as usize {
            return Ok(());
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
}

async fn stop_all(nodes: &mut [Started], interrupt: &mut Interrupt) -> anyhow::Result<()> {
    let draining = async {
        let mut outcome = Ok(());
        // Providers first: they still talk to the chain while they stop.
        for node in nodes.iter_mut().rev() {
            let stopped = node.stop().await;
            outcome = outcome.and(stopped);
        }
        outcome
    };
    if let Some(outcome) = interrupt.unless(draining).await {
        return outcome;
    }
    nodes.iter_mut().try_for_each(Started::kill)
}

/// A node of such a network listens on loopback only, on ports nobody else has.
fn local(more: &[&str]) -> Vec<String> {
    let own = ["--http", "127.0.0.1:0", "--listen", "127.0.0.1:0"];
    own.iter().chain(more).map(ToString::to_string).collect()
}
