//! The workspace itself, and the others of the person who asks.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::{Page, members::Member, sign_in::PROVIDER};
use crate::{
    db::{FromRow, Param, SystemTx, TenantTx},
    error::{DbError, Refusal},
    model::{
        ids::{AuditId, SessionId, TenantId, UserId},
        tenant::{Route, SchemaName},
    },
    sql,
};

row! {
    /// A workspace.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct Workspace {
        /// Its id.
        id: TenantId,
        /// Its name.
        name: String,
        /// `active`, `suspending`, `suspended` or `deleting`.
        state: String,
    }
}

row! {
    /// A workspace of the person who asks, with their role in it.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct OwnWorkspace {
        /// Its id.
        id: TenantId,
        /// Its name.
        name: String,
        /// `active`, `suspending`, `suspended` or `deleting`.
        state: String,
        /// `administrator`, `operator`, or the id of one of that workspace's own roles.
        role: String,
    }
}

row! {
    /// A sandbox of the workspace.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct Sandbox {
        /// Its id: it is a workspace.
        id: TenantId,
        /// Its name; none while it is being made.
        name: String,
        /// `provisioning` while it is being made, then as of any workspace, `purging` at last.
        state: String,
        /// When it was begun.
        #[schema(value_type = String, format = DateTime)]
        created_at: Timestamp,
    }
}

row! {
    struct Before {
        before: String,
    }
}

row! {
    struct SwitchedRow {
        session_id: SessionId,
        user_id: UserId,
        tenant_id: TenantId,
        tenant_schema: String,
        role: String,
        expires_at: Timestamp,
    }
}

/// The session a switch made.
#[derive(Clone, Debug)]
pub struct Switched {
    /// The new session.
    pub session: SessionId,
    /// Whose.
    pub user: UserId,
    /// Where.
    pub route: Route,
    /// The role there.
    pub role: String,
    /// When it ends.
    pub expires_at: Timestamp,
}

/// What a switch is recorded with.
#[derive(Clone, Copy, Debug)]
pub struct SwitchRecord<'a> {
    /// The new session's id.
    pub session: SessionId,
    /// The audit row's id.
    pub audit: AuditId,
    /// The request.
    pub request_id: &'a str,
    /// Where it came from.
    pub source_address: &'a str,
}

/// The workspace of the scope.
pub async fn get(tx: &TenantTx) -> Result<Workspace, DbError> {
    tx.one(sql!("workspace/get.sql"), &[]).await
}

/// Begins a suspension: no claim is made from here on. Refused as [`Refusal::WorkspaceState`] where it is not active.
pub async fn suspend_begin(tx: &TenantTx) -> Result<(), DbError> {
    tx.rows(sql!("workspace/suspend_begin.sql"), &[]).await.map(drop)
}

/// Ends a suspension. Refused as [`Refusal::WorkspaceState`] where there is none, as [`Refusal::OperationOpen`] while an
/// operation is at work.
pub async fn reactivate(tx: &TenantTx) -> Result<(), DbError> {
    tx.rows(sql!("workspace/reactivate.sql"), &[]).await.map(drop)
}

/// A page of its sandboxes, newest first.
pub async fn sandboxes(tx: &TenantTx, page: Page) -> Result<Vec<Sandbox>, DbError> {
    let limit = i32::try_from(page.limit).unwrap_or(i32::MAX);
    tx.all(sql!("workspace/sandboxes.sql"), &[&page.before, &limit]).await
}

/// Begins a deletion's grace, and says the state before it. Refused as [`Refusal::WorkspaceName`] where the name is another's,
/// as [`Refusal::OperationOpen`] while something else is being done, as [`Refusal::WorkspaceState`] in other states, as
/// [`Refusal::HasSandboxes`] while it has some.
pub async fn deletion_begin(tx: &TenantTx, name: &str) -> Result<String, DbError> {
    tx.one::<Before>(sql!("workspace/deletion_begin.sql"), &[&name]).await.map(|row| row.before)
}

/// Takes a deletion back. Refused as [`Refusal::OperationOpen`] once its grace is over.
pub async fn deletion_undo(tx: &TenantTx) -> Result<(), DbError> {
    tx.rows(sql!("workspace/deletion_undo.sql"), &[]).await.map(drop)
}

/// Every workspace of the session's person.
pub async fn of_person(tx: &TenantTx, session: SessionId) -> Result<Vec<OwnWorkspace>, DbError> {
    tx.all(sql!("workspace/others.sql"), &[&session]).await
}

/// Every workspace that somebody has in a database, and the commit: of another database than that of their session, which says who
/// they are.
pub async fn of_member(tx: SystemTx, who: &Member) -> Result<Vec<OwnWorkspace>, DbError> {
    let params: [&dyn Param; 3] = [&PROVIDER, &who.directory_id, &who.object_id];
    let rows = tx.last(sql!("system_portal/workspaces_of_person.sql"), &params).await?;
    rows.iter().map(OwnWorkspace::from_row).collect()
}

/// Moves a session's person to another of their workspaces, and commits. A foreign workspace is absent.
pub async fn switch(
    tx: SystemTx,
    from: SessionId,
    to: TenantId,
    new: SwitchRecord<'_>,
) -> Result<Switched, DbError> {
    let params: [&dyn Param; 6] =
        [&from, &to, &new.session, &new.audit, &new.request_id, &new.source_address];
    let rows = tx.last(sql!("system_portal/switch_session.sql"), &params).await?;
    let row = rows.first().map(FromRow::from_row).transpose()?;
    let row: SwitchedRow = row.ok_or(DbError::Refused(Refusal::Absent))?;
    let schema: SchemaName = row.tenant_schema.parse().map_err(|_| DbError::Refused(Refusal::Absent))?;
    Ok(Switched {
        session: row.session_id,
        user: row.user_id,
        route: Route { tenant: row.tenant_id, schema },
        role: row.role,
        expires_at: row.expires_at,
    })
}
