//! The workspace itself: its state, and what is done to it as a whole. What takes several steps is an operation, worked by the
//! steward; these routes ask for it, show it and take it back.

mod deletion;

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    engine::{self, Missed},
    model::{
        ids::{Id, OperationId},
        operation::OperationKind,
        role::Permission::{WorkspaceRead, WorkspaceWrite},
        tenant::TenantState,
    },
    store::{
        isolation::{self, Evidence},
        operations::{self, Ask, Operation},
        workspace::{self, Sandbox, Workspace},
    },
};
use utoipa::{IntoParams, ToSchema};

use super::{
    Nothing,
    exports::READABLE,
    lists::{Cursor, Limit, List, Plain},
};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::Answered,
    reply::{Accepted, Found},
    route::{Route, get, post},
    work::{Change, Work},
};

/// Which operations to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
struct Which {
    /// Only of this kind.
    #[param(inline)]
    kind: Option<OperationKind>,
    /// How many items at most.
    #[serde(default)]
    #[param(value_type = Option<i64>, minimum = 1, maximum = 200, default = 50)]
    limit: Limit,
    /// `next_cursor` of the page before.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor>,
}

/// How to suspend.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = SuspensionBody)]
struct Suspension {
    /// What becomes of external runs.
    #[serde(default)]
    running: Running,
}

/// What becomes of external runs that are under way.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Running {
    /// They go on to their end.
    #[default]
    Drain,
    /// They are asked to stop.
    Cancel,
}

/// A workspace that is active again.
#[derive(Debug, Serialize, ToSchema)]
struct Reactivated {
    #[serde(flatten)]
    workspace: Workspace,
    /// What its schedules have missed: of each the earliest slot runs late, the others do not.
    missed: Vec<Missed>,
}

pub(super) fn routes() -> Vec<Route> {
    let mut routes = vec![
        get("/workspace", "workspace.get", "The workspace and its state", show).needs(WorkspaceRead),
        post(
            "/workspace/suspend",
            "workspace.suspend",
            "Suspends the workspace: nothing starts any more",
            suspend,
        )
        .needs(WorkspaceWrite),
        post("/workspace/reactivate", "workspace.reactivate", "Ends a suspension", reactivate)
            .needs(WorkspaceWrite),
        get(
            "/workspace/isolation",
            "isolation.get",
            "What the last attempts to reach this workspace from others came to",
            evidence,
        )
        .needs(WorkspaceRead),
        get("/workspace/sandboxes", "sandboxes.list", "The workspace's sandboxes", sandboxes)
            .needs(WorkspaceRead),
        get("/workspace/operations", "operations.list", "What was and is done to the workspace", list)
            .needs(WorkspaceRead),
        get("/workspace/operations/{id}", "operations.get", "One of these operations", operation)
            .needs(WorkspaceRead),
        post(
            "/workspace/operations/{id}/cancel",
            "operations.cancel",
            "Cancels an export, a backup or a restore: what it has made is removed",
            cancel,
        )
        .needs(WorkspaceWrite),
    ];
    routes.extend(deletion::routes());
    routes
}

async fn show(caller: Caller) -> Answered<Found<Workspace>> {
    let tx = caller.read().await?;
    Ok(Found::of(&workspace::get(&tx).await?))
}

async fn suspend(caller: Caller, Body(how): Body<Suspension>) -> Answered<Accepted<Operation>> {
    let work = caller.write().await?;
    workspace::suspend_begin(&work).await?;
    let id: OperationId = caller.app.clock.new_id();
    let request = json!({ "running": how.running });
    let ask = Ask { id, kind: OperationKind::Suspend, request, by: work.user(), not_before: None };
    operations::ask(&work, &ask).await?;
    let answer = accepted(&work, id).await?;
    let change = Change::new("workspace.suspend", caller.principal.tenant_id.uuid());
    work.calling_the_steward().commit(change, answer).await
}

/// The operation that was just asked for, and where it is.
async fn accepted(work: &Work, id: OperationId) -> Answered<Accepted<Operation>> {
    let operation = operations::read(work, None, id).await?;
    Ok(Accepted::of(&operation).header("location", &format!("/api/v1/workspace/operations/{id}")))
}

async fn reactivate(caller: Caller, Body(_): Body<Nothing>) -> Answered<Found<Reactivated>> {
    let work = caller.write_while(&[TenantState::Suspended, TenantState::Suspending]).await?;
    workspace::reactivate(&work).await?;
    let missed = engine::record_missed(work.within()).await?;
    let workspace = workspace::get(&work).await?;
    let change = Change::new("workspace.reactivate", caller.principal.tenant_id.uuid());
    work.commit(change, Found::of(&Reactivated { workspace, missed })).await
}

async fn evidence(caller: Caller) -> Answered<Found<Evidence>> {
    Ok(Found::of(&isolation::of_workspace(caller.read().await?.into_tx()).await?))
}

async fn sandboxes(caller: Caller, Query(which): Query<Plain>) -> Answered<Found<List<Sandbox>>> {
    let page = which.page();
    let rows = workspace::sandboxes(&*caller.read().await?, page).await?;
    Ok(Found::of(&List::of(rows, page, |sandbox| sandbox.id, |sandbox| sandbox)))
}

async fn list(caller: Caller, Query(which): Query<Which>) -> Answered<Found<List<Operation>>> {
    let page = which.limit.page(which.cursor);
    let rows = operations::list(caller.read().await?.into_tx(), which.kind, page).await?;
    Ok(Found::of(&List::of(rows, page, |o| o.id, |o| o)))
}

async fn operation(caller: Caller, Path(id): Path<OperationId>) -> Answered<Found<Operation>> {
    let tx = caller.read().await?;
    Ok(Found::of(&operations::read(&tx, None, id).await?))
}

/// Cancelled at once where it has not begun; else the steward takes it back.
async fn cancel(
    caller: Caller,
    Path(id): Path<OperationId>,
    Body(_): Body<Nothing>,
) -> Answered<Accepted<Operation>> {
    let work = caller.write_while(READABLE).await?;
    let before = operations::read(&work, None, id).await?;
    caller.check_unchanged(&before)?;
    operations::cancel(&work, id).await?;
    let answer = accepted(&work, id).await?;
    let change = Change::new("operation.cancel", id.uuid()).before(&before);
    work.calling_the_steward().commit(change, answer).await
}
