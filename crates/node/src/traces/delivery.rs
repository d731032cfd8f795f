//! The way to the collector: one POST for some hundreds of spans, and one complaint when it leads nowhere.

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::{Client, Url, redirect::Policy};
use std::{
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};
use tokio::runtime::Handle;

/// A collector that needs longer is not waited for.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Of an answer no more is read: it says how many spans were not taken.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// Sends spans from the SDK's own thread over the node's runtime.
#[derive(Debug)]
pub struct Delivery {
    client: Client,
    runtime: Handle,
    /// The collector as people are told of it.
    host: String,
    has_complained: AtomicBool,
}

/// The collector has not taken what was sent.
#[derive(Debug, thiserror::Error)]
enum DeliveryError {
    #[error("the collector cannot be reached")]
    Unreachable(#[source] reqwest::Error),
    #[error("the collector answers {0}")]
    Refused(reqwest::StatusCode),
    #[error("the node stops")]
    Stopping,
}

impl Delivery {
    /// To a collector. Only inside a runtime.
    pub fn to(url: &Url) -> Result<Self, reqwest::Error> {
        // Built without a TLS provider of its own (iroh's choice for the whole program); an error means one is there.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .timeout(TIMEOUT)
            .redirect(Policy::none())
            .user_agent(concat!("rayswarm/", env!("CARGO_PKG_VERSION")));
        let host = url.host_str().unwrap_or_default();
        let client = match host {
            // A proxy configured for the internet cannot reach this machine.
            "localhost" | "127.0.0.1" | "[::1]" => client.no_proxy(),
            _ => client,
        };
        Ok(Self {
            client: client.build()?,
            runtime: Handle::current(),
            host: host.into(),
            has_complained: AtomicBool::new(false),
        })
    }

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let request = reqwest::Request::try_from(request)?;
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { exchange(&client, request).await });
        let answer = sent.await.unwrap_or(Err(DeliveryError::Stopping));
        match &answer {
            Ok(answer) if answer.status().is_success() => {}
            Ok(answer) => self.complain(&DeliveryError::Refused(answer.status())),
            Err(error) => self.complain(error),
        }
        Ok(answer?)
    }

    /// Once: a collector that is away stays so for hours, and is asked every few seconds.
    fn complain(&self, error: &DeliveryError) {
        if !self.has_complained.swap(true, Ordering::Relaxed) {
            let error = crate::requestor::refusal::chain(error);
            tracing::warn!(host = %self.host, error, "traces are not taken; the node goes on without, and says so once");
        }
    }
}

impl HttpClient for Delivery {
    fn send_bytes<'delivery, 'sending>(
        &'delivery self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'sending>>
    where
        'delivery: 'sending,
        Self: 'sending,
    {
        Box::pin(self.send(request))
    }
}

async fn exchange(client: &Client, request: reqwest::Request) -> Result<Response<Bytes>, DeliveryError> {
    // An address may hold a password, and errors go to the log.
    let unreachable = |error: reqwest::Error| DeliveryError::Unreachable(error.without_url());
    let mut answer = client.execute(request).await.map_err(unreachable)?;
    let mut body = Vec::new();
    while let Some(piece) = answer.chunk().await.map_err(unreachable)? {
        let room = ANSWER_BYTES_MAX - body.len();
        body.extend(piece.into_iter().take(room));
        if body.len() == ANSWER_BYTES_MAX {
            break;
        }
    }
    let mut response = Response::new(body.into());
    *response.status_mut() = answer.status();
    *response.headers_mut() = std::mem::take(answer.headers_mut());
    Ok(response)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[tokio::test]
    async fn a_collector_that_is_away_is_told_of_once() {
        let gone = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/v1/traces", gone.local_addr().unwrap());
        drop(gone);
        let delivery = Delivery::to(&url.parse().unwrap()).unwrap();
        assert!(!delivery.has_complained.load(Ordering::Relaxed));
        for _ in 0..2 {
            let request = Request::post(&url).body(Bytes::from_static(b"spans")).unwrap();
            assert!(delivery.send(request).await.is_err());
            assert!(delivery.has_complained.load(Ordering::Relaxed));
        }
    }
}
