//! Vaults: where credentials live. A vault tells the names of its credentials, never a value.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Page;
use crate::{
    db::TenantTx,
    error::DbError,
    model::ids::{UserId, VaultId},
    sql,
};

row! {
    /// A vault.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct Vault {
        /// Its id.
        id: VaultId,
        /// Unique in the workspace.
        name: String,
        /// What keeps the secrets.
        kind: String,
        /// Names of the credentials in it.
        credentials: Vec<String>,
        /// Counts its changes.
        version: i32,
        /// When it was made.
        #[schema(value_type = String, format = DateTime)]
        created_at: Timestamp,
        /// When it last changed.
        #[schema(value_type = String, format = DateTime)]
        updated_at: Timestamp,
        /// Who changed it last.
        updated_by: UserId,
    }
}

/// A page of vaults, newest first, and the commit.
pub async fn list(tx: TenantTx, page: Page) -> Result<Vec<Vault>, DbError> {
    super::last(tx, sql!("vaults/list.sql"), &[&page.before, &page.limit]).await
}

/// One vault.
pub async fn get(tx: &TenantTx, id: VaultId) -> Result<Vault, DbError> {
    tx.one(sql!("vaults/get.sql"), &[&id]).await
}

/// One vault, locked.
pub async fn lock(tx: &TenantTx, id: VaultId) -> Result<Vault, DbError> {
    tx.one(sql!("vaults/lock.sql"), &[&id]).await
}

/// The vault that bears a text as its id or its name.
pub async fn find(tx: &TenantTx, text: &str) -> Result<Option<Vault>, DbError> {
    let id: Option<VaultId> = text.parse().ok();
    tx.optional(sql!("vaults/find.sql"), &[&text, &id]).await
}

/// Makes a vault.
pub async fn insert(
    tx: &TenantTx,
    id: VaultId,
    name: &str,
    kind: &str,
    by: UserId,
) -> Result<Vault, DbError> {
    tx.one(sql!("vaults/insert.sql"), &[&id, &name, &kind, &by]).await
}

/// Renames a vault that is still at its version.
pub async fn rename(tx: &TenantTx, was: &Vault, name: &str, by: UserId) -> Result<Vault, DbError> {
    tx.one(sql!("vaults/update.sql"), &[&was.id, &was.version, &name, &by]).await
}

/// Deletes a vault that is still at its version, with its credentials.
pub async fn delete(tx: &TenantTx, was: &Vault) -> Result<(), DbError> {
    tx.execute_one("vaults/delete", sql!("vaults/delete.sql"), &[&was.id, &was.version]).await
}
