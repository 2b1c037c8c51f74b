//! What every request has, and every answer: an id, found again in the log and the audit; strict headers.

use axum::{
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use lambda_http::{RequestExt, request::RequestContext};
use shared::store::sign_in::Source;
use tracing::Instrument;
use uuid::Uuid;

use crate::{Signin, TOKEN, answer::Refusal, page};

/// Longer ids and addresses are not the gateway's.
const MAX_ID_BYTES: usize = 64;
const MAX_ADDRESS_BYTES: usize = 45;

/// Runs around every handler: a refusal becomes an answer here, for the person or the program that asked.
pub(crate) async fn frame(State(signin): State<Signin>, mut request: Request, next: Next) -> Response {
    let source = source(&request, &signin);
    let html = wants_html(request.headers()) && request.uri().path() != TOKEN;
    let span = tracing::info_span!("request", request_id = source.request_id, path = request.uri().path());
    let id = source.request_id.clone();
    let spelt_otherwise = spelt_otherwise(&request);
    request.extensions_mut().insert(source);
    let mut answer = match spelt_otherwise {
        true => Refusal::NotFound.into_response(),
        false => next.run(request).instrument(span).await,
    };
    if let Some(refusal) = answer.extensions_mut().remove::<Refusal>() {
        let cookies: Vec<HeaderValue> =
            answer.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
        answer = refusal.answer(html, &id);
        for cookie in cookies {
            answer.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    strict(answer.headers_mut());
    if let Ok(id) = HeaderValue::from_str(&id) {
        answer.headers_mut().insert("x-request-id", id);
    }
    answer
}

/// The gateway's id and the caller's address. Nothing else of the event is believed: a token is verified here or nowhere.
fn source(request: &Request, signin: &Signin) -> Source {
    let (id, address) = match request.extensions().get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => {
            (context.request_id.clone(), context.http.source_ip.clone())
        }
        _ => (None, None),
    };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_=.:".contains(&byte);
    let id = id.filter(|id| (1..=MAX_ID_BYTES).contains(&id.len()) && id.bytes().all(plain));
    let address = address.filter(|it| it.len() <= MAX_ADDRESS_BYTES && it.bytes().all(plain));
    Source {
        request_id: id.unwrap_or_else(|| signin.0.clock.new_id::<Uuid>().to_string()),
        address: address.unwrap_or_default(),
    }
}

/// Whether the path became what it is only as the event was made a request: control characters dropped, `..` resolved, a
/// decoded `?` taken for the query's.
fn spelt_otherwise(request: &Request) -> bool {
    let raw = request.extensions().raw_http_path();
    !raw.is_empty() && raw != request.uri().path()
}

/// A page, unless the caller asks for JSON and not for HTML.
fn wants_html(headers: &HeaderMap) -> bool {
    let accepts = |kind: &str| {
        headers.get_all(header::ACCEPT).iter().any(|it| it.to_str().unwrap_or_default().contains(kind))
    };
    accepts("text/html") || !(accepts("application/json") || accepts("application/problem+json"))
}

fn strict(headers: &mut HeaderMap) {
    let fixed = [
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::STRICT_TRANSPORT_SECURITY, "max-age=31536000; includeSubDomains"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::CONTENT_SECURITY_POLICY, page::POLICY),
    ];
    for (name, value) in fixed {
        headers.insert(name, HeaderValue::from_static(value));
    }
}

impl IntoResponse for Refusal {
    /// Carried out to [`frame`], which knows who asked and under which id.
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}
