//! Every operation of the operators' own document, made into a request.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    caller::{Answer, Caller, send},
    operator::{self, API},
};
use uuid::Uuid;

/// One operation.
#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) method: Method,
    /// With its names in braces.
    pub(super) path: String,
    /// `public`, `operator` or `grant`.
    pub(super) access: String,
}

/// What stands in the places of the paths.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub(super) workspace: Uuid,
    pub(super) run: String,
    pub(super) grant: String,
}

impl Operation {
    /// The path, filled.
    pub(super) fn at(&self, places: &Places) -> String {
        let id =
            if self.path.contains("/grants/") { places.grant.clone() } else { places.workspace.to_string() };
        self.path.replace("{id}", &id).replace("{run_id}", &places.run)
    }

    /// Sends it as this caller.
    pub(super) async fn send(&self, by: &Caller, places: &Places) -> Answer {
        let request = by.request(self.method.clone(), &format!("/{}", self.at(places)));
        let request = match (self.method == Method::POST, self.path.ends_with("/grants")) {
            (true, true) => request.json(&operator::ask(places.workspace)),
            (true, false) => request.json(&json!({})),
            _ => request,
        };
        send(request).await
    }

    /// Whether it names one workspace.
    pub(super) fn names_one(&self) -> bool {
        self.path.contains("/workspaces/{id}") || self.method == Method::POST && self.path.contains("/grants")
    }
}

/// Every operation of the document.
pub(super) async fn operations(by: &Caller) -> Vec<Operation> {
    read(&by.get(&format!("{API}/openapi.json")).await.expect(200))
}

/// The operations of a document, with what it says of who may.
pub(super) fn read(document: &Value) -> Vec<Operation> {
    let mut found = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("methods") {
            let method = Method::from_bytes(method.to_uppercase().as_bytes()).expect("a method");
            let access = operation["x-access"].as_str().or(operation["x-permission"].as_str());
            found.push(Operation { method, path: path.clone(), access: access.expect("who may").to_owned() });
        }
    }
    found
}
