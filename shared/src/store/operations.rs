//! Operations on a workspace: asked for and seen in its scope, worked by the steward.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Page;
use crate::{
    db::{FromRow, Row, SystemTx, TenantTx},
    error::DbError,
    model::{
        ids::{OperationId, TenantId, UserId},
        operation::{OperationKind, OperationState},
        tenant::Route,
    },
    sql,
};

row! {
    /// An operation, as its workspace sees it.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    pub struct Operation {
        /// Its id.
        id: OperationId,
        /// `suspend`, …
        kind: String,
        /// `pending`, `running`, `succeeded`, `failed` or `cancelled`.
        state: String,
        /// The step that comes next.
        step: String,
        /// What was asked for.
        request: Value,
        /// What the steps so far have found or made.
        progress: Value,
        /// What it came to.
        result: Option<Value>,
        /// Why it failed.
        error: Option<String>,
        /// Who asked.
        requested_by: Option<UserId>,
        /// Not worked on before this instant.
        #[schema(value_type = String, format = DateTime)]
        not_before: Timestamp,
        /// When it was asked for.
        #[schema(value_type = String, format = DateTime)]
        created_at: Timestamp,
        /// When the steward began.
        #[schema(value_type = Option<String>, format = DateTime)]
        started_at: Option<Timestamp>,
        /// When it ended.
        #[schema(value_type = Option<String>, format = DateTime)]
        finished_at: Option<Timestamp>,
    }
}

row! {
    struct Answer {
        yes: bool,
    }
}

/// An operation to ask for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Its id.
    pub id: OperationId,
    /// Its kind.
    pub kind: OperationKind,
    /// What its steps need to know; no secret.
    pub request: Value,
    /// Who asks.
    pub by: UserId,
    /// Not before this instant; at once where none.
    pub not_before: Option<Timestamp>,
}

/// Asks for an operation. Refused as [`crate::error::Refusal::OperationOpen`] where another one has to end first.
pub async fn ask(tx: &TenantTx, ask: &Ask) -> Result<(), DbError> {
    let (kind, exclusive) = (ask.kind.as_str(), ask.kind.is_exclusive());
    tx.rows(sql!("operations/ask.sql"), &[&ask.id, &kind, &exclusive, &ask.request, &ask.by, &ask.not_before])
        .await
        .map(drop)
}

/// A page of operations, and the commit; of one kind where it is given.
pub async fn list(tx: TenantTx, kind: Option<OperationKind>, page: Page) -> Result<Vec<Operation>, DbError> {
    let limit = i32::try_from(page.limit).unwrap_or(i32::MAX);
    let kind = kind.map(|kind| kind.as_str().to_owned());
    super::last(tx, sql!("operations/list.sql"), &[&kind, &None::<Uuid>, &page.before, &limit]).await
}

/// One operation; of one kind where it is given.
pub async fn read(tx: &TenantTx, kind: Option<OperationKind>, id: OperationId) -> Result<Operation, DbError> {
    let kind = kind.map(|kind| kind.as_str().to_owned());
    tx.one(sql!("operations/list.sql"), &[&kind, &Some(id), &None::<Uuid>, &1_i32]).await
}

/// One operation of a kind, or none.
pub async fn find(tx: &TenantTx, kind: OperationKind, id: OperationId) -> Result<Option<Operation>, DbError> {
    let kind = Some(kind.as_str().to_owned());
    tx.optional(sql!("operations/list.sql"), &[&kind, &Some(id), &None::<Uuid>, &1_i32]).await
}

/// The newest operation of a kind, or none.
pub async fn newest(tx: &TenantTx, kind: OperationKind) -> Result<Option<Operation>, DbError> {
    let kind = Some(kind.as_str().to_owned());
    tx.optional(sql!("operations/list.sql"), &[&kind, &None::<Uuid>, &Uuid::max(), &1_i32]).await
}

/// Cancels an export, a backup or a restore; whether anything changed. Refused as [`crate::error::Refusal::OperationEnded`] once it is over, as
/// [`crate::error::Refusal::NotCancellable`] where it is of another kind or the workspace that it makes is there.
pub async fn cancel(tx: &TenantTx, id: OperationId) -> Result<bool, DbError> {
    Ok(tx.one::<Answer>(sql!("operations/cancel.sql"), &[&id]).await?.yes)
}

/// An operation that the steward plans by itself.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Its id.
    pub id: OperationId,
    /// The workspace.
    pub tenant: TenantId,
    /// Its kind.
    pub kind: OperationKind,
    /// What its steps need to know.
    pub request: Value,
    /// From now.
    pub in_hours: i32,
}

/// An operation that the steward has taken on, under an epoch.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its id.
    pub id: OperationId,
    /// The workspace.
    pub route: Route,
    /// Its kind.
    pub kind: OperationKind,
    /// The step that comes next.
    pub step: String,
    /// What was asked for.
    pub request: Value,
    /// What the steps so far have left.
    pub progress: Value,
    /// Of this claim.
    pub epoch: i32,
    /// How often this step has failed so far.
    pub failures: i32,
    /// How often whoever was at it neither ended nor failed it.
    pub abandoned: i32,
    /// Who asked.
    pub requested_by: Option<UserId>,
}

impl FromRow for Taken {
    fn from_row(row: &Row) -> Result<Self, DbError> {
        let defect = |what: &str| DbError::Defect(format!("an operation's {what} cannot be read").into());
        let kind: String = row.try_get("kind")?;
        let schema: String = row.try_get("schema_name")?;
        let tenant: TenantId = row.try_get("tenant_id")?;
        Ok(Self {
            id: row.try_get("id")?,
            route: Route { tenant, schema: schema.parse().map_err(|_| defect("schema"))? },
            kind: kind.parse().map_err(|_| defect("kind"))?,
            step: row.try_get("step")?,
            request: row.try_get("request")?,
            progress: row.try_get("progress")?,
            epoch: row.try_get("epoch")?,
            failures: row.try_get("failures")?,
            abandoned: row.try_get("abandoned")?,
            requested_by: row.try_get("requested_by")?,
        })
    }
}

/// For how many seconds an operation is taken on.
#[derive(Clone, Copy, Debug)]
pub struct Leases {
    /// As a rule.
    pub usual_s: i32,
    /// The steps of a move that have to be taken over sooner, should whoever takes them be killed.
    pub pressing: &'static [&'static str],
    /// For those.
    pub pressing_s: i32,
}

/// Takes on the operation that has waited longest, under a lease. Commits with the claim.
pub async fn take(tx: SystemTx, leases: Leases) -> Result<Option<Taken>, DbError> {
    let Leases { usual_s, pressing, pressing_s } = leases;
    let rows = tx.last(sql!("system/take_operation.sql"), &[&usual_s, &pressing, &pressing_s]).await?;
    rows.first().map(Taken::from_row).transpose()
}

/// What is recorded once a step is done.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// The step that comes next.
    pub next: &'a str,
    /// What the steps so far have left for it.
    pub progress: &'a Value,
    /// How long to wait before it, in seconds; without a wait the lease is renewed.
    pub wait_s: i32,
    /// The lease, in seconds.
    pub lease_s: i32,
}

/// Records that the step which was taken is done: nothing where another one is recorded already.
pub async fn step(tx: &SystemTx, of: &Taken, record: Record<'_>) -> Result<(), DbError> {
    let Record { next, progress, wait_s, lease_s } = record;
    let step = of.step.as_str();
    let params: [&dyn crate::db::Param; 7] = [&of.id, &of.epoch, &step, &next, progress, &wait_s, &lease_s];
    tx.execute_one("operations/step", sql!("system/step_operation.sql"), &params).await
}

/// Makes sure that the operation still is this steward's, at this step, and nobody else's until the transaction ends: for what
/// another one must not undo or do at the same time.
pub async fn hold(tx: &SystemTx, of: &Taken) -> Result<(), DbError> {
    let held = tx.rows(sql!("system/hold_operation.sql"), &[&of.id, &of.epoch, &of.step]).await?.len();
    is_one("operations/hold", held)
}

/// Looks whether the operation still is this steward's; [`DbError::Moved`] where it is not.
pub async fn look(tx: SystemTx, of: &Taken) -> Result<(), DbError> {
    let held = tx.last(sql!("system/look_at_operation.sql"), &[&of.id, &of.epoch]).await?.len();
    is_one("operations/look", held)
}

fn is_one(statement: &'static str, held: usize) -> Result<(), DbError> {
    let moved = u64::try_from(held).unwrap_or_default();
    if moved == 1 { Ok(()) } else { Err(DbError::Moved { statement, expected: 1, moved }) }
}

/// Ends an operation.
pub async fn finish(
    tx: &SystemTx,
    of: &Taken,
    state: OperationState,
    result: Option<Value>,
    error: Option<String>,
) -> Result<(), DbError> {
    let state = match state {
        OperationState::Succeeded => "succeeded",
        OperationState::Cancelled => "cancelled",
        _ => "failed",
    };
    let params: [&dyn crate::db::Param; 5] = [&of.id, &of.epoch, &state, &result, &error];
    tx.execute_one("operations/finish", sql!("system/finish_operation.sql"), &params).await
}

/// Plans an operation that nobody asked for, in so many hours. Planned once: the same id again changes nothing.
pub async fn plan(tx: &SystemTx, plan: &Plan) -> Result<(), DbError> {
    let kind = plan.kind.as_str();
    let params: [&dyn crate::db::Param; 5] = [&plan.id, &plan.tenant, &kind, &plan.request, &plan.in_hours];
    tx.execute(sql!("system/plan_operation.sql"), &params).await.map(drop)
}

/// Notes at the operation that made an archive that the archive is gone; false where that was noted before.
pub async fn mark_purged(tx: &SystemTx, tenant: TenantId, id: OperationId) -> Result<bool, DbError> {
    tx.rows(sql!("system/hold_place_of.sql"), &[&tenant]).await?;
    Ok(tx.execute(sql!("system/mark_purged.sql"), &[&id, &tenant]).await? == 1)
}

/// Puts a step that failed off, longer each time, or by a second where it is pressing.
pub async fn put_off(tx: SystemTx, of: &Taken, is_pressing: bool) -> Result<(), DbError> {
    tx.last(sql!("system/put_off_operation.sql"), &[&of.id, &of.epoch, &is_pressing]).await.map(drop)
}

/// In how many seconds the next operation is due; none where there is none.
pub async fn next_in(tx: SystemTx) -> Result<Option<i64>, DbError> {
    let rows = tx.last(sql!("system/next_operation.sql"), &[]).await?;
    rows.first().map_or(Ok(None), |row| Ok(row.try_get("in_s")?))
}
