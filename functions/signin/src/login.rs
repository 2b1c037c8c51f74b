//! `GET /auth/login`: begins a sign-in and sends the browser to the provider.

use axum::{
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use shared::{
    auth::{
        Query,
        cookie::FlowCookie,
        flow::{Flow, Flows},
    },
    egress::Url,
};

use crate::{Signin, answer::Refusal, only, return_to::local_path};

pub(crate) async fn handle(State(signin): State<Signin>, request: Request) -> Result<Response, Refusal> {
    only(&Method::GET, request.method())?;
    if let Some(address) = by_our_name(&request, &signin.0.settings.public_url) {
        return Ok((StatusCode::FOUND, [(header::LOCATION, address)]).into_response());
    }
    let query = Query::read(request.uri())?;
    let parts = &signin.0;
    let now = parts.clock.now();
    let return_to = local_path(query.get("return_to"), &parts.settings.public_url);
    let flow = Flow::begin(return_to, now).ok_or(Refusal::Unavailable)?;
    let flow = flow.with_invitation(query.get("invitation")).with_workspace(query.get("workspace"));
    let mut address = parts.provider.authorize_url(&flow, &parts.clock).await?;
    // Both only choose what the provider's page shows first.
    if let Some(hint) = query.get("login_hint").filter(|hint| hint.len() <= 200) {
        address.query_pairs_mut().append_pair("login_hint", hint);
    }
    if query.get("prompt") == Some("select_account") {
        address.query_pairs_mut().append_pair("prompt", "select_account");
    }
    let mut flows = Flows::read(request.headers(), &parts.keys, FlowCookie::PEOPLE, now);
    flows.add(flow);
    let headers = [(header::LOCATION, address.to_string()), (header::SET_COOKIE, flows.cookie(&parts.keys))];
    Ok((StatusCode::FOUND, headers).into_response())
}

/// On one machine a browser may come to `localhost` where we are `127.0.0.1`: the cookie would be lost on its way back from the
/// provider, so it is sent to the address that we go by.
fn by_our_name(request: &Request, public: &Url) -> Option<String> {
    const LOOPBACK: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];
    let came_to = request.headers().get(header::HOST)?.to_str().ok()?;
    let came_to = came_to.rsplit_once(':').map_or(came_to, |(name, _)| name);
    let ours = public.host_str()?;
    if came_to == ours || !LOOPBACK.contains(&came_to) || !LOOPBACK.contains(&ours) {
        return None;
    }
    let mut address = public.join("/auth/login").ok()?;
    address.set_query(request.uri().query());
    Some(address.into())
}
