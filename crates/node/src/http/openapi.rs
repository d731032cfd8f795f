//! The description of the API: OpenAPI 3.1, served and committed as `docs/protocol/openapi.json`.

use super::{Answer, api, auth, here::is_for_pictures};
use crate::node::Node;
use axum::{Json, http::Method};
use rayswarm_api::Problem;
use std::sync::{Arc, LazyLock};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        Components, Content, HeaderBuilder, InfoBuilder, Object, ObjectBuilder, OpenApi, PathItem, Ref,
        ResponseBuilder, SecurityRequirement,
        path::Operation,
        schema::Type,
        security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
    },
};
use utoipa_axum::{router::OpenApiRouter, routes};

static DESCRIPTION: LazyLock<OpenApi> = LazyLock::new(describe);

/// The document.
pub fn document() -> &'static OpenApi {
    &DESCRIPTION
}

fn describe() -> OpenApi {
    let mut api = api().into_openapi();
    api.info = InfoBuilder::new()
        .title("Rayswarm")
        .version("1")
        .description(Some(
            "The HTTP API of one Rayswarm node. Amounts are decimal strings of base units, times are RFC 3339, sizes are \
             bytes, spans say their unit in their name. Every call needs `Authorization: Bearer …` with a token that \
             opens the scope named with it; programs of the node's own machine may leave it out for `/render`, where \
             they spend within a cap. Every answer that is not a success is a problem document (RFC 9457).",
        ))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    api.components
        .get_or_insert_with(Components::new)
        .add_security_scheme("token", SecurityScheme::Http(bearer));
    describe_refusals(&mut api);
    describe_operations(&mut api);
    api
}

/// Every operation says which scope its token has to open, and has a name of its own.
fn describe_operations(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        for (method, operation) in operations(item) {
            let scope = auth::needed(&method, path).to_string();
            let mut ways = vec![SecurityRequirement::new("token", [scope])];
            if is_for_pictures(path) {
                // Or nothing at all, on the node's own machine.
                ways.push(SecurityRequirement::default());
            }
            operation.security = Some(ways);
            let words = operation.tags.iter().flatten().chain(&operation.operation_id);
            operation.operation_id = Some(words.cloned().collect::<Vec<_>>().join("_"));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (Method, &mut Operation)> {
    let all = [
        (Method::GET, &mut item.get),
        (Method::POST, &mut item.post),
        (Method::PUT, &mut item.put),
        (Method::PATCH, &mut item.patch),
        (Method::DELETE, &mut item.delete),
    ];
    all.into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

/// Any operation may be refused, and always with a problem document.
fn describe_refusals(api: &mut OpenApi) {
    let components = api.components.get_or_insert_with(Components::new);
    let name = Problem::name().into_owned();
    let content = Content::new(Some(Ref::from_schema_name(name.as_str())));
    components.schemas.insert(name, Problem::schema());
    let refusal = ResponseBuilder::new()
        .description("A problem document")
        .content("application/problem+json", content.clone())
        .build();
    let too_many = ResponseBuilder::new()
        .description("Too many calls with this token, or too many wrong ones: `too_many_requests`")
        .content("application/problem+json", content)
        .header(
            "Retry-After",
            HeaderBuilder::new().schema(Some(whole_seconds())).build(),
        )
        .build();
    for item in api.paths.paths.values_mut() {
        for (_, operation) in operations(item) {
            let known = &mut operation.responses.responses;
            known.insert("default".into(), refusal.clone().into());
            known.insert("429".into(), too_many.clone().into());
        }
    }
}

fn whole_seconds() -> Object {
    ObjectBuilder::new().schema_type(Type::Integer).minimum(Some(1)).build()
}

/// Its route.
pub fn routes() -> OpenApiRouter<Arc<Node>> {
    OpenApiRouter::new().routes(routes!(show))
}

/// This document.
#[utoipa::path(get, path = "/v1/openapi.json", tag = "node", responses((status = 200, body = Object)))]
async fn show() -> Answer<&'static OpenApi> {
    Ok(Json(document()))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::path::Path;

    /// Set to write the file anew instead of comparing.
    const REWRITE: &str = "RAYSWARM_REWRITE";

    #[test]
    fn the_committed_description_is_this_one() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol/openapi.json");
        let now = format!("{}\n", document().to_pretty_json().unwrap());
        if std::env::var_os(REWRITE).is_some() {
            std::fs::write(&file, &now).unwrap();
        }
        let committed = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == now,
            "docs/protocol/openapi.json differs; write it with {REWRITE}=1 and look at the change"
        );
    }

    #[test]
    fn every_operation_is_described_and_closed() {
        let text = document().to_json().unwrap();
        let api: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(api["openapi"], "3.1.0");
        for (path, methods) in api["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                assert!(operation["summary"].is_string(), "{method} {path} has no summary");
                assert_eq!(
                    operation["security"][0]["token"].as_array().map(Vec::len),
                    Some(1),
                    "{method} {path}"
                );
                let refusal =
                    &operation["responses"]["default"]["content"]["application/problem+json"]["schema"]["$ref"];
                assert_eq!(refusal, "#/components/schemas/Problem", "{method} {path}");
            }
        }
    }
}
