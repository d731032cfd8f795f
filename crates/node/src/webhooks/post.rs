//! One try at a delivery: a signed POST that goes where it was checked to go, and nowhere further.

use super::{hook::Hook, message};
use crate::{
    events::Told,
    reach::{Checked, Reach, lookup_of_system},
};
use rayswarm_model::UnixMillis;
use reqwest::{Client, header, redirect::Policy};
use std::time::Duration;

/// A receiver that needs longer should take the delivery and work afterwards.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends deliveries.
pub struct Poster(Client);

/// Nobody has answered.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    /// The delivery could not be signed.
    #[error("the webhook's secret cannot sign; remove the webhook and make it anew")]
    Secret,
    /// The request failed.
    #[error("the delivery has no answer")]
    Unanswered(#[source] reqwest::Error),
}

impl Poster {
    /// Gets ready. No proxy and no redirect: both would go where nobody has looked. No connection is kept: each
    /// delivery checks anew where its name leads.
    pub fn new() -> Result<Self, reqwest::Error> {
        // Built without a TLS provider of its own (iroh's choice for the whole program); an error means one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Client::builder()
            .no_proxy()
            .redirect(Policy::none())
            .dns_resolver(Checked::new(Reach::PublicOrNamedSelf, lookup_of_system()))
            .pool_max_idle_per_host(0)
            .timeout(TIMEOUT)
            .user_agent(concat!("rayswarm/", env!("CARGO_PKG_VERSION")))
            .build()
            .map(Self)
    }

    /// Tries once; gives the status of the answer. What else is answered is not read.
    pub async fn post(&self, hook: &Hook, told: &Told, body: &str, now: UnixMillis) -> Result<u16, PostError> {
        let signature = message::signature(&hook.secret, now.seconds_floor(), body).map_err(|_| PostError::Secret)?;
        let answer = self
            .0
            .post(&hook.url)
            .header(header::CONTENT_TYPE, "application/json")
            .header("Rayswarm-Event", told.name)
            .header("Rayswarm-Delivery", told.id.to_string())
            .header("Rayswarm-Signature", signature)
            .body(body.to_owned())
            .send()
            .await;
        // Addresses of webhooks are often secrets themselves, and errors go to the log.
        let answer = answer.map_err(|error| PostError::Unanswered(error.without_url()))?;
        Ok(answer.status().as_u16())
    }
}
