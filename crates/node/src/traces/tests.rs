//! Spans on their way to a real collector on this machine, and to one that is silent.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::traces::span::{Begun, Place};
use axum::{Router, body::Bytes, extract::State, http::HeaderMap, routing};
use opentelemetry::trace::SpanKind;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};
use tokio_util::task::TaskTracker;

/// Takes every post and keeps its body.
pub(crate) struct TestCollector {
    pub(crate) collector: Collector,
    posts: UnboundedReceiver<Vec<u8>>,
}

impl TestCollector {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let collector = collector_at(listener.local_addr().unwrap());
        let (sender, posts) = unbounded_channel();
        let routes = Router::new()
            .route("/v1/traces", routing::post(take))
            .with_state(sender);
        TaskTracker::new().spawn(async move { axum::serve(listener, routes).await });
        Self { collector, posts }
    }

    /// All that was posted up to now, as text in which names can be looked for: protocol buffers write strings and ids
    /// as they are.
    pub(crate) fn told(&mut self) -> Vec<u8> {
        let mut told = Vec::new();
        while let Ok(post) = self.posts.try_recv() {
            told.extend(post);
        }
        told
    }
}

async fn take(State(posts): State<UnboundedSender<Vec<u8>>>, headers: HeaderMap, body: Bytes) {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    posts.send(body.into()).unwrap();
}

fn collector_at(address: SocketAddr) -> Collector {
    Collector {
        url: format!("http://{address}/v1/traces").parse().unwrap(),
        service: Some("a farm of ours".into()),
    }
}

pub(crate) fn holds(told: &[u8], bytes: &[u8]) -> bool {
    told.windows(bytes.len()).any(|window| window == bytes)
}

fn span(name: &'static str) -> Span {
    let (began, ended) = Begun::now().until_now();
    Span {
        place: Place::root(),
        name: name.into(),
        kind: SpanKind::Internal,
        began,
        ended,
        attributes: Vec::new(),
        happened: vec![("half done", began)],
        error: Some("it broke".into()),
    }
}

const NODE: NodeId = NodeId::from_bytes([7; 32]);

#[tokio::test(flavor = "multi_thread")]
async fn spans_are_posted_with_who_tells_them() {
    let mut collector = TestCollector::start().await;
    let traces = Traces::open(Some(&collector.collector), NODE);
    let one = span("one thing");
    let place = one.place;
    traces.tell(|| one);
    traces.flush().await;
    let told = collector.told();
    for text in [
        "one thing",
        "half done",
        "it broke",
        "a farm of ours",
        "service.version",
        &NODE.to_string(),
    ] {
        assert!(holds(&told, text.as_bytes()), "{text}");
    }
    assert!(holds(&told, &place.trace.to_bytes()) && holds(&told, &place.span.to_bytes()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_collector_holds_nothing_up() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let traces = Traces::open(Some(&collector_at(silent.local_addr().unwrap())), NODE);
    for _ in 0..10_000 {
        traces.tell(|| span("more than wait"));
    }
    traces.flush_within(Duration::from_millis(10)).await;
    traces.tell(|| span("too late"));
}

#[tokio::test]
async fn without_a_collector_no_span_is_made() {
    let off = Traces::open(None, NODE);
    off.tell(|| unreachable!("nobody listens"));
    off.flush().await;
}
