//! A role as the API and the audit log name it.

use std::{convert::Infallible, fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};
use uuid::Uuid;

use super::Role;
use crate::model::ids::RoleId;

/// A role by its id: `administrator`, `operator`, or the id of one of the workspace's own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", from = "String")]
pub enum RoleRef {
    /// One of the two that every workspace has.
    BuiltIn(Role),
    /// One of the workspace's own.
    Custom(RoleId),
}

impl FromStr for RoleRef {
    type Err = Infallible;

    /// What cannot be an id becomes one that never was, so that malformed and absent go the same way.
    fn from_str(text: &str) -> Result<Self, Infallible> {
        let role = text.parse().map(Self::BuiltIn);
        let custom = || text.parse().ok().filter(|id: &RoleId| id.to_string() == text);
        Ok(role.unwrap_or_else(|_| Self::Custom(custom().unwrap_or_else(|| Uuid::nil().into()))))
    }
}

impl From<String> for RoleRef {
    fn from(text: String) -> Self {
        let Ok(role) = text.parse();
        role
    }
}

impl From<RoleRef> for String {
    fn from(role: RoleRef) -> Self {
        role.to_string()
    }
}

impl fmt::Display for RoleRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BuiltIn(role) => role.fmt(f),
            Self::Custom(id) => id.fmt(f),
        }
    }
}

impl PartialSchema for RoleRef {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("`administrator`, `operator`, or the id of one of the workspace's own roles."))
            .examples(["operator"])
            .into()
    }
}

impl ToSchema for RoleRef {
    fn name() -> std::borrow::Cow<'static, str> {
        "RoleId".into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_has_one_spelling_and_anything_else_is_nobodys() {
        let id = "0193d4a0-0000-7000-8000-000000000001";
        for text in ["administrator", "operator", id] {
            assert_eq!(RoleRef::from(text.to_owned()).to_string(), text);
        }
        let nobodys = RoleRef::Custom(Uuid::nil().into());
        for text in [
            "",
            "Administrator",
            "custom",
            "worker",
            "{0193d4a0-0000-7000-8000-000000000001}",
            &id.to_uppercase(),
        ] {
            assert_eq!(RoleRef::from(text.to_owned()), nobodys, "{text}");
        }
    }
}
