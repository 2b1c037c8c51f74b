//! The `http` kind: the request is what the task says, the credential is where the connection says, and the run is followed
//! by the id that the platform gave.

use serde_json::{Value, json};
use tests::{
    invariants, seen, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::{Answer, World},
};

async fn connected(tenant: &Tenant, name: &str, world: &World, settings: Value) {
    let mut all = json!({ "base_url": format!("{}/base/", world.url()) });
    all.as_object_mut().expect("an object").extend(settings.as_object().cloned().unwrap_or_default());
    let body = json!({
        "name": name, "kind": "http", "settings": all, "credential": { "vault": "secrets", "name": "key" },
    });
    tenant.administrator.post("/connections", &body).await.expect(201);
}

#[test]
fn the_credential_is_sent_as_the_connection_says_and_nowhere_else() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|_, _| Answer::Json(500, json!({ "echo": "s3cret-value" })));
        let vault = work::vault(&tenant.administrator, "secrets").await;
        work::credential(&tenant.administrator, &vault, "key", "s3cret-value").await;
        let ways = [
            (
                "basic",
                json!({ "auth": { "type": "basic", "user": "us" } }),
                "authorization",
                "Basic dXM6czNjcmV0LXZhbHVl",
            ),
            ("bearer", json!({ "auth": { "type": "bearer" } }), "authorization", "Bearer s3cret-value"),
            (
                "header",
                json!({ "auth": { "type": "header", "name": "X-Api-Key" } }),
                "x-api-key",
                "s3cret-value",
            ),
        ];
        let mut tasks = Vec::new();
        for (name, settings, ..) in &ways {
            connected(&tenant, name, &world, settings.clone()).await;
            tasks.push(work::at_once(name, name, &[]));
        }
        let job = work::job(&tenant.administrator, "secrets", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        work::until("each was asked", SOON, async || world.len() == 3).await;
        for (name, _, header, value) in ways {
            let ledger = world.ledger();
            let entry =
                ledger.iter().find(|e| e.path == format!("/base/start/{name}")).expect("it was asked");
            assert_eq!(entry.headers[header], value);
            let shown =
                entry.headers.values().filter(|v| v.contains("s3cret") || v.contains("czNjcmV0")).count();
            assert_eq!(shown + usize::from(entry.path.contains("s3cret")), 1, "{entry:?}");
        }
        // What the platform echoes is not kept.
        let run = tenant.operator.get(&format!("/runs/{}", work::id(&run))).await.expect(200);
        assert!(!run.to_string().contains("s3cret-value"), "{run:#}");
        let events = tenant.operator.get(&format!("/runs/{}/events", work::id(&run))).await.text();
        assert!(!events.contains("s3cret-value"), "{events}");
    });
}

#[test]
fn a_platform_that_echoes_the_credential_does_not_get_it_shown() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, _| match request.path.as_str() {
            "/base/start/echo" | "/base/runs/x" => {
                Answer::Json(200, json!({ "state": "succeeded", "id": "x", "headers": request.headers }))
            }
            _ => Answer::Json(201, json!({ "id": "x" })),
        });
        let vault = work::vault(&tenant.administrator, "secrets").await;
        work::credential(&tenant.administrator, &vault, "key", "s3cret-value").await;
        connected(&tenant, "bearer", &world, json!({ "auth": { "type": "bearer" } })).await;
        connected(&tenant, "basic", &world, json!({ "auth": { "type": "basic", "user": "us" } })).await;
        let mut followed = work::polled("followed", "basic", &[]);
        followed["start"]["poll"]["outputs_pointer"] = json!("/headers");
        let tasks = [work::at_once("echo", "bearer", &[]), followed];
        let job = work::job(&tenant.administrator, "echo", &tasks).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await.to_string();
        for shown in ["s3cret-value", "dXM6czNjcmV0LXZhbHVl"] {
            assert!(!run.contains(shown), "{run}");
        }
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_start_is_made_as_the_task_says() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|_, _| Answer::Json(299, json!({})));
        work::connection(&tenant.administrator, "platform", &world).await;
        let start = json!({
            "method": "PUT", "path": "/jobs/{{ params.job }}", "query": { "q": "a&b=c", "day": "{{ params.job }}" },
            "headers": { "X-Run": "{{ params.job }}" }, "body": { "list": [1, "{{ params.job }}"] }, "success_codes": [299],
        });
        let task = json!({ "name": "put", "connection": "platform", "start": start });
        let parameters = json!({ "type": "object", "properties": { "job": { "type": "string" } } });
        let job = json!({ "name": "as said", "parameters": parameters, "tasks": [task] });
        let job = tenant.administrator.post("/jobs", &job).await.expect(201);
        let body = json!({ "parameters": { "job": "../x y" } });
        let run = tenant.operator.post(&format!("/jobs/{}/runs", work::id(&job)), &body).await.expect(201);
        work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        let entry = &world.ledger()[0];
        assert_eq!((entry.method.as_str(), entry.json()), ("PUT", json!({ "list": [1, "../x y"] })));
        let (path, query) = entry.path.split_once('?').expect("a query");
        assert_eq!(path, "/jobs/..%2Fx%20y");
        let query: Vec<(String, String)> =
            url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        assert!(
            query.contains(&("q".into(), "a&b=c".into())) && query.contains(&("day".into(), "../x y".into())),
            "{query:?}"
        );
        assert_eq!(entry.headers["x-run"], "../x y");
        assert!(!entry.headers.contains_key("authorization"));
    });
}

#[test]
fn a_value_that_would_make_a_second_header_starts_nothing() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut task = work::at_once("split", "platform", &[]);
        task["start"]["headers"] = json!({ "X-Run": "{{ params.text }}" });
        let parameters = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
        let job = json!({ "name": "split", "parameters": parameters, "tasks": [task] });
        let job = tenant.administrator.post("/jobs", &job).await.expect(201);
        let body = json!({ "parameters": { "text": "a\r\nAuthorization: Bearer x" } });
        let run = tenant.operator.post(&format!("/jobs/{}/runs", work::id(&job)), &body).await.expect(201);
        let run = work::wait_for_run(&tenant.operator, &run, "failed", SOON).await;
        assert_eq!(seen::state(&run, "split"), "failed/permanent");
        assert!(world.is_empty());
    });
}

#[test]
fn a_run_is_followed_where_its_location_says_and_its_outputs_are_kept() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        let world = World::new(|request, before| match request.path.as_str() {
            "/runs" => Answer::Raw(202, vec![("location", "/v1/runs/a%20b?x=1".to_owned())], Vec::new()),
            path => {
                let asked = before.iter().filter(|e| e.path == path).count();
                let state = if asked > 0 { "succeeded" } else { "running" };
                Answer::Json(200, json!({ "state": state, "result": { "rows": 7 } }))
            }
        });
        work::connection(&tenant.administrator, "platform", &world).await;
        let mut task = work::polled("located", "platform", &[]);
        task["start"].as_object_mut().expect("an object").remove("run_id_pointer");
        task["start"]["poll"]["outputs_pointer"] = json!("/result");
        let job = work::job(&tenant.administrator, "located", &[task]).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON).await;
        assert_eq!(seen::task(&run, "located")["outputs"], json!({ "rows": 7 }));
        assert!(world.count("GET", "/runs/a%20b") >= 2, "{:?}", world.ledger());
        invariants::hold(stack, &tenant).await;
    });
}
