//! Traces for OpenTelemetry: spans of HTTP calls, of jobs and of attempts, sent to a collector where one is configured.
//!
//! | module | holds |
//! |---|---|
//! | [`collector`] | which collector, as the environment says it |
//! | [`span`] | what one span tells, and where in which trace |
//! | [`jobs`] | the life of a job and of its attempts |
//! | [`delivery`] | the way to the collector |
//!
//! Spans wait in a bounded queue and are sent by a thread of its own: a collector that is slow, or is not there, holds
//! nothing up, and what the queue has no room for is lost.

pub mod collector;
mod delivery;
pub mod jobs;
pub mod span;
#[cfg(test)]
pub(crate) mod tests;

pub use collector::Collector;
pub use span::Span;

use delivery::Delivery;
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_otlp::{ExporterBuildError, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    resource::EnvResourceDetector,
    trace::{BatchConfig, BatchSpanProcessor, SpanProcessor},
};
use rayswarm_model::NodeId;
use std::{sync::Arc, time::Duration};

/// How long a node that stops waits for its last spans to be taken.
const FLUSH_TIME_MAX: Duration = Duration::from_secs(2);
/// How this program is called where the environment does not say otherwise.
const SERVICE: &str = "rayswarm";

/// Where spans are told. By default nowhere.
#[derive(Clone, Debug, Default)]
pub struct Traces(Option<Arc<Sender>>);

#[derive(Debug)]
struct Sender {
    processor: BatchSpanProcessor,
    scope: InstrumentationScope,
}

impl Traces {
    /// To this collector, if there is one. One that cannot be used is told of, and the node goes on without.
    pub fn open(collector: Option<&Collector>, node: NodeId) -> Self {
        let Some(collector) = collector else {
            return Self::default();
        };
        Self::to(collector, node).unwrap_or_else(|error| {
            tracing::warn!(%error, "no traces are sent");
            Self::default()
        })
    }

    /// Needs a runtime, on which it sends.
    fn to(collector: &Collector, node: NodeId) -> Result<Self, TracesError> {
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Delivery::to(&collector.url).map_err(TracesError::Client)?)
            .with_endpoint(collector.url.as_str())
            .build()
            .map_err(TracesError::Exporter)?;
        let mut processor = BatchSpanProcessor::new(exporter, BatchConfig::default());
        processor.set_resource(&resource(collector, node));
        let scope = InstrumentationScope::builder(env!("CARGO_PKG_NAME")).with_version(env!("CARGO_PKG_VERSION"));
        Ok(Self(Some(Arc::new(Sender {
            processor,
            scope: scope.build(),
        }))))
    }

    /// Whether anybody listens.
    pub const fn are_on(&self) -> bool {
        self.0.is_some()
    }

    /// Tells a span, if anybody listens. Never waits.
    pub fn tell(&self, span: impl FnOnce() -> Span) {
        if let Some(sender) = &self.0 {
            sender.processor.on_end(span().into_data(sender.scope.clone()));
        }
    }

    /// Sends what still waits, as long as that takes no longer than a person who stops a node likes to wait. Nothing is
    /// sent afterwards.
    pub async fn flush(&self) {
        self.flush_within(FLUSH_TIME_MAX).await;
    }

    async fn flush_within(&self, time_max: Duration) {
        let Some(sender) = self.0.clone() else { return };
        let flushed = tokio::task::spawn_blocking(move || sender.processor.shutdown_with_timeout(time_max));
        if let Ok(Err(error)) = flushed.await {
            tracing::debug!(%error, "the last traces were not taken");
        }
    }
}

/// Traces cannot be sent.
#[derive(Debug, thiserror::Error)]
enum TracesError {
    #[error("the client for the traces' collector cannot be made")]
    Client(#[source] reqwest::Error),
    #[error("the traces' collector cannot be used: {0}")]
    Exporter(ExporterBuildError),
}

/// Who tells. What `OTEL_RESOURCE_ATTRIBUTES` says counts more than what we say, and `OTEL_SERVICE_NAME` most.
fn resource(collector: &Collector, node: NodeId) -> Resource {
    let known = Resource::builder_empty().with_attributes([
        KeyValue::new("service.name", SERVICE),
        KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        KeyValue::new("service.instance.id", node.to_string()),
    ]);
    let known = known.with_detector(Box::new(EnvResourceDetector::new()));
    match &collector.service {
        Some(service) => known.with_service_name(service.clone()).build(),
        None => known.build(),
    }
}
