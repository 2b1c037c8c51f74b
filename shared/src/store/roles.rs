//! The roles that a workspace made for itself, through functions of schema `system` that take the workspace from the scope.

use jiff::Timestamp;
use serde::Serialize;

use super::Page;
use crate::{
    db::TenantTx,
    error::DbError,
    model::{ids::RoleId, role::Permission},
    sql,
};

row! {
    /// A role of the workspace's own.
    #[derive(Clone, Debug, Serialize)]
    pub struct CustomRole {
        /// Its id.
        id: RoleId,
        /// Its name; unique in the workspace, whatever the case.
        name: String,
        /// What it gives, by name.
        permissions: Vec<String>,
        /// Counts its changes.
        version: i32,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
    }
}

row! {
    struct Changed {
        changed: bool,
    }
}

impl CustomRole {
    /// What it gives. A permission that another release knows gives nothing here.
    #[must_use]
    pub fn gives(&self) -> Vec<Permission> {
        self.permissions.iter().filter_map(|name| name.parse().ok()).collect()
    }
}

/// A page of roles.
pub async fn list(tx: &TenantTx, page: Page) -> Result<Vec<CustomRole>, DbError> {
    let limit = i32::try_from(page.limit).unwrap_or(i32::MAX);
    tx.all(sql!("roles/list.sql"), &[&page.before, &limit]).await
}

/// One role, if it is there.
pub async fn find(tx: &TenantTx, id: RoleId) -> Result<Option<CustomRole>, DbError> {
    tx.optional(sql!("roles/get.sql"), &[&id]).await
}

/// One role.
pub async fn read(tx: &TenantTx, id: RoleId) -> Result<CustomRole, DbError> {
    tx.one(sql!("roles/get.sql"), &[&id]).await
}

/// Makes a role. Refused as `Limit` where there are as many as there may be.
pub async fn insert(
    tx: &TenantTx,
    id: RoleId,
    name: &str,
    permissions: &[Permission],
) -> Result<CustomRole, DbError> {
    tx.rows(sql!("roles/insert.sql"), &[&id, &name, &names(permissions)]).await?;
    read(tx, id).await
}

/// Changes a role that is still at its version.
pub async fn update(
    tx: &TenantTx,
    was: &CustomRole,
    name: &str,
    permissions: &[Permission],
) -> Result<CustomRole, DbError> {
    let params: [&dyn crate::db::Param; 4] = [&was.id, &was.version, &name, &names(permissions)];
    moved("roles/update", tx.one(sql!("roles/update.sql"), &params).await?)?;
    read(tx, was.id).await
}

/// Deletes a role that is still at its version. Refused as `InUse` where a member has it.
pub async fn delete(tx: &TenantTx, was: &CustomRole) -> Result<(), DbError> {
    moved("roles/delete", tx.one(sql!("roles/delete.sql"), &[&was.id, &was.version]).await?)
}

fn names(permissions: &[Permission]) -> Vec<&'static str> {
    permissions.iter().map(|permission| permission.as_str()).collect()
}

fn moved(statement: &'static str, it: Changed) -> Result<(), DbError> {
    if it.changed { Ok(()) } else { Err(DbError::Moved { statement, expected: 1, moved: 0 }) }
}
