//! Concurrency profiles: how much may be in flight on each connection that names one.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Page;
use crate::{
    db::TenantTx,
    error::DbError,
    model::ids::{ConnectionId, ProfileId, UserId},
    sql,
};

row! {
    /// A concurrency profile.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    #[schema(as = ConcurrencyProfile)]
    pub struct Profile {
        /// Its id.
        id: ProfileId,
        /// Unique in the workspace.
        name: String,
        /// Weight that may be in flight on each of its connections.
        limit: i32,
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

row! {
    struct Key {
        key: ConnectionId,
    }
}

/// A page of profiles, newest first, and the commit.
pub async fn list(tx: TenantTx, page: Page) -> Result<Vec<Profile>, DbError> {
    super::last(tx, sql!("concurrency_profiles/list.sql"), &[&page.before, &page.limit]).await
}

/// One profile, and the commit.
pub async fn get(tx: TenantTx, id: ProfileId) -> Result<Profile, DbError> {
    super::last_one(tx, sql!("concurrency_profiles/get.sql"), &[&id]).await
}

/// One profile, if there is one, locked: its limit stays what was read.
pub async fn find(tx: &TenantTx, id: ProfileId) -> Result<Option<Profile>, DbError> {
    tx.optional(sql!("concurrency_profiles/lock.sql"), &[&id]).await
}

/// One profile, locked.
pub async fn lock(tx: &TenantTx, id: ProfileId) -> Result<Profile, DbError> {
    tx.one(sql!("concurrency_profiles/lock.sql"), &[&id]).await
}

/// Makes a profile.
pub async fn insert(
    tx: &TenantTx,
    id: ProfileId,
    name: &str,
    limit: i32,
    by: UserId,
) -> Result<Profile, DbError> {
    tx.one(sql!("concurrency_profiles/insert.sql"), &[&id, &name, &limit, &by]).await
}

/// Changes a profile that is still at its version.
pub async fn update(
    tx: &TenantTx,
    was: &Profile,
    name: &str,
    limit: i32,
    by: UserId,
) -> Result<Profile, DbError> {
    let sql = sql!("concurrency_profiles/update.sql");
    tx.one(sql, &[&was.id, &was.version, &name, &limit, &by]).await
}

/// Deletes a profile that is still at its version.
pub async fn delete(tx: &TenantTx, was: &Profile) -> Result<(), DbError> {
    let sql = sql!("concurrency_profiles/delete.sql");
    tx.execute_one("concurrency_profiles/delete", sql, &[&was.id, &was.version]).await
}

/// Sets the capacity of every connection of a profile, the keys locked in order; says which.
pub async fn set_capacity(
    tx: &TenantTx,
    profile: ProfileId,
    limit: i32,
) -> Result<Vec<ConnectionId>, DbError> {
    let sql = sql!("slots/set_capacity_of_profile.sql");
    let keys: Vec<Key> = tx.all(sql, &[&profile, &limit]).await?;
    Ok(keys.into_iter().map(|k| k.key).collect())
}
