//! The door itself: who comes in, with which token, and in which spelling of the paths.

use local::{people::OPERATIONS, stack::OPERATORS_CLIENT_ID};
use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    caller::{Anonymous, Answer, Caller, Proof, send},
    database,
    operator::{self, API},
    stack,
    tenant::{self, random_id},
};

use super::walk::{self, Places};

fn nowhere() -> Places {
    Places { workspace: random_id(), run: random_id().to_string(), grant: random_id().to_string() }
}

#[test]
fn an_operator_signs_in_at_their_own_door_and_out_again() {
    stack::with(async |stack| {
        let operator = operator::new(stack).await;
        let me = operator.get(&format!("{API}/me")).await;
        assert_eq!(me.expect(200)["name"], "olga");
        assert_eq!(me.header("cache-control"), "no-store");
        send(operator.request(Method::POST, "//operators/logout")).await.expect(204);
        operator.get(&format!("{API}/me")).await.problem(401, "unauthenticated");
        send(operator.request(Method::POST, "//operators/logout")).await.expect(204);
    });
}

/// The directory tells nobody that it took a role away: what is open lasts an hour, or until the steward is told.
#[test]
fn whoever_is_dismissed_is_out_at_the_next_request_and_has_an_hour_at_most() {
    stack::with(async |stack| {
        let olga = operator::account(stack, "olga");
        let (operator, other) = (operator::signed_in(stack, &olga).await, operator::new(stack).await);
        let tenant = tenant::new(stack).await;
        operator::grant(&operator, tenant.id).await;
        stack.oidc().unassign(OPERATORS_CLIENT_ID, olga.object_id);
        assert_eq!(operator::refused(stack, &olga).await, 403);
        let me = operator.get(&format!("{API}/me")).await.expect(200);
        let client = database::superuser(stack).await;
        let ask = "select max(expires_at - created_at) <= interval '1 hour' from system.operator_sessions";
        assert!(client.query_one(ask, &[]).await.expect("sessions").get::<_, bool>(0), "{me}");

        let order = json!({ "do": "end_operator_sessions", "object_id": olga.object_id });
        assert_eq!(stack.order(order.clone()).await.expect("it is done")["sessions_ended"], 1);
        operator.get(&format!("{API}/me")).await.problem(401, "unauthenticated");
        operator.get(&format!("{API}/workspaces/{}/runs", tenant.id)).await.problem(401, "unauthenticated");
        other.get(&format!("{API}/me")).await.expect(200);
        assert_eq!(stack.order(order).await.expect("there is none left")["sessions_ended"], 0);
        let log = other.get(&format!("{API}/audit?limit=200")).await.expect(200);
        let rows = log["items"].as_array().expect("a list");
        let told =
            rows.iter().filter(|row| row["action"] == "sessions.end" && row["operator_id"] == me["id"]);
        assert_eq!(told.count(), 1, "{log}");
    });
}

/// Threat C4: the operating company's directory, and the role in it; nothing else makes an operator.
#[test]
fn nobody_is_an_operator_without_directory_and_role() {
    stack::with(async |stack| {
        let without = operator::colleague(stack, "otto");
        assert_eq!(operator::refused(stack, &without).await, 403);
        stack.oidc().assign(OPERATORS_CLIENT_ID, without.object_id, "Operator");
        stack.oidc().assign(OPERATORS_CLIENT_ID, without.object_id, "reader");
        stack.oidc().assign(stack.oidc().client_id(), without.object_id, "operator");
        assert_eq!(operator::refused(stack, &without).await, 403, "another role, or another application's");
        stack.oidc().assign(OPERATORS_CLIENT_ID, without.object_id, "operator");
        operator::signed_in(stack, &without).await;
        stack.oidc().unassign(OPERATORS_CLIENT_ID, without.object_id);
        assert_eq!(operator::refused(stack, &without).await, 403, "a role that was taken away");

        // A customer's Administrator, given the role by their own directory.
        let tenant = tenant::new(stack).await;
        let theirs = &tenant.administrator_account;
        stack.oidc().assign(OPERATORS_CLIENT_ID, theirs.object_id, "operator");
        assert_eq!(
            operator::refused(stack, theirs).await,
            200,
            "the provider shows its page: they are not in it"
        );
        let claims = stack.oidc().claims_for(OPERATORS_CLIENT_ID, theirs, "n");
        assert_ne!(claims["tid"], json!(OPERATIONS.directory_id));
    });
}

/// What a caller without a session is told, but for the request's id.
fn unknown(answer: &Answer) -> Value {
    let mut problem = answer.problem(401, "unauthenticated");
    problem["request_id"] = json!("");
    problem
}

/// Threats A12, C4: both ways, on every route of both documents, with one answer to whatever is not this door's.
#[test]
fn neither_door_takes_the_others_token() {
    stack::with(async |stack| {
        let (operator, tenant) = (operator::new(stack).await, tenant::new(stack).await);
        let token = tenant.administrator.token();
        let made = json!({ "name": "a program", "permissions": ["runs.read"] });
        let made = tenant.administrator.post("/api-tokens", &made).await.expect(201);
        let program = made["token"].as_str().expect("a token").to_owned();
        let (mut tried, mut told) = (0, Vec::new());
        for operation in walk::operations(&operator).await.iter().filter(|it| it.access != "public") {
            let at = format!("/{}", operation.at(&nowhere()));
            let nobody = Anonymous::at(stack.url());
            let as_bearer = [token, &program, "x"]
                .map(|token| nobody.request(operation.method.clone(), &at).bearer_auth(token));
            let cookies = [
                format!("__Host-signalbox-operators={token}"),
                format!("__Host-signalbox={token}"),
                format!("__Host-signalbox={}", operator.token()),
            ];
            let as_cookie = cookies.map(|cookie| {
                let request = nobody.request(operation.method.clone(), &at).header("cookie", cookie);
                request.header("origin", stack.url())
            });
            let plain = nobody.request(operation.method.clone(), &at);
            for request in as_cookie.into_iter().chain(as_bearer).chain([plain]) {
                told.push(unknown(&send(request).await));
                tried += 1;
            }
        }
        assert!(tried >= 15 * 7, "{tried}");
        told.dedup();
        assert_eq!(told.len(), 1, "the same for all: {told:#?}");

        let document = Anonymous::at(stack.url()).get("/openapi.json").await.expect(200);
        let theirs = walk::read(&document);
        for operation in theirs.iter().filter(|it| it.access != "public") {
            let id = random_id().to_string();
            let path = operation.path.split('/').map(|it| if it.starts_with('{') { id.as_str() } else { it });
            let path = format!("/{}", path.collect::<Vec<_>>().join("/"));
            let bearer = operator.request(operation.method.clone(), &path).json(&json!({}));
            let cookie = Caller::new(stack.url(), Proof::Cookie(operator.token().to_owned()));
            let cookie = cookie.request(operation.method.clone(), &path).json(&json!({}));
            for request in [bearer, cookie] {
                let answer = send(request).await;
                assert_eq!(answer.status, 401, "{} {path}: {}", operation.method, answer.text());
                tried += 1;
            }
        }
        assert!(theirs.len() > 40 && tried > 150, "{} operations, {tried} requests", theirs.len());
    });
}

/// Threat A12: what proves a sign-in opens nothing by itself, for whichever application it was made.
#[test]
fn a_providers_token_is_no_session() {
    stack::with(async |stack| {
        let account = operator::account(stack, "olga");
        let provider = stack.oidc();
        for client in [OPERATORS_CLIENT_ID, provider.client_id()] {
            let mut access = provider.claims_for(client, &account, "n");
            access.remove("nonce");
            access.insert("scp".to_owned(), json!("access_as_user"));
            for claims in [provider.claims_for(client, &account, "n"), access] {
                let token = provider.mint(&claims, &serde_json::Map::new());
                let caller = Caller::new(stack.url(), Proof::Bearer(token));
                caller.get(&format!("{API}/me")).await.problem(401, "unauthenticated");
            }
        }
    });
}

/// Threats A14, C4: a sign-in that was begun at one door is not ended at the other.
#[test]
fn a_sign_in_ends_at_the_door_where_it_began() {
    stack::with(async |stack| {
        let account = operator::account(stack, "olga");
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        let browser = browser.build().expect("a client");
        for (begun, other) in [("auth", "operators"), ("operators", "auth")] {
            let login =
                browser.get(format!("{}/{begun}/login", stack.url())).send().await.expect("an answer");
            let cookie =
                login.headers()["set-cookie"].to_str().expect("text").split(';').next().expect("a pair");
            let mut provider: reqwest::Url =
                login.headers()["location"].to_str().expect("text").parse().expect("an address");
            provider.query_pairs_mut().append_pair("login_hint", &account.user_name);
            let chosen = browser.get(provider).send().await.expect("the provider");
            let back = chosen.headers()["location"].to_str().expect("text").to_owned();
            assert!(back.contains(&format!("/{begun}/callback")), "{back}");
            let there = back.replace(&format!("/{begun}/"), &format!("/{other}/"));
            let names = ["__Host-signalbox-flow", "__Host-signalbox-operators-flow"];
            let (_, sealed) = cookie.split_once('=').expect("a pair");
            for cookie in names.map(|name| format!("{name}={sealed}")) {
                let crossed = browser.get(&there).header("cookie", cookie).send().await.expect("an answer");
                assert_eq!(crossed.status(), 400, "begun at {begun}, ended at {other}");
                assert!(!crossed.headers().contains_key("location"));
            }
        }
    });
}

/// Threat A21.
#[test]
fn only_exact_paths_are_served_and_none_without_a_token() {
    stack::with(async |stack| {
        let operator = operator::new(stack).await;
        let nobody = Anonymous::at(stack.url());
        let operations = walk::operations(&operator).await;
        let mut tried = 0;
        for operation in operations.iter().filter(|it| it.access != "public") {
            let path = operation.at(&nowhere());
            let (start, last) = path.rsplit_once('/').expect("a path");
            for spelled in [
                path.clone(),
                format!("{path}/"),
                format!("{path}//"),
                format!("{path}/health"),
                format!("{path}%2fhealth"),
                format!("{path};x=/operators/login"),
                format!("{path}.json"),
                format!("{path}%00"),
                format!("{path}%20"),
                format!("{start}//{last}"),
                format!("{start}/{}", last.to_uppercase()),
                format!("{start}/%25{:02x}{}", last.as_bytes()[0], &last[1..]),
                path.replace("/operators/", "/Operators/"),
                path.replace("/operators/v1", "/operators/login/..%2fv1"),
                path.replace("/operators/v1", "/operators/v1/./"),
                path.replace("/operators/v1", "/auth/..%2foperators/v1"),
                path.replace("/operators/v1", "/api/v1/operators"),
            ] {
                for method in
                    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
                {
                    let method = Method::from_bytes(method.as_bytes()).expect("a method");
                    let request = nobody.request(method.clone(), &format!("/{spelled}"));
                    let answer = send(request.header("x-http-method-override", "GET")).await;
                    assert!((400..500).contains(&answer.status), "{method} {spelled}: {}", answer.status);
                    tried += 1;
                }
            }
        }
        assert!(tried > 2_000, "{tried}");
        let answer = operator.get("//operators/v1/me/").await;
        answer.problem(404, "not_found");
        let answer = send(operator.request(Method::DELETE, "//operators/v1/grants")).await;
        answer.problem(405, "method_not_allowed");
        assert_eq!(answer.header("allow"), "GET, POST");
    });
}

/// Threat A17.
#[test]
fn a_browsers_write_comes_from_our_own_pages_or_is_refused() {
    stack::with(async |stack| {
        let operator = operator::new(stack).await;
        let nobody = Anonymous::at(stack.url());
        for origin in [None, Some("https://evil.example"), Some("null")] {
            let request = nobody.request(Method::POST, &format!("{API}/grants"));
            let request =
                request.header("cookie", format!("__Host-signalbox-operators={}", operator.token()));
            let request =
                origin.into_iter().fold(request, |request, origin| request.header("origin", origin));
            send(request.json(&operator::ask(random_id()))).await.problem(403, "foreign_origin");
        }
    });
}
