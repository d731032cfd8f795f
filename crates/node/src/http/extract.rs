//! Bodies, queries and path parameters whose faults are problem documents.

use super::{Refusal, described};
use axum::{
    Json,
    extract::{
        FromRequest, FromRequestParts, OptionalFromRequest, Request,
        rejection::{JsonRejection, PathRejection, QueryRejection},
    },
    http::{StatusCode, header, request::Parts},
};
use rayswarm_api::Problem;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Characters of a fault that are told.
const DETAIL_LENGTH_MAX: usize = 500;

/// A JSON body.
pub struct Body<T>(pub T);

/// A query.
pub struct Query<T>(pub T);

/// Path parameters.
pub struct Path<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Self, Refusal> {
        let operation = described::operation(request.method(), request.extensions());
        let body = <Json<Value> as FromRequest<S>>::from_request(request, state).await;
        let Json(body) = body.map_err(|rejection| unreadable_body(&rejection))?;
        let fault = operation.and_then(|operation| operation.fault_of_body(&body));
        match (T::deserialize(body), fault) {
            (Ok(body), None) => Ok(Self(body)),
            // What serde says of a choice between shapes is clearer than that none of them fits.
            (Err(error), _) => Err(bad_body(error.to_string()).into()),
            (_, Some(fault)) => Err(bad_body(fault).into()),
        }
    }
}

/// A body that may be left out.
impl<T: DeserializeOwned, S: Send + Sync> OptionalFromRequest<S> for Body<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &S) -> Result<Option<Self>, Refusal> {
        if !request.headers().contains_key(header::CONTENT_TYPE) {
            return Ok(None);
        }
        <Self as FromRequest<S>>::from_request(request, state).await.map(Some)
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Query<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let bad = |rejection: QueryRejection| bad_query(rejection.body_text());
        if let Some(operation) = described::operation(&parts.method, &parts.extensions) {
            let pairs = axum::extract::Query::<Vec<(String, String)>>::from_request_parts(parts, state);
            let axum::extract::Query(pairs) = pairs.await.map_err(bad)?;
            let pairs = pairs.iter().map(|(name, text)| (name.as_str(), text.as_str()));
            if let Some(fault) = operation.fault_of_query(pairs) {
                return Err(bad_query(fault).into());
            }
        }
        let query = axum::extract::Query::from_request_parts(parts, state).await;
        Ok(query.map(|axum::extract::Query(query)| Self(query)).map_err(bad)?)
    }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Path<T> {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Refusal> {
        let bad = |rejection: PathRejection| Problem::new(400, "bad_path", rejection.body_text());
        let path = axum::extract::Path::from_request_parts(parts, state).await;
        Ok(path.map(|axum::extract::Path(path)| Self(path)).map_err(bad)?)
    }
}

fn bad_query(fault: String) -> Problem {
    Problem::new(400, "bad_query", short(fault))
}

fn bad_body(fault: String) -> Problem {
    Problem::new(422, "bad_body", short(fault))
}

fn unreadable_body(rejection: &JsonRejection) -> Problem {
    let status = rejection.status();
    let kind = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "not_json",
        _ => "bad_json",
    };
    Problem::new(status.as_u16(), kind, short(rejection.body_text()))
}

/// What was sent is quoted, but not by the megabyte.
fn short(text: String) -> String {
    match text.char_indices().nth(DETAIL_LENGTH_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use axum::{Router, body::to_bytes, routing};
    use rayswarm_api::{access::NewToken, page::PageQuery};
    use tower::ServiceExt;

    /// Asks routes that carry the names of real ones, so that their description holds.
    async fn answer(
        request: axum::http::request::Builder,
        body: impl Into<axum::body::Body>,
    ) -> (u16, Option<Problem>) {
        let routes = Router::new()
            .route(
                "/v1/tokens",
                routing::post(async |Body(asked): Body<NewToken>| asked.name),
            )
            .route(
                "/v1/jobs/{id}/start",
                routing::post(async |asked: Option<Body<Value>>| {
                    asked.map_or_else(String::new, |Body(body)| body.to_string())
                }),
            )
            .route(
                "/v1/wallet/history",
                routing::get(async |Query(query): Query<PageQuery>| query.limit().to_string()),
            )
            .route(
                "/v1/else/{index}",
                routing::get(async |Path(index): Path<u64>| index.to_string()),
            );
        let answer = routes.oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let text = to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&text).ok())
    }

    fn post(path: &str) -> axum::http::request::Builder {
        Request::post(path).header("content-type", "application/json")
    }

    fn kind((status, problem): (u16, Option<Problem>)) -> (u16, String) {
        (status, problem.map_or_else(String::new, |problem| problem.kind))
    }

    #[tokio::test]
    async fn a_faulty_body_is_answered_with_what_is_wrong_where() {
        let right = r#"{"name": "film", "scopes": ["read"]}"#;
        assert_eq!(answer(post("/v1/tokens"), right).await, (200, None));
        let bad = |status: u16, kind: &str| (status, kind.to_owned());
        assert_eq!(kind(answer(post("/v1/tokens"), "{").await), bad(400, "bad_json"));
        assert_eq!(kind(answer(post("/v1/tokens"), "[]").await), bad(422, "bad_body"));
        assert_eq!(
            kind(answer(Request::post("/v1/tokens"), right).await),
            bad(415, "not_json")
        );
        let (status, problem) = answer(post("/v1/tokens"), r#"{"name": "", "scopes": ["read"]}"#).await;
        let detail = problem.unwrap().detail;
        assert!(status == 422 && detail.starts_with("at /name: "), "{status} {detail}");
        let long = format!(r#"{{"name": "{}", "scopes": ["read"]}}"#, "x".repeat(10_000));
        assert!(answer(post("/v1/tokens"), long).await.1.unwrap().detail.len() < 2 * DETAIL_LENGTH_MAX);
    }

    #[tokio::test]
    async fn a_body_may_be_left_out_where_it_may() {
        assert_eq!(answer(Request::post("/v1/jobs/x/start"), "").await.0, 200);
        assert_eq!(
            kind(answer(post("/v1/jobs/x/start"), r#"{"budget": "-1"}"#).await).0,
            422
        );
    }

    #[tokio::test]
    async fn queries_and_paths_have_faults_too() {
        let get = async |path: &str| kind(answer(Request::get(path), "").await);
        assert_eq!(get("/v1/wallet/history?limit=5").await.0, 200);
        assert_eq!(get("/v1/wallet/history?limit=0").await, (400, "bad_query".into()));
        assert_eq!(get("/v1/wallet/history?limit=many").await, (400, "bad_query".into()));
        assert_eq!(get("/v1/else/first").await, (400, "bad_path".into()));
    }
}
