//! Measuring this machine: every engine's probe picture gives its comparison class, and its time the speed. Kept beside
//! the engine, so that the next start takes no time.

use crate::{
    engines::{Engines, Turns},
    pixels,
    services::Services,
};
use anyhow::{Context, anyhow};
use rayswarm_engines::{Engine, ProbeScene, RenderRequest, SceneFile, SessionLimits, SessionPurpose, SessionRequest};
use rayswarm_model::{ComparisonClass, keccak256, manifest::SCENE_ROOT, settings::Device};
use serde::{Deserialize, Serialize};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// How long the probe may take. It is about a second's work; a machine that needs this long is of no use to anybody.
const PROBE_TIME_MAX: Duration = Duration::from_secs(600);

/// What the probe of one engine showed on this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Measurement {
    /// Hash of the probe's pixels.
    pub class: ComparisonClass,
    /// Milli-WU that one second of CPU time does.
    pub milli_wu_per_cpu_second: u64,
    /// What rendered it: where a session may choose its device, the one it chose.
    pub device: Device,
}

impl Measurement {
    /// What an offer says of so many threads: this engine's speed in thousandths of WU per second.
    pub const fn milli_wu_per_second(&self, threads: u32) -> u64 {
        self.milli_wu_per_cpu_second.saturating_mul(threads as u64)
    }
}

/// The means to measure one engine.
struct Measuring<'a> {
    engine: &'a dyn Engine,
    /// Where the measurement is kept.
    kept: PathBuf,
    /// A folder of this measurement's own for scratch files.
    folder: PathBuf,
    limits: SessionLimits,
}

/// This machine's own comparison class for an engine, as far as it was measured.
pub fn own_class(services: &Services, name: &str, version: &str) -> ComparisonClass {
    let engines = &services.engines;
    let engine = engines.exact(name, version);
    let kept = engine.and_then(|engine| kept(engines, engine.as_ref(), Device::Cpu));
    kept.map_or(ComparisonClass(Default::default()), |measured| measured.class)
}

fn read_kept(file: &Path) -> Option<Measurement> {
    std::fs::read(file)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
}

/// What is kept of an engine on a device, as far as it was measured.
pub fn kept(engines: &Engines, engine: &dyn Engine, device: Device) -> Option<Measurement> {
    read_kept(&kept_file(engines, engine, device))
}

/// This machine's measurement for one engine and device: kept, or made now.
pub async fn measure(services: &Services, engine: &dyn Engine, device: Device) -> anyhow::Result<Measurement> {
    let kept = kept_file(&services.engines, engine, device);
    // Named like what is kept, which holds engine, version and device; only one at a time is at it.
    let name = kept.file_stem().map(PathBuf::from).unwrap_or_default();
    let measuring = Measuring {
        engine,
        folder: services.folder("probe").join(name),
        limits: SessionLimits {
            device,
            ..services.local_limits()
        },
        kept,
    };
    measuring.once(services.engines.measuring()).await
}

/// Renders an engine's probe once on one thread and keeps nothing. `folder` is for scratch files, and gone afterwards.
///
/// # Errors
/// The engine has no probe, does not render it, or is too slow.
pub async fn probe(engine: &dyn Engine, folder: &Path, limits: &SessionLimits) -> anyhow::Result<Measurement> {
    // A killed node leaves its scratch files.
    let _ = std::fs::remove_dir_all(folder);
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let measured = tokio::time::timeout(PROBE_TIME_MAX, render(engine, folder, limits)).await;
    // Whatever came of it, the scratch files are of no more use.
    let _ = std::fs::remove_dir_all(folder);
    measured.map_err(|_| anyhow!("the probe was not rendered in {} s", PROBE_TIME_MAX.as_secs()))?
}

async fn render(engine: &dyn Engine, folder: &Path, limits: &SessionLimits) -> anyhow::Result<Measurement> {
    let probe = ProbeScene::of(engine.name()).context("this engine has no published probe")?;
    std::fs::write(folder.join(probe.file_name), probe.bytes)?;
    let scratch = folder.join("out");
    std::fs::create_dir_all(&scratch)?;
    let request = SessionRequest {
        purpose: SessionPurpose::Rendering,
        scene: format!("{SCENE_ROOT}/{}", probe.file_name),
        files: vec![SceneFile {
            host: folder.to_owned(),
            inside: SCENE_ROOT.into(),
        }],
        settings: probe.settings(),
        scratch,
        limits: SessionLimits {
            threads: 1,
            ..limits.clone()
        },
    };
    let mut session = engine.open(request).await?;
    let task = RenderRequest {
        task: probe.task(),
        padding: 0,
        play_from: None,
    };
    let result = session.render(&task, &mut |_| {}).await?;
    let device = session.device();
    session.close().await;
    let tile = probe.resolution.whole();
    let measured = tokio::task::spawn_blocking(move || pixels::measure_file(&result.picture, tile, tile)).await??;
    let millis = result.cpu.millis.max(1);
    Ok(Measurement {
        class: ComparisonClass(measured.commitment),
        milli_wu_per_cpu_second: (probe.work.milli_wu * 1000 / millis).max(1),
        device,
    })
}

impl Measuring<'_> {
    /// Renders the probe, unless another role has kept its measurement meanwhile.
    async fn once(&self, turns: &Turns) -> anyhow::Result<Measurement> {
        if let Some(measured) = read_kept(&self.kept) {
            return Ok(measured);
        }
        let turn = turns.at(&self.kept);
        let _held = turn.lock().await;
        if let Some(measured) = read_kept(&self.kept) {
            return Ok(measured);
        }
        let measured = probe(self.engine, &self.folder, &self.limits).await?;
        self.keep(&measured)?;
        Ok(measured)
    }

    /// Renamed into place: several nodes of one user may measure at once.
    fn keep(&self, measured: &Measurement) -> anyhow::Result<()> {
        if let Some(parent) = self.kept.parent() {
            std::fs::create_dir_all(parent)?;
        }
        let fresh = self.kept.with_extension(format!("{}.tmp", std::process::id()));
        std::fs::write(&fresh, serde_json::to_vec(measured)?)?;
        std::fs::rename(&fresh, &self.kept)?;
        Ok(())
    }
}

/// One file per engine version, processor and device, shared by all nodes of this user.
fn kept_file(engines: &Engines, engine: &dyn Engine, device: Device) -> PathBuf {
    let processor = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let identity: String = processor
        .lines()
        .filter(|line| line.starts_with("model name") || line.starts_with("flags"))
        .take(2)
        .collect();
    let machine = keccak256(format!("{identity}{device:?}"));
    let name = format!(
        "{}-{}-{}.json",
        engine.name(),
        engine.version(),
        &machine.to_string()[2..14]
    );
    engines.store().folder().join("probes").join(name)
}

#[cfg(test)]
mod tests;
