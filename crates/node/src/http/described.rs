//! What the API's description does not allow is refused by the description: one rule for the document and the node.
//!
//! Bodies and queries are compared with their JSON Schema (draft 2020-12, as OpenAPI 3.1 says) before a handler sees them.

use super::openapi;
use axum::{
    extract::MatchedPath,
    http::{Extensions, Method},
};
use jsonschema::Validator;
use serde_json::{Map, Value, json};
use std::{collections::HashMap, sync::LazyLock};

static OPERATIONS: LazyLock<HashMap<(String, String), Operation>> = LazyLock::new(read);

/// One method of one path, as described.
#[derive(Debug, Default)]
pub struct Operation {
    query: HashMap<String, Parameter>,
    body: Option<Validator>,
}

#[derive(Debug)]
struct Parameter {
    is_text: bool,
    schema: Validator,
}

/// The operation that a request was routed to; none for what is no part of the API.
pub fn operation(method: &Method, extensions: &Extensions) -> Option<&'static Operation> {
    let path = extensions.get::<MatchedPath>()?.as_str().to_owned();
    OPERATIONS.get(&(path, method.as_str().to_ascii_lowercase()))
}

impl Operation {
    /// Why this body is none, with the place in it.
    pub fn fault_of_body(&self, body: &Value) -> Option<String> {
        let fault = self.body.as_ref()?.validate(body).err()?;
        let place = fault.instance_path().to_string();
        Some(if place.is_empty() {
            fault.to_string()
        } else {
            format!("at {place}: {fault}")
        })
    }

    /// Why this query is none, with the parameter's name.
    pub fn fault_of_query<'a>(&self, pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Option<String> {
        pairs.into_iter().find_map(|(name, text)| {
            let fault = self.query.get(name)?.fault_of(text)?;
            Some(format!("{name}: {fault}"))
        })
    }
}

impl Parameter {
    /// Numbers come as text; what is no number stays text, which the schema of a number refuses.
    fn fault_of(&self, text: &str) -> Option<String> {
        let number = (!self.is_text).then(|| serde_json::from_str(text).ok());
        let value = number.flatten().unwrap_or_else(|| Value::from(text));
        self.schema.validate(&value).err().map(|fault| fault.to_string())
    }
}

fn read() -> HashMap<(String, String), Operation> {
    let document = serde_json::to_value(openapi::document()).unwrap_or_default();
    let components = &document["components"];
    let paths = document["paths"].as_object().into_iter().flatten();
    paths
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().into_iter().flatten();
            methods
                .map(move |(method, described)| ((path.clone(), method.clone()), operation_of(described, components)))
        })
        .collect()
}

fn operation_of(described: &Value, components: &Value) -> Operation {
    let parameters = described["parameters"].as_array().into_iter().flatten();
    let query = parameters
        .filter(|parameter| parameter["in"] == "query")
        .filter_map(|parameter| {
            let schema = &parameter["schema"];
            let checked = Parameter {
                is_text: schema["type"] == "string",
                schema: validator(schema, components)?,
            };
            Some((parameter["name"].as_str()?.to_owned(), checked))
        });
    let body = &described["requestBody"]["content"]["application/json"]["schema"];
    Operation {
        query: query.collect(),
        body: body.is_object().then(|| validator(body, components)).flatten(),
    }
}

/// References lead to `#/components`, which therefore comes along. None for what is no schema: a test finds it.
fn validator(schema: &Value, components: &Value) -> Option<Validator> {
    let mut whole: Map<String, Value> = schema.as_object()?.clone();
    whole.insert("components".into(), components.clone());
    jsonschema::draft202012::new(&json!(whole)).ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn described(method: &str, path: &str) -> &'static Operation {
        &OPERATIONS[&(path.to_owned(), method.to_owned())]
    }

    #[test]
    fn every_body_and_query_of_the_document_is_checked() {
        let document = serde_json::to_value(openapi::document()).unwrap();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for (method, operation) in methods.as_object().unwrap() {
                let known = described(method, path);
                let body = operation["requestBody"]["content"]["application/json"].is_object();
                assert_eq!(known.body.is_some(), body, "{method} {path}");
                let parameters = operation["parameters"].as_array().into_iter().flatten();
                let queries = parameters.filter(|parameter| parameter["in"] == "query");
                assert_eq!(known.query.len(), queries.count(), "{method} {path}");
            }
        }
    }

    #[test]
    fn numbers_out_of_range_and_texts_for_numbers_are_faults() {
        let list = described("get", "/v1/jobs");
        assert_eq!(list.fault_of_query([("limit", "1000"), ("q", "7")]), None);
        for wrong in ["0", "1001", "-1", "1.5", "many", ""] {
            assert!(
                list.fault_of_query([("limit", wrong)])
                    .is_some_and(|fault| fault.starts_with("limit: ")),
                "{wrong}"
            );
        }
        // Parameters that nobody described are left alone.
        assert_eq!(list.fault_of_query([("unknown", "0")]), None);
    }

    #[test]
    fn bodies_are_objects_all_the_way_down() {
        let job = described("post", "/v1/jobs");
        let body = |settings: Value| {
            let mut body = json!({"scene": {"upload": "u"}});
            body.as_object_mut()
                .unwrap()
                .extend(settings.as_object().unwrap().clone());
            job.fault_of_body(&body)
        };
        assert_eq!(body(json!({})), None);
        assert_eq!(body(json!({"frames": [1, 2], "tiles": {"grid": [2, 2]}})), None);
        for wrong in [
            json!({"frames": []}),
            json!({"samples": 0}),
            json!({"tiles": {"grid": [0, 2]}}),
            json!({"slices": {"count": 0}}),
            json!({"resolution": {"exact": [64, 48]}}),
            json!({"resolution": {"exact": {"width": 0, "height": 1}}}),
            json!({"priority": 101}),
            json!({"budget": "-1"}),
        ] {
            assert!(body(wrong.clone()).is_some(), "{wrong}");
        }
        assert!(job.fault_of_body(&json!([{"upload": "u"}])).is_some());
        assert!(described("patch", "/v1/jobs/{id}").fault_of_body(&json!([])).is_some());
    }
}
