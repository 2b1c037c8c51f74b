//! Invitations: good once, for whom they name, while whoever made them could still make them.

use futures_util::future::join_all;
use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    caller::{Answer, Caller, send},
    database, stack,
    tenant::{self, Directory, Placement, Tenant},
    work,
};

use super::browser::{Browser, SESSION, open, session, set_cookie};

/// Makes an invitation; its id and its link's query.
pub(super) async fn invite(by: &Caller, body: &Value) -> (String, String) {
    let made = by.post("/invitations", body).await.expect(201);
    let link = made["link"].as_str().expect("it is shown");
    let (page, query) = link.split_once('?').expect("a query");
    assert_eq!(page, format!("{}/auth/login", by.url()));
    (work::id(&made), format!("?{query}"))
}

#[track_caller]
fn refused(answer: &Answer) {
    assert_eq!((answer.status, set_cookie(answer, SESSION)), (403, None), "{}", answer.text());
    assert!(answer.text().contains("<code>invitation</code>"), "{}", answer.text());
}

async fn member(tenant: &Tenant) -> String {
    format!("/users/{}", work::id(&tenant.operator.get("/me").await.expect(200)["user"]))
}

#[test]
fn an_invitation_makes_one_member_once() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let (id, query) = invite(&tenant.administrator, &json!({ "role": "operator" })).await;
        let people: Vec<_> = (0..8).map(|n| tenant.directory.person(stack, &format!("p{n}"))).collect();
        let answers = join_all(people.iter().map(|person| open(stack, &query, person))).await;
        let (came, others): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 302);
        assert_eq!((came.len(), others.len()), (1, 7), "eight at once, one is in");
        others.iter().for_each(|answer| refused(answer));
        let me = session(stack, came[0]).get("/me").await.expect(200);
        assert_eq!((&me["role"], &me["workspace"]["id"]), (&json!("operator"), &json!(tenant.id)));
        tenant.administrator.get(&format!("/invitations/{id}")).await.problem(404, "not_found");
        refused(&open(stack, &query, &tenant.directory.person(stack, "late")).await);
        let audit = work::all(&tenant.administrator, "/audit").await;
        let entries: Vec<_> = audit.iter().filter(|entry| entry["target"]["id"] == json!(id)).collect();
        assert_eq!(entries.len(), 2, "made and accepted");
        assert_eq!(entries[0]["action"], "invitation.accept");
        assert_eq!(entries[0]["actor"]["id"], me["user"]["id"]);
    });
}

#[test]
fn an_invitation_that_does_not_hold_is_refused_alike() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let client = database::superuser(stack).await;
        let by = &tenant.administrator;
        let plain = json!({ "role": "operator" });
        let dora = tenant.directory.person(stack, "dora");
        let mut pages = Vec::new();
        for wrong in [
            "?invitation=x".to_owned(),
            format!("?invitation=sbi_{}", "A".repeat(43)),
            format!("?invitation={}", "x".repeat(2000)),
        ] {
            pages.push(open(stack, &wrong, &dora).await);
        }
        let (id, query) = invite(by, &plain).await;
        client
            .execute(&format!("update system.invitations set expires_at = now() where id = '{id}'"), &[])
            .await
            .expect("a row");
        pages.push(open(stack, &query, &dora).await);
        let (id, query) = invite(by, &plain).await;
        assert_eq!(by.delete(&format!("/invitations/{id}")).await.status, 204);
        pages.push(open(stack, &query, &dora).await);
        // Another directory's, another person's, and somebody's whose directory is on no list and not named.
        let (_, query) = invite(by, &json!({ "role": "operator", "directory_id": other.directory.id })).await;
        pages.push(open(stack, &query, &dora).await);
        let erik = tenant.directory.person(stack, "erik");
        let named =
            json!({ "role": "operator", "directory_id": tenant.directory.id, "object_id": erik.object_id });
        let (_, query) = invite(by, &named).await;
        pages.push(open(stack, &query, &dora).await);
        open(stack, &query, &erik).await.expect(302);
        let (_, query) = invite(by, &plain).await;
        let stranger = Directory::unknown(stack).person(stack, "stranger");
        pages.push(open(stack, &query, &stranger).await);
        // The workspace is suspended.
        let state = "update system.tenants set state = $2 where id = $1";
        client.execute(state, &[&tenant.id, &"suspended"]).await.expect("a state");
        pages.push(open(stack, &query, &dora).await);
        client.execute(state, &[&tenant.id, &"active"]).await.expect("a state");
        pages.iter().for_each(refused);
        let text = |page: &Answer| page.text().replace(page.header("x-request-id"), "");
        assert!(pages.iter().all(|page| text(page) == text(&pages[0])), "the same page for all");
        open(stack, &query, &dora).await.expect(302);
    });
}

#[test]
fn an_invitation_to_a_full_workspace_stays_good_until_there_is_room() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        tenant::limit(stack, tenant.id, json!({ "users": 4 })).await;
        let mut links = Vec::new();
        for n in 0..6 {
            let (_, query) = invite(by, &json!({ "role": "operator" })).await;
            links.push((query, tenant.directory.person(stack, &format!("p{n}"))));
        }
        let answers = join_all(links.iter().map(|(query, who)| open(stack, query, who))).await;
        let full: Vec<usize> = (0..6).filter(|n| answers[*n].status == 409).collect();
        let came = answers.iter().filter(|answer| answer.status == 302).count();
        assert_eq!((came, full.len()), (2, 4), "two were there, four may be");
        for n in &full {
            assert!(answers[*n].text().contains("<code>quota_exceeded</code>"), "{}", answers[*n].text());
            assert_eq!(set_cookie(&answers[*n], SESSION), None);
        }
        assert_eq!(work::all(by, "/users").await.len(), 4);
        // Who is a member comes in all the same, and one that does not hold says nothing of it.
        open(stack, &links[full[0]].0, &tenant.operator_account).await.expect(302);
        refused(&open(stack, &format!("?invitation=sbi_{}", "A".repeat(43)), &links[full[0]].1).await);
        assert_eq!(by.delete(&member(&tenant).await).await.status, 204);
        let (query, who) = &links[full[1]];
        open(stack, query, who).await.expect(302);
        assert_eq!(open(stack, &links[full[2]].0, &links[full[2]].1).await.status, 409);
    });
}

#[test]
fn what_its_maker_could_no_longer_give_an_invitation_does_not_give() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let (by, member) = (&tenant.administrator, member(&tenant).await);
        let set = async |role: &Value| by.patch(&member, &json!({ "role": role })).await.expect(200);
        let role = async |permissions: &[&str]| {
            let body = json!({ "name": work::fresh("role"), "permissions": permissions });
            by.post("/roles", &body).await.expect(201)
        };
        let (watcher, manager) = (role(&["runs.read"]).await, role(&["users.write", "runs.read"]).await);
        set(&manager["id"]).await;
        let (_, query) = invite(&tenant.operator, &json!({ "role": watcher["id"] })).await;
        let fay = tenant.directory.person(stack, "fay");
        set(&json!("operator")).await;
        refused(&open(stack, &query, &fay).await);
        set(&manager["id"]).await;
        let widen = json!({ "name": watcher["name"], "permissions": ["runs.read", "vaults.read"] });
        by.put(&format!("/roles/{}", work::id(&watcher)), &widen).await.expect(200);
        refused(&open(stack, &query, &fay).await);
        let narrow = json!({ "name": watcher["name"], "permissions": ["runs.read"] });
        by.put(&format!("/roles/{}", work::id(&watcher)), &narrow).await.expect(200);
        let me = session(stack, &open(stack, &query, &fay).await).get("/me").await.expect(200);
        assert_eq!(me["role"], watcher["id"]);

        set(&json!("administrator")).await;
        let (_, query) = invite(&tenant.operator, &json!({ "role": "administrator" })).await;
        let gus = tenant.directory.person(stack, "gus");
        set(&manager["id"]).await;
        refused(&open(stack, &query, &gus).await);
        assert_eq!(by.delete(&member).await.status, 204);
        refused(&open(stack, &query, &gus).await);
    });
}

/// Threat A9: the list of customers holds, but for those who were invited by the name of their directory.
#[test]
fn somebody_of_a_directory_on_no_list_comes_by_an_invitation_that_names_it_and_comes_again() {
    stack::with(async |stack| comes_from_abroad(stack, &tenant::new(stack).await).await);
}

/// The same where the workspace has a database of its own.
#[test]
fn an_invitation_leads_to_the_database_of_its_workspace() {
    stack::run(async {
        let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
        let tenant = tenant::new_in(&stack, Placement::Dedicated).await;
        comes_from_abroad(&stack, &tenant).await;
        stack.stop().await;
    });
}

async fn comes_from_abroad(stack: &Stack, tenant: &Tenant) {
    let abroad = Directory::unknown(stack);
    let (hal, ida) = (abroad.person(stack, "hal"), abroad.person(stack, "ida"));
    let named = json!({ "role": "operator", "directory_id": abroad.id });
    let (_, query) = invite(&tenant.administrator, &named).await;
    let not_listed = Browser::new(stack).sign_in(&hal).await;
    assert!(not_listed.status == 403 && not_listed.text().contains("not_onboarded"));
    let me = session(stack, &open(stack, &query, &hal).await).get("/me").await.expect(200);
    assert_eq!(me["workspaces"].as_array().map(Vec::len), Some(1));
    let again = Browser::new(stack).sign_in(&hal).await;
    let again = session(stack, &again).get("/me").await.expect(200);
    assert_eq!(again["workspace"]["id"], json!(tenant.id));
    let other = Browser::new(stack).sign_in(&ida).await;
    assert!(other.status == 403 && other.text().contains("not_onboarded"), "nobody else of it");
    assert_eq!(tenant::placed(stack, abroad.id).await, None, "and it has no workspace");
    let gone = format!("/users/{}", work::id(&me["user"]));
    assert_eq!(tenant.administrator.delete(&gone).await.status, 204);
    let out = Browser::new(stack).sign_in(&hal).await;
    assert!(out.status == 403 && out.text().contains("not_onboarded"), "{}", out.text());
    let client = database::superuser(stack).await;
    let blocked =
        "insert into system.directories (id, name, state, created_at) values ($1, 'x', 'blocked', now())";
    client.execute(blocked, &[&abroad.id]).await.expect("a row");
    let (_, query) = invite(&tenant.administrator, &named).await;
    let out = open(stack, &query, &ida).await;
    assert!(out.status == 403 && out.text().contains("not_onboarded"), "a blocked one stays out");
}

#[test]
fn a_member_who_opens_an_invitation_stays_what_they_are_and_leaves_it() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let (id, query) = invite(&tenant.administrator, &json!({ "role": "administrator" })).await;
        let me =
            session(stack, &open(stack, &query, &tenant.operator_account).await).get("/me").await.expect(200);
        assert_eq!(me["role"], "operator");
        tenant.administrator.get(&format!("/invitations/{id}")).await.expect(200);
    });
}

/// Threat D3.
#[test]
fn the_link_is_shown_once_and_what_is_asked_for_is_checked() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let ask = || {
            let request = by.request(reqwest::Method::POST, "/invitations").header("idempotency-key", "once");
            send(request.json(&json!({ "role": "operator" })))
        };
        let (first, again) = (ask().await.expect(201), ask().await.expect(201));
        assert!(first["link"].as_str().is_some_and(|link| link.contains("?invitation=sbi_")));
        assert_eq!((&again["id"], &again["link"]), (&first["id"], &Value::Null));
        assert!(!by.get("/invitations").await.text().contains("sbi_"));
        let random = tenant::random_id();
        for (body, pointer) in [
            (json!({ "role": "operator", "expires_in_s": 59 }), "/expires_in_s"),
            (json!({ "role": "operator", "expires_in_s": 2_592_001 }), "/expires_in_s"),
            (json!({ "role": "operator", "object_id": random }), "/object_id"),
            (json!({ "role": "nobody" }), "/role"),
            (json!({ "role": random }), "/role"),
            (json!({ "role": "operator", "email": "a@b.example" }), "/email"),
        ] {
            let answer = by.post("/invitations", &body).await;
            assert_eq!((answer.status, answer.pointers()), (400, vec![pointer.to_owned()]), "{body}");
        }
        by.post("/invitations", &json!({ "role": "operator", "expires_in_s": 2_592_000 })).await.expect(201);
        by.post("/invitations", &json!({ "role": "operator", "expires_in_s": 60 })).await.expect(201);
        for _ in 3..200 {
            invite(by, &json!({ "role": "operator" })).await;
        }
        by.post("/invitations", &json!({ "role": "operator" })).await.problem(409, "limit_reached");
    });
}
