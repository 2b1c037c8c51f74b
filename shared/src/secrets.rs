//! Secrets: their type, and the functions' own, read from Secrets Manager at cold start and again on refusal.
//! A customer's credentials are read by the dispatcher's vaults, not here.

mod root;

pub use root::RootKey;

use std::{collections::BTreeMap, sync::Arc};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::BoxError;

/// Secret bytes, wiped when dropped. It has no Debug, Display, Serialize or Clone, so it cannot reach a log by accident.
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the one use at hand.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text; None where they are not UTF-8.
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// Reads the functions' own secrets by ARN.
#[derive(Clone)]
pub struct SecretSource(aws_sdk_secretsmanager::Client);

impl SecretSource {
    /// A source over the SDK's usual configuration.
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Self(aws_sdk_secretsmanager::Client::new(config))
    }

    /// The current version of a secret.
    pub async fn read(&self, arn: &str) -> Result<Secret, BoxError> {
        let answer = self.0.get_secret_value().secret_id(arn).send().await?;
        let text = answer.secret_string.ok_or("the secret has no text")?;
        Ok(Secret::new(text.into_bytes()))
    }

    /// A key ring kept as a secret.
    pub async fn key_ring(&self, arn: &str) -> Result<KeyRing, BoxError> {
        KeyRing::parse(&self.read(arn).await?)
    }
}

/// Versioned 32-byte keys: new work uses `current`, old work finds its own version.
#[derive(Clone)]
pub struct KeyRing {
    current: u32,
    keys: Arc<BTreeMap<u32, Zeroizing<[u8; 32]>>>,
}

#[derive(Deserialize)]
struct KeyRingText {
    current: u32,
    keys: BTreeMap<u32, String>,
}

impl KeyRing {
    /// Reads `{"current":1,"keys":{"1":"<base64 of 32 bytes>"}}`.
    pub fn parse(secret: &Secret) -> Result<Self, BoxError> {
        let text: KeyRingText =
            serde_json::from_slice(secret.expose()).map_err(|_| "a key ring is not in its shape")?;
        let mut keys = BTreeMap::new();
        for (version, encoded) in text.keys {
            let encoded = Zeroizing::new(encoded);
            let bytes =
                Zeroizing::new(STANDARD.decode(encoded.as_bytes()).map_err(|_| "a key is not base64")?);
            let key: [u8; 32] = bytes.as_slice().try_into().map_err(|_| "a key is not 32 bytes")?;
            keys.insert(version, Zeroizing::new(key));
        }
        if !keys.contains_key(&text.current) {
            return Err("a key ring has no current key".into());
        }
        Ok(Self { current: text.current, keys: Arc::new(keys) })
    }

    /// The version that new work uses.
    pub fn current(&self) -> u32 {
        self.current
    }

    /// Every version, oldest first.
    pub fn versions(&self) -> impl Iterator<Item = u32> {
        self.keys.keys().copied()
    }

    /// The key of a version.
    pub fn key(&self, version: u32) -> Option<&[u8; 32]> {
        self.keys.get(&version).map(|k| &**k)
    }
}
