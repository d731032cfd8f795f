//! Pictures over HTTP: what is there of a frame so far, and finished files.

#![allow(unused_qualifications)] // written by the macro that describes queries

use super::{Answer, Path, Query, Refusal, blocking, jobs::job_id};
use crate::{
    node::Node,
    pixels::{self, PixelsError},
    requestor::{
        refusal::{chain, failed},
        replies::PixelSource,
    },
};
use axum::{
    Json,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rayswarm_api::{
    Problem,
    job::{Output, OutputKind},
    page::List,
    task::{FrameQuery, PreviewQuery},
};
use rayswarm_imaging::{Look, Mosaic, PreviewError};
use rayswarm_model::JobId;
use serde::Deserialize;
use std::{path::PathBuf, sync::Arc};
use tower::ServiceExt;
use tower_http::services::ServeFile;
use utoipa::IntoParams;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Pixels of a preview's longer side when nobody says otherwise, and at most.
const SIDE: u32 = 960;
/// Stops of exposure at most.
const EXPOSURE_MAX: f64 = 20.0;

/// Their routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(preview))
        .routes(routes!(channels))
        .routes(routes!(outputs))
        .routes(routes!(output))
}

/// Shows what is there of a frame so far, transparent where nothing is.
///
/// Scene-linear colour with the sRGB curve: neither denoised nor composited. Once the raw pictures are gone, the finished
/// file.
#[utoipa::path(get, path = "/v1/jobs/{id}/preview", tag = "pictures",
    params(("id" = String, Path, description = "The job"), PreviewQuery), responses(
    (status = 200, body = Vec<u8>, content_type = "image/png"),
    (status = 304, description = "The picture that `If-None-Match` names is still the one"),
))]
async fn preview(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Query(query): Query<PreviewQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = job_id(&id)?;
    let exposure = query.exposure.unwrap_or(0.0);
    if !exposure.is_finite() || exposure.abs() > EXPOSURE_MAX {
        let detail = format!("exposure is {exposure}; it must be -{EXPOSURE_MAX} to {EXPOSURE_MAX} stops");
        return Err(Problem::new(400, "bad_query", detail).into());
    }
    let (frame, task) = (query.frame, query.tile_task);
    let found = blocking(&node, move |node| {
        let frame = frame.map_or_else(|| node.requestor.first_frame(id), Ok)?;
        Ok((frame, node.requestor.pixel_sources(id, frame, task)?))
    });
    let (frame, sources) = found.await?;
    if sources.is_empty()
        && let Some(file) = node.requestor.finished_file(id, frame, OutputKind::Frame)?
    {
        return serve(file, None, headers).await;
    }
    let tag = etag(id, &query, &sources);
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|known| known.as_bytes() == tag.as_bytes())
    {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let png = blocking(&node, move |node| paint(node, id, &query, exposure, &sources)).await?;
    let headers = [
        (header::CONTENT_TYPE, "image/png".into()),
        (header::CACHE_CONTROL, "private, no-cache".into()),
        (header::ETAG, tag),
    ];
    Ok((headers, png).into_response())
}

/// Lists the channels a frame's raw picture has.
#[utoipa::path(get, path = "/v1/jobs/{id}/channels", tag = "pictures",
    params(("id" = String, Path, description = "The job"), FrameQuery), responses(
    (status = 200, body = Vec<String>),
))]
async fn channels(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Query(query): Query<FrameQuery>,
) -> Answer<Vec<String>> {
    let id = job_id(&id)?;
    let names = blocking(&node, move |node| {
        let sources = node.requestor.pixel_sources(id, query.frame, None)?;
        let Some(source) = sources.first() else {
            return Ok(Vec::new());
        };
        let picture = pixels::read_held(&source.file, source.held).map_err(|error| unreadable(&error))?;
        Ok(picture
            .channels()
            .iter()
            .map(|channel| channel.name().to_owned())
            .collect())
    });
    Ok(Json(names.await?))
}

/// Lists finished files.
#[utoipa::path(get, path = "/v1/jobs/{id}/outputs", tag = "pictures", params(("id" = String, Path, description = "The job")), responses(
    (status = 200, body = List<Output>),
))]
async fn outputs(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<List<Output>> {
    let view = node.requestor.view(job_id(&id)?)?;
    Ok(Json(List {
        items: view.outputs.clone(),
    }))
}

#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct OutputQuery {
    /// `1` to show it in the browser instead of saving it.
    #[param(maximum = 1)]
    inline: Option<u8>,
}

/// Gives a finished file; takes `Range`.
#[utoipa::path(get, path = "/v1/jobs/{id}/outputs/{index}", tag = "pictures", params(
    ("id" = String, Path, description = "The job"),
    ("index" = u64, Path, description = "The file's place in the list"),
    OutputQuery,
), responses(
    (status = 200, body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 206, description = "The part that `Range` asks for", body = Vec<u8>, content_type = "application/octet-stream"),
))]
async fn output(
    State(node): State<Arc<Node>>,
    Path((id, index)): Path<(String, u64)>,
    Query(query): Query<OutputQuery>,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let output = node.requestor.output(job_id(&id)?, index)?;
    if !output.path.is_file() {
        let detail = format!("{} is no longer where it was written", output.path.display());
        return Err(Problem::new(410, "output_gone", detail).into());
    }
    let kind = if query.inline == Some(1) {
        "inline"
    } else {
        "attachment"
    };
    let disposition = format!("{kind}; filename*=UTF-8''{}", percent_encoded(&output.name));
    serve(output.path, Some(disposition), headers).await
}

/// Answers with a file, or the part of it that is asked for.
pub(super) async fn serve(file: PathBuf, disposition: Option<String>, headers: HeaderMap) -> Result<Response, Refusal> {
    let mut request = Request::new(Body::empty());
    *request.headers_mut() = headers;
    let served = ServeFile::new(&file).oneshot(request).await;
    let mut answer = served.unwrap_or_else(|never| match never {}).map(Body::new);
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    if let Some(disposition) = disposition.and_then(|text| HeaderValue::try_from(text).ok()) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    Ok(answer)
}

fn paint(
    node: &Node,
    id: JobId,
    query: &PreviewQuery,
    exposure: f64,
    sources: &[PixelSource],
) -> Result<Vec<u8>, Problem> {
    let view = node.requestor.view(id)?;
    let Some(whole) = view.resolution else {
        return Err(Problem::new(404, "no_pixels", "nothing of this job is rendered yet"));
    };
    let side = query.side.unwrap_or(SIDE);
    let look = Look {
        exposure,
        channel: query.channel.clone(),
    };
    let mut mosaic = Mosaic::new(whole, side, look);
    for source in sources {
        let picture = match pixels::read_held(&source.file, source.held) {
            Ok(picture) => picture,
            // The job has ended in this moment.
            Err(PixelsError::File { .. }) => continue,
            Err(error) => return Err(unreadable(&error)),
        };
        mosaic
            .add(source.tile, source.held, &picture)
            .map_err(|error| no_preview(&error))?;
    }
    mosaic.png().map_err(|error| no_preview(&error))
}

fn no_preview(error: &PreviewError) -> Problem {
    let status = match error {
        PreviewError::NoChannel(_) => 404,
        PreviewError::NoColour(_) => 422,
        PreviewError::Png { .. } => 500,
    };
    Problem::new(status, "no_preview", chain(error))
}

fn unreadable(error: &PixelsError) -> Problem {
    failed("result_unreadable", chain(error))
}

/// Names a preview by what it is made of: results never change once they are here.
fn etag(id: JobId, query: &PreviewQuery, sources: &[PixelSource]) -> String {
    let of = format!("{id} {query:?} {sources:?}");
    let hash = blake3::hash(of.as_bytes()).to_hex();
    format!("\"{}\"", hash.get(..32).unwrap_or_default())
}

/// RFC 5987: everything but letters, digits and a few marks.
fn percent_encoded(name: &str) -> String {
    use std::fmt::Write;
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_survive_a_header() {
        assert_eq!(percent_encoded("shot_0001.png"), "shot_0001.png");
        assert_eq!(percent_encoded("a b\"é.png"), "a%20b%22%C3%A9.png");
    }
}
