//! What goes wrong, as a caller is told it: RFC 9457 with a stable `code`. The cause stays here, for the log; no answer holds
//! SQL, a schema's name, a host or a driver's text.

mod database;

use http::StatusCode;
use serde::Serialize;
use shared::{
    error::{BoxError, DbError, chain},
    model::Problem,
};
use utoipa::ToSchema;

use crate::{crossing::Sign, reply::Reply};

/// The most of a text that is told back, in characters.
const MAX_TOLD: usize = 500;

/// The body of every answer that is not a success (`application/problem+json`).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct ProblemBody {
    /// Always `about:blank`: `code` says more.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// Stable; what a program looks at.
    #[schema(example = "not_found")]
    code: &'static str,
    /// For people.
    detail: String,
    /// The request's id, as in `x-request-id`, the log and the audit log.
    request_id: String,
    /// What is wrong with the body or the query, and where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<ProblemAt>,
}

/// One thing that is wrong with a request.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ProblemAt)]
struct ProblemAt {
    /// JSON Pointer into the body, or `?name` for a query parameter.
    pointer: String,
    /// One sentence.
    message: String,
}

/// A request that is not answered with success.
#[derive(Debug)]
pub(crate) struct Fault {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<Problem>,
    retry_after_s: Option<u32>,
    may_retry: bool,
    cause: Option<BoxError>,
}

/// Why a handler stops before its end: a fault, or an answer that was given before.
#[derive(Debug)]
pub(crate) enum Stop {
    /// Something is wrong.
    Fault(Fault),
    /// The same request was answered with this.
    Replay(Reply),
}

/// What a handler comes to.
pub(crate) type Answered<T> = Result<T, Stop>;

impl Fault {
    /// A fault with its stable code and a sentence.
    pub(crate) fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self { status, code, detail, errors: Vec::new(), retry_after_s: None, may_retry: false, cause: None }
    }

    /// 404: absent, foreign or malformed, which nobody can tell apart.
    pub(crate) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here by that id.")
    }

    /// 401, with no word of why.
    pub(crate) fn unauthenticated() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "Sign in first: there is no live session in this request, neither as a cookie nor as `Authorization: Bearer`.",
        )
    }

    /// 400 with what is wrong and where.
    pub(crate) fn invalid(errors: Vec<Problem>) -> Self {
        let fault = Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request",
            "The request is not valid; `errors` says where.",
        );
        Self { errors, ..fault }
    }

    /// 400 for a reference in a body to something that is not there: absent and foreign alike.
    pub(crate) fn dangling(pointer: &str, message: &str) -> Self {
        let fault = Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_reference",
            "The request names something that is not there.",
        );
        Self { errors: vec![Problem::at(pointer, message)], ..fault }
    }

    /// 400 for what has a name here but cannot be done yet.
    pub(crate) fn unsupported(problem: Problem) -> Self {
        let fault = Self::new(StatusCode::BAD_REQUEST, "unsupported", "That is not supported yet.");
        Self { errors: vec![problem], ..fault }
    }

    /// 429: the workspace makes more calls than it may.
    pub(crate) fn too_many_calls(retry_after_s: u32) -> Self {
        let detail = "This workspace makes more calls than it may. Try again after the seconds that `Retry-After` says.";
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", detail);
        Self { retry_after_s: Some(retry_after_s), ..fault }
    }

    /// 429: what takes long is being worked for this workspace already.
    pub(crate) fn one_at_a_time(retry_after_s: u32) -> Self {
        let detail = "This takes long and is worked for one caller of a workspace at a time. Try again after the seconds that `Retry-After` says.";
        let fault = Self::new(StatusCode::TOO_MANY_REQUESTS, "one_at_a_time", detail);
        Self { retry_after_s: Some(retry_after_s), ..fault }
    }

    /// 500 where the machine cannot make a secret.
    pub(crate) fn no_randomness() -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.")
            .because("the machine has no randomness")
    }

    /// 409.
    pub(crate) fn conflict(code: &'static str, detail: &'static str) -> Self {
        Self::new(StatusCode::CONFLICT, code, detail)
    }

    /// The same fault with its cause, for the log.
    pub(crate) fn because(self, cause: impl Into<BoxError>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }

    /// The same fault without its line in the log.
    pub(crate) fn unsaid(self) -> Self {
        Self { cause: None, ..self }
    }

    /// Whether it says that nobody is signed in.
    pub(crate) fn is_unauthenticated(&self) -> bool {
        self.status == StatusCode::UNAUTHORIZED
    }

    /// Whether the request may be worked again from its start.
    pub(crate) fn may_retry(&self) -> bool {
        self.may_retry
    }

    /// Whether it says that the caller may not, or not now, and so nothing of the request.
    pub(crate) fn is_refusal(&self) -> bool {
        use StatusCode as S;
        matches!(self.status, S::UNAUTHORIZED | S::FORBIDDEN | S::TOO_MANY_REQUESTS)
    }

    /// What it may say of an attempt to cross.
    pub(crate) fn sign(&self) -> Option<Sign> {
        let denied =
            self.cause().and_then(|cause| cause.downcast_ref::<DbError>()).is_some_and(DbError::is_denied);
        match self.status {
            _ if denied => Some(Sign::Denied),
            StatusCode::NOT_FOUND => Some(Sign::Miss),
            _ => (self.code == "invalid_reference").then_some(Sign::Miss),
        }
    }

    /// What lies behind it, for the log.
    pub(crate) fn cause(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }

    /// The answer. A server's fault is logged here, once, with its chain.
    pub(crate) fn into_reply(self, request_id: &str) -> Reply {
        if self.status.is_server_error() {
            let cause = self.cause.as_deref().map(|cause| chain(cause)).unwrap_or_default();
            tracing::error!(request_id, code = self.code, cause, "a request failed");
        } else if let Some(cause) = self.cause.as_deref() {
            tracing::info!(request_id, code = self.code, cause = chain(cause), "a request was refused");
        }
        let errors = self.errors.into_iter().map(ProblemAt::from).collect();
        let body = ProblemBody {
            kind: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            code: self.code,
            detail: self.detail,
            request_id: request_id.to_owned(),
            errors,
        };
        let mut reply = Reply::json(self.status, &body).header("content-type", "application/problem+json");
        if self.status == StatusCode::UNAUTHORIZED {
            reply = reply.header("www-authenticate", "Bearer");
        }
        match self.retry_after_s {
            Some(seconds) => reply.header("retry-after", &seconds.to_string()),
            None => reply,
        }
    }
}

impl From<Problem> for ProblemAt {
    /// What a caller sent is told back in part only.
    fn from(problem: Problem) -> Self {
        let short = |text: String| text.chars().take(MAX_TOLD).collect();
        Self { pointer: short(problem.pointer), message: short(problem.message) }
    }
}

impl From<Vec<Problem>> for Fault {
    fn from(errors: Vec<Problem>) -> Self {
        Self::invalid(errors)
    }
}

impl<E: Into<Fault>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Fault(error.into())
    }
}

#[cfg(test)]
mod tests;
