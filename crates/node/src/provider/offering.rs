//! The offer of this machine: measured, signed, on chain and told to peers; and told anew when its price changes.

use super::measure;
use crate::{clock, requestor::refusal::chain, services::Services};
use anyhow::Context;
use rayswarm_engines::{SessionLimits, commands::session::architecture};
use rayswarm_model::{
    B256, ComparisonClass, Offer, UnixMillis, canonical, keccak256,
    offer::{CommandsOffer, EngineOffer},
    signed::endpoint_account_text,
};
use rayswarm_network::SignedOffer;
use rayswarm_settlement::{ProviderOffer, TrustTier, ask_faucet};
use std::sync::Arc;

/// Measures every engine, makes the offer, registers it on chain and tells it to peers.
pub async fn offer(services: &Services, limits: &SessionLimits) -> anyhow::Result<Offer> {
    let mut engines = Vec::new();
    // Those of the first engine, which is the one most jobs need.
    let (mut benchmark_milli_wu, mut device) = (0, limits.device);
    for engine in services.engines.installed() {
        let measured = measure::measure(services, engine.as_ref(), limits.device).await;
        let measured =
            measured.with_context(|| format!("{} {} cannot be measured", engine.name(), engine.version()))?;
        if engines.is_empty() {
            benchmark_milli_wu = measured.milli_wu_per_second(limits.threads);
            device = measured.device;
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
        price: services.switch.price(),
        device,
        sandboxed: true,
        commands: Some(commands_offer(services)),
        issued_at: clock::now(),
    };
    if let Err(error) = ask_faucet(&services.rpc_url, offer.account).await {
        tracing::debug!(%error, "no faucet; fees must come from the account itself");
    }
    register(services, &offer).await?;
    services.network.set_offer(Some(sign(services, offer.clone())?));
    Ok(offer)
}

/// Whose commands are run is told when a session is ordered.
fn commands_offer(services: &Services) -> CommandsOffer {
    CommandsOffer {
        sessions: u32::try_from(services.config.command_sessions()).unwrap_or(u32::MAX),
        architecture: architecture().into(),
    }
}

/// Tells the offer anew whenever another price is asked, until the node stops.
pub async fn keep_priced(services: Arc<Services>, mut offer: Offer) {
    loop {
        let price = tokio::select! {
            () = services.stop.cancelled() => return,
            price = services.switch.price_other_than(offer.price) => price,
        };
        (offer.price, offer.issued_at) = (price, clock::now());
        match tell_anew(&services, &offer).await {
            Ok(()) => tracing::info!(per_wu_hour = %price.per_wu_hour, "another price is asked"),
            Err(error) => tracing::error!("the new price is not told: {error:#}"),
        }
    }
}

/// Peers first: they are who invites.
async fn tell_anew(services: &Services, offer: &Offer) -> anyhow::Result<()> {
    services.network.set_offer(Some(sign(services, offer.clone())?));
    services.network.refresh_peers().await;
    register(services, offer).await
}

fn sign(services: &Services, offer: Offer) -> anyhow::Result<SignedOffer> {
    let hash = keccak256(canonical::encode("offer", &offer)?);
    let signature = services.identity.account.sign_digest(&hash).as_bytes().to_vec();
    Ok(SignedOffer { offer, signature })
}

/// On chain, so that a requestor need not be told who there is. A chain that does not take it does not stop the role:
/// peers are told directly.
async fn register(services: &Services, offer: &Offer) -> anyhow::Result<()> {
    // Without its time, so that a restart with the same terms sends nothing.
    let timeless = Offer {
        issued_at: UnixMillis(0),
        ..offer.clone()
    };
    let settlement = &services.settlement;
    let (registry, account) = (settlement.contracts().registry, settlement.account());
    let signature = services
        .network
        .sign(&endpoint_account_text(settlement.chain_id(), registry, account));
    let first = offer.engines.first();
    let row = ProviderOffer {
        price: offer.price,
        benchmark_milli_wu: offer.benchmark_milli_wu,
        memory_mib: u32::try_from(offer.memory.mebibytes_floor()).unwrap_or(u32::MAX),
        isa_class: isa_class(),
        trust_tier: TrustTier::Open,
        judges: services
            .config
            .provider
            .as_ref()
            .is_some_and(|provider| provider.judges),
        comparison_class: first.map_or(ComparisonClass(B256::ZERO), |engine| engine.class),
        engines_hash: canonical::document_hash("engines", &offer.engines)?,
        offer_hash: canonical::document_hash("offer", &timeless)?,
        uri: String::new(),
    };
    if let Err(error) = settlement.register_provider(offer.node, signature, &row).await {
        tracing::warn!(error = %chain(&error), "the offer is not on chain; requestors still learn of it from peers");
    }
    Ok(())
}

/// This processor's class, by the table of `docs/protocol/settlement.md`.
fn isa_class() -> u16 {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") {
            4
        } else if is_x86_feature_detected!("avx2") {
            3
        } else if is_x86_feature_detected!("sse4.2") {
            2
        } else {
            1
        }
    }
    #[cfg(target_arch = "aarch64")]
    {
        if std::arch::is_aarch64_feature_detected!("sve") {
            17
        } else {
            16
        }
    }
    #[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
    {
        0
    }
}
