//! Workspaces in several databases. A session, a token or a message is good for its own workspace, in the database in which
//! that is; one with the names of two workspaces in it opens neither, and a role of one database is nobody in another.

use local::stack::Stack;
use reqwest::Method;
use serde_json::json;
use shared::{
    auth::{ApiToken, Credential, Principal, SessionKeys},
    clock::Clock,
    db::{Database, Scope, TenantTx},
    error::DbError,
    model::{
        ids::{SessionId, UserId},
        role::Permission,
        tenant::Route,
    },
};
use tests::{
    caller::{Anonymous, Caller, Proof},
    database, scale, stack,
    tenant::{Placement, Workspace, random_id},
    work,
};

/// A workspace and an API token of its Administrator's.
struct Member {
    workspace: Workspace,
    token: String,
    hash: [u8; 32],
}

/// Two of each placement: in the first database, in one pool of it, in one beside it; and one in a third.
async fn members(stack: &Stack) -> Vec<Member> {
    let further: Vec<&str> = stack.databases().further.iter().map(|(name, _)| name.as_str()).collect();
    let mut workspaces = Vec::new();
    for placement in [Placement::Schema, Placement::Schema, Placement::Pooled, Placement::Pooled] {
        workspaces.push(Workspace::claim_in(stack, placement).await);
    }
    for name in [further[0], further[0], further[1]] {
        workspaces.push(Workspace::claim_beside(stack, name).await);
    }
    let mut members = Vec::new();
    for workspace in workspaces {
        let made = ApiToken::make(workspace.id.into(), workspace.user.into()).expect("randomness");
        let client = database::superuser_in(stack, workspace.database.as_deref()).await;
        let insert = "insert into system.api_tokens (tenant_id, id, user_id, hash, name, permissions, created_at, expires_at)
                      values ($1, $2, $3, $4, 'all', '{vaults.read,vaults.write}', now(), now() + interval '1 hour')";
        let hash = made.hash.to_vec();
        client
            .execute(insert, &[&workspace.id, &random_id(), &workspace.user, &hash])
            .await
            .expect("a token");
        let token = made.text.expose_str().expect("text").to_owned();
        members.push(Member { workspace, token, hash: made.hash });
    }
    members
}

impl Member {
    /// What shows who they are, with the names of another workspace.
    fn scopes(&self, route: &Route) -> [Scope; 2] {
        let (session, user) = (SessionId::from(self.workspace.session), UserId::from(self.workspace.user));
        let permission = Some(Permission::VaultsWrite);
        [
            Scope::Person { session, user, route: route.clone(), permission },
            Scope::Token { hash: self.hash, user, route: route.clone(), permission },
        ]
    }

    /// The same as callers of the API.
    fn callers(&self, stack: &Stack, keys: &SessionKeys, route: &Route) -> [Caller; 2] {
        let principal = Principal {
            tenant_id: route.tenant,
            tenant_schema: route.schema.clone(),
            tenant_user_id: self.workspace.user.into(),
            credential: Credential::Session(self.workspace.session.into()),
        };
        let now = Clock::system().now();
        let session = keys.mint(&principal, now, now + jiff::SignedDuration::from_mins(5)).expect("signed");
        [session, self.named(route)].map(|token| Caller::new(stack.url(), Proof::Bearer(token)))
    }

    /// The API token with another workspace's id in it.
    fn named(&self, route: &Route) -> String {
        use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
        use shared::model::ids::Id;
        let mut bytes = URL_SAFE_NO_PAD.decode(&self.token["sbx_".len()..]).expect("base64");
        bytes[..16].copy_from_slice(route.tenant.uuid().as_bytes());
        format!("sbx_{}", URL_SAFE_NO_PAD.encode(bytes))
    }
}

/// Database, role and workspace of a scope that opens; tried again, as every caller does, where it may only have moved.
async fn opened(pool: &Database, scope: &Scope) -> Result<(String, String, String), DbError> {
    let ask = "select current_database()::text, current_user::text, current_setting('app.tenant_id')";
    let mut tried = 0;
    loop {
        let tx = TenantTx::begin(pool, scope, "two names").await?;
        match tx.rows(ask, &[]).await {
            Ok(rows) => {
                tx.commit().await?;
                return Ok((rows[0].get(0), rows[0].get(1), rows[0].get(2)));
            }
            Err(error) if error.is_retryable() && tried == 0 => tried = 1,
            Err(error) => return Err(error),
        }
    }
}

/// The same of a workspace that is meant.
fn own(workspace: &Workspace) -> (String, String, String) {
    let name = workspace.database.as_ref().map_or_else(String::new, |name| format!("_{name}"));
    (format!("signalbox{name}"), workspace.schema.clone(), workspace.id.to_string())
}

#[test]
fn a_scope_with_the_names_of_two_workspaces_opens_neither() {
    stack::with_databases(async |stack| {
        let members = members(stack).await;
        let (portal, dispatcher) =
            (database::of(stack, "portal", 1).await, database::of(stack, "dispatcher", 1).await);
        let (mut tried, mut wrong) = (0, Vec::new());
        // Cold, and again once every place is known.
        for known in [false, true] {
            for (ours, theirs) in pairs(&members) {
                let (here, there) = (ours.workspace.route(), theirs.workspace.route());
                let half = Route { tenant: there.tenant, schema: here.schema.clone() };
                let scopes = [&there, &half].into_iter().flat_map(|route| ours.scopes(route));
                for scope in scopes {
                    tried += 1;
                    match opened(&portal, &scope).await {
                        Err(DbError::Refused(_)) => {}
                        other => wrong.push(format!("{scope:?}: {other:?}")),
                    }
                }
                // A message says whose it is by the workspace's id; where that is known, its schema is no matter any more.
                tried += 1;
                match opened(&dispatcher, &Scope::Worker(half)).await {
                    Err(DbError::Refused(_)) => {}
                    Ok(seen) if seen == own(&theirs.workspace) => {}
                    other => wrong.push(format!("a worker of {there:?} in {here:?}: {other:?}")),
                }
            }
            for member in &members {
                let route = member.workspace.route();
                for scope in member.scopes(&route) {
                    let seen = opened(&portal, &scope).await;
                    assert_eq!(seen.expect("its own opens"), own(&member.workspace), "{known}");
                }
                let seen = opened(&dispatcher, &Scope::Worker(route)).await;
                assert_eq!(seen.expect("a worker enters"), own(&member.workspace), "{known}");
            }
        }
        let counts = [("scopes_of_two", tried.to_string()), ("violations", wrong.len().to_string())];
        scale::say("isolation", &counts);
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    });
}

fn pairs(members: &[Member]) -> impl Iterator<Item = (&Member, &Member)> {
    let ids = |member: &Member| member.workspace.id;
    members
        .iter()
        .flat_map(move |ours| members.iter().map(move |theirs| (ours, theirs)))
        .filter(move |(ours, theirs)| ids(ours) != ids(theirs))
}

#[test]
fn a_session_or_a_token_that_names_another_workspace_is_nobodys() {
    stack::with_databases(async |stack| {
        let members = members(stack).await;
        let ring = database::secrets(stack).await.key_ring(&stack.cloud().secret_arn("session-key")).await;
        let keys = SessionKeys::new(ring.expect("the session key"));
        let vault = json!({ "name": "theirs?", "kind": "managed" });
        let mut tried = 0;
        for (ours, theirs) in pairs(&members) {
            for by in ours.callers(stack, &keys, &theirs.workspace.route()) {
                by.get("/vaults").await.problem(401, "unauthenticated");
                by.post("/vaults", &vault).await.problem(401, "unauthenticated");
                tried += 2;
            }
        }
        for member in &members {
            let route = member.workspace.route();
            for by in member.callers(stack, &keys, &route) {
                assert_eq!(work::all(&by, "/vaults").await.len(), 0, "nothing was written");
            }
        }
        let nobody = Anonymous::at(stack.url()).request(Method::GET, "/vaults");
        tests::caller::send(nobody).await.problem(401, "unauthenticated");
        scale::say("isolation", &[("proofs_of_another", tried.to_string()), ("taken", "0".to_owned())]);
    });
}

/// On this server all roles are everybody's: what a role may do, it may do in its own database.
#[test]
fn a_role_of_another_database_is_nobody_in_this_one() {
    stack::with_databases(async |stack| {
        let members = members(stack).await;
        for (ours, theirs) in pairs(&members) {
            let (ours, theirs) = (&ours.workspace, &theirs.workspace);
            if ours.database == theirs.database {
                continue;
            }
            let client = database::connect(&database::login_to(stack, "portal", ours).await).await;
            for tenant in [theirs.id, ours.id] {
                let enter = format!(
                    "set role \"{}\"; set search_path = ''; set app.tenant_id = '{tenant}'",
                    theirs.schema
                );
                client.batch_execute(&enter).await.expect("roles are the server's");
                for (statement, code) in [
                    ("select system.tenant()".to_owned(), "SB401"),
                    ("select * from system.workspace()".to_owned(), "SB401"),
                    (format!("select from \"{}\".vaults", ours.schema), "42501"),
                    (format!("select from \"{}\".vaults", theirs.schema), "42P01"),
                ] {
                    let refused = client.simple_query(&statement).await.expect_err(&statement);
                    assert_eq!(
                        refused.code().map(|code| code.code()),
                        Some(code),
                        "{statement}: {refused:?}"
                    );
                }
            }
        }
    });
}
