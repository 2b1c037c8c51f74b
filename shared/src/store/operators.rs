//! Platform operators: sessions, grants, the overview and the operators' own audit log. Each function here is one
//! access; its audit row is written by the same system function that answers, in the same transaction. What is inside a
//! workspace is read through an operator's scope ([`Look`]).

mod sessions;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use uuid::Uuid;

use super::{Page, sign_in::Source};
use crate::{
    auth::Operator,
    db::{FromRow, Param, Scope, SystemTx},
    error::{DbError, Refusal},
    model::{
        ids::{AuditId, GrantId, OperatorId, TenantId},
        tenant::{Route, SchemaName},
    },
    sql,
};

pub use sessions::{Begun, begin_in, end_sessions, open_grants, sign_in, sign_out};

row! {
    /// Who is asking.
    #[derive(Clone, Debug, Serialize)]
    pub struct Myself {
        /// Their id, as customers see it in their audit logs.
        id: OperatorId,
        /// Their name.
        name: String,
        /// When their session ends.
        session_expires_at: Timestamp,
    }
}

row! {
    /// A grant.
    #[derive(Clone, Debug, Serialize)]
    pub struct Grant {
        /// Its id.
        id: GrantId,
        /// The workspace it opens.
        workspace_id: TenantId,
        /// The customer's name.
        workspace_name: String,
        /// Why.
        reason: String,
        /// For which ticket.
        ticket: String,
        /// For how long.
        minutes: i32,
        /// Since when.
        opened_at: Timestamp,
        /// When it ends by itself.
        expires_at: Timestamp,
        /// When it was closed before that.
        closed_at: Option<Timestamp>,
    }
}

row! {
    /// An entry of the operators' own log.
    #[derive(Clone, Debug, Serialize)]
    pub struct Entry {
        /// Its id; the row in the workspace's own log has the same.
        id: AuditId,
        /// When.
        at: Timestamp,
        /// Who.
        operator_id: OperatorId,
        /// Their name then.
        operator_name: String,
        /// What was done: `runs.list`.
        action: String,
        /// The workspace that was named.
        workspace_id: Option<TenantId>,
        /// The grant under which.
        grant_id: Option<GrantId>,
        /// To what kind of thing.
        target_kind: String,
        /// To which.
        target_id: Option<Uuid>,
        /// Reason and ticket.
        detail: Value,
        /// The request that did it.
        request_id: String,
        /// Where that came from.
        source_address: String,
    }
}

row! {
    struct Place {
        schema_name: String,
    }
}

/// What a grant is asked for with. Checked by the caller; the database holds the same limits.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    /// The workspace.
    pub tenant: TenantId,
    /// Why.
    pub reason: &'a str,
    /// For which ticket.
    pub ticket: &'a str,
    /// For how long.
    pub minutes: i32,
}

/// An access under way: who, and what its audit row says of the request.
#[derive(Clone, Debug)]
pub struct Access {
    /// Who.
    pub operator: Operator,
    /// The row's id, in both logs.
    pub audit: AuditId,
    /// The request.
    pub source: Source,
}

/// What an operator looks at inside a workspace.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// The workspace.
    pub tenant: TenantId,
    /// The operation: `runs.list`.
    pub action: &'static str,
    /// The kind of thing.
    pub target_kind: &'static str,
    /// Which one.
    pub target: Option<Uuid>,
}

/// Notes an access that reads nothing of any workspace, and commits.
pub async fn note(tx: SystemTx, access: &Access, action: &'static str) -> Result<Myself, DbError> {
    let Access { operator, audit, source } = access;
    let params: [&dyn Param; 6] =
        [&operator.session_id, &operator.operator_id, &action, audit, &source.request_id, &source.address];
    first(tx, sql!("system_operators/note.sql"), &params).await
}

/// Opens a grant and commits. Refuses with `Absent`, `GrantOpen` and `TooManyGrants`.
pub async fn open_grant(
    tx: SystemTx,
    access: &Access,
    id: GrantId,
    asked: Asked<'_>,
) -> Result<Grant, DbError> {
    let Access { operator, audit, source } = access;
    let params: [&dyn Param; 10] = [
        &operator.session_id,
        &operator.operator_id,
        &asked.tenant,
        &id,
        &asked.reason,
        &asked.ticket,
        &asked.minutes,
        audit,
        &source.request_id,
        &source.address,
    ];
    first(tx, sql!("system_operators/grant.sql"), &params).await
}

/// Ends a grant of one's own, and commits. One that has ended stays as it ended.
pub async fn close_grant(tx: SystemTx, access: &Access, id: GrantId) -> Result<Grant, DbError> {
    let Access { operator, audit, source } = access;
    let params: [&dyn Param; 6] =
        [&operator.session_id, &operator.operator_id, &id, audit, &source.request_id, &source.address];
    first(tx, sql!("system_operators/grant_close.sql"), &params).await
}

/// A page of one's own grants, newest first, and the commit.
pub async fn grants(tx: SystemTx, access: &Access, page: Page) -> Result<Vec<Grant>, DbError> {
    paged(tx, sql!("system_operators/grants.sql"), access, page.before, page.limit).await
}

/// A page of the operators' own log, of one workspace or all, newest first, and the commit.
pub async fn audit(
    tx: SystemTx,
    access: &Access,
    page: Page,
    of: Option<TenantId>,
) -> Result<Vec<Entry>, DbError> {
    let Access { operator, audit, source } = access;
    let params: [&dyn Param; 8] = [
        &operator.session_id,
        &operator.operator_id,
        &page.before,
        &page.limit,
        &of,
        audit,
        &source.request_id,
        &source.address,
    ];
    tx.last(sql!("system_operators/audit.sql"), &params).await?.iter().map(Entry::from_row).collect()
}

/// Notes that an operator is about to look into a workspace, commits, and gives the scope of the look. `NoGrant` without a
/// grant, whether or not there is such a workspace.
pub async fn look(tx: SystemTx, access: &Access, look: Look) -> Result<Scope, DbError> {
    let Access { operator, audit, source } = access;
    let params: [&dyn Param; 9] = [
        &operator.session_id,
        &operator.operator_id,
        &look.tenant,
        &look.action,
        &look.target_kind,
        &look.target,
        audit,
        &source.request_id,
        &source.address,
    ];
    let place: Place = first(tx, sql!("system_operators/look.sql"), &params).await?;
    let schema: SchemaName = place.schema_name.parse().map_err(|error| DbError::Defect(Box::new(error)))?;
    let route = Route { tenant: look.tenant, schema };
    Ok(Scope::Operator { session: operator.session_id, operator: operator.operator_id, route })
}

/// A page of a list that goes by one id, and the commit.
pub(super) async fn paged<T: FromRow>(
    tx: SystemTx,
    sql: &'static str,
    access: &Access,
    at: Uuid,
    limit: i64,
) -> Result<Vec<T>, DbError> {
    let Access { operator, audit, source } = access;
    let params: [&dyn Param; 7] = [
        &operator.session_id,
        &operator.operator_id,
        &at,
        &limit,
        audit,
        &source.request_id,
        &source.address,
    ];
    tx.last(sql, &params).await?.iter().map(T::from_row).collect()
}

/// The one row of a system function, and the commit; none is absent.
pub(super) async fn first<T: FromRow>(
    tx: SystemTx,
    sql: &'static str,
    params: &[&dyn Param],
) -> Result<T, DbError> {
    let rows = tx.last(sql, params).await?;
    rows.first().map(T::from_row).transpose()?.ok_or(DbError::Refused(Refusal::Absent))
}
