//! Names, routes, doors and logs.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{functions, unless};
use crate::deploy::template::{ROOT, Stacks, repository};

/// Folder = package = logical id in lower case = the binary = the end of the function's name.
pub(super) fn names(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut ids = Vec::new();
    for function in functions(stacks) {
        let name = function.id.to_lowercase();
        let properties = &function.body["Properties"];
        let binary = &function.body["Metadata"]["BuildProperties"]["Binary"];
        wrong
            .extend(unless(properties["CodeUri"] == format!("functions/{name}"), format!("{name}: CodeUri")));
        wrong.extend(unless(*binary == name, format!("{name}: Binary")));
        let full = format!("${{AWS::StackName}}-{name}");
        wrong.extend(unless(properties["FunctionName"]["Fn::Sub"] == full, format!("{name}: FunctionName")));
        let built = function.body["Metadata"]["BuildMethod"] == "rust-cargolambda";
        wrong.extend(unless(built, format!("{name}: BuildMethod")));
        ids.push(name);
    }
    let mut folders: Vec<String> = std::fs::read_dir(repository().join("functions"))
        .expect("functions/ can be listed")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    folders.sort();
    wrong.extend(unless(ids == folders, format!("functions {ids:?} but folders {folders:?}")));
    let runtime = &stacks.get(ROOT, "Portal")["Properties"]["Runtime"];
    wrong.extend(unless(runtime.is_null(), "the runtime is said once, in Globals"));
    wrong
}

/// `ANY /auth/{proxy+}` to sign-in, `ANY /operators/{proxy+}` to the operators' door, everything else to the portal, payload 2.0, in time.
pub(super) fn routes(stacks: &Stacks) -> Vec<String> {
    let mut found = BTreeMap::new();
    let mut wrong = Vec::new();
    for route in stacks.of_type("AWS::ApiGatewayV2::Route") {
        let properties = &route.body["Properties"];
        let target = properties["Target"]["Fn::Sub"].as_str().unwrap_or_default();
        let id = target.trim_start_matches("integrations/${").trim_end_matches('}');
        let integration = &stacks.get(route.stack, id)["Properties"];
        let function = stacks.target(route.stack, &integration["IntegrationUri"]).map(|(_, id)| id);
        wrong.extend(unless(integration["PayloadFormatVersion"] == "2.0", format!("{id}: payload version")));
        let timeout =
            stacks.get(ROOT, function.as_deref().unwrap_or_default())["Properties"]["Timeout"].as_u64();
        let patience = integration["TimeoutInMillis"].as_u64().unwrap_or_default();
        let waits = timeout.is_some_and(|seconds| patience > seconds * 1000) && patience <= 30_000;
        wrong.extend(unless(waits, format!("{id}: the gateway waits longer than the function runs")));
        found.insert(properties["RouteKey"].as_str().unwrap_or_default(), function.unwrap_or_default());
    }
    let wanted = BTreeMap::from([
        ("$default", "Portal".to_owned()),
        ("ANY /auth/{proxy+}", "Signin".to_owned()),
        ("ANY /operators/{proxy+}", "Operators".to_owned()),
    ]);
    wrong.extend(unless(found == wanted, format!("routes {found:?}")));
    wrong
}

/// No function URL, and no permission that names everybody or leaves its source open.
pub(super) fn no_way_past_the_gateway(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for url in stacks.of_type("AWS::Lambda::Url") {
        wrong.push(format!("{} is a function URL", url.id));
    }
    for function in functions(stacks) {
        let properties = &function.body["Properties"];
        wrong.extend(unless(
            properties["FunctionUrlConfig"].is_null(),
            format!("{}: function URL", function.id),
        ));
        wrong.extend(unless(properties["Events"].is_null(), format!("{}: implicit events", function.id)));
    }
    for permission in stacks.of_type("AWS::Lambda::Permission") {
        let properties = &permission.body["Properties"];
        let service = properties["Principal"].as_str().is_some_and(|name| name.ends_with(".amazonaws.com"));
        wrong.extend(unless(service, format!("{}: principal", permission.id)));
        wrong.extend(unless(properties["SourceArn"].is_object(), format!("{}: open source", permission.id)));
    }
    for api in stacks.of_type("AWS::ApiGatewayV2::Api") {
        let cors = &api.body["Properties"]["CorsConfiguration"];
        wrong.extend(unless(cors.is_null(), "the portal is of one origin: no CORS"));
    }
    for stage in stacks.of_type("AWS::ApiGatewayV2::Stage") {
        let properties = &stage.body["Properties"];
        let throttled = properties["DefaultRouteSettings"]["ThrottlingRateLimit"].is_u64();
        wrong.extend(unless(throttled, format!("{}: no throttle", stage.id)));
        let format = properties["AccessLogSettings"]["Format"].as_str().unwrap_or_default();
        let quiet =
            format.contains("$context.path") && !format.contains("query") && !format.contains("header");
        wrong.extend(unless(quiet, format!("{}: the access log carries more than the path", stage.id)));
    }
    wrong
}

/// Every function writes to a log group of its own; every log group is encrypted and ends.
pub(super) fn logs(stacks: &Stacks) -> Vec<String> {
    let mut wrong = Vec::new();
    for function in functions(stacks) {
        let group = stacks.target(ROOT, &function.body["Properties"]["LoggingConfig"]["LogGroup"]);
        let own = group.is_some_and(|(_, id)| id == format!("{}Logs", function.id));
        wrong.extend(unless(own, format!("{}: log group", function.id)));
    }
    for group in stacks.of_type("AWS::Logs::LogGroup") {
        let properties = &group.body["Properties"];
        wrong.extend(unless(properties["KmsKeyId"].is_object(), format!("{}: not encrypted", group.id)));
        let ends = properties["RetentionInDays"] != Value::Null;
        wrong.extend(unless(ends, format!("{}: never ends", group.id)));
    }
    wrong
}
