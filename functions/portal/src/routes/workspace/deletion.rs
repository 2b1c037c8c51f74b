//! Deleting the workspace: asked for by its name, taken back while the grace lasts, then worked by the steward.

use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    db::TenantTx,
    engine,
    error::{DbError, Refusal},
    model::{
        Problem,
        ids::{Id, OperationId, UserId},
        operation::OperationKind,
        role::Permission::{WorkspaceRead, WorkspaceWrite},
        tenant::TenantState,
    },
    store::{
        Page,
        operations::{self, Ask, Operation},
        workspace::{self, Sandbox},
    },
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{Reactivated, accepted};
use crate::{
    argument::Body,
    caller::Caller,
    fault::{Answered, Fault},
    reply::{Accepted, Found},
    route::{Route, delete, get, post},
    work::Change,
};

/// The grace where none is asked for: a week.
const GRACE_S: i64 = 7 * 86_400;
/// The longest: 90 days.
const MAX_GRACE_S: i64 = 90 * 86_400;
/// How many sandboxes a refusal names.
const TOLD: i64 = 10;
/// A deletion can be asked for, and is then judged, in each of these.
const STATES: &[TenantState] =
    &[TenantState::Active, TenantState::Suspending, TenantState::Suspended, TenantState::Deleting];

/// What confirms that it is meant.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = DeletionBody)]
struct Confirmation {
    /// The exact name of the workspace.
    #[schema(max_length = 200)]
    name: String,
    /// For how long it may be taken back, in seconds; a week where absent. The installation sets the shortest.
    #[schema(maximum = 7_776_000)]
    grace_s: Option<i64>,
}

/// A deletion that was asked for.
#[derive(Debug, Serialize, ToSchema)]
struct Deletion {
    /// The operation.
    operation_id: OperationId,
    /// `grace` while it may be taken back, then `deleting`.
    state: &'static str,
    /// Until when it may be taken back.
    #[schema(value_type = String, format = DateTime)]
    grace_until: Timestamp,
    /// Who asked.
    requested_by: Option<UserId>,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    requested_at: Timestamp,
}

pub(super) fn routes() -> Vec<Route> {
    let path = "/workspace/deletion";
    vec![
        get(path, "workspace.deletion", "The deletion that was asked for", show).needs(WorkspaceRead),
        post(path, "workspace.delete", "Deletes the workspace once the grace is over", begin)
            .needs(WorkspaceWrite),
        delete(path, "workspace.undelete", "Takes the deletion back while its grace lasts", undo)
            .needs(WorkspaceWrite),
    ]
}

impl Deletion {
    /// The one that is open, if one is.
    async fn open(tx: &TenantTx, now: Timestamp) -> Result<Option<Self>, DbError> {
        let newest = operations::newest(tx, OperationKind::Deletion).await?;
        let open = newest.filter(|operation| operation.finished_at.is_none());
        Ok(open.map(|operation| Self {
            operation_id: operation.id,
            state: if operation.state == "pending" && now < operation.not_before {
                "grace"
            } else {
                "deleting"
            },
            grace_until: operation.not_before,
            requested_by: operation.requested_by,
            requested_at: operation.created_at,
        }))
    }
}

async fn show(caller: Caller) -> Answered<Found<Deletion>> {
    let tx = caller.read().await?;
    let now = tx.open().await?.now;
    let deletion = Deletion::open(&tx, now).await?.ok_or(DbError::Refused(Refusal::Absent))?;
    Ok(Found::of(&deletion))
}

async fn begin(caller: Caller, Body(asked): Body<Confirmation>) -> Answered<Accepted<Operation>> {
    let work = caller.write_while(STATES).await?;
    let now = work.now().await?;
    let grace_s = grace_s(&asked, caller.app.shortest_grace_s)?;
    let sandboxes = workspace::sandboxes(&work, Page { before: Uuid::max(), limit: TOLD + 1 }).await?;
    let before = match workspace::deletion_begin(&work, &asked.name).await {
        Err(DbError::Refused(Refusal::HasSandboxes)) => return Err(has_sandboxes(&sandboxes).into()),
        before => before?,
    };
    let id: OperationId = caller.app.clock.new_id();
    let not_before = Some(now + SignedDuration::from_secs(grace_s));
    let request = json!({ "grace_s": grace_s, "before": before });
    let ask = Ask { id, kind: OperationKind::Deletion, request, by: work.user(), not_before };
    operations::ask(&work, &ask).await?;
    let answer = accepted(&work, id).await?;
    let change = Change::new("workspace.delete", caller.principal.tenant_id.uuid());
    work.calling_the_steward().commit(change, answer).await
}

async fn undo(caller: Caller) -> Answered<Found<Reactivated>> {
    let work = caller.write_while(STATES).await?;
    if let Some(deletion) = Deletion::open(&work, work.now().await?).await? {
        caller.check_unchanged(&deletion)?;
    }
    workspace::deletion_undo(&work).await?;
    let workspace = workspace::get(&work).await?;
    let is_active = workspace.state == "active";
    let missed = if is_active { engine::record_missed(work.within()).await? } else { Vec::new() };
    let change = Change::new("workspace.undelete", caller.principal.tenant_id.uuid());
    work.commit(change, Found::of(&Reactivated { workspace, missed })).await
}

/// 409 with the names of the sandboxes that have to go first.
fn has_sandboxes(sandboxes: &[Sandbox]) -> Fault {
    let told = usize::try_from(TOLD).unwrap_or(usize::MAX);
    let mut names: Vec<String> =
        sandboxes.iter().take(told).map(|sandbox| format!("{} ({})", sandbox.name, sandbox.id)).collect();
    if sandboxes.len() > told {
        names.push("…".to_owned());
    }
    let detail = format!("The sandboxes of this workspace have to be deleted first: {}.", names.join(", "));
    Fault::new(StatusCode::CONFLICT, "has_sandboxes", detail)
}

fn grace_s(asked: &Confirmation, shortest: i64) -> Result<i64, Fault> {
    let grace_s = asked.grace_s.unwrap_or(GRACE_S.max(shortest));
    if (shortest..=MAX_GRACE_S).contains(&grace_s) {
        return Ok(grace_s);
    }
    let message = format!("must be {shortest} to {MAX_GRACE_S} seconds");
    Err(Fault::invalid(vec![Problem::at("/grace_s", message)]))
}
