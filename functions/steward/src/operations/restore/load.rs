//! The loader: rows of a backup into a fresh schema, through the scope of its tenant; those of the logs, which no tenant may
//! write as they are, as the owner held to its rows. Data only: tables and columns are ours by name, a row is a value. What was
//! loaded is read back and compared before the last of it is committed.

use lambda_runtime::Error;
use shared::{
    archive::{
        ArchiveKind,
        manifest::{Hash, Manifest, Unfit},
        sealed::Part,
    },
    db::{
        Scope, TenantTx, migrate,
        tables::{Reading, Table},
    },
    error::DbError,
    keys::{TenantKeys, roots_of},
    model::tenant::Route,
    store::credentials,
};

use crate::Steward;

/// Rows travel to the server in arrays of about this many bytes.
const BATCH: usize = 1024 * 1024;

/// Whether we can read what a backup says it holds: its version, and each table with exactly the columns it had then.
pub(super) fn check(manifest: &Manifest) -> Result<(), Unfit> {
    let version = manifest.schema_version;
    if version < 1 || version > migrate::tenant_version() {
        return Err(Unfit(format!("it is of version {version} of a workspace, which we do not know")));
    }
    let known: Vec<_> = Table::all(version, Reading::Backup)
        .map(|table| (table.name, table.columns(version, Reading::Backup)))
        .collect();
    let said: Vec<_> = manifest
        .tables
        .iter()
        .map(|table| (table.name.as_str(), table.columns.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    if said == known {
        Ok(())
    } else {
        Err(Unfit("its tables or columns are not those of its version".to_owned()))
    }
}

/// Loads the rows of a backup of `of` into the schema of `target`, which no route leads to. What was refused leaves a part of
/// them there: the schema is discarded then.
pub(super) async fn load(
    steward: &Steward,
    of: &Route,
    target: &Route,
    manifest: &Manifest,
) -> Result<Result<(), Unfit>, Error> {
    let tx = TenantTx::begin(&steward.database, &Scope::Worker(of.clone()), "salts").await?;
    let salts = credentials::salts(&tx).await?;
    tx.rollback().await?;
    let keys = TenantKeys::for_backups(steward.root.knowing(roots_of(&salts)).await, salts);
    let mut loading = Loading::begin(steward, target, manifest.schema_version).await?;
    for (index, file) in manifest.files.iter().enumerate() {
        let (number, is_last) = (index + 1, index + 1 == manifest.files.len());
        let part = Part { tenant: manifest.tenant_id, backup: manifest.id, number, is_last };
        let Some(sealed) = steward.archive.get(manifest.shelf(ArchiveKind::Backup), &part.name()).await?
        else {
            return Ok(Err(Unfit(format!("{} is missing", part.name()))));
        };
        if file.name != part.name() || Hash::of(&sealed) != file.sha256 {
            return Ok(Err(Unfit(format!("{} is not what its manifest says", part.name()))));
        }
        let lines = match part.open(&keys, manifest.key_version.unwrap_or(0), &sealed) {
            Ok(lines) => lines,
            Err(why) => return Ok(Err(why)),
        };
        let Ok(lines) = std::str::from_utf8(&lines) else {
            return Ok(Err(Unfit(format!("{} is no text", part.name()))));
        };
        if let Err(why) = loading.lines(lines).await? {
            return Ok(Err(why));
        }
    }
    if let Err(why) = loading.flush().await? {
        return Ok(Err(why));
    }
    if let Err(why) = compare(&loading.tx, manifest).await? {
        return Ok(Err(why));
    }
    loading.tx.commit().await?;
    Ok(Ok(()))
}

struct Loading<'a> {
    steward: &'a Steward,
    target: &'a Route,
    tx: TenantTx,
    /// The transaction is the owner's: logs follow.
    is_owner: bool,
    version: i32,
    table: Option<&'static Table>,
    rows: String,
}

impl<'a> Loading<'a> {
    async fn begin(steward: &'a Steward, target: &'a Route, version: i32) -> Result<Self, DbError> {
        let tx = TenantTx::begin(&steward.database, &Scope::Loading(target.clone()), "load").await?;
        Ok(Self { steward, target, tx, is_owner: false, version, table: None, rows: String::new() })
    }

    /// Rows of this table follow. The logs stand behind everything else, and are the owner's to fill.
    async fn turn_to(&mut self, table: &'static Table) -> Result<(), DbError> {
        if table.is_log && !self.is_owner {
            let scope = Scope::LoadingLogs(self.target.clone());
            let logs = TenantTx::begin(&self.steward.database, &scope, "load logs").await?;
            std::mem::replace(&mut self.tx, logs).commit().await?;
            self.is_owner = true;
        }
        self.table = Some(table);
        Ok(())
    }

    /// `#table` begins a table; every other line is a row of it.
    async fn lines(&mut self, lines: &str) -> Result<Result<(), Unfit>, Error> {
        for line in lines.lines() {
            if let Some(name) = line.strip_prefix('#') {
                if let Err(why) = self.flush().await? {
                    return Ok(Err(why));
                }
                match Table::all(self.version, Reading::Backup).find(|table| table.name == name) {
                    Some(table) => self.turn_to(table).await?,
                    None => return Ok(Err(Unfit("it has a table that we do not know".to_owned()))),
                }
                continue;
            }
            self.rows.push(if self.rows.is_empty() { '[' } else { ',' });
            self.rows.push_str(line);
            if self.rows.len() > BATCH
                && let Err(why) = self.flush().await?
            {
                return Ok(Err(why));
            }
        }
        Ok(Ok(()))
    }

    /// What the server will not take is the backup's fault, unless the server cannot be reached.
    async fn flush(&mut self) -> Result<Result<(), Unfit>, Error> {
        if self.rows.is_empty() {
            return Ok(Ok(()));
        }
        let mut rows = std::mem::take(&mut self.rows);
        rows.push(']');
        let Some(table) = self.table else {
            return Ok(Err(Unfit("it has a row of no table".to_owned())));
        };
        match table.load(&self.tx, self.version, &rows).await {
            Ok(_) => Ok(Ok(())),
            Err(error) if error.is_over_time() => Err(error.into()),
            Err(error @ (DbError::Defect(_) | DbError::Taken { .. } | DbError::Dangling { .. })) => {
                tracing::warn!(
                    table = table.name,
                    error = shared::error::chain(&error),
                    "a backup's rows were refused"
                );
                Ok(Err(Unfit(format!("rows of {} were refused", table.name))))
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Reads every table back: as many rows, and the same bytes, as when the backup was made.
async fn compare(tx: &TenantTx, manifest: &Manifest) -> Result<Result<(), Unfit>, DbError> {
    let version = manifest.schema_version;
    for (table, said) in Table::all(version, Reading::Backup).zip(&manifest.tables) {
        let (mut hash, mut rows) = (Hash::default(), 0);
        let mut lines = table.read(tx, version, Reading::Backup).await?;
        while let Some(line) = lines.next().await? {
            hash.add(line.as_bytes());
            hash.add(b"\n");
            rows += 1;
        }
        if rows != said.rows || hash.hex() != said.sha256 {
            return Ok(Err(Unfit(format!("{} came back as something else", table.name))));
        }
    }
    Ok(Ok(()))
}
