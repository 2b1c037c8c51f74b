//! For whom a transaction works, and the batch that makes it so. The transaction itself is `tx.rs`'s.
//!
//! The batch is made of ids, a validated schema name and names of ours: nothing a user typed stands in it.

use jiff::Timestamp;
use tokio_postgres::SimpleQueryRow;

use super::moved::Whose;
use crate::{
    error::{DbError, Refusal},
    model::{
        ids::{ApiTokenId, OperatorId, OperatorSessionId, SessionId, TenantId, UserId},
        role::{Permission, Role, RoleRef},
        tenant::{Route, SchemaName, TenantState},
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
        /// What they are about to do; none where membership is enough.
        permission: Option<Permission>,
    },
    /// A member's program, by an API token; the token, its maker's membership and role, and the workspace are re-read.
    Token {
        /// SHA-256 of the token.
        hash: [u8; 32],
        /// Who the token says made it; must be who did.
        user: UserId,
        /// The workspace of the token.
        route: Route,
        /// What it is about to do; none where membership is enough.
        permission: Option<Permission>,
    },
    /// A worker, for a message that was verified.
    Worker(Route),
    /// A platform operator with an open grant for the workspace, which is re-read as the scope opens. They read, and no more.
    Operator {
        /// Their session.
        session: OperatorSessionId,
        /// Who the token says they are; must be whom the session belongs to.
        operator: OperatorId,
        /// The workspace they hold a grant for.
        route: Route,
    },
    /// The steward, reading a workspace as it was at one instant.
    Snapshot(Route),
    /// The steward, filling a schema that no route leads to yet: nobody can be in it, so nobody is asked.
    Loading(Route),
    /// The same as the owner of its tables, for the logs, which no tenant may write as they are.
    LoadingLogs(Route),
    /// The owner of the workspace's tables, held to the rows of one workspace: what only the steward does.
    Owner(Route),
}

/// What opening the scope told.
#[derive(Clone, Debug)]
pub struct Entered {
    /// The person, or none for a worker or a platform operator.
    pub user: Option<UserId>,
    /// Their name, for the audit log.
    pub user_name: String,
    /// Their role, or none for a worker or a platform operator.
    pub role: Option<RoleRef>,
    /// The name of a role of the workspace's own.
    pub role_name: Option<String>,
    /// The API token they came by.
    pub token: Option<UsedToken>,
    /// What a role of the workspace's own gives.
    given: Vec<Permission>,
    /// The workspace's state.
    pub state: TenantState,
    /// Database time as the transaction began.
    pub now: Timestamp,
}

/// The API token that a request was made with.
#[derive(Clone, Debug)]
pub struct UsedToken {
    /// Its id.
    pub id: ApiTokenId,
    /// Its name, for the audit log.
    pub name: String,
    scope: Vec<Permission>,
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
    /// The platform operators' functions.
    Operators,
    /// The sweep for leftovers: sees whose rows there are in a pool, and nothing else.
    Sweeper,
    /// The owner of every object: the steward's migrations and claims of spares.
    Owner,
    /// The steward's login itself: creating roles and granting them.
    Steward,
}

const TIMEOUTS: &str = "set local statement_timeout = '10s'; set local lock_timeout = '2s'; \
                        set local idle_in_transaction_session_timeout = '15s'";

/// The workspace stays where it is until the end of the transaction; refused where it has just gone.
const HOLD: &str = "select system.hold_route()";

/// Of what reads or writes a whole workspace. Values travel as text here, so their form is fixed too.
const LONG: &str = "set local statement_timeout = '240s'; set local lock_timeout = '2s'; \
                    set local idle_in_transaction_session_timeout = '120s'; \
                    set local timezone = 'UTC'; set local bytea_output = 'hex'";

impl Scope {
    /// Authorises, then takes on the workspace's role, path and limits where it is, and holds it there. Whatever fails, nothing
    /// behind it runs.
    pub(super) fn set_up(&self, schema: &SchemaName) -> String {
        let (tenant, role) = (self.route().tenant, schema.quoted());
        let enter = |role: &str| enter(tenant, schema, role);
        match self {
            Self::Person { .. } | Self::Token { .. } | Self::Worker(_) => {
                format!("{}; {}; {TIMEOUTS}; {HOLD}", self.authorize(schema), enter(&role))
            }
            Self::Operator { .. } => format!(
                "set transaction read only; {}; {}; {TIMEOUTS}; {HOLD}",
                self.authorize(schema),
                enter(&role)
            ),
            Self::Snapshot(_) => format!(
                "set transaction isolation level repeatable read, read only; {}; {}; {LONG}; {HOLD}",
                self.authorize(schema),
                enter(&role)
            ),
            Self::Loading(_) => format!("{}; {LONG}", enter(&role)),
            Self::LoadingLogs(_) => format!("{}; {LONG}", enter("signalbox_owner")),
            Self::Owner(_) => format!(
                "{}; {LONG}; select system.hold_place('{tenant}', '{schema}')",
                enter("signalbox_owner")
            ),
        }
    }

    /// The workspace, and where its token or message says it is.
    pub(super) fn route(&self) -> &Route {
        match self {
            Self::Person { route, .. }
            | Self::Token { route, .. }
            | Self::Operator { route, .. }
            | Self::Worker(route)
            | Self::Snapshot(route)
            | Self::Loading(route)
            | Self::LoadingLogs(route)
            | Self::Owner(route) => route,
        }
    }

    /// The workspace is looked for where its route leads, which may be elsewhere than was said. An operator's function has just
    /// read the route; where a restore loads, no route leads.
    pub(super) fn is_looked_for(&self) -> bool {
        !matches!(self, Self::Operator { .. } | Self::Loading(_) | Self::LoadingLogs(_))
    }

    /// Whose scope this is, for whoever looks for its workspace again.
    pub(super) fn whose(&self) -> Whose {
        match self {
            Self::Person { session, .. } => Whose::Session(*session),
            Self::Token { hash, .. } => Whose::Token(*hash),
            _ => Whose::Worker(self.route().tenant),
        }
    }

    /// Asks who is here; raises where anything is missing.
    fn authorize(&self, schema: &SchemaName) -> String {
        format!(
            "select user_id, user_name, role, role_name, permissions, token_id, token_name, token_scope, tenant_state, \
                    (extract(epoch from at) * 1000000)::bigint as at_us \
             from system.{}",
            self.way_in(schema)
        )
    }

    /// The function that answers for this kind of scope.
    fn way_in(&self, schema: &SchemaName) -> String {
        let tenant = self.route().tenant;
        let (who, permission) = match self {
            Self::Operator { session, operator, .. } => {
                return format!("authorize_operator('{session}', '{operator}', '{tenant}', '{schema}')");
            }
            Self::Person { session, user, permission, .. } => {
                (format!("'{session}', null, '{user}'"), *permission)
            }
            Self::Token { hash, user, permission, .. } => {
                (format!("null, '\\x{}', '{user}'", hex(hash)), *permission)
            }
            _ => ("null, null, null".to_owned(), None),
        };
        let may = |role: &&Role| permission.is_some_and(|permission| role.may(permission));
        let roles: Vec<_> = Role::ALL.iter().filter(may).map(|r| r.as_str()).collect();
        let (roles, permission) = (roles.join(","), permission.map_or("signed_in", Permission::as_str));
        format!("authorize({who}, '{tenant}', '{schema}', '{permission}', '{{{roles}}}')")
    }
}

/// Takes on a role, and the workspace's path and id.
fn enter(tenant: TenantId, schema: &SchemaName, role: &str) -> String {
    let schema = schema.quoted();
    format!(
        "set local role {role}; set local search_path = {schema}, pg_temp; set local app.tenant_id = '{tenant}'"
    )
}

impl Entered {
    /// Whether a row is the answer of `system.authorize`.
    pub(super) fn is_in(row: &SimpleQueryRow) -> bool {
        row.columns().iter().any(|column| column.name() == "tenant_state")
    }

    /// Reads the answer of `system.authorize`.
    pub(super) fn read(row: &SimpleQueryRow) -> Result<Self, DbError> {
        let text = |column: &str| row.get(column).unwrap_or_default();
        let instant = text("at_us").parse().ok().and_then(|us| Timestamp::from_microsecond(us).ok());
        let user = text("user_id").parse().ok();
        let token = text("token_id").parse().ok().map(|id| UsedToken {
            id,
            name: text("token_name").to_owned(),
            scope: permissions(text("token_scope")),
        });
        Ok(Self {
            user,
            user_name: text("user_name").to_owned(),
            role: user.map(|_| text("role").to_owned().into()),
            role_name: row.get("role_name").map(str::to_owned),
            token,
            given: permissions(text("permissions")),
            state: text("tenant_state").parse().map_err(|()| DbError::Refused(Refusal::NoSession))?,
            now: instant.ok_or(DbError::Refused(Refusal::NoSession))?,
        })
    }

    /// All that they may do here now: what their role gives, within the token's scope if they came by one.
    pub fn permissions(&self) -> Vec<Permission> {
        let mut all = match self.role {
            Some(RoleRef::BuiltIn(role)) => role.permissions(),
            Some(RoleRef::Custom(_)) => self.given.clone(),
            None => Vec::new(),
        };
        if let Some(token) = &self.token {
            all.retain(|permission| token.scope.contains(permission));
        }
        all
    }
}

/// Permissions as the database lists them. One that another release knows gives nothing here.
fn permissions(text: &str) -> Vec<Permission> {
    text.split(',').filter_map(|name| name.parse().ok()).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl SystemRole {
    /// Takes on the group role, an empty path and limits.
    pub(super) fn set_up(self) -> String {
        let role = match self {
            Self::Signin => "set local role system_signin; ",
            Self::Portal => "set local role system_portal; ",
            Self::Scheduler => "set local role system_scheduler; ",
            Self::Operators => "set local role system_operators; ",
            Self::Sweeper => "set local role signalbox_sweeper; ",
            Self::Owner => "set local role signalbox_owner; ",
            Self::Steward => "",
        };
        format!("{role}set local search_path = pg_catalog, pg_temp; {TIMEOUTS}")
    }
}
