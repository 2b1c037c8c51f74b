//! The certificate of a deletion: what was there, that nothing is, when, and who asked. It holds no content of the workspace:
//! counts, ids, and a hash of the name by which whoever knows the name can tell that it is meant.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx},
    seal::hex,
    signing::{NoKey, Purpose, Signing},
    store::{
        audit,
        deletion::{self, About, Counts},
        directories, idempotency,
        operations::Taken,
    },
};

use super::super::Next;
use crate::Steward;

/// The form of the certificate.
const VERSION: u8 = 1;
const DAY_S: i64 = 86_400;
/// Until what was left is taken away again.
const AGAIN_AFTER: Duration = Duration::from_secs(2);

/// Counts what is left, has it taken away again where that is anything but nothing, and puts the tombstone.
pub(super) async fn issue(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let tenant = taken.route.tenant;
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "count again").await?;
    let about = deletion::about(&tx, tenant, taken.id).await?;
    let mut after = deletion::count(&tx, tenant, &about).await?;
    tx.commit().await?;
    after.objects = i64::try_from(steward.archive.count(tenant).await?)?;
    if after.left() > 0 {
        tracing::warn!(%tenant, left = %json!(after), "something is left of a workspace; it is taken away again");
        return Ok(Next::Wait("archive", taken.progress.clone(), AGAIN_AFTER));
    }
    let certificate = sealed(write(taken, &about, &after, steward.snapshot_days), &steward.signing())?;
    if let (Some(here), Some(directory)) = (steward.database.name(), about.directory_id) {
        let tx = SystemTx::begin(&steward.database.first(), SystemRole::Owner, "forget elsewhere").await?;
        directories::forget_elsewhere(tx, directory, here).await?;
    }
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "bury").await?;
    deletion::bury(tx, tenant, about.directory_id, &certificate).await?;
    tracing::info!(%tenant, sha256 = certificate["sha256"].as_str(), "a workspace was deleted");
    Ok(Next::Gone)
}

fn write(taken: &Taken, about: &About, after: &Counts, snapshot_days: i64) -> Value {
    let held_until: Option<Timestamp> =
        about.now.checked_add(SignedDuration::from_secs(snapshot_days * DAY_S)).ok();
    let at = |instant: Option<Timestamp>| instant.map(|instant| instant.to_string());
    json!({
        "version": VERSION,
        "workspace_id": taken.route.tenant,
        "workspace_name_sha256": hex(&idempotency::hash(about.name.as_bytes())),
        "directory_id": about.directory_id,
        "operation_id": taken.id,
        "requested_by": about.requested_by,
        "requested_at": at(about.requested_at),
        "grace_until": at(about.grace_until),
        "deleted_at": about.now.to_string(),
        "external_runs": taken.progress["external_runs"],
        "before": taken.progress["before"],
        "after": after,
        "messages": "What was still on a queue names ids only, and is dropped when it is received.",
        "snapshots_may_hold_the_keys_until": at(held_until),
    })
}

/// With its own hash, of its canonical JSON, keys sorted, without the hash and the signature; and with a signature of that hash.
fn sealed(mut certificate: Value, signing: &Signing) -> Result<Value, NoKey> {
    let hash = hex(&audit::digest(&certificate));
    let signature = signing.sign(Purpose::Deletion, hash.as_bytes())?;
    certificate["sha256"] = json!(hash);
    certificate["signature"] = json!(signature);
    Ok(certificate)
}

#[cfg(test)]
mod tests {
    use shared::secrets::{KeyRing, Secret};

    use super::*;

    #[test]
    fn the_hash_is_of_everything_else_and_signed() {
        let ring = Secret::new(
            br#"{"current":1,"keys":{"1":"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}}"#.to_vec(),
        );
        let signing = Signing::new(KeyRing::parse(&ring).unwrap());
        let sealed_once = sealed(json!({ "b": 1, "a": { "x": 2 } }), &signing).unwrap();
        let mut bare = sealed_once.clone();
        let fields = bare.as_object_mut().unwrap();
        let (hash, signature) = (fields.remove("sha256").unwrap(), fields.remove("signature").unwrap());
        assert_eq!(json!(hex(&audit::digest(&bare))), hash);
        let signature = serde_json::from_value(signature).unwrap();
        assert!(signing.is_ours(Purpose::Deletion, hash.as_str().unwrap().as_bytes(), &signature));
        assert!(!signing.is_ours(Purpose::Manifest, hash.as_str().unwrap().as_bytes(), &signature));
        bare["b"] = json!(2);
        assert_ne!(json!(hex(&audit::digest(&bare))), hash);
    }
}
