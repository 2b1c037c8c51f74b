//! `POST /auth/token`: an application shows its directory's access token and gets a session of its service principal. The portal
//! knows sessions and API tokens only, so that it needs no way to the identity provider.

use axum::{
    Json,
    extract::{Extension, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header::AUTHORIZATION};
use serde_json::json;
use shared::store::sign_in::Source;

use crate::{Signin, answer::Refusal, only, people};

pub(crate) async fn handle(
    State(signin): State<Signin>,
    Extension(source): Extension<Source>,
    request: Request,
) -> Result<Response, Refusal> {
    only(&Method::POST, request.method())?;
    let token = bearer(request.headers()).ok_or(Refusal::NotProven)?;
    let parts = &signin.0;
    let who = parts.provider.prove_application(token, &parts.clock).await?;
    let begun = people::serve(&signin, &who, &source).await?;
    let now = parts.clock.now();
    let token = parts.keys.mint(&begun.principal, now, begun.expires_at).map_err(|error| {
        tracing::error!(%error, "a session was begun and cannot be handed out");
        Refusal::Unavailable
    })?;
    let expires_in = begun.expires_at.as_second() - now.as_second();
    let body = json!({ "access_token": token, "token_type": "Bearer", "expires_in": expires_in.max(0) });
    Ok(Json(body).into_response())
}

/// The one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (scheme, token) = values.next()?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && values.next().is_none()).then_some(token)
}
