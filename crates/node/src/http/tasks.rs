//! A job's tasks, attempts, audits, reasons and log over HTTP.

use super::{Answer, Path, Query, blocking, jobs::job_id};
use crate::node::Node;
use axum::{Json, extract::State};
use rayswarm_api::{
    page::{Page, PageQuery},
    task::{
        AttemptView, AttemptsQuery, AuditReport, ExplainQuery, Explanation, LogQuery, LogView, TaskPage, TasksQuery,
    },
};
use std::sync::Arc;
use utoipa_axum::{router::OpenApiRouter, routes};

/// Their routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(tasks))
        .routes(routes!(attempts))
        .routes(routes!(log))
        .routes(routes!(explain))
        .routes(routes!(audit))
}

/// Lists tasks; with `since`, those that have changed.
#[utoipa::path(get, path = "/v1/jobs/{id}/tasks", tag = "tasks",
    params(("id" = String, Path, description = "The job"), TasksQuery), responses(
    (status = 200, body = TaskPage),
))]
async fn tasks(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Query(query): Query<TasksQuery>,
) -> Answer<TaskPage> {
    let id = job_id(&id)?;
    Ok(Json(
        blocking(&node, move |node| node.requestor.tasks(id, &query)).await?,
    ))
}

/// Lists attempts in the order they were made.
#[utoipa::path(get, path = "/v1/jobs/{id}/attempts", tag = "tasks",
    params(("id" = String, Path, description = "The job"), AttemptsQuery), responses(
    (status = 200, body = Page<AttemptView>),
))]
async fn attempts(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Query(query): Query<AttemptsQuery>,
) -> Answer<Page<AttemptView>> {
    let id = job_id(&id)?;
    let limit = PageQuery::limit_of(query.limit);
    Ok(Json(
        blocking(&node, move |node| node.requestor.attempts(id, &query, limit)).await?,
    ))
}

/// Shows a job's log, or what is known of one attempt.
#[utoipa::path(get, path = "/v1/jobs/{id}/log", tag = "tasks",
    params(("id" = String, Path, description = "The job"), LogQuery), responses(
    (status = 200, body = LogView),
))]
async fn log(State(node): State<Arc<Node>>, Path(id): Path<String>, Query(query): Query<LogQuery>) -> Answer<LogView> {
    let id = job_id(&id)?;
    Ok(Json(
        blocking(&node, move |node| node.requestor.log(id, query.attempt)).await?,
    ))
}

/// Says why each task went where it went, recomputed from the journal.
#[utoipa::path(get, path = "/v1/jobs/{id}/explain", tag = "tasks",
    params(("id" = String, Path, description = "The job"), ExplainQuery), responses(
    (status = 200, body = Page<Explanation>),
))]
async fn explain(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Query(query): Query<ExplainQuery>,
) -> Answer<Page<Explanation>> {
    let id = job_id(&id)?;
    let limit = PageQuery::limit_of(query.limit);
    Ok(Json(
        blocking(&node, move |node| node.requestor.explain(id, &query, limit)).await?,
    ))
}

/// Shows what was audited, by whom, and what it found.
#[utoipa::path(get, path = "/v1/jobs/{id}/audit", tag = "tasks", params(("id" = String, Path, description = "The job")), responses(
    (status = 200, body = AuditReport),
))]
async fn audit(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<AuditReport> {
    let id = job_id(&id)?;
    Ok(Json(blocking(&node, move |node| node.requestor.audits(id)).await?))
}
