//! Who may do what: two built-in roles and those a workspace makes for itself, and the permissions each gives.
//!
//! A route names a permission; `system.authorize` decides by [`Role::may`] for a built-in role and by the stored set for one of
//! the workspace's own. Nothing else does.

mod reference;

pub use reference::RoleRef;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What a member of a workspace is. An administrator configures; an operator runs and watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Configures the workspace, and may do all that an operator may.
    Administrator,
    /// Runs and watches jobs.
    Operator,
}

macro_rules! permissions {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $operator:literal;)*) => {
        /// One thing a route may require.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        pub enum Permission {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Permission {
            /// Every permission, in the order of this file.
            pub const ALL: &[Permission] = &[$(Permission::$name,)*];

            /// The text used in the API, in the document and in the audit log.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Permission::$name => $text,)* }
            }

            const fn of_operator(self) -> bool {
                match self { $(Permission::$name => $operator,)* }
            }
        }
    };
}

// Text form, and whether an operator has it; an administrator has all.
permissions! {
    /// See vaults and the names of their credentials.
    VaultsRead = "vaults.read", false;
    /// Create, change and delete vaults and credentials.
    VaultsWrite = "vaults.write", false;
    /// See connections and their kinds.
    ConnectionsRead = "connections.read", true;
    /// Create, change, test and delete connections.
    ConnectionsWrite = "connections.write", false;
    /// See concurrency profiles.
    ProfilesRead = "concurrency_profiles.read", true;
    /// Create, change and delete concurrency profiles.
    ProfilesWrite = "concurrency_profiles.write", false;
    /// See jobs and their versions.
    JobsRead = "jobs.read", true;
    /// Create, change and delete jobs.
    JobsWrite = "jobs.write", false;
    /// See schedules and preview them.
    SchedulesRead = "schedules.read", true;
    /// Create, change and delete schedules.
    SchedulesWrite = "schedules.write", false;
    /// Pause and resume schedules.
    SchedulesOperate = "schedules.operate", true;
    /// See runs, their tasks and events, and the dashboard.
    RunsRead = "runs.read", true;
    /// Start runs and act on them.
    RunsOperate = "runs.operate", true;
    /// See members, invitations and roles.
    UsersRead = "users.read", false;
    /// Add, change and remove members.
    UsersWrite = "users.write", false;
    /// See the workspace's state, its operations and what they made.
    WorkspaceRead = "workspace.read", false;
    /// Suspend, reactivate, export, back up, restore and delete the workspace.
    WorkspaceWrite = "workspace.write", false;
    /// See what the workspace uses, may use and is like.
    UsageRead = "usage.read", false;
    /// Create, change and delete the workspace's own roles.
    RolesWrite = "roles.write", false;
    /// Make, see and revoke one's own API tokens.
    OwnTokensWrite = "own_tokens.write", true;
    /// See and revoke everybody's API tokens.
    TokensWrite = "api_tokens.write", false;
    /// Read and verify the audit log.
    AuditRead = "audit.read", false;
}

/// What Administrators alone hold, and no role of a workspace's own gives: to decide what a role may do, over everybody's
/// programs, and over the workspace as a whole.
const ADMINISTRATORS: &[Permission] =
    &[Permission::RolesWrite, Permission::TokensWrite, Permission::WorkspaceWrite];

impl Permission {
    /// Whether a role of a workspace's own may give it.
    #[must_use]
    pub fn is_for_custom_roles(self) -> bool {
        !ADMINISTRATORS.contains(&self)
    }
}

impl Role {
    /// Every role.
    pub const ALL: &[Role] = &[Role::Administrator, Role::Operator];

    /// The text used in the database and the API.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::Operator => "operator",
        }
    }

    /// Whether this role gives a permission.
    #[must_use]
    pub const fn may(self, permission: Permission) -> bool {
        match self {
            Role::Administrator => true,
            Role::Operator => permission.of_operator(),
        }
    }

    /// All permissions of this role, as `/me` lists them.
    #[must_use]
    pub fn permissions(self) -> Vec<Permission> {
        Permission::ALL.iter().copied().filter(|p| self.may(*p)).collect()
    }
}

/// A text that names no role or permission.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not known here")]
pub struct UnknownName(pub String);

impl FromStr for Role {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Role::ALL.iter().copied().find(|r| r.as_str() == text).ok_or_else(|| UnknownName(text.into()))
    }
}

impl FromStr for Permission {
    type Err = UnknownName;

    fn from_str(text: &str) -> Result<Self, UnknownName> {
        Permission::ALL.iter().copied().find(|p| p.as_str() == text).ok_or_else(|| UnknownName(text.into()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_runs_and_reads_but_configures_nothing() {
        for permission in Role::Operator.permissions() {
            let text = permission.as_str();
            assert!(
                text.ends_with(".read") || text.ends_with(".operate") || text == "own_tokens.write",
                "{text} is not for operators"
            );
        }
        assert!(!Role::Operator.may(Permission::AuditRead));
        assert!(!Role::Operator.may(Permission::VaultsRead));
    }

    #[test]
    fn an_administrator_may_do_all() {
        assert_eq!(Role::Administrator.permissions(), Permission::ALL);
    }

    #[test]
    fn texts_read_back_as_what_they_name() {
        for permission in Permission::ALL {
            assert_eq!(permission.as_str().parse(), Ok(*permission));
            assert_eq!(serde_json::to_value(permission).expect("serialises"), permission.as_str());
        }
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(*role));
        }
        assert!("Administrator".parse::<Role>().is_err());
    }
}
