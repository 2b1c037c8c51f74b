//! Roles: the two that every workspace has, and those it makes for itself. Nobody gives what they do not have themselves.

pub(super) mod rights;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::model::role::Permission::{RolesWrite, UsersRead};
use shared::{
    error::{DbError, Refusal},
    model::{
        Problems,
        ids::{Id, RoleId},
        role::{Permission, Role, RoleRef},
    },
    store::roles::{self, CustomRole},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    check_named,
    lists::{List, Plain},
};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::{Answered, Fault},
    reply::{Created, Done, Found},
    route::{Route, delete, get, post, put},
    work::Change,
};

/// A named set of permissions.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Role)]
struct RoleView {
    /// What members and invitations name it by.
    id: RoleRef,
    /// Its name.
    name: String,
    /// Whether every workspace has it; such a one cannot be changed.
    built_in: bool,
    /// What it gives.
    permissions: Vec<Permission>,
    /// Counts its changes.
    version: i32,
    /// When it was made; null for a built-in one.
    #[schema(value_type = Option<String>, format = DateTime)]
    created_at: Option<Timestamp>,
    /// When it last changed; null for a built-in one.
    #[schema(value_type = Option<String>, format = DateTime)]
    updated_at: Option<Timestamp>,
}

/// What a role is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RoleBody)]
struct NewRole {
    /// Unique in the workspace, whatever the case; at most 100 characters.
    #[schema(max_length = 100)]
    name: String,
    /// What it gives: at least one, each once.
    permissions: Vec<Permission>,
}

pub(super) fn routes() -> Vec<Route> {
    let (all, one) = ("/roles", "/roles/{id}");
    vec![
        get(all, "roles.list", "Lists the workspace's own roles, newest first, and the built-in ones", list)
            .needs(UsersRead),
        post(all, "roles.create", "Makes a role", create).needs(RolesWrite),
        get(one, "roles.get", "One role", show).needs(UsersRead),
        put(one, "roles.update", "Changes a role; its members have the new permissions at once", update)
            .needs(RolesWrite),
        delete(one, "roles.delete", "Deletes a role that nobody has", remove).needs(RolesWrite),
    ]
}

impl NewRole {
    fn check(&self) -> Result<(), Fault> {
        let mut problems = Problems::default();
        check_named(&mut problems, "/name", &self.name);
        let built_in = Role::ALL.iter().any(|role| role.as_str().eq_ignore_ascii_case(&self.name));
        problems.unless(!built_in, "/name", "is the name of a built-in role");
        problems.unless(!self.permissions.is_empty(), "/permissions", "must name at least one");
        for (at, permission) in self.permissions.iter().enumerate() {
            let pointer = format!("/permissions/{at}");
            problems.unless(permission.is_for_custom_roles(), &pointer, "is the Administrators' alone");
            problems.unless(!self.permissions[..at].contains(permission), &pointer, "is named twice");
        }
        Ok(problems.or(())?)
    }
}

async fn list(caller: Caller, Query(query): Query<Plain>) -> Answered<Found<List<RoleView>>> {
    let page = query.page();
    let tx = caller.read().await?;
    let mut rows: Vec<RoleView> = roles::list(&tx, page).await?.into_iter().map(RoleView::from).collect();
    tx.into_tx().commit().await?;
    rows.extend(Role::ALL.iter().copied().map(RoleView::from).filter(|role| place(role) < page.before));
    Ok(Found::of(&List::of(rows, page, |role| RoleId::from(place(role)), |role| role)))
}

async fn create(caller: Caller, Body(new): Body<NewRole>) -> Answered<Created<RoleView>> {
    new.check()?;
    let work = caller.write().await?;
    rights::check_within(&work, &new.permissions).await?;
    let role = roles::insert(&work, caller.app.clock.new_id(), &new.name, &new.permissions).await?;
    let (id, version) = (role.id, role.version);
    let role = RoleView::from(role);
    let change = Change::new("role.create", id.uuid()).after(&role);
    work.commit(change, Created::at(&format!("/api/v1/roles/{id}"), &role).at_version(version)).await
}

async fn show(caller: Caller, Path(id): Path<RoleRef>) -> Answered<Found<RoleView>> {
    let tx = caller.read().await?;
    let role = match id {
        RoleRef::BuiltIn(role) => {
            tx.open().await?;
            role.into()
        }
        RoleRef::Custom(id) => RoleView::from(roles::read(&tx, id).await?),
    };
    tx.into_tx().commit().await?;
    Ok(Found::of(&role).at_version(role.version))
}

async fn update(
    caller: Caller,
    Path(id): Path<RoleRef>,
    Body(new): Body<NewRole>,
) -> Answered<Found<RoleView>> {
    new.check()?;
    let work = caller.write().await?;
    let was = roles::read(&work, own(&work, id).await?).await?;
    caller.check_version(was.version)?;
    rights::check_within(&work, &was.gives()).await?;
    rights::check_within(&work, &new.permissions).await?;
    let role = roles::update(&work, &was, &new.name, &new.permissions).await?;
    let (version, change) = (role.version, Change::new("role.update", was.id.uuid()));
    let (was, role) = (RoleView::from(was), RoleView::from(role));
    work.commit(change.before(&was).after(&role), Found::of(&role).at_version(version)).await
}

async fn remove(caller: Caller, Path(id): Path<RoleRef>) -> Answered<Done> {
    let work = caller.write().await?;
    let was = roles::read(&work, own(&work, id).await?).await?;
    caller.check_version(was.version)?;
    roles::delete(&work, &was).await?;
    let change = Change::new("role.delete", was.id.uuid());
    work.commit(change.before(&RoleView::from(was)), Done::done()).await
}

/// The id of a role that can be changed: one of the workspace's own.
async fn own(work: &crate::work::Work, id: RoleRef) -> Result<RoleId, Fault> {
    match id {
        RoleRef::Custom(id) => Ok(id),
        RoleRef::BuiltIn(_) => {
            work.now().await?;
            Err(Fault::conflict("built_in", "Every workspace has this role as it is."))
        }
    }
}

/// Where a role stands in the list: the built-in ones below every id.
fn place(role: &RoleView) -> Uuid {
    match role.id {
        RoleRef::Custom(id) => id.uuid(),
        RoleRef::BuiltIn(Role::Administrator) => Uuid::from_u128(2),
        RoleRef::BuiltIn(Role::Operator) => Uuid::from_u128(1),
    }
}

impl From<Role> for RoleView {
    fn from(role: Role) -> Self {
        Self {
            id: RoleRef::BuiltIn(role),
            name: role.to_string(),
            built_in: true,
            permissions: role.permissions(),
            version: 1,
            created_at: None,
            updated_at: None,
        }
    }
}

impl From<CustomRole> for RoleView {
    fn from(role: CustomRole) -> Self {
        Self {
            id: RoleRef::Custom(role.id),
            permissions: role.gives(),
            name: role.name,
            built_in: false,
            version: role.version,
            created_at: Some(role.created_at),
            updated_at: Some(role.updated_at),
        }
    }
}

/// A role that a body names and that is not there, foreign or never made.
fn absent(pointer: &str) -> Fault {
    Fault::dangling(pointer, "is no role of this workspace").because(DbError::Refused(Refusal::Absent))
}
