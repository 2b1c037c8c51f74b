//! What an archive says of itself: the manifest beside its files, and how its bytes are checked. Signed as it stands.

use aws_lc_rs::digest::{Context, SHA256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Archive, ArchiveKind, Shelf};
use crate::{
    error::BoxError,
    model::ids::{OperationId, TenantId},
    signing::{Purpose, Signature, Signing},
};

/// The name of the manifest's object.
pub const MANIFEST: &str = "manifest.json";
/// The name of its signature's.
pub const SIGNATURE: &str = "manifest.sig";
/// The format we write. We read this one only.
pub const FORMAT: u32 = 1;

/// The manifest of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// `export` or `backup`.
    pub kind: String,
    /// The operation that made it.
    pub id: OperationId,
    /// The workspace.
    pub tenant_id: TenantId,
    /// The version of its schema.
    pub schema_version: i32,
    /// The instant of the snapshot, RFC 3339.
    pub at: String,
    /// The version of the workspace's key that a backup is sealed under.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_version: Option<i32>,
    /// Its tables, in the order in which they can be loaded.
    pub tables: Vec<TableEntry>,
    /// Its files.
    pub files: Vec<FileEntry>,
    /// Rows in all.
    pub rows: u64,
}

/// One table of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableEntry {
    /// Its name.
    pub name: String,
    /// Its columns, as in each line.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<String>,
    /// How many rows.
    pub rows: u64,
    /// SHA-256, in hex, of its lines, each with its line feed.
    pub sha256: String,
}

/// One file of an archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its name.
    pub name: String,
    /// The table that all of its lines are of, in an export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// How many lines.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes, in hex.
    pub sha256: String,
}

/// Why an archive is not taken, in a sentence for the people of the workspace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unfit(pub String);

/// SHA-256 as it is fed.
pub struct Hash(Context);

impl Default for Hash {
    fn default() -> Self {
        Self(Context::new(&SHA256))
    }
}

impl Hash {
    /// Of some bytes.
    pub fn of(bytes: &[u8]) -> String {
        let mut hash = Self::default();
        hash.add(bytes);
        hash.hex()
    }

    /// Feeds it.
    pub fn add(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// In hex.
    #[must_use]
    pub fn hex(self) -> String {
        self.0.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl Manifest {
    /// Where it stands.
    #[must_use]
    pub fn shelf(&self, kind: ArchiveKind) -> Shelf {
        Shelf { tenant: self.tenant_id, kind, id: self.id }
    }

    /// Signs it and writes both, the manifest last: an archive without one is none.
    pub async fn write(&self, archive: &Archive, shelf: Shelf, signing: &Signing) -> Result<(), BoxError> {
        let bytes = serde_json::to_vec_pretty(self)?;
        let signature = signing.sign(Purpose::Manifest, &bytes)?;
        archive.put(shelf, SIGNATURE, serde_json::to_vec(&signature)?).await?;
        archive.put(shelf, MANIFEST, bytes).await
    }

    /// Reads the manifest of an archive: signed by us, and of this place.
    pub async fn read(
        archive: &Archive,
        shelf: Shelf,
        signing: &Signing,
    ) -> Result<Result<Self, Unfit>, BoxError> {
        let (bytes, signature) = (archive.get(shelf, MANIFEST).await?, archive.get(shelf, SIGNATURE).await?);
        let (Some(bytes), Some(signature)) = (bytes, signature) else {
            return Ok(Err(unfit("it has no manifest, or no signature")));
        };
        Ok(Self::check(&bytes, &signature, shelf, signing))
    }

    fn check(bytes: &[u8], signature: &[u8], shelf: Shelf, signing: &Signing) -> Result<Self, Unfit> {
        let signature: Signature =
            serde_json::from_slice(signature).map_err(|_| unfit("its signature cannot be read"))?;
        if !signing.is_ours(Purpose::Manifest, bytes, &signature) {
            return Err(unfit("its manifest was not signed by us as it stands"));
        }
        let said: Value = serde_json::from_slice(bytes).map_err(|_| unfit("its manifest cannot be read"))?;
        if said["format"] != FORMAT {
            return Err(unfit("it is of another format than we read"));
        }
        let manifest: Self =
            serde_json::from_value(said).map_err(|_| unfit("its manifest cannot be read"))?;
        if manifest.tenant_id != shelf.tenant {
            return Err(unfit("it is the archive of another workspace"));
        }
        if manifest.id != shelf.id || manifest.kind != shelf.kind.as_str() {
            return Err(unfit("it is another archive than was asked for"));
        }
        Ok(manifest)
    }
}

fn unfit(why: &str) -> Unfit {
    Unfit(why.to_owned())
}
