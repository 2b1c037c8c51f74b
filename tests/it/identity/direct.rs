//! Threats A20, A22: events that no gateway made, straight to the function. What they say of the caller is believed by nobody.

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    stack,
    tenant::{self, Tenant},
};

/// What a gateway would pass on of a request, with what it would add of a caller it had checked.
fn event(tenant: &Tenant, path: &str, headers: &Value, query: &str) -> Value {
    let claims = json!({
        "sub": tenant.administrator_account.object_id, "tid": tenant.directory.id, "tenant_id": tenant.id,
        "tenant_schema": tenant.schema, "role": "administrator", "scope": "openid",
    });
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": headers, "isBase64Encoded": false,
        "requestContext": {
            "accountId": "000000000000", "apiId": "local", "domainName": "127.0.0.1", "domainPrefix": "127",
            "requestId": "hand-made", "routeKey": "$default", "stage": "$default", "timeEpoch": 0,
            "time": "22/Nov/2026:00:00:00 +0000",
            "http": { "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "hand" },
            "authorizer": {
                "jwt": { "claims": claims, "scopes": ["openid"] },
                "lambda": { "tenant_id": tenant.id, "principalId": "administrator" },
                "iam": { "userId": tenant.administrator_account.object_id },
            },
        },
    })
}

async fn invoke(stack: &Stack, event: &Value) -> Value {
    let answer = stack.cloud().invoke("portal", event.to_string()).await.expect("an answer");
    serde_json::from_slice(&answer).expect("an answer of payload 2.0")
}

#[test]
fn claims_in_an_event_a_header_or_the_query_open_nothing() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let token = tenant.administrator.token();
        let named = json!({
            "host": "127.0.0.1", "x-tenant-id": tenant.id, "x-signalbox-tenant": tenant.schema,
            "x-ms-client-principal-id": tenant.administrator_account.object_id, "x-forwarded-user": "administrator",
        });
        let query = format!("access_token={token}&token={token}");
        for path in ["/api/v1/me", "/api/v1/vaults", "/api/v1/runs", "/api/v1/audit"] {
            for (headers, query) in [(&named, ""), (&json!({ "host": "127.0.0.1" }), query.as_str())] {
                let answer = invoke(stack, &event(&tenant, path, headers, query)).await;
                assert_eq!(answer["statusCode"], 401, "{path} {answer}");
            }
        }
        let bearer = json!({ "host": "127.0.0.1", "authorization": format!("Bearer {token}") });
        let answer = invoke(stack, &event(&tenant, "/api/v1/me", &bearer, "")).await;
        assert_eq!(answer["statusCode"], 200, "the same event with a session is answered: {answer}");
    });
}

#[test]
fn another_tenants_claims_beside_a_session_change_nothing() {
    stack::with(async |stack| {
        let (ours, theirs) = (tenant::new(stack).await, tenant::new(stack).await);
        let headers = json!({
            "host": "127.0.0.1", "authorization": format!("Bearer {}", ours.administrator.token()),
            "x-tenant-id": theirs.id,
        });
        let answer = invoke(stack, &event(&theirs, "/api/v1/me", &headers, "")).await;
        let body: Value = serde_json::from_str(answer["body"].as_str().expect("a body")).expect("JSON");
        assert_eq!(body["workspace"]["id"], json!(ours.id), "{body}");
    });
}
