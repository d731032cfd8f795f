//! Jobs over HTTP.

use super::{Answer, Refusal};
use crate::{node::Node, requestor::refusal::bad_input};
use axum::{
    Json,
    extract::{Path, State},
};
use rayswarm_api::{
    Problem,
    job::{Explanation, JobRequest, JobSummary, JobView, RetryRequest},
};
use rayswarm_model::{JobId, SceneFacts};
use std::sync::Arc;

pub async fn inspect(State(node): State<Arc<Node>>, Json(request): Json<JobRequest>) -> Answer<SceneFacts> {
    Ok(Json(node.requestor.inspect(&request).await?))
}

pub async fn create(State(node): State<Arc<Node>>, Json(request): Json<JobRequest>) -> Answer<JobSummary> {
    Ok(Json(node.requestor.create(request)?))
}

pub async fn list(State(node): State<Arc<Node>>) -> Answer<Vec<JobSummary>> {
    Ok(Json(node.requestor.list()))
}

pub async fn show(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<JobView> {
    Ok(Json(node.requestor.view(parse(&id)?)?))
}

pub async fn start(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<JobSummary> {
    Ok(Json(node.requestor.start_job(parse(&id)?).await?))
}

pub async fn cancel(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<JobSummary> {
    Ok(Json(node.requestor.cancel(parse(&id)?).await?))
}

pub async fn retry(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Json(retry): Json<RetryRequest>,
) -> Answer<JobSummary> {
    Ok(Json(node.requestor.retry(parse(&id)?, retry)?))
}

pub async fn explain(State(node): State<Arc<Node>>, Path(id): Path<String>) -> Answer<Vec<Explanation>> {
    Ok(Json(node.requestor.explain(parse(&id)?)?))
}

fn parse(id: &str) -> Result<JobId, Refusal> {
    id.parse()
        .map_err(|error: rayswarm_model::ids::ParseIdError| Refusal(problem_of(&error)))
}

fn problem_of(error: &rayswarm_model::ids::ParseIdError) -> Problem {
    bad_input("not_a_job_id", error.to_string())
}
