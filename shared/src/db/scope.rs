//! For whom a transaction works, and the batch that makes it so. The transaction itself is `tx.rs`'s.
//!
//! The batch is made of ids, a validated schema name and names of ours: nothing a user typed stands in it.

use jiff::Timestamp;
use tokio_postgres::SimpleQueryRow;

use crate::{
    error::{DbError, Refusal},
    model::{
        ids::{SessionId, UserId},
        role::{Permission, Role},
        tenant::{Route, TenantState},
    },
};

/// For whom a tenant transaction works.
#[derive(Clone, Debug)]
pub enum Scope {
    /// A signed-in person; the session, membership, role and workspace are re-read as the scope opens.
    Person {
        /// Their session.
        session: SessionId,
        /// Who the token says they are; must be whom the session belongs to.
        user: UserId,
        /// The workspace of the token.
        route: Route,
        /// What they are about to do.
        permission: Permission,
    },
    /// A worker, for a message that was verified.
    Worker(Route),
    /// The steward, reading a workspace as it was at one instant.
    Snapshot(Route),
    /// The steward, filling a schema that no route leads to yet: nobody can be in it, so nobody is asked.
    Loading(Route),
}

/// What opening the scope told.
#[derive(Clone, Debug)]
pub struct Entered {
    /// The person, or none for a worker.
    pub user: Option<UserId>,
    /// Their name, for the audit log.
    pub user_name: String,
    /// Their role, or none for a worker.
    pub role: Option<Role>,
    /// The workspace's state.
    pub state: TenantState,
    /// Database time as the transaction began.
    pub now: Timestamp,
}

/// A group role that a system transaction works under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemRole {
    /// Sign-in's functions.
    Signin,
    /// The portal's functions.
    Portal,
    /// The sweeper: outbox and due index.
    Scheduler,
    /// The owner of every object: the steward's migrations and claims of spares.
    Owner,
    /// The steward's login itself: creating roles and granting them.
    Steward,
}

const TIMEOUTS: &str = "set local statement_timeout = '10s'; set local lock_timeout = '2s'; \
                        set local idle_in_transaction_session_timeout = '15s'";

/// Of what reads or writes a whole workspace. Values travel as text here, so their form is fixed too.
const LONG: &str = "set local statement_timeout = '240s'; set local lock_timeout = '2s'; \
                    set local idle_in_transaction_session_timeout = '120s'; \
                    set local timezone = 'UTC'; set local bytea_output = 'hex'";

impl Scope {
    /// Authorises, then takes on the workspace's role, path and limits. Whatever fails, nothing behind it runs.
    pub(super) fn set_up(&self) -> String {
        let (session, user, route, roles) = match self {
            Self::Person { session, user, route, permission } => {
                let roles: Vec<_> =
                    Role::ALL.iter().filter(|r| r.may(*permission)).map(|r| r.as_str()).collect();
                (format!("'{session}'"), format!("'{user}'"), route, roles.join(","))
            }
            Self::Worker(route) | Self::Snapshot(route) => {
                ("null".to_owned(), "null".to_owned(), route, String::new())
            }
            Self::Loading(route) => return format!("{}; {LONG}", enter(route)),
        };
        let Route { tenant, schema } = route;
        let (first, last) = match self {
            Self::Snapshot(_) => ("set transaction isolation level repeatable read, read only; ", LONG),
            _ => ("", TIMEOUTS),
        };
        format!(
            "{first}select user_id, user_name, role, tenant_state, (extract(epoch from at) * 1000000)::bigint as at_us \
             from system.authorize({session}, {user}, '{tenant}', '{schema}', '{{{roles}}}'); \
             {}; {last}",
            enter(route),
        )
    }
}

/// Takes on the workspace's role, path and id.
fn enter(Route { tenant, schema }: &Route) -> String {
    let role = schema.quoted();
    format!(
        "set local role {role}; set local search_path = {role}, pg_temp; set local app.tenant_id = '{tenant}'"
    )
}

impl Entered {
    /// Reads the answer of `system.authorize`.
    pub(super) fn read(row: &SimpleQueryRow) -> Result<Self, DbError> {
        let text = |column: &str| row.get(column).unwrap_or_default();
        let instant = text("at_us").parse().ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        Ok(Self {
            user: text("user_id").parse().ok(),
            user_name: text("user_name").to_owned(),
            role: text("role").parse().ok(),
            state: text("tenant_state").parse().map_err(|()| DbError::Refused(Refusal::NoSession))?,
            now: instant.ok_or(DbError::Refused(Refusal::NoSession))?,
        })
    }
}

impl SystemRole {
    /// Takes on the group role, an empty path and limits.
    pub(super) fn set_up(self) -> String {
        let role = match self {
            Self::Signin => "set local role system_signin; ",
            Self::Portal => "set local role system_portal; ",
            Self::Scheduler => "set local role system_scheduler; ",
            Self::Owner => "set local role signalbox_owner; ",
            Self::Steward => "",
        };
        format!("{role}set local search_path = pg_catalog, pg_temp; {TIMEOUTS}")
    }
}
