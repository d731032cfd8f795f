//! The stake of this node's account, kept at what its owner wants: more is bonded, less starts its way out, and what has left
//! is fetched.

use crate::{requestor::refusal::chain, services::Services};
use rayswarm_model::Amount;
use rayswarm_settlement::SettlementError;
use std::{sync::Arc, time::Duration};
use tokio::time::MissedTickBehavior;

/// How often the chain is asked.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Keeps `wanted` at stake until the node stops.
pub async fn keep(services: Arc<Services>, wanted: Amount) {
    let mut complaint = None;
    let mut ticks = tokio::time::interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = services.stop.cancelled() => return,
            _ = ticks.tick() => {}
        }
        let looked = tokio::select! {
            () = services.stop.cancelled() => return,
            looked = look(&services, wanted) => looked,
        };
        let found = looked.err().map(|error| chain(&error));
        if let Some(error) = found.as_ref().filter(|_| complaint != found) {
            tracing::warn!(%wanted, error, "the stake is not what it should be; trying again");
        }
        complaint = found;
    }
}

async fn look(services: &Services, wanted: Amount) -> Result<(), SettlementError> {
    let settlement = &services.settlement;
    if !settlement.bring_stake_to(wanted).await?.is_empty() {
        tracing::info!(%wanted, "the stake was changed");
    }
    if let Some(mined) = settlement.withdraw_stake().await? {
        tracing::info!(tx = %mined.tx, "fetched stake that was on its way out");
    }
    match settlement.unjail(settlement.account()).await {
        Ok(Some(mined)) => tracing::info!(tx = %mined.tx, "back among the jurors after the jail"),
        Ok(None) => {}
        Err(error) => tracing::debug!(error = %chain(&error), "still in jail"),
    }
    Ok(())
}
