//! The provider's two documents, read strictly: what is not understood is left out, and a set without one good key is no set.

use serde::Deserialize;
use url::Url;

use super::{Metadata, SigningKey};
use crate::{
    auth::token::{RsaKey, is_key_id},
    error::BoxError,
};

const PLACEHOLDER: &str = "{tenantid}";
/// More keys than any provider has.
const MAX_KEYS: usize = 200;

#[derive(Deserialize)]
struct MetadataText {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
}

#[derive(Deserialize)]
struct KeySetText {
    keys: Vec<serde_json::Value>,
}

#[derive(Deserialize)]
struct KeyText {
    kty: String,
    #[serde(rename = "use")]
    usage: Option<String>,
    alg: Option<String>,
    kid: String,
    n: String,
    e: String,
    issuer: Option<String>,
}

/// Reads the metadata. Every address in it must be of the authority's own origin.
pub(super) fn metadata(bytes: &[u8], authority: &Url) -> Result<Metadata, BoxError> {
    let text: MetadataText = serde_json::from_slice(bytes).map_err(|_| "the metadata is not in its shape")?;
    let of_authority = |address: &str| {
        let url = Url::parse(address).ok().filter(|url| url.origin() == authority.origin());
        url.ok_or("the metadata names another origin than the authority's")
    };
    of_authority(&fill(&text.issuer, "x"))?;
    Ok(Metadata {
        authorization_endpoint: of_authority(&text.authorization_endpoint)?,
        token_endpoint: of_authority(&text.token_endpoint)?,
        jwks_uri: of_authority(&text.jwks_uri)?,
        issuer: text.issuer,
    })
}

/// Reads the key set: its RSA signing keys.
pub(super) fn keys(bytes: &[u8], issuer: &str) -> Result<Vec<SigningKey>, BoxError> {
    let set: KeySetText = serde_json::from_slice(bytes).map_err(|_| "the key set is not in its shape")?;
    if set.keys.len() > MAX_KEYS {
        return Err("the key set is too long".into());
    }
    let keys: Vec<SigningKey> = set.keys.into_iter().filter_map(|key| signing_key(key, issuer)).collect();
    if keys.is_empty() {
        return Err("the key set has no key that can be used".into());
    }
    Ok(keys)
}

fn signing_key(key: serde_json::Value, issuer: &str) -> Option<SigningKey> {
    let key: KeyText = serde_json::from_value(key).ok()?;
    let signs = key.usage.as_deref().is_none_or(|it| it == "sig")
        && key.alg.as_deref().is_none_or(|it| it == "RS256");
    if key.kty != "RSA" || !signs || !is_key_id(&key.kid) {
        return None;
    }
    // Where one set serves many directories, each key says whose it is; where it serves one, it need not.
    let issuer = match key.issuer {
        Some(own) => own,
        None if fill(issuer, "") == issuer => issuer.to_owned(),
        None => return None,
    };
    Some(SigningKey { id: key.kid, issuer, key: RsaKey::read(&key.n, &key.e)? })
}

/// Puts a directory into an issuer's template. The placeholder's case differs between documents.
pub(crate) fn fill(template: &str, directory: &str) -> String {
    match template.to_ascii_lowercase().find(PLACEHOLDER) {
        Some(at) => format!("{}{directory}{}", &template[..at], &template[at + PLACEHOLDER.len()..]),
        None => template.to_owned(),
    }
}
