//! A pooled connection, and which workspaces it has served. Its server process keeps what it ever looked up of a table, some 35 KB,
//! and gives it back only by ending: a connection that has served many workspaces is closed when it comes back. One that serves
//! the same few again and again stays. Only the pool makes these, and only `tx.rs` borrows them.

use std::{
    collections::HashSet,
    ops::{Deref, DerefMut},
};

use deadpool::managed::{self, Metrics, Object, RecycleError, RecycleResult};
use deadpool_postgres::{ClientWrapper, Manager};
use tokio_postgres::{Client, Error};

use crate::model::tenant::SchemaName;

/// A connection is closed once it has served this many workspaces. Sixty, with each of their tables, are some 45 MB.
const MOST_VISITED: usize = 60;

/// A borrowed connection: comes back to the pool when it is dropped.
pub(super) type Pooled = Object<Connections>;

/// One connection.
pub(super) struct Connection {
    client: ClientWrapper,
    visited: HashSet<SchemaName>,
    unnamed: usize,
}

/// Opens connections and says which may be used again.
#[derive(Debug)]
pub(super) struct Connections(Manager);

impl Connection {
    /// Notes which workspace is served next.
    pub(super) fn visits(&mut self, schema: &SchemaName) {
        if !self.visited.contains(schema) {
            self.visited.insert(schema.clone());
        }
    }

    /// Notes work that may touch any workspace's schema: one more each time.
    pub(super) fn visits_some(&mut self) {
        self.unnamed += 1;
    }
}

impl Connections {
    /// Those of a manager.
    pub(super) fn of(manager: Manager) -> Self {
        Self(manager)
    }
}

impl managed::Manager for Connections {
    type Type = Connection;
    type Error = Error;

    async fn create(&self) -> Result<Connection, Error> {
        Ok(Connection { client: self.0.create().await?, visited: HashSet::new(), unnamed: 0 })
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<Error> {
        if connection.visited.len() + connection.unnamed >= MOST_VISITED {
            return Err(RecycleError::message("it has served many workspaces"));
        }
        self.0.recycle(&mut connection.client, metrics).await
    }

    fn detach(&self, connection: &mut Connection) {
        self.0.detach(&mut connection.client);
    }
}

impl Deref for Connection {
    type Target = Client;
    fn deref(&self) -> &Client {
        &self.client
    }
}

impl DerefMut for Connection {
    fn deref_mut(&mut self) -> &mut Client {
        &mut self.client
    }
}
