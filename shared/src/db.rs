//! The way to Postgres: the pool, the two transactions, migrations and the edge between Rust and SQL types.
//! Nothing outside this module begins a transaction or holds a connection.

pub mod backfill;
mod connection;
mod database;
pub mod logins;
pub mod migrate;
mod moved;
mod param;
mod patience;
pub mod placement;
mod pool;
pub mod removal;
pub mod restore;
mod retry;
mod scope;
pub mod tables;
mod tx;

pub use crate::config::DatabaseSettings;
pub use database::Database;
pub use param::{FromRow, Param};
pub use retry::retrying;
pub use scope::{Entered, Scope, SystemRole, UsedToken};
pub use tx::{SystemTx, TenantTx};

pub use tokio_postgres::Row;

/// Includes one named statement: `sql!("runs/insert.sql")`, below `shared/sql`.
#[macro_export]
macro_rules! sql {
    ($file:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/", $file))
    };
}
