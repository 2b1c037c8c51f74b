//! How often the workspace is backed up by itself, and how many of those backups are kept. The steward makes them.

use serde::{Deserialize, Serialize};
use shared::{
    model::{
        Problems,
        ids::Id,
        role::Permission::{WorkspaceRead, WorkspaceWrite},
    },
    store::backup_schedules::{self, Schedule},
};
use utoipa::ToSchema;

use super::exports::READABLE;
use crate::{
    argument::Body,
    caller::Caller,
    fault::{Answered, Fault},
    reply::Found,
    route::{Route, get, put},
    work::Change,
};

/// A schedule of backups.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = BackupScheduleBody)]
struct NewSchedule {
    /// Hours from one backup to the next; null: none is made by itself.
    #[serde(deserialize_with = "Option::deserialize")]
    #[schema(required = true, minimum = 1, maximum = 168)]
    every_hours: Option<i32>,
    /// How many of the backups that were made by the schedule are kept.
    #[schema(minimum = 1, maximum = 30)]
    keep: i32,
}

pub(super) fn routes() -> Vec<Route> {
    let path = "/workspace/backup-schedule";
    vec![
        get(path, "backup_schedule.get", "How often the workspace is backed up by itself", show)
            .needs(WorkspaceRead),
        put(path, "backup_schedule.update", "Sets how often, and how many of those backups are kept", update)
            .needs(WorkspaceWrite),
    ]
}

impl NewSchedule {
    fn check(&self) -> Result<(), Fault> {
        let mut problems = Problems::default();
        let is_pace = self.every_hours.is_none_or(|hours| (1..=168).contains(&hours));
        problems.unless(is_pace, "/every_hours", "must be 1 to 168, or null");
        problems.unless((1..=30).contains(&self.keep), "/keep", "must be 1 to 30");
        Ok(problems.or(())?)
    }
}

async fn show(caller: Caller) -> Answered<Found<Schedule>> {
    let tx = caller.read().await?;
    let schedule = backup_schedules::get(&tx).await?;
    tx.into_tx().commit().await?;
    Ok(Found::of(&schedule).at_version(schedule.version))
}

async fn update(caller: Caller, Body(new): Body<NewSchedule>) -> Answered<Found<Schedule>> {
    new.check()?;
    let work = caller.write_while(READABLE).await?;
    let was = backup_schedules::hold(&work).await?;
    caller.check_version(was.version)?;
    let schedule = backup_schedules::set(&work, new.every_hours, new.keep, work.user()).await?;
    let workspace = work.within().route.tenant;
    let change = Change::new("backup_schedule.update", workspace.uuid()).before(&was).after(&schedule);
    let answer = Found::of(&schedule).at_version(schedule.version);
    work.calling_the_steward().commit(change, answer).await
}
