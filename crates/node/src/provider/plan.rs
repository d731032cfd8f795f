//! The plan that the escrow pays for. Jurors hold a claim against it, so nothing that it does not have is worked on: a
//! requestor could grant by one plan and have its provider judged by another.

use super::documents::{Document, DocumentError};
use crate::services::Services;
use rayswarm_model::{B256, Plan, TaskId};
use rayswarm_network::{
    PeerAddr,
    work::{JobInvite, TaskGrant},
};
use rayswarm_verifier::claim::{self, Flaw};

/// A plan that the escrow pays for and the invitation agrees with.
#[derive(Clone, Debug)]
pub struct PaidPlan(Plan);

/// There is no such plan.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// It could not be had.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The invitation says something else.
    #[error(
        "the invitation and the plan that the escrow pays for have different {0}; the requestor must submit the job again"
    )]
    Different(&'static str),
}

/// A task was granted that the plan does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotPlanned {
    /// By its tile or its work.
    #[error("a task was granted that the plan, which the escrow pays for, does not have")]
    Flaw(#[from] Flaw),
    /// By the rest.
    #[error("task {task} was granted with another {what} than the plan has, which the escrow pays for")]
    Different {
        /// The task.
        task: TaskId,
        /// What is different.
        what: &'static str,
    },
}

impl PaidPlan {
    /// Fetches the plan of an invitation from `from`. `paid_for` is its keccak-256 by the escrow.
    pub async fn fetch(
        services: &Services,
        from: &PeerAddr,
        invite: &JobInvite,
        paid_for: B256,
    ) -> Result<Self, PlanError> {
        let document = Document {
            name: "plan",
            blob: invite.plan,
            bytes: invite.plan_bytes,
            paid_for,
        };
        Self::of(document.fetch(services, from, invite.job).await?, invite)
    }

    fn of(plan: Plan, invite: &JobInvite) -> Result<Self, PlanError> {
        let same = [
            ("engines", plan.engine == invite.engine),
            ("versions of the engine", plan.engine_version == invite.engine_version),
            ("settings", plan.settings == invite.settings),
            ("orders of frames", plan.sequential == invite.play_from.is_some()),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(PlanError::Different(what)),
            None => Ok(Self(plan)),
        }
    }

    /// Whether the plan has what was granted; of an audited task a part is enough.
    pub fn check(&self, tasks: &[TaskGrant]) -> Result<(), NotPlanned> {
        tasks.iter().try_for_each(|grant| self.check_one(grant))
    }

    fn check_one(&self, grant: &TaskGrant) -> Result<(), NotPlanned> {
        let (granted, task) = (&grant.task, grant.task.id);
        let planned = claim::planned(&self.0, task, granted.tile, granted.work)?;
        let same = [
            ("frame", granted.frame == planned.frame),
            ("slice", granted.slice == planned.slice),
            ("padding", grant.padding == self.0.tile_padding),
        ];
        match same.into_iter().find(|(_, same)| !same) {
            Some((what, _)) => Err(NotPlanned::Different { task, what }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
