//! A span for each call, in the trace of whoever calls if it sends a `traceparent`.

use crate::traces::{
    Span, Traces,
    span::{Begun, Place},
};
use axum::{
    extract::{MatchedPath, Request, State},
    http::{HeaderMap, Method, StatusCode},
    middleware::Next,
    response::Response,
};
use opentelemetry::{
    Context, KeyValue,
    propagation::TextMapPropagator,
    trace::{SpanKind, TraceContextExt},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// Bytes of a path that are told.
const PATH_BYTES_MAX: usize = 200;

/// How the calls of one listener are told.
#[derive(Clone, Debug)]
pub struct Calls {
    /// Where to.
    pub traces: Traces,
    /// `http` or `https`.
    pub scheme: &'static str,
}

/// A call that is being answered. Its query and headers are nobody's business: they may hold secrets.
struct Call {
    place: Place,
    begun: Begun,
    method: Method,
    route: Option<MatchedPath>,
    path: String,
}

/// Tells the call, once its answer begins.
pub async fn tell(State(calls): State<Calls>, request: Request, next: Next) -> Response {
    if !calls.traces.are_on() {
        return next.run(request).await;
    }
    let call = Call::of(&request);
    let answer = next.run(request).await;
    if let Some(call) = call {
        calls.traces.tell(|| call.answered(answer.status(), calls.scheme));
    }
    answer
}

impl Call {
    /// `None` if the caller's own trace is one that is not recorded.
    fn of(request: &Request) -> Option<Self> {
        let path = request.uri().path();
        Some(Self {
            place: place(request.headers())?,
            begun: Begun::now(),
            method: request.method().clone(),
            route: request.extensions().get().cloned(),
            path: path[..path.floor_char_boundary(PATH_BYTES_MAX)].into(),
        })
    }

    fn answered(self, status: StatusCode, scheme: &'static str) -> Span {
        let (began, ended) = self.begun.until_now();
        let method = known(&self.method);
        let mut attributes = vec![
            KeyValue::new("http.request.method", method),
            KeyValue::new("url.scheme", scheme),
            KeyValue::new("url.path", self.path),
            KeyValue::new("http.response.status_code", i64::from(status.as_u16())),
        ];
        // Names are few: what no route matches is called by its method alone.
        let name = match &self.route {
            Some(route) => format!("{method} {}", route.as_str()).into(),
            None => method.into(),
        };
        attributes.extend(
            self.route
                .map(|route| KeyValue::new("http.route", route.as_str().to_owned())),
        );
        Span {
            place: self.place,
            name,
            kind: SpanKind::Server,
            began,
            ended,
            attributes,
            happened: Vec::new(),
            error: status.is_server_error().then(|| status.to_string()),
        }
    }
}

fn place(headers: &HeaderMap) -> Option<Place> {
    let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
    let caller = caller.span().span_context().clone();
    match (caller.is_valid(), caller.is_sampled()) {
        (false, _) => Some(Place::root()),
        (true, true) => Some(Place::below(caller.trace_id(), caller.span_id())),
        (true, false) => None,
    }
}

/// Anybody can make a method up.
fn known(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "OPTIONS" => "OPTIONS",
        _ => "_OTHER",
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use opentelemetry::trace::{SpanId, TraceId};

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    fn asked(traceparent: &str) -> Option<Place> {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", traceparent.parse().unwrap());
        place(&headers)
    }

    #[test]
    fn a_call_is_part_of_its_caller_s_trace() {
        let sampled = asked(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        assert_eq!(sampled.trace, TraceId::from_hex(TRACE).unwrap());
        assert_eq!(sampled.parent, Some(SpanId::from_hex(SPAN).unwrap()));
        assert_eq!(
            asked(&format!("00-{TRACE}-{SPAN}-00")),
            None,
            "the caller records nothing"
        );
    }

    #[test]
    fn what_is_no_trace_of_a_caller_s_is_a_new_one() {
        for text in ["", "00", "00-0-0-01", &format!("00-{TRACE}-0000000000000000-01")] {
            let place = asked(text).unwrap();
            assert!(place.parent.is_none() && place.trace != TraceId::INVALID, "{text:?}");
        }
        assert_ne!(place(&HeaderMap::new()), place(&HeaderMap::new()));
    }

    #[test]
    fn made_up_methods_and_paths_make_no_new_names() {
        let request = Request::builder().method("BREW").uri(format!("/{}", "x".repeat(1000)));
        let call = Call::of(&request.body(axum::body::Body::empty()).unwrap()).unwrap();
        assert_eq!(call.path.len(), PATH_BYTES_MAX);
        let span = call.answered(StatusCode::BAD_GATEWAY, "http");
        assert_eq!((span.name.as_ref(), span.error.is_some()), ("_OTHER", true));
    }
}
