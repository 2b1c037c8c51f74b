//! `GET /auth/login`: begins a sign-in and sends the browser to the provider.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use shared::auth::IssuerError;

use crate::{
    Signin,
    answer::Refusal,
    flow::{Flow, Flows},
    only, provider,
    query::Query,
    return_to::local_path,
};

pub(crate) async fn handle(State(signin): State<Signin>, request: Request) -> Result<Response, Refusal> {
    only(&Method::GET, request.method())?;
    let query = Query::read(request.uri())?;
    let parts = &signin.0;
    let now = parts.clock.now();
    let metadata = parts.issuer.metadata(now).await.map_err(unavailable)?;
    let return_to = local_path(query.get("return_to"), &parts.settings.public_url);
    let flow = Flow::begin(return_to, now).ok_or(Refusal::Unavailable)?;
    let mut address = provider::authorize_url(&parts.settings, &metadata, &flow)?;
    // Both only choose what the provider's page shows first.
    if let Some(hint) = query.get("login_hint").filter(|hint| hint.len() <= 200) {
        address.query_pairs_mut().append_pair("login_hint", hint);
    }
    if query.get("prompt") == Some("select_account") {
        address.query_pairs_mut().append_pair("prompt", "select_account");
    }
    let mut flows = Flows::read(request.headers(), &parts.keys, now);
    flows.add(flow);
    let headers = [(header::LOCATION, address.to_string()), (header::SET_COOKIE, flows.cookie(&parts.keys))];
    Ok((StatusCode::FOUND, headers).into_response())
}

pub(crate) fn unavailable(error: IssuerError) -> Refusal {
    match error {
        IssuerError::Unavailable => Refusal::Provider,
        IssuerError::Rejected(reason) => {
            tracing::info!(%reason, "an ID token was refused");
            Refusal::NotProven
        }
    }
}
