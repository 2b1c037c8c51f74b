//! Suspension. When it was asked for, the workspace became `suspending` in the same transaction: no new claim since. Here the
//! leases of the calls that were under way run out; then no external start can begin any more, and it is `suspended`.

use std::time::Duration;

use lambda_runtime::Error;
use serde_json::json;
use shared::{
    db::{Scope, SystemRole, SystemTx, TenantTx},
    store::{attempts, directories, operations::Taken},
};

use super::Next;
use crate::Steward;

/// How often it is looked whether the last lease has run out.
const BETWEEN: Duration = Duration::from_secs(5);

pub(super) async fn step(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let tx = TenantTx::begin(&steward.database, &Scope::Worker(taken.route.clone()), "drain").await?;
    if attempts::is_any_dispatching(tx).await? {
        return Ok(Next::Wait("start", json!({}), BETWEEN));
    }
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "suspend").await?;
    directories::suspend(&tx, taken.route.tenant).await?;
    tx.commit().await?;
    Ok(Next::Done(json!({})))
}
