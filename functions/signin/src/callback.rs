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
        cookie,
        id_token::{self, SignedIn},
    },
    store::sign_in::Source,
};
use tokio::time::Instant;

use crate::{
    Signin,
    answer::Refusal,
    flow::{Flow, Flows},
    login, only, people, provider,
    query::Query,
};

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
    let mut flows = Flows::read(request.headers(), &parts.keys, parts.clock.now());
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
        return Err(refused_there(error));
    }
    let flow = flow.ok_or(Refusal::FlowLost)?;
    let code = query.get("code").ok_or(Refusal::BadRequest)?;
    let until = Instant::now() + WAIT;
    let who = prove(signin, &flow, code).await?;
    let begun = match &flow.invitation {
        Some(invitation) => people::accept(signin, &who, invitation, source).await?,
        None => people::begin(signin, &who, source, until).await?,
    };
    let parts = &signin.0;
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

/// Redeems the code and verifies the ID token: who signed in.
async fn prove(signin: &Signin, flow: &Flow, code: &str) -> Result<SignedIn, Refusal> {
    let parts = &signin.0;
    let metadata = parts.issuer.metadata(parts.clock.now()).await.map_err(login::unavailable)?;
    let token = provider::redeem(signin, &metadata, code, &flow.verifier).await?;
    let not_proven = |reason| {
        tracing::info!(%reason, "an ID token was refused");
        Refusal::NotProven
    };
    let key_id = id_token::key_id(&token).map_err(not_proven)?;
    let now = parts.clock.now();
    let (key, metadata) = parts.issuer.key(&key_id, now).await.map_err(login::unavailable)?;
    let expected = id_token::Expected { client_id: &parts.settings.client_id, nonce: &flow.nonce, now };
    id_token::verify(&token, &key, &metadata, expected).map_err(not_proven)
}

/// The provider's own words are not repeated: anybody can write them into the address.
fn refused_there(error: &str) -> Refusal {
    match error {
        "access_denied" | "consent_required" => Refusal::Cancelled,
        "server_error" | "temporarily_unavailable" => Refusal::Provider,
        _ => Refusal::NotProven,
    }
}
