//! The flow: bound to the browser that began it, good once, and leading nowhere else.

use std::collections::HashMap;

use reqwest::{Method, Url};
use tests::{stack, tenant::Directory};

use super::browser::{Browser, FLOW, SESSION, set_cookie};

fn query(url: &Url) -> HashMap<String, String> {
    url.query_pairs().into_owned().collect()
}

/// Threats A14, A17.
#[test]
fn a_sign_in_asks_for_proof_and_ends_with_strict_cookies() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        let mut browser = Browser::new(stack);
        let provider = browser.begin("?return_to=/jobs?state=failed").await;
        let asked = query(&provider);
        for (name, value) in [
            ("response_type", "code"),
            ("response_mode", "query"),
            ("code_challenge_method", "S256"),
            ("scope", "openid profile"),
            ("redirect_uri", &format!("{}/auth/callback", stack.url())),
        ] {
            assert_eq!(asked.get(name).map(String::as_str), Some(value), "{name}");
        }
        for name in ["state", "nonce", "code_challenge"] {
            assert_eq!(asked[name].len(), 43, "{name} is 256 bits");
        }
        let again = query(&browser.clone().begin("").await);
        assert!(["state", "nonce", "code_challenge"].iter().all(|name| again[*name] != asked[*name]));

        let callback = browser.choose(provider, &ada).await;
        let answer = browser.ask(Method::GET, &callback).await;
        answer.expect(302);
        assert_eq!(answer.header("location"), "/jobs?state=failed");
        let session = set_cookie(&answer, SESSION).expect("a session");
        for attribute in ["HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=43"] {
            assert!(session.contains(attribute), "{attribute}: {session}");
        }
        assert!(!session.contains("Domain"));
        assert!(set_cookie(&answer, FLOW).expect("the flow ends").contains("Max-Age=0"));
        for (name, value) in [
            ("cache-control", "no-store"),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(answer.header(name), value, "{name}");
        }
        assert!(answer.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(!answer.header("x-request-id").is_empty());
    });
}

/// Threat A14: two cookie jars, interleaved flows, each artefact replayed into the other.
#[test]
fn a_flow_is_ended_by_its_own_browser_only_and_once() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        let (mut victim, mut attacker) = (Browser::new(stack), Browser::new(stack));
        let to_victim = victim.begin("").await;
        let to_attacker = attacker.begin("").await;
        let of_attacker = attacker.choose(to_attacker, &ada).await;
        let of_victim = victim.choose(to_victim, &ada).await;

        let planted = victim.clone().ask(Method::GET, &of_attacker).await;
        assert_eq!(
            (planted.status, set_cookie(&planted, SESSION)),
            (400, None),
            "another browser's callback"
        );
        let bare = Browser::new(stack).ask(Method::GET, &of_victim).await;
        assert_eq!((bare.status, set_cookie(&bare, SESSION)), (400, None), "a browser without a flow");

        let part = |path: &str, name: &str| {
            query(&Url::parse(&format!("http://x{path}")).expect("an address"))[name].clone()
        };
        let (code, state) = (part(&of_attacker, "code"), part(&of_victim, "state"));
        let mixed = format!("/auth/callback?code={code}&state={state}");
        let injected = victim.clone().ask(Method::GET, &mixed).await;
        assert_eq!((injected.status, set_cookie(&injected, SESSION)), (401, None), "a code of another flow");

        let before = victim.clone();
        victim.ask(Method::GET, &of_victim).await.expect(302);
        assert!(victim.cookies.contains_key(SESSION) && !victim.cookies.contains_key(FLOW));
        let again = victim.clone().ask(Method::GET, &of_victim).await;
        assert_eq!((again.status, set_cookie(&again, SESSION)), (400, None), "the same callback again");
        let replayed = before.clone().ask(Method::GET, &of_victim).await;
        assert_eq!(
            (replayed.status, set_cookie(&replayed, SESSION)),
            (401, None),
            "and with the cookie put back"
        );
    });
}

/// Threat A14: a flow that was used, however it ended, is gone; the others of the browser are not.
#[test]
fn flows_of_several_tabs_do_not_disturb_each_other() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        let mut browser = Browser::new(stack);
        let (first, second) = (browser.begin("?return_to=/a").await, browser.begin("?return_to=/b").await);
        let second = browser.choose(second, &ada).await;
        assert_eq!(browser.ask(Method::GET, &second).await.header("location"), "/b");
        let state = query(&first)["state"].clone();
        let refused = browser
            .clone()
            .ask(Method::GET, &format!("/auth/callback?error=server_error&state={state}"))
            .await;
        assert_eq!(refused.status, 503);
        let first = browser.choose(first, &ada).await;
        assert_eq!(browser.ask(Method::GET, &first).await.header("location"), "/a");
    });
}

/// Threat A14: the page says our words, never the address's.
#[test]
fn a_refusal_of_the_provider_is_shown_in_our_words() {
    stack::with(async |stack| {
        let mut browser = Browser::new(stack);
        let text = "%3Cscript%3Ealert(1)%3C/script%3E";
        for (error, status, code) in [
            ("access_denied", 403, "sign_in_cancelled"),
            ("consent_required", 403, "sign_in_cancelled"),
            ("temporarily_unavailable", 503, "provider_unavailable"),
            (text, 401, "sign_in_failed"),
        ] {
            let path = format!(
                "/auth/callback?error={error}&error_description={text}&admin_consent=True&tenant={text}"
            );
            let page = browser.ask(Method::GET, &path).await;
            assert_eq!(page.status, status, "{error}");
            assert!(page.header("content-type").starts_with("text/html"));
            assert!(
                page.text().contains(code) && page.text().contains(page.header("x-request-id")),
                "{error}"
            );
            assert!(!page.text().contains("alert"), "{error}");
            assert_eq!(set_cookie(&page, SESSION), None);
        }
        for path in ["?code=1&code=2&state=x", "?state=x&state=x&code=1", "?error=a&error=b"] {
            assert_eq!(
                browser.ask(Method::GET, &format!("/auth/callback{path}")).await.status,
                400,
                "{path}"
            );
        }
        for path in ["", "?code=x", "?state=x", "?code=x&state=x"] {
            assert_eq!(
                browser.ask(Method::GET, &format!("/auth/callback{path}")).await.status,
                400,
                "{path}"
            );
        }
    });
}

/// Threat A14.
#[test]
fn nobody_is_sent_to_another_site_after_sign_in() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        for there in [
            "https://evil.example",
            "//evil.example",
            "/%5Cevil.example",
            "/%09/evil.example",
            "%2F%2Fevil.example",
        ] {
            let mut browser = Browser::new(stack);
            let provider = browser.begin(&format!("?return_to={there}")).await;
            let callback = browser.choose(provider, &ada).await;
            assert_eq!(browser.ask(Method::GET, &callback).await.header("location"), "/", "{there}");
        }
    });
}

/// Threat A15.
#[test]
fn a_new_signing_key_is_believed_at_once() {
    stack::with(async |stack| {
        let directory = Directory::unknown(stack);
        let ada = directory.person(stack, "ada");
        directory.onboard(stack, Some(ada.object_id)).await;
        Browser::new(stack).sign_in(&ada).await.expect(302);
        stack.oidc().rotate_key();
        Browser::new(stack).sign_in(&ada).await.expect(302);
    });
}

/// The cookie of the flow would not come back with the callback, which goes to the address that we go by.
#[test]
fn a_browser_that_came_by_another_name_of_this_machine_signs_in_under_ours() {
    stack::with(async |stack| {
        let here = Url::parse(stack.url()).expect("a URL");
        let port = here.port().expect("a port");
        let ask = async |host: &str| {
            let address = format!("{}/auth/login?return_to=/jobs", stack.url());
            let asked = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build();
            let asked =
                asked.expect("a client").get(address).header("host", host).send().await.expect("an answer");
            asked.headers()["location"].to_str().expect("text").to_owned()
        };
        assert_eq!(
            ask(&format!("localhost:{port}")).await,
            format!("{}/auth/login?return_to=/jobs", stack.url())
        );
        for other in [format!("127.0.0.1:{port}"), "signalbox.example".to_owned()] {
            assert!(!ask(&other).await.contains("/auth/login"), "{other} goes on to the provider");
        }
    });
}
