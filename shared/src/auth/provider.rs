//! The authorization code flow with PKCE (RFC 6749, RFC 7636) against an identity provider, through the one outbound client:
//! where a browser is sent, and who it proves to be when it comes back. Both doors sign in with it, each as an application of
//! its own. What a person may do is not decided here.

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

use super::{
    access_token::{self, Application},
    flow::Flow,
    id_token::{self, SignedIn},
    issuer::{Issuer, IssuerError, Metadata},
};
use crate::{
    clock::Clock,
    egress::{Egress, EgressError, Request, Url},
    secrets::SecretSource,
};

/// An application of ours, registered with the provider.
#[derive(Clone, Debug)]
pub struct Registration {
    /// Its client id.
    pub client_id: String,
    /// The secret that holds its client secret.
    pub client_secret_arn: String,
    /// Where the provider sends browsers back to; registered there, to the letter.
    pub redirect_uri: String,
}

/// The provider, as one application sees it.
pub struct Provider {
    registration: Registration,
    issuer: Issuer,
    egress: Egress,
    secrets: SecretSource,
}

/// Why a sign-in ends without a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignInError {
    /// The person, or their organisation, said no.
    #[error("the sign-in was cancelled")]
    Cancelled,
    /// What came back is not proof of who signed in.
    #[error("what came back is no proof")]
    NotProven,
    /// The provider is out of reach, or answers nothing of use.
    #[error("the provider gives no answer of use")]
    Unavailable,
    /// Our own application is not set up as the provider knows it.
    #[error("our application is not set up")]
    NotSetUp,
}

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

impl Provider {
    /// Asks for nothing yet.
    pub fn new(authority: Url, registration: Registration, egress: Egress, secrets: SecretSource) -> Self {
        Self { registration, issuer: Issuer::new(authority, egress.clone()), egress, secrets }
    }

    /// Where the browser is sent. `profile` is asked for because without it the token lacks `oid`.
    pub async fn authorize_url(&self, flow: &Flow, clock: &Clock) -> Result<Url, SignInError> {
        let metadata = self.issuer.metadata(clock.now()).await?;
        let verifier = PkceCodeVerifier::new(flow.verifier.clone());
        let (address, _) = self
            .client(&metadata)?
            .authorize_url(|| CsrfToken::new(flow.state.clone()))
            .add_scopes(["openid", "profile"].map(|name| Scope::new(name.to_owned())))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .add_extra_param("nonce", &flow.nonce)
            .add_extra_param("response_mode", "query")
            .url();
        Ok(address)
    }

    /// Redeems the code and verifies the ID token: who signed in.
    pub async fn prove(&self, flow: &Flow, code: &str, clock: &Clock) -> Result<SignedIn, SignInError> {
        let metadata = self.issuer.metadata(clock.now()).await?;
        let token = self.redeem(&metadata, code, &flow.verifier).await?;
        let not_proven = |reason| SignInError::from(IssuerError::Rejected(reason));
        let key_id = id_token::key_id(&token).map_err(not_proven)?;
        let now = clock.now();
        let (key, metadata) = self.issuer.key(&key_id, now).await?;
        let expected =
            id_token::Expected { client_id: &self.registration.client_id, nonce: &flow.nonce, now };
        id_token::verify(&token, &key, &metadata, expected).map_err(not_proven)
    }

    /// Verifies an application's access token for us: which service principal is calling.
    pub async fn prove_application(&self, token: &str, clock: &Clock) -> Result<Application, SignInError> {
        let refused = |reason| SignInError::from(IssuerError::Rejected(reason));
        let key_id = id_token::key_id(token).map_err(refused)?;
        let now = clock.now();
        let (key, metadata) = self.issuer.key(&key_id, now).await?;
        access_token::verify(token, &key, &metadata, (&self.registration.client_id, now)).map_err(refused)
    }

    /// Redeems a code for the ID token. The code is good once: nothing here is tried again.
    async fn redeem(&self, metadata: &Metadata, code: &str, verifier: &str) -> Result<String, SignInError> {
        // Read anew each time: sign-ins are few, and a secret that was rotated is good at once.
        let secret = self.secrets.read(&self.registration.client_secret_arn).await.map_err(|error| {
            tracing::error!(error, "the client secret cannot be read");
            SignInError::NotSetUp
        })?;
        let secret = ClientSecret::new(secret.expose_str().ok_or(SignInError::NotSetUp)?.to_owned());
        let client =
            self.client(metadata)?.set_client_secret(secret).set_auth_type(oauth2::AuthType::RequestBody);
        let http = |request: HttpRequest| send(self.egress.clone(), request);
        let answer = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .set_pkce_verifier(PkceCodeVerifier::new(verifier.to_owned()))
            .request_async(&http)
            .await
            .map_err(|error| refused(&error))?;
        answer.extra_fields().id_token.clone().ok_or(SignInError::NotProven)
    }

    fn client(&self, metadata: &Metadata) -> Result<Client, SignInError> {
        let redirect =
            RedirectUrl::new(self.registration.redirect_uri.clone()).map_err(|_| SignInError::NotSetUp)?;
        Ok(oauth2::Client::new(ClientId::new(self.registration.client_id.clone()))
            .set_auth_uri(AuthUrl::from_url(metadata.authorization_endpoint.clone()))
            .set_token_uri(TokenUrl::from_url(metadata.token_endpoint.clone()))
            .set_redirect_uri(redirect))
    }
}

impl SignInError {
    /// What the provider sent back in place of a code. Its own words are not repeated: anybody can write them into the address.
    pub fn said(error: &str) -> Self {
        match error {
            "access_denied" | "consent_required" => Self::Cancelled,
            "server_error" | "temporarily_unavailable" => Self::Unavailable,
            _ => Self::NotProven,
        }
    }
}

impl From<IssuerError> for SignInError {
    fn from(error: IssuerError) -> Self {
        match error {
            IssuerError::Unavailable => Self::Unavailable,
            IssuerError::Rejected(reason) => {
                tracing::info!(%reason, "a token was refused");
                Self::NotProven
            }
        }
    }
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
fn refused(error: &RequestTokenError<EgressError, BasicErrorResponse>) -> SignInError {
    match error {
        RequestTokenError::ServerResponse(answer) => {
            tracing::info!(error = answer.error().as_ref(), "the provider refused a code");
            match answer.error().as_ref() {
                "invalid_client" | "unauthorized_client" => SignInError::NotSetUp,
                "temporarily_unavailable" | "server_error" => SignInError::Unavailable,
                _ => SignInError::NotProven,
            }
        }
        RequestTokenError::Request(error) => {
            tracing::warn!(%error, "the provider could not be asked");
            SignInError::Unavailable
        }
        RequestTokenError::Parse(..) | RequestTokenError::Other(_) => {
            tracing::warn!("the provider's answer to a code is not in its shape");
            SignInError::Unavailable
        }
    }
}
