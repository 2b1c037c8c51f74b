//! What a browser keeps for us and may not read or change: AES-256-GCM under the session ring, base64url.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    rand,
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::session::SessionKeys;

const FORMAT: u8 = 1;
/// Format, key version.
const HEADER: usize = 1 + 4;

/// Not sealed here, changed since, sealed for another purpose, or the key is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened")]
pub struct NotSealedHere;

impl SessionKeys {
    /// Seals bytes for one purpose.
    pub fn seal(&self, purpose: &'static str, bytes: &[u8]) -> Result<String, NotSealedHere> {
        let (version, key) = self.newest(&sealing(purpose)).ok_or(NotSealedHere)?;
        let mut nonce = [0_u8; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| NotSealedHere)?;
        let mut sealed = vec![FORMAT];
        sealed.extend_from_slice(&version.to_be_bytes());
        let header = Aad::from(sealed.clone());
        let mut text = bytes.to_vec();
        let nonce_given = Nonce::assume_unique_for_key(nonce);
        cipher(&key)?.seal_in_place_append_tag(nonce_given, header, &mut text).map_err(|_| NotSealedHere)?;
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&text);
        Ok(URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what was sealed for this purpose.
    pub fn open(&self, purpose: &'static str, sealed: &str) -> Result<Vec<u8>, NotSealedHere> {
        let sealed = URL_SAFE_NO_PAD.decode(sealed).map_err(|_| NotSealedHere)?;
        let (header, rest) = sealed.split_at_checked(HEADER).ok_or(NotSealedHere)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(NotSealedHere)?;
        let version = header[1..].try_into().map(u32::from_be_bytes).map_err(|_| NotSealedHere)?;
        if header[0] != FORMAT {
            return Err(NotSealedHere);
        }
        let key = self.key(&sealing(purpose), version).ok_or(NotSealedHere)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| NotSealedHere)?;
        let mut text = text.to_vec();
        let opened =
            cipher(&key)?.open_in_place(nonce, Aad::from(header), &mut text).map_err(|_| NotSealedHere)?;
        Ok(opened.to_vec())
    }
}

/// Apart from the keys that sign.
fn sealing(purpose: &str) -> String {
    format!("sealed/{purpose}")
}

/// A fresh word of 256 random bits, base64url: a state, a nonce, a code verifier. None where the machine has no randomness.
pub fn random_word() -> Option<String> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey, NotSealedHere> {
    UnboundKey::new(&AES_256_GCM, key).map(LessSafeKey::new).map_err(|_| NotSealedHere)
}

#[cfg(test)]
mod tests {
    use super::{super::fixture::session_keys, *};

    #[test]
    fn a_sealed_value_opens_unchanged_for_its_purpose_and_under_its_ring_only() {
        let sealed = session_keys(1).seal("flow", b"verifier").unwrap();
        assert_eq!(session_keys(1).open("flow", &sealed).unwrap(), b"verifier");
        assert_ne!(session_keys(1).seal("flow", b"verifier").unwrap(), sealed);
        assert!(session_keys(2).open("flow", &sealed).is_err());
        assert!(session_keys(1).open("session", &sealed).is_err());
        let bytes = URL_SAFE_NO_PAD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            assert!(session_keys(1).open("flow", &URL_SAFE_NO_PAD.encode(&bent)).is_err(), "byte {at}");
            assert!(
                session_keys(1).open("flow", &URL_SAFE_NO_PAD.encode(&bytes[..at])).is_err(),
                "cut at {at}"
            );
        }
    }
}
