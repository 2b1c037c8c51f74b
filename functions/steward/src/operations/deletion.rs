//! Deletion. While its grace lasts the operation waits and may be taken back; here the grace is over. Shut everybody out, stop
//! what runs outside, take everything away, count again, and certify. Each step may be killed anywhere and is then done again:
//! what is gone stays gone, and the counts of before are recorded before anything goes.

mod certificate;

use std::time::Duration;

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{Scope, SystemRole, SystemTx, TenantTx, removal, retrying},
    store::{
        deletion::{self, KEYS, PURGED},
        operations::Taken,
        placements,
    },
};

use super::{
    Next,
    external::{self, CONFIRM_FOR, LOOK_EVERY},
    suspend::BETWEEN,
};
use crate::Steward;

/// How often it is looked whether sandboxes that keep a deletion are gone.
const SANDBOXES_EVERY: Duration = Duration::from_secs(60);

/// The steps, in order. `drain` and `confirm` wait. Who still polls what could not be confirmed may write until the role is gone,
/// so rows go after it; whatever a last statement wrote later is found by `certify`, which begins again at `archive`.
pub(super) async fn step(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let tenant = taken.route.tenant;
    let next = |step| Ok(Next::Step(step, taken.progress.clone()));
    let begin = |name| SystemTx::begin(&steward.database, SystemRole::Owner, name);
    match taken.step.as_str() {
        "start" => {
            let tx = begin("fence").await?;
            if deletion::sandboxes(&tx, tenant).await? > 0 {
                tx.rollback().await?;
                // It is refused where it is asked for: this one was asked for before sandboxes were known as such.
                tracing::warn!(%tenant, "a workspace that is to be deleted has sandboxes; they go first");
                return Ok(Next::Wait("start", taken.progress.clone(), SANDBOXES_EVERY));
            }
            deletion::fence(&tx, tenant, steward.clock.new_id()).await?;
            tx.commit().await?;
            next("drain")
        }
        "drain" if external::is_any_starting(steward, taken).await? => {
            Ok(Next::Wait("drain", taken.progress.clone(), BETWEEN))
        }
        "drain" => next("cancel"),
        "cancel" => cancel(steward, taken).await,
        "confirm" => confirm(steward, taken).await,
        "count" => count(steward, taken).await,
        "archive" => {
            steward.archive.purge(tenant).await?;
            next("keys")
        }
        "keys" => {
            deletion::purge_rows(begin("destroy keys").await?, tenant, &[KEYS]).await?;
            next("drop")
        }
        "drop" => {
            retrying(|| async { deletion::leave_pools(begin("leave pools").await?, tenant).await }).await?;
            let tx = begin("place").await?;
            let place = placements::place(&tx, tenant).await?;
            tx.commit().await?;
            retrying(|| removal::remove(&steward.database, &place.schema)).await?;
            next("rows")
        }
        "rows" => {
            deletion::purge_rows(begin("purge rows").await?, tenant, PURGED).await?;
            next("certify")
        }
        "certify" => certificate::issue(steward, taken).await,
        other => Err(format!("a deletion has no step {other}").into()),
    }
}

async fn cancel(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    external::ask_to_stop(steward, taken).await?;
    let (running, _) = external::unsettled(steward, taken).await?;
    let tx = TenantTx::begin(&steward.database, &Scope::Worker(taken.route.clone()), "confirm until").await?;
    let until = tx.open().await?.now + CONFIRM_FOR;
    tx.commit().await?;
    let progress =
        with(&taken.progress, "external_runs", json!({ "asked": running, "confirm_until": until }));
    Ok(Next::Step("confirm", progress))
}

/// Waits for the platforms' word that what ran has ended, up to a time: what is not confirmed by then is told by the certificate.
async fn confirm(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let (running, ids) = external::unsettled(steward, taken).await?;
    let tx = TenantTx::begin(&steward.database, &Scope::Worker(taken.route.clone()), "confirm").await?;
    let now = tx.open().await?.now;
    tx.commit().await?;
    let so_far = &taken.progress["external_runs"];
    let until: Option<jiff::Timestamp> = so_far["confirm_until"].as_str().and_then(|t| t.parse().ok());
    if running > 0 && until.is_none_or(|until| now < until) {
        return Ok(Next::Wait("confirm", taken.progress.clone(), LOOK_EVERY));
    }
    if running > 0 {
        tracing::warn!(tenant = %taken.route.tenant, running, "external runs were not confirmed as stopped");
    }
    let came_to = json!({ "asked": so_far["asked"], "unconfirmed": running, "unconfirmed_ids": ids });
    Ok(Next::Step("count", with(&taken.progress, "external_runs", came_to)))
}

async fn count(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "count").await?;
    tx.take_time().await?;
    let about = deletion::about(&tx, taken.route.tenant, taken.id).await?;
    let mut before = deletion::count(&tx, taken.route.tenant, &about).await?;
    tx.commit().await?;
    before.objects = i64::try_from(steward.archive.count(taken.route.tenant).await?)?;
    Ok(Next::Step("archive", with(&taken.progress, "before", json!(before))))
}

fn with(progress: &Value, name: &str, value: Value) -> Value {
    let mut progress = progress.clone();
    progress[name] = value;
    progress
}
