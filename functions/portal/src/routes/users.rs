//! Members of the workspace. People are named by directory and object id, never by address.

use serde::Deserialize;
use shared::model::role::Permission::{UsersRead, UsersWrite};
use shared::{
    error::{DbError, Refusal},
    model::{
        ids::{Id, UserId},
        role::RoleRef,
    },
    store::members::{self, Member},
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

/// A person to be added.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserBody)]
struct NewMember {
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
        post("/users", "users.create", "Adds a person", add).needs(UsersWrite),
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

async fn add(caller: Caller, Body(new): Body<NewMember>) -> Answered<Created<Member>> {
    let work = caller.write().await?;
    rights::may_give(&work, new.role).await?;
    let fresh = caller.app.clock.new_id();
    let id = members::add(&work, fresh, new.directory_id, new.object_id, new.role).await.map_err(known)?;
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

fn known(error: DbError) -> Fault {
    match error {
        DbError::Refused(Refusal::Conflict) => {
            Fault::conflict("already_member", "They are a member already.")
        }
        other => other.into(),
    }
}
