//! The stake of this node's account, kept at what its owner wants: more is bonded, less starts its way out, and what has left
//! is fetched.

use crate::{
    requestor::refusal::chain,
    rounds::{Rounds, SaidOnce},
    services::Services,
};
use rayswarm_model::Amount;
use rayswarm_settlement::SettlementError;
use std::{sync::Arc, time::Duration};

/// How often the chain is asked.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Keeps `wanted` at stake until the node stops.
pub async fn keep(services: Arc<Services>, wanted: Amount) {
    let mut said = SaidOnce::default();
    let mut rounds = Rounds::every(&services, LOOK_EVERY);
    while rounds.next().await {
        let Some(looked) = rounds.work(look(&services, wanted)).await else {
            return;
        };
        if let Some(error) = said.hear(&looked) {
            tracing::warn!(%wanted, error, "the stake is not what it should be; trying again");
        }
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
