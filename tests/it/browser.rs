//! A person's whole way through the pages, in a real browser: sign in, look, start a run, watch it end.

use std::time::Duration;

use serde_json::json;
use tests::{
    browser::Browser,
    stack, tenant, work,
    world::{Answer, World},
};

#[test]
fn a_person_signs_in_starts_a_job_and_watches_it_succeed() {
    stack::with(async |stack| {
        let Some(browser) = Browser::open().await else { return };
        let tenant = tenant::new(stack).await;
        let world = World::new(|_, _| {
            Answer::After(Duration::from_millis(700), Box::new(Answer::Json(200, json!({ "ok": true }))))
        });
        work::connection(&tenant.administrator, "warehouse", &world).await;
        let tasks = work::chain("warehouse", 3);
        work::job(&tenant.administrator, "nightly sales", &tasks).await;

        browser.go(stack.url()).await;
        browser.see("a.button.primary[href^='/auth/login']").await;
        // A stranger is told so by the API, which the console notes; nothing else may be.
        let told = browser.complaints().await;
        assert!(told.iter().all(|said| said.contains("/api/v1/me") && said.contains("401")), "{told:?}");
        browser.click("a.button.primary[href^='/auth/login']").await;
        browser.click(&format!("button[name=choice][value='{}']", tenant.operator_account.user_name)).await;
        browser.see("ul.counts").await;
        assert!(browser.address().await.starts_with(stack.url()), "{}", browser.address().await);
        assert_eq!(browser.text("h1").await, "Dashboard");

        browser.click("a[href='/jobs']").await;
        browser.click_where("a[href^='/jobs/']", "nightly sales").await;
        browser.click_where(".actions button.primary", "Start a run").await;
        browser.click_where("dialog button", "Start the run").await;
        browser.see("h1 .pill[data-state=succeeded]").await;
        for task in ["t0", "t1", "t2"] {
            browser
                .see(&format!("ul.tasks li[data-key={task}] .task-head .pill[data-state=succeeded]"))
                .await;
            assert_eq!(world.count("POST", &format!("/start/{task}")), 1);
        }
        // The console may note that one answer later than the page showed it.
        let mut told = browser.complaints().await;
        told.retain(|said| !(said.contains("/api/v1/me") && said.contains("401")));
        assert_eq!(told, Vec::<String>::new());
    });
}

#[test]
fn what_the_pages_policy_refuses_is_seen() {
    stack::run(async {
        let Some(browser) = Browser::open().await else { return };
        let page =
            b"<!doctype html><title>x</title><h1>Here</h1><script>document.title = 'ran'</script>".to_vec();
        let headers = vec![
            ("content-type", "text/html".to_owned()),
            ("content-security-policy", "default-src 'none'".to_owned()),
        ];
        let world = World::new(move |_, _| Answer::Raw(200, headers.clone(), page.clone()));
        browser.go(&world.url()).await;
        assert_eq!(browser.text("h1").await, "Here");
        assert_eq!(browser.script("return document.title").await, "x");
        let complaints = browser.complaints().await;
        assert!(complaints.iter().any(|said| said.contains("Content Security Policy")), "{complaints:?}");
    });
}
