//! Concurrency profiles: a limit that connections share by name; each connection has slots of its own.

use serde::Deserialize;
use shared::model::role::Permission::{ProfilesRead, ProfilesWrite};
use shared::{
    engine,
    model::{
        Problems,
        ids::{Id, ProfileId},
    },
    queue::Kind,
    store::profiles::{self, Profile},
};
use utoipa::ToSchema;

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

/// What a profile is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ConcurrencyProfileBody)]
struct NewProfile {
    /// Unique in the workspace; at most 100 characters.
    #[schema(max_length = 100)]
    name: String,
    /// Weight that may be in flight on each connection that names it: 1 to 10,000.
    #[schema(minimum = 1, maximum = 10000)]
    limit: i32,
}

pub(super) fn routes() -> Vec<Route> {
    let (all, one) = ("/concurrency-profiles", "/concurrency-profiles/{id}");
    vec![
        get(all, "concurrency_profiles.list", "Lists concurrency profiles, newest first", list)
            .needs(ProfilesRead),
        post(all, "concurrency_profiles.create", "Makes a concurrency profile", create).needs(ProfilesWrite),
        get(one, "concurrency_profiles.get", "One concurrency profile", show).needs(ProfilesRead),
        put(one, "concurrency_profiles.update", "Changes a profile and the slots of its connections", update)
            .needs(ProfilesWrite),
        delete(one, "concurrency_profiles.delete", "Deletes a profile that no connection names", remove)
            .needs(ProfilesWrite),
    ]
}

impl NewProfile {
    fn check(&self) -> Result<(), Fault> {
        let mut problems = Problems::default();
        check_named(&mut problems, "/name", &self.name);
        problems.unless((1..=10_000).contains(&self.limit), "/limit", "must be 1 to 10,000");
        Ok(problems.or(())?)
    }
}

async fn list(caller: Caller, Query(query): Query<Plain>) -> Answered<Found<List<Profile>>> {
    let page = query.page();
    let rows = profiles::list(caller.read().await?.into_tx(), page).await?;
    Ok(Found::of(&List::of(rows, page, |p| p.id, |p| p)))
}

async fn create(caller: Caller, Body(new): Body<NewProfile>) -> Answered<Created<Profile>> {
    new.check()?;
    let work = caller.write().await?;
    let profile =
        profiles::insert(&work, caller.app.clock.new_id(), &new.name, new.limit, work.user()).await?;
    let change = Change::new("concurrency_profile.create", profile.id.uuid()).after(&profile);
    let location = format!("/api/v1/concurrency-profiles/{}", profile.id);
    work.commit(change, Created::at(&location, &profile).at_version(profile.version)).await
}

async fn show(caller: Caller, Path(id): Path<ProfileId>) -> Answered<Found<Profile>> {
    let profile = profiles::get(caller.read().await?.into_tx(), id).await?;
    Ok(Found::of(&profile).at_version(profile.version))
}

async fn update(
    caller: Caller,
    Path(id): Path<ProfileId>,
    Body(new): Body<NewProfile>,
) -> Answered<Found<Profile>> {
    new.check()?;
    let mut work = caller.write().await?;
    let was = profiles::lock(&work, id).await?;
    caller.check_version(was.version)?;
    let profile = profiles::update(&work, &was, &new.name, new.limit, work.user()).await?;
    if new.limit != was.limit {
        let keys = profiles::set_capacity(&work, id, new.limit).await?;
        if new.limit > was.limit {
            let wakes: Vec<_> = keys.iter().map(|key| (Kind::Wake, key.uuid(), None)).collect();
            let messages = engine::owe(work.within(), &wakes).await?;
            work.send_later(messages);
        }
    }
    let change = Change::new("concurrency_profile.update", id.uuid()).before(&was).after(&profile);
    work.commit(change, Found::of(&profile).at_version(profile.version)).await
}

async fn remove(caller: Caller, Path(id): Path<ProfileId>) -> Answered<Done> {
    let work = caller.write().await?;
    let was = profiles::lock(&work, id).await?;
    caller.check_version(was.version)?;
    profiles::delete(&work, &was).await?;
    work.commit(Change::new("concurrency_profile.delete", id.uuid()).before(&was), Done::done()).await
}
