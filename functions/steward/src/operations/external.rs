//! External runs of a workspace that is fenced: asked to stop as a person would ask, and looked after until they have.

use std::time::Duration;

use lambda_runtime::Error;
use shared::{
    db::{Scope, SystemRole, SystemTx, TenantTx},
    engine::{self, Actor, Within},
    model::ids::RunId,
    store::{attempts, deletion, operations::Taken, runs},
};

use crate::Steward;

/// How long external runs may take to be confirmed as stopped.
pub(super) const CONFIRM_FOR: Duration = Duration::from_secs(900);
/// How often it is looked whether they have stopped.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(5);

/// Whether a call that starts something may still be under way.
pub(super) async fn is_any_starting(steward: &Steward, taken: &Taken) -> Result<bool, Error> {
    let tx = enter(steward, taken, "drain").await?;
    Ok(attempts::is_any_dispatching(tx).await?)
}

/// Asks every run with something in flight to stop. Says how many were asked; those asked before are not asked again.
pub(super) async fn ask_to_stop(steward: &Steward, taken: &Taken) -> Result<u64, Error> {
    let mut asked = 0;
    loop {
        let runs = runs::in_flight(enter(steward, taken, "runs in flight").await?).await?;
        let now_asked = stop(steward, taken, runs).await?;
        asked += now_asked;
        if now_asked == 0 {
            return Ok(asked);
        }
    }
}

/// Asks runs to stop. Says how many were asked. The messages go by the sweep of the outbox: the steward has no key to sign them.
pub(super) async fn stop(
    steward: &Steward,
    taken: &Taken,
    runs: impl IntoIterator<Item = RunId>,
) -> Result<u64, Error> {
    let actor = taken.requested_by.map_or(Actor::System, Actor::User);
    let mut asked = 0;
    for run in runs {
        let tx = enter(steward, taken, "stop a run").await?;
        let within = Within { tx: &tx, route: &taken.route, clock: &steward.clock };
        let cancelled = engine::cancel_run(within, run, actor).await?;
        tx.commit().await?;
        asked += u64::from(cancelled.changed);
    }
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "hasten").await?;
    deletion::hasten(tx, taken.route.tenant).await?;
    Ok(asked)
}

/// How many external runs may not have ended, and the ids of the first.
pub(super) async fn unsettled(steward: &Steward, taken: &Taken) -> Result<(i64, Vec<String>), Error> {
    let tx = enter(steward, taken, "unsettled").await?;
    Ok(attempts::unsettled(tx).await?)
}

async fn enter(steward: &Steward, taken: &Taken, name: &'static str) -> Result<TenantTx, Error> {
    Ok(TenantTx::begin(&steward.database, &Scope::Worker(taken.route.clone()), name).await?)
}
