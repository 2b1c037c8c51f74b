//! The overview: how workspaces are doing, without anything that their members wrote.

use jiff::Timestamp;
use serde_json::{Value, json};
use shared::{
    db::{Database, migrate},
    model::ids::Id,
    store::overview::{self, Totals, Workspace},
};
use uuid::Uuid;

use crate::{
    answer::{Answer, List, found},
    call::Call,
    databases::{self, Told},
};

/// Of a database that did not tell.
const UNKNOWN: &str = "unknown";
/// From the best to the worst.
const HEALTH: [&str; 4] = ["ok", "late", UNKNOWN, "stuck"];

/// Work that is owed this long, in seconds, is late: the scheduler sweeps each minute.
const LATE_S: i64 = 120;
/// Work that is owed this long, in seconds, is stuck: it was sent again many times.
const STUCK_S: i64 = 900;

/// The same of one workspace and of all.
macro_rules! backlog {
    ($row:ident) => {
        json!({
            "owed": $row.owed,
            "overdue": $row.overdue,
            "resent": $row.resent,
            "waiting": $row.waiting,
            "oldest_owed_s": age_s($row.now, $row.oldest_owed_at),
            "instants": $row.instants,
            "instants_overdue": $row.instants_overdue,
            "oldest_overdue_s": age_s($row.now, $row.oldest_instant_at),
        })
    };
}

/// Everything at once, of each database by itself: a sum would hide one that does not answer.
pub(crate) async fn totals(call: Call) -> Answer {
    call.no_query()?;
    let (access, version) = (call.access()?, migrate::tenant_version());
    let all = databases::ask_each(&call, |tx| overview::totals(tx, &access, version)).await?;
    let databases: Vec<Value> = all.iter().map(totals_shape).collect();
    let health = worst(databases.iter().filter_map(|one| one["health"].as_str()));
    Ok(found(&json!({ "health": health, "databases": databases })))
}

/// A page of the workspaces of one database in the order of their ids.
pub(crate) async fn list(call: Call) -> Answer {
    let (asked, database) = (call.asked(&["database"])?, call.database()?);
    let after = asked.cursor.unwrap_or(Uuid::nil());
    let rows = overview::list(call.system(&database).await?, &call.access()?, after, asked.limit + 1).await?;
    let shape = |row| shape(&row, &database);
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), shape)))
}

/// One workspace; its own log has the row of this too.
pub(crate) async fn get(call: Call) -> Answer {
    call.no_query()?;
    let id = call.id(0).into();
    let home = call.home(id).await?;
    Ok(found(&shape(&overview::get(call.system(&home).await?, &call.access()?, id).await?, &home)))
}

/// Operations of the steward's in one database, newest first: those that have not ended, and those that failed within a week.
pub(crate) async fn operations(call: Call) -> Answer {
    let (asked, database) = (call.asked(&["database"])?, call.database()?);
    let rows = overview::operations(call.system(&database).await?, &call.access()?, asked.page()).await?;
    Ok(found(&List::of(rows, asked.items(), |row| row.id.uuid().to_string(), |row| json!(row))))
}

fn shape(row: &Workspace, database: &Database) -> Value {
    json!({
        "id": row.id,
        "database": database.title(),
        "name": row.name,
        "state": row.state,
        "health": health(age_s(row.now, row.oldest_owed_at).max(age_s(row.now, row.oldest_instant_at))),
        "placement": row.placement,
        "cell": row.cell,
        "schema_version": row.schema_version,
        "schema_behind": row.schema_version < migrate::tenant_version(),
        "claimed_at": row.claimed_at,
        "backlog": backlog!(row),
        "operations": { "open": row.operations, "in_trouble": row.operations_in_trouble },
        "rollout_failed_at": row.rollout_failed_at,
        "growth": { "members": row.members, "members_of_30_days": row.members_of_30_days },
        "measured": row.measured,
    })
}

fn totals_shape(told: &Told<Totals>) -> Value {
    let mut shape = told.shape();
    let more = match &told.answer {
        Ok(row) => figures(row),
        Err(_) => json!({ "health": UNKNOWN }),
    };
    if let (Value::Object(shape), Value::Object(more)) = (&mut shape, more) {
        shape.extend(more);
    }
    shape
}

fn figures(row: &Totals) -> Value {
    json!({
        "at": row.now,
        "health": health(age_s(row.now, row.oldest_owed_at).max(age_s(row.now, row.oldest_instant_at))),
        "workspaces": {
            "active": row.active,
            "suspended": row.suspended,
            "deleting": row.deleting,
            "purging": row.purging,
            "spare": row.spares,
            "schema_behind": row.behind,
        },
        "directories": row.directories,
        "schema_version": migrate::tenant_version(),
        "backlog": backlog!(row),
        "operations": { "open": row.operations, "in_trouble": row.operations_in_trouble },
        "rollout": row.rollout,
    })
}

/// Seconds since then; none where nothing is owed.
fn age_s(now: Timestamp, then: Option<Timestamp>) -> Option<i64> {
    then.map(|then| (now.as_second() - then.as_second()).max(0))
}

/// `ok`, `late` or `stuck`, by the age of the oldest work that waits for us.
fn health(oldest_s: Option<i64>) -> &'static str {
    match oldest_s {
        Some(age) if age >= STUCK_S => "stuck",
        Some(age) if age >= LATE_S => "late",
        _ => "ok",
    }
}

/// Of several, the worst.
fn worst<'a>(all: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    all.max_by_key(|health| HEALTH.iter().position(|it| it == health))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_that_does_not_tell_is_worse_than_a_late_one() {
        let of = |all: &[&'static str]| worst(all.iter().copied());
        assert_eq!(of(&["ok", "late", "ok"]), Some("late"));
        assert_eq!(of(&[UNKNOWN, "late"]), Some(UNKNOWN));
        assert_eq!(of(&["stuck", UNKNOWN]), Some("stuck"));
    }

    #[test]
    fn health_follows_the_age_of_what_is_owed() {
        let of = [None, Some(0), Some(119), Some(120), Some(899), Some(900)].map(health);
        assert_eq!(of, ["ok", "ok", "ok", "late", "late", "stuck"]);
    }
}
