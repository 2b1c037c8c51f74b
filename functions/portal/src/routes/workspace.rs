//! The workspace itself: its state, and what is done to it as a whole. What takes several steps is an operation, worked by the
//! steward; these routes ask for it, show it and take it back.

use serde::Deserialize;
use serde_json::json;
use shared::{
    model::{
        ids::{Id, OperationId},
        operation::OperationKind,
        role::Permission::{WorkspaceRead, WorkspaceWrite},
        tenant::TenantState,
    },
    store::{
        operations::{self, Ask, Operation},
        workspace::{self, Workspace},
    },
};
use utoipa::IntoParams;

use super::{
    Nothing,
    lists::{Cursor, Limit, List},
};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::Answered,
    reply::{Accepted, Found},
    route::{Route, get, post},
    work::Change,
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

pub(super) fn routes() -> Vec<Route> {
    vec![
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
        get("/workspace/operations", "operations.list", "What was and is done to the workspace", list)
            .needs(WorkspaceRead),
        get("/workspace/operations/{id}", "operations.get", "One of these operations", operation)
            .needs(WorkspaceRead),
    ]
}

async fn show(caller: Caller) -> Answered<Found<Workspace>> {
    let tx = caller.read().await?;
    Ok(Found::of(&workspace::get(&tx).await?))
}

async fn suspend(caller: Caller, Body(_): Body<Nothing>) -> Answered<Accepted<Operation>> {
    let work = caller.write().await?;
    workspace::suspend_begin(&work).await?;
    let id: OperationId = caller.app.clock.new_id();
    let request = json!({});
    let ask = Ask { id, kind: OperationKind::Suspend, request, by: work.user(), not_before: None };
    operations::ask(&work, &ask).await?;
    let operation = operations::read(&work, None, id).await?;
    let answer = Accepted::of(&operation).header("location", &format!("/api/v1/workspace/operations/{id}"));
    let change = Change::new("workspace.suspend", caller.principal.tenant_id.uuid());
    work.calling_the_steward().commit(change, answer).await
}

async fn reactivate(caller: Caller, Body(_): Body<Nothing>) -> Answered<Found<Workspace>> {
    let work = caller.write_while(&[TenantState::Suspended, TenantState::Suspending]).await?;
    workspace::reactivate(&work).await?;
    let workspace = workspace::get(&work).await?;
    let change = Change::new("workspace.reactivate", caller.principal.tenant_id.uuid());
    work.commit(change, Found::of(&workspace)).await
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
