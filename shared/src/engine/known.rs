//! What one invocation has read of one workspace and may use again: job versions, connections with their sealed credentials,
//! key salts. It belongs to one workspace and dies with the invocation.

use std::{collections::HashMap, sync::Arc};

use serde_json::Value;

use super::{
    Within,
    batch::{Batch, bind},
    sheet::Versions,
};
use crate::{
    db::{FromRow, Row},
    error::DbError,
    keys::Salt,
    model::{
        connection::{ConnectionKind, Settings},
        ids::{ConnectionId, ConnectionTestId, RunId, VaultId},
    },
    sql,
};

/// A connection as a call needs it.
#[derive(Debug)]
pub struct Connection {
    /// Its id, and its concurrency key.
    pub id: ConnectionId,
    /// Its name.
    pub name: String,
    /// Its settings; none where they are not what its kind reads (they were checked when they were saved).
    pub settings: Option<Settings>,
    /// Its credential, if it names one.
    pub credential: Option<Sealed>,
}

/// A credential as it is stored.
#[derive(Debug)]
pub struct Sealed {
    /// Its vault.
    pub vault: VaultId,
    /// The vault's kind.
    pub vault_kind: String,
    /// Its name.
    pub name: String,
    /// The key's version and the sealed bytes; none where the vault holds no credential of that name.
    pub value: Option<(i32, Vec<u8>)>,
}

/// What is known.
#[derive(Debug, Default)]
pub struct Known {
    pub(crate) versions: Versions,
    connections: HashMap<ConnectionId, Arc<Connection>>,
    /// The salts of the workspace's keys. One that was read stays known: a credential that was read with it may still be used.
    pub salts: Vec<Salt>,
}

impl Known {
    /// A connection that was read.
    pub fn connection(&self, id: ConnectionId) -> Option<&Arc<Connection>> {
        self.connections.get(&id)
    }

    /// Adds the statements that read what calls on these keys, and on those of these runs' waiting tasks, need.
    pub(crate) fn add_reads(&self, batch: &mut Batch<'_>, keys: &[ConnectionId], runs: &[RunId]) {
        let known: Vec<_> = self.connections.keys().copied().collect();
        batch.add(sql!("connections/for_calls.sql"), bind![keys.to_vec(), runs.to_vec(), known]);
        batch.add(sql!("credentials/salts.sql"), bind![]);
    }

    /// Takes their answers in.
    pub(crate) fn take_in(&mut self, connections: &[Row], salts: &[Row]) -> Result<(), DbError> {
        for row in connections {
            let connection = read_connection(row)?;
            self.connections.insert(connection.id, Arc::new(connection));
        }
        for row in salts {
            let salt = Salt::from_row(row)?;
            self.salts.retain(|known| known.version != salt.version);
            self.salts.push(salt);
        }
        Ok(())
    }
}

/// The connection of a test that is still to be done.
pub async fn connection_of_test(
    within: Within<'_>,
    test: ConnectionTestId,
    known: &mut Known,
) -> Result<Option<Arc<Connection>>, DbError> {
    let rows = within.tx.rows(sql!("connection_tests/connection.sql"), &[&test]).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let id: ConnectionId = row.try_get("connection_id")?;
    let mut batch = Batch::default();
    known.add_reads(&mut batch, &[id], &[]);
    let answers = batch.run(within.tx).await?;
    known.take_in(&answers[0], &answers[1])?;
    Ok(known.connection(id).cloned())
}

fn read_connection(row: &Row) -> Result<Connection, DbError> {
    let kind: Option<ConnectionKind> = row.try_get::<_, &str>("kind")?.parse().ok();
    let settings: Value = row.try_get("settings")?;
    let value =
        match (row.try_get::<_, Option<i32>>("key_version")?, row.try_get::<_, Option<Vec<u8>>>("sealed")?) {
            (Some(version), Some(sealed)) => Some((version, sealed)),
            _ => None,
        };
    let credential =
        match (row.try_get("vault_id")?, row.try_get("vault_kind")?, row.try_get("credential_name")?) {
            (Some(vault), Some(vault_kind), Some(name)) => Some(Sealed { vault, vault_kind, name, value }),
            _ => None,
        };
    Ok(Connection {
        id: row.try_get("id")?,
        name: row.try_get("name")?,
        settings: kind.and_then(|kind| Settings::read(kind, &settings).ok()),
        credential,
    })
}
