//! The provider's ID tokens: who signed in, of which directory. Rules in the order of the identity platform's
//! "claims validation" page, none left to a default. Called by sign-in, with the key that [`super::Issuer`] found.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    issuer::{Metadata, SigningKey, fill},
    token::{Claims, Parts, Rejected, SKEW_S},
};

const ALGORITHM: &str = "RS256";
/// Personal Microsoft accounts are nobody's directory.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
/// No token is good for longer.
const LONGEST_S: i64 = 24 * 60 * 60;
/// Claims that only tokens of another kind have: access tokens, and tokens of applications without a person.
const FOREIGN: [&str; 6] = ["idtyp", "scp", "azp", "azpacr", "appid", "appidacr"];

/// What a token must have been made for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Our client id.
    pub client_id: &'a str,
    /// The nonce of the sign-in that asked for it.
    pub nonce: &'a str,
    /// This instant.
    pub now: Timestamp,
}

/// A person as the provider knows them. Only the pair of ids is identity; the name is for display and never matched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedIn {
    /// The directory (`tid`).
    pub directory_id: Uuid,
    /// The person in it (`oid`).
    pub object_id: Uuid,
    /// What to call them; may be empty.
    pub display_name: String,
    /// The application's roles that their directory gave them (`roles`); empty where it gave none.
    pub roles: Vec<String>,
}

/// The id of the key that a token says it was signed with, so that it can be fetched.
pub fn key_id(token: &str) -> Result<String, Rejected> {
    read(token)?.key_id().map(str::to_owned)
}

/// Verifies a token against the key that its `kid` names.
pub fn verify(
    token: &str,
    key: &SigningKey,
    metadata: &Metadata,
    expected: Expected<'_>,
) -> Result<SignedIn, Rejected> {
    let parts = read(token)?;
    if parts.key_id()? != key.id {
        return Err(Rejected::UnknownKey);
    }
    let claims = parts.verify_rs256(&key.key)?;
    if let Some(name) = FOREIGN.into_iter().find(|name| claims.has(name)) {
        return Err(Rejected::Kind(name));
    }
    claims.is("ver", "2.0")?;
    let directory_id = guid(&claims, "tid")?;
    check_issuer(&claims, key, metadata)?;
    claims.is("aud", expected.client_id)?;
    check_time(&claims, expected.now)?;
    claims.is("nonce", expected.nonce)?;
    claims.text("sub")?;
    Ok(SignedIn {
        directory_id,
        object_id: guid(&claims, "oid")?,
        display_name: display_name(&claims),
        roles: claims.texts("roles"),
    })
}

pub(super) fn read(token: &str) -> Result<Parts<'_>, Rejected> {
    Parts::read(token, ALGORITHM, &[None, Some("JWT")])
}

/// The issuer is the directory's own, and so is the key: one that is published for another issuer signs nothing here.
pub(super) fn check_issuer(claims: &Claims, key: &SigningKey, metadata: &Metadata) -> Result<(), Rejected> {
    let (issuer, directory) = (claims.text("iss")?, claims.text("tid")?);
    if issuer != fill(&metadata.issuer, directory) || !issuer.split('/').any(|part| part == directory) {
        return Err(Rejected::Claim("iss"));
    }
    if directory == CONSUMERS {
        return Err(Rejected::Claim("tid"));
    }
    if fill(&key.issuer, directory) == issuer { Ok(()) } else { Err(Rejected::ForeignKey) }
}

/// The token is in its time, by `iat`, `nbf` and `exp`, and good for a day at most.
pub(super) fn check_time(claims: &Claims, now: Timestamp) -> Result<(), Rejected> {
    claims.in_time(now, LONGEST_S, SKEW_S)?;
    let valid_from = claims.seconds("nbf")?;
    if valid_from.saturating_sub(now.as_second()) > SKEW_S {
        return Err(Rejected::Time("nbf"));
    }
    let lifetime = claims.seconds("exp")?.saturating_sub(valid_from);
    if (1..=LONGEST_S).contains(&lifetime) { Ok(()) } else { Err(Rejected::Time("exp")) }
}

/// A GUID in its one spelling: hyphens, lower case, not nil.
pub(super) fn guid(claims: &Claims, name: &'static str) -> Result<Uuid, Rejected> {
    let text = claims.text(name)?;
    let id = Uuid::try_parse(text).ok().filter(|id| !id.is_nil() && id.to_string() == text);
    id.ok_or(Rejected::Claim(name))
}

fn display_name(claims: &Claims) -> String {
    let name = claims.text("name").or_else(|_| claims.text("preferred_username")).unwrap_or_default();
    name.chars().filter(|it| !it.is_control()).take(200).collect()
}

#[cfg(test)]
mod tests;
