//! One webhook: what it wants and how its deliveries go.

use super::{
    states::{JobStates, Standing},
    target,
};
use crate::{
    events::Told,
    identity,
    requestor::refusal::{chain, failed},
};
use rayswarm_api::{
    Problem, Time,
    access::{MadeWebhook, NewWebhook, WebhookEvent, WebhookView},
};
use rayswarm_model::UnixMillis;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Deliveries given up in a row after which a webhook is switched off: half a day of nobody answering.
pub const FAILURES_MAX: u32 = 50;
/// Bytes of an id: enough that no two of a node's webhooks share one.
const ID_BYTES: usize = 8;

/// One webhook. Has no `Debug`: secrets are never printed.
#[derive(Clone, Serialize, Deserialize)]
pub struct Hook {
    /// Its id.
    pub id: String,
    /// Where events are posted.
    pub url: String,
    /// Which events.
    pub events: BTreeSet<WebhookEvent>,
    /// What its deliveries are signed with.
    pub secret: String,
    /// When it was made.
    pub created_at: Time,
    /// HTTP status of the last try; none when nobody answered.
    pub last_status: Option<u16>,
    /// Deliveries given up since the last that arrived.
    pub failures: u32,
    /// The last event that was delivered or given up.
    pub last_event: Option<u64>,
    /// Where jobs stood when it was last told of them.
    pub job_states: JobStates,
}

/// How a delivery ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was taken.
    Delivered,
    /// It was not, however often it was tried.
    GivenUp,
}

impl Hook {
    /// A new one with a secret of its own, if it may be.
    pub fn new(wanted: NewWebhook, now: UnixMillis) -> Result<Self, Problem> {
        let url = target::check_url(&wanted.url)?;
        let no_entropy = |error: rand::rand_core::OsError| failed("no_entropy", chain(&error));
        let id = identity::random().map_err(no_entropy)?;
        let secret = identity::random().map_err(no_entropy)?;
        Ok(Self {
            id: hex(&id[..ID_BYTES]),
            url: url.into(),
            events: wanted.events.into_iter().collect(),
            secret: hex(&secret),
            created_at: now.into(),
            last_status: None,
            failures: 0,
            last_event: None,
            job_states: JobStates::default(),
        })
    }

    /// Whether it is to be told of this.
    pub fn wants(&self, told: &Told) -> bool {
        let asked = self.events.iter().any(|event| event.to_string() == told.name);
        asked && Standing::of(told).is_none_or(|standing| self.job_states.is_news(&standing))
    }

    /// Notes the end of a delivery. What was given up is still news.
    pub fn settle(&mut self, told: &Told, outcome: Outcome) {
        self.last_event = Some(told.id);
        match outcome {
            Outcome::GivenUp => self.failures = self.failures.saturating_add(1),
            Outcome::Delivered => {
                self.failures = 0;
                if let Some(standing) = Standing::of(told) {
                    self.job_states.note(standing);
                }
            }
        }
    }

    /// Whether it has failed so often that nothing is sent to it any more.
    pub const fn is_off(&self) -> bool {
        self.failures >= FAILURES_MAX
    }

    /// It as others see it.
    pub fn view(&self) -> WebhookView {
        WebhookView {
            id: self.id.clone(),
            url: self.url.clone(),
            events: self.events.iter().copied().collect(),
            created_at: self.created_at,
            last_status: self.last_status,
            failures: self.failures,
        }
    }

    /// It with its secret, for whoever made it.
    pub fn made(&self) -> MadeWebhook {
        MadeWebhook {
            view: self.view(),
            secret: self.secret.clone(),
        }
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use rayswarm_model::JobId;
    use serde_json::json;

    fn hook(events: &[WebhookEvent]) -> Hook {
        let wanted = NewWebhook {
            url: "https://farm.example/told".into(),
            events: events.to_vec(),
        };
        Hook::new(wanted, UnixMillis(1)).unwrap()
    }

    fn job(id: u64, state: &str) -> Told {
        let job = JobId::from_bytes([1; 32]);
        Told {
            id,
            name: "job",
            job: Some(job),
            data: json!({ "id": job, "state": state, "progress_permille": id }).to_string(),
        }
    }

    #[test]
    fn progress_of_a_job_is_told_once_per_state() {
        let mut hook = hook(&[WebhookEvent::Job]);
        assert!(hook.wants(&job(1, "rendering")));
        hook.settle(&job(1, "rendering"), Outcome::Delivered);
        assert!(!hook.wants(&job(2, "rendering")));
        assert!(hook.wants(&job(3, "settling")));
        hook.settle(&job(3, "settling"), Outcome::GivenUp);
        assert!(hook.wants(&job(4, "settling")));
        assert_eq!(hook.last_event, Some(3));
    }

    #[test]
    fn only_what_was_asked_for_is_told() {
        let block = Told {
            id: 1,
            name: "block",
            job: None,
            data: "{}".into(),
        };
        assert!(!hook(&[WebhookEvent::Job]).wants(&block));
        assert!(hook(&[WebhookEvent::Block, WebhookEvent::Job]).wants(&block));
        assert!(!hook(&[WebhookEvent::Block]).wants(&job(1, "done")));
    }

    #[test]
    fn fifty_failures_in_a_row_switch_it_off() {
        let mut hook = hook(&[WebhookEvent::Job]);
        for id in 1..50 {
            hook.settle(&job(id, "done"), Outcome::GivenUp);
        }
        assert!(!hook.is_off());
        let mut recovered = hook.clone();
        recovered.settle(&job(50, "done"), Outcome::Delivered);
        assert_eq!(recovered.view().failures, 0);
        hook.settle(&job(50, "done"), Outcome::GivenUp);
        assert!(hook.is_off());
    }
}
