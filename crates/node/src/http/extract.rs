//! Bodies, queries and path parameters whose faults are problem documents.

use super::Refusal;
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
        match <Json<T> as FromRequest<S>>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(rejection) => Err(bad_body(&rejection).into()),
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
        let bad = |rejection: QueryRejection| Problem::new(400, "bad_query", rejection.body_text());
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

fn bad_body(rejection: &JsonRejection) -> Problem {
    let status = rejection.status();
    let kind = match status {
        StatusCode::PAYLOAD_TOO_LARGE => "body_too_large",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "not_json",
        StatusCode::BAD_REQUEST => "bad_json",
        _ => "bad_body",
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
