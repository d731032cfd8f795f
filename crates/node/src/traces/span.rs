//! What one span tells, and its place in a trace.

use opentelemetry::{
    InstrumentationScope, KeyValue,
    trace::{Event, SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState},
};
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanLinks};
use rayswarm_model::UnixMillis;
use std::{
    borrow::Cow,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

/// Where a span is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The trace.
    pub trace: TraceId,
    /// The span.
    pub span: SpanId,
    /// The span that it is a part of, if it is of one. Another process may have told it.
    pub parent: Option<SpanId>,
}

impl Place {
    /// A trace of its own.
    pub fn root() -> Self {
        Self {
            trace: TraceId::from_bytes(rand::random()),
            span: SpanId::from_bytes(rand::random()),
            parent: None,
        }
    }

    /// A new span below this one.
    pub fn below(trace: TraceId, parent: SpanId) -> Self {
        Self {
            trace,
            span: SpanId::from_bytes(rand::random()),
            parent: Some(parent),
        }
    }
}

/// A span that has ended.
#[derive(Clone, Debug)]
pub struct Span {
    /// Where it is.
    pub place: Place,
    /// What it is called: one of few names, so that they can be counted.
    pub name: Cow<'static, str>,
    /// Whether it answers somebody.
    pub kind: SpanKind,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// What else is known about it.
    pub attributes: Vec<KeyValue>,
    /// What happened between, by name.
    pub happened: Vec<(&'static str, SystemTime)>,
    /// Why it did not do what it should.
    pub error: Option<String>,
}

impl Span {
    /// As the SDK wants it.
    pub(super) fn into_data(self, instrumentation_scope: InstrumentationScope) -> SpanData {
        let mut events = SpanEvents::default();
        let happened = self.happened.into_iter();
        events.events = happened.map(|(name, at)| Event::new(name, at, Vec::new(), 0)).collect();
        SpanData {
            span_context: SpanContext::new(
                self.place.trace,
                self.place.span,
                TraceFlags::SAMPLED,
                false,
                TraceState::NONE,
            ),
            parent_span_id: self.place.parent.unwrap_or(SpanId::INVALID),
            parent_span_is_remote: false,
            span_kind: self.kind,
            name: self.name,
            start_time: self.began,
            end_time: self.ended.max(self.began),
            attributes: self.attributes,
            dropped_attributes_count: 0,
            events,
            links: SpanLinks::default(),
            status: self.error.map_or(Status::Unset, Status::error),
            instrumentation_scope,
        }
    }
}

/// A beginning, from which an end is measured more finely than the wall clock is read.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    at: SystemTime,
    since: Instant,
}

impl Begun {
    /// At this moment.
    pub fn now() -> Self {
        Self {
            at: time(crate::clock::now()),
            since: Instant::now(),
        }
    }

    /// Beginning and end of what ends at this moment.
    pub fn until_now(self) -> (SystemTime, SystemTime) {
        (self.at, self.at + self.since.elapsed())
    }
}

/// A moment of ours as the SDK wants it.
pub fn time(at: UnixMillis) -> SystemTime {
    UNIX_EPOCH + Duration::from_millis(at.0)
}
