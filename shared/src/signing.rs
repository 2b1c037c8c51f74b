//! Signatures that others can check without us: Ed25519 (RFC 8032), one key pair for each version of the root key. Export and
//! backup manifests and deletion certificates are signed by the steward; the portal shows the public keys. Nothing is stored:
//! a pair is derived from the root again whenever it is needed.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{keys::derive, secrets::KeyRing};

/// The salt of the derivation: the root key is random, so it need not be.
const SALT: &[u8] = b"signalbox/signing";

/// What a signature is about. A signature for one purpose is none for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// The manifest of an export or a backup.
    Manifest,
    /// The certificate of a deletion.
    Deletion,
}

/// A signature, as it stands beside what was signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Signature {
    /// `ed25519`.
    pub algorithm: String,
    /// Which key: see [`PublicKey::id`].
    pub key_id: String,
    /// 64 bytes in base64.
    pub signature: String,
}

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PublicKey {
    /// The version of the root key, a dash, and the first eight bytes of the public key in hex.
    pub id: String,
    /// `ed25519`.
    pub algorithm: String,
    /// 32 bytes in base64.
    pub public_key: String,
}

impl PublicKey {
    /// One that was seen, as it is kept.
    #[must_use]
    pub fn of(id: String, public_key: String) -> Self {
        Self { id, algorithm: "ed25519".to_owned(), public_key }
    }
}

/// Nothing could be signed: the root has no current key, or the primitive refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no signing key can be derived")]
pub struct NoKey;

/// Signs, and checks what was signed under any version of the root that is still there.
#[derive(Clone)]
pub struct Signing(KeyRing);

impl Signing {
    /// Over the root of the tenants' keys.
    pub fn new(root: KeyRing) -> Self {
        Self(root)
    }

    /// Signs under the newest key.
    pub fn sign(&self, purpose: Purpose, bytes: &[u8]) -> Result<Signature, NoKey> {
        let version = self.0.current();
        let pair = self.pair(version)?;
        Ok(Signature {
            algorithm: "ed25519".to_owned(),
            key_id: id(version, &pair),
            signature: STANDARD.encode(pair.sign(&message(purpose, bytes)).as_ref()),
        })
    }

    /// Whether we signed exactly this for this purpose.
    pub fn is_ours(&self, purpose: Purpose, bytes: &[u8], signature: &Signature) -> bool {
        let Some(version) = signature.key_id.split('-').next().and_then(|text| text.parse().ok()) else {
            return false;
        };
        let (Ok(pair), Ok(given)) = (self.pair(version), STANDARD.decode(&signature.signature)) else {
            return false;
        };
        let key = UnparsedPublicKey::new(&ED25519, pair.public_key().as_ref());
        signature.key_id == id(version, &pair) && key.verify(&message(purpose, bytes), &given).is_ok()
    }

    /// Every public key, oldest first.
    pub fn public_keys(&self) -> Result<Vec<PublicKey>, NoKey> {
        let key = |version| {
            let pair = self.pair(version)?;
            let public_key = STANDARD.encode(pair.public_key().as_ref());
            Ok(PublicKey::of(id(version, &pair), public_key))
        };
        self.0.versions().map(key).collect()
    }

    fn pair(&self, version: u32) -> Result<Ed25519KeyPair, NoKey> {
        let root = self.0.key(version).ok_or(NoKey)?;
        let seed = derive(SALT, root, &format!("signalbox/signing/{version}")).ok_or(NoKey)?;
        Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| NoKey)
    }
}

fn id(version: u32, pair: &Ed25519KeyPair) -> String {
    let start: String = pair.public_key().as_ref().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    format!("{version}-{start}")
}

/// What is signed: the purpose in a line of its own, then the bytes.
fn message(purpose: Purpose, bytes: &[u8]) -> Vec<u8> {
    let line: &[u8] = match purpose {
        Purpose::Manifest => b"signalbox manifest\n",
        Purpose::Deletion => b"signalbox deletion\n",
    };
    [line, bytes].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secret;

    fn signing(text: &str) -> Signing {
        Signing::new(KeyRing::parse(&Secret::new(text.as_bytes().to_vec())).unwrap())
    }

    const ONE: &str = r#"{"current":1,"keys":{"1":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}"#;
    const TWO: &str = r#"{"current":2,"keys":{"1":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                         "2":"ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="}}"#;

    #[test]
    fn a_signature_holds_for_its_bytes_its_purpose_and_its_key_and_outlives_a_rotation() {
        let signature = signing(ONE).sign(Purpose::Manifest, b"text").unwrap();
        assert!(signing(ONE).is_ours(Purpose::Manifest, b"text", &signature));
        assert!(signing(TWO).is_ours(Purpose::Manifest, b"text", &signature), "the root was rotated since");
        assert!(!signing(ONE).is_ours(Purpose::Manifest, b"texT", &signature));
        assert!(!signing(ONE).is_ours(Purpose::Deletion, b"text", &signature));
        let newer = signing(TWO).sign(Purpose::Manifest, b"text").unwrap();
        assert!(!signing(ONE).is_ours(Purpose::Manifest, b"text", &newer));
        let renamed = Signature { key_id: newer.key_id, ..signature };
        assert!(!signing(TWO).is_ours(Purpose::Manifest, b"text", &renamed));
    }

    #[test]
    fn every_version_of_the_root_has_its_public_key() {
        let ids: Vec<_> = signing(TWO).public_keys().unwrap().into_iter().map(|key| key.id).collect();
        assert_eq!(ids.len(), 2);
        assert!(ids[0].starts_with("1-") && ids[1].starts_with("2-"), "{ids:?}");
    }
}
