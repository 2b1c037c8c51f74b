//! Our own session token: a JWT that the cookie holds and `Authorization: Bearer` may carry. It says which session, person
//! and workspace a caller claims; `system.authorize` re-reads all of it on every request, so a session can be ended before
//! its token runs out.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    principal::{Credential, Principal},
    token::{Claims, Parts, Rejected, sign_hs256},
};
use crate::{keys::derive, secrets::KeyRing};

/// A session ends this long after sign-in, used or not.
pub const LIFETIME: SignedDuration = SignedDuration::from_hours(12);

const ALGORITHM: &str = "HS256";
const OURSELVES: &str = "signalbox";
const KIND: Kind = Kind {
    purpose: "session",
    token_type: "sbx+session",
    audience: OURSELVES,
    claims: &["iss", "aud", "sid", "tenant_id", "tenant_schema", "tenant_user_id", "iat", "exp"],
    lifetime: LIFETIME,
};

/// A kind of token of ours: what sets it apart from every other.
pub(super) struct Kind {
    /// Whose key it is signed with.
    pub(super) purpose: &'static str,
    /// Its header's `typ`.
    pub(super) token_type: &'static str,
    /// Its `aud`.
    pub(super) audience: &'static str,
    /// Every claim it has.
    pub(super) claims: &'static [&'static str],
    /// How long it is good, at most.
    pub(super) lifetime: SignedDuration,
}

/// The ring of `SIGNALBOX_SESSION_KEY_SECRET_ARN`: signs session tokens and seals what a browser keeps for us.
/// Each purpose has keys of its own, derived from the ring's.
#[derive(Clone)]
pub struct SessionKeys(KeyRing);

/// The token could not be made: the ring or the primitive refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a session token could not be signed")]
pub struct CannotSign;

impl SessionKeys {
    /// Keys under a ring.
    pub fn new(ring: KeyRing) -> Self {
        Self(ring)
    }

    /// A session's token, issued now. It ends with the session's row (`expires_at`, database time), and after
    /// [`LIFETIME`] by this machine's clock whatever the row says.
    pub fn mint(&self, who: &Principal, now: Timestamp, expires_at: Timestamp) -> Result<String, CannotSign> {
        let session = who.session().ok_or(CannotSign)?;
        let claims = json!({
            "sid": session,
            "tenant_id": who.tenant_id,
            "tenant_schema": who.tenant_schema.as_str(),
            "tenant_user_id": who.tenant_user_id,
        });
        self.sign(&KIND, claims, now, expires_at)
    }

    /// Whom a token stands for, if it is ours and in time.
    pub fn verify(&self, token: &str, now: Timestamp) -> Result<Principal, Rejected> {
        principal(&self.read(&KIND, token, now)?)
    }

    /// A token of a kind with its own claims and the usual ones.
    pub(super) fn sign(
        &self,
        kind: &Kind,
        mut claims: Value,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<String, CannotSign> {
        let (version, key) = self.newest(kind.purpose).ok_or(CannotSign)?;
        let expires_at = (now + kind.lifetime).min(expires_at);
        let header = json!({ "alg": ALGORITHM, "typ": kind.token_type, "kid": version.to_string() });
        claims["iss"] = OURSELVES.into();
        claims["aud"] = kind.audience.into();
        claims["iat"] = now.as_second().into();
        claims["exp"] = expires_at.as_second().into();
        sign_hs256(&header, &claims, &key).ok_or(CannotSign)
    }

    /// The claims of a token of a kind, if it is ours and in time.
    pub(super) fn read(&self, kind: &Kind, token: &str, now: Timestamp) -> Result<Claims, Rejected> {
        let parts = Parts::read(token, ALGORITHM, &[Some(kind.token_type)])?;
        if !parts.has_only(&["alg", "typ", "kid"]) {
            return Err(Rejected::Header("members"));
        }
        let id = parts.key_id()?;
        let version =
            id.parse().ok().filter(|version: &u32| version.to_string() == id).ok_or(Rejected::UnknownKey)?;
        let key = self.key(kind.purpose, version).ok_or(Rejected::UnknownKey)?;
        let claims = parts.verify_hs256(&key)?;
        if !claims.has_only(kind.claims) {
            return Err(Rejected::Claim("members"));
        }
        claims.is("iss", OURSELVES)?;
        claims.is("aud", kind.audience)?;
        // Our own clock set `exp`: there is nothing to be lenient about.
        claims.in_time(now, kind.lifetime.as_secs(), -1)?;
        Ok(claims)
    }

    /// The key of a purpose and version.
    pub(super) fn key(&self, purpose: &str, version: u32) -> Option<Zeroizing<[u8; 32]>> {
        derive(b"", self.0.key(version)?, &format!("signalbox/{purpose}/{version}"))
    }

    /// The version that new work uses, and its key.
    pub(super) fn newest(&self, purpose: &str) -> Option<(u32, Zeroizing<[u8; 32]>)> {
        let version = self.0.current();
        Some((version, self.key(purpose, version)?))
    }
}

fn principal(claims: &Claims) -> Result<Principal, Rejected> {
    Ok(Principal {
        tenant_id: id(claims, "tenant_id")?,
        tenant_schema: id(claims, "tenant_schema")?,
        tenant_user_id: id(claims, "tenant_user_id")?,
        credential: Credential::Session(id(claims, "sid")?),
    })
}

/// A claim that names something of ours, in its one spelling.
pub(super) fn id<T: std::str::FromStr + ToString>(
    claims: &Claims,
    name: &'static str,
) -> Result<T, Rejected> {
    let text = claims.text(name)?;
    text.parse().ok().filter(|it: &T| it.to_string() == text).ok_or(Rejected::Claim(name))
}

#[cfg(test)]
mod tests;
