//! What schedules have missed while their workspace was suspended. None of it is made up: of each schedule the earliest slot
//! runs late, the rest never; so that nobody has to guess, each schedule's are counted and written down when it is reactivated.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    Within,
    batch::{Batch, bind},
    schedule::{passed, timing},
};
use crate::{
    error::DbError,
    model::{
        ids::{AuditId, Id, ScheduleId},
        schedule::Rule,
    },
    sql,
};

/// The slots of a schedule that have passed without a run.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Missed {
    /// The schedule.
    pub schedule_id: ScheduleId,
    /// How many slots, the one that runs late included; counted up to 1,001.
    pub slots: usize,
    /// The earliest of them, which runs late.
    #[schema(value_type = String, format = DateTime)]
    pub from: Timestamp,
    /// The latest of them.
    #[schema(value_type = String, format = DateTime)]
    pub to: Timestamp,
}

/// Counts what the active schedules have missed by now, of a thousand of them, and writes an audit row for each that has.
/// The transaction's first statement must have been answered (now is the database's).
pub async fn record_missed(within: Within<'_>) -> Result<Vec<Missed>, DbError> {
    let now = within.tx.entered()?.now;
    let mut found = Vec::new();
    for row in within.tx.rows(sql!("schedules/overdue.sql"), &[]).await? {
        let from: Timestamp = row.try_get("next_fire_at")?;
        let rule = Rule::read(&timing(&row)?).ok();
        let later = passed(rule.as_ref(), from, now);
        let to = later.last().copied().unwrap_or(from);
        found.push(Missed { schedule_id: row.try_get("id")?, slots: 1 + later.len(), from, to });
    }
    if found.is_empty() {
        return Ok(found);
    }
    let ids: Vec<Uuid> = found.iter().map(|_| within.clock.new_id::<AuditId>().uuid()).collect();
    let schedules: Vec<Uuid> = found.iter().map(|missed| missed.schedule_id.uuid()).collect();
    let details: Vec<Value> =
        found.iter().map(|m| json!({ "slots": m.slots, "from": m.from, "to": m.to })).collect();
    let mut batch = Batch::default();
    batch.add(sql!("audit/insert_missed.sql"), bind![ids, schedules, details]);
    batch.run(within.tx).await?;
    Ok(found)
}
