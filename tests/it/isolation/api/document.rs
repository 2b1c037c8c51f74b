//! The served OpenAPI document as a list of operations.

use serde_json::Value;
use shared::model::role::{Permission, Role};
use tests::caller::Anonymous;

/// One operation of the API.
#[derive(Clone, Debug)]
pub(in crate::isolation) struct Operation {
    /// `vaults_create`.
    pub(in crate::isolation) id: String,
    /// `POST`.
    pub(in crate::isolation) method: reqwest::Method,
    /// Below `/api/v1`, with its open parts: `/vaults/{id}`.
    pub(in crate::isolation) path: String,
    /// `public`, `signed_in`, or a permission.
    pub(in crate::isolation) permission: String,
    /// The action under which reading it stands in the audit log.
    pub(super) recorded: Option<String>,
    /// Names of the query's parameters that hold an id.
    pub(in crate::isolation) query_ids: Vec<String>,
    /// Names of its query's other parameters that take a text, the cursor aside.
    pub(in crate::isolation) filters: Vec<String>,
    /// Whether its query takes a cursor.
    pub(in crate::isolation) has_cursor: bool,
    /// Names of the headers that it says it takes, in lower case.
    pub(in crate::isolation) headers: Vec<String>,
    /// The schema of its body, with every reference resolved.
    pub(in crate::isolation) body: Option<Value>,
}

/// A field of a body that refers to something: its pointer, and whether it holds an id or a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::isolation) struct Reference {
    pub(in crate::isolation) pointer: String,
    pub(in crate::isolation) is_id: bool,
}

/// Everything that the stack at this URL serves.
pub(in crate::isolation) async fn operations(url: &str) -> Vec<Operation> {
    let document = Anonymous::at(url).get("/openapi.json").await.expect(200);
    read_all(&document)
}

fn read_all(document: &Value) -> Vec<Operation> {
    let mut operations = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            operations.push(read(document, path, method, operation));
        }
    }
    operations
}

fn read(document: &Value, path: &str, method: &str, operation: &Value) -> Operation {
    let parameters: Vec<&Value> = operation["parameters"].as_array().into_iter().flatten().collect();
    let standing =
        |place: &'static str| parameters.iter().copied().filter(move |parameter| parameter["in"] == place);
    let name = |parameter: &Value| parameter["name"].as_str().unwrap_or_default().to_owned();
    let holds_id = |parameter: &&Value| {
        let name = parameter["name"].as_str().unwrap_or_default();
        name == "id" || name.ends_with("_id") || parameter["schema"]["format"] == "uuid"
    };
    let is_filter = |parameter: &&Value| {
        !holds_id(parameter) && !["cursor", "limit"].contains(&parameter["name"].as_str().unwrap_or_default())
    };
    let body = &operation["requestBody"]["content"]["application/json"]["schema"];
    Operation {
        id: operation["operationId"].as_str().expect("an id").to_owned(),
        method: method.to_uppercase().parse().expect("a method"),
        path: path.strip_prefix("/api/v1").expect("of the API").to_owned(),
        permission: operation["x-permission"].as_str().unwrap_or_default().to_owned(),
        recorded: operation["x-recorded"].as_str().map(str::to_owned),
        query_ids: standing("query").filter(holds_id).map(name).collect(),
        filters: standing("query").filter(is_filter).map(name).collect(),
        has_cursor: standing("query").any(|parameter| parameter["name"] == "cursor"),
        headers: standing("header").map(|parameter| name(parameter).to_lowercase()).collect(),
        body: (!body.is_null()).then(|| resolved(document, body, 0)),
    }
}

/// A schema without references; what refers to itself ends after a few rounds.
fn resolved(document: &Value, schema: &Value, depth: usize) -> Value {
    if depth > 12 {
        return Value::Null;
    }
    if let Some(reference) = schema["$ref"].as_str() {
        let target = document.pointer(reference.trim_start_matches('#')).expect("within the document");
        return resolved(document, target, depth + 1);
    }
    match schema {
        Value::Object(map) => {
            map.iter().map(|(name, part)| (name.clone(), resolved(document, part, depth + 1))).collect()
        }
        Value::Array(items) => items.iter().map(|part| resolved(document, part, depth + 1)).collect(),
        other => other.clone(),
    }
}

impl Operation {
    /// Whether a role may call it.
    pub(in crate::isolation) fn is_for(&self, role: Role) -> bool {
        match self.permission.as_str() {
            "public" | "signed_in" => true,
            permission => role.may(permission.parse::<Permission>().expect("a permission of ours")),
        }
    }

    /// Whether whoever has these permissions may call it.
    pub(super) fn is_within(&self, permissions: &[Permission]) -> bool {
        match self.permission.as_str() {
            "public" | "signed_in" => true,
            permission => permissions.contains(&permission.parse().expect("a permission of ours")),
        }
    }

    /// Names of the open parts of its path, each with the collection it stands in: `("vaults", "id")`.
    pub(in crate::isolation) fn parts(&self) -> Vec<(String, String)> {
        let steps: Vec<&str> = self.path.split('/').collect();
        let open = |at: usize| steps[at].strip_prefix('{').and_then(|step| step.strip_suffix('}'));
        let named = (1..steps.len()).filter_map(|at| Some((steps[at - 1].to_owned(), open(at)?.to_owned())));
        named.collect()
    }

    /// The fields of its body that refer to something.
    pub(in crate::isolation) fn references(&self) -> Vec<Reference> {
        let mut found = Vec::new();
        if let Some(body) = &self.body {
            search(body, "", &mut found);
        }
        found.dedup();
        found
    }
}

/// Names by which bodies refer to other things: a task's connection, a credential's vault, a member's role.
const NAMED: [&str; 3] = ["connection", "vault", "role"];

fn search(schema: &Value, pointer: &str, found: &mut Vec<Reference>) {
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let pointer = format!("{pointer}/{name}");
        let is_id = property["format"] == "uuid" || name == "id" || name.ends_with("_id");
        if is_id || NAMED.contains(&name.as_str()) {
            found.push(Reference { pointer: pointer.clone(), is_id });
        }
        search(property, &pointer, found);
    }
    if !schema["items"].is_null() {
        search(&schema["items"], &format!("{pointer}/0"), found);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        for part in schema[choice].as_array().into_iter().flatten() {
            search(part, pointer, found);
        }
    }
}
