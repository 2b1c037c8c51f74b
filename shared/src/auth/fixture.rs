//! Keys and tokens for the tests: a signer that makes tokens of any shape.

use aws_lc_rs::hmac;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};

use super::session::SessionKeys;
use crate::secrets::{KeyRing, Secret};

/// A ring whose keys, versions 1 and 2, are made of one byte. Version 2 is current.
pub(super) fn session_keys(byte: u8) -> SessionKeys {
    let ring = serde_json::json!({
        "current": 2,
        "keys": { "1": STANDARD.encode([byte ^ 0x80; 32]), "2": STANDARD.encode([byte; 32]) },
    });
    SessionKeys::new(KeyRing::parse(&Secret::new(ring.to_string().into_bytes())).unwrap())
}

/// A token of these very texts, signed with HMAC-SHA-256.
pub(super) fn hs256(header: &str, claims: &str, key: &[u8]) -> String {
    let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), signed.as_bytes());
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
}
