//! Before anything is claimed the requestor is asked which results it does not need: the word that said so may have been lost
//! when one of the two was away.

use crate::{
    journal::{DeliveredState, Journal, JournalError},
    requestor::refusal::chain,
};
use rayswarm_model::JobId;
use rayswarm_network::Network;
use std::time::Duration;

/// Asks about the results of a job that nothing was heard of, and notes the answer. A requestor that is away is not waited for
/// longer than `patience`.
pub(super) async fn ask(
    network: &Network,
    journal: &Journal,
    job: JobId,
    patience: Duration,
) -> Result<(), JournalError> {
    let Some(requestor) = journal.worked_job(job)?.and_then(|worked| worked.node) else {
        return Ok(());
    };
    let delivered = journal.delivered(job)?;
    let unjudged = delivered
        .iter()
        .filter(|result| result.state == DeliveredState::Unjudged)
        .map(|result| result.attempt)
        .collect::<Vec<_>>();
    if unjudged.is_empty() {
        return Ok(());
    }
    let address = network.address_of(requestor);
    let asking = network.not_needed(&address, job, unjudged.clone());
    match tokio::time::timeout(patience, asking).await {
        Ok(Ok(mut attempts)) => {
            attempts.retain(|attempt| unjudged.contains(attempt));
            for attempt in attempts {
                journal.judge_delivered(requestor, job, attempt, DeliveredState::NotNeeded)?;
            }
        }
        Ok(Err(error)) => {
            tracing::info!(job = %job.short(), error = %chain(&error), "the requestor does not say which results it does not need");
        }
        Err(_) => {
            tracing::info!(job = %job.short(), "the requestor did not say in time which results it does not need");
        }
    }
    Ok(())
}
