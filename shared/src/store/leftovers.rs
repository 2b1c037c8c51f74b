//! What is left of workspaces that are gone, and of nobody. Looked for by the steward's sweep, which only tells.

use serde::Serialize;

use uuid::Uuid;

use crate::{
    db::SystemTx,
    error::DbError,
    model::ids::{Id, TenantId},
    sql,
};

row! {
    /// Something that should not be there.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize)]
    pub struct Leftover {
        /// `schema`, `role`, `rows`, `archive`, …
        kind: String,
        /// Which: a name or an id.
        what: String,
        /// How many.
        total: i64,
    }
}

row! {
    /// That a pool holds rows of a workspace.
    #[derive(Clone, Debug)]
    pub struct Inhabitant {
        /// The pool.
        schema_name: String,
        /// The workspace.
        tenant_id: TenantId,
    }
}

row! {
    struct Living {
        id: TenantId,
    }
}

/// Which of these workspaces are here and not deleted.
pub async fn living(tx: &SystemTx, of: &[Uuid]) -> Result<Vec<TenantId>, DbError> {
    let rows: Vec<Living> = tx.all(sql!("system/living.sql"), &[&of]).await?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

/// Whose rows there are in the pools; asked as [`SystemRole::Sweeper`](crate::db::SystemRole::Sweeper).
pub async fn inhabitants(tx: &SystemTx) -> Result<Vec<Inhabitant>, DbError> {
    tx.all(sql!("system/inhabitants.sql"), &[]).await
}

/// Everything that is left, at most 200 of schema `system` and the catalogs, and at most 200 in pools.
pub async fn list(tx: &SystemTx, inhabitants: &[Inhabitant]) -> Result<Vec<Leftover>, DbError> {
    let mut left = tx.all(sql!("system/leftovers.sql"), &[]).await?;
    let pools: Vec<&str> = inhabitants.iter().map(|i| i.schema_name.as_str()).collect();
    let tenants: Vec<Uuid> = inhabitants.iter().map(|i| i.tenant_id.uuid()).collect();
    left.extend(tx.all::<Leftover>(sql!("system/strangers.sql"), &[&pools, &tenants]).await?);
    Ok(left)
}
