//! Where exports and backups are kept: a bucket on AWS, a folder on one machine. The steward writes and deletes, the portal
//! reads exports. An object's name begins with its workspace, so that everything of one can be found and removed.
//! Never here: what is in them, and who may have it.

pub mod manifest;
pub mod sealed;

use std::{collections::BTreeSet, sync::Arc};

use futures_util::TryStreamExt;
use object_store::{
    Error, ObjectStore, ObjectStoreExt, PutPayload, aws::AmazonS3Builder, local::LocalFileSystem, path::Path,
};
use url::Url;

use crate::{
    error::BoxError,
    model::ids::{OperationId, TenantId},
};

/// No object of ours is larger, so that the portal can hand each out in one answer through the gateway.
pub const MAX_OBJECT: usize = 4 * 1024 * 1024;

/// What an archive is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ArchiveKind {
    /// JSON lines for people, in the clear.
    Export,
    /// For restoring, under the workspace's key.
    Backup,
}

/// One archive: of which workspace, what, and made by which operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shelf {
    /// The workspace.
    pub tenant: TenantId,
    /// What it is.
    pub kind: ArchiveKind,
    /// The operation that made it.
    pub id: OperationId,
}

/// The object store.
#[derive(Clone)]
pub struct Archive {
    store: Arc<dyn ObjectStore>,
    below: Path,
}

impl ArchiveKind {
    /// The text used in names and manifests.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Backup => "backup",
        }
    }
}

impl Archive {
    /// Opens `s3://bucket/prefix` (credentials and region as Lambda sets them) or `file:///folder`, which is made.
    pub fn open(url: &str) -> Result<Self, BoxError> {
        let url: Url = url.parse().map_err(|_| "SIGNALBOX_ARCHIVE_URL is no URL")?;
        match (url.scheme(), url.host_str()) {
            ("s3", Some(bucket)) => {
                let store = AmazonS3Builder::from_env().with_bucket_name(bucket).build()?;
                Ok(Self { store: Arc::new(store), below: Path::from_url_path(url.path())? })
            }
            ("file", None) => {
                let folder = url.to_file_path().map_err(|()| "SIGNALBOX_ARCHIVE_URL names no folder")?;
                std::fs::create_dir_all(&folder)?;
                let store = LocalFileSystem::new_with_prefix(folder)?.with_automatic_cleanup(true);
                Ok(Self { store: Arc::new(store), below: Path::default() })
            }
            _ => Err("SIGNALBOX_ARCHIVE_URL is neither s3://bucket/prefix nor file:///folder".into()),
        }
    }

    /// Writes an object, whole or not at all; one of the same name is replaced.
    pub async fn put(&self, shelf: Shelf, name: &str, bytes: Vec<u8>) -> Result<(), BoxError> {
        self.store.put(&self.path(shelf, name), PutPayload::from(bytes)).await?;
        Ok(())
    }

    /// Reads an object; none where it is not there, or we may not know whether it is.
    pub async fn get(&self, shelf: Shelf, name: &str) -> Result<Option<Vec<u8>>, BoxError> {
        let found = match self.store.get(&self.path(shelf, name)).await {
            Ok(found) => found,
            Err(Error::NotFound { .. } | Error::PermissionDenied { .. }) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(found.bytes().await?.to_vec()))
    }

    /// Removes one archive; says how many objects it had.
    pub async fn remove(&self, shelf: Shelf) -> Result<usize, BoxError> {
        self.delete_below(self.shelf(shelf)).await
    }

    /// Removes everything that is kept of a workspace; says how many objects that were.
    pub async fn purge(&self, tenant: TenantId) -> Result<usize, BoxError> {
        self.delete_below(self.below.clone().join(tenant.to_string())).await
    }

    /// How many objects are kept of a workspace.
    pub async fn count(&self, tenant: TenantId) -> Result<usize, BoxError> {
        let below = self.below.clone().join(tenant.to_string());
        Ok(self.store.list(Some(&below)).try_fold(0, async |count, _| Ok(count + 1)).await?)
    }

    /// What stands at the top: the ids of workspaces of which anything is kept, and whatever else there is.
    pub async fn names(&self) -> Result<BTreeSet<String>, BoxError> {
        let below = (!self.below.as_ref().is_empty()).then_some(&self.below);
        let found = self.store.list_with_delimiter(below).await?;
        let all = found.common_prefixes.into_iter().chain(found.objects.into_iter().map(|it| it.location));
        Ok(all.filter_map(|path| path.filename().map(str::to_owned)).collect())
    }

    async fn delete_below(&self, path: Path) -> Result<usize, BoxError> {
        let found: Vec<Path> =
            self.store.list(Some(&path)).map_ok(|object| object.location).try_collect().await?;
        for location in &found {
            match self.store.delete(location).await {
                Ok(()) | Err(Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(found.len())
    }

    fn shelf(&self, shelf: Shelf) -> Path {
        let Shelf { tenant, kind, id } = shelf;
        self.below.clone().join(tenant.to_string()).join(kind.as_str()).join(id.to_string())
    }

    fn path(&self, shelf: Shelf, name: &str) -> Path {
        self.shelf(shelf).join(name)
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn archive(name: &str) -> (Archive, std::path::PathBuf) {
        let folder = std::env::temp_dir().join(format!("signalbox-archive-{name}-{}", std::process::id()));
        (Archive::open(&format!("file://{}", folder.display())).unwrap(), folder)
    }

    fn shelf(tenant: u128, kind: ArchiveKind) -> Shelf {
        Shelf { tenant: Uuid::from_u128(tenant).into(), kind, id: Uuid::from_u128(9).into() }
    }

    #[tokio::test]
    async fn what_is_put_is_read_and_a_purge_takes_one_workspace_and_no_other() {
        let (archive, folder) = archive("purge");
        let (own, other) = (shelf(1, ArchiveKind::Export), shelf(2, ArchiveKind::Export));
        let backup = shelf(1, ArchiveKind::Backup);
        for shelf in [own, other, backup] {
            archive.put(shelf, "a", b"one".to_vec()).await.unwrap();
            archive.put(shelf, "a", b"two".to_vec()).await.unwrap();
        }
        assert_eq!(archive.get(own, "a").await.unwrap().as_deref(), Some(b"two".as_slice()));
        assert_eq!(archive.get(own, "b").await.unwrap(), None);
        assert_eq!(archive.remove(backup).await.unwrap(), 1);
        assert_eq!(archive.count(own.tenant).await.unwrap(), 1);
        let names = [own.tenant, other.tenant].map(|tenant| tenant.to_string());
        assert_eq!(archive.names().await.unwrap(), names.into());
        assert_eq!(archive.purge(own.tenant).await.unwrap(), 1);
        assert_eq!(archive.purge(own.tenant).await.unwrap(), 0, "a second time there is nothing");
        assert_eq!(archive.count(other.tenant).await.unwrap(), 1);
        std::fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_name_cannot_climb_out_of_its_workspace() {
        let (archive, folder) = archive("climb");
        for name in ["../../x", "a/../../../x", "..", "%2e%2e/x"] {
            let path = archive.path(shelf(1, ArchiveKind::Export), name).to_string();
            assert!(path.starts_with(&Uuid::from_u128(1).to_string()) && !path.contains("/../"), "{path}");
        }
        assert!(Archive::open("http://example.com/").is_err());
        assert!(Archive::open("archive").is_err());
        std::fs::remove_dir_all(folder).unwrap();
    }
}
