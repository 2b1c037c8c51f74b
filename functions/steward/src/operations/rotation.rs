//! A rotation of a workspace's keys: a new version, bound to the current root, under which everything in use is sealed anew in the
//! background. Whoever reads finds the version beside the bytes; whoever writes takes the newest. So nothing stops meanwhile, and
//! what somebody writes at the same moment stays as they wrote it. Old versions are kept as long as a backup may need them.

use std::time::{Duration, Instant};

use lambda_runtime::Error;
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    db::{Scope, SystemRole, SystemTx, TenantTx},
    keys::{TenantKeys, random, roots_of},
    model::tenant::Route,
    store::{
        credentials::{self, Resealed},
        operations::Taken,
        rotations::{self, Before},
    },
};

use super::Next;
use crate::Steward;

/// Credentials sealed anew in one transaction.
const BATCH: i64 = 100;
/// A step walks over credentials for this long at most, well within its lease; then it begins again with what is left.
const WALK_FOR: Duration = Duration::from_secs(100);
/// Functions of the release before may write under an older version without holding the workspace. Their transactions are over by
/// then, and it is looked once more.
const CONFIRM_AFTER: Duration = Duration::from_secs(30);
/// How often it is looked whether a restore or a move has ended.
const HELD_UP: Duration = Duration::from_secs(10);
/// A person may ask for no further version where a workspace has this many: each is read with every start.
const MAX_VERSIONS: i64 = 20;

/// What the steps leave for those that follow.
#[derive(Default, Serialize, Deserialize)]
struct Turn {
    /// The version that everything is sealed under in the end.
    key_version: i32,
    /// Credentials sealed anew so far.
    resealed: u64,
    /// Credentials that no key opens.
    unreadable: u64,
}

pub(super) async fn step(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    if taken.step == "start" {
        return start(steward, taken).await;
    }
    let turn: Turn = serde_json::from_value(taken.progress.clone())?;
    match taken.step.as_str() {
        "salt" => salt(steward, taken, turn).await,
        "reseal" => walk(steward, taken, turn).await,
        "confirm" => confirm(steward, taken, turn).await,
        "retire" => retire(steward, taken, turn).await,
        other => Err(format!("a rotation has no step {other}").into()),
    }
}

async fn before(steward: &Steward, taken: &Taken) -> Result<Before, Error> {
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "keys before").await?;
    let before = rotations::before(&tx, taken.route.tenant).await?;
    tx.commit().await?;
    Ok(before.ok_or("the workspace has no keys any more")?)
}

/// Decides which version comes. One that was planned for a new root adds none where somebody has asked for one since.
async fn start(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let before = before(steward, taken).await?;
    if before.is_held_up {
        return Ok(Next::Wait("start", json!({}), HELD_UP));
    }
    let is_asked_for = taken.requested_by.is_some();
    if is_asked_for && before.versions >= MAX_VERSIONS {
        let why =
            format!("{} versions of the keys are kept for backups; delete backups first", before.versions);
        return Ok(Next::Refused(why));
    }
    let turn = |key_version| serde_json::to_value(Turn { key_version, ..Turn::default() });
    if !is_asked_for && before.has_current_root {
        return Ok(Next::Step("reseal", turn(before.newest)?));
    }
    Ok(Next::Step("salt", turn(before.newest + 1)?))
}

/// The version is there before anything is sealed under it. Once it is there, everybody seals under it.
async fn salt(steward: &Steward, taken: &Taken, turn: Turn) -> Result<Next, Error> {
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "add key").await?;
    if !rotations::add_key(&tx, taken.route.tenant, turn.key_version, &random(32)?).await? {
        return Err("the workspace is being taken away".into());
    }
    tx.commit().await?;
    Ok(Next::Step("reseal", serde_json::to_value(turn)?))
}

async fn walk(steward: &Steward, taken: &Taken, turn: Turn) -> Result<Next, Error> {
    let scope = Scope::Worker(taken.route.clone());
    let (done, is_through) = reseal_for(steward, &taken.route, &scope, WALK_FOR).await?;
    let turn = serde_json::to_value(turn.and(done))?;
    Ok(if is_through { Next::Wait("confirm", turn, CONFIRM_AFTER) } else { Next::Step("reseal", turn) })
}

/// Looks once more. A restore may bring rows in under older keys: it is waited for, and then looked at what is in use by then. One
/// that begins later brings them in under the newest.
async fn confirm(steward: &Steward, taken: &Taken, turn: Turn) -> Result<Next, Error> {
    if before(steward, taken).await?.is_held_up {
        return Ok(Next::Wait("confirm", serde_json::to_value(turn)?, HELD_UP));
    }
    let scope = Scope::Worker(taken.route.clone());
    let (done, is_through) = reseal_for(steward, &taken.route, &scope, WALK_FOR).await?;
    let turn = serde_json::to_value(turn.and(done))?;
    Ok(Next::Step(if is_through { "retire" } else { "confirm" }, turn))
}

async fn retire(steward: &Steward, taken: &Taken, turn: Turn) -> Result<Next, Error> {
    if before(steward, taken).await?.is_held_up {
        return Ok(Next::Wait("confirm", serde_json::to_value(turn)?, HELD_UP));
    }
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "retire keys").await?;
    let retired = rotations::retire_keys(&tx, taken.route.tenant, steward.clock.new_id()).await?;
    tx.commit().await?;
    // The root may have become another after the version was added.
    if !before(steward, taken).await?.has_current_root {
        return Ok(Next::Step("start", json!({})));
    }
    Ok(Next::Done(json!({
        "key_version": turn.key_version, "resealed": turn.resealed, "unreadable": turn.unreadable,
        "versions_destroyed": retired.destroyed, "versions_kept": retired.kept,
    })))
}

impl Turn {
    /// With what a walk over the credentials has done; what cannot be opened is found by each walk anew.
    fn and(self, done: Resealed) -> Self {
        Self { resealed: self.resealed + done.resealed, unreadable: done.unreadable, ..self }
    }
}

/// Seals every credential in a scope anew that is under an older version of the workspace's keys than the newest.
pub(super) async fn reseal(steward: &Steward, of: &Route, scope: &Scope) -> Result<(), Error> {
    reseal_for(steward, of, scope, Duration::MAX).await.map(drop)
}

async fn reseal_for(
    steward: &Steward,
    of: &Route,
    scope: &Scope,
    walk_for: Duration,
) -> Result<(Resealed, bool), Error> {
    let tx = TenantTx::begin(&steward.database, &Scope::Worker(of.clone()), "salts").await?;
    let salts = credentials::salts(&tx).await?;
    tx.rollback().await?;
    let newest = salts.iter().map(|salt| salt.version).max().ok_or("the workspace has no keys any more")?;
    let keys = TenantKeys::new(steward.root.knowing(roots_of(&salts)).await, salts);
    let (begun, mut after, mut all) = (Instant::now(), None, Resealed::default());
    loop {
        let tx = TenantTx::begin(&steward.database, scope, "reseal credentials").await?;
        let done = credentials::reseal(&tx, (of.tenant, &keys), newest, &mut after, BATCH).await?;
        tx.commit().await?;
        all.resealed += done.resealed;
        all.unreadable += done.unreadable;
        if after.is_none() || begun.elapsed() >= walk_for {
            return Ok((all, after.is_none()));
        }
    }
}
