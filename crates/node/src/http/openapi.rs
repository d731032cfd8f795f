//! The description of the API: OpenAPI 3.1, served and committed as `docs/protocol/openapi.json`.

use super::{Answer, api};
use crate::node::Node;
use axum::Json;
use std::sync::{Arc, LazyLock};
use utoipa::openapi::{
    Components, InfoBuilder, OpenApi, SecurityRequirement,
    security::{HttpAuthScheme, HttpBuilder, SecurityScheme},
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
             bytes, spans say their unit in their name. Every call needs `Authorization: Bearer …`; every answer that is \
             not a success is a problem document (RFC 9457).",
        ))
        .build();
    let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
    api.components
        .get_or_insert_with(Components::new)
        .add_security_scheme("token", SecurityScheme::Http(bearer));
    api.security = Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>("token", [])]);
    api
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
                assert!(
                    operation["responses"]
                        .as_object()
                        .is_some_and(|known| !known.is_empty())
                );
            }
        }
    }
}
