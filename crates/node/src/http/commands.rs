//! Jobs of commands over HTTP: looking at a template, making a job of it, and its tasks.

use super::{
    Answer, Body, Path, Query, Refusal,
    auth::Caller,
    blocking,
    jobs::{job_id, scene_file},
};
use crate::{
    node::Node,
    requestor::{
        commands::{
            WantedCommands, inspected,
            opening::{Typed, is_template},
        },
        record::AskedWith,
        refusal::bad_input,
    },
};
use axum::{Json, extract::State};
use rayswarm_api::{
    Problem,
    access::Scope,
    commands::{TemplateInspection, TemplateView},
    job::{JobSummary, NewJob},
    page::{Page, PageQuery},
    task::CommandTask,
};
use std::{path::PathBuf, sync::Arc};
use utoipa_axum::{router::OpenApiRouter, routes};

/// Their routes.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new()
        .routes(routes!(inspect_template))
        .routes(routes!(tasks))
}

/// Reads an Open Job Description template and says what it asks for and would do. Nothing of it is run.
#[utoipa::path(post, path = "/v1/commands/inspect", tag = "jobs", request_body = TemplateInspection, responses(
    (status = 200, body = TemplateView),
))]
async fn inspect_template(
    State(node): State<Arc<Node>>,
    caller: Caller,
    Body(asked): Body<TemplateInspection>,
) -> Answer<TemplateView> {
    let (template, _) = scene_file(&node, &caller, &asked.scene).await?;
    if !is_template(&template) {
        let name = template.file_name().unwrap_or_default().to_string_lossy();
        let detail = format!("{name:?} is no template: it ends in neither .yaml nor .json");
        return Err(bad_input("no_template", detail)
            .next("name a job template; /v1/inspect opens scenes")
            .into());
    }
    Ok(Json(blocking(&node, move |_| inspected::inspect(&template)).await?))
}

/// Lists the tasks of a job of commands.
#[utoipa::path(get, path = "/v1/jobs/{id}/commands", tag = "tasks",
    params(("id" = String, Path, description = "The job"), PageQuery), responses(
    (status = 200, body = Page<CommandTask>),
    (status = "default", description = "A problem document", body = Problem, content_type = "application/problem+json"),
))]
async fn tasks(
    State(node): State<Arc<Node>>,
    Path(id): Path<String>,
    Query(query): Query<PageQuery>,
) -> Answer<Page<CommandTask>> {
    let id = job_id(&id)?;
    let after = query.cursor.as_deref().and_then(|text| text.parse().ok()).unwrap_or(0);
    let limit = PageQuery::limit_of(query.limit);
    let page = node.requestor.commands().tasks(id, after, limit);
    let view = node.requestor.view(id)?;
    let detail = || {
        let name = &view.summary.name;
        format!(
            "job {} ({name}) renders a scene and runs no commands; see /v1/jobs/{id}/tasks",
            id.short()
        )
    };
    Ok(Json(
        page.ok_or_else(|| Problem::new(409, "runs_no_commands", detail()))?,
    ))
}

/// Makes a job of a template, which may lie in an upload's folder. It begins at once, so whoever may not start jobs may not make one; and only who may name
/// files of this machine may have commands read or write any but those of the upload.
pub(super) async fn create(
    node: &Arc<Node>,
    caller: &Caller,
    asked: NewJob,
    template: PathBuf,
    upload: Option<PathBuf>,
    asked_with: Option<AskedWith>,
) -> Result<JobSummary, Refusal> {
    caller.require(Scope::Spend)?;
    if !asked.environments.is_empty() {
        caller.require(Scope::Paths)?;
    }
    let may_name_paths = caller.require(Scope::Paths).is_ok();
    let wanted = move |node: &Node| {
        node.requestor.create_commands(WantedCommands {
            template,
            typed: Typed {
                values: asked.parameters,
                environments: asked.environments,
            },
            output: asked.output,
            // What is written into an upload would be forgotten with it.
            kept_by_node: upload.is_some(),
            settings: asked.settings,
            within: upload.filter(|_| !may_name_paths),
            asked_with,
        })
    };
    blocking(node, wanted).await
}
