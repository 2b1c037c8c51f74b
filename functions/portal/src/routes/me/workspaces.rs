//! The workspaces of the person who asks, in every database. Into one of another database they sign in again: a session is begun
//! by sign-in alone, which has seen a token of their provider's. Who they are stands in the database of their session, and is
//! never taken from the request.

use std::time::Duration;

use futures_util::future::join_all;
use http::StatusCode;
use serde::Serialize;
use shared::{
    db::{Database, SystemRole, SystemTx},
    error::{DbError, chain},
    model::{ids::TenantId, tenant::DatabaseName},
    store::{
        members::{self, Member},
        workspace::{self, OwnWorkspace},
    },
};
use utoipa::ToSchema;

use crate::{
    caller::Caller,
    fault::{Answered, Fault},
    reply::Found,
    route::{Route, get},
};

/// How long one of the other databases may take.
const PATIENCE: Duration = Duration::from_secs(3);

/// Where the person who asks has a role.
#[derive(Debug, Serialize, ToSchema)]
struct MyWorkspaces {
    /// Those of the session's database first. None with an API token.
    workspaces: Vec<MyWorkspace>,
    /// A database did not answer in time: workspaces may be missing.
    incomplete: bool,
}

/// A workspace of the person who asks.
#[derive(Debug, Serialize, ToSchema)]
struct MyWorkspace {
    #[serde(flatten)]
    workspace: OwnWorkspace,
    /// Where to sign in for it, a path of this site, if it is in another database than this session; `PUT /me/workspace` goes to the
    /// others.
    sign_in: Option<String>,
}

pub(super) fn route() -> Route {
    get("/me/workspaces", "me.workspaces", "Every workspace of the person who asks, in every database", list)
        .signed_in()
}

async fn list(caller: Caller) -> Answered<Found<MyWorkspaces>> {
    let tx = caller.read().await?;
    let Some(session) = caller.principal.session() else {
        tx.open().await?;
        tx.into_tx().commit().await?;
        return Ok(Found::of(&MyWorkspaces { workspaces: Vec::new(), incomplete: false }));
    };
    let (here, who) =
        futures_util::try_join!(workspace::of_person(&tx, session), members::read(&tx, caller.user()))?;
    let name = tx.database_name().cloned();
    tx.into_tx().commit().await?;
    let (elsewhere, incomplete) = in_others(&caller, name.as_ref(), &who).await;
    let is_new = |it: &OwnWorkspace| here.iter().all(|known| known.id != it.id);
    let elsewhere: Vec<MyWorkspace> = elsewhere
        .into_iter()
        .filter(is_new)
        .map(|workspace| MyWorkspace { sign_in: Some(sign_in(workspace.id)), workspace })
        .collect();
    let here = here.into_iter().map(|workspace| MyWorkspace { workspace, sign_in: None });
    Ok(Found::of(&MyWorkspaces { workspaces: here.chain(elsewhere).collect(), incomplete }))
}

/// What somebody has in the databases beside this one, asked side by side, and whether one of them did not answer.
async fn in_others(caller: &Caller, here: Option<&DatabaseName>, who: &Member) -> (Vec<OwnWorkspace>, bool) {
    let others = caller.app.database.each().into_iter().filter(|other| other.name() != here);
    let answers = join_all(others.map(|other| async move {
        let late = || DbError::Unavailable(format!("no answer within {} s", PATIENCE.as_secs()).into());
        let answer = tokio::time::timeout(PATIENCE, of_member(&other, who)).await;
        answer.unwrap_or_else(|_| Err(late())).inspect_err(|error| {
            let (database, cause) = (other.title(), chain(error));
            tracing::error!(database, cause, "a database does not say what somebody has there");
        })
    }))
    .await;
    let is_incomplete = answers.iter().any(Result::is_err);
    (answers.into_iter().flatten().flatten().collect(), is_incomplete)
}

async fn of_member(database: &Database, who: &Member) -> Result<Vec<OwnWorkspace>, DbError> {
    let tx = SystemTx::begin(database, SystemRole::Portal, "me.workspaces").await?;
    workspace::of_member(tx, who).await
}

/// What is said of a workspace that the session's database, which is named, does not lead to: the way into it if it is one of the
/// person's own in another database. One that is not theirs is as one that never was, and so is one that is on its way.
pub(super) async fn elsewhere(
    caller: &Caller,
    here: Option<&DatabaseName>,
    to: TenantId,
) -> Result<Fault, Fault> {
    let none = || Fault::dangling("/workspace_id", "is none of your workspaces");
    let there = match caller.app.database.home_of(to).await {
        Ok(there) if there.name() != here => there,
        Ok(_) | Err(DbError::Retry(_)) => return Ok(none()),
        Err(error) => return Err(error.into()),
    };
    let who = members::get(caller.enter().await?.into_tx(), caller.user()).await?;
    let is_theirs = of_member(&there, &who).await?.iter().any(|it| it.id == to);
    let detail = || format!("It is in another database: sign in at {}.", sign_in(to));
    Ok(if is_theirs { Fault::new(StatusCode::CONFLICT, "sign_in_required", detail()) } else { none() })
}

/// Where one signs in for a workspace.
fn sign_in(workspace: TenantId) -> String {
    format!("/auth/login?workspace={workspace}")
}
