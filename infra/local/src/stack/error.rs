//! Why a stack did not start: one sentence each, told by whoever knows.

use std::io;

use crate::cloud::CloudError;
use crate::folder::FolderError;
use crate::lambda::InvokeError;
use crate::oidc::OidcError;
use crate::postgres::PostgresError;
use crate::seed::SeedError;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// An exception that names no origin.
    #[error("SIGNALBOX_EGRESS_ALLOW: {0:?} is not scheme://host:port")]
    NotAnOrigin(String),
    /// A log level that is none.
    #[error("SIGNALBOX_LOG: {0:?} is none of error, warn, info, debug")]
    NotALevel(String),
    /// A name that no database may have.
    #[error(
        "--database: {0:?} is no lower-case letter with up to 30 letters, digits or _ behind it, or it is `first`"
    )]
    NotADatabase(String),
    /// The data folder.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// Postgres.
    #[error(transparent)]
    Postgres(#[from] PostgresError),
    /// The sign-in provider.
    #[error(transparent)]
    Oidc(#[from] OidcError),
    /// The local cloud.
    #[error(transparent)]
    Cloud(#[from] CloudError),
    /// The demo.
    #[error(transparent)]
    Seed(#[from] SeedError),
    /// The port asked for.
    #[error("port {port} is taken by another program; choose another with --port, or leave --port out")]
    Port {
        /// The port.
        port: u16,
    },
    /// No port at all.
    #[error("cannot listen on 127.0.0.1: {0}")]
    Address(#[source] io::Error),
    /// The provider's port, which is part of everybody's identity.
    #[error(
        "the port of this data folder's sign-in provider is taken by another program; stop that, or start with --fresh"
    )]
    ProviderPort,
    /// The steward failed.
    #[error("the steward could not {order}: {source} (see log/steward.log in the data folder)")]
    Order {
        /// What it was to do.
        order: String,
        /// What it said.
        source: InvokeError,
    },
    /// A statement about time.
    #[error("the database's clock cannot be moved: {0}")]
    Time(#[source] tokio_postgres::Error),
}
