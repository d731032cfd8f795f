//! What this node says of results to providers that ask: the word that was sent when it was decided may have been lost.

use super::Requestor;
use crate::requestor::refusal::chain;
use rayswarm_model::{AttemptId, JobId, NodeId};
use rayswarm_network::juries::{BriefAnswer, ClaimedResults, JuryEvent, NotNeeded};
use tokio::sync::mpsc;

/// Answers until the node stops. Whoever has gone asks again.
pub async fn answer(requestor: Requestor, mut questions: mpsc::Receiver<JuryEvent>) {
    let stop = requestor.services.stop.clone();
    while let Some(Some(question)) = stop.run_until_cancelled(questions.recv()).await {
        match question {
            JuryEvent::NotNeeded {
                from,
                job,
                attempts,
                reply,
            } => {
                let attempts = not_needed(&requestor, from, job, attempts).await;
                let _ = reply.send(NotNeeded { attempts });
            }
            JuryEvent::Brief { reply, .. } => {
                let reason = "jurors hear parties at the endpoint of their provider role".into();
                let _ = reply.send(BriefAnswer::Refused { reason });
            }
            JuryEvent::Claimed { reply, .. } => {
                let _ = reply.send(ClaimedResults { document: None });
            }
        }
    }
}

/// Nothing, where the job is not this node's: what it has not decided it says nothing of.
async fn not_needed(requestor: &Requestor, from: NodeId, job: JobId, attempts: Vec<AttemptId>) -> Vec<AttemptId> {
    let requestor = requestor.clone();
    let looking = tokio::task::spawn_blocking(move || {
        requestor.on_board(job, |board| {
            let is_not_needed = |attempt: &AttemptId| board.is_not_needed(from, *attempt);
            attempts.into_iter().filter(is_not_needed).collect()
        })
    });
    match looking.await {
        Ok(Ok(attempts)) => attempts,
        Ok(Err(problem)) => {
            tracing::debug!(job = %job.short(), from = %from.short(), detail = problem.detail, "nothing is said of results");
            Vec::new()
        }
        Err(error) => {
            tracing::error!(error = %chain(&error), "what is said of results could not be looked up");
            Vec::new()
        }
    }
}
