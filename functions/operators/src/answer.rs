//! Answers: JSON, or a refusal with a stable code (RFC 9457). No answer holds SQL, a schema's name or a driver's text.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use serde_json::{Value, json};
use shared::{
    auth::{Repeated, SignInError, Unauthenticated},
    error::{DbError, Refusal as Because, chain},
    model::Problem,
};

/// What a handler comes to.
pub(crate) type Answer = Result<Response, Refusal>;

/// A request that is not answered with success.
#[derive(Debug)]
pub(crate) struct Refusal {
    status: StatusCode,
    code: &'static str,
    detail: &'static str,
    errors: Vec<Problem>,
    allow: Option<HeaderValue>,
}

/// A page of a list.
#[derive(Debug, Serialize)]
pub(crate) struct List {
    items: Vec<Value>,
    next_cursor: Option<String>,
}

impl List {
    /// The rows of a page that was asked for with one row more; `cursor` is how a row is found again.
    pub(crate) fn of<R>(
        mut rows: Vec<R>,
        limit: usize,
        cursor: impl Fn(&R) -> String,
        shape: impl Fn(R) -> Value,
    ) -> Self {
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next_cursor = rows.last().filter(|_| more).map(cursor);
        Self { items: rows.into_iter().map(shape).collect(), next_cursor }
    }
}

/// A JSON answer.
pub(crate) fn found(body: &impl Serialize) -> Response {
    with(StatusCode::OK, body)
}

/// A JSON answer for something that was made.
pub(crate) fn created(body: &impl Serialize) -> Response {
    with(StatusCode::CREATED, body)
}

fn with(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("our own types have JSON forms");
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

impl Refusal {
    /// A refusal with its stable code and a sentence.
    pub(crate) const fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self { status, code, detail, errors: Vec::new(), allow: None }
    }

    /// 404: absent, foreign or malformed, which nobody can tell apart.
    pub(crate) const fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here by that id or address.")
    }

    /// 400 with what is wrong and where.
    pub(crate) fn invalid(errors: Vec<Problem>) -> Self {
        let detail = "The request is not valid; `errors` says where.";
        Self { errors, ..Self::new(StatusCode::BAD_REQUEST, "invalid_request", detail) }
    }

    /// 405.
    pub(crate) fn method(allowed: &str) -> Self {
        let detail = "That method is not for this address.";
        let refusal = Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail);
        Self { allow: HeaderValue::from_str(allowed).ok(), ..refusal }
    }

    /// 403 for somebody who proved who they are, and is none of ours.
    pub(crate) const fn not_an_operator() -> Self {
        let detail = "You are not a platform operator.";
        Self::new(StatusCode::FORBIDDEN, "not_an_operator", detail)
    }

    /// 400 where no sign-in is under way in this browser under that state, or no longer.
    pub(crate) const fn flow_lost() -> Self {
        let detail = "It was begun in another browser or too long ago, or was used already. Sign in again.";
        Self::new(StatusCode::BAD_REQUEST, "sign_in_expired", detail)
    }

    /// 503.
    pub(crate) const fn unavailable() -> Self {
        let detail = "Try again in a few seconds.";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail)
    }

    /// 404 becomes 400: the thing was named in the body. Absent, foreign and malformed alike.
    pub(crate) fn at(self, pointer: &str) -> Self {
        if self.status != StatusCode::NOT_FOUND {
            return self;
        }
        let detail = "The request names something that is not there.";
        let refusal = Self::new(StatusCode::BAD_REQUEST, "invalid_reference", detail);
        Self { errors: vec![Problem::at(pointer, "is not there")], ..refusal }
    }

    /// The answer.
    pub(crate) fn answer(self, request_id: &str) -> Response {
        let errors: Vec<Value> =
            self.errors.iter().map(|it| json!({ "pointer": it.pointer, "message": it.message })).collect();
        let mut body = json!({
            "type": "about:blank",
            "title": self.status.canonical_reason().unwrap_or("Error"),
            "status": self.status.as_u16(),
            "code": self.code,
            "detail": self.detail,
            "request_id": request_id,
        });
        if !errors.is_empty() {
            body["errors"] = errors.into();
        }
        let mut response = with(self.status, &body);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        }
        headers.extend(self.allow.map(|allow| (header::ALLOW, allow)));
        response
    }
}

impl From<Unauthenticated> for Refusal {
    fn from(error: Unauthenticated) -> Self {
        tracing::info!(%error, "a request was refused");
        let detail = "Sign in first, at /operators/login.";
        Self::new(StatusCode::UNAUTHORIZED, "unauthenticated", detail)
    }
}

impl From<Repeated> for Refusal {
    fn from(_: Repeated) -> Self {
        Self::invalid(vec![Problem::at("?", "a parameter stands twice")])
    }
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Cancelled => {
                Self::new(StatusCode::FORBIDDEN, "sign_in_cancelled", "Nothing was changed.")
            }
            SignInError::NotProven => {
                let detail = "What the directory's sign-in sent back could not be accepted. Sign in again.";
                Self::new(StatusCode::UNAUTHORIZED, "sign_in_failed", detail)
            }
            SignInError::Unavailable => {
                let detail = "The directory's sign-in cannot be reached from here. Try again in a minute.";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "provider_unavailable", detail)
            }
            SignInError::NotSetUp => Self::unavailable(),
        }
    }
}

impl From<DbError> for Refusal {
    /// The one place where the database's word becomes an answer.
    fn from(error: DbError) -> Self {
        let conflict = |code, detail| Self::new(StatusCode::CONFLICT, code, detail);
        match &error {
            DbError::Refused(Because::NoSession) => Self::from(Unauthenticated::None),
            DbError::Refused(Because::NoGrant) => {
                tracing::warn!("an operator without a grant was refused");
                let detail =
                    "You have no open grant for such a workspace. Open one first, with reason and ticket.";
                Self::new(StatusCode::FORBIDDEN, "no_grant", detail)
            }
            DbError::Refused(Because::GrantOpen) => {
                conflict("grant_open", "You have an open grant for this workspace. Close it first.")
            }
            DbError::Refused(Because::TooManyGrants) => {
                conflict("too_many_grants", "You have five open grants. Close one first.")
            }
            DbError::Refused(_) => Self::not_found(),
            DbError::Retry(_) | DbError::Unavailable(_) => {
                tracing::warn!(cause = chain(&error), "a request failed");
                Self::unavailable()
            }
            _ => {
                tracing::error!(cause = chain(&error), "a request failed");
                let detail = "Something went wrong on our side.";
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", detail)
            }
        }
    }
}
