//! API tokens: `sbx_` and base64url of the workspace's id, its maker's id and 256 random bits. Only the SHA-256 of the text is
//! kept. The two ids say where to look; `system.authorize` believes them only if the row of that hash says the same.
//!
//! Made by the portal, read by [`super::authenticate`].

use aws_lc_rs::{
    digest::{SHA256, digest},
    rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use uuid::Uuid;

use super::{
    principal::{Credential, Principal},
    token::Rejected,
};
use crate::{
    model::{
        ids::{Id, TenantId, UserId},
        tenant::SchemaName,
    },
    secrets::Secret,
};

const PREFIX: &str = "sbx_";
const SECRET: usize = 32;
const LENGTH: usize = 16 + 16 + SECRET;

/// A token that was just made: the one time that its text is known here.
pub struct ApiToken {
    /// What its holder is told, once.
    pub text: Secret,
    /// What is kept.
    pub hash: [u8; 32],
}

impl ApiToken {
    /// A fresh token of somebody in a workspace. None where the machine has no randomness.
    pub fn make(tenant: TenantId, user: UserId) -> Option<Self> {
        let mut bytes = [0_u8; LENGTH];
        bytes[..16].copy_from_slice(tenant.uuid().as_bytes());
        bytes[16..32].copy_from_slice(user.uuid().as_bytes());
        rand::fill(&mut bytes[32..]).ok()?;
        let text = format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(bytes));
        Some(Self { hash: hash(&text), text: Secret::new(text.into_bytes()) })
    }
}

/// Whether a bearer's text is meant as an API token.
pub(super) fn is_one(text: &str) -> bool {
    text.starts_with(PREFIX)
}

/// Whom a token says it is. Its hash is what shows that it is true.
pub(super) fn read(text: &str) -> Result<Principal, Rejected> {
    let body = text.strip_prefix(PREFIX).ok_or(Rejected::Shape)?;
    let bytes =
        URL_SAFE_NO_PAD.decode(body).ok().filter(|bytes| bytes.len() == LENGTH).ok_or(Rejected::Shape)?;
    let id = |at: usize| Uuid::from_slice(&bytes[at..at + 16]).map_err(|_| Rejected::Shape);
    let tenant_id = TenantId::from(id(0)?);
    Ok(Principal {
        tenant_id,
        tenant_schema: SchemaName::of(tenant_id),
        tenant_user_id: UserId::from(id(16)?),
        credential: Credential::ApiToken(hash(text)),
    })
}

fn hash(text: &str) -> [u8; 32] {
    let mut hash = [0; 32];
    hash.copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> Uuid {
        Uuid::from_u128(n)
    }

    #[test]
    fn a_token_says_whose_it_is_and_no_two_are_the_same() {
        let make = || ApiToken::make(id(1).into(), id(2).into()).unwrap();
        let (one, two) = (make(), make());
        let text = one.text.expose_str().unwrap();
        assert_eq!(text.len(), PREFIX.len() + 86);
        let who = read(text).unwrap();
        assert_eq!((who.tenant_id, who.tenant_user_id), (id(1).into(), id(2).into()));
        assert_eq!(who.credential, Credential::ApiToken(one.hash));
        assert_ne!(one.hash, two.hash);
    }

    #[test]
    fn what_is_not_to_the_letter_a_token_is_none() {
        let token = ApiToken::make(id(1).into(), id(2).into()).unwrap();
        let text = token.text.expose_str().unwrap();
        for bad in [
            "sbx_".to_owned(),
            format!("{text}A"),
            text[..text.len() - 1].to_owned(),
            format!("{text}="),
            text.replace("sbx_", "SBX_"),
        ] {
            assert!(read(&bad).is_err(), "{bad}");
        }
        // Every other text is another token: another hash.
        let mut bent = text.to_owned();
        let last = if bent.ends_with('A') { 'Q' } else { 'A' };
        bent.replace_range(bent.len() - 1.., &last.to_string());
        assert!(read(&bent).is_ok_and(|who| who.credential != Credential::ApiToken(token.hash)));
    }
}
