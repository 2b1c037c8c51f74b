//! Requests to one Airflow within one invocation: Basic in v1; in v2 a token from `/auth/token`, fetched once and dropped
//! with the session.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use shared::{
    egress::{
        Egress, EgressError, Method, Request, Response, Rule, Url,
        header::{self, HeaderMap, HeaderValue},
    },
    engine::Outcome,
    model::{
        connection::{
            airflow::{Api, Settings},
            encode_step, join,
        },
        state::Failure,
    },
    secrets::Secret,
};

use super::super::{Target, answer};

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Ours to Airflow, with its proof of who we are.
pub(super) struct Session<'a> {
    egress: &'a Egress,
    settings: &'a Settings,
    target: &'a Target<'a>,
    authorization: HeaderValue,
}

impl<'a> Session<'a> {
    /// Signs in. What went wrong is answered as a start would be: nothing was started.
    pub(super) async fn open(
        egress: &'a Egress,
        settings: &'a Settings,
        target: &'a Target<'a>,
    ) -> Result<Self, Outcome> {
        let Some(password) = target.credential.and_then(Secret::expose_str) else {
            return Err(answer::failed(Failure::Auth, "The connection's credential is missing."));
        };
        let proof = match settings.api {
            Api::V1 => format!("Basic {}", STANDARD.encode(format!("{}:{password}", settings.user))),
            Api::V2 => format!("Bearer {}", token(egress, settings, target, password).await?),
        };
        let mut authorization = HeaderValue::from_str(&proof).map_err(|_| {
            answer::failed(Failure::Auth, "The credential has characters that a header cannot carry.")
        })?;
        authorization.set_sensitive(true);
        Ok(Self { egress, settings, target, authorization })
    }

    /// The list's order, newest first.
    pub(super) fn newest_first(&self) -> &'static str {
        match self.settings.api {
            Api::V1 => "-execution_date",
            Api::V2 => "-run_after",
        }
    }

    pub(super) async fn get(&self, steps: &[&str], query: &str) -> Result<Response, EgressError> {
        self.send(Method::GET, steps, query, None).await
    }

    pub(super) async fn post(&self, steps: &[&str], body: &Value) -> Result<Response, EgressError> {
        self.send(Method::POST, steps, "", Some(body)).await
    }

    pub(super) async fn patch(&self, steps: &[&str], body: &Value) -> Result<Response, EgressError> {
        self.send(Method::PATCH, steps, "", Some(body)).await
    }

    async fn send(
        &self,
        method: Method,
        steps: &[&str],
        query: &str,
        body: Option<&Value>,
    ) -> Result<Response, EgressError> {
        let api = match self.settings.api {
            Api::V1 => "api/v1",
            Api::V2 => "api/v2",
        };
        let path: String = steps.iter().map(|step| format!("/{}", encode_step(step))).collect();
        if answer::climbs(&path) {
            return Err(EgressError::Refused(Rule::Host));
        }
        let url = join(&self.settings.base_url, &format!("{api}{path}{query}"));
        let mut request = request(method, &url, self.target, body)?;
        request.headers.insert(header::AUTHORIZATION, self.authorization.clone());
        self.egress.send(request).await
    }
}

/// v2's token: `POST /auth/token` answers 201 with `access_token`.
async fn token(
    egress: &Egress,
    settings: &Settings,
    target: &Target<'_>,
    password: &str,
) -> Result<String, Outcome> {
    let body = json!({ "username": settings.user, "password": password });
    let request = request(Method::POST, &join(&settings.base_url, "auth/token"), target, Some(&body));
    let answer = match request {
        Ok(request) => egress.send(request).await,
        Err(error) => Err(error),
    };
    // No run was asked for yet, so whatever failed here is a plain failure.
    let answer = answer.map_err(|error| match error {
        EgressError::Refused(_) => answer::permanent(format!("Airflow was not called: {error}.")),
        _ => answer::failed(Failure::Transient, format!("Airflow was not reached: {error}.")),
    })?;
    if !answer.status.is_success() {
        let says = answer::says(answer.status, &answer::excerpt(&answer, target.credential));
        return Err(answer::failed(answer::class_of(answer.status), says));
    }
    let token = answer::json(&answer).and_then(|body| body["access_token"].as_str().map(str::to_owned));
    token.ok_or_else(|| {
        answer::permanent("The sign-in was not answered as Airflow 3 does: is the base URL right?")
    })
}

fn request(
    method: Method,
    url: &str,
    target: &Target<'_>,
    body: Option<&Value>,
) -> Result<Request, EgressError> {
    let url = Url::parse(url).map_err(|_| EgressError::Refused(Rule::Host))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::ACCEPT, JSON);
    if body.is_some() {
        headers.insert(header::CONTENT_TYPE, JSON);
    }
    let body = body.map(|b| b.to_string().into_bytes()).unwrap_or_default();
    Ok(Request { method, url, headers, body, deadline: target.left(), max_body: answer::MAX_BODY })
}
