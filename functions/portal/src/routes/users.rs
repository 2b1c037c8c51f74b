//! Members of the workspace. People are named by directory and object id, never by address.

use serde::Deserialize;
use shared::model::role::Permission::{UsersRead, UsersWrite};
use shared::{
    error::{DbError, Refusal},
    model::{
        Problem,
        ids::{Id, UserId},
        limit::Limit,
        role::{Role, RoleRef},
    },
    store::members::{self, Member, NewMember},
};
use utoipa::ToSchema;
use uuid::Uuid;

use super::{
    lists::{List, Plain},
    roles::rights,
};
use crate::{
    argument::{Body, Path, Query},
    caller::Caller,
    fault::{Answered, Fault},
    reply::{Created, Done, Found},
    route::{Route, delete, get, patch, post},
    work::Change,
};

/// What a member is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = UserKind)]
enum Kind {
    /// Somebody who signs in.
    #[default]
    Person,
    /// An application of the workspace's own directory, which comes with its directory's token.
    ServicePrincipal,
}

/// A person or a service principal to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserBody)]
struct NewMemberBody {
    /// What they are.
    #[serde(default)]
    kind: Kind,
    /// Their directory (Entra's tenant id).
    directory_id: Uuid,
    /// Their object id there.
    object_id: Uuid,
    /// Their role here; one that gives nothing that you do not have yourself.
    role: RoleRef,
}

/// A role to be given.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct RoleChange {
    /// Their role here; one that gives nothing that you do not have yourself.
    role: RoleRef,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/users", "users.list", "Lists the members, newest first", list).needs(UsersRead),
        post("/users", "users.create", "Adds a person or a service principal", add).needs(UsersWrite),
        get("/users/{id}", "users.get", "One member", show).needs(UsersRead),
        patch("/users/{id}", "users.update", "Changes a member's role", update).needs(UsersWrite),
        delete(
            "/users/{id}",
            "users.delete",
            "Removes a member; their sessions and API tokens here end at once",
            remove,
        )
        .needs(UsersWrite),
    ]
}

async fn list(caller: Caller, Query(query): Query<Plain>) -> Answered<Found<List<Member>>> {
    let page = query.page();
    let rows = members::list(caller.read().await?.into_tx(), page).await?;
    Ok(Found::of(&List::of(rows, page, |m| m.id, |m| m)))
}

async fn add(caller: Caller, Body(new): Body<NewMemberBody>) -> Answered<Created<Member>> {
    let work = caller.write().await?;
    work.hold(Limit::Users).await?;
    rights::may_give(&work, new.role).await?;
    let service = new.kind == Kind::ServicePrincipal;
    check_administrator(service, new.role)?;
    let (directory, object, role) = (new.directory_id, new.object_id, new.role);
    let new = NewMember { id: caller.app.clock.new_id(), directory, object, role, service };
    let id = members::add(&work, new).await.map_err(known)?;
    let member = members::read(&work, id).await?;
    let change = Change::new("user.create", id.uuid()).after(&member);
    let answer = Created::at(&format!("/api/v1/users/{id}"), &member).at_version(member.version);
    work.commit(change, answer).await
}

async fn show(caller: Caller, Path(id): Path<UserId>) -> Answered<Found<Member>> {
    let member = members::get(caller.read().await?.into_tx(), id).await?;
    Ok(Found::of(&member).at_version(member.version))
}

async fn update(
    caller: Caller,
    Path(id): Path<UserId>,
    Body(new): Body<RoleChange>,
) -> Answered<Found<Member>> {
    let work = caller.write().await?;
    let was = members::read(&work, id).await?;
    caller.check_version(was.version)?;
    rights::may_change(&work, &was.role).await?;
    rights::may_give(&work, new.role).await?;
    check_administrator(was.kind == "service_principal", new.role)?;
    members::change(&work, &was, Some(new.role)).await?;
    let member = members::read(&work, id).await?;
    let change = Change::new("user.update", id.uuid()).before(&was).after(&member);
    work.commit(change, Found::of(&member).at_version(member.version)).await
}

async fn remove(caller: Caller, Path(id): Path<UserId>) -> Answered<Done> {
    let work = caller.write().await?;
    let was = members::read(&work, id).await?;
    caller.check_version(was.version)?;
    rights::may_change(&work, &was.role).await?;
    members::change(&work, &was, None).await?;
    work.commit(Change::new("user.delete", id.uuid()).before(&was), Done::done()).await
}

/// An Administrator is a person: programs alone would leave nobody to turn to.
fn check_administrator(service: bool, role: RoleRef) -> Result<(), Fault> {
    if !service || role != RoleRef::BuiltIn(Role::Administrator) {
        return Ok(());
    }
    Err(Fault::invalid(vec![Problem::at("/role", "is a person's: no service principal is an Administrator")]))
}

fn known(error: DbError) -> Fault {
    match error {
        DbError::Refused(Refusal::Conflict) => {
            Fault::conflict("already_member", "They are a member already.")
        }
        DbError::Refused(Refusal::Absent) => Fault::dangling(
            "/directory_id",
            "is not the directory of this workspace, as a service principal's is",
        ),
        other => other.into(),
    }
}
