//! The person who asks: who they are here, and their way to another of their workspaces.

mod workspaces;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use shared::{
    auth::{CannotSign, Credential, Principal, cookie},
    db::{SystemRole, SystemTx},
    error::{DbError, Refusal},
    model::{
        ids::{TenantId, UserId},
        role::{Permission, RoleRef},
    },
    store::workspace::{self, OwnWorkspace, SwitchRecord, Switched, Workspace},
};
use utoipa::ToSchema;

use crate::{
    argument::Body,
    caller::Caller,
    fault::{Answered, Fault},
    reply::Found,
    route::{Route, get, put},
};

/// The person who asks.
#[derive(Debug, Serialize, ToSchema)]
struct Me {
    user: Person,
    /// Their role in this workspace.
    role: RoleRef,
    /// The role's name.
    role_name: String,
    /// What the role gives, within the scope of the API token if the request came with one.
    permissions: Vec<Permission>,
    /// The workspace this session is in.
    workspace: Workspace,
    /// Their workspaces that this session can go to, this one included; none with an API token, which is of this one alone. Those in
    /// other databases are at `/me/workspaces`.
    workspaces: Vec<OwnWorkspace>,
}

/// A person.
#[derive(Debug, Serialize, ToSchema)]
struct Person {
    /// Their id.
    id: UserId,
    /// Their name as their directory gives it.
    name: String,
}

/// Where to go.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Switch {
    /// Another workspace of the person who asks.
    workspace_id: TenantId,
}

/// The session in the other workspace.
#[derive(Debug, Serialize, ToSchema)]
struct SwitchedTo {
    /// The workspace.
    workspace_id: TenantId,
    /// Their role there.
    role: String,
    /// The new bearer token, if the request carried one; a browser gets a cookie instead.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<String>,
}

pub(super) fn routes() -> Vec<Route> {
    vec![
        get("/me", "me.get", "Who asks, and what they may do here", show).signed_in(),
        put("/me/workspace", "me.switch", "Goes to another workspace of the person who asks", switch)
            .signed_in(),
        workspaces::route(),
    ]
}

async fn show(caller: Caller) -> Answered<Found<Me>> {
    let tx = caller.read().await?;
    let (workspace, workspaces) = match caller.principal.session() {
        Some(session) => futures_util::try_join!(workspace::get(&tx), workspace::of_person(&tx, session))?,
        None => (workspace::get(&tx).await?, Vec::new()),
    };
    let entered = tx.entered()?;
    let role = entered.role.ok_or(DbError::Refused(Refusal::Role))?;
    let role_name = entered.role_name.clone().unwrap_or_else(|| role.to_string());
    let permissions = entered.permissions();
    let user = Person { id: caller.user(), name: entered.user_name.clone() };
    tx.into_tx().commit().await?;
    Ok(Found::of(&Me { user, role, role_name, permissions, workspace, workspaces }))
}

async fn switch(caller: Caller, Body(to): Body<Switch>) -> Answered<Found<SwitchedTo>> {
    let app = &caller.app;
    caller.admit().await?;
    let Some(session) = caller.principal.session() else {
        caller.authorise().await?;
        let detail = "An API token is of one workspace: make another one there.";
        return Err(Fault::new(StatusCode::FORBIDDEN, "session_required", detail).into());
    };
    caller.check_was_asked()?;
    let home = app.database.home_of(caller.principal.tenant_id).await?;
    let tx = SystemTx::begin(&home, SystemRole::Portal, "me.switch").await?;
    let record = SwitchRecord {
        session: app.clock.new_id(),
        audit: app.clock.new_id(),
        request_id: &caller.request.id,
        source_address: &caller.request.source_address,
    };
    let switched = match workspace::switch(tx, session, to.workspace_id, record).await {
        Err(DbError::Refused(Refusal::Absent | Refusal::NoWorkspace)) => {
            return Err(workspaces::elsewhere(&caller, home.name(), to.workspace_id).await?.into());
        }
        switched => switched?,
    };
    let token = token(&caller, &switched).map_err(|error| {
        Fault::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "Something went wrong on our side.")
            .because(error)
    })?;
    let answer = |token| {
        let body = SwitchedTo { workspace_id: switched.route.tenant, role: switched.role.clone(), token };
        Found::of(&body).header("cache-control", "no-store")
    };
    if caller.request.has_bearer {
        return Ok(answer(Some(token)));
    }
    let seconds = switched.expires_at.as_second() - app.clock.now().as_second();
    Ok(answer(None).header("set-cookie", &cookie::set(cookie::SESSION, &token, seconds)))
}

fn token(caller: &Caller, to: &Switched) -> Result<String, CannotSign> {
    let who = Principal {
        tenant_id: to.route.tenant,
        tenant_schema: to.route.schema.clone(),
        tenant_user_id: to.user,
        credential: Credential::Session(to.session),
    };
    caller.app.session.mint(&who, caller.app.clock.now(), to.expires_at)
}
