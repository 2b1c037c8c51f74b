//! The endpoints, under Entra's paths.

use std::sync::atomic::Ordering;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, Request as HttpRequest, State as Shared};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use url::{Url, form_urlencoded};

use super::flow::{Params, Refusal, Refused, Request, Tenant, refuse};
use super::{Provider, page, tokens};
use crate::clock::{random_id, real_now};

/// All endpoints.
pub(super) fn router(provider: Provider) -> Router {
    Router::new()
        .route("/{tenant}/v2.0/.well-known/openid-configuration", get(metadata))
        .route("/{tenant}/discovery/v2.0/keys", get(keys))
        .route("/{tenant}/oauth2/v2.0/authorize", get(authorize))
        .route("/{tenant}/oauth2/v2.0/authorize/choose", post(choose))
        .route("/{tenant}/oauth2/v2.0/token", post(token))
        .route("/{tenant}/oauth2/v2.0/logout", get(logout))
        .route("/style.css", get(page::style))
        .layer(middleware::from_fn_with_state(provider.clone(), outage))
        .with_state(provider)
}

async fn outage(Shared(provider): Shared<Provider>, request: HttpRequest, next: Next) -> Response {
    if provider.inner.down.load(Ordering::Relaxed) {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    next.run(request).await
}

async fn metadata(Shared(provider): Shared<Provider>, Path(tenant): Path<String>) -> Response {
    let issuer = match Tenant::read(&tenant, &provider.state()) {
        Ok(Tenant::Any) => format!("{}/{{tenantid}}/v2.0", provider.base()),
        Ok(Tenant::One(id)) => provider.issuer(id),
        Err(refusal) => return problem(StatusCode::BAD_REQUEST, &refusal),
    };
    let base = format!("{}/{tenant}", provider.base());
    axum::Json(json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{base}/oauth2/v2.0/authorize"),
        "token_endpoint": format!("{base}/oauth2/v2.0/token"),
        "jwks_uri": format!("{base}/discovery/v2.0/keys"),
        "end_session_endpoint": format!("{base}/oauth2/v2.0/logout"),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "client_secret_basic"],
        "scopes_supported": ["openid", "profile", "email"],
        "claims_supported": ["sub", "iss", "aud", "exp", "iat", "nonce", "preferred_username", "name", "tid", "oid", "ver"],
    }))
    .into_response()
}

async fn keys(Shared(provider): Shared<Provider>, Path(tenant): Path<String>) -> Response {
    provider.inner.key_reads.fetch_add(1, Ordering::Relaxed);
    let state = provider.state();
    if let Err(refusal) = Tenant::read(&tenant, &state) {
        return problem(StatusCode::BAD_REQUEST, &refusal);
    }
    let issuer = format!("{}/{{tenantid}}/v2.0", provider.base());
    let keys: Vec<Value> = state.keys.iter().map(|key| key.jwk(&issuer)).collect();
    axum::Json(json!({ "keys": keys })).into_response()
}

async fn authorize(Shared(provider): Shared<Provider>, Path(tenant): Path<String>, uri: Uri) -> Response {
    match params(uri.query().unwrap_or_default().as_bytes()) {
        Ok(params) => sign_in(&provider, &tenant, &params, "login_hint"),
        Err(refusal) => page::refused(&refusal),
    }
}

async fn choose(Shared(provider): Shared<Provider>, Path(tenant): Path<String>, body: Bytes) -> Response {
    match params(&body) {
        Ok(params) => sign_in(&provider, &tenant, &params, "choice"),
        Err(refusal) => page::refused(&refusal),
    }
}

/// Sends the person named by the parameter `who` back with a code, and shows the page when there is none of that name.
fn sign_in(provider: &Provider, tenant: &str, params: &Params, who: &str) -> Response {
    let mut state = provider.state();
    let directory = match Tenant::read(tenant, &state) {
        Ok(directory) => directory,
        Err(refusal) => return page::refused(&refusal),
    };
    let request = match Request::read(params, provider.client_id(), &state) {
        Ok(request) => request,
        Err(Refused::Here(refusal)) => return page::refused(&refusal),
        Err(Refused::There { redirect_uri, state, refusal }) => {
            return send_back(&redirect_uri, state, &refusal);
        }
    };
    let name = params.get(who).map(String::as_str).unwrap_or_default();
    if name.is_empty() && params.contains_key("cancel") {
        let refusal = refuse("access_denied", "AADSTS65004: The user declined to sign in.");
        return send_back(&request.redirect_uri, request.state, &refusal);
    }
    let account = state.accounts.iter().find(|it| it.user_name == name && directory.has(it)).cloned();
    let Some(account) = account else {
        return page::people(&state, directory, &request.redirect_uri, params);
    };
    let code = state.codes.issue(&request, account);
    redirect(&request.redirect_uri, &[("code", Some(&code)), ("state", request.state.as_ref())])
}

async fn token(
    Shared(provider): Shared<Provider>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match redeem(&provider, &tenant, &headers, &body) {
        Ok(answer) => ([(header::CACHE_CONTROL, "no-store")], axum::Json(answer)).into_response(),
        Err(refusal) if refusal.error == "invalid_client" => problem(StatusCode::UNAUTHORIZED, &refusal),
        Err(refusal) => problem(StatusCode::BAD_REQUEST, &refusal),
    }
}

fn redeem(provider: &Provider, tenant: &str, headers: &HeaderMap, body: &[u8]) -> Result<Value, Refusal> {
    let mut params = params(body)?;
    if let Some((id, secret)) = basic(headers) {
        params.insert("client_id".to_owned(), id);
        params.insert("client_secret".to_owned(), secret);
    }
    let is = |name: &str, expected: &str| params.get(name).map(String::as_str) == Some(expected);
    if is("grant_type", "client_credentials") {
        return client_credentials(provider, tenant, &params);
    }
    let main = (provider.inner.client_id, provider.inner.client_secret.clone());
    let others: Vec<_> =
        provider.state().registrations.iter().map(|it| (it.client_id, it.client_secret.clone())).collect();
    let known = std::iter::once(main)
        .chain(others)
        .find(|(id, secret)| is("client_id", &id.to_string()) && is("client_secret", secret));
    let Some((client_id, _)) = known else {
        return Err(refuse("invalid_client", "AADSTS7000215: Invalid client secret provided."));
    };
    if !is("grant_type", "authorization_code") {
        return Err(refuse("unsupported_grant_type", "AADSTS70003: grant_type must be authorization_code."));
    }
    let grant = {
        let mut state = provider.state();
        let directory = Tenant::read(tenant, &state)?;
        let grant = state.codes.redeem(&params)?;
        if grant.client_id != client_id {
            return Err(refuse("invalid_grant", "AADSTS700005: The code was issued to another application."));
        }
        if !directory.has(&grant.account) {
            return Err(refuse("invalid_grant", "AADSTS70000: The code is not for this tenant."));
        }
        grant
    };
    let id = tokens::id_claims(provider, client_id, &grant.account, (&grant.scope, &grant.nonce));
    let access = tokens::access_claims(provider, client_id, &grant.account);
    Ok(json!({
        "token_type": "Bearer",
        "scope": grant.scope,
        "expires_in": tokens::LIFETIME_S - 1,
        "ext_expires_in": tokens::LIFETIME_S - 1,
        "access_token": provider.mint(&access, &Map::new()),
        "id_token": provider.mint(&id, &Map::new()),
    }))
}

/// RFC 6749, 4.4: an application's token for itself, of one directory, for our API.
fn client_credentials(provider: &Provider, tenant: &str, params: &Params) -> Result<Value, Refusal> {
    let get = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
    let ours = provider.client_id();
    if ![format!("{ours}/.default"), format!("api://{ours}/.default")].contains(&get("scope").to_owned()) {
        return Err(refuse("invalid_scope", "AADSTS1002012: The scope must be the API's, with /.default."));
    }
    let application = {
        let state = provider.state();
        let directory = Tenant::read(tenant, &state)?;
        let known = state.applications.iter().find(|it| {
            directory == Tenant::One(it.directory_id) && it.client_id.to_string() == get("client_id")
        });
        known.filter(|it| it.client_secret == get("client_secret")).cloned()
    };
    let invalid = || refuse("invalid_client", "AADSTS7000215: Invalid client secret provided.");
    let claims = tokens::application_claims(provider, &application.ok_or_else(invalid)?);
    Ok(json!({
        "token_type": "Bearer",
        "expires_in": tokens::LIFETIME_S - 1,
        "ext_expires_in": tokens::LIFETIME_S - 1,
        "access_token": provider.mint(&claims, &Map::new()),
    }))
}

async fn logout(Shared(provider): Shared<Provider>, uri: Uri) -> Response {
    let params = params(uri.query().unwrap_or_default().as_bytes()).unwrap_or_default();
    let target = params.get("post_logout_redirect_uri");
    let origin = |text: &String| Url::parse(text).map(|url| url.origin()).ok();
    let known = |uri: &&String| provider.state().redirect_uris.iter().any(|it| origin(it) == origin(uri));
    match target.filter(known) {
        Some(uri) => redirect(uri, &[]),
        None => page::signed_out(),
    }
}

/// Each parameter once: a second one of the same name is how two readers come to read different things.
fn params(text: &[u8]) -> Result<Params, Refusal> {
    let mut params = Params::new();
    for (name, value) in form_urlencoded::parse(text) {
        if params.insert(name.into_owned(), value.into_owned()).is_some() {
            return Err(refuse("invalid_request", "AADSTS90100: A parameter is given twice."));
        }
    }
    Ok(params)
}

/// RFC 6749, 2.3.1: both halves are form-encoded first.
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let text = String::from_utf8(STANDARD.decode(value).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let decode = |half: &str| {
        let half = half.replace('+', " ");
        percent_encoding::percent_decode_str(&half).decode_utf8().ok().map(String::from)
    };
    Some((decode(id)?, decode(secret)?))
}

fn send_back(redirect_uri: &str, state: Option<String>, refusal: &Refusal) -> Response {
    let (error, description) = (refusal.error.to_owned(), refusal.description.clone());
    let pairs =
        [("error", Some(&error)), ("error_description", Some(&description)), ("state", state.as_ref())];
    redirect(redirect_uri, &pairs)
}

fn redirect(uri: &str, pairs: &[(&str, Option<&String>)]) -> Response {
    let Ok(mut url) = Url::parse(uri) else { return StatusCode::BAD_REQUEST.into_response() };
    for (name, value) in pairs {
        if let Some(value) = value {
            url.query_pairs_mut().append_pair(name, value);
        }
    }
    let headers = [(header::LOCATION, url.to_string()), (header::CACHE_CONTROL, "no-store".to_owned())];
    (StatusCode::FOUND, headers).into_response()
}

fn problem(status: StatusCode, refusal: &Refusal) -> Response {
    let number = refusal.description.strip_prefix("AADSTS").and_then(|text| text.split(':').next());
    let body = json!({
        "error": refusal.error,
        "error_description": refusal.description,
        "error_codes": [number.and_then(|text| text.parse::<u32>().ok())],
        "timestamp": real_now().strftime("%Y-%m-%d %H:%M:%SZ").to_string(),
        "trace_id": random_id(),
        "correlation_id": random_id(),
    });
    (status, [(header::CACHE_CONTROL, "no-store")], axum::Json(body)).into_response()
}
