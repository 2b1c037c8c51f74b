//! The authorization code flow with PKCE (RFC 6749, RFC 7636) against the provider, through the one outbound client.

use std::time::Duration;

use oauth2::{
    AuthUrl, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EndpointNotSet, EndpointSet,
    ExtraTokenFields, HttpRequest, HttpResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl,
    RequestTokenError, Scope, StandardRevocableToken, StandardTokenResponse, TokenUrl,
    basic::{
        BasicErrorResponse, BasicRevocationErrorResponse, BasicTokenIntrospectionResponse, BasicTokenType,
    },
};
use serde::{Deserialize, Serialize};
use shared::{
    auth::Metadata,
    egress::{Egress, EgressError, Request, Url},
};

use crate::{Signin, answer::Refusal, flow::Flow, settings::Settings};

/// What the token endpoint adds to OAuth's own answer.
#[derive(Debug, Deserialize, Serialize)]
struct WithIdToken {
    id_token: Option<String>,
}

impl ExtraTokenFields for WithIdToken {}

type Client = oauth2::Client<
    BasicErrorResponse,
    StandardTokenResponse<WithIdToken, BasicTokenType>,
    BasicTokenIntrospectionResponse,
    StandardRevocableToken,
    BasicRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointSet,
>;

/// Where the browser is sent. `profile` is asked for because without it the token lacks `oid`.
pub(crate) fn authorize_url(settings: &Settings, metadata: &Metadata, flow: &Flow) -> Result<Url, Refusal> {
    let verifier = PkceCodeVerifier::new(flow.verifier.clone());
    let (address, _) = client(settings, metadata)?
        .authorize_url(|| CsrfToken::new(flow.state.clone()))
        .add_scopes(["openid", "profile"].map(|name| Scope::new(name.to_owned())))
        .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
        .add_extra_param("nonce", &flow.nonce)
        .add_extra_param("response_mode", "query")
        .url();
    Ok(address)
}

/// Redeems a code for the ID token. The code is good once: nothing here is tried again.
pub(crate) async fn redeem(
    signin: &Signin,
    metadata: &Metadata,
    code: &str,
    verifier: &str,
) -> Result<String, Refusal> {
    let parts = &signin.0;
    // Read anew each time: sign-ins are few, and a secret that was rotated is good at once.
    let secret = parts.secrets.read(&parts.settings.client_secret_arn).await.map_err(|error| {
        tracing::error!(error, "the client secret cannot be read");
        Refusal::Unavailable
    })?;
    let secret = ClientSecret::new(secret.expose_str().ok_or(Refusal::Unavailable)?.to_owned());
    let client = client(&parts.settings, metadata)?
        .set_client_secret(secret)
        .set_auth_type(oauth2::AuthType::RequestBody);
    let http = |request: HttpRequest| send(parts.egress.clone(), request);
    let answer = client
        .exchange_code(AuthorizationCode::new(code.to_owned()))
        .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
        .request_async(&http)
        .await
        .map_err(|error| refused(&error))?;
    answer.extra_fields().id_token.clone().ok_or(Refusal::NotProven)
}

fn client(settings: &Settings, metadata: &Metadata) -> Result<Client, Refusal> {
    let redirect = RedirectUrl::new(settings.redirect_uri()).map_err(|_| Refusal::Unavailable)?;
    Ok(oauth2::Client::new(ClientId::new(settings.client_id.clone()))
        .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
        .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
        .set_redirect_uri(redirect))
}

async fn send(egress: Egress, request: HttpRequest) -> Result<HttpResponse, EgressError> {
    let (head, body) = request.into_parts();
    let url = Url::parse(&head.uri.to_string()).map_err(|_| EgressError::Broken)?;
    let deadline = Duration::from_secs(8);
    let answer = egress
        .send(Request {
            method: head.method,
            url,
            headers: head.headers,
            body,
            deadline,
            max_body: 64 * 1024,
        })
        .await?;
    let mut response = HttpResponse::new(answer.body);
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    Ok(response)
}

/// The provider's code is logged; its sentence and the answer's body are not.
fn refused(error: &RequestTokenError<EgressError, BasicErrorResponse>) -> Refusal {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            tracing::info!(error = answer.error().as_ref(), "the provider refused a code");
            match answer.error().as_ref() {
                "invalid_client" | "unauthorized_client" => Refusal::Unavailable,
                "temporarily_unavailable" | "server_error" => Refusal::Provider,
                _ => Refusal::NotProven,
            }
        }
        RequestTokenError::Request(error) => {
            tracing::warn!(%error, "the provider could not be asked");
            Refusal::Provider
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            tracing::warn!("the provider's answer to a code is not in its shape");
            Refusal::Provider
        }
    }
}
