//! Who may call what: every operation with a proper request, by nobody, by an Operator, with forged tenants in headers.

use serde_json::json;
use shared::model::role::{Permission, Role};
use tests::{
    caller::{Anonymous, Answer, Caller, Proof, send},
    stack,
    tenant::{self, random_id},
    work,
};

use super::{
    document::{Operation, operations},
    planted::{Planted, changed},
};

async fn proper(by: &Caller, planted: &Planted, operation: &Operation) -> Answer {
    let request = by.request(operation.method.clone(), &planted.path(operation));
    send(match planted.body(operation) {
        Some(body) => request.json(&body),
        None => request,
    })
    .await
}

#[test]
fn an_operator_may_not_call_what_is_an_administrators_and_it_has_no_effect() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        ours.rest(stack).await;
        let before = ours.digest(stack).await;
        let mut refused = 0;
        for operation in operations(stack.url()).await {
            if operation.is_for(Role::Operator) {
                continue;
            }
            proper(&ours.tenant.operator, &ours, &operation).await.problem(403, "forbidden");
            proper(&ours.tenant.operator.in_browser(), &ours, &operation).await.problem(403, "forbidden");
            // Nor is anybody told what is wrong with a request they may not make.
            let nonsense = ours.tenant.operator.request(operation.method.clone(), &ours.path(&operation));
            send(nonsense.json(&json!({ "nonsense": [[]] }))).await.problem(403, "forbidden");
            refused += 1;
        }
        assert!(refused >= 20, "{refused} operations are an Administrator's");
        assert_eq!(changed(&before, &ours.digest(stack).await), "", "nothing was done");
    });
}

#[test]
fn an_operator_may_call_everything_else() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        let mut operations = operations(stack.url()).await;
        // What is deleted cannot be read afterwards.
        operations.sort_by_key(|operation| operation.method == reqwest::Method::DELETE);
        for operation in operations {
            if operation.is_for(Role::Operator) && operation.id != "me_switch" {
                let answer = proper(&ours.tenant.operator, &ours, &operation).await;
                assert!(answer.status < 400 || answer.status == 409, "{}: {}", operation.id, answer.text());
            }
        }
    });
}

#[test]
fn reading_writes_nothing_but_that_it_was_read_where_the_document_says_so() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        ours.rest(stack).await;
        let before = ours.digest(stack).await;
        for operation in operations(stack.url()).await {
            if operation.method == reqwest::Method::GET && operation.recorded.is_none() {
                for by in [&ours.tenant.administrator.0, &ours.tenant.operator.0] {
                    proper(by, &ours, &operation).await;
                }
            }
        }
        assert_eq!(changed(&before, &ours.digest(stack).await), "");
    });
}

#[test]
fn nobody_calls_anything_but_the_exact_public_list() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        ours.rest(stack).await;
        let before = ours.digest(stack).await;
        let nobody = Anonymous::at(stack.url());
        let mut public = Vec::new();
        for operation in operations(stack.url()).await {
            let answer = proper(&nobody, &ours, &operation).await;
            if answer.status == 200 {
                public.push(format!("{} {}", operation.method, operation.path));
                continue;
            }
            let problem = answer.problem(401, "unauthenticated");
            assert_eq!(problem["errors"], serde_json::Value::Null, "{problem}");
            for token in ["x", "null", "Bearer", &random_id().to_string(), "eyJhbGciOiJub25lIn0.e30."] {
                for proof in [Proof::Bearer(token.to_owned()), Proof::Cookie(token.to_owned())] {
                    proper(&nobody.with(proof), &ours, &operation).await.problem(401, "unauthenticated");
                }
            }
        }
        assert_eq!(public, ["GET /health", "GET /openapi.json"]);
        assert_eq!(changed(&before, &ours.digest(stack).await), "");
    });
}

#[test]
fn a_tenant_named_in_a_header_or_a_query_is_nobody() {
    stack::with(async |stack| {
        let (ours, theirs) = (Planted::new(stack).await, Planted::new(stack).await);
        let (id, schema) = (theirs.tenant.id.to_string(), theirs.tenant.schema.clone());
        let me = ours.tenant.operator.get("/me").await.expect(200);
        for header in [
            "x-tenant-id",
            "x-ms-client-principal-id",
            "x-ms-token-aad-id-token",
            "x-forwarded-tenant",
            "x-org-id",
            "x-workspace-id",
            "x-amzn-oidc-identity",
            "x-forwarded-user",
            "x-schema",
            "forwarded",
        ] {
            for value in [&id, &schema] {
                let request = ours.tenant.operator.request(reqwest::Method::GET, "/me").header(header, value);
                assert_eq!(send(request).await.expect(200), me, "{header}");
                let nobody =
                    Anonymous::at(stack.url()).request(reqwest::Method::GET, "/me").header(header, value);
                send(nobody).await.problem(401, "unauthenticated");
            }
        }
    });
}

/// Threats C1, C2: each permission alone, over every operation.
#[test]
fn a_role_of_the_workspaces_own_may_call_exactly_what_its_permissions_say() {
    stack::with(async |stack| {
        let ours = Planted::new(stack).await;
        let by = &ours.tenant.administrator;
        let body = |permission: Permission| json!({ "name": "matrix", "permissions": [permission] });
        let role = by.post("/roles", &body(Permission::RunsRead)).await.expect(201);
        let account = ours.tenant.directory.person(stack, "cyd");
        let member = json!({ "directory_id": account.directory_id, "object_id": account.object_id, "role": role["id"] });
        by.post("/users", &member).await.expect(201);
        let person = tenant::signed_in(stack, &account).await;
        let operations = operations(stack.url()).await;
        let (mut allowed, mut refused) = (0, 0);
        for permission in Permission::ALL.iter().copied().filter(|p| p.is_for_custom_roles()) {
            by.put(&format!("/roles/{}", work::id(&role)), &body(permission)).await.expect(200);
            for operation in operations.iter().filter(|operation| operation.id != "me_switch") {
                let answer = proper(&person, &ours, operation).await;
                if operation.is_within(&[permission]) {
                    // It may be asked; whether it can be done is another question.
                    assert_ne!(answer.json()["code"], "forbidden", "{permission}: {}", operation.id);
                    assert_ne!(answer.status, 401, "{permission}: {}", operation.id);
                    allowed += 1;
                } else {
                    answer.problem(403, "forbidden");
                    refused += 1;
                }
            }
        }
        println!("{allowed} calls allowed, {refused} refused");
        assert!(allowed > 60 && refused > 600, "{allowed} {refused}");
    });
}
