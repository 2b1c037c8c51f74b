//! Connections: the platforms of a workspace, each with its slots.

use jiff::Timestamp;
use serde_json::Value;

use super::Page;
use crate::{
    db::TenantTx,
    error::DbError,
    model::ids::{ConnectionId, ProfileId, UserId, VaultId},
    sql,
};

row! {
    /// A connection as it is stored.
    #[derive(Clone, Debug)]
    pub struct Connection {
        /// Its id, and its concurrency key.
        id: ConnectionId,
        /// Unique in the workspace.
        name: String,
        /// Its kind.
        kind: String,
        /// Its settings.
        settings: Value,
        /// Name of the vault of its credential.
        vault: Option<String>,
        /// Name of its credential.
        credential_name: Option<String>,
        /// Its concurrency profile.
        concurrency_profile_id: Option<ProfileId>,
        /// Capacity of its slots.
        limit: Option<i32>,
        /// `active` or `paused`.
        state: String,
        /// Counts its changes.
        version: i32,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
        /// Who changed it last.
        updated_by: UserId,
    }
}

row! {
    /// A connection as a job names it.
    #[derive(Clone, Debug)]
    pub struct Named {
        /// Its id.
        id: ConnectionId,
        /// Its name.
        name: String,
        /// Its kind.
        kind: String,
    }
}

/// What a connection is made of, its references resolved.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Its settings.
    pub settings: Value,
    /// Vault and name of its credential.
    pub credential: Option<(VaultId, String)>,
    /// Its concurrency profile.
    pub profile: Option<ProfileId>,
    /// Capacity of its slots.
    pub limit: i32,
    /// `active` or `paused`.
    pub state: String,
}

impl Draft {
    fn vault(&self) -> Option<VaultId> {
        self.credential.as_ref().map(|(vault, _)| *vault)
    }

    fn credential_name(&self) -> Option<String> {
        self.credential.as_ref().map(|(_, name)| name.clone())
    }
}

/// A page of connections, newest first, and the commit.
pub async fn list(tx: TenantTx, page: Page) -> Result<Vec<Connection>, DbError> {
    super::last(tx, sql!("connections/list.sql"), &[&page.before, &page.limit]).await
}

/// One connection, and the commit.
pub async fn get(tx: TenantTx, id: ConnectionId) -> Result<Connection, DbError> {
    super::last_one(tx, sql!("connections/get.sql"), &[&id]).await
}

/// One connection.
pub async fn read(tx: &TenantTx, id: ConnectionId) -> Result<Connection, DbError> {
    tx.one(sql!("connections/get.sql"), &[&id]).await
}

/// One connection, locked.
pub async fn lock(tx: &TenantTx, id: ConnectionId) -> Result<Connection, DbError> {
    tx.one(sql!("connections/lock.sql"), &[&id]).await
}

/// The connections that bear one of these names.
pub async fn named(tx: &TenantTx, names: &[String]) -> Result<Vec<Named>, DbError> {
    tx.all(sql!("connections/named.sql"), &[&names]).await
}

/// Makes a connection.
pub async fn insert(tx: &TenantTx, id: ConnectionId, new: &Draft, by: UserId) -> Result<(), DbError> {
    let (vault, credential) = (new.vault(), new.credential_name());
    let sql = sql!("connections/insert.sql");
    tx.execute_one(
        "connections/insert",
        sql,
        &[&id, &new.name, &new.kind, &new.settings, &vault, &credential, &new.profile, &new.state, &by],
    )
    .await
}

/// Changes a connection that is still at its version.
pub async fn update(tx: &TenantTx, was: &Connection, new: &Draft, by: UserId) -> Result<(), DbError> {
    let (vault, credential) = (new.vault(), new.credential_name());
    let sql = sql!("connections/update.sql");
    tx.execute_one(
        "connections/update",
        sql,
        &[
            &was.id,
            &was.version,
            &new.name,
            &new.settings,
            &vault,
            &credential,
            &new.profile,
            &new.state,
            &by,
        ],
    )
    .await
}

/// Deletes a connection that is still at its version, with its slots and tests.
pub async fn delete(tx: &TenantTx, was: &Connection) -> Result<(), DbError> {
    tx.execute_one("connections/delete", sql!("connections/delete.sql"), &[&was.id, &was.version]).await
}

/// Gives a new connection its slots.
pub async fn add_slots(tx: &TenantTx, id: ConnectionId, limit: i32) -> Result<(), DbError> {
    tx.execute_one("slots/insert", sql!("slots/insert.sql"), &[&id, &limit]).await
}

/// Sets the capacity of a connection's slots.
pub async fn set_capacity(tx: &TenantTx, id: ConnectionId, limit: i32) -> Result<(), DbError> {
    tx.execute_one("slots/set_capacity", sql!("slots/set_capacity.sql"), &[&id, &limit]).await
}
