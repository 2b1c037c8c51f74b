//! RS256 signing keys, as they are kept and as they are published.

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{KeyPair, RSA_PKCS1_SHA256, RsaKeyPair};
use aws_lc_rs::{digest, encoding};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// A key and its id.
#[derive(Debug)]
pub struct SigningKey {
    id: String,
    pair: RsaKeyPair,
}

impl SigningKey {
    /// A new key.
    pub fn generate() -> Self {
        Self::of(RsaKeyPair::generate(KeySize::Rsa2048).expect("the system has randomness"))
    }

    /// A key that was kept.
    pub(super) fn read(kept: &str) -> Option<Self> {
        let der = STANDARD.decode(kept.trim()).ok()?;
        RsaKeyPair::from_pkcs8(&der).ok().map(Self::of)
    }

    /// The key, to be kept.
    pub(super) fn write(&self) -> String {
        let der: encoding::Pkcs8V1Der<'_> = self.pair.as_der().expect("a whole key has an encoding");
        STANDARD.encode(der.as_ref())
    }

    /// Its `kid`.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The public half as DER.
    pub(super) fn public(&self) -> Vec<u8> {
        self.pair.public_key().as_ref().to_vec()
    }

    /// The signature of a token's first two parts.
    pub(super) fn sign(&self, text: &str) -> String {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair
            .sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .expect("the buffer has the modulus' length");
        URL_SAFE_NO_PAD.encode(signature)
    }

    /// As published. Entra adds to each key the issuer it is good for, a template with `{tenantid}`.
    pub(super) fn jwk(&self, issuer: &str) -> Value {
        let public = self.pair.public_key();
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({
            "kty": "RSA",
            "use": "sig",
            "kid": self.id,
            "n": number(public.modulus().big_endian_without_leading_zero()),
            "e": number(public.exponent().big_endian_without_leading_zero()),
            "issuer": issuer,
        })
    }

    fn of(pair: RsaKeyPair) -> Self {
        let hash = digest::digest(&digest::SHA256, pair.public_key().as_ref());
        let id = URL_SAFE_NO_PAD.encode(&hash.as_ref()[..20]);
        Self { id, pair }
    }
}
