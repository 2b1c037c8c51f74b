//! A move: a workspace's rows from one schema to another of the same database. Claims stop and what is being started drains;
//! then one transaction holds the workspace alone, copies its rows, compares them, and leads the route to the new place.
//! Whatever goes wrong before its commit leaves the workspace where it was; after it, only the old rows are left to remove.

use std::time::{Duration, Instant};

use lambda_runtime::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{
    db::{
        Scope, SystemRole, SystemTx, TenantTx, migrate,
        placement::{self, Room},
    },
    error::{BoxError, DbError, chain},
    model::{
        ids::{Id, OperationId},
        tenant::{Placement, SchemaName},
    },
    queue::Call,
    store::{
        attempts,
        operations::{self, Taken},
        placements::{self, Place},
    },
};

use super::Next;
use crate::{Steward, order::Move};

/// How often it is looked whether the last call's lease has run out.
const BETWEEN: Duration = Duration::from_secs(1);
/// How often the workspace is tried to be had alone, and calls are waited for, before the move is undone.
const TRIES: u32 = 60;
/// A copy that takes longer is undone. Between two tables: one statement more may run to its own end.
const LONGEST_COPY: Duration = Duration::from_secs(10);

/// Why nothing is moved into a database of its own.
const NO_DATABASES: &str = "a workspace is not moved into another database yet: pooled or schema";

/// What the steps leave for each other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Course {
    /// The state that is given back.
    was: String,
    /// Where the workspace was.
    from: String,
    /// Whether that was a pool.
    from_pool: bool,
    /// Where it goes.
    to: String,
    /// Whether that is a pool.
    to_pool: bool,
    /// The cell there.
    cell: String,
    /// The version of both.
    version: i32,
    /// Its tables, each after those it refers to.
    tables: Vec<String>,
    /// How often the present step was tried.
    tries: u32,
    /// Rows moved.
    rows: i64,
    /// How long nobody could enter, in milliseconds.
    pause_ms: u64,
    /// Why it is undone.
    why: String,
}

impl Steward {
    /// Asks for a move, and begins it.
    pub(crate) async fn ask_move(&self, order: Move) -> Result<Value, Error> {
        if order.to == Placement::Dedicated {
            return Err(NO_DATABASES.into());
        }
        let id: OperationId = self.clock.new_id();
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "ask move").await?;
        placements::ask_move(&tx, order.tenant_id, id, order.to, self.clock.new_id()).await?;
        tx.commit().await?;
        self.queue.call(Call::Operate, Duration::ZERO).await;
        Ok(json!({ "operation_id": id }))
    }
}

pub(super) async fn step(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let course: Course = serde_json::from_value(taken.progress.clone()).unwrap_or_default();
    match taken.step.as_str() {
        "start" => start(steward, taken).await,
        "make" => make(steward, taken, course).await,
        "pause" => pause(steward, taken, course).await,
        "drain" => drain(steward, taken, course).await,
        "copy" => copy(steward, taken, course).await,
        "clear" => clear(steward, taken, course).await,
        "undo" => undo(steward, taken, course).await,
        other => Err(format!("a move has no step {other}").into()),
    }
}

/// Names the new place, so that whoever does the next step again does it to the same.
async fn start(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let to = taken.request["to"].as_str().and_then(|to| to.parse::<Placement>().ok());
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "place").await?;
    let place = placements::place(&tx, taken.route.tenant).await?;
    let tables = placements::tables(&tx, &place.schema).await?;
    tx.commit().await?;
    let to = match to {
        Some(to) if to != place.placement => to,
        _ => return Ok(Next::Refused("the workspace is there already".to_owned())),
    };
    if place.version != migrate::tenant_version() {
        return Ok(Next::Refused("the workspace's schema is being brought up to date".to_owned()));
    }
    let fresh = steward.clock.new_id::<OperationId>().uuid();
    let schema = match to {
        Placement::Pooled => placement::pool_with_room(&steward.database, fresh, Room::USUAL).await?,
        Placement::Schema => SchemaName::named(fresh),
        Placement::Dedicated => return Ok(Next::Refused(NO_DATABASES.to_owned())),
    };
    let course = Course {
        was: place.state,
        from: place.schema.to_string(),
        from_pool: place.placement == Placement::Pooled,
        to: schema.to_string(),
        to_pool: to == Placement::Pooled,
        version: place.version,
        tables,
        ..Course::default()
    };
    go("make", course)
}

/// Makes the schema, if it has to be a new one. One that an earlier try made is dropped first: it may be of another version.
async fn make(steward: &Steward, taken: &Taken, mut course: Course) -> Result<Next, Error> {
    let to = course.to()?;
    if course.to_pool {
        let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "pool").await?;
        let pool = placements::pool(&tx, &to).await?.ok_or("the pool is gone")?;
        tx.commit().await?;
        course.cell = pool.cell;
    } else {
        remove(steward, taken, &to, false).await?;
        course.cell = placement::make_schema(&steward.database, &to, Room::USUAL).await?;
        course.version = migrate::tenant_version();
    }
    go("pause", course)
}

/// From here on nothing is claimed and nobody writes, as in a suspension.
async fn pause(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "pause").await?;
    placements::pause(&tx, taken.route.tenant).await?;
    tx.commit().await?;
    go("drain", course)
}

/// Waits for the calls that are under way: what they answer has to be recorded where the workspace is.
async fn drain(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let tx = TenantTx::begin(&steward.database, &Scope::Worker(taken.route.clone()), "drain").await?;
    if !attempts::is_any_dispatching(tx).await? {
        return go("copy", Course { tries: 0, ..course });
    }
    course.again("drain", "calls to platforms did not end")
}

async fn copy(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let began = Instant::now();
    match carry(steward, taken, &course).await {
        Ok(rows) => {
            let pause_ms = u64::try_from(began.elapsed().as_millis())?;
            go("clear", Course { rows, pause_ms, tries: 0, ..course })
        }
        Err(error) if error.downcast_ref::<DbError>().is_some_and(DbError::is_retryable) => {
            course.again("copy", "the workspace was never at rest")
        }
        Err(error) => {
            tracing::error!(operation = %taken.id, error = chain(error.as_ref()), "a move is undone");
            go("undo", Course { why: "the copy failed".to_owned(), ..course })
        }
    }
}

/// Nobody waits longer than this for a copy: a workspace that takes longer stays where it is.
fn in_time(began: Instant) -> Result<(), BoxError> {
    if began.elapsed() < LONGEST_COPY {
        Ok(())
    } else {
        Err("the workspace is too large to be moved in one pause".into())
    }
}

/// The one transaction in which the workspace changes its place. Says how many rows it has.
async fn carry(steward: &Steward, taken: &Taken, course: &Course) -> Result<i64, BoxError> {
    let began = Instant::now();
    let (tenant, from, to) = (taken.route.tenant, course.from()?, course.to()?);
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "move").await?;
    tx.unhurried().await?;
    operations::hold(&tx, taken).await?;
    placements::hold(&tx, tenant).await?;
    let place = placements::place(&tx, tenant).await?;
    if place.schema == to {
        tx.rollback().await?;
        return Ok(course.rows);
    }
    let there = match placements::pool(&tx, &to).await? {
        Some(pool) => pool.version,
        None => course.version,
    };
    if place.schema != from || place.version != there {
        return Err("the two places are not of the same version".into());
    }
    if placements::tables(&tx, &from).await? != course.tables {
        return Err("a migration has changed the workspace's tables since the move began".into());
    }
    for table in &course.tables {
        in_time(began)?;
        placements::copy(&tx, tenant, (&from, &to), table).await?;
    }
    let mut rows = 0;
    for table in &course.tables {
        in_time(began)?;
        let (old, new) = (
            placements::held(&tx, tenant, &from, table).await?,
            placements::held(&tx, tenant, &to, table).await?,
        );
        if old != new {
            return Err(format!("{table} is not what it was: {old:?}, {new:?}").into());
        }
        rows += new.rows;
    }
    let placement = if course.to_pool { Placement::Pooled } else { Placement::Schema };
    let at = Place { schema: to, placement, cell: course.cell.clone(), ..place };
    placements::switch(&tx, tenant, &from, &at).await?;
    placements::resume(&tx, tenant, &course.was).await?;
    tx.commit().await?;
    Ok(rows)
}

/// Removes what was left behind; nothing leads there any more.
async fn clear(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    remove(steward, taken, &course.from()?, course.from_pool).await?;
    Ok(Next::Done(json!({
        "to": if course.to_pool { Placement::Pooled } else { Placement::Schema },
        "rows": course.rows, "pause_ms": course.pause_ms,
    })))
}

/// Back to where it was, unless the move was done after all and only its answer was lost.
async fn undo(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let to = course.to()?;
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "undo").await?;
    operations::hold(&tx, taken).await?;
    if placements::place(&tx, taken.route.tenant).await?.schema == to {
        tx.commit().await?;
        return go("clear", course);
    }
    placements::resume(&tx, taken.route.tenant, &course.was).await?;
    tx.commit().await?;
    remove(steward, taken, &to, course.to_pool).await?;
    Ok(Next::Refused(course.why))
}

/// What is of this workspace in a place where it is not. A steward that lost the operation removes nothing.
async fn remove(steward: &Steward, taken: &Taken, schema: &SchemaName, is_pool: bool) -> Result<(), Error> {
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "remove").await?;
    tx.unhurried().await?;
    operations::hold(&tx, taken).await?;
    if !is_pool {
        return Ok(placement::drop_schema(tx, schema).await?);
    }
    placements::clear(&tx, taken.route.tenant, schema).await?;
    Ok(tx.commit().await?)
}

fn go(step: &'static str, course: Course) -> Result<Next, Error> {
    Ok(Next::Step(step, serde_json::to_value(course)?))
}

impl Course {
    fn from(&self) -> Result<SchemaName, BoxError> {
        Ok(self.from.parse::<SchemaName>()?)
    }

    fn to(&self) -> Result<SchemaName, BoxError> {
        Ok(self.to.parse::<SchemaName>()?)
    }

    /// The same step after a moment, or the way back once it was tried often enough.
    fn again(self, step: &'static str, why: &str) -> Result<Next, Error> {
        if self.tries >= TRIES {
            return go("undo", Self { why: why.to_owned(), ..self });
        }
        let course = Self { tries: self.tries + 1, ..self };
        Ok(Next::Wait(step, serde_json::to_value(course)?, BETWEEN))
    }
}
