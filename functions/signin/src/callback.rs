//! `GET /auth/callback`: the provider sends the browser back. Error first, then state against the cookie, then the code, then
//! the ID token, then the database; the first that does not hold ends it.

use std::time::Duration;

use axum::{
    extract::{Extension, Request, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, Method, StatusCode, header};
use shared::{
    auth::{
        Query, SignInError,
        cookie::{self, FlowCookie},
        flow::{Flow, Flows},
    },
    store::sign_in::Source,
};
use tokio::time::Instant;

use crate::{Signin, answer::Refusal, only, people};

/// The function has 15 s for an answer. A first sign-in waits for its workspace until `WAIT` is over, and whatever still hangs
/// at `LONGEST` is the provider's doing.
const WAIT: Duration = Duration::from_secs(11);
const LONGEST: Duration = Duration::from_secs(13);

pub(crate) async fn handle(
    State(signin): State<Signin>,
    Extension(source): Extension<Source>,
    request: Request,
) -> Result<Response, Refusal> {
    only(&Method::GET, request.method())?;
    let query = Query::read(request.uri())?;
    let parts = &signin.0;
    let mut flows = Flows::read(request.headers(), &parts.keys, FlowCookie::PEOPLE, parts.clock.now());
    // Used is gone, whichever way this ends.
    let flow = query.get("state").and_then(|state| flows.take(state));
    let used = flow.is_some();
    let finished = tokio::time::timeout(LONGEST, finish(&signin, &query, flow, &source)).await;
    let mut answer = finished.unwrap_or(Err(Refusal::Provider)).into_response();
    if used && let Ok(kept) = HeaderValue::from_str(&flows.cookie(&parts.keys)) {
        answer.headers_mut().append(header::SET_COOKIE, kept);
    }
    Ok(answer)
}

async fn finish(
    signin: &Signin,
    query: &Query,
    flow: Option<Flow>,
    source: &Source,
) -> Result<Response, Refusal> {
    if let Some(error) = query.get("error") {
        return Err(SignInError::said(error).into());
    }
    let flow = flow.ok_or(Refusal::FlowLost)?;
    let code = query.get("code").ok_or(Refusal::BadRequest)?;
    let until = Instant::now() + WAIT;
    let parts = &signin.0;
    let who = parts.provider.prove(&flow, code, &parts.clock).await?;
    // An invitation leads to its own workspace, whichever else was named.
    let begun = match (&flow.invitation, flow.workspace) {
        (Some(invitation), _) => people::accept(signin, &who, invitation, source).await?,
        (None, Some(workspace)) => people::enter(signin, &who, workspace, source).await?,
        (None, None) => people::begin(signin, &who, source, until).await?,
    };
    let now = parts.clock.now();
    let token = parts.keys.mint(&begun.principal, now, begun.expires_at).map_err(|error| {
        tracing::error!(%error, "a session was begun and cannot be handed out");
        Refusal::Unavailable
    })?;
    let lifetime_s = begun.expires_at.as_second() - now.as_second();
    let headers = [
        (header::LOCATION, flow.return_to),
        (header::SET_COOKIE, cookie::set(cookie::SESSION, &token, lifetime_s)),
    ];
    Ok((StatusCode::FOUND, headers).into_response())
}
