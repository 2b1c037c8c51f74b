//! Refusals: a stable code, a sentence for people, and no word of what lies behind.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::json;
use shared::auth::{Repeated, SignInError};

use crate::page;

/// Why a request was refused.
#[derive(Clone, Debug)]
pub(crate) enum Refusal {
    /// Not a request of ours.
    BadRequest,
    /// No sign-in is under way in this browser under that state, or no longer.
    FlowLost,
    /// What came back from the provider is not proof of who signed in.
    NotProven,
    /// The person, or their organisation, said no.
    Cancelled,
    /// The directory is not on the list.
    NotOnboarded,
    /// A known directory, and nobody gave this person a role.
    NoRole,
    /// The invitation does not hold, for whatever reason.
    Invitation,
    /// The invitation holds, and the workspace has as many members as it may.
    Full,
    /// A form of another site.
    ForeignOrigin,
    /// No such path.
    NotFound,
    /// Another method than the path's one.
    Method(Method),
    /// The workspace is still being made.
    NoSpare,
    /// The provider is out of reach, or answers nothing of use.
    Provider,
    /// The database is out of reach, or a defect.
    Unavailable,
}

impl Refusal {
    pub(crate) const fn status(&self) -> StatusCode {
        match self {
            Self::BadRequest | Self::FlowLost => StatusCode::BAD_REQUEST,
            Self::NotProven => StatusCode::UNAUTHORIZED,
            Self::Cancelled | Self::NotOnboarded | Self::NoRole | Self::Invitation | Self::ForeignOrigin => {
                StatusCode::FORBIDDEN
            }
            Self::Full => StatusCode::CONFLICT,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoSpare | Self::Provider | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    const fn code(&self) -> &'static str {
        match self {
            Self::BadRequest => "bad_request",
            Self::FlowLost => "sign_in_expired",
            Self::NotProven => "sign_in_failed",
            Self::Cancelled => "sign_in_cancelled",
            Self::NotOnboarded => "not_onboarded",
            Self::NoRole => "no_role",
            Self::Invitation => "invitation",
            Self::Full => "quota_exceeded",
            Self::ForeignOrigin => "foreign_origin",
            Self::NotFound => "not_found",
            Self::Method(_) => "method_not_allowed",
            Self::NoSpare => "no_spare",
            Self::Provider => "provider_unavailable",
            Self::Unavailable => "unavailable",
        }
    }

    const fn title(&self) -> &'static str {
        match self {
            Self::BadRequest | Self::ForeignOrigin => "This request cannot be answered",
            Self::FlowLost => "This sign-in has expired",
            Self::NotProven => "The sign-in did not work",
            Self::Cancelled => "The sign-in was cancelled",
            Self::NotOnboarded => "Your organisation has no workspace here",
            Self::NoRole => "You have no role here yet",
            Self::Invitation => "This invitation does not hold",
            Self::Full => "This workspace is full",
            Self::NotFound => "There is nothing here",
            Self::Method(_) => "This cannot be done here",
            Self::NoSpare => "Your workspace is being made ready",
            Self::Provider => "The sign-in service does not answer",
            Self::Unavailable => "signalbox is out of order for a moment",
        }
    }

    const fn detail(&self) -> &'static str {
        match self {
            Self::BadRequest => "A part of the request is missing, stands twice or is not understood.",
            Self::FlowLost => {
                "It was begun in another browser or too long ago, or was used already. Please sign in again."
            }
            Self::NotProven => {
                "What your organisation's sign-in sent back could not be accepted. Please sign in again."
            }
            Self::Cancelled => "Nothing was changed. You can sign in again whenever you like.",
            Self::NotOnboarded => "Ask whoever runs signalbox to add your organisation, then sign in again.",
            Self::NoRole => {
                "Your organisation has a workspace. Ask one of its administrators to add you, then sign in again."
            }
            Self::Invitation => {
                "It was used or withdrawn, is too old, or is for somebody else. Ask whoever sent it for another."
            }
            Self::Full => {
                "It has as many members as it may. Tell whoever sent the invitation; it stays good until it ends."
            }
            Self::ForeignOrigin => "It does not come from a page of this site.",
            Self::NotFound => "The address is not one of signalbox's.",
            Self::Method(_) => "The address is right, the method is not.",
            Self::NoSpare => "That takes less than a minute. Please sign in again then.",
            Self::Provider => {
                "Your organisation's sign-in cannot be reached from here. Please try again in a minute."
            }
            Self::Unavailable => {
                "Please try again in a minute. If it lasts, name the request below to whoever runs signalbox."
            }
        }
    }

    /// Whether it ends a person's sign-in: they get a page, and another try. The others answer programs.
    const fn is_for_people(&self) -> bool {
        !matches!(self, Self::NotFound | Self::Method(_) | Self::BadRequest | Self::ForeignOrigin)
    }

    /// The answer: a page for people, `application/problem+json` (RFC 9457) for programs.
    pub(crate) fn answer(&self, html: bool, request_id: &str) -> Response {
        let status = self.status();
        let (kind, body) = if html && self.is_for_people() {
            ("text/html; charset=utf-8", page::refusal(self.title(), self.detail(), self.code(), request_id))
        } else {
            let body = json!({
                "type": "about:blank",
                "title": self.title(),
                "status": status.as_u16(),
                "code": self.code(),
                "detail": self.detail(),
                "request_id": request_id,
            });
            ("application/problem+json", body.to_string())
        };
        let mut response = (status, [(header::CONTENT_TYPE, kind)], body).into_response();
        let headers = response.headers_mut();
        if let Self::Method(allowed) = self {
            let allowed = if *allowed == Method::POST { "POST" } else { "GET" };
            headers.insert(header::ALLOW, HeaderValue::from_static(allowed));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("15"));
        }
        response
    }
}

impl From<SignInError> for Refusal {
    fn from(error: SignInError) -> Self {
        match error {
            SignInError::Cancelled => Self::Cancelled,
            SignInError::NotProven => Self::NotProven,
            SignInError::Unavailable => Self::Provider,
            SignInError::NotSetUp => Self::Unavailable,
        }
    }
}

impl From<Repeated> for Refusal {
    fn from(_: Repeated) -> Self {
        Self::BadRequest
    }
}
