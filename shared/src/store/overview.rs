//! The overview: how workspaces are doing, for platform operators. Counts, states and instants, and the customers'
//! names; nothing that a customer wrote. Read from schema `system` alone.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{
    Page,
    operators::{self, Access},
};
use crate::{
    db::{Param, SystemTx},
    error::DbError,
    model::ids::{OperationId, TenantId},
    sql,
};

row! {
    /// One workspace's figures.
    #[derive(Clone, Debug)]
    pub struct Workspace {
        /// Its id.
        id: TenantId,
        /// The customer's name.
        name: String,
        /// `active`, `suspending`, `suspended`, `deleting` or `purging`.
        state: String,
        /// `pooled`, `schema` or `dedicated`.
        placement: String,
        /// Its cell.
        cell: String,
        /// The version of its tables.
        schema_version: i32,
        /// When it became the customer's.
        claimed_at: Option<Timestamp>,
        /// Database time of the figures.
        now: Timestamp,
        /// Messages due to be worked.
        owed: i64,
        /// Those that the sweep should have sent again by now.
        overdue: i64,
        /// Those owed that were sent more than once.
        resent: i64,
        /// Messages whose instant is still to come.
        waiting: i64,
        /// Since when the oldest is owed.
        oldest_owed_at: Option<Timestamp>,
        /// Instants kept: schedules, polls, watches.
        instants: i64,
        /// Those that have passed.
        instants_overdue: i64,
        /// The earliest of these.
        oldest_instant_at: Option<Timestamp>,
        /// Operations of the steward's that are under way.
        operations: i64,
        /// Those with a failed step, and those that failed within a week.
        operations_in_trouble: i64,
        /// When a rollout failed on it that has not been taken up since.
        rollout_failed_at: Option<Timestamp>,
        /// Active members.
        members: i64,
        /// Those who became one within 30 days.
        members_of_30_days: i64,
        /// Size, growth, use and failures, as the steward measured them last; none before its first round.
        measured: Option<Value>,
    }
}

row! {
    /// Everything at once.
    #[derive(Clone, Debug)]
    pub struct Totals {
        /// Database time of the figures.
        now: Timestamp,
        /// Workspaces that are active.
        active: i64,
        /// Suspended, or about to be.
        suspended: i64,
        /// To be deleted once their grace is over.
        deleting: i64,
        /// Being deleted.
        purging: i64,
        /// Ready for a first sign-in.
        spares: i64,
        /// With tables older than this release's.
        behind: i64,
        /// Directories on the list of customers.
        directories: i64,
        /// Messages due to be worked.
        owed: i64,
        /// Those that the sweep should have sent again by now.
        overdue: i64,
        /// Those owed that were sent more than once.
        resent: i64,
        /// Messages whose instant is still to come.
        waiting: i64,
        /// Since when the oldest is owed.
        oldest_owed_at: Option<Timestamp>,
        /// Instants kept.
        instants: i64,
        /// Those that have passed.
        instants_overdue: i64,
        /// The earliest of these.
        oldest_instant_at: Option<Timestamp>,
        /// Operations of the steward's that are under way.
        operations: i64,
        /// Those with a failed step, and those that failed within a week.
        operations_in_trouble: i64,
        /// How the latest rollout goes, and the workspaces on which it failed.
        rollout: Option<Value>,
    }
}

row! {
    /// An operation of the steward's on a workspace, without what it was asked, has found, or says of its failure.
    #[derive(Clone, Debug, Serialize)]
    pub struct Operation {
        /// Its id.
        id: OperationId,
        /// The workspace.
        workspace_id: TenantId,
        /// The customer's name.
        workspace_name: String,
        /// The workspace's state.
        workspace_state: String,
        /// `suspend`, `deletion`, …
        kind: String,
        /// `pending`, `running` or `failed`.
        state: String,
        /// The step that comes next.
        step: String,
        /// How often a step has failed.
        failures: i32,
        /// Not worked on before this instant.
        not_before: Timestamp,
        /// When it was asked for.
        created_at: Timestamp,
        /// When the steward began.
        started_at: Option<Timestamp>,
        /// When it failed.
        finished_at: Option<Timestamp>,
    }
}

/// A page of workspaces in the order of their ids, and the commit.
pub async fn list(tx: SystemTx, access: &Access, after: Uuid, limit: i64) -> Result<Vec<Workspace>, DbError> {
    operators::paged(tx, sql!("system_operators/workspaces.sql"), access, after, limit).await
}

/// One workspace, and the commit. Its own log has the row too.
pub async fn get(tx: SystemTx, access: &Access, id: TenantId) -> Result<Workspace, DbError> {
    let Access { operator, audit, source } = access;
    let params: [&dyn Param; 6] =
        [&operator.session_id, &operator.operator_id, &id, audit, &source.request_id, &source.address];
    operators::first(tx, sql!("system_operators/workspace.sql"), &params).await
}

/// The totals, and the commit. `version`: what an up-to-date workspace's tables have.
pub async fn totals(tx: SystemTx, access: &Access, version: i32) -> Result<Totals, DbError> {
    let Access { operator, audit, source } = access;
    let params: [&dyn Param; 6] =
        [&operator.session_id, &operator.operator_id, &version, audit, &source.request_id, &source.address];
    operators::first(tx, sql!("system_operators/totals.sql"), &params).await
}

/// A page of operations that have not ended, and of those that failed within a week, newest first, and the commit.
pub async fn operations(tx: SystemTx, access: &Access, page: Page) -> Result<Vec<Operation>, DbError> {
    operators::paged(tx, sql!("system_operators/operations.sql"), access, page.before, page.limit).await
}
