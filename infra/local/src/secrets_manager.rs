//! Secrets Manager on one machine, over the JSON protocol the AWS SDK speaks.
//!
//! Functions read their secrets with `GetSecretValue`; the steward also creates logins' secrets. Values live where the
//! runner's [`SecretStore`] puts them. One version is kept, the current one. Values are never logged.

use std::io;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

mod names;

pub use names::Names;

/// AWS "Secrets Manager quotas": 65,536 bytes.
const MAX_SECRET_BYTES: usize = 65_536;

/// Where secrets live. The runner's store keeps files of mode 0600 in the data folder.
pub trait SecretStore: Send + Sync + 'static {
    /// The value under a name, or `None`.
    fn read(&self, name: &str) -> io::Result<Option<String>>;
    /// Creates or replaces the value under a name.
    fn write(&self, name: &str, value: &str) -> io::Result<()>;
}

/// Answers one call (`X-Amz-Target: secretsmanager.<operation>`).
pub fn answer(store: &dyn SecretStore, names: &Names, operation: &str, body: &[u8]) -> Response {
    match call(store, names, operation, body) {
        Ok(answer) => {
            ([(header::CONTENT_TYPE, "application/x-amz-json-1.1")], answer.to_string()).into_response()
        }
        Err(refusal) => refusal.into_response(),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Request {
    secret_id: Option<String>,
    name: Option<String>,
    secret_string: Option<String>,
    version_id: Option<String>,
    version_stage: Option<String>,
}

fn call(store: &dyn SecretStore, names: &Names, operation: &str, body: &[u8]) -> Result<Value, Refusal> {
    let request: Request = serde_json::from_slice(body).map_err(|_| Refusal::InvalidRequest)?;
    match operation {
        "CreateSecret" => {
            let name = request
                .name
                .as_deref()
                .filter(|name| Names::allows(name))
                .ok_or(Refusal::InvalidParameter)?;
            if store.read(name)?.is_some() {
                return Err(Refusal::Exists);
            }
            put(store, names, name, request.secret_string)
        }
        "PutSecretValue" | "UpdateSecret" => {
            let (name, _) = find(store, names, &request)?;
            put(store, names, &name, request.secret_string)
        }
        "GetSecretValue" => {
            let (name, value) = find(store, names, &request)?;
            let mut answer = version(names, &name, &value);
            answer["SecretString"] = value.into();
            Ok(answer)
        }
        "DescribeSecret" => {
            let (name, value) = find(store, names, &request)?;
            let id = version_id(&value).to_string();
            Ok(json!({"ARN": names.arn(&name), "Name": name, "VersionIdsToStages": {id: ["AWSCURRENT"]}}))
        }
        _ => Err(Refusal::InvalidRequest),
    }
}

fn find(store: &dyn SecretStore, names: &Names, request: &Request) -> Result<(String, String), Refusal> {
    let id = request.secret_id.as_deref().ok_or(Refusal::InvalidParameter)?;
    let name = names.name(id).ok_or(Refusal::NotFound)?;
    let value = store.read(name)?.ok_or(Refusal::NotFound)?;
    let current = request.version_stage.as_deref().is_none_or(|stage| stage == "AWSCURRENT")
        && request.version_id.as_deref().is_none_or(|id| id == version_id(&value).to_string());
    if current { Ok((name.to_owned(), value)) } else { Err(Refusal::NotFound) }
}

fn put(store: &dyn SecretStore, names: &Names, name: &str, value: Option<String>) -> Result<Value, Refusal> {
    let value = value.filter(|value| (1..=MAX_SECRET_BYTES).contains(&value.len()));
    let value = value.ok_or(Refusal::InvalidParameter)?;
    store.write(name, &value)?;
    Ok(version(names, name, &value))
}

fn version(names: &Names, name: &str, value: &str) -> Value {
    json!({
        "ARN": names.arn(name),
        "Name": name,
        "VersionId": version_id(value),
        "VersionStages": ["AWSCURRENT"],
    })
}

/// Made from the value, so that it changes with it and stays over a restart. Versions are compared, never undone.
fn version_id(value: &str) -> Uuid {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, value.as_bytes());
    let bytes = digest.as_ref().first_chunk().expect("a SHA-256 digest has 32 bytes");
    uuid::Builder::from_random_bytes(*bytes).into_uuid()
}

#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("Secrets Manager can't find the specified secret.")]
    NotFound,
    #[error("The operation failed because the secret already exists.")]
    Exists,
    #[error("A parameter is missing or out of range.")]
    InvalidParameter,
    #[error("The request is not valid.")]
    InvalidRequest,
    #[error("The secret store failed.")]
    Store(#[from] io::Error),
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, shape) = match &self {
            Self::NotFound => (StatusCode::BAD_REQUEST, "ResourceNotFoundException"),
            Self::Exists => (StatusCode::BAD_REQUEST, "ResourceExistsException"),
            Self::InvalidParameter => (StatusCode::BAD_REQUEST, "InvalidParameterException"),
            Self::InvalidRequest => (StatusCode::BAD_REQUEST, "InvalidRequestException"),
            Self::Store(error) => {
                tracing::error!(%error, "the secret store failed");
                (StatusCode::INTERNAL_SERVER_ERROR, "InternalServiceError")
            }
        };
        let body = json!({"__type": shape, "Message": self.to_string()});
        (status, [(header::CONTENT_TYPE, "application/x-amz-json-1.1")], body.to_string()).into_response()
    }
}
