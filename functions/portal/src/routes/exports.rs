//! Exports: everything that is held for the workspace, asked for here, written by the steward, handed out part by part. And the
//! public keys that its manifest, like every other thing the steward signs, can be checked with.

use http::StatusCode;
use serde::Serialize;
use serde_json::json;
use shared::{
    archive::{ArchiveKind, Shelf},
    error::BoxError,
    model::{
        ids::{Id, OperationId},
        limit::Limit,
        operation::OperationKind,
        role::Permission::{WorkspaceRead, WorkspaceWrite},
        tenant::TenantState,
    },
    signing::{PublicKey, Signing},
    store::{
        operations::{self, Ask, Operation},
        roots,
    },
};
use utoipa::ToSchema;

use super::{
    Nothing,
    lists::{List, Plain},
};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::{Answered, Fault},
    reply::{Accepted, Download, Found},
    route::{Route, get, post},
    work::Change,
};

/// What is held can be taken along in every state in which anybody may enter.
pub(super) const READABLE: &[TenantState] =
    &[TenantState::Active, TenantState::Suspending, TenantState::Suspended, TenantState::Deleting];

/// The keys of our signatures.
#[derive(Debug, Serialize, ToSchema)]
struct SigningKeys {
    /// Every key that something may be signed with, oldest first.
    keys: Vec<PublicKey>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        post("/workspace/exports", "exports.create", "Asks for an export of everything held here", ask)
            .needs(WorkspaceWrite),
        get("/workspace/exports", "exports.list", "The exports", list).needs(WorkspaceRead),
        get("/workspace/exports/{id}", "exports.get", "One export, and how far it is", show)
            .needs(WorkspaceRead),
        get(
            "/workspace/exports/{id}/files/{name}",
            "exports.file",
            "A file of an export: `manifest.json` lists them, `manifest.sig` signs that",
            file,
        )
        .needs(WorkspaceWrite)
        .recorded("export.read"),
        get("/workspace/signing-keys", "signing_keys.list", "The public keys of our signatures", keys)
            .signed_in(),
    ]
}

async fn ask(caller: Caller, Body(_): Body<Nothing>) -> Answered<Accepted<Operation>> {
    let work = caller.write_while(READABLE).await?;
    work.hold(Limit::Exports).await?;
    let id: OperationId = caller.app.clock.new_id();
    let ask = Ask { id, kind: OperationKind::Export, request: json!({}), by: work.user(), not_before: None };
    operations::ask(&work, &ask).await?;
    let operation = operations::read(&work, None, id).await?;
    let answer = Accepted::of(&operation).header("location", &format!("/api/v1/workspace/exports/{id}"));
    work.calling_the_steward().commit(Change::new("export.create", id.uuid()), answer).await
}

async fn list(caller: Caller, Query(which): Query<Plain>) -> Answered<Found<List<Operation>>> {
    let page = which.page();
    let tx = caller.read().await?.into_tx();
    let rows = operations::list(tx, Some(OperationKind::Export), page).await?;
    Ok(Found::of(&List::of(rows, page, |o| o.id, |o| o)))
}

async fn show(caller: Caller, Path(id): Path<OperationId>) -> Answered<Found<Operation>> {
    let tx = caller.read().await?;
    Ok(Found::of(&operations::read(&tx, Some(OperationKind::Export), id).await?))
}

/// Recorded like a change: whoever reads it has everything.
async fn file(caller: Caller, Path(id): Path<OperationId>, Path(name): Path<String>) -> Answered<Download> {
    let held = caller.enter().await?;
    let export = operations::read(&held, Some(OperationKind::Export), id).await?;
    held.into_tx().rollback().await?;
    let is_kept = export.result.as_ref().is_some_and(|result| result["purged_at"].is_null());
    if export.state != "succeeded" || !is_kept || !is_name(&name) {
        return Err(Fault::not_found().into());
    }
    // The store is asked outside of any transaction; what is handed out is recorded in one that looks again who asks.
    let shelf = Shelf { tenant: caller.principal.tenant_id, kind: ArchiveKind::Export, id };
    let bytes = caller.app.archive.get(shelf, &name).await.map_err(unavailable)?;
    let bytes = bytes.ok_or_else(Fault::not_found)?;
    let work = caller.write_while(READABLE).await?;
    work.now().await?;
    work.commit(Change::new("export.read", id.uuid()).after(&name), Download::of(bytes)).await.map(Download)
}

async fn keys(caller: Caller) -> Answered<Found<SigningKeys>> {
    let held = caller.read().await?;
    let seen = roots::signing_keys(&held).await?;
    let mut keys: Vec<PublicKey> =
        seen.into_iter().map(|key| PublicKey::of(key.key_id, key.public_key)).collect();
    // The steward may not have looked since the root key got a version.
    let ours = Signing::new(caller.app.root.ring()).public_keys().map_err(unavailable)?;
    keys.extend(
        ours.into_iter().filter(|key| !keys.iter().any(|seen| seen.id == key.id)).collect::<Vec<_>>(),
    );
    Ok(Found::of(&SigningKeys { keys }))
}

fn unavailable(cause: impl Into<BoxError>) -> Fault {
    let detail = "What was asked for cannot be read at the moment. Try again in a few seconds.";
    Fault::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", detail).because(cause)
}

/// Whether an export can have a file of this name.
fn is_name(name: &str) -> bool {
    let plain = |text: &str| {
        !text.is_empty() && text.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
    };
    matches!(name, "manifest.json" | "manifest.sig") || name.strip_suffix(".jsonl").is_some_and(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_the_steward_writes_are_looked_for() {
        for name in ["manifest.json", "manifest.sig", "task_runs-0012.jsonl"] {
            assert!(is_name(name), "{name}");
        }
        for name in [
            "",
            ".jsonl",
            "..",
            "../backup/x.jsonl",
            "a/b.jsonl",
            "A.jsonl",
            "a.jsonl\0",
            "%2e.jsonl",
            "manifest",
        ] {
            assert!(!is_name(name), "{name}");
        }
    }
}
