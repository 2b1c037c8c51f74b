//! A job and its versions as the API shows them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use shared::{
    model::{
        ids::{JobId, RunId, UserId},
        job::JobDefinition,
    },
    store::jobs::{Job as Row, Listed, Version, WholeVersion},
};
use utoipa::ToSchema;

/// A job with its newest version.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Job {
    /// Its id.
    id: JobId,
    /// Unique in the workspace.
    name: String,
    /// Its newest version.
    pub(super) version: i32,
    /// What that version does.
    #[schema(value_type = JobDefinition)]
    definition: Value,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Who changed it last.
    updated_by: UserId,
}

/// A job in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobSummary {
    /// Its id.
    id: JobId,
    /// Unique in the workspace.
    name: String,
    /// Its newest version.
    version: i32,
    /// Its latest run.
    last_run: Option<LastRun>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When it last changed.
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
    /// Who changed it last.
    updated_by: UserId,
}

/// A job's latest run.
#[derive(Debug, Serialize, ToSchema)]
struct LastRun {
    id: RunId,
    state: Option<String>,
    reason: Option<String>,
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    started_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// A version in a list.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobVersionSummary {
    /// Its number.
    version: i32,
    /// When it was saved.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// By whom.
    created_by: UserId,
}

/// A version, whole.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct JobVersion {
    /// Its number.
    version: i32,
    /// What it does.
    #[schema(value_type = JobDefinition)]
    definition: Value,
    /// When it was saved.
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// By whom.
    created_by: UserId,
}

impl From<Row> for Job {
    fn from(row: Row) -> Self {
        let Row { id, name, version, definition, created_at, updated_at, updated_by } = row;
        Self { id, name, version, definition, created_at, updated_at, updated_by }
    }
}

impl From<Listed> for JobSummary {
    fn from(row: Listed) -> Self {
        let last_run = row.run_id.map(|id| LastRun {
            id,
            state: row.run_state,
            reason: row.run_reason,
            created_at: row.run_created_at,
            started_at: row.run_started_at,
            finished_at: row.run_finished_at,
        });
        Self {
            id: row.id,
            name: row.name,
            version: row.version,
            last_run,
            created_at: row.created_at,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
        }
    }
}

impl From<Version> for JobVersionSummary {
    fn from(row: Version) -> Self {
        Self { version: row.version, created_at: row.created_at, created_by: row.created_by }
    }
}

impl From<WholeVersion> for JobVersion {
    fn from(row: WholeVersion) -> Self {
        let WholeVersion { version, definition, created_at, created_by } = row;
        Self { version, definition, created_at, created_by }
    }
}
