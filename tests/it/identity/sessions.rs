//! Sessions: new at each sign-in, ended on the server, and written down.

use reqwest::Method;
use serde_json::{Map, json};
use tests::{
    caller::{Caller, Proof, send},
    database, stack,
    tenant::{self, Directory, placed},
};

use super::browser::{Browser, FLOW, SESSION, set_cookie};

/// Threats A16, A17.
#[test]
fn signing_out_ends_the_session_on_the_server_and_takes_our_own_page() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        let mut browser = Browser::new(stack);
        browser.sign_in(&ada).await.expect(302);
        let token = browser.cookies[SESSION].clone();
        let program = Caller::new(stack.url(), Proof::Bearer(token.clone()));
        program.get("/me").await.expect(200);

        for origin in [None, Some("null"), Some("https://evil.example"), Some("http://127.0.0.1")] {
            let answer = browser.clone().ask_from(Method::POST, "/auth/logout", origin).await;
            assert_eq!((answer.status, set_cookie(&answer, SESSION)), (403, None), "{origin:?}");
        }
        program.get("/me").await.expect(200);

        let mut other = Browser::new(stack);
        other.sign_in(&ada).await.expect(302);
        assert_ne!(other.cookies[SESSION], token, "a session of its own");

        let answer = browser.ask(Method::POST, "/auth/logout").await;
        assert_eq!((answer.status, answer.header("location")), (303, "/signin?signed_out=1"));
        assert!(set_cookie(&answer, SESSION).expect("the cookie goes").contains("Max-Age=0"));
        program.get("/me").await.expect(401);
        Caller::new(stack.url(), Proof::Cookie(token)).get("/me").await.expect(401);
        Caller::new(stack.url(), Proof::Bearer(other.cookies[SESSION].clone())).get("/me").await.expect(200);
        let again = browser.ask(Method::POST, "/auth/logout").await;
        assert_eq!(again.status, 303, "signing out twice is no error");
    });
}

/// Threat A17: what a browser held before it signed in is not what it holds afterwards.
#[test]
fn a_session_that_was_planted_is_replaced() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        let mut attacker = Browser::new(stack);
        attacker.sign_in(&ada).await.expect(302);
        let planted = attacker.cookies[SESSION].clone();
        let mut victim = Browser::new(stack);
        victim.cookies.insert(SESSION.to_owned(), planted.clone());
        victim.cookies.insert(FLOW.to_owned(), "planted".to_owned());
        victim.sign_in(&ada).await.expect(302);
        assert_ne!(victim.cookies[SESSION], planted);
    });
}

#[test]
fn sign_in_and_sign_out_are_in_the_audit_with_their_request_and_address() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        let mut browser = Browser::new(stack);
        let began = browser.sign_in(&ada).await;
        let ended = browser.ask(Method::POST, "/auth/logout").await;
        let (_, schema) = placed(stack, directory.id).await.expect("a workspace");
        let client = database::superuser(stack).await;
        let entries = format!(
            "select action, actor_name, request_id, source_address from {schema}.audit order by at, id"
        );
        let entries = client.query(&entries, &[]).await.expect("the audit");
        let told: Vec<[String; 4]> =
            entries.iter().map(|row| [0, 1, 2, 3].map(|column| row.get(column))).collect();
        let (began, ended) = (began.header("x-request-id"), ended.header("x-request-id"));
        let expected = [("workspace.provision", began), ("session.start", began), ("session.end", ended)];
        let expected =
            expected.map(|(action, request)| [action, "ada", request, "127.0.0.1"].map(str::to_owned));
        let sorted = |mut list: Vec<[String; 4]>| {
            list.sort();
            list
        };
        assert_eq!(sorted(told), sorted(expected.to_vec()));
    });
}

/// Threats A12, A20: what the provider signs is proof at the end of a sign-in, and nowhere else.
#[test]
fn a_token_of_the_provider_is_no_session() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        let mut browser = Browser::new(stack);
        browser.sign_in(&ada).await.expect(302);
        let (claims, plain) = (stack.oidc().claims(&ada, "nonce"), Map::new());
        let id_token = stack.oidc().mint(&claims, &plain);
        let mut access = claims;
        access.remove("nonce");
        access.insert("scp".to_owned(), json!("access_as_user"));
        let access_token = stack.oidc().mint(&access, &plain);
        let posing = json!({ "typ": "sbx+session", "kid": "1" });
        let posing = stack.oidc().mint(&access, posing.as_object().expect("an object"));
        for token in [id_token, access_token, posing, String::new(), "x.y.z".to_owned()] {
            Caller::new(stack.url(), Proof::Bearer(token.clone())).get("/me").await.expect(401);
            Caller::new(stack.url(), Proof::Cookie(token)).get("/me").await.expect(401);
        }
        let token = browser.cookies[SESSION].clone();
        let both = Caller::new(stack.url(), Proof::Bearer(token.clone()));
        send(both.request(Method::GET, "/me").header("cookie", format!("{SESSION}={token}")))
            .await
            .expect(401);
        let nobody = Caller::new(stack.url(), Proof::None);
        nobody.get(&format!("/me?access_token={token}&token={token}")).await.expect(401);
    });
}

/// Threat A16: membership and workspace are read with each request, not from the token.
#[test]
fn a_session_reaches_nothing_once_its_membership_is_gone() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        let mut browser = Browser::new(stack);
        browser.sign_in(&ada).await.expect(302);
        let program = Caller::new(stack.url(), Proof::Bearer(browser.cookies[SESSION].clone()));
        program.get("/me").await.expect(200);
        let client = database::superuser(stack).await;
        let members = "update system.memberships m set state = $2 from system.users u \
                       where u.id = m.user_id and u.directory_id = $1";
        client.execute(members, &[&directory.id, &"removed"]).await.expect("removed");
        program.get("/me").await.expect(401);
        assert_eq!(Browser::new(stack).sign_in(&ada).await.status, 403, "and no new one begins");
        client.execute(members, &[&directory.id, &"active"]).await.expect("back");
        program.get("/me").await.expect(200);
        let state = "update system.tenants t set state = $2 from system.directories d \
                     where t.id = d.tenant_id and d.id = $1";
        // While it may still be taken back, a workspace can be read; once it is taken away, it cannot be entered.
        client.execute(state, &[&directory.id, &"deleting"]).await.expect("deleting");
        program.get("/me").await.expect(200);
        client.execute(state, &[&directory.id, &"purging"]).await.expect("purging");
        program.get("/me").await.expect(401);
    });
}

#[test]
fn whoever_has_no_session_any_more_is_told_so_whatever_is_wrong_with_their_request() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let by = &tenant.operator.0;
        let out = by.in_browser().request(Method::POST, "//auth/logout");
        assert!(send(out).await.status < 400, "it is ended");
        for body in [json!({ "nonsense": 1 }), json!([])] {
            by.post("/vaults", &body).await.problem(401, "unauthenticated");
        }
        by.get("/vaults/nonsense").await.problem(401, "unauthenticated");
    });
}
