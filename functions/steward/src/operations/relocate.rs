//! A move: a workspace's rows from one schema to another, of the same database or ([`far`]) of another. Claims stop and what is being started drains;
//! then one transaction holds the workspace alone, copies its rows, compares them, and leads the route to the new place.
//! Whatever goes wrong before its commit leaves the workspace where it was; after it, only the old rows are left to remove.
//! What happens while nobody can write is [`pause`]'s.

mod far;
mod pause;

use std::time::Duration;

use jiff::Timestamp;
use lambda_runtime::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{
    db::{
        SystemRole, SystemTx, migrate,
        placement::{self, Room},
    },
    error::BoxError,
    model::{
        ids::{Id, OperationId},
        tenant::{Placement, SchemaName},
    },
    queue::Call,
    store::{
        operations::{self, Taken},
        placements, transfers,
    },
};

use super::Next;
use crate::{Steward, order::Move};

/// The steps in which nobody can write: whoever is killed in one is followed soon, and what fails is tried again soon.
pub(super) const PRESSING: &[&str] = &["pause", "drain", "copy", "relent", UNDO, ARRIVE];
/// The way back.
const UNDO: &str = "undo";
/// Once it has left a database there is no way back.
const ARRIVE: &str = "arrive";

/// How long a workspace that comes back waits before it looks again whether its last move has cleared the place.
const CLEARING: Duration = Duration::from_secs(10);

/// What the steps leave for each other.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Course {
    /// The state that is given back; empty where nothing was paused yet.
    was: String,
    /// Since when nobody can write, in database time.
    paused_at: Option<Timestamp>,
    /// How often the workspace was paused.
    rounds: u32,
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
    /// Whether that is in another database.
    far: bool,
    /// Its directory, which goes along to another database.
    directory: Value,
    /// The version of both.
    version: i32,
    /// Its tables, each after those it refers to.
    tables: Vec<String>,
    /// Rows moved.
    rows: i64,
    /// How long nobody could write, from the pause to the end of the copy, in milliseconds.
    pause_ms: i64,
    /// Why it is undone.
    why: String,
}

impl Steward {
    /// Asks for a move, and begins it.
    pub(crate) async fn ask_move(&self, order: Move) -> Result<Value, Error> {
        let is_far = far::is_far(self, &order)?;
        let (id, audit): (OperationId, _) = (self.clock.new_id(), self.clock.new_id());
        let (tenant, to, database) = (order.tenant_id, order.to, order.database.as_ref());
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "ask move").await?;
        placements::ask_move(&tx, &placements::Ask { tenant, id, audit, to, is_far, database }).await?;
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
        "pause" => pause::pause(steward, taken, course).await,
        "drain" => pause::drain(steward, taken, course).await,
        "copy" => pause::copy(steward, taken, course).await,
        "relent" => pause::relent(steward, taken, course).await,
        UNDO => pause::undo(steward, taken, course).await,
        ARRIVE => far::arrive(steward, taken, course).await,
        "clear" if course.far => far::clear(steward, taken, course).await,
        "unmake" if course.far => far::unmake(steward, taken, course).await,
        "clear" => clear(steward, taken, course).await,
        "unmake" => unmake(steward, taken, course).await,
        other => Err(format!("a move has no step {other}").into()),
    }
}

/// The way back for a step that keeps failing, where there is one: a workspace is not left paused.
pub(super) fn given_up(taken: &Taken) -> Option<Next> {
    let has_way_back = PRESSING.contains(&taken.step.as_str()) && ![UNDO, ARRIVE].contains(&&*taken.step);
    let course = has_way_back.then(|| serde_json::from_value::<Course>(taken.progress.clone()).ok())??;
    let course = Course { why: format!("the step {} failed again and again", taken.step), ..course };
    Some(Next::Wait(UNDO, serde_json::to_value(course).ok()?, Duration::ZERO))
}

/// Names the new place, so that whoever does the next step again does it to the same.
async fn start(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let to = taken.request["to"].as_str().and_then(|to| to.parse::<Placement>().ok());
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "place").await?;
    let place = placements::place(&tx, taken.route.tenant).await?;
    let tables = placements::tables(&tx, &place.schema).await?;
    let directory = transfers::directory(&tx, taken.route.tenant).await?;
    tx.commit().await?;
    let to = match to {
        Some(to) if to != place.placement => to,
        _ => return Ok(Next::Refused("the workspace is there already".to_owned())),
    };
    if place.version != migrate::tenant_version() {
        return Ok(Next::Refused("the workspace's schema is being brought up to date".to_owned()));
    }
    let far = taken.request["far"] == true;
    let there = far::there(steward, taken)?;
    if far && !far::is_cleared(&there, taken).await? {
        return Ok(Next::Wait("start", taken.progress.clone(), CLEARING));
    }
    if far && let Some(why) = far::unfit(steward, &there, taken, directory.as_ref()).await? {
        return Ok(Next::Refused(why.to_owned()));
    }
    let fresh = steward.clock.new_id::<OperationId>().uuid();
    let schema = match to {
        Placement::Pooled => placement::pool_with_room(&there.database, fresh, Room::USUAL).await?,
        Placement::Schema | Placement::Dedicated => SchemaName::named(fresh),
    };
    let course = Course {
        from: place.schema.to_string(),
        from_pool: place.placement == Placement::Pooled,
        to: schema.to_string(),
        to_pool: to == Placement::Pooled,
        far,
        directory: directory.unwrap_or_default(),
        version: place.version,
        tables,
        ..Course::default()
    };
    go("make", course)
}

/// Makes the schema, if it has to be a new one. One that an earlier try made is dropped first: it may be of another version.
async fn make(steward: &Steward, taken: &Taken, mut course: Course) -> Result<Next, Error> {
    let (to, there) = (course.to()?, far::there(steward, taken)?);
    if course.to_pool {
        let tx = SystemTx::begin(&there.database, SystemRole::Owner, "pool").await?;
        let pool = placements::pool(&tx, &to).await?.ok_or("the pool is gone")?;
        tx.commit().await?;
        if pool.version != course.version {
            return Ok(Next::Refused("the pool is being brought up to date".to_owned()));
        }
        course.cell = pool.cell;
    } else {
        if course.far {
            far::empty(steward, &there, taken, &course).await?;
        } else {
            remove(steward, taken, &to, false).await?;
        }
        course.cell = placement::make_schema(&there.database, &to, Room::USUAL).await?;
        course.version = migrate::tenant_version();
    }
    go("pause", course)
}

/// Removes what was left behind; nothing leads there any more.
async fn clear(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    remove(steward, taken, &course.from()?, course.from_pool).await?;
    Ok(Next::Done(json!({
        "to": if course.to_pool { Placement::Pooled } else { Placement::Schema },
        "rows": course.rows, "pause_ms": course.pause_ms,
    })))
}

/// Removes the place that was made for a move that was undone.
async fn unmake(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    remove(steward, taken, &course.to()?, course.to_pool).await?;
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

    /// Whether these are the tables it began with: of those that do not refer to each other the catalog keeps no order.
    fn has_tables(&self, mut found: Vec<String>) -> bool {
        let mut known = self.tables.clone();
        found.sort();
        known.sort();
        found == known
    }

    fn to(&self) -> Result<SchemaName, BoxError> {
        Ok(self.to.parse::<SchemaName>()?)
    }
}
