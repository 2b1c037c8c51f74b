//! Roles of a workspace's own: what may be one, who may give one, and that nobody gives what they do not have.

use serde_json::{Value, json};
use shared::model::role::{Permission, Role};
use tests::{
    caller::Caller,
    stack,
    tenant::{self, Tenant, random_id},
    work,
};

/// Makes a role.
async fn role(by: &Caller, permissions: &[&str]) -> Value {
    let body = json!({ "name": work::fresh("role"), "permissions": permissions });
    by.post("/roles", &body).await.expect(201)
}

/// Gives the tenant's Operator another role.
async fn give(tenant: &Tenant, role: &Value) {
    let path = format!("/users/{}", member(tenant).await);
    tenant.administrator.patch(&path, &json!({ "role": role })).await.expect(200);
}

async fn member(tenant: &Tenant) -> String {
    let me = tenant.operator.get("/me").await.expect(200);
    work::id(&me["user"])
}

#[test]
fn the_built_in_roles_are_listed_and_stay_as_they_are() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let own = role(by, &["runs.read"]).await;
        let listed = work::all(by, "/roles?limit=1").await;
        let ids: Vec<&str> = listed.iter().filter_map(|role| role["id"].as_str()).collect();
        assert_eq!(ids, [own["id"].as_str().expect("an id"), "administrator", "operator"]);
        let body = json!({ "name": "mine", "permissions": ["runs.read"] });
        for built_in in Role::ALL {
            let path = format!("/roles/{built_in}");
            let shown = by.get(&path).await.expect(200);
            assert_eq!(shown["permissions"], json!(built_in.permissions()));
            assert_eq!(shown["built_in"], true);
            by.put(&path, &body).await.problem(409, "built_in");
            by.delete(&path).await.problem(409, "built_in");
        }
    });
}

#[test]
fn a_role_that_makes_no_sense_is_refused_where_it_does_not() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let taken = role(by, &["runs.read"]).await;
        for (name, permissions, pointer) in [
            ("a", json!(["runs.read", "runs.rule"]), "/permissions/1"),
            ("a", json!([]), "/permissions"),
            ("a", json!(["runs.read", "runs.read"]), "/permissions/1"),
            ("a", json!(["roles.write"]), "/permissions/0"),
            ("a", json!(["api_tokens.write"]), "/permissions/0"),
            ("a", json!(["signed_in"]), "/permissions/0"),
            ("", json!(["runs.read"]), "/name"),
            ("Operator", json!(["runs.read"]), "/name"),
            ("ADMINISTRATOR", json!(["runs.read"]), "/name"),
            (&"x".repeat(101), json!(["runs.read"]), "/name"),
        ] {
            let body = json!({ "name": name, "permissions": permissions });
            for answer in
                [by.post("/roles", &body).await, by.put(&format!("/roles/{}", work::id(&taken)), &body).await]
            {
                answer.problem(400, "invalid_request");
                assert_eq!(answer.pointers(), [pointer], "{}", answer.text());
            }
        }
        let shouted = taken["name"].as_str().expect("a name").to_uppercase();
        let body = json!({ "name": shouted, "permissions": ["runs.read"] });
        by.post("/roles", &body).await.problem(409, "name_taken");
        assert_eq!(
            by.get(&format!("/roles/{}", work::id(&taken))).await.expect(200),
            taken,
            "nothing changed"
        );
    });
}

#[test]
fn a_workspace_has_fifty_roles_of_its_own_and_no_more() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let mut last = Value::Null;
        for _ in 0..50 {
            last = role(by, &["runs.read"]).await;
        }
        let body = json!({ "name": "one more", "permissions": ["runs.read"] });
        by.post("/roles", &body).await.problem(409, "limit_reached");
        assert_eq!(by.delete(&format!("/roles/{}", work::id(&last))).await.status, 204);
        by.post("/roles", &body).await.expect(201);
    });
}

#[test]
fn a_role_that_somebody_has_or_is_invited_to_stays() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let own = role(by, &["runs.read"]).await;
        let path = format!("/roles/{}", work::id(&own));
        give(&tenant, &own["id"]).await;
        let me = tenant.operator.get("/me").await.expect(200);
        assert_eq!((&me["role"], &me["role_name"]), (&own["id"], &own["name"]));
        assert_eq!(me["permissions"], json!(["runs.read"]));
        by.delete(&path).await.problem(409, "in_use");
        give(&tenant, &json!("operator")).await;
        let invitation = by.post("/invitations", &json!({ "role": own["id"] })).await.expect(201);
        by.delete(&path).await.problem(409, "in_use");
        by.delete(&format!("/invitations/{}", work::id(&invitation))).await;
        // Somebody who left had it.
        give(&tenant, &own["id"]).await;
        let gone = format!("/users/{}", member(&tenant).await);
        assert_eq!(by.delete(&gone).await.status, 204);
        assert_eq!(by.delete(&path).await.status, 204);
        by.get(&path).await.problem(404, "not_found");
        let account = &tenant.operator_account;
        let back = json!({ "directory_id": account.directory_id, "object_id": account.object_id, "role": own["id"] });
        let answer = by.post("/users", &back).await;
        answer.problem(400, "invalid_reference");
        assert_eq!(answer.pointers(), ["/role"]);
    });
}

#[test]
fn a_change_of_a_role_is_versioned_and_holds_for_its_members_at_once() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let own = role(by, &["runs.read"]).await;
        let path = format!("/roles/{}", work::id(&own));
        give(&tenant, &own["id"]).await;
        tenant.operator.get("/vaults").await.problem(403, "forbidden");
        let read = by.get(&path).await;
        let wider = json!({ "name": own["name"], "permissions": ["runs.read", "vaults.read"] });
        let request = by.request(reqwest::Method::PUT, &path).header("if-match", read.header("etag"));
        tests::caller::send(request.json(&wider)).await.expect(200);
        tenant.operator.get("/vaults").await.expect(200);
        let stale = by.request(reqwest::Method::PUT, &path).header("if-match", read.header("etag"));
        tests::caller::send(stale.json(&wider)).await.problem(412, "precondition_failed");
    });
}

/// Threats C1, C3.
#[test]
fn nobody_gives_or_takes_what_they_do_not_have() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.administrator;
        let manager = role(by, &["users.read", "users.write", "runs.read"]).await;
        let watcher = role(by, &["runs.read"]).await;
        let wider = role(by, &["runs.read", "vaults.read"]).await;
        give(&tenant, &manager["id"]).await;
        let manager_id = member(&tenant).await;
        let manager = &tenant.operator;
        let person = |role: &Value| json!({ "directory_id": tenant.directory.id, "object_id": random_id(), "role": role });
        for beyond in [json!("administrator"), json!("operator"), wider["id"].clone()] {
            manager.post("/users", &person(&beyond)).await.problem(403, "exceeds_own_permissions");
            manager
                .post("/invitations", &json!({ "role": beyond }))
                .await
                .problem(403, "exceeds_own_permissions");
            let up = json!({ "role": beyond });
            manager.patch(&format!("/users/{manager_id}"), &up).await.problem(403, "exceeds_own_permissions");
        }
        manager
            .post("/roles", &json!({ "name": "x", "permissions": ["runs.read"] }))
            .await
            .problem(403, "forbidden");
        let own_role = json!({ "name": "x", "permissions": ["runs.read", "vaults.read"] });
        manager.put(&format!("/roles/{}", work::id(&watcher)), &own_role).await.problem(403, "forbidden");
        let users = work::all(manager, "/users").await;
        let boss = users.iter().find(|user| user["role"] == "administrator").expect("an Administrator");
        let boss = format!("/users/{}", work::id(boss));
        manager.delete(&boss).await.problem(403, "exceeds_own_permissions");
        manager.patch(&boss, &json!({ "role": watcher["id"] })).await.problem(403, "exceeds_own_permissions");
        let added = manager.post("/users", &person(&watcher["id"])).await.expect(201);
        assert_eq!(manager.delete(&format!("/users/{}", work::id(&added))).await.status, 204);
    });
}

#[test]
fn what_is_an_administrators_alone_is_known() {
    let alone: Vec<&str> =
        Permission::ALL.iter().filter(|p| !p.is_for_custom_roles()).map(|p| p.as_str()).collect();
    assert_eq!(alone, ["workspace.write", "roles.write", "api_tokens.write"]);
}
