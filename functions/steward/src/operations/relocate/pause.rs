//! The part of a move in which people can read the workspace and no more. It lasts ten seconds at most: what does not end by then
//! gives the workspace back and begins another round, a few times; what is too large for it is undone. Only whoever is killed
//! in it makes it longer, by a short lease.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use lambda_runtime::Error;
use shared::{
    db::{Scope, SystemRole, SystemTx, TenantTx},
    error::{BoxError, DbError, chain},
    model::tenant::Placement,
    store::{
        attempts,
        operations::{self, Record, Taken},
        placements::{self, Place},
    },
};

use super::{Course, UNDO, far, go};
use crate::{
    Steward,
    operations::{Next, PRESSING_LEASE_S},
};

/// How long nobody can write, at most.
pub(super) const LONGEST: Duration = Duration::from_secs(10);
/// A copy is not begun with less of that left.
const LEFT_FOR_COPY_MS: i64 = 5_000;
/// How often it is looked whether the last call has ended, and the workspace is tried to be had alone.
const BETWEEN: Duration = Duration::from_secs(1);
/// How long everybody can write before the next round.
const REST: Duration = Duration::from_secs(10);
/// Rounds until the move is undone. They last longer than the lease of a call whose caller died.
const ROUNDS: u32 = 10;

/// From here on nothing is claimed and nobody writes, as in a suspension. The state of before is recorded with it.
pub(super) async fn pause(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "pause").await?;
    operations::hold(&tx, taken).await?;
    let paused = placements::pause(&tx, taken.route.tenant).await?;
    let course = Course { was: paused.was, paused_at: Some(paused.at), rounds: course.rounds + 1, ..course };
    recorded(tx, taken, "drain", course).await
}

/// Waits for the calls that are under way: what they answer has to be recorded where the workspace is.
pub(super) async fn drain(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let tx = TenantTx::begin(&steward.database, &Scope::Worker(taken.route.clone()), "drain").await?;
    let left = course.until()?.duration_since(tx.open().await?.now);
    if !attempts::is_any_dispatching(tx).await? {
        return go("copy", course);
    }
    if left.as_millis() < LEFT_FOR_COPY_MS.into() {
        return go("relent", Course { why: "calls to platforms did not end".to_owned(), ..course });
    }
    Ok(Next::Wait("drain", serde_json::to_value(course)?, BETWEEN))
}

/// Why a copy cannot be made. Nothing was changed.
pub(super) struct AsItWas(pub(super) String);

pub(super) async fn copy(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let began = Instant::now();
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "move").await?;
    operations::hold(&tx, taken).await?;
    let left_ms = placements::time_left(&tx, course.until()?).await?;
    if left_ms < LEFT_FOR_COPY_MS {
        tx.rollback().await?;
        return go("relent", Course { why: "the workspace was never at rest".to_owned(), ..course });
    }
    let carried = match course.far {
        true => far::carry(steward, tx, taken, &course).await,
        false => carry(tx, taken, &course).await,
    };
    let error = match carried {
        Ok(Ok(next)) => return Ok(next),
        Ok(Err(AsItWas(why))) => {
            tracing::error!(operation = %taken.id, why, "a move is undone");
            return go(UNDO, Course { why: "the copy failed".to_owned(), ..course });
        }
        Err(error) => error,
    };
    if error.downcast_ref::<DbError>().is_some_and(DbError::is_retryable) {
        return Ok(Next::Wait("copy", serde_json::to_value(course)?, BETWEEN));
    }
    if began.elapsed().as_millis() < u128::try_from(left_ms)? {
        return Err(error);
    }
    tracing::error!(operation = %taken.id, error = chain(error.as_ref()), "a move is undone");
    let why = "the workspace is too large to be moved in one pause".to_owned();
    go(UNDO, Course { why, ..course })
}

/// The one transaction in which the workspace changes its place, and gets its state back.
async fn carry(tx: SystemTx, taken: &Taken, course: &Course) -> Result<Result<Next, AsItWas>, Error> {
    let (tenant, from, to) = (taken.route.tenant, course.from()?, course.to()?);
    placements::hold(&tx, tenant).await?;
    let place = placements::place(&tx, tenant).await?;
    if let Some(why) = unfit(&tx, &place, course).await? {
        return Ok(Err(AsItWas(why.to_owned())));
    }
    for table in &course.tables {
        in_time(&tx, course).await?;
        placements::copy(&tx, tenant, (&from, &to), table).await?;
    }
    let mut rows = 0;
    for table in &course.tables {
        in_time(&tx, course).await?;
        let old = placements::held(&tx, tenant, &from, table).await?;
        let new = placements::held(&tx, tenant, &to, table).await?;
        if old != new {
            return Ok(Err(AsItWas(format!("{table} is not what it was: {old:?}, {new:?}"))));
        }
        rows += new.rows;
    }
    let placement = if course.to_pool { Placement::Pooled } else { Placement::Schema };
    let at = Place { schema: to, placement, cell: course.cell.clone(), ..place };
    placements::switch(&tx, tenant, &from, &at).await?;
    placements::resume(&tx, tenant, &course.was).await?;
    let pause_ms = i64::try_from(LONGEST.as_millis())? - in_time(&tx, course).await?;
    recorded(tx, taken, "clear", Course { rows, pause_ms, ..course.clone() }).await.map(Ok)
}

/// What keeps the rows from being copied, as both places are now.
pub(super) async fn unfit(
    tx: &SystemTx,
    place: &Place,
    course: &Course,
) -> Result<Option<&'static str>, Error> {
    let from = course.from()?;
    let pool = if course.far { None } else { placements::pool(tx, &course.to()?).await? };
    let there = pool.map_or(course.version, |pool| pool.version);
    Ok(if place.state == "active" {
        Some("the workspace is not paused")
    } else if place.schema != from || place.version != there {
        Some("the two places are not of the same version")
    } else if !course.has_tables(placements::tables(tx, &from).await?) {
        Some("a migration has changed the workspace's tables since the move began")
    } else {
        None
    })
}

/// What is left of the pause, in milliseconds: no statement that follows takes longer.
pub(super) async fn in_time(tx: &SystemTx, course: &Course) -> Result<i64, BoxError> {
    let left_ms = placements::time_left(tx, course.until()?).await?;
    if left_ms > 0 { Ok(left_ms) } else { Err("the pause is over".into()) }
}

/// Lets everybody write again for a while, then begins another round; the way back once there were enough of them.
pub(super) async fn relent(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    if course.rounds >= ROUNDS {
        return go(UNDO, course);
    }
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "relent").await?;
    operations::hold(&tx, taken).await?;
    placements::resume(&tx, taken.route.tenant, &course.was).await?;
    tx.commit().await?;
    Ok(Next::Wait("pause", serde_json::to_value(course)?, REST))
}

/// Back to where it was, unless the move was done after all and only its answer was lost.
pub(super) async fn undo(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "undo").await?;
    operations::hold(&tx, taken).await?;
    if placements::place(&tx, taken.route.tenant).await?.schema == course.to()? {
        tx.commit().await?;
        return go("clear", course);
    }
    if !course.was.is_empty() {
        placements::resume(&tx, taken.route.tenant, &course.was).await?;
    }
    tx.commit().await?;
    go("unmake", course)
}

/// Ends the transaction of a step with the record of what follows it.
pub(super) async fn recorded(
    tx: SystemTx,
    taken: &Taken,
    next: &'static str,
    course: Course,
) -> Result<Next, Error> {
    let progress = serde_json::to_value(course)?;
    let record = Record { next, progress: &progress, wait_s: 0, lease_s: PRESSING_LEASE_S };
    operations::step(&tx, taken, record).await?;
    tx.commit().await?;
    Ok(Next::Recorded(next, progress))
}

impl Course {
    /// When the pause is over.
    fn until(&self) -> Result<Timestamp, BoxError> {
        Ok(self.paused_at.ok_or("nothing was paused")?.checked_add(LONGEST)?)
    }
}
