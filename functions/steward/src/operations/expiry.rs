//! The end of an export or a backup: planned when it is made, asked for when somebody deletes it, done once.

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    archive::{ArchiveKind, Shelf, manifest::Manifest},
    db::{SystemRole, SystemTx},
    model::{ids::OperationId, operation::OperationKind},
    store::{
        audit,
        operations::{self, Plan, Taken},
        rotations,
    },
};

use super::Next;
use crate::Steward;

pub(super) async fn step(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let kind = match taken.request["kind"].as_str() {
        Some("export") => ArchiveKind::Export,
        Some("backup") => ArchiveKind::Backup,
        _ => return Ok(Next::Refused("it names nothing that is kept".to_owned())),
    };
    let id: OperationId = serde_json::from_value(taken.request["id"].clone())?;
    let objects = steward.archive.remove(Shelf { tenant: taken.route.tenant, kind, id }).await?;
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "mark purged").await?;
    // Who asked for it stands in the log since they asked.
    if operations::mark_purged(&tx, taken.route.tenant, id).await? && taken.requested_by.is_none() {
        let action = if kind == ArchiveKind::Backup { "backup.delete" } else { "export.delete" };
        let (audit, detail) = (steward.clock.new_id(), json!({ "expired": true, "operation_id": id }));
        audit::insert_platform(&tx, taken.route.tenant, audit, action, &detail).await?;
    }
    tx.commit().await?;
    if kind == ArchiveKind::Backup {
        // It may have been the last that needed an older version of the keys.
        let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "retire keys").await?;
        rotations::retire_keys(&tx, taken.route.tenant, steward.clock.new_id()).await?;
        tx.commit().await?;
    }
    Ok(Next::Done(json!({ "objects": objects })))
}

/// What the step that plans the end needs: the id that the end will have, and what was made.
pub(super) fn planned(steward: &Steward, manifest: &Manifest) -> Value {
    let expiry: OperationId = steward.clock.new_id();
    json!({
        "expiry": expiry, "at": manifest.at, "rows": manifest.rows, "schema_version": manifest.schema_version,
        "files": manifest.files.len(), "bytes": manifest.files.iter().map(|file| file.bytes).sum::<u64>(),
    })
}

/// Plans the end of what this operation has made; gives what the operation came to.
pub(super) async fn plan(steward: &Steward, taken: &Taken, days: i32) -> Result<Value, Error> {
    let mut made = taken.progress.clone();
    let id: OperationId = serde_json::from_value(made["expiry"].take())?;
    let request = json!({ "kind": taken.kind, "id": taken.id });
    let (tenant, kind) = (taken.route.tenant, OperationKind::Expiry);
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "plan expiry").await?;
    operations::plan(&tx, &Plan { id, tenant, kind, request, in_hours: days * 24 }).await?;
    tx.commit().await?;
    if let Some(made) = made.as_object_mut() {
        made.remove("expiry");
        made.insert("kept_days".to_owned(), days.into());
    }
    Ok(made)
}
