//! Backups, restores and rotations of the keys: asked for here, worked by the steward. A backup is never handed out: it opens in its own workspace,
//! and nowhere else.

use serde::{Deserialize, Serialize};
use serde_json::json;
use shared::{
    model::{
        ids::{Id, OperationId},
        limit::Limit,
        operation::OperationKind,
        role::Permission::{WorkspaceRead, WorkspaceWrite},
        tenant::TenantState,
    },
    store::operations::{self, Ask, Operation},
};
use utoipa::ToSchema;

use super::{
    Nothing,
    exports::READABLE,
    lists::{List, Plain},
};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::{Answered, Fault},
    reply::{Accepted, Found},
    route::{Route, delete, get, post},
    work::{Change, Work},
};

/// What a backup becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RestoreInto {
    /// The workspace, in place of what is there. It has to be suspended.
    Replace,
    /// A workspace of its own, in which nothing can start.
    Sandbox,
}

/// A restore.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RestoreBody {
    /// Which backup.
    backup_id: OperationId,
    /// What it becomes.
    into: RestoreInto,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/workspace/backups", "backups.create", "Asks for a backup", ask).needs(WorkspaceWrite),
        get("/workspace/backups", "backups.list", "The backups", list).needs(WorkspaceRead),
        get("/workspace/backups/{id}", "backups.get", "One backup, and how far it is", show)
            .needs(WorkspaceRead),
        delete("/workspace/backups/{id}", "backups.delete", "Asks for a backup's end", remove)
            .needs(WorkspaceWrite),
        post("/workspace/restores", "restores.create", "Asks for a restore", restore).needs(WorkspaceWrite),
        post("/workspace/rotations", "rotations.create", "Asks for a new version of the keys", rotate)
            .needs(WorkspaceWrite),
    ]
}

async fn ask(caller: Caller, Body(_): Body<Nothing>) -> Answered<Accepted<Operation>> {
    let work = caller.write_while(READABLE).await?;
    work.hold(Limit::Backups).await?;
    let id: OperationId = caller.app.clock.new_id();
    let ask = Ask { id, kind: OperationKind::Backup, request: json!({}), by: work.user(), not_before: None };
    asked(work, &ask, Change::new("backup.create", id.uuid())).await
}

async fn list(caller: Caller, Query(which): Query<Plain>) -> Answered<Found<List<Operation>>> {
    let page = which.page();
    let tx = caller.read().await?.into_tx();
    let rows = operations::list(tx, Some(OperationKind::Backup), page).await?;
    Ok(Found::of(&List::of(rows, page, |o| o.id, |o| o)))
}

async fn show(caller: Caller, Path(id): Path<OperationId>) -> Answered<Found<Operation>> {
    let tx = caller.read().await?;
    Ok(Found::of(&operations::read(&tx, Some(OperationKind::Backup), id).await?))
}

async fn remove(caller: Caller, Path(backup): Path<OperationId>) -> Answered<Accepted<Operation>> {
    let work = caller.write_while(READABLE).await?;
    let was = operations::read(&work, Some(OperationKind::Backup), backup).await?;
    caller.check_unchanged(&was)?;
    let id: OperationId = caller.app.clock.new_id();
    let request = json!({ "kind": OperationKind::Backup, "id": backup });
    let ask = Ask { id, kind: OperationKind::Expiry, request, by: work.user(), not_before: None };
    asked(work, &ask, Change::new("backup.delete", backup.uuid())).await
}

async fn restore(caller: Caller, Body(body): Body<RestoreBody>) -> Answered<Accepted<Operation>> {
    let replaces = body.into == RestoreInto::Replace;
    let work = caller.write_while(if replaces { &[TenantState::Suspended] } else { READABLE }).await?;
    let backup = operations::find(&work, OperationKind::Backup, body.backup_id).await?;
    let is_kept = |backup: &Operation| {
        backup.state == "succeeded"
            && backup.result.as_ref().is_some_and(|result| result["purged_at"].is_null())
    };
    if !backup.as_ref().is_some_and(is_kept) {
        return Err(Fault::dangling("/backup_id", "there is no such backup").into());
    }
    if !replaces {
        work.hold(Limit::Sandboxes).await?;
    }
    let id: OperationId = caller.app.clock.new_id();
    let request = json!({ "backup_id": body.backup_id, "into": body.into });
    let ask = Ask { id, kind: OperationKind::Restore, request, by: work.user(), not_before: None };
    asked(work, &ask, Change::new("workspace.restore", body.backup_id.uuid())).await
}

async fn rotate(caller: Caller, Body(_): Body<Nothing>) -> Answered<Accepted<Operation>> {
    let work = caller.write_while(READABLE).await?;
    let id: OperationId = caller.app.clock.new_id();
    let ask =
        Ask { id, kind: OperationKind::Rotation, request: json!({}), by: work.user(), not_before: None };
    asked(work, &ask, Change::new("keys.rotate", id.uuid())).await
}

async fn asked(work: Work, ask: &Ask, change: Change) -> Answered<Accepted<Operation>> {
    operations::ask(&work, ask).await?;
    let operation = operations::read(&work, None, ask.id).await?;
    let answer =
        Accepted::of(&operation).header("location", &format!("/api/v1/workspace/operations/{}", ask.id));
    work.calling_the_steward().commit(change, answer).await
}
