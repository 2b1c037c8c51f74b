//! Signed tokens in compact form: the mechanics that ID tokens and session tokens share. The only file that names the JWT
//! crate, and it takes signatures from it, no judgement: header and claims are read by hand, because a library's defaults
//! accept what we do not (no `aud`, an array that holds ours, an unknown `crit`, a year-9999 `exp`).
//!
//! Order: shape, header, key, signature, claims. Nothing of a token is believed or used to look anything up before its
//! signature holds, but `kid`, which only ever picks from keys that are already here.

mod json;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jiff::Timestamp;
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey,
    crypto::{sign, verify},
};
use serde_json::{Map, Value};

/// Longer tokens are not read.
const MAX_TOKEN_BYTES: usize = 16 * 1024;
/// Longer key ids are not looked for.
const MAX_KEY_ID_BYTES: usize = 256;
/// How far two clocks may be apart.
pub(super) const SKEW_S: i64 = 60;

/// Why a token is not believed. For the log and the tests; a caller is told "no".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// Not three parts of base64url holding objects whose names are all different, or too long.
    #[error("not a compact token")]
    Shape,
    /// The header is not what we sign with, or asks for something we do not know.
    #[error("the header's {0} is not acceptable")]
    Header(&'static str),
    /// No key of that id.
    #[error("the key is not known")]
    UnknownKey,
    /// The key is for another issuer.
    #[error("the key is not this issuer's")]
    ForeignKey,
    /// The signature does not hold.
    #[error("the signature does not hold")]
    Signature,
    /// A claim is missing, of another type, or says something else.
    #[error("the claim {0} is not acceptable")]
    Claim(&'static str),
    /// Too late, too early, or good for too long.
    #[error("{0} is out of its time")]
    Time(&'static str),
    /// It proves something else: an access token, an application's token.
    #[error("another kind of token: it has {0}")]
    Kind(&'static str),
}

/// A token taken apart; nothing in it is verified.
pub(super) struct Parts<'a> {
    signed: &'a str,
    signature: &'a str,
    payload: Vec<u8>,
    header: Map<String, Value>,
}

/// Claims whose signature held.
pub(super) struct Claims(Map<String, Value>);

/// A provider's public key.
#[derive(Clone)]
pub(super) struct RsaKey(DecodingKey);

impl<'a> Parts<'a> {
    /// Takes a token apart and checks what every token's header must be.
    pub(super) fn read(
        token: &'a str,
        algorithm: &'static str,
        types: &[Option<&str>],
    ) -> Result<Self, Rejected> {
        if token.len() > MAX_TOKEN_BYTES {
            return Err(Rejected::Shape);
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(Rejected::Shape)?;
        let (header, payload) = signed.split_once('.').ok_or(Rejected::Shape)?;
        if payload.contains('.') {
            return Err(Rejected::Shape);
        }
        let header = json::object(&decode(header)?).ok_or(Rejected::Shape)?;
        if header.get("alg").and_then(Value::as_str) != Some(algorithm) {
            return Err(Rejected::Header("alg"));
        }
        // `crit` names extensions that must be understood (RFC 7515, 4.1.11), `b64` and `zip` change what was signed. We know
        // none. `jku`, `jwk`, `x5u` and `x5c` name keys: they are not read, keys are found by `kid` among the issuer's.
        if let Some(name) = ["crit", "b64", "zip", "enc"].into_iter().find(|name| header.contains_key(*name))
        {
            return Err(Rejected::Header(name));
        }
        let kind = header.get("typ");
        if kind.is_some_and(|it| !it.is_string()) || !types.contains(&kind.and_then(Value::as_str)) {
            return Err(Rejected::Header("typ"));
        }
        if signature.is_empty() {
            return Err(Rejected::Signature);
        }
        decode(signature)?;
        Ok(Self { signed, signature, payload: decode(payload)?, header })
    }

    /// The key's id: a short plain word, never a path, a query or a statement.
    pub(super) fn key_id(&self) -> Result<&str, Rejected> {
        let id = self.header.get("kid").and_then(Value::as_str).ok_or(Rejected::Header("kid"))?;
        if is_key_id(id) { Ok(id) } else { Err(Rejected::Header("kid")) }
    }

    pub(super) fn has_only(&self, names: &[&str]) -> bool {
        self.header.keys().all(|name| names.contains(&name.as_str()))
    }

    pub(super) fn verify_rs256(&self, key: &RsaKey) -> Result<Claims, Rejected> {
        self.verify(&key.0, Algorithm::RS256)
    }

    pub(super) fn verify_hs256(&self, key: &[u8; 32]) -> Result<Claims, Rejected> {
        self.verify(&DecodingKey::from_secret(key), Algorithm::HS256)
    }

    fn verify(&self, key: &DecodingKey, algorithm: Algorithm) -> Result<Claims, Rejected> {
        match verify(self.signature, self.signed.as_bytes(), key, algorithm) {
            Ok(true) => json::object(&self.payload).map(Claims).ok_or(Rejected::Shape),
            Ok(false) | Err(_) => Err(Rejected::Signature),
        }
    }
}

impl Claims {
    /// A claim that must be there and be text that is not empty. An array is not text, even one of ours.
    pub(super) fn text(&self, name: &'static str) -> Result<&str, Rejected> {
        let text = self.0.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        text.ok_or(Rejected::Claim(name))
    }

    /// The texts of a claim that is an array of nothing but texts; none where it is anything else.
    pub(super) fn texts(&self, name: &'static str) -> Vec<String> {
        let items = self.0.get(name).and_then(Value::as_array);
        let texts = items.and_then(|items| items.iter().map(|it| it.as_str().map(str::to_owned)).collect());
        texts.unwrap_or_default()
    }

    /// A claim that must be there and be exactly this text.
    pub(super) fn is(&self, name: &'static str, expected: &str) -> Result<(), Rejected> {
        if self.text(name)? == expected { Ok(()) } else { Err(Rejected::Claim(name)) }
    }

    /// A claim that must be there and be a whole number of seconds since 1970; neither a text nor a fraction is one.
    pub(super) fn seconds(&self, name: &'static str) -> Result<i64, Rejected> {
        let value = self.0.get(name).and_then(Value::as_i64).filter(|it| *it >= 0);
        value.ok_or(Rejected::Claim(name))
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(super) fn has_only(&self, names: &[&str]) -> bool {
        self.0.keys().all(|name| names.contains(&name.as_str()))
    }

    /// Checks `iat` and `exp` against the clock and a longest lifetime; `late_s` is how long past `exp` is still in time.
    pub(super) fn in_time(&self, now: Timestamp, longest_s: i64, late_s: i64) -> Result<(), Rejected> {
        let (now, issued, expires) = (now.as_second(), self.seconds("iat")?, self.seconds("exp")?);
        if issued.saturating_sub(now) > SKEW_S {
            return Err(Rejected::Time("iat"));
        }
        let lifetime = expires.saturating_sub(issued);
        if !(1..=longest_s).contains(&lifetime) || now.saturating_sub(expires) > late_s {
            return Err(Rejected::Time("exp"));
        }
        Ok(())
    }
}

impl RsaKey {
    /// A key from modulus and exponent as a key set writes them. None below 2,048 bits or where they are not numbers.
    pub(super) fn read(modulus: &str, exponent: &str) -> Option<Self> {
        let n = URL_SAFE_NO_PAD.decode(modulus).ok()?;
        let e = URL_SAFE_NO_PAD.decode(exponent).ok()?;
        if !(256..=1024).contains(&n.len()) || n.first() < Some(&0x80) || !(1..=8).contains(&e.len()) {
            return None;
        }
        Some(Self(DecodingKey::from_rsa_raw_components(&n, &e)))
    }
}

/// Signs header and claims with HMAC-SHA-256. None where the primitive refused.
pub(super) fn sign_hs256(header: &Value, claims: &Value, key: &[u8; 32]) -> Option<String> {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(header), part(claims));
    let signature = sign(signed.as_bytes(), &EncodingKey::from_secret(key), Algorithm::HS256).ok()?;
    Some(format!("{signed}.{signature}"))
}

/// Whether a text can be a key's id.
pub(super) fn is_key_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.=".contains(&byte);
    (1..=MAX_KEY_ID_BYTES).contains(&text.len()) && text.bytes().all(plain)
}

/// One spelling per value: no padding, no stray bits at the end.
fn decode(part: &str) -> Result<Vec<u8>, Rejected> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Rejected::Shape)
}
