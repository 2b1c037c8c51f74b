//! API tokens: within their scope, within their maker's rights, and gone when either is.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tests::{
    caller::{Caller, Proof, send},
    database, stack,
    tenant::{self, Tenant},
    work,
};

/// A token of somebody, and a caller who shows it.
pub(super) async fn token(by: &Caller, permissions: &[&str]) -> (String, Caller) {
    let body = json!({ "name": work::fresh("token"), "permissions": permissions });
    let made = by.post("/api-tokens", &body).await.expect(201);
    let text = made["token"].as_str().expect("it is shown").to_owned();
    (work::id(&made), by.with(Proof::Bearer(text)))
}

async fn give(tenant: &Tenant, role: &str) {
    let me = tenant.operator.get("/me").await.expect(200);
    let path = format!("/users/{}", work::id(&me["user"]));
    tenant.administrator.patch(&path, &json!({ "role": role })).await.expect(200);
}

#[test]
fn a_token_may_what_its_scope_and_its_maker_may_and_no_more() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let (_, program) = token(&tenant.administrator, &["runs.read", "vaults.read"]).await;
        let me = program.get("/me").await.expect(200);
        assert_eq!(me["permissions"], json!(["vaults.read", "runs.read"]));
        assert_eq!(me["workspaces"], json!([]));
        program.get("/runs").await.expect(200);
        program.get("/vaults").await.expect(200);
        program.get("/users").await.problem(403, "forbidden");
        program.post("/vaults", &json!({ "name": "x" })).await.problem(403, "forbidden");

        let beyond = json!({ "name": "x", "permissions": ["runs.read", "vaults.read"] });
        tenant.operator.post("/api-tokens", &beyond).await.problem(403, "exceeds_own_permissions");
        give(&tenant, "administrator").await;
        let (_, program) = token(&tenant.operator, &["runs.read", "vaults.read"]).await;
        for _ in 0..3 {
            program.get("/vaults").await.expect(200);
            give(&tenant, "operator").await;
            program.get("/vaults").await.problem(403, "forbidden");
            program.get("/runs").await.expect(200);
            give(&tenant, "administrator").await;
        }
    });
}

/// Threat D3.
#[test]
fn a_token_is_shown_once_and_only_its_hash_is_kept() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let ask = || {
            let request = tenant.operator.request(reqwest::Method::POST, "/api-tokens");
            let body = json!({ "name": "ci", "permissions": ["runs.read"], "expires_in_s": 60 });
            send(request.header("idempotency-key", "once").json(&body))
        };
        let answer = ask().await;
        let first = answer.expect(201);
        assert_eq!(answer.header("cache-control"), "no-store");
        let text = first["token"].as_str().expect("shown").to_owned();
        assert!(text.starts_with("sbx_") && text.len() == 90, "{text}");
        let again = ask().await.expect(201);
        assert_eq!(
            (&again["id"], &again["token"]),
            (&first["id"], &Value::Null),
            "the same token, without its secret"
        );
        let path = format!("/api-tokens/{}", work::id(&first));
        for by in [&tenant.administrator.0, &tenant.operator.0] {
            for shown in [by.get(&path).await.text(), by.get("/api-tokens").await.text()] {
                assert!(shown.contains("\"ci\"") && !shown.contains("sbx_"), "{shown}");
            }
        }
        let client = database::superuser(stack).await;
        for ask in [
            format!("select string_agg(k::text, '') from {}.idempotency_keys k", tenant.schema),
            format!("select string_agg(a::text, '') from {}.audit a", tenant.schema),
            "select string_agg(k::text, '') from system.api_tokens k".to_owned(),
        ] {
            let kept: String = client.query_one(&ask, &[]).await.expect("rows").get(0);
            assert!(!kept.contains(&text[4..]) && !kept.contains("sbx_"), "{ask}");
        }
    });
}

/// Threats A16, N6.
#[test]
fn a_token_ends_with_its_revocation_its_time_and_its_makers_membership() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let client = database::superuser(stack).await;
        let (id, program) = token(&tenant.operator, &["runs.read"]).await;
        program.get("/runs").await.expect(200);
        assert_eq!(tenant.operator.delete(&format!("/api-tokens/{id}")).await.status, 204);
        program.get("/runs").await.problem(401, "unauthenticated");
        tenant.operator.delete(&format!("/api-tokens/{id}")).await.problem(404, "not_found");

        let (id, program) = token(&tenant.operator, &["runs.read"]).await;
        program.get("/runs").await.expect(200);
        let past = format!("update system.api_tokens set expires_at = now() where id = '{id}'");
        client.execute(&past, &[]).await.expect("a row");
        program.get("/runs").await.problem(401, "unauthenticated");

        let (id, program) = token(&tenant.operator, &["runs.read"]).await;
        assert_eq!(
            tenant.administrator.delete(&format!("/api-tokens/{id}")).await.status,
            204,
            "Administrators revoke all"
        );
        program.get("/runs").await.problem(401, "unauthenticated");

        let (_, program) = token(&tenant.operator, &["runs.read"]).await;
        let me = tenant.operator.get("/me").await.expect(200);
        assert_eq!(
            tenant.administrator.delete(&format!("/users/{}", work::id(&me["user"]))).await.status,
            204
        );
        program.get("/runs").await.problem(401, "unauthenticated");
        let account = &tenant.operator_account;
        let back = json!({ "directory_id": account.directory_id, "object_id": account.object_id, "role": "operator" });
        tenant.administrator.post("/users", &back).await.expect(201);
        program.get("/runs").await.problem(401, "unauthenticated");
        tenant.operator.get("/me").await.problem(401, "unauthenticated");
    });
}

#[test]
fn one_sees_and_ends_ones_own_tokens_only_and_administrators_all() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let (theirs, _) = token(&tenant.administrator, &["runs.read"]).await;
        let (own, _) = token(&tenant.operator, &["runs.read"]).await;
        let ids =
            async |by: &Caller| work::all(by, "/api-tokens").await.iter().map(work::id).collect::<Vec<_>>();
        assert_eq!(ids(&tenant.operator).await, std::slice::from_ref(&own));
        assert_eq!(ids(&tenant.administrator).await, [own, theirs.clone()]);
        let path = format!("/api-tokens/{theirs}");
        tenant.operator.get(&path).await.problem(404, "not_found");
        tenant.operator.delete(&path).await.problem(404, "not_found");
    });
}

/// Threats A2, A12, A22: the ids in a token are nothing without the row of its hash.
#[test]
fn a_token_that_was_changed_or_stands_elsewhere_is_nobodys() {
    stack::with(async |stack| {
        let (ours, theirs) = (tenant::new(stack).await, tenant::new(stack).await);
        let (_, program) = token(&ours.operator, &["runs.read"]).await;
        let text = program.token();
        let bytes = URL_SAFE_NO_PAD.decode(&text[4..]).expect("base64url");
        let mut forged = Vec::new();
        for at in (0..bytes.len()).step_by(5) {
            let mut bent = bytes.clone();
            bent[at] ^= 1;
            forged.push(format!("sbx_{}", URL_SAFE_NO_PAD.encode(bent)));
        }
        let mut there = bytes.clone();
        there[..16].copy_from_slice(theirs.id.as_bytes());
        forged.push(format!("sbx_{}", URL_SAFE_NO_PAD.encode(there)));
        forged.extend([text.to_uppercase(), text[..80].to_owned(), format!("{text}A"), "sbx_".to_owned()]);
        for text in forged {
            program.with(Proof::Bearer(text)).get("/runs").await.problem(401, "unauthenticated");
        }
        program.in_browser().get("/runs").await.problem(401, "unauthenticated");
        let both = program.request(reqwest::Method::GET, "/runs");
        let both = both.header("cookie", format!("__Host-signalbox={}", ours.operator.token()));
        send(both).await.problem(401, "unauthenticated");
        program.get("/runs").await.expect(200);
    });
}

#[test]
fn a_token_makes_no_token_and_goes_nowhere_else() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let (_, program) =
            token(&tenant.administrator, &["own_tokens.write", "users.write", "runs.read"]).await;
        let more = json!({ "name": "x", "permissions": ["runs.read"] });
        program.post("/api-tokens", &more).await.problem(403, "session_required");
        program
            .put("/me/workspace", &json!({ "workspace_id": tenant.id }))
            .await
            .problem(403, "session_required");
        // What its maker may give, a program of theirs gives within its scope only.
        program
            .post("/invitations", &json!({ "role": "operator" }))
            .await
            .problem(403, "exceeds_own_permissions");
    });
}

#[test]
fn a_member_has_fifty_tokens_and_each_lasts_a_year_at_most() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let ask = async |expires_in_s: i64| {
            let body = json!({ "name": "x", "permissions": ["runs.read"], "expires_in_s": expires_in_s });
            tenant.operator.post("/api-tokens", &body).await
        };
        for bad in [59, 0, -1, 31_536_001] {
            let answer = ask(bad).await;
            answer.problem(400, "invalid_request");
            assert_eq!(answer.pointers(), ["/expires_in_s"]);
        }
        ask(60).await.expect(201);
        ask(31_536_000).await.expect(201);
        for _ in 2..50 {
            token(&tenant.operator, &["runs.read"]).await;
        }
        ask(60).await.problem(409, "limit_reached");
        token(&tenant.administrator, &["runs.read"]).await;
    });
}

#[test]
fn the_audit_log_names_the_token_and_its_use_is_noted_to_the_hour() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let (id, program) = token(&tenant.administrator, &["vaults.read", "vaults.write"]).await;
        let path = format!("/api-tokens/{id}");
        let last_used = async || tenant.administrator.get(&path).await.expect(200)["last_used_at"].clone();
        assert_eq!(last_used().await, Value::Null);
        program.post("/vaults", &json!({ "name": "v" })).await.expect(201);
        let noted = last_used().await;
        assert!(noted.is_string(), "{noted}");
        for _ in 0..20 {
            program.get("/vaults").await.expect(200);
        }
        assert_eq!(last_used().await, noted, "not once a request");
        let audit = work::all(&tenant.administrator, "/audit").await;
        let entry = audit.iter().find(|entry| entry["action"] == "vault.create").expect("an entry");
        let me = tenant.administrator.get("/me").await.expect(200);
        assert_eq!(entry["actor"]["id"], me["user"]["id"]);
        let name = entry["actor"]["name"].as_str().expect("a name");
        assert!(
            name.starts_with(me["user"]["name"].as_str().expect("a name")) && name.contains(&id),
            "{name}"
        );
    });
}
