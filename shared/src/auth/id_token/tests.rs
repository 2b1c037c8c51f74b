//! Threats A1 to A13: one token that is good, and what must be refused because one thing about it differs.

mod claims;
mod header;
mod issuer;

use std::sync::LazyLock;

use aws_lc_rs::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256, RsaEncoding,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::*;
use crate::auth::{
    fixture::{RsaSigner, hs256, public_forms},
    issuer::published,
};

const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";
const TID: &str = "4f0c9a6e-53b7-4d6c-9d0f-6a3f2a7c1e01";
const OTHER_TID: &str = "b7d2e1f4-0a68-4c35-8a57-2f9f0d6c1e02";
const OID: &str = "1c6f7d10-8a5b-4f3e-b1a4-0d5e9c2b7a11";
const CLIENT: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";
const NONCE: &str = "n-0S6_WzA2Mj";
const NOW: i64 = 1_800_000_000;

static OURS: LazyLock<RsaSigner> = LazyLock::new(|| RsaSigner::generate("key-1"));
static STRANGER: LazyLock<RsaSigner> = LazyLock::new(|| RsaSigner::generate("key-1"));

fn good() -> Map<String, Value> {
    let claims = json!({
        "ver": "2.0", "iss": format!("https://login.example/{TID}/v2.0"), "aud": CLIENT, "sub": "pairwise", "tid": TID, "oid": OID,
        "name": "Ada Thorne", "preferred_username": "ada@northwind.example", "nonce": NONCE,
        "iat": NOW, "nbf": NOW, "exp": NOW + 3600, "uti": "x",
    });
    claims.as_object().unwrap().clone()
}

fn with(name: &str, value: impl Into<Value>) -> String {
    let mut claims = good();
    claims.insert(name.to_owned(), value.into());
    text(&claims)
}

fn text(claims: &Map<String, Value>) -> String {
    Value::Object(claims.clone()).to_string()
}

const HEADER: &str = r#"{"alg":"RS256","typ":"JWT","kid":"key-1"}"#;

fn signed(claims: &str) -> String {
    OURS.token(&RSA_PKCS1_SHA256, HEADER, claims)
}

fn check_at(token: &str, now: i64, key_issuer: &str) -> Result<SignedIn, Rejected> {
    let (metadata, keys) = published(TEMPLATE, &[OURS.jwk(Some(key_issuer))]);
    let expected = Expected { client_id: CLIENT, nonce: NONCE, now: Timestamp::from_second(now).unwrap() };
    assert_eq!(key_id(token).is_ok(), read(token).is_ok_and(|parts| parts.key_id().is_ok()));
    verify(token, &keys[0], &metadata, expected)
}

fn check(token: &str) -> Result<SignedIn, Rejected> {
    check_at(token, NOW, TEMPLATE)
}

fn refused(token: &str, why: Rejected, what: &str) {
    assert_eq!(check(token), Err(why), "{what}");
}

#[test]
fn a_good_token_says_who_signed_in() {
    let who = check(&signed(&text(&good()))).unwrap();
    assert_eq!((who.directory_id.to_string(), who.object_id.to_string()), (TID.to_owned(), OID.to_owned()));
    assert_eq!(who.display_name, "Ada Thorne");
    let bare = OURS.token(&RSA_PKCS1_SHA256, r#"{"kid":"key-1","alg":"RS256"}"#, &text(&good()));
    assert!(check(&bare).is_ok(), "typ may be absent");
}
