//! The root key: which versions there are, who needs them, and the order that brings every workspace to the current one. Each
//! version that was ever seen is known by the public key that is derived from it; the key itself is nowhere but in its secret.

use std::time::Duration;

use lambda_runtime::Error;
use serde_json::{Value, json};
use shared::{
    db::{SystemRole, SystemTx, retrying},
    error::DbError,
    model::ids::{AuditId, Id, OperationId, TenantId},
    queue::Call,
    secrets::KeyRing,
    signing::Signing,
    store::{
        roots::{self, Root},
        rotations,
    },
};
use uuid::Uuid;

use crate::Steward;

/// From one planned rotation to the next: slower than they are worked, so that what people ask for meanwhile is not behind them.
const EVERY_S: f64 = 0.25;
/// Workspaces looked up at a time.
const BATCH: i64 = 500;

impl Steward {
    /// Reads the root key again and notes what is new. An error where a version is another key than it was, or one that is needed
    /// is missing. Looks at nothing of the versions that are there.
    pub(crate) async fn see_roots(&self) -> Result<KeyRing, Error> {
        let ring = self.root.again().await?;
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "see roots").await?;
        let mut there = Vec::new();
        for (version, key) in ring.versions().zip(Signing::new(ring.clone()).public_keys()?) {
            let version = i32::try_from(version)?;
            there.push(version);
            let seen = roots::see(&tx, version, &key.id, &key.public_key).await?;
            if seen != key.id {
                let what = format!("version {version} of the root key is not the key that it was");
                return Err(format!("{what}: put that back, and give a new key a new version").into());
            }
        }
        roots::make_current(&tx, i32::try_from(ring.current())?).await?;
        let missing = roots::list(&tx, there).await?;
        tx.commit().await?;
        match missing.iter().find(|root| is_needed(root)) {
            Some(root) => Err(missed(root).into()),
            None => Ok(ring),
        }
    }

    /// Which versions of the root there are, who needs them, and which may be removed.
    pub(crate) async fn roots(&self) -> Result<Value, Error> {
        let ring = self.see_roots().await?;
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "roots").await?;
        tx.take_time().await?;
        let known = roots::list(&tx, Vec::new()).await?;
        tx.commit().await?;
        let told = |root: &Root| {
            let is_there = u32::try_from(root.version).is_ok_and(|version| ring.key(version).is_some());
            json!({
                "version": root.version, "key_id": root.key_id, "first_seen_at": root.first_seen_at,
                "is_current": root.is_current, "is_there": is_there,
                "in_use_by": root.in_use_by, "kept_for_backups_of": root.kept_for_backups_of,
                "backups_until": root.backups_until, "may_be_removed": !root.is_current && !is_needed(root),
            })
        };
        let rotations_open = known.first().map_or(0, |root| root.rotations_open);
        Ok(json!({ "roots": known.iter().map(told).collect::<Vec<_>>(), "rotations_open": rotations_open }))
    }

    /// Plans a rotation for every workspace whose keys need another root than the current one. May be given again at any time:
    /// whoever has a rotation before them gets no second one.
    pub(crate) async fn rotate_root(&self) -> Result<Value, Error> {
        let current = self.see_roots().await?.current();
        let request = json!({ "root_version": current });
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "bind spares").await?;
        let spares = rotations::bind_spares(&tx).await?;
        tx.commit().await?;
        let (mut after, mut planned, mut in_s) = (Uuid::nil(), 0, 0.0);
        // A workspace that is being moved at the moment is waited for.
        while let Some(batch) = retrying(|| self.plan_rotations(after, &request, in_s)).await? {
            (after, planned) = (batch.last, planned + batch.planned);
            in_s += EVERY_S * f64::from(batch.behind);
        }
        if planned > 0 {
            self.queue.call(Call::Operate, Duration::ZERO).await;
        }
        Ok(json!({ "root_version": current, "planned": planned, "spares_bound": spares }))
    }

    /// Plans those of the next workspaces; none where there are no more.
    async fn plan_rotations(
        &self,
        after: Uuid,
        request: &Value,
        in_s: f64,
    ) -> Result<Option<Batch>, DbError> {
        let tx = SystemTx::begin(&self.database, SystemRole::Owner, "plan rotations").await?;
        let tenants = rotations::behind(&tx, after, BATCH).await?;
        let Some(last) = tenants.last().map(|last| last.uuid()) else {
            tx.rollback().await?;
            return Ok(None);
        };
        let each: Vec<(OperationId, TenantId, AuditId)> =
            tenants.iter().map(|tenant| (self.clock.new_id(), *tenant, self.clock.new_id())).collect();
        let planned = rotations::plan(&tx, &each, request, (in_s, EVERY_S)).await?;
        tx.commit().await?;
        Ok(Some(Batch { last, planned, behind: u32::try_from(each.len()).unwrap_or(u32::MAX) }))
    }
}

/// Workspaces for which rotations were planned in one transaction.
struct Batch {
    last: Uuid,
    planned: usize,
    /// How many there were, those among them that have a rotation before them already.
    behind: u32,
}

fn is_needed(root: &Root) -> bool {
    root.in_use_by + root.kept_for_backups_of > 0
}

fn missed(root: &Root) -> String {
    let Root { version, in_use_by, kept_for_backups_of, .. } = root;
    format!(
        "version {version} of the root key is missing and still needed, by {in_use_by} workspaces and by backups of \
         {kept_for_backups_of}: put it back"
    )
}
