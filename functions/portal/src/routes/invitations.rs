//! Invitations: a link, good once, that gives whoever signs in with it a role here. Never by e-mail address: who has the link,
//! and is of the right directory, is who was meant.

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::model::role::Permission::{UsersRead, UsersWrite};
use shared::{
    auth::InvitationSecret,
    model::{
        Problems,
        ids::{Id, InvitationId},
        role::RoleRef,
    },
    store::invitations::{self, Invitation, NewInvitation},
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
    route::{Route, delete, get, post},
    work::Change,
};

const DAY_S: i64 = 24 * 60 * 60;

/// What an invitation is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = InvitationBody)]
struct NewInvitationBody {
    /// What it gives; nothing that its maker does not have.
    role: RoleRef,
    /// Only somebody of this directory may accept it, and may do so though the directory is on no list. Without it: anybody whose
    /// directory is a customer's.
    directory_id: Option<Uuid>,
    /// Only this person of the directory may accept it.
    object_id: Option<Uuid>,
    /// How long it is good for: a minute to 30 days; 7 days if nothing is said.
    #[serde(default = "a_week")]
    #[schema(minimum = 60, maximum = 2592000, default = 604800)]
    expires_in_s: i64,
}

fn a_week() -> i64 {
    7 * DAY_S
}

/// An invitation that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewInvitation)]
struct Shown {
    #[serde(flatten)]
    it: Invitation,
    /// What the invited person opens. Only in this answer, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<String>,
}

pub(super) fn routes() -> Vec<Route> {
    let (all, one) = ("/invitations", "/invitations/{id}");
    vec![
        get(all, "invitations.list", "Lists open invitations, newest first", list).needs(UsersRead),
        post(all, "invitations.create", "Makes an invitation, and shows its link this once", create)
            .needs(UsersWrite),
        get(one, "invitations.get", "One open invitation, without its link", show).needs(UsersRead),
        delete(one, "invitations.delete", "Revokes an invitation at once", remove).needs(UsersWrite),
    ]
}

impl NewInvitationBody {
    fn check(&self) -> Result<(), Fault> {
        let mut problems = Problems::default();
        let named = self.object_id.is_none() || self.directory_id.is_some();
        problems.unless(named, "/object_id", "is somebody of a directory: name it too");
        let fine = (60..=30 * DAY_S).contains(&self.expires_in_s);
        problems.unless(fine, "/expires_in_s", "must be 60 to 2592000");
        Ok(problems.or(())?)
    }
}

async fn list(caller: Caller, Query(query): Query<Plain>) -> Answered<Found<List<Invitation>>> {
    let page = query.page();
    let rows = invitations::list(caller.read().await?.into_tx(), page).await?;
    Ok(Found::of(&List::of(rows, page, |it| it.id, |it| it)))
}

async fn create(caller: Caller, Body(new): Body<NewInvitationBody>) -> Answered<Created<Shown>> {
    new.check()?;
    let work = caller.write().await?;
    rights::may_give(&work, new.role).await?;
    let secret = InvitationSecret::make().ok_or_else(Fault::no_randomness)?;
    let invitation = invitations::insert(
        &work,
        NewInvitation {
            id: caller.app.clock.new_id(),
            hash: &secret.hash,
            role: new.role,
            directory: new.directory_id,
            object: new.object_id,
            by: work.user(),
            lifetime: SignedDuration::from_secs(new.expires_in_s),
        },
    )
    .await?;
    let location = format!("/api/v1/invitations/{}", invitation.id);
    let change = Change::new("invitation.create", invitation.id.uuid()).after(&invitation);
    let site = caller.app.public_url.as_str().trim_end_matches('/').to_owned();
    let answer = |secret: Option<&str>| {
        let link = secret.map(|secret| format!("{site}/auth/login?invitation={secret}"));
        Created::at(&location, &Shown { it: invitation.clone(), link }).header("cache-control", "no-store")
    };
    work.commit_shown_once(change, answer(secret.text.expose_str()), &answer(None)).await
}

async fn show(caller: Caller, Path(id): Path<InvitationId>) -> Answered<Found<Invitation>> {
    Ok(Found::of(&invitations::get(caller.read().await?.into_tx(), id).await?))
}

async fn remove(caller: Caller, Path(id): Path<InvitationId>) -> Answered<Done> {
    let work = caller.write().await?;
    let was = invitations::read(&work, id).await?;
    caller.check_unchanged(&was)?;
    invitations::end(&work, id).await?;
    work.commit(Change::new("invitation.delete", id.uuid()).before(&was), Done::done()).await
}
