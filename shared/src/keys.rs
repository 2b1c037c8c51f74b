//! A workspace's keys: HKDF-SHA-256 from the root key and the workspace's salt, AES-256-GCM with the place it is stored in
//! as associated data. A sealed value moved to another workspace, row or column cannot be opened. A key has a version: a salt, bound
//! to one version of the root; sealed bytes begin with the root's, and the version stands beside them.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf::{self, HKDF_SHA256, KeyType},
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

/// Sealing or opening failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CannotOpen {
    /// The workspace has no key of that version, or none at all (0).
    #[error("version {0} of the workspace's keys is gone")]
    NoKey(i32),
    /// The root has no key of that version.
    #[error("version {0} of the root key is not there")]
    NoRoot(u32),
    /// The bytes are not what was sealed for this place, or the primitive refused.
    #[error("it is not what was sealed here")]
    NotThis,
}

/// One version of a workspace's salt. It has no Debug of its bytes.
#[derive(Clone)]
pub struct Salt {
    /// The version of the key.
    pub version: i32,
    bytes: Zeroizing<Vec<u8>>,
    /// The version of the root that seals with it; none for those made before roots were known, which seal with the current one.
    pub root: Option<u32>,
}

impl Salt {
    /// One version: 32 random bytes, and the root it is bound to.
    pub fn new(version: i32, bytes: Vec<u8>, root: Option<u32>) -> Self {
        Self { version, bytes: Zeroizing::new(bytes), root }
    }
}

impl std::fmt::Debug for Salt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Salt")
            .field("version", &self.version)
            .field("root", &self.root)
            .finish_non_exhaustive()
    }
}

/// Which versions of the root these salts need.
pub fn roots_of(salts: &[Salt]) -> impl Iterator<Item = u32> {
    salts.iter().filter_map(|salt| salt.root)
}

/// The salts of one workspace with the root that its keys come from. Lives for one invocation.
pub struct TenantKeys {
    root: KeyRing,
    salts: Vec<Salt>,
    /// What is sealed with them: part of every key, so that one purpose's opens nothing of another's.
    purpose: &'static str,
}

/// Format byte, root version, then nonce, ciphertext and tag.
const HEADER: usize = 1 + 4;
const FORMAT: u8 = 1;

impl TenantKeys {
    /// Keys from the root and the workspace's salts, as `system.tenant_salts()` gives them.
    pub fn new(root: KeyRing, salts: Vec<Salt>) -> Self {
        Self::of("credentials", root, salts)
    }

    /// The keys of backups.
    pub fn for_backups(root: KeyRing, salts: Vec<Salt>) -> Self {
        Self::of("backup", root, salts)
    }

    fn of(purpose: &'static str, root: KeyRing, salts: Vec<Salt>) -> Self {
        Self { root, salts, purpose }
    }

    /// Seals a value for a place under the newest key; returns the key's version with it.
    pub fn seal(&self, place: Place<'_>, secret: &Secret) -> Result<(i32, Vec<u8>), CannotOpen> {
        let salt = self.salts.iter().max_by_key(|salt| salt.version).ok_or(CannotOpen::NoKey(0))?;
        let (version, root_version) = (salt.version, salt.root.unwrap_or(self.root.current()));
        let key = self.derive(place.tenant, salt, root_version)?;
        let mut nonce = [0_u8; NONCE_LEN];
        rand::fill(&mut nonce).map_err(|_| CannotOpen::NotThis)?;
        let mut sealed = vec![FORMAT];
        sealed.extend_from_slice(&root_version.to_be_bytes());
        sealed.extend_from_slice(&nonce);
        let mut text = Zeroizing::new(secret.expose().to_vec());
        let tag = key
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), aad(place, version), &mut text)
            .map_err(|_| CannotOpen::NotThis)?;
        sealed.extend_from_slice(&text);
        sealed.extend_from_slice(tag.as_ref());
        Ok((version, sealed))
    }

    /// Opens what was sealed for exactly this place.
    pub fn open(&self, place: Place<'_>, version: i32, sealed: &[u8]) -> Result<Secret, CannotOpen> {
        let (header, rest) = sealed.split_at_checked(HEADER).ok_or(CannotOpen::NotThis)?;
        let (nonce, text) = rest.split_at_checked(NONCE_LEN).ok_or(CannotOpen::NotThis)?;
        let root_version = header[1..].try_into().map(u32::from_be_bytes).map_err(|_| CannotOpen::NotThis)?;
        if header[0] != FORMAT {
            return Err(CannotOpen::NotThis);
        }
        let salt =
            self.salts.iter().find(|salt| salt.version == version).ok_or(CannotOpen::NoKey(version))?;
        let key = self.derive(place.tenant, salt, root_version)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen::NotThis)?;
        let mut text = Zeroizing::new(text.to_vec());
        let opened =
            key.open_in_place(nonce, aad(place, version), &mut text).map_err(|_| CannotOpen::NotThis)?;
        Ok(Secret::new(opened.to_vec()))
    }

    fn derive(&self, tenant: TenantId, salt: &Salt, root_version: u32) -> Result<LessSafeKey, CannotOpen> {
        let root = self.root.key(root_version).ok_or(CannotOpen::NoRoot(root_version))?;
        let info = format!("signalbox/{tenant}/{}/{root_version}/{}", self.purpose, salt.version);
        let key = derive(&salt.bytes, root, &info).ok_or(CannotOpen::NotThis)?;
        Ok(LessSafeKey::new(UnboundKey::new(&AES_256_GCM, key.as_ref()).map_err(|_| CannotOpen::NotThis)?))
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
    let okm = hkdf::Salt::new(HKDF_SHA256, salt).extract(root);
    okm.expand(&info, Bytes32).and_then(|okm| okm.fill(&mut *key)).ok()?;
    Some(key)
}

/// Fresh random bytes.
pub fn random(length: usize) -> Result<Vec<u8>, CannotOpen> {
    let mut bytes = vec![0; length];
    rand::fill(&mut bytes).map_err(|_| CannotOpen::NotThis)?;
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

    const ONE: &str = r#"{"current":1,"keys":{"1":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}"#;
    const BOTH: &str = r#"{"current":2,"keys":{"1":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
                          "2":"ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="}}"#;
    const TWO: &str = r#"{"current":2,"keys":{"2":"ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="}}"#;

    fn ring(text: &str) -> KeyRing {
        KeyRing::parse(&Secret::new(text.as_bytes().to_vec())).unwrap()
    }

    fn salt(version: i32, byte: u8, root: Option<u32>) -> Salt {
        Salt::new(version, vec![byte; 32], root)
    }

    fn keys(byte: u8) -> TenantKeys {
        TenantKeys::new(ring(ONE), vec![salt(1, byte, None)])
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

    #[test]
    fn each_version_opens_what_it_sealed_and_the_newest_seals_under_its_own_root() {
        let secret = || Secret::new(b"canary".to_vec());
        let opens = |keys: &TenantKeys, (version, sealed): &(i32, Vec<u8>)| {
            keys.open(place("a"), *version, sealed).map(|secret| secret.expose().to_vec())
        };
        let first =
            TenantKeys::new(ring(ONE), vec![salt(1, 1, Some(1))]).seal(place("a"), &secret()).unwrap();
        // The root's current key is another by now; the salt stays with its own until the workspace is rotated.
        let between = TenantKeys::new(ring(BOTH), vec![salt(1, 1, Some(1))]);
        let second = between.seal(place("a"), &secret()).unwrap();
        assert_eq!((second.0, &second.1[1..5]), (1, &[0, 0, 0, 1][..]));
        let rotated = TenantKeys::new(ring(BOTH), vec![salt(2, 2, Some(2)), salt(1, 1, Some(1))]);
        let third = rotated.seal(place("a"), &secret()).unwrap();
        assert_eq!((third.0, &third.1[1..5]), (2, &[0, 0, 0, 2][..]));
        for sealed in [&first, &second, &third] {
            assert_eq!(opens(&rotated, sealed), Ok(b"canary".to_vec()));
        }
        assert_eq!(opens(&between, &third), Err(CannotOpen::NoKey(2)), "a salt that is not known here");
        let after = TenantKeys::new(ring(TWO), vec![salt(2, 2, Some(2)), salt(1, 1, Some(1))]);
        assert_eq!(opens(&after, &third), Ok(b"canary".to_vec()));
        assert_eq!(opens(&after, &first), Err(CannotOpen::NoRoot(1)), "a root that was taken away");
        // The root that sealed it is bound to the bytes: naming another opens nothing.
        let mut renamed = third.1.clone();
        renamed[4] = 1;
        assert_eq!(opens(&rotated, &(2, renamed)), Err(CannotOpen::NotThis));
    }
}
