//! Sessions: what ends them, ends them on the server; one person goes from workspace to workspace without signing in again.

use reqwest::Method;
use serde_json::json;
use tests::{
    caller::{Caller, Proof, send},
    database, stack, tenant,
};

#[test]
fn signing_out_ends_the_session_on_the_server() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let other = tenant::signed_in(stack, &tenant.administrator_account).await;
        let browser = tenant.administrator.in_browser();
        browser.get("/me").await.expect(200);
        let out = send(browser.request(Method::POST, "//auth/logout")).await;
        assert_eq!(out.status, 303, "{}", out.text());
        let gone = out.header("set-cookie");
        assert!(gone.starts_with("__Host-signalbox=;") && gone.contains("Max-Age=0"), "{gone}");
        // The same token, kept by a thief, in either form.
        browser.get("/me").await.problem(401, "unauthenticated");
        tenant.administrator.get("/me").await.problem(401, "unauthenticated");
        other.get("/me").await.expect(200);
        let ended = "select count(*) from system.sessions where ended_at is not null and tenant_id = $1";
        let ended = database::superuser(stack).await.query_one(ended, &[&tenant.id]).await.expect("sessions");
        assert_eq!(ended.get::<_, i64>(0), 1);
    });
}

#[test]
fn signing_out_needs_our_own_page() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let cookie = format!("__Host-signalbox={}", tenant.operator.token());
        let nobody = Caller::new(stack.url(), Proof::None);
        for origin in [Some("https://attacker.example"), Some("null"), None] {
            let request = nobody.request(Method::POST, "//auth/logout").header("cookie", &cookie);
            let request = origin
                .map_or(request.try_clone().expect("a request"), |origin| request.header("origin", origin));
            let answer = send(request).await;
            assert_ne!(answer.status, 303, "{origin:?}");
        }
        let by_get = send(nobody.request(Method::GET, "//auth/logout").header("cookie", &cookie)).await;
        assert!(by_get.status >= 400, "signing out is a POST: {}", by_get.status);
        tenant.operator.get("/me").await.expect(200);
    });
}

#[test]
fn a_session_is_fresh_at_each_sign_in_and_its_cookie_is_closed() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let again = tenant::signed_in(stack, &tenant.administrator_account).await;
        assert_ne!(again.token(), tenant.administrator.token());
        let login = send(Caller::new(stack.url(), Proof::None).request(Method::GET, "//auth/login")).await;
        assert!((300..400).contains(&login.status), "{}", login.status);
        for cookie in login.headers.get_all("set-cookie") {
            let cookie = cookie.to_str().expect("text");
            for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"] {
                assert!(cookie.contains(attribute), "{attribute} is missing: {cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
    });
}

#[test]
fn a_person_of_two_workspaces_switches_without_signing_in_again() {
    stack::with(async |stack| {
        let (home, away) = (tenant::new(stack).await, tenant::new(stack).await);
        let person = &home.administrator_account;
        let member =
            json!({ "directory_id": person.directory_id, "object_id": person.object_id, "role": "operator" });
        away.administrator.post("/users", &member).await.expect(201);
        let me = home.administrator.get("/me").await.expect(200);
        assert_eq!(me["workspace"]["id"], json!(home.id));
        assert_eq!(me["workspaces"].as_array().map(Vec::len), Some(2), "{me}");

        let switched =
            home.administrator.put("/me/workspace", &json!({ "workspace_id": away.id })).await.expect(200);
        let token = switched["token"].as_str().expect("a program gets the new session's token").to_owned();
        let there = home.administrator.with(Proof::Bearer(token));
        let me = there.get("/me").await.expect(200);
        assert_eq!((&me["workspace"]["id"], &me["role"]), (&json!(away.id), &json!("operator")));
        there.get("/users").await.problem(403, "forbidden");
        home.administrator.get("/me").await.problem(401, "unauthenticated");

        // In a browser the session travels in the cookie and nowhere else.
        let back = there.in_browser().put("/me/workspace", &json!({ "workspace_id": home.id })).await;
        assert!(back.expect(200)["token"].is_null(), "{}", back.text());
        assert!(back.header("set-cookie").starts_with("__Host-signalbox="), "{}", back.header("set-cookie"));
    });
}

#[test]
fn a_workspace_that_is_none_of_ones_own_cannot_be_switched_to() {
    stack::with(async |stack| {
        let (ours, theirs) = (tenant::new(stack).await, tenant::new(stack).await);
        let foreign = ours.operator.put("/me/workspace", &json!({ "workspace_id": theirs.id })).await;
        let absent =
            ours.operator.put("/me/workspace", &json!({ "workspace_id": tenant::random_id() })).await;
        assert_eq!((foreign.status, absent.status), (400, 400));
        assert_eq!(foreign.json()["errors"], absent.json()["errors"]);
        assert_eq!(foreign.json()["code"], absent.json()["code"]);
        ours.operator.get("/me").await.expect(200);
    });
}
