//! A restore: a backup becomes the workspace (`replace`), or a workspace beside it (`sandbox`). The rows are loaded into a
//! schema that no route leads to, through the tenant's own scope, and compared with the backup, before anything that exists
//! changes. Nothing starts from a restore: schedules come back paused, what was under way is held.

mod load;
mod swap;
mod way_back;

use jiff::Timestamp;
use lambda_runtime::Error;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use shared::{
    archive::{
        ArchiveKind, Shelf,
        manifest::{Manifest, Unfit},
    },
    db::{
        Scope, SystemRole, SystemTx, TenantTx, migrate,
        placement::{self, Room},
        restore::{self, Fresh},
    },
    error::DbError,
    keys::random,
    model::{
        ids::{OperationId, TenantId},
        operation::OperationKind,
        tenant::{Route, SchemaName, TenantState},
    },
    signing::Signing,
    store::{
        audit,
        operations::{self, Plan, Taken},
        restores::{self, Kept, OpenWork},
        seals,
    },
};

use super::{
    Next, backup, rotation,
    undo::{self, UNDO},
};
use crate::Steward;

/// Once the route leads to the new schema there is no way back.
pub(super) const RETIRE: &str = "retire";

/// What was asked for.
#[derive(Deserialize)]
struct Request {
    backup_id: OperationId,
    into: Into,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Into {
    Replace,
    Sandbox,
}

/// What the first step decides, for those that follow.
#[derive(Serialize, Deserialize)]
struct Plans {
    /// The schema that is being replaced.
    old: String,
    /// The one that is made, and its cell.
    new: String,
    cell: String,
    /// The workspace that it is made for: this one, or the sandbox.
    tenant: TenantId,
    /// The backup that is taken first of what is replaced, and the operation that ends it.
    kept: OperationId,
    expiry: OperationId,
    /// The instant of the backup, and its rows.
    as_of: String,
    rows: u64,
    /// Until when external runs that would be nobody's are waited for.
    #[serde(default)]
    stop_until: Option<Timestamp>,
}

pub(super) async fn step(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    let request: Request = serde_json::from_value(taken.request.clone())?;
    if taken.step == "start" {
        return start(steward, taken, &request).await;
    }
    if taken.step == UNDO && taken.progress["new"].is_null() {
        // Nothing was planned, and so nothing made.
        return Ok(undo::undone(taken));
    }
    let plans: Plans = serde_json::from_value(taken.progress.clone())?;
    let target = Route { tenant: plans.tenant, schema: schema(&plans.new)? };
    let restore = Restore { steward, taken, request, plans, target };
    match taken.step.as_str() {
        "keep" => restore.keep().await,
        "load" => restore.load().await,
        "settle" => restore.settle().await,
        "stop" => restore.stop().await,
        "swap" => restore.swap().await,
        RETIRE => restore.retire().await,
        "open" => restore.open().await,
        UNDO => restore.undo().await,
        step => Err(format!("a restore has no step {step}").into()),
    }
}

/// The backup's manifest, if it is ours and one we can load.
async fn manifest(
    steward: &Steward,
    taken: &Taken,
    id: OperationId,
) -> Result<Result<Manifest, Unfit>, Error> {
    let shelf = Shelf { tenant: taken.route.tenant, kind: ArchiveKind::Backup, id };
    // It may be signed, and sealed, under a root that was put back since this steward has looked.
    let signing = Signing::new(steward.root.again().await?);
    let manifest = Manifest::read(&steward.archive, shelf, &signing).await?;
    Ok(manifest.and_then(|manifest| load::check(&manifest).map(|()| manifest)))
}

/// Looks at everything that can be refused before anything is made.
async fn start(steward: &Steward, taken: &Taken, request: &Request) -> Result<Next, Error> {
    let manifest = match manifest(steward, taken, request.backup_id).await? {
        Ok(manifest) => manifest,
        Err(why) => return Ok(Next::Refused(way_back::unfit(&why))),
    };
    let replaces = request.into == Into::Replace;
    let tx =
        TenantTx::begin(&steward.database, &Scope::Worker(taken.route.clone()), "state of a restore").await?;
    let state = tx.open().await?.state;
    tx.rollback().await?;
    if replaces && state != TenantState::Suspended {
        return Ok(Next::Refused("the workspace is not suspended".to_owned()));
    }
    let fresh: TenantId = steward.clock.new_id();
    let plans = Plans {
        old: taken.route.schema.as_str().to_owned(),
        new: SchemaName::of(fresh).as_str().to_owned(),
        cell: placement::cell_with_room(&steward.database, Room::USUAL).await?,
        tenant: if replaces { taken.route.tenant } else { fresh },
        kept: steward.clock.new_id(),
        expiry: steward.clock.new_id(),
        as_of: manifest.at,
        rows: manifest.rows,
        stop_until: None,
    };
    Ok(Next::Step(if replaces { "keep" } else { "load" }, serde_json::to_value(plans)?))
}

struct Restore<'a> {
    steward: &'a Steward,
    taken: &'a Taken,
    request: Request,
    plans: Plans,
    target: Route,
}

impl Restore<'_> {
    fn next(&self, step: &'static str) -> Next {
        Next::Step(step, self.taken.progress.clone())
    }

    /// A backup of what is about to be replaced, so that nothing since the backup is lost.
    async fn keep(&self) -> Result<Next, Error> {
        let (id, tenant) = (self.plans.kept, self.taken.route.tenant);
        let made = backup::write(self.steward, &self.taken.route, id).await?;
        let result = json!({
            "at": made.at, "rows": made.rows, "schema_version": made.schema_version, "files": made.files.len(),
            "bytes": made.files.iter().map(|file| file.bytes).sum::<u64>(), "kept_days": backup::KEPT_DAYS,
        });
        let tx = SystemTx::begin(&self.steward.database, SystemRole::Owner, "keep backup").await?;
        let request = json!({ "before_restore": self.taken.id });
        restores::keep_backup(&tx, &Kept { id, tenant, request, result }, self.taken.requested_by).await?;
        let request = json!({ "kind": OperationKind::Backup, "id": id });
        let (id, kind, in_hours) = (self.plans.expiry, OperationKind::Expiry, backup::KEPT_DAYS * 24);
        operations::plan(&tx, &Plan { id, tenant, kind, request, in_hours }).await?;
        tx.commit().await?;
        Ok(self.next("load"))
    }

    /// Schema, rows, comparison and the migrations since, in one step: killed, it begins anew with an empty schema.
    async fn load(&self) -> Result<Next, Error> {
        let database = &self.steward.database;
        let manifest = match manifest(self.steward, self.taken, self.request.backup_id).await? {
            Ok(manifest) => manifest,
            Err(why) => return Ok(self.back(&why)),
        };
        let version = manifest.schema_version;
        let fresh = self.fresh(version);
        let alone = self.alone("prepare").await?;
        restore::prepare(database, &fresh).await?;
        alone.rollback().await?;
        if self.request.into == Into::Sandbox {
            let tx = self.alone("begin sandbox").await?;
            self.steward.place(self.target.tenant).await?;
            let (sandbox, salt) = ((self.target.tenant, self.taken.route.tenant), random(32)?);
            restores::begin_sandbox(&tx, sandbox, &fresh, &salt).await?;
            tx.commit().await?;
        }
        if let Err(why) = load::load(self.steward, &self.taken.route, &self.target, &manifest).await? {
            return Ok(self.back(&why));
        }
        migrate::forward(database, &self.target, version).await?;
        Ok(self.next("settle"))
    }

    /// The log's chain goes on where it is the same workspace's, and begins anew in a sandbox; then what was open is settled.
    async fn settle(&self) -> Result<Next, Error> {
        let owner = Scope::LoadingLogs(self.target.clone());
        let tx = TenantTx::begin(&self.steward.database, &owner, "chain of restored logs").await?;
        let how = match self.request.into {
            Into::Replace => {
                seals::open_epoch(&tx, self.target.tenant).await?;
                OpenWork::Held
            }
            Into::Sandbox => {
                seals::begin_anew(&tx).await?;
                OpenWork::Ended
            }
        };
        tx.commit().await?;
        let scope = Scope::Loading(self.target.clone());
        let tx = TenantTx::begin(&self.steward.database, &scope, "settle restored work").await?;
        restores::settle(&tx, &self.steward.clock, how).await?;
        tx.commit().await?;
        // A sandbox has no credentials. What the workspace gets back is under the keys of the day of the backup.
        if self.request.into == Into::Replace {
            rotation::reseal(self.steward, &self.taken.route, &scope).await?;
        }
        Ok(self.next(if self.request.into == Into::Replace { "stop" } else { "open" }))
    }

    async fn open(&self) -> Result<Next, Error> {
        let tx = self.alone("open sandbox").await?;
        let (sandbox, of) = (self.target.tenant, self.taken.route.tenant);
        if restores::open_sandbox(&tx, (sandbox, of), migrate::tenant_version()).await? {
            let (id, backup) = (self.steward.clock.new_id(), self.request.backup_id);
            let detail = json!({ "sandbox_of": of, "backup_id": backup });
            audit::insert_platform(&tx, sandbox, id, "workspace.provision", &detail).await?;
        }
        tx.commit().await?;
        Ok(Next::Done(self.came_to(json!({ "workspace_id": self.target.tenant }))))
    }

    /// The schema that is made, at a version.
    fn fresh(&self, version: i32) -> Fresh {
        Fresh { schema: self.target.schema.clone(), cell: self.plans.cell.clone(), version }
    }

    /// A transaction in which the restore is this steward's and nobody takes it over. A steward that lost it drops and leads
    /// nothing: whoever has it now may be loading.
    async fn alone(&self, name: &'static str) -> Result<SystemTx, DbError> {
        let tx = SystemTx::begin(&self.steward.database, SystemRole::Owner, name).await?;
        operations::hold(&tx, self.taken).await?;
        Ok(tx)
    }

    fn came_to(&self, mut result: Value) -> Value {
        if let Some(fields) = result.as_object_mut() {
            fields.insert("rows".to_owned(), self.plans.rows.into());
            fields.insert("as_of".to_owned(), self.plans.as_of.clone().into());
        }
        result
    }
}

fn schema(name: &str) -> Result<SchemaName, Error> {
    Ok(name.parse()?)
}
