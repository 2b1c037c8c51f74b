//! The tokens: their claims, and their making, proper or not.

use aws_lc_rs::{digest, hmac};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Account, Application, Provider, SigningKey};
use crate::clock::{random_id, real_now};

/// Lifetime of the tokens, in seconds. Entra's is 60 to 90 minutes.
pub(super) const LIFETIME_S: i64 = 3_600;

/// What a minted token is signed with.
#[derive(Debug)]
pub enum Signature {
    /// The provider's current key.
    Current,
    /// The published key of this id.
    Key(String),
    /// A key that was never published.
    Stranger(SigningKey),
    /// HMAC-SHA-256 under these bytes.
    Hmac(Vec<u8>),
    /// Nothing: the third part is empty.
    None,
}

/// ID token claims. Without the scope `profile` there is no `oid` and no name, as at Entra.
pub(super) fn id_claims(
    provider: &Provider,
    client_id: Uuid,
    account: &Account,
    (scope, nonce): (&str, &str),
) -> Map<String, Value> {
    let mut claims = common(provider, client_id, account);
    claims.insert("nonce".to_owned(), json!(nonce));
    let state = provider.state();
    let given = state.roles.iter().filter(|it| (it.0, it.1) == (client_id, account.object_id));
    let roles: Vec<&str> = given.map(|(.., role)| role.as_str()).collect();
    if !roles.is_empty() {
        claims.insert("roles".to_owned(), json!(roles));
    }
    if !scope.split(' ').any(|word| word == "profile") {
        for claim in ["oid", "name", "preferred_username"] {
            claims.remove(claim);
        }
    }
    claims
}

/// Access token claims: for our own API, version 2.
pub(super) fn access_claims(provider: &Provider, client_id: Uuid, account: &Account) -> Map<String, Value> {
    let mut claims = common(provider, client_id, account);
    claims.insert("azp".to_owned(), json!(client_id));
    claims.insert("azpacr".to_owned(), json!("1"));
    claims.insert("scp".to_owned(), json!("access_as_user"));
    claims
}

/// Access token claims of an application's own (client credentials), version 2, with the optional claim `idtyp`.
pub(super) fn application_claims(provider: &Provider, application: &Application) -> Map<String, Value> {
    let now_s = real_now().as_second();
    let claims = json!({
        "ver": "2.0",
        "idtyp": "app",
        "iss": provider.issuer(application.directory_id),
        "aud": provider.client_id(),
        "sub": application.object_id,
        "tid": application.directory_id,
        "oid": application.object_id,
        "azp": application.client_id,
        "azpacr": "1",
        "iat": now_s,
        "nbf": now_s,
        "exp": now_s + LIFETIME_S,
        "uti": random_id().simple().to_string(),
    });
    let Value::Object(claims) = claims else { unreachable!("the literal above is an object") };
    claims
}

/// The compact form of a token.
pub(super) fn mint(
    keys: &[SigningKey],
    claims: &Map<String, Value>,
    header: &Map<String, Value>,
    by: &Signature,
) -> String {
    let key = match by {
        Signature::Stranger(key) => Some(key),
        Signature::Key(id) => keys.iter().find(|key| key.id() == id),
        Signature::Current | Signature::Hmac(_) | Signature::None => keys.first(),
    };
    let mut whole = Map::new();
    whole.insert("alg".to_owned(), json!("RS256"));
    whole.insert("typ".to_owned(), json!("JWT"));
    whole.insert("kid".to_owned(), json!(key.map(SigningKey::id)));
    whole.extend(header.clone());
    whole.retain(|_, value| !value.is_null());
    let part = |map: Map<String, Value>| URL_SAFE_NO_PAD.encode(Value::Object(map).to_string());
    let text = format!("{}.{}", part(whole), part(claims.clone()));
    let signature = match by {
        Signature::None => String::new(),
        Signature::Hmac(secret) => {
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), text.as_bytes());
            URL_SAFE_NO_PAD.encode(tag.as_ref())
        }
        Signature::Current | Signature::Key(_) | Signature::Stranger(_) => {
            key.map(|key| key.sign(&text)).unwrap_or_default()
        }
    };
    format!("{text}.{signature}")
}

fn common(provider: &Provider, client_id: Uuid, account: &Account) -> Map<String, Value> {
    let now_s = real_now().as_second();
    let claims = json!({
        "ver": "2.0",
        "iss": provider.issuer(account.directory_id),
        "aud": client_id,
        "sub": pairwise(client_id, account),
        "tid": account.directory_id,
        "oid": account.object_id,
        "name": account.name,
        "preferred_username": account.user_name,
        "iat": now_s,
        "nbf": now_s,
        "exp": now_s + LIFETIME_S,
        "uti": random_id().simple().to_string(),
    });
    let Value::Object(claims) = claims else { unreachable!("the literal above is an object") };
    claims
}

/// `sub` is the person's alone in this one application.
fn pairwise(client_id: Uuid, account: &Account) -> String {
    let text = format!("{} {} {}", client_id, account.directory_id, account.object_id);
    URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, text.as_bytes()))
}
