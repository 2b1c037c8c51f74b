//! No escalation: whoever gives a role, changes one, or changes a member, has every permission that is in it. Asked within the
//! transaction of the change, of what `system.authorize` has just read.

use http::StatusCode;
use shared::{
    model::role::{Permission, RoleRef},
    store::roles,
};

use super::absent;
use crate::{fault::Fault, work::Work};

/// The caller may give this role: it is there, and gives nothing that they do not have.
pub(in crate::routes) async fn may_give(work: &Work, role: RoleRef) -> Result<(), Fault> {
    let given = given_by(work, role).await?.ok_or_else(|| absent("/role"))?;
    check_within(work, &given).await
}

/// The caller may change or remove a member with this role: one that gives nothing that they do not have.
pub(in crate::routes) async fn may_change(work: &Work, role: &str) -> Result<(), Fault> {
    let given = given_by(work, role.to_owned().into()).await?.unwrap_or_default();
    check_within(work, &given).await
}

/// All of these are the caller's own permissions: by their role, and within the scope of their API token if they came by one.
pub(in crate::routes) async fn check_within(work: &Work, given: &[Permission]) -> Result<(), Fault> {
    let own = work.permissions().await?;
    match given.iter().find(|permission| !own.contains(permission)) {
        None => Ok(()),
        Some(missing) => {
            let detail = format!("You do not have `{missing}` yourself, so you cannot decide over it.");
            Err(Fault::new(StatusCode::FORBIDDEN, "exceeds_own_permissions", detail))
        }
    }
}

async fn given_by(work: &Work, role: RoleRef) -> Result<Option<Vec<Permission>>, Fault> {
    Ok(match role {
        RoleRef::BuiltIn(role) => Some(role.permissions()),
        RoleRef::Custom(id) => roles::find(work, id).await?.map(|role| role.gives()),
    })
}
