//! Applications' access tokens: which service principal of which directory is calling, by the provider's word. Version 2 tokens
//! of the client-credentials flow, made for us; a person's token is none, nor is one that an application got for a person.
//! Claims as the identity platform's "access token claims reference" has them. Called by sign-in, which gives a session for one.

use jiff::Timestamp;
use uuid::Uuid;

use super::{
    id_token::{check_issuer, check_time, guid, read},
    issuer::{Metadata, SigningKey},
    token::Rejected,
};

/// Claims that only tokens of another kind have: a person's, and those of version 1.
const FOREIGN: [&str; 5] = ["scp", "nonce", "preferred_username", "appid", "appidacr"];

/// An application as the provider knows it. Only the pair of ids is identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The directory (`tid`).
    pub directory_id: Uuid,
    /// Its service principal in it (`oid`).
    pub object_id: Uuid,
    /// The application's registration (`azp`), to name it by.
    pub client_id: Uuid,
    /// When the token ends.
    pub expires_at: Timestamp,
}

/// Verifies a token against the key that its `kid` names; `client_id` is ours, which it must be for.
pub fn verify(
    token: &str,
    key: &SigningKey,
    metadata: &Metadata,
    (client_id, now): (&str, Timestamp),
) -> Result<Application, Rejected> {
    let parts = read(token)?;
    if parts.key_id()? != key.id {
        return Err(Rejected::UnknownKey);
    }
    let claims = parts.verify_rs256(&key.key)?;
    if let Some(name) = FOREIGN.into_iter().find(|name| claims.has(name)) {
        return Err(Rejected::Kind(name));
    }
    claims.is("idtyp", "app")?;
    claims.is("ver", "2.0")?;
    let directory_id = guid(&claims, "tid")?;
    check_issuer(&claims, key, metadata)?;
    claims.is("aud", client_id)?;
    check_time(&claims, now)?;
    // 0 is a public client: anybody who knows its id.
    if !["1", "2"].contains(&claims.text("azpacr")?) {
        return Err(Rejected::Claim("azpacr"));
    }
    let object_id = guid(&claims, "oid")?;
    // An application has one id here, not one for each that it calls.
    claims.is("sub", &object_id.to_string())?;
    let expires_at = Timestamp::from_second(claims.seconds("exp")?).map_err(|_| Rejected::Time("exp"))?;
    Ok(Application { directory_id, object_id, client_id: guid(&claims, "azp")?, expires_at })
}

#[cfg(test)]
mod tests;
