//! The OpenAPI 3.1 document of this door, made from the list of what is served.

use http::Method;
use serde_json::{Map, Value, json};

use crate::{
    grants::{MINUTES, REASON, TICKET},
    route::{Access, ROUTES, Route},
};

/// The document.
pub(crate) fn document() -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let item = paths.entry(route.path).or_insert_with(|| json!({}));
        item[route.method.as_str().to_lowercase()] = operation(route);
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "signalbox, the operators' door",
            "version": "1",
            "description": "How workspaces are doing, and grants to look into one. Every access is in the operators' audit log; \
                            one that names a workspace is in that workspace's own log too.",
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "cookie": { "type": "apiKey", "in": "cookie", "name": shared::auth::cookie::OPERATOR_SESSION },
                "bearer": { "type": "http", "scheme": "bearer" },
            },
        },
    })
}

fn operation(route: &Route) -> Value {
    let names = route.path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'));
    let parameter = |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string", "format": "uuid" } });
    let mut parameters: Vec<Value> = names.map(parameter).collect();
    if route.name.ends_with(".list") || route.name == "audit.read" {
        parameters.push(json!({ "name": "limit", "in": "query", "schema": { "type": "integer", "minimum": 1, "maximum": 200, "default": 50 } }));
        parameters.push(
            json!({ "name": "cursor", "in": "query", "schema": { "type": "string", "format": "uuid" } }),
        );
    }
    if route.name.ends_with(".list") && route.access == Access::Operator {
        parameters.push(json!({ "name": "database", "in": "query", "description": "One of those that the overview names; the first without it.", "schema": { "type": "string", "pattern": "^[a-z][a-z0-9_]{0,30}$" } }));
    }
    if route.name == "audit.list" {
        parameters.push(json!({ "name": "workspace_id", "in": "query", "schema": { "type": "string", "format": "uuid" } }));
    }
    let (access, security) = match route.access {
        Access::Public => ("public", json!([{}])),
        Access::Operator => ("operator", json!([{ "cookie": [] }, { "bearer": [] }])),
        Access::Grant => ("grant", json!([{ "cookie": [] }, { "bearer": [] }])),
    };
    let mut operation = json!({
        "operationId": route.name.replace('.', "_"),
        "summary": route.summary,
        "parameters": parameters,
        "security": security,
        "x-access": access,
        "responses": {
            "2XX": { "description": "Done." },
            "default": { "description": "A problem (RFC 9457).", "content": { "application/problem+json": {} } },
        },
    });
    if *route.method == Method::POST && route.path.ends_with("/grants") {
        operation["requestBody"] =
            json!({ "required": true, "content": { "application/json": { "schema": grant() } } });
    }
    operation
}

fn grant() -> Value {
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["workspace_id", "reason", "ticket", "minutes"],
        "properties": {
            "workspace_id": { "type": "string", "format": "uuid" },
            "reason": { "type": "string", "minLength": REASON.start(), "maxLength": REASON.end() },
            "ticket": { "type": "string", "minLength": TICKET.start(), "maxLength": TICKET.end() },
            "minutes": { "type": "integer", "minimum": MINUTES.start(), "maximum": MINUTES.end() },
        },
    })
}
