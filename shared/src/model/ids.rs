//! One type per kind of id, so that a run's id cannot stand where a job's is asked for. Used everywhere; makes no ids
//! itself (that is [`crate::clock::Clock::new_id`], because ids are an argument).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An id of one kind: a UUIDv7, written as its hyphenated text.
pub trait Id: From<Uuid> + Copy {
    /// The bare value, for the database's edge.
    fn uuid(self) -> Uuid;
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
        #[serde(transparent)]
        #[schema(value_type = String, format = "uuid")]
        pub struct $name(Uuid);

        impl Id for $name {
            fn uuid(self) -> Uuid {
                self.0
            }
        }

        impl From<Uuid> for $name {
            fn from(value: Uuid) -> Self {
                Self(value)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

/// Calls a macro with every id type: the database's edge implements its traits for each.
#[macro_export]
macro_rules! with_ids {
    ($then:ident) => {
        $then! {
            TenantId UserId SessionId VaultId ConnectionId ConnectionTestId ProfileId JobId ScheduleId RunId TaskRunId
            AttemptId OrphanId EventId AuditId OutboxId OperationId RoleId ApiTokenId InvitationId OperatorId
            OperatorSessionId GrantId
        }
    };
}

ids! {
    /// A workspace.
    TenantId,
    /// What the steward does to a workspace over several steps.
    OperationId,
    /// A person: one (provider, directory, object id).
    UserId,
    /// One signed-in session; revocable on the server.
    SessionId,
    /// A vault.
    VaultId,
    /// A connection; also the default concurrency key.
    ConnectionId,
    /// One test of a connection.
    ConnectionTestId,
    /// A concurrency profile.
    ProfileId,
    /// A job.
    JobId,
    /// A schedule.
    ScheduleId,
    /// A run.
    RunId,
    /// One task inside a run.
    TaskRunId,
    /// One try of a task run; the idempotency token or tag of its external run.
    AttemptId,
    /// An external run nobody would take.
    OrphanId,
    /// One transition of work.
    EventId,
    /// One entry of the audit log.
    AuditId,
    /// One message owed.
    OutboxId,
    /// A platform operator: a person of the operating company.
    OperatorId,
    /// A platform operator's session.
    OperatorSessionId,
    /// A platform operator's right to look into one workspace for a while.
    GrantId,
    /// A role that a workspace made for itself.
    RoleId,
    /// An API token, without its secret.
    ApiTokenId,
    /// An invitation, without its secret.
    InvitationId,
}
