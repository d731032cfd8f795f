//! What was asked for before the requestor was killed and may never have been answered: asked again after its restart.

use crate::{
    attempt::{AttemptState, Purpose},
    effect::Effect,
    farm::{Farm, Phase},
    reason::Reason,
};

/// Draws that did not fall, judgements that were not given, and the end of a job that was over. An answer that comes
/// twice changes nothing.
pub(crate) fn outstanding(farm: &Farm, effects: &mut Vec<Effect>) {
    let delivered = farm.attempts.iter().filter(|a| a.state == AttemptState::Delivered);
    for attempt in delivered {
        let reason = Reason::BytesArrived;
        effects.push(match attempt.purpose {
            Purpose::Audit { of, .. } => Effect::JudgeAudit {
                attempt: attempt.id,
                of,
                reason,
            },
            Purpose::Render => Effect::DrawAudit {
                node: attempt.node,
                attempt: attempt.id,
                task: attempt.task,
                // The draw follows the delivery at once, so this result was the provider's last.
                results_before: farm
                    .nodes
                    .get(&attempt.node)
                    .map_or(0, |node| node.results.saturating_sub(1)),
                reason,
            },
        });
    }
    let paid = farm.paid;
    match &farm.phase {
        Phase::Complete => effects.push(Effect::JobComplete {
            paid,
            reason: Reason::AllVerified,
        }),
        Phase::Failed { reason } => effects.push(Effect::JobFailed {
            paid,
            reason: reason.clone(),
        }),
        Phase::Running | Phase::Ending { .. } => {}
    }
}
