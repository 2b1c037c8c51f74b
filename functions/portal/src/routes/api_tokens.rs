//! API tokens: what a member's programs show in place of a session. Shown once; of what is kept, nobody can make one.

use http::StatusCode;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use shared::model::role::Permission::{OwnTokensWrite, TokensWrite};
use shared::{
    auth::ApiToken,
    model::{
        Problems,
        ids::{ApiTokenId, Id, UserId},
        role::Permission,
    },
    store::api_tokens::{self, NewToken, Token},
};
use utoipa::ToSchema;

use super::{
    check_named,
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

/// What a token is made of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ApiTokenBody)]
struct NewApiToken {
    /// What it is for; at most 100 characters.
    #[schema(max_length = 100)]
    name: String,
    /// What it may do, of what its maker may: at least one, each once.
    permissions: Vec<Permission>,
    /// How long it is good for: a minute to 365 days; 90 days if nothing is said.
    #[serde(default = "ninety_days")]
    #[schema(minimum = 60, maximum = 31536000, default = 7776000)]
    expires_in_s: i64,
}

fn ninety_days() -> i64 {
    90 * DAY_S
}

/// A token that was just made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = NewApiToken)]
struct Shown {
    #[serde(flatten)]
    it: Token,
    /// `sbx_…`, for `Authorization: Bearer`. Only in this answer, never again.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

pub(super) fn routes() -> Vec<Route> {
    let (all, one) = ("/api-tokens", "/api-tokens/{id}");
    vec![
        get(all, "api_tokens.list", "Lists one's own API tokens, newest first; Administrators see all", list)
            .needs(OwnTokensWrite),
        post(all, "api_tokens.create", "Makes an API token, and shows it this once", create)
            .needs(OwnTokensWrite),
        get(one, "api_tokens.get", "One API token, without its secret", show).needs(OwnTokensWrite),
        delete(one, "api_tokens.delete", "Revokes an API token at once", remove).needs(OwnTokensWrite),
    ]
}

impl NewApiToken {
    fn check(&self) -> Result<(), Fault> {
        let mut problems = Problems::default();
        check_named(&mut problems, "/name", &self.name);
        problems.unless(!self.permissions.is_empty(), "/permissions", "must name at least one");
        for (at, permission) in self.permissions.iter().enumerate() {
            let fine = !self.permissions[..at].contains(permission);
            problems.unless(fine, &format!("/permissions/{at}"), "is named twice");
        }
        let fine = (60..=365 * DAY_S).contains(&self.expires_in_s);
        problems.unless(fine, "/expires_in_s", "must be 60 to 31536000");
        Ok(problems.or(())?)
    }
}

async fn list(caller: Caller, Query(query): Query<Plain>) -> Answered<Found<List<Token>>> {
    let page = query.page();
    let tx = caller.read().await?;
    let whose = whose(&caller, &tx.open().await?.permissions());
    let rows = api_tokens::list(tx.into_tx(), whose, page).await?;
    Ok(Found::of(&List::of(rows, page, |token| token.id, |token| token)))
}

async fn create(caller: Caller, Body(new): Body<NewApiToken>) -> Answered<Created<Shown>> {
    new.check()?;
    let work = caller.write().await?;
    rights::check_within(&work, &new.permissions).await?;
    if caller.principal.session().is_none() {
        // A token that leaked must not live on in others.
        let detail = "An API token is made by somebody who is signed in, not with another one.";
        return Err(Fault::new(StatusCode::FORBIDDEN, "session_required", detail).into());
    }
    let made = ApiToken::make(caller.principal.tenant_id, work.user()).ok_or_else(Fault::no_randomness)?;
    let token = api_tokens::insert(
        &work,
        NewToken {
            id: caller.app.clock.new_id(),
            user: work.user(),
            hash: &made.hash,
            name: &new.name,
            permissions: &new.permissions,
            lifetime: SignedDuration::from_secs(new.expires_in_s),
        },
    )
    .await?;
    let location = format!("/api/v1/api-tokens/{}", token.id);
    let change = Change::new("api_token.create", token.id.uuid()).after(&token);
    let answer = |text: Option<&str>| {
        let shown = Shown { it: token.clone(), token: text.map(str::to_owned) };
        Created::at(&location, &shown).header("cache-control", "no-store")
    };
    work.commit_shown_once(change, answer(made.text.expose_str()), &answer(None)).await
}

async fn show(caller: Caller, Path(id): Path<ApiTokenId>) -> Answered<Found<Token>> {
    let tx = caller.read().await?;
    let whose = whose(&caller, &tx.open().await?.permissions());
    let token = api_tokens::read(&tx, whose, id).await?;
    tx.into_tx().commit().await?;
    Ok(Found::of(&token))
}

async fn remove(caller: Caller, Path(id): Path<ApiTokenId>) -> Answered<Done> {
    let work = caller.write().await?;
    let whose = whose(&caller, &work.permissions().await?);
    let was = api_tokens::read(&work, whose, id).await?;
    caller.check_unchanged(&was)?;
    api_tokens::end(&work, &was).await?;
    work.commit(Change::new("api_token.delete", id.uuid()).before(&was), Done::done()).await
}

/// Whose tokens the caller reaches: their own, or everybody's.
fn whose(caller: &Caller, permissions: &[Permission]) -> Option<UserId> {
    (!permissions.contains(&TokensWrite)).then(|| caller.user())
}
