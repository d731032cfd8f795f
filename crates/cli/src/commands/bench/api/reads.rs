//! How quickly the node answers many connections, one kind of read after another.

use super::{
    endpoints::{Endpoint, Readers},
    latency::{Answers, Figures},
    load::{self, Manner},
    wire::Target,
};
use rayswarm_node::local::CpuMeter;
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::time::{Instant, sleep};

/// Calls a second that the node lets through, and how many it lets through at once after a rest
/// (`crates/node/src/http/limits.rs`).
const READS_PER_SECOND: u32 = 5000;
const READS_AT_ONCE: u32 = 10_000;
/// Where the node refuses, it is asked this much below its limit, in per cent.
const BELOW_LIMIT_PERCENT: u32 = 97;
/// How often every connection reads when it does not read without a pause: as an open studio does.
pub const EVERY: Duration = Duration::from_secs(1);

/// One kind of read.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// What was read.
    pub endpoint: String,
    /// With how many connections.
    pub connections: u32,
    /// Seconds of the very first answer.
    pub first_s: f64,
    /// Every connection asks again as soon as it is answered.
    pub unpaused: Figures,
    /// The same just below the limit, where the node refused some.
    pub below_limit: Option<Figures>,
    /// Every connection asks once a second.
    pub paced: Figures,
}

/// Measures one kind of read for `span` each way.
pub async fn measure(target: &Target, endpoint: &Endpoint, connections: u32, span: Duration) -> anyhow::Result<Row> {
    let connections = match endpoint.readers {
        Readers::All => connections,
        Readers::One => 1,
    };
    let manner = |every| Manner {
        connections,
        every,
        span,
    };
    let (answers, unpaused) = read(target, &endpoint.requests, manner(None)).await?;
    let mut below_limit = None;
    if answers.were_refused() {
        // What was saved up comes back first.
        sleep(Duration::from_secs((READS_AT_ONCE / READS_PER_SECOND).into())).await;
        let every = Duration::from_secs(1) * connections * 100 / (READS_PER_SECOND * BELOW_LIMIT_PERCENT);
        below_limit = Some(read(target, &endpoint.requests, manner(Some(every))).await?.1);
    }
    let (_, paced) = read(target, &endpoint.requests, manner(Some(EVERY))).await?;
    Ok(Row {
        endpoint: endpoint.name.clone(),
        connections,
        first_s: endpoint.first_s,
        unpaused,
        below_limit,
        paced,
    })
}

/// Reads, and counts the daemon's CPU time beside.
pub async fn read(target: &Target, requests: &Arc<[Vec<u8>]>, manner: Manner) -> anyhow::Result<(Answers, Figures)> {
    let mut meter = CpuMeter::of(vec![target.process]);
    let (before, begun) = (meter.total(), Instant::now());
    let answers = load::read(target, requests.clone(), manner).await?;
    let span = begun.elapsed();
    meter.look();
    let figures = answers.figures(span, meter.total() - before);
    Ok((answers, figures))
}
