//! The store: one function per named statement. Each takes a `TenantTx` or a `SystemTx`; none begins one, and those that take
//! it by value end it: the statement and the commit are one round trip.

use uuid::Uuid;

use crate::{
    db::{FromRow, Param, TenantTx},
    error::{DbError, Refusal},
    model::ids::Id,
};

/// Declares a row: a struct whose fields are its statement's columns, by name.
macro_rules! row {
    ($(#[$meta:meta])* $vis:vis struct $name:ident { $($(#[$of:meta])* $field:ident: $type:ty,)* }) => {
        $(#[$meta])*
        $vis struct $name { $($(#[$of])* $vis $field: $type,)* }

        impl $crate::db::FromRow for $name {
            fn from_row(row: &$crate::db::Row) -> Result<Self, $crate::error::DbError> {
                Ok(Self { $($field: row.try_get(stringify!($field))?,)* })
            }
        }
    };
}

pub mod api_tokens;
pub mod archives;
pub mod attempts;
pub mod audit;
pub mod backfills;
pub mod backup_schedules;
pub mod connection_tests;
pub mod connections;
pub mod credentials;
pub mod dashboard;
pub mod deletion;
pub mod directories;
pub mod events;
pub mod idempotency;
pub mod invitations;
pub mod isolation;
pub mod jobs;
pub mod leftovers;
pub mod limits;
pub mod members;
pub mod metrics;
pub mod operations;
pub mod operators;
pub mod outbox;
pub mod overview;
pub mod placements;
pub mod profiles;
pub mod restores;
pub mod roles;
pub mod rollouts;
pub mod roots;
pub mod rotations;
pub mod runs;
pub mod schedules;
pub mod seals;
pub mod sign_in;
pub mod sweep;
pub mod task_runs;
pub mod transfers;
pub mod usage;
pub mod vaults;
pub mod workspace;

/// A page of a list, newest first.
#[derive(Clone, Copy, Debug)]
pub struct Page {
    /// Ids before this one.
    pub before: Uuid,
    /// Rows at most.
    pub limit: i64,
}

impl Page {
    /// The page after the row of an id, or the first.
    #[must_use]
    pub fn after(id: Option<impl Id>, limit: i64) -> Self {
        Self { before: id.map_or(Uuid::max(), Id::uuid), limit }
    }
}

/// Reads rows with the commit in the same round trip.
async fn last<T: FromRow>(tx: TenantTx, sql: &'static str, params: &[&dyn Param]) -> Result<Vec<T>, DbError> {
    tx.last(sql, params).await?.iter().map(T::from_row).collect()
}

/// Reads the one row with the commit in the same round trip; none is absent.
async fn last_one<T: FromRow>(tx: TenantTx, sql: &'static str, params: &[&dyn Param]) -> Result<T, DbError> {
    let rows = tx.last(sql, params).await?;
    rows.first().map(T::from_row).transpose()?.ok_or(DbError::Refused(Refusal::Absent))
}
