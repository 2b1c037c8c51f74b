//! Keys and tokens for the tests: a signer that makes tokens of any shape.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{KeyPair, RsaEncoding, RsaKeyPair},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use super::session::SessionKeys;
use crate::secrets::{KeyRing, Secret};

/// A ring whose keys, versions 1 and 2, are made of one byte. Version 2 is current.
pub(super) fn session_keys(byte: u8) -> SessionKeys {
    let ring = json!({
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

/// A provider's RSA key and the id it is published under.
pub(super) struct RsaSigner {
    pub(super) id: &'static str,
    pub(super) pair: RsaKeyPair,
}

impl RsaSigner {
    pub(super) fn generate(id: &'static str) -> Self {
        Self { id, pair: RsaKeyPair::generate(KeySize::Rsa2048).unwrap() }
    }

    /// A token of these very texts, signed under any RSA scheme.
    pub(super) fn token(&self, scheme: &'static dyn RsaEncoding, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(scheme, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The key as it is published.
    pub(super) fn jwk(&self, issuer: Option<&str>) -> Value {
        let public = self.pair.public_key();
        json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "n": URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero()),
            "e": URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero()),
            "issuer": issuer,
        })
    }
}

/// A public key in the forms in which it could be mistaken for a shared secret.
pub(super) fn public_forms(signer: &RsaSigner) -> Vec<Vec<u8>> {
    let public = signer.pair.public_key();
    let der = AsDer::<PublicKeyX509Der<'_>>::as_der(public).unwrap().as_ref().to_vec();
    let body = STANDARD
        .encode(&der)
        .as_bytes()
        .chunks(64)
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect::<Vec<_>>();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", body.join("\n"));
    let modulus = public.modulus().big_endian_without_leading_zero().to_vec();
    vec![
        pem.trim_end().as_bytes().to_vec(),
        pem.into_bytes(),
        der,
        public.as_ref().to_vec(),
        modulus,
        Vec::new(),
    ]
}
