//! Looks for what is left of workspaces that are gone, and of nobody. It shares nothing with deletion, so that it does not miss
//! what deletion misses; it only tells (the answer, a line of the log, and through that line a metric with an alarm).

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx},
    model::ids::TenantId,
    store::{
        deletion,
        leftovers::{self, Leftover},
    },
};
use uuid::Uuid;

use crate::Steward;

/// Names in the archive that are told at most.
const MOST_ARCHIVES: usize = 200;

impl Steward {
    /// Everything that should not be there.
    pub(crate) async fn sweep(&self) -> Result<Value, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Sweeper, "sweep pools").await?;
        tx.take_time().await?;
        let inhabitants = leftovers::inhabitants(&tx).await?;
        tx.commit().await?;
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "sweep").await?;
        tx.take_time().await?;
        let mut left = leftovers::list(&tx, &inhabitants).await?;
        tx.commit().await?;
        left.extend(self.kept_of_nobody().await?);
        for leftover in &left {
            tracing::warn!(kind = leftover.kind, what = leftover.what, found = leftover.total, "a leftover");
        }
        tracing::info!(leftovers = left.len(), "swept");
        Ok(json!({ "leftovers": left }))
    }

    /// What stands in the archive and is of no workspace that exists, in any database. The archive is one: the first database's sweep
    /// looks. Where a database cannot be asked nothing is told, for it may be there.
    async fn kept_of_nobody(&self) -> Result<Vec<Leftover>, Error> {
        if self.database.name().is_some() {
            return Ok(Vec::new());
        }
        let mut names = self.archive.names().await?;
        let ids: Vec<Uuid> = names.iter().filter_map(|name| name.parse().ok()).collect();
        for database in self.database.each() {
            let tx = SystemTx::begin(&database, SystemRole::Owner, "whose archives").await?;
            for tenant in leftovers::living(&tx, &ids).await? {
                names.remove(&tenant.to_string());
            }
            tx.commit().await?;
        }
        let mut left = Vec::new();
        for what in names.into_iter().take(MOST_ARCHIVES) {
            let objects = match what.parse::<TenantId>() {
                Ok(tenant) => self.archive.count(tenant).await?,
                Err(_) => 1,
            };
            left.push(Leftover { kind: "archive".to_owned(), what, total: i64::try_from(objects.max(1))? });
        }
        Ok(left)
    }

    /// The certificate of a workspace that was deleted, or null.
    pub(crate) async fn certificate(&self, tenant: Uuid) -> Result<Value, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "certificate").await?;
        let certificate = deletion::certificate(tx, TenantId::from(tenant)).await?;
        Ok(json!({ "certificate": certificate }))
    }
}
