//! A measurement: what a provider's offer says of this machine, made several times and the way the offer makes it.

use crate::{
    config::DEFAULT_PRICE,
    engines::Engines,
    local,
    provider::measure::{self, Measurement},
    requestor::refusal::chain,
};
use anyhow::Context;
use rayswarm_engines::{Engine, ProbeScene};
use rayswarm_model::{Amount, ComparisonClass, Resolution, Work, WorkPrice, settings::Device};
use serde::Serialize;
use std::path::Path;

const SECONDS_PER_HOUR: u64 = 3_600;

/// How fast this machine is by the published probes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SpeedReport {
    /// The processor's name for itself.
    pub processor: String,
    /// Threads of a session.
    pub threads: u32,
    /// What a provider asks that is told nothing else.
    pub price_per_wu_hour: Amount,
    /// Every installed engine, in the order of the offer.
    pub engines: Vec<EngineSpeed>,
    /// What a provider with as many threads says on the chain.
    pub published: Option<PublishedSpeed>,
}

/// One engine's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct EngineSpeed {
    /// The adapter.
    pub engine: String,
    /// Its exact version.
    pub version: String,
    /// The probe's file.
    pub scene: String,
    /// Its picture's size.
    pub resolution: Resolution,
    /// Its samples per pixel.
    pub samples: u32,
    /// What rendering it once is worth.
    pub work_milli_wu: u64,
    /// What rendered it.
    pub device: Device,
    /// Hash of its pixels.
    pub class: ComparisonClass,
    /// Whether every round gave these pixels.
    pub same_pixels: bool,
    /// Thousandths of WU in a second of CPU time, round by round.
    pub milli_wu_per_cpu_second: Vec<u64>,
    /// The median of them.
    pub median: u64,
    /// From the slowest round to the quickest, in thousandths of the median.
    pub spread_permille: u64,
    /// The median on all threads.
    pub milli_wu_per_second: u64,
    /// What that earns, if every second is work that is paid.
    pub tokens_per_hour: Amount,
    /// What a node of this user measured before, and goes on telling.
    pub kept: Option<u64>,
}

/// The benchmark of an offer: that of its first engine.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PublishedSpeed {
    /// The adapter.
    pub engine: String,
    /// Its exact version.
    pub version: String,
    /// `benchmarkMilliWu` of the registry.
    pub benchmark_milli_wu: u64,
    /// Whether it was measured before; else it is this median.
    pub kept: bool,
}

impl SpeedReport {
    /// Whether every engine gave the same pixels each time: else nobody could compare them.
    pub fn holds(&self) -> bool {
        self.engines.iter().all(|engine| engine.same_pixels)
    }
}

/// Measures every installed engine so many times, each time as an offer does. `folder` is for scratch files.
///
/// # Errors
/// No engine is installed, or one does not render its probe.
pub async fn measure(folder: &Path, threads: u32, rounds: u32, told: impl Fn(&str)) -> anyhow::Result<SpeedReport> {
    let engines = Engines::detect()?;
    if let Err(error) = engines.sandbox() {
        anyhow::bail!("nothing can be rendered on this machine: {}", chain(error));
    }
    let mut speeds = Vec::new();
    for engine in engines.installed() {
        told(&format!("measuring {} {}", engine.name(), engine.version()));
        let speed = rounds_of(engine.as_ref(), &engines, folder, threads, rounds).await;
        speeds.push(speed.with_context(|| format!("{} {} cannot be measured", engine.name(), engine.version()))?);
    }
    let published = speeds.first().map(|first| PublishedSpeed {
        engine: first.engine.clone(),
        version: first.version.clone(),
        benchmark_milli_wu: first.kept.unwrap_or(first.median).saturating_mul(threads.into()),
        kept: first.kept.is_some(),
    });
    Ok(SpeedReport {
        processor: processor(),
        threads,
        price_per_wu_hour: DEFAULT_PRICE,
        engines: speeds,
        published,
    })
}

async fn rounds_of(
    engine: &dyn Engine,
    engines: &Engines,
    folder: &Path,
    threads: u32,
    rounds: u32,
) -> anyhow::Result<EngineSpeed> {
    let probe = ProbeScene::of(engine.name()).context("it has no published probe")?;
    let mut measured = Vec::new();
    for _ in 0..rounds {
        measured.push(measure::probe(engine, &folder.join("probe"), &local::limits()).await?);
    }
    let first = *measured.first().context("no round was asked for")?;
    let kept = measure::kept(engines, engine, first.device);
    let each: Vec<u64> = measured.iter().map(|one| one.milli_wu_per_cpu_second).collect();
    let (median, spread_permille) = median_and_spread(&each);
    let milli_wu_per_second = Measurement {
        milli_wu_per_cpu_second: median,
        ..first
    }
    .milli_wu_per_second(threads);
    Ok(EngineSpeed {
        engine: engine.name().into(),
        version: engine.version().into(),
        scene: probe.file_name.into(),
        resolution: probe.resolution,
        samples: probe.samples,
        work_milli_wu: probe.work.milli_wu,
        device: first.device,
        class: first.class,
        same_pixels: measured.iter().all(|one| one.class == first.class),
        milli_wu_per_cpu_second: each,
        median,
        spread_permille,
        milli_wu_per_second,
        tokens_per_hour: earned_in_an_hour(milli_wu_per_second),
        kept: kept.map(|kept| kept.milli_wu_per_cpu_second),
    })
}

/// At the default price.
fn earned_in_an_hour(milli_wu_per_second: u64) -> Amount {
    let price = WorkPrice {
        per_wu_hour: DEFAULT_PRICE,
    };
    price.of_floor(Work {
        milli_wu: milli_wu_per_second.saturating_mul(SECONDS_PER_HOUR),
    })
}

/// The lower median, and what lies between the ends in thousandths of it.
fn median_and_spread(each: &[u64]) -> (u64, u64) {
    let mut sorted = each.to_vec();
    sorted.sort_unstable();
    let (Some(least), Some(most)) = (sorted.first(), sorted.last()) else {
        return (0, 0);
    };
    let median = sorted[(sorted.len() - 1) / 2];
    (median, (most - least) * 1_000 / median.max(1))
}

fn processor() -> String {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("model name"));
    name.map_or_else(String::new, |name| name.trim_start_matches([' ', '\t', ':']).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_of_one_wu_a_second_earns_the_price() {
        assert_eq!(earned_in_an_hour(1_000), DEFAULT_PRICE);
        assert_eq!(earned_in_an_hour(1_500).0, DEFAULT_PRICE.0 / 2 * 3);
    }

    #[test]
    fn the_median_is_a_measurement_and_the_spread_spans_all() {
        assert_eq!(median_and_spread(&[1_000, 900, 1_100]), (1_000, 200));
        assert_eq!(median_and_spread(&[1_000, 800]), (800, 250));
        assert_eq!(median_and_spread(&[]), (0, 0));
    }
}
