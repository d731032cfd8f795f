//! Measuring this machine: every engine's probe picture gives its comparison class, and its time the speed. Kept beside
//! the engine, so that the next start takes no time.

use crate::{clock, config::ProviderConfig, pixels, services::Services};
use anyhow::Context;
use rayswarm_engines::{Engine, ProbeScene, RenderRequest, SceneFile, SessionLimits, SessionRequest};
use rayswarm_model::{
    ComparisonClass, Offer, UnixMillis, canonical, keccak256, manifest::SCENE_ROOT, offer::EngineOffer,
    settings::Device,
};
use rayswarm_network::SignedOffer;
use rayswarm_settlement::{ProviderOffer, ask_faucet};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What the probe of one engine showed on this machine.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Measurement {
    /// Hash of the probe's pixels.
    pub class: ComparisonClass,
    /// Milli-WU that one second of CPU time does.
    pub milli_wu_per_cpu_second: u64,
}

/// Measures every engine, makes the offer, registers it on chain and tells it to peers.
pub async fn offer(services: &Services, settings: &ProviderConfig, limits: &SessionLimits) -> anyhow::Result<()> {
    let mut engines = Vec::new();
    let mut benchmark_milli_wu = 0;
    for engine in services.engines.installed() {
        let measured = measure(services, engine.as_ref(), limits.device).await;
        let measured =
            measured.with_context(|| format!("{} {} cannot be measured", engine.name(), engine.version()))?;
        if engines.is_empty() {
            benchmark_milli_wu = measured
                .milli_wu_per_cpu_second
                .saturating_mul(u64::from(limits.threads));
        }
        let (name, version) = (engine.name().into(), engine.version().into());
        engines.push(EngineOffer {
            name,
            version,
            class: measured.class,
        });
    }
    anyhow::ensure!(
        !engines.is_empty(),
        "no engine is installed; run `rayswarm engines install blender`"
    );
    let offer = Offer {
        node: services.network.node_id(),
        account: services.identity.account.address(),
        engines,
        threads: limits.threads,
        memory: limits.memory,
        benchmark_milli_wu,
        price: settings.price,
        device: limits.device,
        sandboxed: true,
        issued_at: clock::now(),
    };
    register(services, &offer).await?;
    let hash = keccak256(canonical::encode("offer", &offer)?);
    let signature = services.identity.account.sign_digest(&hash).as_bytes().to_vec();
    services.network.set_offer(Some(SignedOffer { offer, signature }));
    Ok(())
}

/// This machine's own comparison class for an engine, as far as it was measured.
pub fn own_class(services: &Services, name: &str, version: &str) -> ComparisonClass {
    let engine = services.engines.exact(name, version);
    let kept = engine.and_then(|engine| read_kept(&kept_file(services, engine.as_ref(), Device::Cpu)));
    kept.map_or(ComparisonClass(Default::default()), |measured| measured.class)
}

fn read_kept(file: &Path) -> Option<Measurement> {
    std::fs::read(file)
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok())
}

/// This machine's measurement for one engine and device: kept, or made now.
pub async fn measure(services: &Services, engine: &dyn Engine, device: Device) -> anyhow::Result<Measurement> {
    let kept = kept_file(services, engine, device);
    if let Some(measured) = read_kept(&kept) {
        return Ok(measured);
    }
    let folder = services.folder("probe").join(engine.name());
    std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let measured = render_probe(engine, device, &folder, services).await;
    // Whatever came of it, the scratch files are of no more use.
    let _ = std::fs::remove_dir_all(&folder);
    let measured = measured?;
    if let Some(parent) = kept.parent() {
        std::fs::create_dir_all(parent)?;
    }
    // Renamed into place: several nodes of one user may measure at once.
    let fresh = kept.with_extension(format!("{}.tmp", std::process::id()));
    std::fs::write(&fresh, serde_json::to_vec(&measured)?)?;
    std::fs::rename(&fresh, &kept)?;
    Ok(measured)
}

async fn render_probe(
    engine: &dyn Engine,
    device: Device,
    folder: &Path,
    services: &Services,
) -> anyhow::Result<Measurement> {
    let probe = ProbeScene::of(engine.name()).context("this engine has no published probe")?;
    std::fs::write(folder.join(probe.file_name), probe.bytes)?;
    let scratch = folder.join("out");
    std::fs::create_dir_all(&scratch)?;
    let request = SessionRequest {
        scene: format!("{SCENE_ROOT}/{}", probe.file_name),
        files: vec![SceneFile {
            host: folder.into(),
            inside: SCENE_ROOT.into(),
        }],
        settings: probe.settings(),
        scratch,
        limits: SessionLimits {
            threads: 1,
            device,
            ..services.local_limits()
        },
    };
    let mut session = engine.open(request).await?;
    let task = RenderRequest {
        task: probe.task(),
        padding: 0,
        play_from: None,
    };
    let result = session.render(&task, &mut |_| {}).await?;
    session.close().await;
    let tile = probe.resolution.whole();
    let measured = tokio::task::spawn_blocking(move || pixels::measure_file(&result.picture, tile, tile)).await??;
    let millis = result.cpu.millis.max(1);
    Ok(Measurement {
        class: ComparisonClass(measured.commitment),
        milli_wu_per_cpu_second: (probe.work.milli_wu * 1000 / millis).max(1),
    })
}

/// One file per engine version, processor and device, shared by all nodes of this user.
fn kept_file(services: &Services, engine: &dyn Engine, device: Device) -> PathBuf {
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
    services.engines.store().folder().join("probes").join(name)
}

/// On chain, so that a requestor need not be told who there is. A chain that does not take it does not stop the role:
/// peers are told directly.
async fn register(services: &Services, offer: &Offer) -> anyhow::Result<()> {
    let settlement = &services.settlement;
    if let Err(error) = ask_faucet(&services.rpc_url, offer.account).await {
        tracing::debug!(%error, "no faucet; fees must come from the account itself");
    }
    // Without its time, so that a restart with the same terms sends nothing.
    let timeless = Offer {
        issued_at: UnixMillis(0),
        ..offer.clone()
    };
    let row = ProviderOffer {
        price: offer.price,
        benchmark_milli_wu: offer.benchmark_milli_wu,
        memory_mib: u32::try_from(offer.memory.mebibytes_floor()).unwrap_or(u32::MAX),
        offer_hash: canonical::document_hash("offer", &timeless)?,
        uri: String::new(),
    };
    if let Err(error) = settlement.register_provider(offer.node, &row).await {
        tracing::warn!(%error, "the offer is not on chain; requestors still learn of it from peers");
    }
    Ok(())
}
