//! Looks for what is left of workspaces that are gone, and of nobody. It shares nothing with deletion, so that it does not miss
//! what deletion misses; it only tells (the answer, a line of the log, and through that line a metric with an alarm).

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx},
    model::ids::TenantId,
    store::{deletion, leftovers},
};
use uuid::Uuid;

use crate::Steward;

impl Steward {
    /// Everything that should not be there.
    pub(crate) async fn sweep(&self) -> Result<Value, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Sweeper, "sweep pools").await?;
        tx.take_time().await?;
        let inhabitants = leftovers::inhabitants(&tx).await?;
        tx.commit().await?;
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "sweep").await?;
        tx.take_time().await?;
        let left = leftovers::list(&tx, &inhabitants).await?;
        tx.commit().await?;
        for leftover in &left {
            tracing::warn!(kind = leftover.kind, what = leftover.what, found = leftover.total, "a leftover");
        }
        tracing::info!(leftovers = left.len(), "swept");
        Ok(json!({ "leftovers": left }))
    }

    /// The certificate of a workspace that was deleted, or null.
    pub(crate) async fn certificate(&self, tenant: Uuid) -> Result<Value, Error> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "certificate").await?;
        let certificate = deletion::certificate(tx, TenantId::from(tenant)).await?;
        Ok(json!({ "certificate": certificate }))
    }
}
