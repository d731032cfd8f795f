//! Jobs over HTTP.

use super::{Answer, Body, Path, Query, Refusal, auth::Caller};
use crate::{
    node::Node,
    requestor::{Wanted, commands::opening::is_template, record::AskedWith, refusal::bad_input},
};
use axum::{
    Json,
    extract::State,
    http::{HeaderMap, StatusCode},
};
use rayswarm_api::{
    Problem,
    access::Scope,
    job::{
        DuplicateRequest, Inspection, JobChange, JobRequest, JobSettings, JobSummary, JobView, JobsQuery, NewJob,
        QuoteView, RetryRequest, SceneSource, StartRequest,
    },
    page::{Page, PageQuery},
};
use rayswarm_model::{JobId, SceneFacts};
use std::{path::PathBuf, sync::Arc};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Longest name of a job and idempotency key.
const NAME_LENGTH_MAX: usize = 200;
/// Seconds a job may have: a year.
const DEADLINE_S_MAX: u64 = 31_536_000;
/// Providers a job may wait for.
const PROVIDERS_MIN_MAX: u32 = 10_000;

/// Their routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(inspect))
        .routes(routes!(list, create))
        .routes(routes!(show, change))
        .routes(routes!(start))
        .routes(routes!(pause))
        .routes(routes!(resume))
        .routes(routes!(cancel))
        .routes(routes!(retry))
        .routes(routes!(duplicate))
        .routes(routes!(quote))
}

/// Opens a scene and says what it is and needs.
#[utoipa::path(post, path = "/v1/inspect", tag = "jobs", request_body = Inspection, responses(
    (status = 200, body = SceneFacts),
))]
async fn inspect(State(node): State<Arc<Node>>, caller: Caller, Body(asked): Body<Inspection>) -> Answer<SceneFacts> {
    if !asked.include.is_empty() {
        caller.require(Scope::Paths)?;
    }
    let (scene, own_folder) = scene_file(&node, &caller, &asked.scene).await?;
    let mut request = JobRequest::new(scene, PathBuf::new());
    request.include = asked.include.into_iter().chain(own_folder).collect();
    request.settings = JobSettings {
        renderer_override: asked.renderer_override,
        allow_missing: asked.allow_missing,
        frames: asked.frames,
        options: asked.options,
        ..JobSettings::default()
    };
    Ok(Json(node.requestor.inspect(&request).await?))
}

/// Makes a job: it is analysed, probed and then waits as `quoted`. Where the scene is an Open Job Description template,
/// its commands begin at once on this node, for nothing.
///
/// With an `Idempotency-Key` header, asking again gives the same job.
#[utoipa::path(post, path = "/v1/jobs", tag = "jobs", request_body = NewJob,
    params(("Idempotency-Key" = Option<String>, Header, description = "Any text of ASCII characters", pattern = "^[ -~]{1,200}$")),
    responses(
    (status = 201, body = JobSummary),
))]
async fn create(
    State(node): State<Arc<Node>>,
    caller: Caller,
    headers: HeaderMap,
    Body(asked): Body<NewJob>,
) -> Result<(StatusCode, Json<JobSummary>), Refusal> {
    if asked.output.is_some() || !asked.include.is_empty() {
        caller.require(Scope::Paths)?;
    }
    if asked.settings.auto_start {
        caller.require(Scope::Spend)?;
    }
    check_settings(&asked.settings)?;
    let asked_with = asked_with(&headers, &asked)?;
    let (scene, own_folder) = scene_file(&node, &caller, &asked.scene).await?;
    if is_template(&scene) {
        let made = super::commands::create(&node, &caller, asked, scene, own_folder, asked_with).await?;
        return Ok((StatusCode::CREATED, Json(made)));
    }
    let wanted = Wanted {
        scene,
        output: asked.output,
        include: asked.include.into_iter().chain(own_folder).collect(),
        continues: None,
        settings: asked.settings,
        asked_with,
    };
    Ok((StatusCode::CREATED, Json(node.requestor.create(wanted)?)))
}

/// Lists jobs, newest first.
#[utoipa::path(get, path = "/v1/jobs", tag = "jobs", params(JobsQuery), responses(
    (status = 200, body = Page<JobSummary>),
))]
async fn list(State(node): State<Arc<Node>>, Query(query): Query<JobsQuery>) -> Answer<Page<JobSummary>> {
    let states: Option<Vec<&str>> = query.state.as_deref().map(|states| states.split(',').collect());
    let text = query.q.as_deref().unwrap_or_default().to_lowercase();
    let digits = text.strip_prefix("0x").unwrap_or(&text);
    let wanted = |summary: &JobSummary| {
        states
            .as_ref()
            .is_none_or(|states| states.contains(&summary.state.word()))
            && (text.is_empty()
                || summary.name.to_lowercase().contains(&text)
                || summary.id.to_string().contains(digits))
    };
    // Jobs are only ever added in front: what comes after the last one shown stays the same.
    let shown_last = |view: &Arc<JobView>| {
        query
            .cursor
            .as_ref()
            .is_some_and(|last| view.summary.id.to_string() == *last)
    };
    let all = node.requestor.list();
    let after = match &query.cursor {
        None => 0,
        Some(_) => all.iter().position(shown_last).map_or(all.len(), |at| at + 1),
    };
    let limit = PageQuery::limit_of(query.limit);
    let mut rest = all
        .iter()
        .skip(after)
        .map(|view| &view.summary)
        .filter(|summary| wanted(summary));
    let items: Vec<JobSummary> = rest.by_ref().take(limit).cloned().collect();
    let next_cursor = rest.next().and_then(|_| items.last()).map(|last| last.id.to_string());
    Ok(Json(Page { items, next_cursor }))
}

/// Shows one job.
#[utoipa::path(get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path, description = "The job")), responses(
    (status = 200, body = JobView),
))]
async fn show(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<Arc<JobView>> {
    Ok(Json(node.requestor.view(job_id(&id)?)?))
}

/// Gives a job another name or priority.
#[utoipa::path(patch, path = "/v1/jobs/{id}", tag = "jobs", request_body = JobChange,
    params(("id" = String, Path, description = "The job")), responses(
    (status = 200, body = JobSummary),
))]
async fn change(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Body(change): Body<JobChange>,
) -> Answer<JobSummary> {
    let id = job_id(&id)?;
    check_priority(change.priority.unwrap_or(0))?;
    check_name(change.name.as_deref())?;
    Ok(Json(node.requestor.change(id, change).await?))
}

/// Accepts the quote: the budget is locked and rendering begins.
#[utoipa::path(post, path = "/v1/jobs/{id}/start", tag = "jobs", request_body = Option<StartRequest>,
    params(("id" = String, Path, description = "The job")), responses(
    (status = 200, body = JobSummary),
))]
async fn start(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    asked: Option<Body<Option<StartRequest>>>,
) -> Answer<JobSummary> {
    let budget = asked.and_then(|Body(asked)| asked).unwrap_or_default().budget;
    Ok(Json(node.requestor.start_job(job_id(&id)?, budget).await?))
}

/// Gives nothing new out; tasks under way are finished.
#[utoipa::path(post, path = "/v1/jobs/{id}/pause", tag = "jobs", params(("id" = String, Path, description = "The job")), responses(
    (status = 200, body = JobSummary),
))]
async fn pause(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<JobSummary> {
    Ok(Json(node.requestor.pause(job_id(&id)?, true).await?))
}

/// Lets a paused job go on.
#[utoipa::path(post, path = "/v1/jobs/{id}/resume", tag = "jobs", params(("id" = String, Path, description = "The job")), responses(
    (status = 200, body = JobSummary),
))]
async fn resume(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<JobSummary> {
    Ok(Json(node.requestor.pause(job_id(&id)?, false).await?))
}

/// Ends a job early: finished work is paid, the rest is refunded.
#[utoipa::path(post, path = "/v1/jobs/{id}/cancel", tag = "jobs", params(("id" = String, Path, description = "The job")), responses(
    (status = 200, body = JobSummary),
))]
async fn cancel(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<JobSummary> {
    Ok(Json(node.requestor.cancel(job_id(&id)?).await?))
}

/// Makes a new job of what a failed or cancelled one left open.
#[utoipa::path(post, path = "/v1/jobs/{id}/retry", tag = "jobs", request_body = Option<RetryRequest>,
    params(("id" = String, Path, description = "The job")), responses(
    (status = 201, body = JobSummary),
))]
async fn retry(
    State(node): State<Arc<Node>>,
    caller: Caller,
    Path(id): Path<String>,
    asked: Option<Body<Option<RetryRequest>>>,
) -> Result<(StatusCode, Json<JobSummary>), Refusal> {
    let auto_start = asked.and_then(|Body(asked)| asked).unwrap_or_default().auto_start;
    if auto_start {
        caller.require(Scope::Spend)?;
    }
    Ok((
        StatusCode::CREATED,
        Json(node.requestor.retry(job_id(&id)?, auto_start)?),
    ))
}

/// Makes a new job like another, with some settings different.
#[utoipa::path(post, path = "/v1/jobs/{id}/duplicate", tag = "jobs", request_body = DuplicateRequest,
    params(("id" = String, Path, description = "The job")), responses(
    (status = 201, body = JobSummary),
))]
async fn duplicate(
    State(node): State<Arc<Node>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(asked): Body<DuplicateRequest>,
) -> Result<(StatusCode, Json<JobSummary>), Refusal> {
    let id = job_id(&id)?;
    if asked.changes.get("auto_start").is_some_and(|value| value != false) {
        caller.require(Scope::Spend)?;
    }
    let settings = node.requestor.settings_of_copy(id, &asked.changes)?;
    check_settings(&settings)?;
    Ok((StatusCode::CREATED, Json(node.requestor.duplicate(id, settings)?)))
}

/// Shows a job's quote.
#[utoipa::path(get, path = "/v1/jobs/{id}/quote", tag = "jobs", params(("id" = String, Path, description = "The job")), responses(
    (status = 200, body = QuoteView),
))]
async fn quote(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<QuoteView> {
    let id = job_id(&id)?;
    let view = node.requestor.view(id)?;
    let detail = || format!("job {} has no quote: it is {}", id.short(), view.summary.state.word());
    let quote = view
        .quote
        .clone()
        .ok_or_else(|| Problem::new(404, "no_quote", detail()))?;
    Ok(Json(quote))
}

/// A job's id from a path.
pub(super) fn job_id(text: &str) -> Result<JobId, Problem> {
    let parsed: Result<JobId, rayswarm_model::ids::ParseIdError> = text.parse();
    parsed.map_err(|error| Problem::new(404, "no_such_job", error.to_string()))
}

/// The file on this machine that a scene is, and the folder of its upload, all of which may travel. Only a caller that
/// may name paths can make the node read a file of its own.
pub(super) async fn scene_file(
    node: &Arc<Node>,
    caller: &Caller,
    scene: &SceneSource,
) -> Result<(PathBuf, Option<PathBuf>), Refusal> {
    match scene {
        SceneSource::Path(path) => {
            caller.require(Scope::Paths)?;
            Ok((path.clone(), None))
        }
        SceneSource::Upload(id) => {
            let id = id.clone();
            let found = super::blocking(node, move |node| {
                let scene = node.uploads.scene_path(&id)?;
                Ok((scene, Some(node.uploads.files(&id))))
            });
            found.await
        }
    }
}

fn asked_with(headers: &HeaderMap, asked: &NewJob) -> Result<Option<AskedWith>, Problem> {
    let Some(key) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = key
        .to_str()
        .ok()
        .filter(|key| !key.is_empty() && key.len() <= NAME_LENGTH_MAX);
    let key = key.ok_or_else(|| {
        let detail = format!("an Idempotency-Key is 1 to {NAME_LENGTH_MAX} printable ASCII characters");
        Problem::new(400, "bad_idempotency_key", detail)
    })?;
    let body = serde_json::to_vec(asked).map_err(|error| bad_input("bad_body", error.to_string()))?;
    Ok(Some(AskedWith {
        key: key.into(),
        body: blake3::hash(&body).to_string(),
    }))
}

fn check_settings(settings: &JobSettings) -> Result<(), Problem> {
    check_priority(settings.priority)?;
    check_name(settings.name.as_deref())?;
    let between = |what: &str, value: u64, least: u64, most: u64| {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(bad_input(
            "bad_settings",
            format!("{what} is {value}; it must be {least} to {most}"),
        ))
    };
    between("deadline_s", settings.deadline_s, 1, DEADLINE_S_MAX)?;
    between("samples", settings.samples.unwrap_or(1).into(), 1, u64::from(u32::MAX))?;
    between(
        "providers_min",
        settings.providers_min.into(),
        0,
        PROVIDERS_MIN_MAX.into(),
    )
}

fn check_priority(priority: i32) -> Result<(), Problem> {
    let most = JobSettings::PRIORITY_MAX;
    if (-most..=most).contains(&priority) {
        return Ok(());
    }
    Err(bad_input(
        "bad_settings",
        format!("priority is {priority}; it must be -{most} to {most}"),
    ))
}

fn check_name(name: Option<&str>) -> Result<(), Problem> {
    match name.map(|name| name.chars().count()) {
        Some(length) if length == 0 || length > NAME_LENGTH_MAX => Err(bad_input(
            "bad_settings",
            format!("a name has 1 to {NAME_LENGTH_MAX} characters, this one {length}"),
        )),
        _ => Ok(()),
    }
}
