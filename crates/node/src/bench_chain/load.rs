//! Sending: without a pause, to see how many transfers a chain takes, or at a rate, to see how soon each counts.

use super::{BATCH, CONNECTIONS, Target, rpc::Rpc, transfers::Transfer, watch::Watch};
use anyhow::{Context, ensure};
use serde::Serialize;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

/// How often it is looked whether there is a new block.
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often a connection sends what is due.
const SEND_EVERY: Duration = Duration::from_millis(10);
/// The longest wait for another transfer to count.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a chain took that was sent without a pause.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Full {
    /// Transfers, all of which came to count.
    pub transfers: u64,
    /// From the first one's sending to the last one's counting.
    pub seconds: f64,
    /// One by the other.
    pub per_second: f64,
    /// Blocks that they are in.
    pub blocks: u64,
}

/// How soon transfers counted that were sent at a rate.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Paced {
    /// Transfers sent in a second.
    pub offered_per_second: f64,
    /// How many, all of which came to count.
    pub transfers: u64,
    /// Milliseconds from when a transfer was due to be sent until it counted: half of them were sooner.
    pub p50_ms: f64,
    /// All but one in a hundred were sooner.
    pub p99_ms: f64,
    /// The last.
    pub max_ms: f64,
}

/// When a connection may send.
#[derive(Clone, Copy, Debug)]
enum Pace {
    /// As soon as it was answered, until then.
    Full { until: Instant },
    /// Each transfer at its place in time.
    Rate { begun: Instant, per_second: f64 },
}

/// The transfers of one connection, in their order.
struct Lane {
    rpc: Rpc,
    /// With their places among all.
    transfers: Vec<(usize, Arc<Transfer>)>,
    window: Arc<Semaphore>,
}

/// Sends as many of these transfers as a chain takes in this time, and waits until all that were sent count. Those that were
/// not are given back, in their order.
///
/// # Errors
/// If the chain refuses one, or does not come to it.
pub async fn without_a_pause(
    target: &Target,
    transfers: &[Arc<Transfer>],
    at_most: Duration,
) -> anyhow::Result<(Full, Vec<Arc<Transfer>>)> {
    let run = Run::prepare(target, transfers).await?;
    let begun = Instant::now();
    let (watch, mut rest) = run.through(Pace::Full { until: begun + at_most }).await?;
    let last = watch.last().context("no transfer was sent; give it more time")?;
    let seconds = last.duration_since(begun).as_secs_f64();
    let full = Full {
        transfers: watch.count as u64,
        seconds,
        per_second: watch.count as f64 / seconds,
        blocks: watch.blocks,
    };
    rest.sort_by_key(|(place, _)| *place);
    Ok((full, rest.into_iter().map(|(_, transfer)| transfer).collect()))
}

/// Sends these transfers at a rate, and waits until all count. Who waits for a slow answer sends late: that counts as well.
///
/// # Errors
/// As [`without_a_pause`].
pub async fn at_a_rate(target: &Target, transfers: &[Arc<Transfer>], per_second: f64) -> anyhow::Result<Paced> {
    ensure!(per_second > 0.0 && !transfers.is_empty(), "nothing is to be sent");
    let run = Run::prepare(target, transfers).await?;
    let begun = Instant::now();
    let (watch, _) = run.through(Pace::Rate { begun, per_second }).await?;
    let waits = watch.counted().iter().enumerate().filter_map(|(place, counted)| {
        let due = due(begun, per_second, place);
        counted.map(|counted| counted.saturating_duration_since(due))
    });
    let mut sorted: Vec<Duration> = waits.collect();
    sorted.sort_unstable();
    Ok(Paced {
        offered_per_second: per_second,
        transfers: sorted.len() as u64,
        p50_ms: quantile_ms(&sorted, 0.50),
        p99_ms: quantile_ms(&sorted, 0.99),
        max_ms: quantile_ms(&sorted, 1.0),
    })
}

/// When the transfer at a place is to be sent.
fn due(begun: Instant, per_second: f64, place: usize) -> Instant {
    begun + Duration::from_secs_f64(place as f64 / per_second)
}

/// The smallest wait that at least this share does not exceed, in milliseconds; not a number where there are none.
fn quantile_ms(sorted: &[Duration], share: f64) -> f64 {
    let rank = (share * sorted.len() as f64).ceil() as usize;
    let wait = sorted.get(rank.saturating_sub(1));
    wait.map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3)
}

/// Connections that are open, and eyes on the chain.
struct Run {
    lanes: Vec<Lane>,
    watch: Watch,
    window: Arc<Semaphore>,
}

impl Run {
    async fn prepare(target: &Target, transfers: &[Arc<Transfer>]) -> anyhow::Result<Self> {
        let first = target.urls.first().context("no server is named")?;
        let watch = Watch::begin(Rpc::new(first)?, target.counts, transfers).await?;
        let window = Arc::new(Semaphore::new(target.under_way));
        let mut lanes = Vec::with_capacity(CONNECTIONS);
        for (number, url) in target.urls.iter().cycle().take(CONNECTIONS).enumerate() {
            let rpc = Rpc::new(url)?;
            // So that the connection is there when the clock starts.
            rpc.ask::<String>("eth_chainId", serde_json::json!([])).await?;
            let own = transfers.iter().cloned().enumerate();
            lanes.push(Lane {
                rpc,
                transfers: own
                    .filter(|(_, transfer)| transfer.sender % CONNECTIONS == number)
                    .collect(),
                window: window.clone(),
            });
        }
        Ok(Self { lanes, watch, window })
    }

    /// Sends until nothing is left or the time is over, and looks until all that was sent counts.
    async fn through(self, pace: Pace) -> anyhow::Result<(Watch, Vec<(usize, Arc<Transfer>)>)> {
        let Self {
            lanes,
            mut watch,
            window,
        } = self;
        let mut sending = JoinSet::new();
        let (mut sent, mut rest) = (0, Vec::new());
        for lane in lanes {
            sending.spawn(lane.send(pace));
        }
        let mut moved = Instant::now();
        loop {
            while let Some(ended) = sending.try_join_next() {
                let (done, left) = ended??;
                sent += done;
                rest.extend(left);
            }
            let news = watch.look().await?;
            if news > 0 {
                moved = Instant::now();
                window.add_permits(news);
            }
            if sending.is_empty() && watch.count == sent {
                return Ok((watch, rest));
            }
            ensure!(
                moved.elapsed() < PATIENCE,
                "{} transfers count, and for {} s no other came to",
                watch.count,
                PATIENCE.as_secs()
            );
            sleep(LOOK_EVERY).await;
        }
    }
}

impl Lane {
    /// Sends in batches; gives how many it sent, and the rest.
    async fn send(self, pace: Pace) -> anyhow::Result<(usize, Vec<(usize, Arc<Transfer>)>)> {
        let mut sent = 0;
        while sent < self.transfers.len() {
            let open = self.transfers.get(sent..).unwrap_or_default();
            let ready = match pace {
                Pace::Full { until } if Instant::now() >= until => break,
                Pace::Full { .. } => open.len().min(BATCH),
                Pace::Rate { begun, per_second } => {
                    let now = Instant::now();
                    let is_due = |(place, _): &&(usize, Arc<Transfer>)| due(begun, per_second, *place) <= now;
                    open.iter().take(BATCH).take_while(is_due).count()
                }
            };
            let next = Instant::now() + SEND_EVERY;
            if ready > 0 {
                // Given back by whoever sees them in a block.
                self.window.acquire_many(ready as u32).await?.forget();
                let calls: Vec<&str> = open
                    .iter()
                    .take(ready)
                    .map(|(_, transfer)| transfer.call.as_str())
                    .collect();
                self.rpc.send(format!("[{}]", calls.join(",")), ready).await?;
                sent += ready;
            }
            if matches!(pace, Pace::Rate { .. }) && ready < BATCH {
                sleep_until(next).await;
            }
        }
        let mut transfers = self.transfers;
        let rest = transfers.split_off(sent);
        Ok((sent, rest))
    }
}
