//! Whether an invitation is accepted: can this machine do it, is it paid, and is the money really there.

use crate::{requestor::refusal::chain, services::Services};
use rayswarm_engines::{Engine, SessionLimits};
use rayswarm_model::{UnixMillis, WorkPrice};
use rayswarm_network::work::JobInvite;
use rayswarm_settlement::JobState;
use std::{sync::Arc, time::Duration};

/// What the owner of this provider gives and asks.
#[derive(Clone, Debug)]
pub struct OwnTerms {
    /// Limits of each session.
    pub limits: SessionLimits,
    /// The least it works for.
    pub price: WorkPrice,
}

/// The answer to an invitation, with the engine that will do the job.
pub enum Admission {
    /// Yes.
    Accepted(Arc<dyn Engine>),
    /// No, and why.
    Refused(String),
}

/// Less time than this before the deadline is not enough to be paid.
const TIME_LEFT_MIN: Duration = Duration::from_secs(30);

impl OwnTerms {
    /// Judges an invitation. Looks at the escrow: an invitation without money behind it is refused.
    pub async fn judge(&self, services: &Services, invite: &JobInvite) -> Admission {
        if let Some(reason) = self.unsuitable(services, invite) {
            return Admission::Refused(reason);
        }
        let Some(engine) = services.engines.exact(&invite.engine, &invite.engine_version) else {
            return Admission::Refused(format!(
                "{} {} is not installed here",
                invite.engine, invite.engine_version
            ));
        };
        match services.settlement.job(invite.job).await {
            Ok(job) if job.state != JobState::Open => {
                Admission::Refused("the job has no open escrow on this chain".into())
            }
            Ok(job) if job.requestor != invite.requestor => Admission::Refused(format!(
                "the escrow belongs to {}, not {}",
                job.requestor, invite.requestor
            )),
            Ok(_) => Admission::Accepted(engine),
            Err(error) => Admission::Refused(format!("the escrow cannot be read: {}", chain(&error))),
        }
    }

    fn unsuitable(&self, services: &Services, invite: &JobInvite) -> Option<String> {
        let domain = services.domain;
        if invite.chain_id != domain.chain_id || invite.escrow != domain.escrow {
            return Some(format!(
                "it is paid on chain {} at {}, not here",
                invite.chain_id, invite.escrow
            ));
        }
        if invite.price < self.price {
            return Some(format!(
                "it pays {} per WU-hour, this node asks {}",
                invite.price.per_wu_hour, self.price.per_wu_hour
            ));
        }
        if invite.memory > self.limits.memory {
            return Some(format!(
                "it needs {}, a session here may use {}",
                invite.memory, self.limits.memory
            ));
        }
        let now: UnixMillis = crate::clock::now();
        (invite.deadline < now.after(TIME_LEFT_MIN)).then(|| "its deadline is too near".into())
    }
}
