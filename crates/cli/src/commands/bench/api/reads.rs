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
/// Reads a second just below that.
const BELOW_LIMIT: f64 = 0.97 * READS_PER_SECOND as f64;
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
    /// Half as many reads a second as there were without a pause: busy, and not more than the node can do.
    pub half: Option<Figures>,
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
        if let Some(every) = pace(connections, BELOW_LIMIT) {
            below_limit = Some(read(target, &endpoint.requests, manner(Some(every))).await?.1);
        }
    }
    let half = match pace(connections, unpaused.per_second / 2.0) {
        Some(every) => Some(read(target, &endpoint.requests, manner(Some(every))).await?.1),
        None => None,
    };
    let (_, paced) = read(target, &endpoint.requests, manner(Some(EVERY))).await?;
    Ok(Row {
        endpoint: endpoint.name.clone(),
        connections,
        first_s: endpoint.first_s,
        unpaused,
        below_limit,
        half,
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

/// How often each connection reads, so that all together make so many reads a second; never more than the node lets
/// through. `None` where there are none.
fn pace(connections: u32, per_second: f64) -> Option<Duration> {
    let seconds = f64::from(connections) / per_second.min(BELOW_LIMIT);
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_share_the_reads_and_stay_below_the_limit() {
        assert_eq!(pace(200, 400.0), Some(Duration::from_millis(500)));
        assert_eq!(pace(200, 1e9), pace(200, BELOW_LIMIT));
        assert!(pace(200, 1e9) > Some(Duration::from_millis(40)));
        assert_eq!(pace(200, 0.0), None);
    }
}
