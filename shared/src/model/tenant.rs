//! Where a workspace lives. A [`Route`] comes from a verified session or a verified message, never from a request's text.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::ids::TenantId;

/// A workspace's schema (and role) name: `t_` and 32 lower-case hex digits, generated, never reused.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SchemaName(String);

/// The text is not a schema name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a schema name")]
pub struct NotASchemaName;

impl SchemaName {
    /// The name of the schema that is made with a workspace. Where a workspace is now, its routing row alone says.
    pub fn of(tenant: TenantId) -> Self {
        use super::ids::Id;
        Self::named(tenant.uuid())
    }

    /// The name of a schema that is made with this fresh id: a pool's, or that of a workspace which moves.
    pub fn named(id: Uuid) -> Self {
        Self(format!("t_{}", id.simple()))
    }

    /// The bare name. It needs no escaping, but [`SchemaName::quoted`] is what SQL takes.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name as an SQL identifier.
    pub fn quoted(&self) -> String {
        format!("\"{}\"", self.0)
    }
}

impl FromStr for SchemaName {
    type Err = NotASchemaName;
    fn from_str(text: &str) -> Result<Self, NotASchemaName> {
        let digits = text.strip_prefix("t_").ok_or(NotASchemaName)?;
        let hex = digits.len() == 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex { Ok(Self(text.to_owned())) } else { Err(NotASchemaName) }
    }
}

impl fmt::Display for SchemaName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name of a database beside the first: a lower-case letter, then up to 30 letters, digits or `_`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct DatabaseName(String);

/// The text is not the name of a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a database's name is a lower-case letter and up to 30 letters, digits or _, and not `first`")]
pub struct NotADatabaseName;

impl DatabaseName {
    /// What people call the first database, which has no name of its own.
    pub const FIRST: &str = "first";

    /// The bare name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for DatabaseName {
    type Error = NotADatabaseName;
    fn try_from(text: String) -> Result<Self, NotADatabaseName> {
        let is_inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_';
        let begins = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase());
        if begins && text != Self::FIRST && text.len() <= 31 && text.bytes().all(is_inside) {
            Ok(Self(text))
        } else {
            Err(NotADatabaseName)
        }
    }
}

impl FromStr for DatabaseName {
    type Err = NotADatabaseName;
    fn from_str(text: &str) -> Result<Self, NotADatabaseName> {
        text.to_owned().try_into()
    }
}

impl fmt::Display for DatabaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which workspace, and where its rows are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Route {
    /// The workspace.
    pub tenant: TenantId,
    /// Its schema and role.
    pub schema: SchemaName,
}

/// Where a workspace's rows are kept, and with it what stands between them and others'.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// A schema that several workspaces share, row-level security between them.
    Pooled,
    /// A schema and a role of its own.
    Schema,
    /// A database of its own.
    Dedicated,
}

impl Placement {
    /// The text in `system.tenants`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pooled => "pooled",
            Self::Schema => "schema",
            Self::Dedicated => "dedicated",
        }
    }
}

impl FromStr for Placement {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        [Self::Pooled, Self::Schema, Self::Dedicated].into_iter().find(|p| p.as_str() == text).ok_or(())
    }
}

/// What may be done in a workspace at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantState {
    /// Everything.
    Active,
    /// No new claims; what runs goes on.
    Suspending,
    /// Read-only; no external start begins.
    Suspended,
    /// To be deleted once its grace is over; read-only.
    Deleting,
    /// Past its grace: nobody enters but who stops what it runs outside.
    Purging,
}

impl FromStr for TenantState {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        Ok(match text {
            "active" => Self::Active,
            "suspending" => Self::Suspending,
            "suspended" => Self::Suspended,
            "deleting" => Self::Deleting,
            "purging" => Self::Purging,
            _ => return Err(()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_generated_names_are_schema_names() {
        for bad in [
            "",
            "t_",
            "public",
            "t_0123456789ABCDEF0123456789ABCDEF",
            "t_0123456789abcdef0123456789abcdef\"",
            "t_0123456789abcdef0123456789abcde",
        ] {
            assert!(bad.parse::<SchemaName>().is_err(), "{bad}");
        }
        assert!("t_0123456789abcdef0123456789abcdef".parse::<SchemaName>().is_ok());
    }

    #[test]
    fn a_database_has_a_short_plain_name() {
        let longest = "n".repeat(31);
        for good in ["n", "north", "north_2", &longest] {
            assert!(good.parse::<DatabaseName>().is_ok(), "{good}");
        }
        for bad in
            ["", "first", "North", "2north", "_north", "north-2", "north;", "n orth", &format!("{longest}n")]
        {
            assert!(bad.parse::<DatabaseName>().is_err(), "{bad}");
        }
    }
}
