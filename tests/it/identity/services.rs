//! Service principals: applications of a workspace's own directory that come with their directory's token.

use futures_util::future::join_all;
use local::{oidc::Application, stack::Stack};
use reqwest::Method;
use serde_json::{Map, Value, json};
use tests::{
    application::{self, directory_token},
    caller::{Anonymous, Answer, Caller, Proof, send},
    stack,
    tenant::{self, Placement, Tenant, random_id},
    work,
};

/// What `/auth/token` says to a token.
async fn exchange(stack: &Stack, token: &str) -> Answer {
    let nobody = Anonymous::at(stack.url());
    send(nobody.request(Method::POST, "//auth/token").bearer_auth(token)).await
}

async fn add(tenant: &Tenant, application: &Application, role: &str) -> Answer {
    let body = json!({
        "kind": "service_principal", "directory_id": application.directory_id, "object_id": application.object_id, "role": role,
    });
    tenant.administrator.post("/users", &body).await
}

#[test]
fn an_application_that_was_added_comes_with_its_directorys_token() {
    stack::with(async |stack| comes_with_its_token(stack, &tenant::new(stack).await).await);
}

/// The same where the workspace has a database of its own.
#[test]
fn an_application_reaches_the_database_of_its_workspace() {
    stack::run(async {
        let stack = stack::own(|settings| settings.databases = vec!["north".to_owned()]).await;
        let tenant = tenant::new_in(&stack, Placement::Dedicated).await;
        comes_with_its_token(&stack, &tenant).await;
        stack.stop().await;
    });
}

async fn comes_with_its_token(stack: &Stack, tenant: &Tenant) {
    let application = application::new(stack, tenant.directory.id);
    let token = directory_token(stack, &application).await;
    exchange(stack, &token).await.problem(403, "no_role");
    let added = add(tenant, &application, "operator").await.expect(201);
    assert_eq!(added["kind"], "service_principal");
    let answer = exchange(stack, &token).await;
    let given = answer.expect(200);
    assert_eq!((&given["token_type"], answer.header("cache-control")), (&json!("Bearer"), "no-store"));
    assert!(!answer.headers.contains_key("set-cookie"));
    assert!(given["expires_in"].as_i64().is_some_and(|s| (1..=3600).contains(&s)), "{given}");
    let session = given["access_token"].as_str().expect("a token").to_owned();
    let program = Caller::new(stack.url(), Proof::Bearer(session));
    let me = program.get("/me").await.expect(200);
    assert_eq!((&me["role"], &me["workspace"]["id"]), (&json!("operator"), &json!(tenant.id)));
    assert!(
        me["user"]["name"].as_str().is_some_and(|name| name.contains(&application.client_id.to_string()))
    );
    program.get("/runs").await.expect(200);
    program.get("/vaults").await.problem(403, "forbidden");
    let more = json!({ "name": "x", "permissions": ["runs.read"] });
    program.post("/api-tokens", &more).await.problem(403, "forbidden");
    assert_eq!(tenant.administrator.delete(&format!("/users/{}", work::id(&added))).await.status, 204);
    program.get("/runs").await.problem(401, "unauthenticated");
    exchange(stack, &token).await.problem(403, "no_role");
    let members = work::all(&tenant.administrator, "/users").await;
    assert_eq!(members.len(), 2, "nobody became a member by coming");
}

#[test]
fn a_service_principal_is_of_the_workspaces_directory_and_no_administrator() {
    stack::with(async |stack| {
        let (tenant, other) = (tenant::new(stack).await, tenant::new(stack).await);
        let foreign = application::new(stack, other.directory.id);
        for absent in [foreign.clone(), Application { directory_id: random_id(), ..foreign.clone() }] {
            let answer = add(&tenant, &absent, "operator").await;
            answer.problem(400, "invalid_reference");
            assert_eq!(answer.pointers(), ["/directory_id"]);
        }
        let own = application::new(stack, tenant.directory.id);
        let answer = add(&tenant, &own, "administrator").await;
        answer.problem(400, "invalid_request");
        assert_eq!(answer.pointers(), ["/role"]);
        let added = add(&tenant, &own, "operator").await.expect(201);
        let answer = tenant
            .administrator
            .patch(&format!("/users/{}", work::id(&added)), &json!({ "role": "administrator" }))
            .await;
        assert_eq!((answer.status, answer.pointers()), (400, vec!["/role".to_owned()]));
        // Added as a person, it is not let in as a program.
        let second = application::new(stack, tenant.directory.id);
        let person =
            json!({ "directory_id": second.directory_id, "object_id": second.object_id, "role": "operator" });
        tenant.administrator.post("/users", &person).await.expect(201);
        exchange(stack, &directory_token(stack, &second).await).await.problem(403, "no_role");
        // Nor is one that another workspace has added as a guest of its own.
        exchange(stack, &directory_token(stack, &foreign).await).await.problem(403, "no_role");
    });
}

/// Threat A12: each kind of token in its one place.
#[test]
fn a_token_of_another_kind_gives_no_session() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let application = application::new(stack, tenant.directory.id);
        add(&tenant, &application, "operator").await.expect(201);
        let token = directory_token(stack, &application).await;
        let provider = stack.oidc();
        let id_claims = provider.claims(&tenant.operator_account, "nonce");
        let mut delegated = id_claims.clone();
        delegated.remove("nonce");
        delegated.insert("scp".to_owned(), json!("access_as_user"));
        let good = provider.application_claims(&application);
        let mut for_another = good.clone();
        for_another.insert("aud".to_owned(), json!(random_id()));
        let mut public = good.clone();
        public.insert("azpacr".to_owned(), json!("0"));
        let mut of_another = good.clone();
        of_another.insert("tid".to_owned(), json!(random_id()));
        let mint = |claims: &Map<String, Value>| provider.mint(claims, &Map::new());
        let mut tokens = [id_claims, delegated, for_another, public, of_another].map(|it| mint(&it)).to_vec();
        tokens.extend([
            tenant.operator.token().to_owned(),
            "x".to_owned(),
            "sbx_x".to_owned(),
            format!("{token}x"),
        ]);
        for token in tokens {
            exchange(stack, &token).await.problem(401, "sign_in_failed");
        }
        let nobody = Anonymous::at(stack.url());
        send(nobody.request(Method::POST, "//auth/token")).await.problem(401, "sign_in_failed");
        exchange(stack, &mint(&good)).await.expect(200);
        // And the directory's own token is none of the API's.
        Caller::new(stack.url(), Proof::Bearer(token)).get("/me").await.problem(401, "unauthenticated");
    });
}

#[test]
fn an_application_counts_as_a_member_and_its_calls_as_its_workspaces() {
    stack::with(async |stack| {
        let tenant = tenant::with_limits(stack, json!({ "users": 3 })).await;
        let (one, other) =
            (application::new(stack, tenant.directory.id), application::new(stack, tenant.directory.id));
        add(&tenant, &one, "operator").await.expect(201);
        add(&tenant, &other, "operator").await.problem(409, "quota_exceeded");
        let given = exchange(stack, &directory_token(stack, &one).await).await.expect(200);
        let program =
            Caller::new(stack.url(), Proof::Bearer(given["access_token"].as_str().expect("it").to_owned()));
        tenant::limit(stack, tenant.id, json!({ "api_rate": 1, "api_burst": 2 })).await;
        // An instance goes by a limit from its next block on: ten calls each, in four of them.
        let answers = join_all((0..80).map(|_| program.get("/runs"))).await;
        assert!(answers.iter().any(|answer| answer.status == 429), "it is limited");
        assert!(answers.iter().all(|answer| [200, 429].contains(&answer.status)));
    });
}
