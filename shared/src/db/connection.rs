//! A pooled connection, and which workspaces it has served. Its server process keeps what it ever looked up of a table, some 35 KB,
//! and gives it back only by ending: a connection that has served many workspaces is closed when it comes back. One that serves
//! the same few again and again stays. Only the pool makes these, and only `tx.rs` borrows them.
//!
//! Before one is lent for the first time its database has said which one it is ([`named`]): a secret can lead to another than the
//! one it stands for, and what is made, moved or deleted there would be in the wrong place. That is one round trip more for each
//! connection that is opened, and none for what runs on it.

use std::{
    collections::HashSet,
    ops::{Deref, DerefMut},
};

use deadpool::managed::{self, Metrics, Object, RecycleError, RecycleResult};
use deadpool_postgres::{ClientWrapper, Manager};
use tokio_postgres::{Client, Error, SimpleQueryMessage};

use crate::model::tenant::{DatabaseName, SchemaName};

/// What a database says of itself. Whoever is let in may read a comment; a login may read no table.
const WHICH: &str =
    "select pg_catalog.obj_description(pg_catalog.to_regnamespace('system')::oid, 'pg_namespace')";

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
pub(super) struct Connections {
    manager: Manager,
    /// What the database must say of itself.
    named: String,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum OpenError {
    /// The server's word.
    #[error("the server gave no connection")]
    Server(#[from] Error),
    /// The login leads to another database than its name says.
    #[error("the login leads to \"{said}\" and not to \"{named}\"")]
    Astray {
        /// What the database said of itself.
        said: String,
        /// What it should have said.
        named: String,
    },
}

/// What a database says of itself: a comment on its schema `system`, written by the steward's install.
pub(super) fn named(database: Option<&DatabaseName>) -> String {
    format!("signalbox database {}", database.map_or(DatabaseName::FIRST, DatabaseName::as_str))
}

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
    /// Those of a manager, to the database of this name or the first.
    pub(super) fn of(manager: Manager, database: Option<&DatabaseName>) -> Self {
        Self { manager, named: named(database) }
    }

    /// Refuses where the database says that it is another. One that says nothing was not installed yet, or by a release that did
    /// not ask: the next install names it.
    async fn check(&self, client: &Client) -> Result<(), OpenError> {
        let answer = client.simple_query(WHICH).await?;
        let said = answer.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => row.get(0),
            _ => None,
        });
        match said {
            Some(said) if said != self.named => {
                Err(OpenError::Astray { said: said.to_owned(), named: self.named.clone() })
            }
            _ => Ok(()),
        }
    }
}

impl managed::Manager for Connections {
    type Type = Connection;
    type Error = OpenError;

    async fn create(&self) -> Result<Connection, OpenError> {
        let mut client = self.manager.create().await?;
        if let Err(error) = self.check(&client).await {
            self.manager.detach(&mut client);
            return Err(error);
        }
        Ok(Connection { client, visited: HashSet::new(), unnamed: 0 })
    }

    async fn recycle(&self, connection: &mut Connection, metrics: &Metrics) -> RecycleResult<OpenError> {
        if connection.visited.len() + connection.unnamed >= MOST_VISITED {
            return Err(RecycleError::message("it has served many workspaces"));
        }
        self.manager.recycle(&mut connection.client, metrics).await.map_err(|error| match error {
            RecycleError::Message(why) => RecycleError::Message(why),
            RecycleError::Backend(error) => RecycleError::Backend(error.into()),
        })
    }

    fn detach(&self, connection: &mut Connection) {
        self.manager.detach(&mut connection.client);
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
