//! Everything at once for minutes: listeners, somebody who works, and connections that read all kinds of things.

use super::{
    changes::Worker,
    endpoints::{Endpoint, Readers},
    latency::Figures,
    listeners::{Heard, Listeners},
    load::Manner,
    memory::Memory,
    reads::{self, EVERY},
    wire::Target,
};
use rayswarm_node::bench_seed::Seeded;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// What came of it.
#[derive(Clone, Debug, Serialize)]
pub struct Soak {
    /// What the listeners heard.
    pub events: Heard,
    /// How quickly the readers were answered.
    pub reads: Figures,
    /// The daemon's memory.
    pub memory: Memory,
}

/// How long, and how many.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// For how long.
    pub span: Duration,
    /// Clients of the event stream.
    pub listeners: u32,
    /// Connections that read once a second each.
    pub connections: u32,
}

/// Keeps the daemon busy for that long.
pub async fn soak(target: &Target, seeded: &Seeded, endpoints: &[Endpoint], plan: Plan) -> anyhow::Result<Soak> {
    let mut worker = Worker::of(target, &seeded.open).await?;
    let end = Instant::now() + plan.span;
    let listeners = Listeners::start(target, plan.listeners, &mut worker, end).await?;
    let manner = Manner {
        connections: plan.connections,
        every: Some(EVERY),
        span: end - Instant::now(),
    };
    let requests = mixed(endpoints);
    let reading = reads::read(target, &requests, manner);
    let (worked, read, memory) = tokio::join!(worker.work(end), reading, Memory::watch(target.process, end));
    worked?;
    let (_, reads) = read?;
    Ok(Soak {
        events: listeners.end(&mut worker).await?,
        reads,
        memory,
    })
}

/// One read of each kind after another, and not the same ones each time.
fn mixed(endpoints: &[Endpoint]) -> Arc<[Vec<u8>]> {
    let endpoints: Vec<&Endpoint> = endpoints
        .iter()
        .filter(|endpoint| endpoint.readers == Readers::All)
        .collect();
    let longest = endpoints
        .iter()
        .map(|endpoint| endpoint.requests.len())
        .max()
        .unwrap_or(0);
    let mut requests = Vec::new();
    for turn in 0..longest {
        for endpoint in &endpoints {
            requests.push(endpoint.requests[turn % endpoint.requests.len()].clone());
        }
    }
    requests.into()
}
