//! A client of signalbox's API, for whoever sets it up: the seed and the commands.

use reqwest::header::{HeaderMap, SET_COOKIE};
use reqwest::{Client, Method, StatusCode};
use serde_json::Value;

use crate::clock::random_id;

/// One person's calls.
#[derive(Clone, Debug)]
pub struct Api {
    http: Client,
    base: String,
    token: String,
}

/// A call that was refused, or not answered.
#[derive(Debug, thiserror::Error)]
pub enum ApiError {
    /// No answer.
    #[error("{call} was not answered: {source}")]
    Silent {
        /// Method and path.
        call: String,
        /// What happened.
        source: reqwest::Error,
    },
    /// An answer other than 2xx.
    #[error("{call} was answered {status}: {detail}")]
    Refused {
        /// Method and path.
        call: String,
        /// Its status.
        status: StatusCode,
        /// The problem's detail.
        detail: String,
    },
}

impl Api {
    /// Calls of the API at this URL with this bearer token.
    pub fn new(url: &str, token: String) -> Self {
        Self {
            http: Client::builder().no_proxy().build().unwrap_or_default(),
            base: format!("{url}/api/v1"),
            token,
        }
    }

    /// One resource.
    pub async fn get(&self, path: &str) -> Result<Value, ApiError> {
        self.call(Method::GET, path, None).await
    }

    /// Creates or acts, once: a retry of the transport is the same call.
    pub async fn post(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::POST, path, Some(body)).await
    }

    /// Replaces.
    pub async fn put(&self, path: &str, body: &Value) -> Result<Value, ApiError> {
        self.call(Method::PUT, path, Some(body)).await
    }

    /// The items of a list's first page.
    pub async fn list(&self, path: &str, query: &str) -> Result<Vec<Value>, ApiError> {
        let mut page = self.get(&format!("{path}?{query}")).await?;
        Ok(page["items"].as_array_mut().map(std::mem::take).unwrap_or_default())
    }

    /// The items of the largest page.
    pub async fn all(&self, path: &str) -> Result<Vec<Value>, ApiError> {
        self.list(path, "limit=200").await
    }

    /// The item of this name.
    pub async fn find(&self, path: &str, name: &str) -> Result<Option<Value>, ApiError> {
        Ok(self.all(path).await?.into_iter().find(|item| item["name"] == name))
    }

    /// The item of this name, created if there is none.
    pub async fn ensure(&self, path: &str, name: &str, body: Value) -> Result<Value, ApiError> {
        match self.find(path, name).await? {
            Some(item) => Ok(item),
            None => self.post(path, &body).await,
        }
    }

    /// The bearer token.
    pub fn token(&self) -> &str {
        &self.token
    }

    async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, ApiError> {
        let call = format!("{method} /api/v1/{path}");
        let mut request =
            self.http.request(method.clone(), format!("{}/{path}", self.base)).bearer_auth(&self.token);
        if method == Method::POST {
            request = request.header("idempotency-key", random_id().to_string());
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let answer =
            request.send().await.map_err(|source| ApiError::Silent { call: call.clone(), source })?;
        let status = answer.status();
        let text = answer.text().await.map_err(|source| ApiError::Silent { call: call.clone(), source })?;
        let body: Value = serde_json::from_str(&text).unwrap_or_default();
        if status.is_success() {
            return Ok(body);
        }
        Err(ApiError::Refused { call, status, detail: problem(&body) })
    }
}

/// The session that an answer sets, if it sets one.
pub(crate) fn session(headers: &HeaderMap, name: &str) -> Option<String> {
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut values = cookies.filter_map(|cookie| cookie.strip_prefix(name)?.strip_prefix('='));
    values.find_map(|rest| rest.split(';').next().filter(|value| !value.is_empty()).map(str::to_owned))
}

/// What a problem document says, with the fields it complains about.
pub(crate) fn problem(body: &Value) -> String {
    let detail = body["detail"].as_str().or(body["title"].as_str()).unwrap_or("no reason given");
    let fields = body["errors"].as_array().into_iter().flatten().filter_map(|error| {
        Some(format!(" ({} {})", error["pointer"].as_str()?, error["message"].as_str().unwrap_or_default()))
    });
    fields.fold(detail.to_owned(), |text, field| text + &field)
}
