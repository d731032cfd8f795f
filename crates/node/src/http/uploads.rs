//! Uploads over HTTP.

use super::{Answer, Body, Path, Refusal, blocking};
use crate::{clock, node::Node};
use axum::{
    Json,
    body::Bytes,
    extract::{DefaultBodyLimit, State, rejection::BytesRejection},
    http::StatusCode,
};
use rayswarm_api::{
    Problem,
    upload::{CHUNK_BYTES, NewUpload, UploadView},
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// The longest list of files: 67 bytes for each chunk make this enough for a terabyte in thousands of files.
const LIST_BYTES_MAX: usize = 32 << 20;

/// Their routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    let lists = OpenApiRouter::new().routes(routes!(begin));
    let chunks = OpenApiRouter::new().routes(routes!(put_chunk));
    OpenApiRouter::new()
        .merge(lists.layer(DefaultBodyLimit::max(LIST_BYTES_MAX)))
        .merge(chunks.layer(DefaultBodyLimit::max(CHUNK_BYTES as usize)))
        .routes(routes!(show, remove))
        .routes(routes!(finish))
}

/// Begins an upload, or goes on with the one of the same list, and says which chunks are missing.
///
/// A `.zip` that comes alone is unpacked by `finish`; its `scene` is empty, or names one of several scenes inside.
#[utoipa::path(post, path = "/v1/uploads", tag = "uploads", request_body = NewUpload, responses(
    (status = 200, body = UploadView),
))]
async fn begin(State(node): State<Arc<Node>>, Body(wanted): Body<NewUpload>) -> Answer<UploadView> {
    let begun = blocking(&node, move |node| node.uploads.begin(wanted, clock::now()));
    Ok(Json(begun.await?))
}

/// Shows an upload.
#[utoipa::path(get, path = "/v1/uploads/{id}", tag = "uploads",
    params(("id" = String, Path, description = "The upload")), responses(
    (status = 200, body = UploadView),
))]
async fn show(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<UploadView> {
    Ok(Json(blocking(&node, move |node| node.uploads.view(&id)).await?))
}

/// Takes a chunk. In any order; sending one again changes nothing.
#[utoipa::path(put, path = "/v1/uploads/{id}/chunks/{sha256}", tag = "uploads",
    request_body(content = Vec<u8>, content_type = "application/octet-stream", description = "The chunk's bytes"),
    params(
        ("id" = String, Path, description = "The upload"),
        ("sha256" = String, Path, description = "SHA-256 of the chunk, as 64 lower-case hexadecimal digits"),
    ), responses(
    (status = 204, description = "The chunk is stored"),
))]
async fn put_chunk(
    State(node): State<Arc<Node>>,
    Path((id, sha256)): Path<(String, String)>,
    body: Result<Bytes, BytesRejection>,
) -> Result<StatusCode, Refusal> {
    let bytes = body.map_err(|rejection| not_received(&rejection))?;
    blocking(&node, move |node| node.uploads.put_chunk(&id, &sha256, &bytes)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts the files together, unpacks an archive, and finds its scene.
#[utoipa::path(post, path = "/v1/uploads/{id}/finish", tag = "uploads",
    params(("id" = String, Path, description = "The upload")), responses(
    (status = 200, body = UploadView),
))]
async fn finish(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<UploadView> {
    Ok(Json(blocking(&node, move |node| node.uploads.finish(&id)).await?))
}

/// Forgets an upload that no unfinished job uses.
#[utoipa::path(delete, path = "/v1/uploads/{id}", tag = "uploads",
    params(("id" = String, Path, description = "The upload")), responses(
    (status = 204, description = "The upload is forgotten"),
))]
async fn remove(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let removed = blocking(&node, move |node| {
        let jobs = node.requestor.list();
        let mut unfinished = jobs.iter().filter(|job| !job.summary.state.is_final());
        match unfinished.find(|job| node.uploads.is_part(&id, &job.scene)) {
            Some(job) => Err(in_use(&format!("job {} uses upload {id}", job.summary.id.short()))),
            None => node.uploads.remove(&id),
        }
    });
    removed.await?;
    Ok(StatusCode::NO_CONTENT)
}

fn in_use(detail: &str) -> Problem {
    Problem::new(409, "upload_in_use", detail).next("wait until the job ends, or cancel it")
}

fn not_received(rejection: &BytesRejection) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(
            413,
            "chunk_too_large",
            format!("a chunk has at most {CHUNK_BYTES} bytes"),
        )
        .next("cut files into chunks of that length");
    }
    Problem::new(400, "chunk_not_received", rejection.body_text()).next("send the chunk again")
}
