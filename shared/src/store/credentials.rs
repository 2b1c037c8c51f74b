//! Credentials of managed vaults: sealed by the caller, written here, read by nobody but the dispatcher.

use crate::{
    db::TenantTx,
    error::DbError,
    keys::{Place, TenantKeys},
    model::ids::{TenantId, UserId, VaultId},
    secrets::KeyRing,
    sql,
};

row! {
    /// One version of the workspace's salt.
    struct Salt {
        version: i32,
        salt: Vec<u8>,
    }
}

/// The workspace's keys, from the root and its salts.
pub async fn keys(tx: &TenantTx, root: &KeyRing) -> Result<TenantKeys, DbError> {
    let salts: Vec<Salt> = tx.all(sql!("credentials/salts.sql"), &[]).await?;
    Ok(TenantKeys::new(root.clone(), salts.into_iter().map(|s| (s.version, s.salt)).collect()))
}

/// Where the value of a credential stands: what it is sealed for. `row` is [`row_of`].
#[must_use]
pub fn place(tenant: TenantId, row: &str) -> Place<'_> {
    Place { tenant, table: "credentials", column: "sealed", row }
}

/// The row's key as text.
#[must_use]
pub fn row_of(vault: VaultId, name: &str) -> String {
    format!("{vault}/{name}")
}

/// Writes a sealed value, over an older one where there is any. `sealed`: the key's version and the bytes.
pub async fn put(
    tx: &TenantTx,
    vault: VaultId,
    name: &str,
    sealed: &(i32, Vec<u8>),
    by: UserId,
) -> Result<(), DbError> {
    let sql = sql!("credentials/put.sql");
    tx.execute_one("credentials/put", sql, &[&vault, &name, &sealed.0, &sealed.1, &by]).await
}

/// Deletes a credential; whether there was one.
pub async fn delete(tx: &TenantTx, vault: VaultId, name: &str) -> Result<bool, DbError> {
    Ok(tx.execute(sql!("credentials/delete.sql"), &[&vault, &name]).await? == 1)
}
