//! The document and the routes say the same.

use std::collections::BTreeSet;

use serde_json::Value;

use super::*;
use crate::routes;

fn document() -> Value {
    serde_json::to_value(of(&routes::all())).unwrap()
}

/// (method, path, permission) of every operation in the document.
fn documented() -> BTreeSet<(String, String, String)> {
    let document = document();
    let paths = document["paths"].as_object().unwrap().clone();
    let operations = paths.into_iter().flat_map(|(path, item)| {
        let methods = item.as_object().unwrap().clone();
        methods.into_iter().map(move |(method, operation)| {
            let permission = operation["x-permission"].as_str().unwrap_or("none").to_owned();
            (method.to_uppercase(), path.clone(), permission)
        })
    });
    operations.collect()
}

/// Every `$ref` in a value.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            found.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[test]
fn every_route_is_in_the_document_with_its_permission_and_nothing_else_is() {
    let served: BTreeSet<_> = routes::all()
        .iter()
        .map(|r| (r.method.to_string(), format!("{API}{}", r.path), permission(r.access).to_owned()))
        .collect();
    assert_eq!(served, documented());
}

#[test]
fn what_is_public_is_a_short_list() {
    let public: Vec<_> =
        documented().into_iter().filter(|(_, _, p)| p == "public").map(|(_, path, _)| path).collect();
    assert_eq!(public, ["/api/v1/health", "/api/v1/openapi.json"]);
}

#[test]
fn no_route_that_writes_is_open_to_those_who_may_only_read() {
    for (method, path, permission) in documented() {
        let reads = permission.ends_with(".read") || permission == "signed_in";
        let harmless = ["/api/v1/schedules/preview", "/api/v1/me/workspace"].contains(&path.as_str());
        assert!(method == "GET" || harmless || !reads, "{method} {path} needs {permission} only");
    }
}

#[test]
fn every_reference_in_the_document_leads_somewhere() {
    let document = document();
    let mut found = Vec::new();
    references(&document, &mut found);
    assert!(found.len() > 50, "{}", found.len());
    for reference in found {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}

#[test]
fn operations_have_names_of_their_own_and_describe_their_paths() {
    let document = document();
    let mut names = BTreeSet::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        for operation in item.as_object().unwrap().values() {
            assert!(
                names.insert(operation["operationId"].as_str().unwrap().to_owned()),
                "{path}: a name comes twice"
            );
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let described: Vec<_> = parameters
                .iter()
                .filter(|p| p["in"] == "path")
                .map(|p| p["name"].as_str().unwrap().to_owned())
                .collect();
            assert_eq!(described, names_in(path), "{path}");
        }
    }
}

#[test]
fn no_schema_of_a_body_names_a_tenant_and_no_answer_a_secret() {
    let text = document()["components"]["schemas"].to_string();
    for word in ["tenant_id", "tenant_schema", "\"sealed\"", "schema_name"] {
        assert!(!text.contains(word), "{word}");
    }
}
