//! Jobs and their versions. A version is written once; a deleted job keeps its versions for its runs.

use jiff::Timestamp;
use serde_json::Value;

use super::Page;
use crate::{
    db::TenantTx,
    error::DbError,
    model::ids::{ConnectionId, JobId, RunId, UserId},
    sql,
};

row! {
    /// A job with its newest version.
    #[derive(Clone, Debug)]
    pub struct Job {
        /// Its id.
        id: JobId,
        /// Unique among the jobs that are there.
        name: String,
        /// Its newest version.
        version: i32,
        /// That version's definition.
        definition: Value,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
        /// Who changed it last.
        updated_by: UserId,
    }
}

row! {
    /// A job as a list shows it, with its latest run.
    #[derive(Clone, Debug)]
    pub struct Listed {
        /// Its id.
        id: JobId,
        /// Its name.
        name: String,
        /// Its newest version.
        version: i32,
        /// When it was made.
        created_at: Timestamp,
        /// When it last changed.
        updated_at: Timestamp,
        /// Who changed it last.
        updated_by: UserId,
        /// Its latest run.
        run_id: Option<RunId>,
        /// How that stands.
        run_state: Option<String>,
        /// Why.
        run_reason: Option<String>,
        /// When that was made.
        run_created_at: Option<Timestamp>,
        /// When that began.
        run_started_at: Option<Timestamp>,
        /// When that ended.
        run_finished_at: Option<Timestamp>,
    }
}

row! {
    /// A version in a list.
    #[derive(Clone, Debug)]
    pub struct Version {
        /// Its number.
        version: i32,
        /// When it was saved.
        created_at: Timestamp,
        /// By whom.
        created_by: UserId,
    }
}

row! {
    /// A version, whole.
    #[derive(Clone, Debug)]
    pub struct WholeVersion {
        /// Its number.
        version: i32,
        /// What it does.
        definition: Value,
        /// When it was saved.
        created_at: Timestamp,
        /// By whom.
        created_by: UserId,
    }
}

row! {
    /// A task of the version that a run is pinned to.
    #[derive(Clone, Debug)]
    pub struct Pinned {
        /// Its name.
        name: String,
        /// Names of the tasks it comes after.
        depends_on: Value,
    }
}

row! {
    struct Count {
        schedules: i64,
    }
}

/// The tasks of a version in their order, their connections resolved.
#[derive(Clone, Debug, Default)]
pub struct Tasks {
    /// Their names.
    pub names: Vec<String>,
    /// Their connections.
    pub connections: Vec<ConnectionId>,
    /// Their priorities.
    pub priorities: Vec<i32>,
    /// Their weights.
    pub weights: Vec<i32>,
    /// Which of them wait for nothing.
    pub roots: Vec<bool>,
}

/// What a version is made of.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The job.
    pub job: JobId,
    /// The version's number.
    pub version: i32,
    /// The definition as it is stored.
    pub definition: Value,
    /// How many runs may be active at once.
    pub max_active_runs: Option<i32>,
    /// Its tasks.
    pub tasks: Tasks,
}

/// A page of jobs, newest first, and the commit.
pub async fn list(tx: TenantTx, page: Page) -> Result<Vec<Listed>, DbError> {
    super::last(tx, sql!("jobs/list.sql"), &[&page.before, &page.limit]).await
}

/// One job, and the commit.
pub async fn get(tx: TenantTx, id: JobId) -> Result<Job, DbError> {
    super::last_one(tx, sql!("jobs/get.sql"), &[&id]).await
}

/// One job, if there is one, locked: it is not deleted meanwhile.
pub async fn find(tx: &TenantTx, id: JobId) -> Result<Option<Job>, DbError> {
    tx.optional(sql!("jobs/lock.sql"), &[&id]).await
}

/// One job.
pub async fn read(tx: &TenantTx, id: JobId) -> Result<Job, DbError> {
    tx.one(sql!("jobs/get.sql"), &[&id]).await
}

/// One job, locked.
pub async fn lock(tx: &TenantTx, id: JobId) -> Result<Job, DbError> {
    tx.one(sql!("jobs/lock.sql"), &[&id]).await
}

/// Makes a job at version 1; the version itself is [`add_version`].
pub async fn insert(tx: &TenantTx, id: JobId, name: &str, by: UserId) -> Result<(), DbError> {
    tx.execute_one("jobs/insert", sql!("jobs/insert.sql"), &[&id, &name, &by]).await
}

/// Moves a job that is still at its version to the next.
pub async fn update(tx: &TenantTx, was: &Job, name: &str, by: UserId) -> Result<(), DbError> {
    tx.execute_one("jobs/update", sql!("jobs/update.sql"), &[&was.id, &was.version, &name, &by]).await
}

/// Deletes a job that is still at its version.
pub async fn delete(tx: &TenantTx, was: &Job, by: UserId) -> Result<(), DbError> {
    tx.execute_one("jobs/delete", sql!("jobs/delete.sql"), &[&was.id, &was.version, &by]).await
}

/// Writes a version.
pub async fn add_version(tx: &TenantTx, new: &Draft, by: UserId) -> Result<(), DbError> {
    let sql = sql!("job_versions/insert.sql");
    let params: [&dyn crate::db::Param; 5] =
        [&new.job, &new.version, &new.definition, &new.max_active_runs, &by];
    tx.execute_one("job_versions/insert", sql, &params).await
}

/// Writes the tasks of a version.
pub async fn add_tasks(tx: &TenantTx, new: &Draft) -> Result<(), DbError> {
    let t = &new.tasks;
    let positions: Vec<i32> = (0..).take(t.names.len()).collect();
    let sql = sql!("job_tasks/insert.sql");
    let params: [&dyn crate::db::Param; 8] =
        [&new.job, &new.version, &positions, &t.names, &t.connections, &t.priorities, &t.weights, &t.roots];
    tx.execute(sql, &params).await.map(drop)
}

/// The versions of a job below a number, newest first. Empty where there is no such job.
pub async fn versions(tx: &TenantTx, id: JobId, below: i32, limit: i64) -> Result<Vec<Version>, DbError> {
    tx.all(sql!("job_versions/list.sql"), &[&id, &below, &limit]).await
}

/// One version of a job, and the commit.
pub async fn version(tx: TenantTx, id: JobId, version: i32) -> Result<WholeVersion, DbError> {
    super::last_one(tx, sql!("job_versions/get.sql"), &[&id, &version]).await
}

/// Whether a schedule starts this job.
pub async fn has_schedule(tx: &TenantTx, id: JobId) -> Result<bool, DbError> {
    tx.one::<Count>(sql!("schedules/of_job.sql"), &[&id]).await.map(|c| c.schedules > 0)
}

/// The tasks of the version that a run is pinned to, in their order. A version has tasks: none means that there is no such run.
pub async fn tasks_of_run(tx: &TenantTx, run: RunId) -> Result<Vec<Pinned>, DbError> {
    tx.all(sql!("job_versions/tasks_of_run.sql"), &[&run]).await
}
