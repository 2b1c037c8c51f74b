//! Suspension. When it was asked for, the workspace became `suspending` in the same transaction: no new claim since. Here the
//! leases of the calls that were under way run out; then no external start can begin any more, and it is `suspended`. What
//! runs outside goes on to its end, or is asked to stop where that was asked for.

use std::time::Duration;

use lambda_runtime::Error;
use serde_json::json;
use shared::{
    db::{SystemRole, SystemTx},
    store::{
        directories,
        operations::{self, Taken},
    },
};

use super::{Next, external};
use crate::Steward;

/// How often it is looked whether the last lease has run out.
pub(super) const BETWEEN: Duration = Duration::from_secs(2);

pub(super) async fn step(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    match taken.step.as_str() {
        "start" => drain(steward, taken).await,
        "cancel" => {
            let asked = external::ask_to_stop(steward, taken).await?;
            Ok(Next::Done(json!({ "runs_cancelled": asked })))
        }
        other => Err(format!("a suspension has no step {other}").into()),
    }
}

async fn drain(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    if external::is_any_starting(steward, taken).await? {
        return Ok(Next::Wait("start", json!({}), BETWEEN));
    }
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "suspend").await?;
    // Whoever comes late must not end another suspension, nor the pause of a move.
    operations::hold(&tx, taken).await?;
    directories::suspend(&tx, taken.route.tenant, taken.id, steward.clock.new_id()).await?;
    tx.commit().await?;
    if taken.request["running"] == "cancel" {
        return Ok(Next::Step("cancel", json!({})));
    }
    Ok(Next::Done(json!({})))
}
