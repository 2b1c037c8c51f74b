//! Who belongs to the workspace, through functions of schema `system` that take the workspace from the scope.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use super::Page;
use crate::{
    db::{Param, TenantTx},
    error::DbError,
    model::{ids::UserId, role::RoleRef},
    sql,
};

row! {
    /// A member of the workspace.
    #[derive(Clone, Debug, Serialize, ToSchema)]
    #[schema(as = User)]
    pub struct Member {
        /// The person's id.
        id: UserId,
        /// Their name as their directory gives it; empty until they first sign in.
        name: String,
        /// Their directory.
        directory_id: Uuid,
        /// Their object id there.
        object_id: Uuid,
        /// `person` or `service_principal`.
        kind: String,
        /// `administrator`, `operator`, or the id of one of the workspace's own roles.
        role: String,
        /// The role's name.
        role_name: String,
        /// Counts the changes of the membership.
        version: i32,
        /// When they were added.
        #[schema(value_type = String, format = DateTime)]
        created_at: Timestamp,
        /// When their membership last changed.
        #[schema(value_type = String, format = DateTime)]
        updated_at: Timestamp,
    }
}

row! {
    /// A member's name.
    #[derive(Clone, Debug)]
    pub struct Named {
        /// The person's id.
        id: UserId,
        /// Their name as their directory gives it.
        name: String,
    }
}

row! {
    struct Added {
        id: UserId,
    }
}

row! {
    struct Changed {
        changed: bool,
    }
}

/// A page of members, and the commit.
pub async fn list(tx: TenantTx, page: Page) -> Result<Vec<Member>, DbError> {
    let limit = i32::try_from(page.limit).unwrap_or(i32::MAX);
    super::last(tx, sql!("members/list.sql"), &[&page.before, &limit]).await
}

/// One member, and the commit.
pub async fn get(tx: TenantTx, id: UserId) -> Result<Member, DbError> {
    super::last_one(tx, sql!("members/get.sql"), &[&id]).await
}

/// One member.
pub async fn read(tx: &TenantTx, id: UserId) -> Result<Member, DbError> {
    tx.one(sql!("members/get.sql"), &[&id]).await
}

/// Names of those of these people who are members.
pub async fn names(tx: &TenantTx, of: &[UserId]) -> Result<Vec<Named>, DbError> {
    if of.is_empty() {
        return Ok(Vec::new());
    }
    tx.all(sql!("members/names.sql"), &[&of]).await
}

/// Somebody to be added.
#[derive(Clone, Copy, Debug)]
pub struct NewMember {
    /// Their id, unless they are known.
    pub id: UserId,
    /// Their directory.
    pub directory: Uuid,
    /// Their object id there.
    pub object: Uuid,
    /// Their role.
    pub role: RoleRef,
    /// Whether it is a service principal.
    pub service: bool,
}

/// Adds a person or a service principal; says their id. A member already: refused as a conflict. A service principal of another
/// directory than the workspace's own is absent.
pub async fn add(tx: &TenantTx, new: NewMember) -> Result<UserId, DbError> {
    let role = new.role.to_string();
    let params: [&dyn Param; 5] = [&new.id, &new.directory, &new.object, &role, &new.service];
    tx.one::<Added>(sql!("members/add.sql"), &params).await.map(|a| a.id)
}

/// Changes a role, or removes the member where `role` is none, if the membership is still at its version.
pub async fn change(tx: &TenantTx, was: &Member, role: Option<RoleRef>) -> Result<(), DbError> {
    let role = role.map(String::from);
    let changed =
        tx.one::<Changed>(sql!("members/change.sql"), &[&was.id, &was.version, &role]).await?.changed;
    if changed { Ok(()) } else { Err(DbError::Moved { statement: "members/change", expected: 1, moved: 0 }) }
}
