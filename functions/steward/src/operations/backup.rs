//! A backup: the rows of a workspace from one snapshot, compressed and sealed under its key. What a restore begins without
//! (kept answers) is left out; what stands in schema `system` is not part of it.

use lambda_runtime::Error;
use shared::{
    archive::{
        ArchiveKind, MAX_OBJECT, Shelf,
        manifest::{FORMAT, FileEntry, Hash, Manifest, TableEntry},
        sealed::Part,
    },
    db::{
        Scope, SystemRole, SystemTx, TenantTx,
        tables::{Reading, Table},
    },
    error::chain,
    keys::{TenantKeys, roots_of},
    model::{ids::OperationId, tenant::Route},
    store::{archives, backup_schedules, credentials, operations::Taken},
};

use super::{
    Next, expiry,
    undo::{self, UNDO},
};
use crate::Steward;

/// How long a backup is kept.
pub(super) const KEPT_DAYS: i32 = 35;

pub(super) async fn step(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    match taken.step.as_str() {
        "start" => {
            let manifest = write(steward, &taken.route, taken.id).await?;
            Ok(Next::Step("expire", expiry::planned(steward, &manifest)))
        }
        UNDO => undo::of_archive(steward, taken, ArchiveKind::Backup).await,
        _ => {
            let made = expiry::plan(steward, taken, KEPT_DAYS).await?;
            if taken.request["scheduled"] == true {
                let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "end oldest backups").await?;
                backup_schedules::end_oldest(&tx, taken.route.tenant, taken.id).await?;
                tx.commit().await?;
            }
            Ok(Next::Done(made))
        }
    }
}

/// Plans a backup of each workspace whose schedule says so. One that cannot be planned now keeps no other from it, and is due still.
pub(super) async fn plan_due(steward: &Steward) -> Result<(), Error> {
    let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "due backups").await?;
    for tenant in backup_schedules::due(tx).await? {
        let tx = SystemTx::begin(&steward.database, SystemRole::Owner, "plan backup").await?;
        let (id, audit) = (steward.clock.new_id(), steward.clock.new_id());
        if let Err(error) = backup_schedules::plan(tx, tenant, id, audit).await {
            tracing::error!(%tenant, error = chain(&error), "a backup was not planned");
        }
    }
    Ok(())
}

/// Writes the backup of a workspace as it is now, in place of what an earlier try has left.
pub(super) async fn write(steward: &Steward, route: &Route, id: OperationId) -> Result<Manifest, Error> {
    let shelf = Shelf { tenant: route.tenant, kind: ArchiveKind::Backup, id };
    steward.archive.remove(shelf).await?;
    let tx = TenantTx::begin(&steward.database, &Scope::Snapshot(route.clone()), "backup").await?;
    let snapshot = archives::snapshot(&tx).await?;
    let version = snapshot.schema_version;
    let salts = credentials::salts(&tx).await?;
    let keys = TenantKeys::for_backups(steward.root.knowing(roots_of(&salts)).await, salts);
    let mut writer =
        Writer { steward, shelf, keys, part: Vec::new(), rows: 0, files: Vec::new(), key_version: 0 };
    let mut tables = Vec::new();
    for table in Table::all(version, Reading::Backup) {
        let (mut hash, mut rows) = (Hash::default(), 0);
        writer.line(&format!("#{}", table.name)).await?;
        let mut lines = table.read(&tx, version, Reading::Backup).await?;
        while let Some(line) = lines.next().await? {
            hash.add(line.as_bytes());
            hash.add(b"\n");
            rows += 1;
            writer.line(&line).await?;
        }
        let columns = table.columns(version, Reading::Backup);
        let columns = columns.into_iter().map(str::to_owned).collect();
        tables.push(TableEntry { name: table.name.to_owned(), columns, rows, sha256: hash.hex() });
    }
    tx.rollback().await?;
    writer.flush(true).await?;
    let manifest = Manifest {
        format: FORMAT,
        kind: ArchiveKind::Backup.as_str().to_owned(),
        id,
        tenant_id: route.tenant,
        schema_version: version,
        at: snapshot.at,
        key_version: Some(writer.key_version),
        rows: tables.iter().map(|table| table.rows).sum(),
        tables,
        files: writer.files,
    };
    manifest.write(&steward.archive, shelf, &steward.signing()).await?;
    Ok(manifest)
}

/// Writes parts; holds one at a time.
struct Writer<'a> {
    steward: &'a Steward,
    shelf: Shelf,
    keys: TenantKeys,
    part: Vec<u8>,
    rows: u64,
    files: Vec<FileEntry>,
    key_version: i32,
}

impl Writer<'_> {
    async fn line(&mut self, line: &str) -> Result<(), Error> {
        if self.part.len() + line.len() >= MAX_OBJECT && self.rows > 0 {
            self.flush(false).await?;
        }
        self.part.extend_from_slice(line.as_bytes());
        self.part.push(b'\n');
        self.rows += 1;
        Ok(())
    }

    async fn flush(&mut self, is_last: bool) -> Result<(), Error> {
        let number = self.files.len() + 1;
        let part = Part { tenant: self.shelf.tenant, backup: self.shelf.id, number, is_last };
        let (version, sealed) = part.seal(&self.keys, &std::mem::take(&mut self.part))?;
        self.key_version = version;
        self.files.push(FileEntry {
            name: part.name(),
            table: None,
            rows: std::mem::take(&mut self.rows),
            bytes: sealed.len() as u64,
            sha256: Hash::of(&sealed),
        });
        self.steward.archive.put(self.shelf, &part.name(), sealed).await
    }
}
