//! A workspace's keys: HKDF-SHA-256 from the root key and the workspace's salt, AES-256-GCM with the place it is stored in
//! as associated data. A sealed value moved to another workspace, row or column cannot be opened.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{HKDF_SHA256, KeyType, Salt},
    rand,
};
use zeroize::Zeroizing;

use crate::{
    model::ids::TenantId,
    secrets::{KeyRing, Secret},
};

/// Where a sealed value stands; its associated data.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The workspace.
    pub tenant: TenantId,
    /// The table.
    pub table: &'static str,
    /// The column.
    pub column: &'static str,
    /// The row's key as text.
    pub row: &'a str,
}

/// Sealing or opening failed: an unknown key version, or the value is not what was stored here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed value cannot be opened here")]
pub struct CannotOpen;

/// The salts of one workspace with the root that its keys come from. Lives for one invocation.
pub struct TenantKeys {
    root: KeyRing,
    salts: Vec<(i32, Zeroizing<Vec<u8>>)>,
    /// What is sealed with them: part of every key, so that one purpose's opens nothing of another's.
    purpose: &'static str,
}

/// Format byte, root version, then nonce, ciphertext and tag.
const HEADER: usize = 1 + 4;
const FORMAT: u8 = 1;

impl TenantKeys {
    /// Keys from the root and the workspace's salts, as `system.tenant_salts()` gives them.
    pub fn new(root: KeyRing, salts: Vec<(i32, Vec<u8>)>) -> Self {
        Self::of("credentials", root, salts)
    }

    /// The keys of backups.
    pub fn for_backups(root: KeyRing, salts: Vec<(i32, Vec<u8>)>) -> Self {
        Self::of("backup", root, salts)
    }

    fn of(purpose: &'static str, root: KeyRing, salts: Vec<(i32, Vec<u8>)>) -> Self {
        Self { root, salts: salts.into_iter().map(|(v, s)| (v, Zeroizing::new(s))).collect(), purpose }
    }

    /// Seals a value for a place under the newest key; returns the key's version with it.
    pub fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<(i32, Vec<u8>), CannotOpen> {
        let (version, salt) = self.salts.iter().max_by_key(|(v, _)| *v).ok_or(CannotOpen)?;
        let root_version = self.root.current();
        let key = self.derive(place.tenant, salt, root_version, *version)?;
        let mut nonce = [0_u8; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| CannotOpen)?;
        let mut sealed = vec![FORMAT];
        sealed.extend_from_slice(&root_version.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let mut text = Zeroizing::new(secret.expose().to_vec());
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad(place, *version), &mut text)
            .map_err(|_| CannotOpen)?;
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        Ok((*version, sealed))
    }

    /// Opens what was sealed for exactly this place.
    pub fn open(&self, place: Place<'_>, version: i32, sealed: &[u8]) -> Result<Secret, CannotOpen> {
        let (header, rest) = sealed.split_at_checked(HEADER).ok_or(CannotOpen)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let root_version = header[1..].try_into().map(u32::from_be_bytes).map_err(|_| CannotOpen)?;
        if header[0] != FORMAT {
            return Err(CannotOpen);
        }
        let (_, salt) = self.salts.iter().find(|(v, _)| *v == version).ok_or(CannotOpen)?;
        let key = self.derive(place.tenant, salt, root_version, version)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened = key.open_in_place(nonce, aad(place, version), &mut text).map_err(|_| CannotOpen)?;
        Ok(Secret::new(opened.to_vec()))
    }

    fn derive(
        &self,
        tenant: TenantId,
        salt: &[u8],
        root_version: u32,
        version: i32,
    ) -> Result<LessSafeKey, CannotOpen> {
        let root = self.root.key(root_version).ok_or(CannotOpen)?;
        let info = format!("signalbox/{tenant}/{}/{root_version}/{version}", self.purpose);
        let key = derive(salt, root, &info).ok_or(CannotOpen)?;
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| CannotOpen)?))
    }
}

/// A 32-byte key for one purpose, by HKDF-SHA-256 (RFC 5869). None where the primitive refused.
pub fn derive(salt: &[u8], root: &[u8; 32], info: &str) -> Option<Zeroizing<[u8; 32]>> {
    struct Bytes32;
    impl KeyType for Bytes32 {
        fn len(&self) -> usize {
            32
        }
    }
    let mut key = Zeroizing::new([0_u8; 32]);
    let info = [info.as_bytes()];
    let okm = Salt::new(HKDF_SHA256, salt).extract(root);
    okm.expand(&info, Bytes32).and_then(|okm| okm.fill(&mut *key)).ok()?;
    Some(key)
}

/// Fresh random bytes.
pub fn random(length: usize) -> Result<Vec<u8>, CannotOpen> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).map_err(|_| CannotOpen)?;
    Ok(bytes)
}

/// Length-prefixed, so that no two places share their bytes.
fn aad(place: Place<'_>, version: i32) -> Aad<Vec<u8>> {
    let tenant = place.tenant.to_string();
    let version = version.to_string();
    let mut bytes = Vec::new();
    for part in [tenant.as_str(), place.table, place.column, place.row, version.as_str()] {
        bytes.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    Aad::from(bytes)
}

#[cfg(test)]
mod tests {
    use uuid::uuid;

    use super::*;

    fn keys(salt: u8) -> TenantKeys {
        let ring = Secret::new(
            br#"{"current":1,"keys":{"1":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}"#.to_vec(),
        );
        TenantKeys::new(KeyRing::parse(&ring).unwrap(), vec![(1, vec![salt; 32])])
    }

    fn place(row: &str) -> Place<'_> {
        let tenant = TenantId::from(uuid!("0193d4a0-0000-7000-8000-000000000001"));
        Place { tenant, table: "credentials", column: "sealed", row }
    }

    #[test]
    fn a_sealed_value_opens_where_it_was_sealed_and_nowhere_else() {
        let (version, sealed) = keys(1).seal(place("a"), &Secret::new(b"canary".to_vec())).unwrap();
        assert_eq!(
            keys(1).open(place("a"), version, &sealed).map(|s| s.expose().to_vec()).ok(),
            Some(b"canary".to_vec())
        );
        let other =
            Place { tenant: TenantId::from(uuid!("0193d4a0-0000-7000-8000-000000000002")), ..place("a") };
        assert!(keys(1).open(place("b"), version, &sealed).is_err(), "another row");
        assert!(keys(1).open(other, version, &sealed).is_err(), "another tenant");
        assert!(keys(2).open(place("a"), version, &sealed).is_err(), "another salt");
        for at in 0..sealed.len() {
            let mut bent = sealed.clone();
            bent[at] ^= 1;
            assert!(keys(1).open(place("a"), version, &bent).is_err(), "byte {at}");
        }
        assert!(keys(1).open(place("a"), version, &[]).is_err());
    }
}
