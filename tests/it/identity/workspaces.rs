//! Signing in to one workspace, and the workspaces of somebody who has roles in several databases: they see them all, and come
//! into each. Nobody learns of any other, and nobody becomes anything by asking.

mod apart;

use local::{oidc::Account, stack::Stack};
use serde_json::{Value, json};
use tests::{
    caller::{Answer, Caller, Proof},
    database, stack,
    tenant::{self, Directory, Placement, Tenant, random_id},
    work::{self, SOON},
};
use uuid::Uuid;

use super::{
    browser::{SESSION, open, session, set_cookie},
    invitations::invite,
};

/// Somebody of another directory is made an operator.
async fn add(to: &Tenant, who: &Account) {
    let member = json!({ "directory_id": who.directory_id, "object_id": who.object_id, "role": "operator" });
    to.administrator.post("/users", &member).await.expect(201);
}

/// A stack with two databases beside the first: each of them is one directory's.
async fn beside() -> Stack {
    stack::own(|settings| settings.databases = ["north", "south"].map(str::to_owned).to_vec()).await
}

/// A workspace of the first database and one beside it, and the Administrator of the first, who is an operator of the other.
async fn in_two_databases(stack: &Stack) -> (Tenant, Tenant) {
    let (home, away) = (tenant::new(stack).await, tenant::new_in(stack, Placement::Dedicated).await);
    add(&away, &home.administrator_account).await;
    (home, away)
}

fn link(workspace: Uuid) -> String {
    format!("/auth/login?workspace={workspace}")
}

/// Somebody opens the link of a workspace.
async fn enter(stack: &Stack, workspace: impl ToString, who: &Account) -> Answer {
    open(stack, &format!("?workspace={}", workspace.to_string()), who).await
}

/// What `/me/workspaces` tells: each workspace with its role and its link, and whether some may be missing.
async fn told(by: &Caller) -> (Vec<Value>, bool) {
    let answer = by.get("/me/workspaces").await.expect(200);
    let all = answer["workspaces"].as_array().expect("a list");
    let all = all.iter().map(|it| json!([it["id"], it["role"], it["state"], it["sign_in"]])).collect();
    (all, answer["incomplete"].as_bool().expect("a truth"))
}

#[track_caller]
fn refused(answer: &Answer, code: &str) {
    assert_eq!((answer.status, set_cookie(answer, SESSION)), (403, None), "{}", answer.text());
    assert!(answer.text().contains(&format!("<code>{code}</code>")), "{}", answer.text());
}

/// Rows of people, memberships, sessions and directories in every database.
async fn rows(stack: &Stack) -> Vec<i64> {
    let ask = "select (select count(*) from system.users) * 1000000 + (select count(*) from system.memberships) * 1000
                    + (select count(*) from system.sessions) * 1000 + (select count(*) from system.directories)";
    let further = stack.databases().further.iter().map(|(name, _)| Some(name.as_str()));
    let mut all = Vec::new();
    for name in std::iter::once(None).chain(further) {
        all.push(database::superuser_in(stack, name).await.query_one(ask, &[]).await.expect("rows").get(0));
    }
    all
}

#[test]
fn a_person_with_roles_in_two_databases_sees_both_and_reaches_both() {
    stack::run(async {
        let owned = beside().await;
        let stack = &owned;
        let (home, away) = in_two_databases(stack).await;
        let (by, who) = (&home.administrator, &home.administrator_account);
        let me = by.get("/me").await.expect(200);
        assert_eq!(me["workspaces"].as_array().map(Vec::len), Some(1), "one database, one look");
        let own = json!([home.id, "administrator", "active", null]);
        let other = json!([away.id, "operator", "active", link(away.id)]);
        assert_eq!(told(by).await, (vec![own, other], false));

        let there = session(stack, &enter(stack, away.id, who).await);
        let me = there.get("/me").await.expect(200);
        assert_eq!((&me["workspace"]["id"], &me["role"]), (&json!(away.id), &json!("operator")));
        let own = json!([away.id, "operator", "active", null]);
        let other = json!([home.id, "administrator", "active", link(home.id)]);
        assert_eq!(told(&there).await, (vec![own, other], false));
        let back = session(stack, &enter(stack, home.id, who).await).get("/me").await.expect(200);
        assert_eq!((&back["workspace"]["id"], &back["role"]), (&json!(home.id), &json!("administrator")));

        // It is the person's own sign-in that the workspace's log tells of.
        let log = work::all(&away.administrator, "/audit").await;
        let theirs = |it: &&Value| it["actor"]["id"] == me["user"]["id"];
        let told: Vec<&Value> = log.iter().filter(theirs).map(|it| &it["action"]).collect();
        assert_eq!(told, ["session.start"]);
        // Nobody else sees any of it.
        assert_eq!(self::told(&home.operator).await.0.len(), 1);
        assert_eq!(self::told(&away.administrator).await.0.len(), 1);
        owned.stop().await;
    });
}

#[test]
fn an_api_token_is_of_its_workspace_and_sees_no_other() {
    stack::run(async {
        let owned = beside().await;
        let stack = &owned;
        let (home, _) = in_two_databases(stack).await;
        let body = json!({ "name": "ci", "permissions": ["vaults.read"] });
        let made = home.administrator.post("/api-tokens", &body).await.expect(201);
        let token = made["token"].as_str().expect("it is shown").to_owned();
        assert_eq!(told(&home.administrator.with(Proof::Bearer(token))).await, (Vec::new(), false));
        owned.stop().await;
    });
}

#[test]
fn a_link_leads_into_one_of_several_workspaces_of_a_database_and_an_invitation_comes_first() {
    stack::with(async |stack| {
        let (home, other) = (tenant::new(stack).await, tenant::new_in(stack, Placement::Pooled).await);
        let third = tenant::new(stack).await;
        let who = &home.operator_account;
        add(&other, who).await;
        let at = async |answer: &Answer| {
            session(stack, answer).get("/me").await.expect(200)["workspace"]["id"].clone()
        };
        assert_eq!(at(&open(stack, "", who).await).await, json!(home.id), "their directory's");
        for tenant in [&other, &home] {
            assert_eq!(at(&enter(stack, tenant.id, who).await).await, json!(tenant.id));
        }
        let here = session(stack, &enter(stack, other.id, who).await);
        let all = told(&here).await.0;
        assert_eq!(all.len(), 2);
        assert!(all.iter().all(|it| it[3].is_null()), "the session goes to each: {all:?}");
        let (_, query) = invite(&third.administrator, &json!({ "role": "operator" })).await;
        let both = format!("{query}&workspace={}", home.id);
        assert_eq!(at(&open(stack, &both, who).await).await, json!(third.id));
        let void = format!("?workspace={}&invitation=x", home.id);
        refused(&open(stack, &void, who).await, "invitation");
    });
}

/// Threat A9, and that what is foreign is as absent as what never was.
#[test]
fn a_workspace_that_is_foreign_absent_or_gone_lets_nobody_in_and_says_nothing() {
    stack::run(async {
        let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
        let (home, beside) = in_two_databases(&stack).await;
        let (foreign, gone) = (tenant::new(&stack).await, tenant::new(&stack).await);
        add(&gone, &home.administrator_account).await;
        delete(&stack, &gone.administrator).await;
        let nobody = home.directory.person(&stack, "dora");
        let stranger = Directory::unknown(&stack).person(&stack, "stranger");
        let client = database::superuser(&stack).await;
        let state = "update system.tenants set state = $2 where id = $1";
        // While it is removed its members are not members any more.
        client.execute(state, &[&foreign.id, &"purging"]).await.expect("a state");
        let mut pages = vec![enter(&stack, foreign.id, &foreign.administrator_account).await];
        client.execute(state, &[&foreign.id, &"active"]).await.expect("a state");

        let before = rows(&stack).await;
        let ids = [foreign.id, beside.id, gone.id, random_id(), Uuid::nil()].map(|id| id.to_string());
        let none = ["x", "%00", "'; select 1"].map(str::to_owned);
        for id in ids.iter().chain(&none) {
            for who in [&nobody, &stranger, &home.operator_account] {
                pages.push(enter(&stack, id, who).await);
            }
        }
        pages.push(enter(&stack, gone.id, &home.administrator_account).await);
        pages.iter().for_each(|page| refused(page, "no_role"));
        let text = |page: &Answer| page.text().replace(page.header("x-request-id"), "");
        assert!(pages.iter().all(|page| text(page) == text(&pages[0])), "the same page for all");
        assert_eq!(rows(&stack).await, before, "and nothing came of it");
        let twice = format!("//auth/login?workspace={0}&workspace={0}", home.id);
        home.operator.get(&twice).await.problem(400, "bad_request");
        stack.stop().await;
    });
}

async fn delete(stack: &Stack, by: &Caller) {
    let workspace = by.get("/me").await.expect(200)["workspace"].clone();
    let ask = json!({ "name": workspace["name"], "grace_s": 1 });
    by.post("/workspace/deletion", &ask).await.expect(202);
    let certificate = json!({ "do": "certificate", "tenant_id": workspace["id"] });
    work::until("it is deleted", 2 * SOON, async || {
        !stack.order(certificate.clone()).await.expect("the steward answers")["certificate"].is_null()
    })
    .await;
}

#[test]
fn who_is_let_in_by_a_link_is_who_is_let_in_without_one() {
    stack::run(async {
        let owned = beside().await;
        let stack = &owned;
        let (home, away) = in_two_databases(stack).await;
        let who = &home.administrator_account;
        let there = database::superuser_in(stack, away.database.as_deref()).await;
        let state = "update system.tenants set state = $2 where id = $1";
        for (name, code) in [("suspended", 302), ("deleting", 302), ("purging", 403), ("active", 302)] {
            there.execute(state, &[&away.id, &name]).await.expect("a state");
            let answer = enter(stack, away.id, who).await;
            assert_eq!(answer.status, code, "{name}: {}", answer.text());
        }
        // The first database's word on who is kept out holds for each, whatever they ask for.
        let first = database::superuser(stack).await;
        let block = "update system.directories set state = $2 where id = $1";
        first.execute(block, &[&home.directory.id, &"blocked"]).await.expect("a state");
        for workspace in [away.id, home.id, random_id()] {
            refused(&enter(stack, workspace, who).await, "not_onboarded");
        }
        first.execute(block, &[&home.directory.id, &"onboarded"]).await.expect("a state");

        let member = session(stack, &enter(stack, away.id, who).await).get("/me").await.expect(200);
        let member = format!("/users/{}", work::id(&member["user"]));
        assert_eq!(away.administrator.delete(&member).await.status, 204);
        refused(&enter(stack, away.id, who).await, "no_role");
        assert_eq!(told(&home.administrator).await.0.len(), 1);
        enter(stack, home.id, who).await.expect(302);
        owned.stop().await;
    });
}

/// Whom an invitation let in by the name of their directory comes again by a link; who was only added does not, as without one.
#[test]
fn of_a_directory_on_no_list_its_guests_come_by_a_link_and_nobody_else() {
    stack::run(async {
        let owned = beside().await;
        let stack = &owned;
        for placement in [Placement::Schema, Placement::Dedicated] {
            let tenant = tenant::new_in(stack, placement).await;
            let abroad = Directory::unknown(stack);
            let (guest, added) = (abroad.person(stack, "hal"), abroad.person(stack, "ida"));
            let named = json!({ "role": "operator", "directory_id": abroad.id });
            let (_, query) = invite(&tenant.administrator, &named).await;
            open(stack, &query, &guest).await.expect(302);
            enter(stack, tenant.id, &guest).await.expect(302);
            add(&tenant, &added).await;
            refused(&enter(stack, tenant.id, &added).await, "no_role");
            refused(&open(stack, "", &added).await, "not_onboarded");
        }
        owned.stop().await;
    });
}

#[test]
fn a_switch_to_another_database_asks_for_a_sign_in_and_to_what_is_not_ones_own_says_nothing() {
    stack::run(async {
        let owned = beside().await;
        let stack = &owned;
        let (home, away) = in_two_databases(stack).await;
        let (foreign, beside) = (tenant::new(stack).await, tenant::new_in(stack, Placement::Dedicated).await);
        let there = session(stack, &enter(stack, away.id, &home.administrator_account).await);
        let switch =
            async |by: &Caller, to: Uuid| by.put("/me/workspace", &json!({ "workspace_id": to })).await;
        for (by, to) in [(&home.administrator.0, away.id), (&there, home.id)] {
            let problem = switch(by, to).await.problem(409, "sign_in_required");
            assert!(problem["detail"].as_str().is_some_and(|it| it.contains(&link(to))), "{problem}");
            let text = |answer: &Answer| answer.text().replace(answer.header("x-request-id"), "");
            let absent = switch(by, random_id()).await;
            absent.problem(400, "invalid_reference");
            for foreign in [foreign.id, beside.id] {
                assert_eq!(text(&switch(by, foreign).await), text(&absent));
            }
            by.get("/me").await.expect(200);
        }
        // Somebody else's role there is not one's own.
        let mut own = switch(&home.operator, away.id).await;
        own.expect(400);
        own = switch(&home.administrator, home.id).await;
        own.expect(200);
        owned.stop().await;
    });
}
