//! One sign-in: what the browser asked for, the code it takes home, and what the code is good for.

use std::collections::{BTreeMap, HashMap};

use aws_lc_rs::{constant_time, digest};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use uuid::Uuid;

use super::{Account, State};
use crate::clock::real_now;
use crate::folder::random_token;

/// How long a code lives, as at Entra.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// Parameters of a query or a form, each at most once.
pub(super) type Params = BTreeMap<String, String>;

/// An answer that is an error: its OAuth code and Entra's sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    /// OAuth's code.
    pub(super) error: &'static str,
    /// For people: `AADSTS50011: …`.
    pub(super) description: String,
}

/// Shorthand for a [`Refusal`].
pub(super) fn refuse(error: &'static str, description: impl Into<String>) -> Refusal {
    Refusal { error, description: description.into() }
}

/// A checked authorization request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) client_id: Uuid,
    pub(super) redirect_uri: String,
    pub(super) scope: String,
    pub(super) state: Option<String>,
    nonce: String,
    challenge: String,
}

/// Where a refused request is reported.
#[derive(Debug)]
pub(super) enum Refused {
    /// On our own page: the client or its address is not known.
    Here(Refusal),
    /// At the client.
    There { redirect_uri: String, state: Option<String>, refusal: Refusal },
}

impl Request {
    /// Checks what the browser brought.
    pub(super) fn read(params: &Params, client_id: Uuid, state: &State) -> Result<Self, Refused> {
        let get = |name: &str| params.get(name).map(String::as_str).filter(|value| !value.is_empty());
        let asked = get("client_id").and_then(|id| id.parse().ok());
        let other = state.registrations.iter().find(|it| Some(it.client_id) == asked);
        let client_id = other.map_or(client_id, |it| it.client_id);
        if asked != Some(client_id) {
            let sentence = "AADSTS700016: Application was not found in the directory.";
            return Err(Refused::Here(refuse("unauthorized_client", sentence)));
        }
        let Some(redirect_uri) = get("redirect_uri").filter(|uri| match other {
            Some(other) => other.redirect_uri == *uri,
            None => state.redirect_uris.iter().any(|known| known == uri),
        }) else {
            let sentence =
                "AADSTS50011: The redirect URI does not match the redirect URIs of the application.";
            return Err(Refused::Here(refuse("invalid_request", sentence)));
        };
        let given = get("state").map(str::to_owned);
        let there =
            |refusal| Refused::There { redirect_uri: redirect_uri.to_owned(), state: given.clone(), refusal };
        let demand = |holds: bool, refusal: Refusal| if holds { Ok(()) } else { Err(there(refusal)) };
        let unsupported = refuse("unsupported_response_type", "AADSTS70005: response_type must be code.");
        demand(get("response_type") == Some("code"), unsupported)?;
        let mode = refuse("invalid_request", "AADSTS90014: response_mode must be query.");
        demand(matches!(get("response_mode"), None | Some("query")), mode)?;
        let scope = get("scope").unwrap_or_default().to_owned();
        let openid = refuse("invalid_scope", "AADSTS70011: scope must contain openid.");
        demand(scope.split(' ').any(|word| word == "openid"), openid)?;
        let pkce =
            refuse("invalid_request", "AADSTS9002325: Proof Key for Code Exchange with S256 is required.");
        let challenge = get("code_challenge").filter(|text| text.len() == 43).unwrap_or_default().to_owned();
        demand(!challenge.is_empty() && get("code_challenge_method") == Some("S256"), pkce)?;
        let silent = refuse("interaction_required", "AADSTS50058: Nobody is signed in.");
        demand(get("prompt") != Some("none"), silent)?;
        let nonce = get("nonce").unwrap_or_default().to_owned();
        Ok(Self { client_id, redirect_uri: redirect_uri.to_owned(), scope, state: given, nonce, challenge })
    }
}

/// What a code stands for.
#[derive(Clone, Debug)]
pub(super) struct Grant {
    pub(super) client_id: Uuid,
    pub(super) account: Account,
    pub(super) scope: String,
    pub(super) nonce: String,
    redirect_uri: String,
    challenge: String,
    expires_at: Timestamp,
}

/// The codes that are out.
#[derive(Debug, Default)]
pub(super) struct Codes(HashMap<String, Grant>);

impl Codes {
    /// A code for this person's sign-in.
    pub(super) fn issue(&mut self, request: &Request, account: Account) -> String {
        let now = real_now();
        self.0.retain(|_, grant| grant.expires_at > now);
        let grant = Grant {
            client_id: request.client_id,
            account,
            scope: request.scope.clone(),
            nonce: request.nonce.clone(),
            redirect_uri: request.redirect_uri.clone(),
            challenge: request.challenge.clone(),
            expires_at: now + CODE_LIFETIME,
        };
        let code = random_token();
        self.0.insert(code.clone(), grant);
        code
    }

    /// Takes a code in: whatever else is wrong, it is good for one try only.
    pub(super) fn redeem(&mut self, params: &Params) -> Result<Grant, Refusal> {
        let get = |name: &str| params.get(name).map(String::as_str).unwrap_or_default();
        let grant =
            self.0.remove(get("code")).filter(|grant| grant.expires_at > real_now()).ok_or_else(|| {
                refuse(
                    "invalid_grant",
                    "AADSTS54005: The authorization code was redeemed already or has expired.",
                )
            })?;
        if grant.redirect_uri != get("redirect_uri") {
            let sentence = "AADSTS500112: The redirect URI is not the one of the authorization request.";
            return Err(refuse("invalid_grant", sentence));
        }
        let hash = URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, get("code_verifier").as_bytes()));
        let is_long_enough = get("code_verifier").len() >= 43;
        if !is_long_enough
            || constant_time::verify_slices_are_equal(hash.as_bytes(), grant.challenge.as_bytes()).is_err()
        {
            let sentence = "AADSTS501481: The code_verifier does not match the code_challenge.";
            return Err(refuse("invalid_grant", sentence));
        }
        Ok(grant)
    }
}

/// Which directories an endpoint speaks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tenant {
    /// `organizations` and `common`.
    Any,
    /// One directory.
    One(Uuid),
}

impl Tenant {
    /// The first segment of a path.
    pub(super) fn read(segment: &str, state: &State) -> Result<Self, Refusal> {
        if matches!(segment, "organizations" | "common") {
            return Ok(Self::Any);
        }
        let known = segment.parse().ok().filter(|id| state.directories.iter().any(|(known, _)| known == id));
        known.map(Self::One).ok_or_else(|| {
            refuse("invalid_tenant", format!("AADSTS90002: Tenant '{}' not found.", segment.escape_debug()))
        })
    }

    /// The segment that stands for it in our own pages.
    pub(super) fn segment(self) -> String {
        match self {
            Self::Any => "organizations".to_owned(),
            Self::One(id) => id.to_string(),
        }
    }

    /// Whether this person can sign in there.
    pub(super) fn has(self, account: &Account) -> bool {
        match self {
            Self::Any => true,
            Self::One(id) => account.directory_id == id,
        }
    }
}
