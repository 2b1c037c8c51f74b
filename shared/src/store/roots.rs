//! The versions of the root key that were ever seen, by the public key that is derived from each; and who needs them.

use jiff::Timestamp;

use crate::{
    db::{SystemTx, TenantTx},
    error::DbError,
    sql,
};

row! {
    /// A version of the root key.
    #[derive(Clone, Debug)]
    pub struct Root {
        /// Its version.
        version: i32,
        /// Of the signing key that is derived from it.
        key_id: String,
        /// New keys are bound to it.
        is_current: bool,
        /// When it was first seen.
        first_seen_at: Timestamp,
        /// Workspaces with something in use that is sealed under it.
        in_use_by: i64,
        /// Workspaces that keep something sealed under it for backups alone.
        kept_for_backups_of: i64,
        /// When the last of those backups will have ended by itself.
        backups_until: Option<Timestamp>,
        /// Rotations that have not ended, of all workspaces.
        rotations_open: i64,
    }
}

row! {
    /// A public key that was seen.
    #[derive(Clone, Debug)]
    pub struct SeenKey {
        /// Its id.
        key_id: String,
        /// 32 bytes in base64.
        public_key: String,
    }
}

row! {
    struct SeenId {
        key_id: String,
    }
}

/// Notes a version of the root; gives the key id under which it was seen first, which must be its own.
pub async fn see(tx: &SystemTx, version: i32, key_id: &str, public_key: &str) -> Result<String, DbError> {
    let seen: SeenId = tx.one(sql!("roots/see.sql"), &[&version, &key_id, &public_key]).await?;
    Ok(seen.key_id)
}

/// Makes a version that was seen the one that new keys are bound to.
pub async fn make_current(tx: &SystemTx, version: i32) -> Result<(), DbError> {
    tx.execute(sql!("roots/step_down.sql"), &[&version]).await?;
    tx.execute(sql!("roots/make_current.sql"), &[&version]).await.map(drop)
}

/// Every version that was seen but these, oldest first, and who needs it. Who needs the current one takes a count of all workspaces.
pub async fn list(tx: &SystemTx, but: Vec<i32>) -> Result<Vec<Root>, DbError> {
    tx.all(sql!("roots/list.sql"), &[&but]).await
}

/// The public keys of every version that was seen, oldest first.
pub async fn signing_keys(tx: &TenantTx) -> Result<Vec<SeenKey>, DbError> {
    tx.all(sql!("roots/signing_keys.sql"), &[]).await
}
