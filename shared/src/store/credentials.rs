//! Credentials of managed vaults: sealed by the caller, written here, read by nobody but the dispatcher.

use uuid::Uuid;

use crate::{
    db::{FromRow, Param, Row, TenantTx},
    error::DbError,
    keys::{CannotOpen, Place, Salt, TenantKeys},
    model::ids::{TenantId, UserId, VaultId},
    sql,
};

impl FromRow for Salt {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let root: Option<i32> = row.try_get("root_version")?;
        let root = root.and_then(|version| u32::try_from(version).ok());
        Ok(Self::new(row.try_get("version")?, row.try_get("salt")?, root))
    }
}

row! {
    /// A credential that is sealed under an older version of the keys.
    struct Stale {
        vault_id: VaultId,
        name: String,
        key_version: i32,
        sealed: Vec<u8>,
    }
}

/// The salts of the workspace's keys; none once they are destroyed.
pub async fn salts(tx: &TenantTx) -> Result<Vec<Salt>, DbError> {
    tx.all(sql!("credentials/salts.sql"), &[]).await
}

/// Holds off a new version of the keys until this transaction ends. Who seals does this before reading the salts: otherwise
/// something could be written under a version that a rotation has just seen nobody use.
pub async fn hold_keys(tx: &TenantTx) -> Result<(), DbError> {
    tx.rows(sql!("slots/hold.sql"), &[]).await.map(drop)
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

/// What resealing a batch came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resealed {
    /// Credentials that are sealed under the newest version now.
    pub resealed: u64,
    /// Credentials that no key opens: they are left as they are.
    pub unreadable: u64,
}

/// Where a walk over the credentials stands: behind this one.
pub type Behind = (VaultId, String);

/// Seals up to `limit` credentials behind `after` that are under an older version than `newest` anew; tells where it got to, or none
/// where there are no more. What somebody has written meanwhile stays as they wrote it.
pub async fn reseal(
    tx: &TenantTx,
    (tenant, keys): (TenantId, &TenantKeys),
    newest: i32,
    after: &mut Option<Behind>,
    limit: i64,
) -> Result<Resealed, Unsealed> {
    let (vault, name) = after.take().unwrap_or_else(|| (VaultId::from(Uuid::nil()), String::new()));
    let rows: Vec<Stale> = tx.all(sql!("credentials/stale.sql"), &[&newest, &vault, &name, &limit]).await?;
    let mut done = Resealed::default();
    let (mut vaults, mut names, mut was, mut sealed) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    *after = rows.last().map(|row| (row.vault_id, row.name.clone()));
    for row in rows {
        let key = row_of(row.vault_id, &row.name);
        let secret = match keys.open(place(tenant, &key), row.key_version, &row.sealed) {
            Ok(secret) => secret,
            // The key may be put back: nothing is passed over for that.
            Err(why @ CannotOpen::NoRoot(_)) => return Err(why.into()),
            Err(why) => {
                tracing::warn!(%tenant, vault = %row.vault_id, version = row.key_version, %why, "a credential cannot be opened");
                done.unreadable += 1;
                continue;
            }
        };
        sealed.push(keys.seal(place(tenant, &key), &secret)?.1);
        vaults.push(row.vault_id);
        names.push(row.name);
        was.push(row.sealed);
    }
    if !vaults.is_empty() {
        let params: [&dyn Param; 5] = [&newest, &vaults, &names, &was, &sealed];
        done.resealed = tx.execute(sql!("credentials/reseal.sql"), &params).await?;
    }
    Ok(done)
}

/// Credentials could not be sealed anew.
#[derive(Debug, thiserror::Error)]
pub enum Unsealed {
    /// The database did not do it.
    #[error("the credentials cannot be read or written")]
    Database(#[from] DbError),
    /// A key is missing.
    #[error(transparent)]
    Key(#[from] CannotOpen),
}
