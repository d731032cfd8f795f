//! A picture of the web through an image model, in one call: for programs that know no jobs.

use super::{Body, Path, Refusal, files::serve, here::Asker, jobs::job_id};
use crate::{
    node::Node,
    pictures::{self, Asked, NotRendered},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use rayswarm_api::{
    Problem,
    job::{JobState, JobView, OutputKind},
    render::{RenderRequest, RenderStatus, Rendered, Wait},
};
use rayswarm_model::JobId;
use std::{path::PathBuf, sync::Arc, time::Duration};
use tokio::time::timeout;
use utoipa_axum::{router::OpenApiRouter, routes};

/// When to look again whether a picture is there.
const LOOK_AGAIN: Duration = Duration::from_secs(2);
/// Per cent of the result that are the model's, when nobody says otherwise.
const STRENGTH: u8 = 100;

/// Its routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new().routes(routes!(render)).routes(routes!(rendered))
}

/// Fetches a picture, has an image model work on it, and answers when the result is there.
///
/// Needs the scope `jobs` too. Programs of the node's own machine need no token, as long as they call it as `localhost`
/// or by a loopback address, and spend within a cap (`up --render-cap`). Who goes away does not end the job.
#[utoipa::path(post, path = "/render", tag = "pictures", request_body = RenderRequest,
    params(("Prefer" = Option<String>, Header, description = "`wait=SECONDS`: as `wait`, which goes first")), responses(
    (status = 200, body = Rendered),
    (status = 202, description = "It takes longer; the job goes on", body = Rendered),
))]
async fn render(
    State(node): State<Arc<Node>>,
    asker: Asker,
    headers: HeaderMap,
    asked: Result<Body<RenderRequest>, Refusal>,
) -> Result<(StatusCode, Json<Rendered>), NoPicture> {
    let payer = asker.may_begin()?;
    let Body(asked) = asked.map_err(as_bad_request)?;
    let url = asked.url().ok_or_else(no_address)?.to_owned();
    let wait = asked.wait.or_else(|| preferred(&headers)).unwrap_or_default();
    let model = asked.model;
    let job = pictures::begin(
        &node,
        Asked {
            url,
            model: model.clone(),
            strength: asked.strength.unwrap_or(STRENGTH),
            payer,
        },
    );
    let job = job.await?;
    let said = |status, message| Rendered {
        status,
        message,
        job_id: job,
        output_url: format!("{}/render/0x{job}", asker.origin),
    };
    match timeout(wait.span(), pictures::ended(&node, job)).await {
        Ok(Some(view)) if view.summary.state == JobState::Done => {
            let message = format!("Rendered image using model: {model}");
            Ok((StatusCode::OK, Json(said(RenderStatus::Success, message))))
        }
        Ok(Some(view)) => Err(node.pictures.why_not(&view).into()),
        // The time is over, or the node stops, which goes on with the job when it starts again.
        Err(_) | Ok(None) => {
            let message = format!("Rendering image using model: {model}; output_url has it when it is done");
            Ok((StatusCode::ACCEPTED, Json(said(RenderStatus::Accepted, message))))
        }
    }
}

/// Gives a picture that `POST /render` has made; `409` while it is not finished.
///
/// Pictures that were asked for with a token are shown to holders of tokens only.
#[utoipa::path(get, path = "/render/{job_id}", tag = "pictures",
    params(("job_id" = String, Path, description = "The job")), responses(
    (status = 200, body = Vec<u8>, content_type = "image/png"),
    (status = 206, description = "The part that `Range` asks for", body = Vec<u8>, content_type = "image/png"),
))]
async fn rendered(
    State(node): State<Arc<Node>>,
    asker: Asker,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, NoPicture> {
    let id = job_id(&id)?;
    let view = node.requestor.view(id)?;
    if !node.pictures.is_shown(&view, asker.payer()) {
        return Err(no_such_picture(id).into());
    }
    if view.summary.state != JobState::Done {
        let mut why = NoPicture::from(node.pictures.why_not(&view));
        if !view.summary.state.is_final() {
            why.retry_after = Some(LOOK_AGAIN);
        }
        return Err(why);
    }
    Ok(serve(finished(&view)?, None, headers).await?)
}

/// The picture of a job that is done.
fn finished(view: &JobView) -> Result<PathBuf, Problem> {
    let mut pictures = view.outputs.iter().filter(|output| output.kind == OutputKind::Frame);
    let picture = pictures.next().map(|output| output.path.clone());
    picture.filter(|path| path.is_file()).ok_or_else(|| {
        let detail = format!(
            "the picture of job {} is no longer where it was written",
            view.summary.id.short()
        );
        Problem::new(410, "output_gone", detail)
    })
}

/// Why there is no picture, and when to ask again.
#[derive(Debug)]
struct NoPicture {
    problem: Problem,
    retry_after: Option<Duration>,
}

impl From<Problem> for NoPicture {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            retry_after: None,
        }
    }
}

impl From<Refusal> for NoPicture {
    fn from(Refusal(problem): Refusal) -> Self {
        problem.into()
    }
}

impl From<NotRendered> for NoPicture {
    fn from(why: NotRendered) -> Self {
        match why {
            NotRendered::Problem(problem) => problem.into(),
            NotRendered::Capped(reached) => Self {
                problem: reached.problem(),
                retry_after: reached.wait,
            },
        }
    }
}

impl IntoResponse for NoPicture {
    fn into_response(self) -> Response {
        let mut answer = Refusal(self.problem).into_response();
        if let Some(wait) = self.retry_after {
            let seconds = wait.as_secs().max(1);
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

/// What does not read, or lacks a field, is a bad request here, as programs of the web know it.
fn as_bad_request(Refusal(mut problem): Refusal) -> Refusal {
    if problem.status == StatusCode::UNPROCESSABLE_ENTITY.as_u16() {
        problem.status = StatusCode::BAD_REQUEST.as_u16();
    }
    Refusal(problem)
}

fn no_address() -> Problem {
    Problem::new(400, "bad_body", "missing field `image_url`").next("name the picture's address: https://… or http://…")
}

fn no_such_picture(id: JobId) -> Problem {
    let detail = format!("job {} is none of a picture that this caller may see", id.short());
    Problem::new(404, "no_such_picture", detail).next("use the output_url of the call that made it, and its token")
}

/// How long a caller wishes to wait (RFC 7240).
fn preferred(headers: &HeaderMap) -> Option<Wait> {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let mut wishes = values.flat_map(|value| value.split([',', ';'])).map(str::trim);
    wishes.find_map(|wish| match wish.split_once('=') {
        Some((name, seconds)) if name.trim().eq_ignore_ascii_case("wait") => {
            let seconds = seconds.trim().trim_matches('"').parse();
            seconds.ok().map(Wait::Seconds)
        }
        None if wish.eq_ignore_ascii_case("respond-async") => Some(Wait::Whether(false)),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::pictures::cap::Cap;
    use rayswarm_model::{Amount, UnixMillis};

    #[test]
    fn callers_may_prefer_a_wait() {
        for (text, expected) in [
            ("wait=20", Some(Wait::Seconds(20))),
            ("Wait = \"20\"", Some(Wait::Seconds(20))),
            ("return=minimal, wait=5", Some(Wait::Seconds(5))),
            ("respond-async; foo, wait=5", Some(Wait::Whether(false))),
            ("wait=soon", None),
            ("handling=lenient", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("prefer", text.parse().unwrap());
            assert_eq!(preferred(&headers), expected, "{text}");
        }
        assert_eq!(preferred(&HeaderMap::new()), None);
    }

    #[test]
    fn who_is_over_the_cap_is_told_when_to_ask_again() {
        let reached = |most, asked| {
            let reached = Cap::new(Amount(most)).take(Amount(asked), UnixMillis(0)).unwrap_err();
            NoPicture::from(NotRendered::Capped(reached)).into_response()
        };
        let never = reached(5, 10);
        assert_eq!(
            (never.status().as_u16(), never.headers().get(header::RETRY_AFTER)),
            (429, None)
        );
        let mut cap = Cap::new(Amount(5));
        cap.take(Amount(5), UnixMillis(0)).unwrap();
        let full = cap.take(Amount(1), UnixMillis(0)).unwrap_err();
        let full = NoPicture::from(NotRendered::Capped(full)).into_response();
        assert_eq!(full.headers()[header::RETRY_AFTER], "30");
        assert_eq!(full.headers()[header::CONTENT_TYPE], "application/problem+json");
    }

    #[test]
    fn faulty_bodies_are_bad_requests_and_others_stay_as_they_are() {
        for (status, expected) in [(400, 400), (413, 413), (415, 415), (422, 400)] {
            let Refusal(problem) = as_bad_request(Refusal(Problem::new(status, "bad_body", "it")));
            assert_eq!(problem.status, expected);
        }
    }
}
