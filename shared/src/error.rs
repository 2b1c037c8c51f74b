//! What can go wrong below the handlers. Driver text stays in `source`, for the log; a caller is told the variant only.

use std::error::Error as StdError;

use crate::model::{limit::Limit, tenant::DatabaseName};

/// A database operation failed.
#[derive(Debug, thiserror::Error)]
pub enum DbError {
    /// The scope was refused, or a system function refused: the public reason.
    #[error("refused: {0:?}")]
    Refused(Refusal),
    /// The directory's workspace is in another database: which.
    #[error("it is in the database {0}")]
    Elsewhere(DatabaseName),
    /// A unique constraint: its name.
    #[error("{constraint} is taken")]
    Taken {
        /// The constraint's name.
        constraint: String,
    },
    /// A foreign key: its name.
    #[error("{constraint} does not hold")]
    Dangling {
        /// The constraint's name.
        constraint: String,
    },
    /// A write that named its expected state moved another number of rows than it had to.
    #[error("{statement} moved {moved} rows, not {expected}")]
    Moved {
        /// The statement's name.
        statement: &'static str,
        /// How many rows should have moved.
        expected: u64,
        /// How many did.
        moved: u64,
    },
    /// Serialisation failure, deadlock or lock timeout: the whole transaction may be tried again.
    #[error("the transaction may be tried again")]
    Retry(#[source] BoxError),
    /// No connection to be had, or it broke; the outcome of a commit may be unknown.
    #[error("the database is out of reach")]
    Unavailable(#[source] BoxError),
    /// The workspace's schema has not what the statement speaks of: a rollout has yet to reach it.
    #[error("the workspace's schema is of an earlier version")]
    Behind(#[source] BoxError),
    /// Anything else: a defect.
    #[error("the database refused a statement")]
    Defect(#[source] BoxError),
}

/// A cause, kept for the log.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// Why a scope or a system function said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// No such session, or a login that may not enter.
    NoSession,
    /// The role may not do this.
    Role,
    /// The directory is not on the list.
    NotOnboarded,
    /// The directory is on the list as one that is kept out.
    Blocked,
    /// A person of a known directory without a membership.
    NoRole,
    /// An invitation that does not hold: wrong, used, revoked, too old, somebody else's, or its maker's no longer to give.
    Invitation,
    /// Absent or foreign: the same.
    Absent,
    /// The thing is there already.
    Conflict,
    /// Something else refers to it.
    InUse,
    /// As many as there may be are there.
    Limit,
    /// The last Administrator stays.
    LastAdministrator,
    /// In a sandbox, whoever administers its workspace stays.
    OriginAdministrator,
    /// Its sandboxes have to go first.
    HasSandboxes,
    /// Another operation on the workspace has to end first.
    OperationOpen,
    /// The operation is over.
    OperationEnded,
    /// The operation has no way back, or none any more.
    NotCancellable,
    /// The workspace's state does not allow it.
    WorkspaceState,
    /// The name that confirms a deletion is not the workspace's.
    WorkspaceName,
    /// No workspace where a message or a session points.
    NoWorkspace,
    /// No spare workspace is left; the steward has been asked for one.
    NoSpare,
    /// A platform operator without an open grant for the workspace.
    NoGrant,
    /// A platform operator has a grant for the workspace already.
    GrantOpen,
    /// A platform operator has as many open grants as one may have.
    TooManyGrants,
    /// A quota is used up.
    Quota(Quota),
}

/// A quota and how many there may be under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Which.
    pub limit: Limit,
    /// Its value in this workspace.
    pub most: i64,
}

impl Quota {
    /// Reads `runs_per_day 200000`.
    fn read(message: &str) -> Option<Self> {
        let (name, most) = message.split_once(' ')?;
        Some(Self { limit: name.parse().ok()?, most: most.parse().ok()? })
    }
}

impl Refusal {
    /// The refusal behind an SQLSTATE of class SB and its message.
    pub fn of(code: &str, message: &str) -> Option<Self> {
        Some(match (code, message) {
            ("SB403", "not_onboarded") => Self::NotOnboarded,
            ("SB403", "blocked") => Self::Blocked,
            ("SB403", "no_role") => Self::NoRole,
            ("SB403", "invitation") => Self::Invitation,
            ("SB409", "last_administrator") => Self::LastAdministrator,
            ("SB409", "origin_administrator") => Self::OriginAdministrator,
            ("SB409", "has_sandboxes") => Self::HasSandboxes,
            ("SB409", "operation_open") => Self::OperationOpen,
            ("SB409", "operation_ended") => Self::OperationEnded,
            ("SB409", "not_cancellable") => Self::NotCancellable,
            ("SB409", "workspace_state") => Self::WorkspaceState,
            ("SB403", "no_grant") => Self::NoGrant,
            ("SB409", "grant_open") => Self::GrantOpen,
            ("SB409", "too_many_grants") => Self::TooManyGrants,
            ("SB409", "in_use") => Self::InUse,
            ("SB409", "limit") => Self::Limit,
            ("SB409", "workspace_name") => Self::WorkspaceName,
            // A function of ours that was reached outside of any workspace: no caller's fault.
            ("SB401", "no tenant scope") => return None,
            ("SB401", _) => Self::NoSession,
            ("SB403", _) => Self::Role,
            ("SB404", "no such workspace") => Self::NoWorkspace,
            ("SB404", _) => Self::Absent,
            ("SB409", _) => Self::Conflict,
            ("SB429", message) => Self::Quota(Quota::read(message)?),
            ("SB503", _) => Self::NoSpare,
            _ => return None,
        })
    }
}

impl DbError {
    /// Whether Postgres refused a permission, or a function of ours found itself outside of any workspace: what never happens
    /// unless somebody tries to cross, or we have a defect that would let them.
    pub fn is_denied(&self) -> bool {
        self.is_defect_of(&["42501", "SB401"])
    }

    /// Whether a statement was cut off because it took longer than it may.
    pub fn is_over_time(&self) -> bool {
        self.is_defect_of(&["57014"])
    }

    fn is_defect_of(&self, codes: &[&str]) -> bool {
        let Self::Defect(source) = self else { return false };
        let code = source.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
        code.is_some_and(|code| codes.contains(&code.code()))
    }

    /// Whether the transaction that failed may be run again from its start.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Retry(_))
    }
}

impl From<tokio_postgres::Error> for DbError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            return if error.is_closed()
                || error.code().is_none()
                    && StdError::source(&error).is_some_and(|s| s.is::<std::io::Error>())
            {
                Self::Unavailable(Box::new(error))
            } else {
                Self::Defect(Box::new(error))
            };
        };
        if let Some(refusal) = Refusal::of(db.code().code(), db.message()) {
            return Self::Refused(refusal);
        }
        if db.code().code() == "SB307"
            && let Ok(database) = db.message().parse()
        {
            return Self::Elsewhere(database);
        }
        let constraint = || db.constraint().unwrap_or("unnamed").to_owned();
        match db.code().code() {
            "23505" => Self::Taken { constraint: constraint() },
            "23503" => Self::Dangling { constraint: constraint() },
            "40001" | "40P01" | "55P03" => Self::Retry(Box::new(error)),
            "42P01" | "42703" => Self::Behind(Box::new(error)),
            "53300" | "57P01" | "57P02" | "57P03" | "08006" | "28P01" | "28000" => {
                Self::Unavailable(Box::new(error))
            }
            _ => Self::Defect(Box::new(error)),
        }
    }
}

/// An error and its causes, for the log. Of each the first line, for a driver's second can hold a row; of Postgres the code
/// and the constraint's name too.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = first_line(error);
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&first_line(error));
        if let Some(db) = error.downcast_ref::<tokio_postgres::error::DbError>() {
            text.push_str(&format!(" [{} {}]", db.code().code(), db.constraint().unwrap_or_default()));
        }
        cause = error.source();
    }
    text
}

fn first_line(error: &dyn StdError) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_no_row() {
        #[derive(Debug, thiserror::Error)]
        #[error("ERROR: value too long\nDETAIL: Failing row contains (canary).")]
        struct Driver;
        let cause = DbError::Defect(Box::new(Driver));
        assert_eq!(chain(&cause), "the database refused a statement: ERROR: value too long");
    }
}
