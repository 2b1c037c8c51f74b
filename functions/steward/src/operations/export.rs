//! An export: everything that is held for a workspace as lines of JSON, a file a table in parts, from one snapshot, with a
//! signed manifest. What is secret is never in it: of a credential the name and instants, of a key its version.

use lambda_runtime::Error;
use shared::{
    archive::{
        ArchiveKind, MAX_OBJECT, Shelf,
        manifest::{FORMAT, FileEntry, Hash, Manifest, TableEntry},
    },
    db::{
        Scope, TenantTx,
        tables::{Reading, Table},
    },
    store::{archives, operations::Taken},
};

use super::{
    Next, expiry,
    undo::{self, UNDO},
};
use crate::Steward;

/// How long an export can be fetched.
pub(super) const KEPT_DAYS: i32 = 7;

pub(super) async fn step(steward: &Steward, taken: &Taken) -> Result<Next, Error> {
    match taken.step.as_str() {
        "start" => {
            let shelf = shelf(taken);
            // Begun anew: what an earlier try has written is of another snapshot.
            steward.archive.remove(shelf).await?;
            let manifest = write(steward, taken, shelf).await?;
            Ok(Next::Step("expire", expiry::planned(steward, &manifest)))
        }
        UNDO => undo::of_archive(steward, taken, ArchiveKind::Export).await,
        _ => expiry::plan(steward, taken, KEPT_DAYS).await.map(Next::Done),
    }
}

fn shelf(taken: &Taken) -> Shelf {
    Shelf { tenant: taken.route.tenant, kind: ArchiveKind::Export, id: taken.id }
}

async fn write(steward: &Steward, taken: &Taken, shelf: Shelf) -> Result<Manifest, Error> {
    let tx = TenantTx::begin(&steward.database, &Scope::Snapshot(taken.route.clone()), "export").await?;
    let snapshot = archives::snapshot(&tx).await?;
    let mut writer = Writer { steward, shelf, tables: Vec::new(), files: Vec::new() };
    let mut system = tx.system_lines().await?;
    let mut part: Option<(String, Open)> = None;
    while let Some((name, line)) = system.next().await? {
        let (same, mut open) = match part.take() {
            Some((before, open)) if before == name => (name, open),
            before => {
                if let Some((before, open)) = before {
                    writer.close(open, &before, &[]).await?;
                }
                (name, Open::default())
            }
        };
        writer.line(&mut open, &same, &line).await?;
        part = Some((same, open));
    }
    if let Some((name, open)) = part {
        writer.close(open, &name, &[]).await?;
    }
    let version = snapshot.schema_version;
    for table in Table::all(version, Reading::Export) {
        let mut lines = table.read(&tx, version, Reading::Export).await?;
        let mut open = Open::default();
        while let Some(line) = lines.next().await? {
            writer.line(&mut open, table.name, &line).await?;
        }
        writer.close(open, table.name, &table.columns(version, Reading::Export)).await?;
    }
    tx.rollback().await?;
    let manifest = Manifest {
        format: FORMAT,
        kind: ArchiveKind::Export.as_str().to_owned(),
        id: taken.id,
        tenant_id: taken.route.tenant,
        schema_version: version,
        at: snapshot.at,
        key_version: None,
        rows: writer.tables.iter().map(|table| table.rows).sum(),
        tables: writer.tables,
        files: writer.files,
    };
    manifest.write(&steward.archive, shelf, &steward.signing()).await?;
    Ok(manifest)
}

/// Writes tables as parts; holds one part at a time.
struct Writer<'a> {
    steward: &'a Steward,
    shelf: Shelf,
    tables: Vec<TableEntry>,
    files: Vec<FileEntry>,
}

/// A table that is being written.
#[derive(Default)]
struct Open {
    part: Vec<u8>,
    rows_of_part: u64,
    rows: u64,
    parts: u32,
    hash: Hash,
}

impl Writer<'_> {
    async fn line(&mut self, open: &mut Open, table: &str, line: &str) -> Result<(), Error> {
        if open.rows_of_part > 0 && open.part.len() + line.len() >= MAX_OBJECT {
            self.flush(open, table).await?;
        }
        let start = open.part.len();
        open.part.extend_from_slice(line.as_bytes());
        open.part.push(b'\n');
        open.hash.add(&open.part[start..]);
        open.rows_of_part += 1;
        open.rows += 1;
        Ok(())
    }

    async fn close(&mut self, mut open: Open, table: &str, columns: &[&str]) -> Result<(), Error> {
        if open.rows_of_part > 0 {
            self.flush(&mut open, table).await?;
        }
        self.tables.push(TableEntry {
            name: table.to_owned(),
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows: open.rows,
            sha256: open.hash.hex(),
        });
        Ok(())
    }

    async fn flush(&mut self, open: &mut Open, table: &str) -> Result<(), Error> {
        open.parts += 1;
        let name = format!("{table}-{:04}.jsonl", open.parts);
        let part = std::mem::take(&mut open.part);
        self.files.push(FileEntry {
            name: name.clone(),
            table: Some(table.to_owned()),
            rows: std::mem::take(&mut open.rows_of_part),
            bytes: part.len() as u64,
            sha256: Hash::of(&part),
        });
        self.steward.archive.put(self.shelf, &name, part).await
    }
}
