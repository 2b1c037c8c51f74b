//! Members: what is done to a membership holds at the very next request, whatever tokens are out there.

use futures_util::future::join;
use serde_json::json;
use tests::{stack, tenant, work};

async fn member_id(tenant: &tenant::Tenant, object_id: uuid::Uuid) -> String {
    let users = work::all(&tenant.administrator, "/users").await;
    let user = users.iter().find(|user| user["object_id"] == json!(object_id)).expect("a member");
    work::id(user)
}

#[test]
fn a_change_of_role_holds_at_the_next_request() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let path = format!("/users/{}", member_id(&tenant, tenant.operator_account.object_id).await);
        for _ in 0..3 {
            tenant.operator.get("/vaults").await.problem(403, "forbidden");
            tenant.administrator.patch(&path, &json!({ "role": "administrator" })).await.expect(200);
            tenant.operator.get("/vaults").await.expect(200);
            assert_eq!(tenant.operator.get("/me").await.expect(200)["role"], "administrator");
            tenant.administrator.patch(&path, &json!({ "role": "operator" })).await.expect(200);
        }
    });
}

#[test]
fn a_removed_member_is_out_at_the_next_request_and_cannot_come_back_alone() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let path = format!("/users/{}", member_id(&tenant, tenant.operator_account.object_id).await);
        let removed = tenant.administrator.delete(&path).await;
        assert_eq!(removed.status, 204, "{}", removed.text());
        tenant.operator.get("/me").await.problem(401, "unauthenticated");
        let (status, said) = tenant::refused(stack, &tenant.operator_account).await;
        assert_eq!(status, tenant::NO_ROLE.0);
        assert!(said.contains(tenant::NO_ROLE.1), "{said}");
        tenant.administrator.get(&path).await.problem(404, "not_found");

        let account = &tenant.operator_account;
        let back = json!({ "directory_id": account.directory_id, "object_id": account.object_id, "role": "operator" });
        tenant.administrator.post("/users", &back).await.expect(201);
        tenant::signed_in(stack, account).await.get("/me").await.expect(200);
        tenant.administrator.post("/users", &back).await.problem(409, "already_member");
    });
}

#[test]
fn one_administrator_always_stays() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let own = format!("/users/{}", member_id(&tenant, tenant.administrator_account.object_id).await);
        let other = format!("/users/{}", member_id(&tenant, tenant.operator_account.object_id).await);
        tenant
            .administrator
            .patch(&own, &json!({ "role": "operator" }))
            .await
            .problem(409, "last_administrator");
        tenant.administrator.delete(&own).await.problem(409, "last_administrator");
        for _ in 0..5 {
            tenant.administrator.patch(&other, &json!({ "role": "administrator" })).await.expect(200);
            let down = json!({ "role": "operator" });
            let (one, two) =
                join(tenant.administrator.patch(&own, &down), tenant.operator.patch(&other, &down)).await;
            assert_eq!([one.status, two.status].iter().filter(|status| **status == 200).count(), 1);
            // Whoever is left puts things back.
            let by = if one.status == 200 { &tenant.operator.0 } else { &tenant.administrator.0 };
            let users = work::all(by, "/users").await;
            assert_eq!(users.iter().filter(|user| user["role"] == "administrator").count(), 1);
            let up = json!({ "role": "administrator" });
            by.patch(&own, &up).await.expect(200);
            tenant.administrator.patch(&other, &down).await.expect(200);
        }
    });
}

#[test]
fn a_persons_name_is_their_own_directorys_until_they_have_come_in() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let guest = &other.operator_account;
        let invited =
            json!({ "directory_id": guest.directory_id, "object_id": guest.object_id, "role": "operator" });
        let added = tenant.administrator.post("/users", &invited).await.expect(201);
        let path = format!("/users/{}", work::id(&added));
        assert_eq!(added["name"], "", "nobody learns a name by an object id");
        assert_eq!(tenant.administrator.get(&path).await.expect(200)["name"], "");
        let workspace = json!({ "workspace_id": tenant.id });
        other.operator.put("/me/workspace", &workspace).await.expect(200);
        assert_ne!(tenant.administrator.get(&path).await.expect(200)["name"], "");
    });
}
