//! A move between databases, one of which is the first. The workspace's rows, and what schema `system` knows of it, travel by way
//! of this steward while it is held where it is. It is committed there without being open; then it is closed here, and opened
//! there. Until it is closed here everything can be undone; from then on it is only ever completed. At no instant is it open in
//! both, so that nothing is written that would be lost.

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{
        Scope, SystemRole, SystemTx, TenantTx,
        placement::{self, Room},
    },
    error::{DbError, Refusal},
    model::tenant::{DatabaseName, Placement, Route, SchemaName},
    store::{
        deletion,
        operations::{self, Taken},
        placements::{self, Place},
        seals, transfers,
    },
};

use super::{
    ARRIVE, Course, go,
    pause::{self, AsItWas, LONGEST},
};
use crate::{Steward, operations::Next, order::Move};

/// Whether a move is to another database. Said in words where it cannot be.
pub(super) fn is_far(steward: &Steward, order: &Move) -> Result<bool, Error> {
    match &order.database {
        None if order.to == Placement::Dedicated => {
            return Err("the placement dedicated needs the name of a database".into());
        }
        Some(_) if order.to != Placement::Dedicated => {
            return Err("a database is only named with the placement dedicated".into());
        }
        Some(name) if steward.database.named(name).is_none() => {
            return Err("there is no such database".into());
        }
        _ => {}
    }
    match (steward.database.name(), &order.database) {
        (Some(here), Some(there)) if here != there => {
            Err("from a database of its own it first moves to the first one".into())
        }
        (here, there) => Ok(here != there.as_ref()),
    }
}

/// The steward of the database to which a move leads: this one, or another.
pub(super) fn there(steward: &Steward, taken: &Taken) -> Result<Steward, Error> {
    if taken.request["far"] != true {
        return Ok(steward.clone());
    }
    let Some(name) = target(taken)? else { return Ok(steward.at(steward.database.first())) };
    let database = steward.database.named(&name).ok_or("the database is not set up any more")?;
    Ok(steward.at(database))
}

fn target(taken: &Taken) -> Result<Option<DatabaseName>, Error> {
    Ok(taken.request["database"].as_str().map(str::parse).transpose()?)
}

/// Whether what an earlier move left there is cleared. That move alone knows the schema, and to begin anew would forget it.
pub(super) async fn is_cleared(there: &Steward, taken: &Taken) -> Result<bool, Error> {
    let tx = SystemTx::begin(&there.database, SystemRole::Owner, "is cleared").await?;
    let is_cleared = transfers::is_cleared(&tx, taken.route.tenant).await?;
    tx.commit().await?;
    Ok(is_cleared)
}

/// Why a workspace cannot go there at all.
pub(super) async fn unfit(
    steward: &Steward,
    there: &Steward,
    taken: &Taken,
    directory: Option<&Value>,
) -> Result<Option<&'static str>, Error> {
    let Some(directory) = directory else {
        return Ok(Some("a sandbox stays in the database of its workspace"));
    };
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "people").await?;
    let people = transfers::people(&tx, taken).await?;
    let sandboxes = deletion::sandboxes(&tx, taken.route.tenant).await?;
    tx.commit().await?;
    if sandboxes > 0 {
        return Ok(Some("its sandboxes would stay behind: they have to be deleted first"));
    }
    let tx = SystemTx::begin(&there.database, SystemRole::Owner, "may come").await?;
    let is_alone = there.database.name().is_some();
    let may_come = transfers::may_come(&tx, taken.route.tenant, directory, is_alone).await?;
    let are_others = transfers::are_known_otherwise(&tx, &people).await?;
    tx.commit().await?;
    Ok(if !may_come {
        Some("the database is another workspace's")
    } else if are_others {
        Some("somebody of the workspace is known in that database already, as somebody else")
    } else {
        None
    })
}

/// Takes away what an earlier try has left there. A steward that lost the operation removes nothing.
pub(super) async fn empty(
    steward: &Steward,
    there: &Steward,
    taken: &Taken,
    course: &Course,
) -> Result<(), Error> {
    let held = SystemTx::begin(&steward.database, SystemRole::Owner, "hold").await?;
    operations::hold(&held, taken).await?;
    let tx = SystemTx::begin(&there.database, SystemRole::Owner, "leave nothing").await?;
    leave_nothing(tx, taken, &course.to()?, course.to_pool).await?;
    Ok(held.rollback().await?)
}

/// All that a database knows of a workspace which is not open there.
async fn leave_nothing(tx: SystemTx, taken: &Taken, schema: &SchemaName, is_pool: bool) -> Result<(), Error> {
    tx.unhurried().await?;
    transfers::forget(&tx, taken.route.tenant).await?;
    if !is_pool {
        return Ok(placement::drop_schema(tx, schema).await?);
    }
    placements::clear(&tx, taken.route.tenant, schema).await?;
    Ok(tx.commit().await?)
}

/// The way out: `tx` holds the workspace, nobody is in it, and with its commit it is closed.
pub(super) async fn carry(
    steward: &Steward,
    tx: SystemTx,
    taken: &Taken,
    course: &Course,
) -> Result<Result<Next, AsItWas>, Error> {
    let (tenant, there) = (taken.route.tenant, there(steward, taken)?);
    placements::hold(&tx, tenant).await?;
    let place = placements::place(&tx, tenant).await?;
    if let Some(why) = pause::unfit(&tx, &place, course).await? {
        return Ok(Err(AsItWas(why.to_owned())));
    }
    if is_listed(&there, taken).await? {
        // An earlier try went as far as its commit there.
        let rest = SystemTx::begin(&there.database, SystemRole::Owner, "leave nothing").await?;
        leave_nothing(rest, taken, &course.to()?, course.to_pool).await?;
        if !course.to_pool {
            placement::make_schema(&there.database, &course.to()?, Room::USUAL).await?;
        }
    }
    let rows = match bring(&there, &tx, taken, course).await? {
        Ok(rows) => rows,
        Err(why) => return Ok(Err(why)),
    };
    let owner = Scope::LoadingLogs(Route { tenant, schema: course.to()? });
    let logs = TenantTx::begin(&there.database, &owner, "chain of moved logs").await?;
    seals::open_epoch(&logs, tenant).await?;
    logs.commit().await?;
    let pause_ms = i64::try_from(LONGEST.as_millis())? - pause::in_time(&tx, course).await?;
    transfers::leave(&tx, tenant, target(taken)?.as_ref()).await?;
    let course = Course { rows, pause_ms, ..course.clone() };
    pause::recorded(tx, taken, ARRIVE, course).await.map(Ok)
}

async fn is_listed(there: &Steward, taken: &Taken) -> Result<bool, Error> {
    let tx = SystemTx::begin(&there.database, SystemRole::Owner, "is listed").await?;
    let found = placements::place(&tx, taken.route.tenant).await;
    tx.rollback().await?;
    match found {
        Ok(_) => Ok(true),
        Err(DbError::Refused(Refusal::Absent)) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Everything, compared, and committed there without being open. Says how many rows.
async fn bring(
    there: &Steward,
    tx: &SystemTx,
    taken: &Taken,
    course: &Course,
) -> Result<Result<i64, AsItWas>, Error> {
    let (tenant, from, to) = (taken.route.tenant, course.from()?, course.to()?);
    let transfer = transfers::Transfer { tenant, from: &from, to: &to };
    let comes = SystemTx::begin(&there.database, SystemRole::Owner, "comes").await?;
    if !course.has_tables(placements::tables(&comes, &to).await?) {
        return Ok(Err(AsItWas("the two places are not of the same version".to_owned())));
    }
    transfers::exact_texts(tx, &comes).await?;
    if let Some(table) = transfers::carry_along(tx, &comes, taken).await? {
        return Ok(Err(AsItWas(format!("{table} is not what it was"))));
    }
    let mut rows = 0;
    for table in &course.tables {
        placement::bound(&comes, pause::in_time(tx, course).await?).await?;
        transfers::carry(tx, &comes, transfer, table).await?;
    }
    for table in &course.tables {
        placement::bound(&comes, pause::in_time(tx, course).await?).await?;
        let (old, new) = transfers::compare(tx, &comes, transfer, table).await?;
        if old != new {
            return Ok(Err(AsItWas(format!("{table} is not what it was: {old:?}, {new:?}"))));
        }
        rows += new.rows;
    }
    transfers::settle(&comes, tenant, &place_there(there, course)?, &course.directory).await?;
    comes.commit().await?;
    Ok(Ok(rows))
}

fn place_there(there: &Steward, course: &Course) -> Result<Place, Error> {
    let placement = if course.to_pool { Placement::Pooled } else { there.own_schemas() };
    let (schema, cell) = (course.to()?, course.cell.clone());
    Ok(Place { schema, placement, cell, version: course.version, state: course.was.clone() })
}

/// The way in. There is no way back any more: whatever fails is tried again.
pub(super) async fn arrive(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let there = there(steward, taken)?;
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "leave").await?;
    operations::hold(&tx, taken).await?;
    let mut operation = transfers::recorded(&tx, taken).await?;
    operation["result"] = came_to(&there, &course)?;
    let comes = SystemTx::begin(&there.database, SystemRole::Owner, "arrive").await?;
    transfers::arrive(&comes, taken.route.tenant, &course.was, (&course.directory, &operation)).await?;
    comes.commit().await?;
    tx.commit().await?;
    go("clear", course)
}

/// Removes what was left behind, this operation with it: the workspace has it where it is now.
pub(super) async fn clear(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "leave nothing").await?;
    operations::hold(&tx, taken).await?;
    leave_nothing(tx, taken, &course.from()?, course.from_pool).await?;
    Ok(Next::Gone)
}

/// Removes what was made there for a move that was undone.
pub(super) async fn unmake(steward: &Steward, taken: &Taken, course: Course) -> Result<Next, Error> {
    empty(steward, &there(steward, taken)?, taken, &course).await?;
    Ok(Next::Refused(course.why))
}

fn came_to(there: &Steward, course: &Course) -> Result<Value, Error> {
    let placement = place_there(there, course)?.placement;
    Ok(json!({ "to": placement, "rows": course.rows, "pause_ms": course.pause_ms }))
}
