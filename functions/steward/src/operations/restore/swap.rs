//! How a restore takes the place of what is there: external runs that nothing would know any more are stopped, the route is led
//! to the new schema, the old one goes.

use std::collections::BTreeSet;

use lambda_runtime::Error;
use serde_json::json;
use shared::{
    archive::manifest::Unfit,
    db::{
        SystemRole, SystemTx, migrate,
        restore::{self, Unowned},
        retrying,
    },
    model::tenant::Route,
};

use super::{RETIRE, Restore, schema};
use crate::operations::{
    Next,
    external::{self, CONFIRM_FOR, LOOK_EVERY},
};

impl Restore<'_> {
    /// Stops what runs outside on connections that the backup does not have, and waits for the platforms' word: after the swap
    /// nothing here would know it.
    pub(super) async fn stop(&self) -> Result<Next, Error> {
        let tx = SystemTx::begin(&self.steward.database, SystemRole::Owner, "unowned runs").await?;
        let unowned = restore::unowned(&tx, &self.old()?, &self.target.schema).await?;
        tx.commit().await?;
        let Some(now) = unowned.first().map(|first| first.at) else { return Ok(self.next("swap")) };
        let until = self.plans.stop_until.map_or_else(|| now.checked_add(CONFIRM_FOR), Ok)?;
        if now >= until {
            return Ok(self.back(&still_running(&unowned)));
        }
        let runs: BTreeSet<_> = unowned.iter().filter_map(|found| found.run).collect();
        external::stop(self.steward, self.taken, runs).await?;
        let mut progress = self.taken.progress.clone();
        progress["stop_until"] = json!(until);
        Ok(Next::Wait("stop", progress, LOOK_EVERY))
    }

    pub(super) async fn swap(&self) -> Result<Next, Error> {
        let (old, fresh) = (self.old()?, self.fresh(migrate::tenant_version()));
        let audit = self.steward.clock.new_id();
        let detail = json!({ "operation_id": self.taken.id, "backup_id": self.request.backup_id, "as_of": self.plans.as_of });
        let is_swapped = retrying(|| async {
            restore::swap(self.alone("swap").await?, &old, &fresh, (audit, &detail)).await
        });
        Ok(self.next(if is_swapped.await? { RETIRE } else { "stop" }))
    }

    pub(super) async fn retire(&self) -> Result<Next, Error> {
        let (tx, old) = (self.alone("retire").await?, schema(&self.plans.old)?);
        restore::retire(tx, self.plans.tenant, &old, &self.target.schema).await?;
        Ok(Next::Done(self.came_to(json!({ "replaced_backup_id": self.plans.kept }))))
    }

    /// Where the workspace is until the swap.
    fn old(&self) -> Result<Route, Error> {
        Ok(Route { tenant: self.plans.tenant, schema: schema(&self.plans.old)? })
    }
}

/// Why a restore is not made while something runs.
fn still_running(unowned: &[Unowned]) -> Unfit {
    let first: Vec<String> =
        unowned.iter().take(3).map(|found| found.external_id.chars().take(60).collect()).collect();
    Unfit(format!(
        "{} external runs on connections that it does not have were asked to stop and have not ended: {}",
        unowned.len(),
        first.join(", ")
    ))
}
