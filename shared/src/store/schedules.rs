//! Schedules: when a job runs. The instants are planned by the engine.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Page;
use crate::{
    db::{Param, TenantTx},
    error::DbError,
    model::ids::{JobId, ScheduleId, UserId},
    sql,
};

row! {
    /// A schedule.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct Schedule {
        /// Its id.
        id: ScheduleId,
        /// Unique in the workspace.
        name: String,
        /// What it starts.
        job_id: JobId,
        /// The job's name.
        job_name: String,
        /// The rule.
        cron: String,
        /// IANA name of the zone the rule is meant in.
        time_zone: String,
        /// For local times that don't exist: `next_valid` or `skip`.
        gap: String,
        /// For local times that come twice: `first`, `second` or `both`.
        fold: String,
        /// Parameters of its runs.
        #[schema(value_type = Object)]
        parameters: Value,
        /// `active` or `paused`.
        state: String,
        /// When it fires next.
        #[schema(value_type = Option<String>, format = DateTime)]
        next_fire_at: Option<Timestamp>,
        /// Counts its changes.
        version: i32,
        /// When it was made.
        #[schema(value_type = String, format = DateTime)]
        created_at: Timestamp,
        /// When it last changed.
        #[schema(value_type = String, format = DateTime)]
        updated_at: Timestamp,
        /// Who changed it last.
        updated_by: UserId,
    }
}

/// What a schedule is made of.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its name.
    pub name: String,
    /// What it starts.
    pub job: JobId,
    /// The rule.
    pub cron: String,
    /// The zone.
    pub time_zone: String,
    /// `next_valid` or `skip`.
    pub gap: &'static str,
    /// `first`, `second` or `both`.
    pub fold: &'static str,
    /// Parameters of its runs.
    pub parameters: Value,
}

/// A page of schedules, of one job or of all, newest first, and the commit.
pub async fn list(tx: TenantTx, page: Page, job: Option<JobId>) -> Result<Vec<Schedule>, DbError> {
    super::last(tx, sql!("schedules/list.sql"), &[&page.before, &page.limit, &job]).await
}

/// One schedule, and the commit.
pub async fn get(tx: TenantTx, id: ScheduleId) -> Result<Schedule, DbError> {
    super::last_one(tx, sql!("schedules/get.sql"), &[&id]).await
}

/// One schedule.
pub async fn read(tx: &TenantTx, id: ScheduleId) -> Result<Schedule, DbError> {
    tx.one(sql!("schedules/get.sql"), &[&id]).await
}

/// One schedule, locked.
pub async fn lock(tx: &TenantTx, id: ScheduleId) -> Result<Schedule, DbError> {
    tx.one(sql!("schedules/lock.sql"), &[&id]).await
}

/// Makes a schedule; it fires once it is planned.
pub async fn insert(tx: &TenantTx, id: ScheduleId, new: &Draft, by: UserId) -> Result<(), DbError> {
    let params: [&dyn Param; 9] =
        [&id, &new.name, &new.job, &new.cron, &new.time_zone, &new.gap, &new.fold, &new.parameters, &by];
    tx.execute_one("schedules/insert", sql!("schedules/insert.sql"), &params).await
}

/// Changes a schedule that is still at its version; its job stays.
pub async fn update(tx: &TenantTx, was: &Schedule, new: &Draft, by: UserId) -> Result<(), DbError> {
    let params: [&dyn Param; 9] = [
        &was.id,
        &was.version,
        &new.name,
        &new.cron,
        &new.time_zone,
        &new.gap,
        &new.fold,
        &new.parameters,
        &by,
    ];
    tx.execute_one("schedules/update", sql!("schedules/update.sql"), &params).await
}

/// Pauses or resumes a schedule that is still at its version.
pub async fn set_state(
    tx: &TenantTx,
    was: &Schedule,
    state: &'static str,
    by: UserId,
) -> Result<(), DbError> {
    tx.execute_one(
        "schedules/set_state",
        sql!("schedules/set_state.sql"),
        &[&was.id, &was.version, &state, &by],
    )
    .await
}

/// Deletes a schedule that is still at its version; its runs stay.
pub async fn delete(tx: &TenantTx, was: &Schedule) -> Result<(), DbError> {
    tx.execute_one("schedules/delete", sql!("schedules/delete.sql"), &[&was.id, &was.version]).await
}
