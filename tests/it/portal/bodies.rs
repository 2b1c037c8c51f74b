//! Bodies that are wrong: each is refused with its pointer, and changes nothing.

use reqwest::Method;
use serde_json::{Value, json};
use tests::{
    caller::{Answer, Caller, send},
    stack, tenant,
    work::{self, fresh},
    world::World,
};

async fn raw(by: &Caller, method: Method, path: &str, body: Vec<u8>) -> Answer {
    send(by.request(method, path).header("content-type", "application/json").body(body)).await
}

fn vault() -> Value {
    json!({ "name": fresh("vault"), "kind": "managed" })
}

/// A proper body for every operation that creates, with the path it goes to.
async fn proper(tenant: &tenant::Tenant, world: &World) -> Vec<(&'static str, Value)> {
    let connection = fresh("c");
    work::connection(&tenant.administrator, &connection, world).await;
    let job = work::job(&tenant.administrator, &fresh("job"), &work::chain(&connection, 2)).await;
    let runs: &'static str = format!("/jobs/{}/runs", work::id(&job)).leak();
    vec![
        ("/vaults", vault()),
        ("/concurrency-profiles", json!({ "name": fresh("profile"), "limit": 3 })),
        (
            "/connections",
            json!({ "name": fresh("c"), "kind": "http", "settings": { "base_url": world.url() } }),
        ),
        ("/jobs", json!({ "name": fresh("job"), "tasks": work::chain(&connection, 2) })),
        (
            "/schedules",
            json!({ "name": fresh("s"), "job_id": job["id"], "cron": "0 6 * * *", "time_zone": "Europe/Berlin" }),
        ),
        ("/schedules/preview", json!({ "cron": "0 6 * * *", "time_zone": "Europe/Berlin" })),
        (
            "/users",
            json!({ "directory_id": tenant::random_id(), "object_id": tenant::random_id(), "role": "operator" }),
        ),
        (runs, json!({ "parameters": {} })),
    ]
}

#[test]
fn a_field_that_nobody_knows_is_refused_by_its_pointer() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let columns = [
            "tenant_id",
            "schema",
            "id",
            "version",
            "created_by",
            "updated_by",
            "state_",
            "epoch",
            "Name",
            "__proto__",
        ];
        for (path, body) in proper(&tenant, &world).await {
            let before = done(&tenant).await;
            for column in columns {
                let mut body = body.clone();
                body[column] = json!(tenant.id);
                let refused = tenant.administrator.post(path, &body).await;
                refused.problem(400, "invalid_request");
                assert_eq!(refused.pointers(), [format!("/{column}")], "{path}: {}", refused.text());
            }
            assert_eq!(before, done(&tenant).await, "{path}: nothing was done");
        }
    });
}

/// What was done last, reading aside.
async fn done(tenant: &tenant::Tenant) -> Option<Value> {
    let entries = work::all(&tenant.administrator, "/audit").await;
    let is_read = |entry: &&Value| entry["action"].as_str().is_some_and(|action| action.ends_with(".read"));
    entries.iter().find(|entry| !is_read(entry)).cloned()
}

#[test]
fn a_nested_field_that_nobody_knows_is_refused_by_its_pointer() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        work::connection(&tenant.administrator, "c", &world).await;
        let by = &tenant.administrator;
        let job = |change: &dyn Fn(&mut Value)| {
            let mut body = json!({ "name": "j", "tasks": work::chain("c", 2) });
            change(&mut body);
            body
        };
        let wrong = [
            (job(&|b| b["tasks"][1]["tenant_id"] = json!("x")), "/tasks/1/tenant_id"),
            (job(&|b| b["tasks"][0]["retry"] = json!({ "attempts": 3 })), "/tasks/0/retry/attempts"),
            (job(&|b| b["tasks"][0]["timeouts"] = json!({ "start": 3 })), "/tasks/0/timeouts/start"),
            (job(&|b| b["tasks"][0]["start"]["host"] = json!("x")), "/tasks/0/start/host"),
            (job(&|b| b["tasks"][1]["start"]["poll"] = json!({ "url": "x" })), "/tasks/1/start/poll/url"),
        ];
        for (body, pointer) in wrong {
            let refused = by.post("/jobs", &body).await;
            assert_eq!(refused.status, 400, "{}", refused.text());
            assert!(refused.pointers().contains(&pointer.to_owned()), "{pointer}: {}", refused.text());
        }
        let connection =
            json!({ "name": "d", "kind": "http", "settings": { "base_url": world.url(), "verify": false } });
        let refused = by.post("/connections", &connection).await;
        assert_eq!(refused.status, 400, "{}", refused.text());
        assert_eq!(refused.pointers(), ["/settings/verify"]);
        assert_eq!(work::all(by, "/jobs").await, Vec::<Value>::new());
    });
}

#[test]
fn a_value_of_the_wrong_type_is_refused_by_its_pointer_for_every_field() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        for (path, body) in proper(&tenant, &world).await {
            for (field, value) in body.as_object().expect("an object") {
                let others =
                    [json!(17.5), json!(true), json!("text"), json!([[]]), json!({ "a": 1 }), json!(null)];
                let kind = |value: &Value| std::mem::discriminant(value);
                for wrong in others.iter().filter(|other| kind(other) != kind(value)) {
                    let optional = wrong.is_null() && ["parameters"].contains(&field.as_str());
                    let mut body = body.clone();
                    body[field] = wrong.clone();
                    let refused = tenant.administrator.post(path, &body).await;
                    if optional && refused.status < 300 {
                        continue;
                    }
                    assert_eq!(refused.status, 400, "{path} {field} = {wrong}: {}", refused.text());
                    let at = format!("/{field}");
                    assert!(
                        refused.pointers().iter().any(|pointer| pointer.starts_with(&at)),
                        "{at}: {}",
                        refused.text()
                    );
                }
                let mut body = body.clone();
                body.as_object_mut().expect("an object").remove(field);
                let missing = tenant.administrator.post(path, &body).await;
                assert!(missing.status < 500, "{path} without {field}: {}", missing.text());
            }
        }
    });
}

#[test]
fn what_is_not_json_or_too_large_or_too_deep_is_refused() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let by = &tenant.administrator;
        let deep = |n: usize| format!("{}{}", "[".repeat(n), "]".repeat(n)).into_bytes();
        let deep_in_field =
            format!("{{\"name\":\"x\",\"kind\":{}1{}}}", "{\"a\":".repeat(1000), "}".repeat(1000));
        for (path, body) in proper(&tenant, &world).await {
            let mut large = body.clone();
            large["name"] = json!("x".repeat(2 * 1024 * 1024));
            let refused = raw(by, Method::POST, path, large.to_string().into_bytes()).await;
            refused.problem(413, "body_too_large");
            raw(by, Method::POST, path, deep(1000)).await.problem(400, "too_deep");
            raw(by, Method::POST, path, deep_in_field.clone().into_bytes()).await.problem(400, "too_deep");
            let not_json: [&[u8]; 10] = [
                b"{",
                b"not json",
                b"{\"name\":\"x\",}",
                b"\xff\xfe",
                b"{\"name\":\"\\ud800\"}",
                b"{} {}",
                b"[]",
                b"\"x\"",
                b"{\"name\":\"a\",\"name\":\"b\"}",
                b"{\"name\":\"a\\u0000b\"}",
            ];
            for bytes in not_json {
                let refused = raw(by, Method::POST, path, bytes.to_vec()).await;
                assert_eq!(
                    refused.status,
                    400,
                    "{path} {:?}: {}",
                    String::from_utf8_lossy(bytes),
                    refused.text()
                );
                assert_eq!(refused.header("content-type"), "application/problem+json");
            }
            let form =
                by.request(Method::POST, path).header("content-type", "text/plain").body(body.to_string());
            send(form).await.problem(415, "unsupported_media_type");
        }
    });
}

#[test]
fn caps_hold_at_their_limit_and_refuse_one_more() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, World::at_once());
        let by = &tenant.administrator;
        work::connection(by, "c", &world).await;
        for (length, status) in [(100, 201), (101, 400), (0, 400)] {
            let name = "ä".repeat(length);
            let answer = by.post("/vaults", &json!({ "name": name, "kind": "managed" })).await;
            assert_eq!(answer.status, status, "a name of {length}: {}", answer.text());
        }
        for (limit, status) in [(10_000, 201), (10_001, 400), (1, 201), (0, 400), (-1, 400)] {
            let answer =
                by.post("/concurrency-profiles", &json!({ "name": fresh("p"), "limit": limit })).await;
            assert_eq!(answer.status, status, "a limit of {limit}: {}", answer.text());
        }
        let task =
            |n: usize| json!({ "name": format!("t{n}"), "connection": "c", "start": { "path": "/x" } });
        for (tasks, status) in [(500, 201), (501, 400), (0, 400)] {
            let body = json!({ "name": fresh("j"), "tasks": (0..tasks).map(task).collect::<Vec<_>>() });
            let answer = by.post("/jobs", &body).await;
            assert_eq!(answer.status, status, "{tasks} tasks: {}", answer.text());
        }
        for (edges, status) in [(2_000, 201), (2_001, 400)] {
            // Each of the later 50 tasks depends on up to all of the 50 before it.
            let mut tasks: Vec<Value> = (0..100).map(task).collect();
            let mut left = edges;
            for late in tasks.iter_mut().skip(50) {
                let upstream: Vec<String> = (0..left.min(50)).map(|n| format!("t{n}")).collect();
                left -= upstream.len();
                late["depends_on"] = json!(upstream);
            }
            let answer = by.post("/jobs", &json!({ "name": fresh("j"), "tasks": tasks })).await;
            assert_eq!(answer.status, status, "{edges} edges: {}", answer.text());
        }
        for (limit, status) in
            [("200", 200), ("201", 400), ("1", 200), ("0", 400), ("-1", 400), ("x", 400), ("1e2", 400)]
        {
            let answer = by.get(&format!("/jobs?limit={limit}")).await;
            assert_eq!(answer.status, status, "limit={limit}: {}", answer.text());
        }
        // A body of exactly 1 MiB is read, and found wrong for what it says.
        let filler =
            |n: usize| format!("{{\"name\":\"x\",\"kind\":\"{}\"}}", "k".repeat(n - 22)).into_bytes();
        assert_eq!(filler(1024 * 1024).len(), 1024 * 1024);
        assert_eq!(raw(by, Method::POST, "/vaults", filler(1024 * 1024)).await.status, 400);
        assert_eq!(raw(by, Method::POST, "/vaults", filler(1024 * 1024 + 1)).await.status, 413);
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let of_depth = |depth| format!("{{\"parameters\":{}}}", nested(depth)).into_bytes();
        let job = by.post("/jobs", &json!({ "name": "deep", "tasks": [task(0)] })).await.expect(201);
        let runs = format!("/jobs/{}/runs", work::id(&job));
        let at_limit = raw(by, Method::POST, &runs, of_depth(63)).await;
        assert_ne!(at_limit.json()["code"], "too_deep", "{}", at_limit.text());
        raw(by, Method::POST, &runs, of_depth(64)).await.problem(400, "too_deep");
    });
}

#[test]
fn an_unknown_query_parameter_is_refused() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        for path in [
            "/vaults",
            "/connections",
            "/jobs",
            "/runs",
            "/schedules",
            "/users",
            "/audit",
            "/concurrency-profiles",
        ] {
            for query in [
                "tenant_id=x",
                "Limit=1",
                "limit=1&limit=2",
                "cursor=%00",
                "cursor=..%2F",
                "cursor=%27%20or%201%3D1",
            ] {
                let answer = tenant.administrator.get(&format!("{path}?{query}")).await;
                assert_eq!(answer.status, 400, "{path}?{query}: {}", answer.text());
            }
        }
        for query in ["state=nothing", "job_id=x", "trigger=x", "from=yesterday"] {
            let answer = tenant.operator.get(&format!("/runs?{query}")).await;
            assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        }
    });
}
