//! What every kind of connection promises, asked of each on a platform that really answers.

use local::stack::Stack;
use serde_json::{Value, json};
use tests::{
    airflow, invariants, seen, stack,
    tenant::{self, Tenant},
    warehouse::Warehouse,
    work::{self, SOON},
    world::{Answer, World},
};

/// One platform, a start that it takes and one that it refuses.
struct Platform {
    kind: &'static str,
    settings: Value,
    password: String,
    start: Value,
    refused: Value,
    /// The settings' field that says where it is, and a place where nothing is.
    nowhere: (&'static str, Value),
    /// Keeps it alive.
    _world: Option<World>,
}

async fn platforms(stack: &Stack) -> Vec<Platform> {
    let mut all = vec![postgres(stack).await, http()];
    if let Some(airflow) = airflow::server().await {
        let settings = json!({ "base_url": airflow.url, "api": "v2", "user": airflow::USER });
        all.push(Platform {
            kind: "airflow",
            settings,
            password: airflow.password.clone(),
            start: json!({ "dag_id": "quick", "conf": { "word": "hello" } }),
            refused: json!({ "dag_id": "no-such-dag" }),
            nowhere: ("base_url", json!("https://127.0.0.1:9")),
            _world: None,
        });
    }
    all
}

async fn postgres(stack: &Stack) -> Platform {
    let warehouse = Warehouse::new(stack).await;
    Platform {
        kind: "postgres",
        settings: warehouse.body("x")["settings"].clone(),
        password: warehouse.login.password.clone(),
        start: json!({ "sql": "select 1 as one" }),
        refused: json!({ "sql": "select 1 / 0" }),
        nowhere: ("database", json!("nowhere")),
        _world: None,
    }
}

fn http() -> Platform {
    let world = World::new(|request, _| {
        let known = request.headers.get("authorization").is_some_and(|value| value == "Bearer right-p4ss");
        match (known, request.path.as_str()) {
            (false, _) => Answer::Json(401, json!({ "error": "who?" })),
            (true, "/refused") => Answer::Json(400, json!({ "error": "no" })),
            (true, _) => Answer::Json(200, json!({})),
        }
    });
    Platform {
        kind: "http",
        settings: json!({ "base_url": world.url(), "auth": { "type": "bearer" } }),
        password: "right-p4ss".to_owned(),
        start: json!({ "path": "/start" }),
        refused: json!({ "path": "/refused" }),
        nowhere: ("base_url", json!("https://127.0.0.1:9")),
        _world: Some(world),
    }
}

impl Platform {
    async fn connect(&self, tenant: &Tenant, name: &str, password: &str, settings: &Value) -> Value {
        let by = &tenant.administrator;
        let vault = work::vault(by, &format!("vault of {name}")).await;
        work::credential(by, &vault, "password", password).await;
        let credential = json!({ "vault": format!("vault of {name}"), "name": "password" });
        let body = json!({ "name": name, "kind": self.kind, "settings": settings, "credential": credential });
        by.post("/connections", &body).await.expect(201)
    }

    async fn run(&self, tenant: &Tenant, connection: &str, start: &Value, state: &str) -> Value {
        let task = json!({ "name": "only", "connection": connection, "start": start });
        let job = work::job(&tenant.administrator, &work::fresh("job"), &[task]).await;
        let run = work::run(&tenant.operator, &job).await;
        work::wait_for_run(&tenant.operator, &run, state, SOON * 3).await
    }
}

/// The result of a connection test.
async fn tested(tenant: &Tenant, connection: &Value) -> Value {
    let path = format!("/connections/{}/test", work::id(connection));
    tenant.administrator.post(&path, &json!({})).await.expect(202);
    let mut result = Value::Null;
    work::until("the connection was tested", SOON, async || {
        result = tenant.administrator.get(&path).await.expect(200);
        result["state"] != "pending"
    })
    .await;
    result
}

#[test]
fn a_connection_test_tells_a_good_connection_from_a_bad_one_and_shows_no_secret() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        for platform in platforms(stack).await {
            let kind = platform.kind;
            let good = platform.connect(&tenant, kind, &platform.password, &platform.settings).await;
            let result = tested(&tenant, &good).await;
            assert_eq!(result["state"], "succeeded", "{kind}: {result}");
            assert!(!result["message"].as_str().unwrap_or_default().is_empty(), "{kind}: {result}");

            let locked_out =
                platform.connect(&tenant, &format!("{kind} locked"), "wr0ng-p4ss", &platform.settings).await;
            let result = tested(&tenant, &locked_out).await;
            assert_eq!(result["state"], "failed", "{kind}: {result}");
            assert!(!result.to_string().contains("wr0ng-p4ss"), "{kind}: {result}");

            let mut settings = platform.settings.clone();
            settings[platform.nowhere.0] = platform.nowhere.1.clone();
            let astray =
                platform.connect(&tenant, &format!("{kind} astray"), &platform.password, &settings).await;
            let result = tested(&tenant, &astray).await;
            assert_eq!(result["state"], "failed", "{kind}: {result}");
            assert!(!result["message"].as_str().unwrap_or_default().is_empty(), "{kind}: {result}");
        }
    });
}

#[test]
fn a_start_succeeds_a_refused_one_fails_for_good_and_a_wrong_credential_is_told_apart() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        for platform in platforms(stack).await {
            let kind = platform.kind;
            platform.connect(&tenant, kind, &platform.password, &platform.settings).await;
            let run = platform.run(&tenant, kind, &platform.start, "succeeded").await;
            assert_eq!(seen::attempts(&run, "only").len(), 1, "{kind}: {run:#}");

            let run = platform.run(&tenant, kind, &platform.refused, "failed").await;
            assert_eq!(seen::state(&run, "only"), "failed/permanent", "{kind}: {run:#}");
            assert_eq!(seen::attempts(&run, "only")[0]["error"]["class"], "permanent", "{kind}: {run:#}");

            let locked = format!("{kind} locked");
            platform.connect(&tenant, &locked, "wr0ng-p4ss", &platform.settings).await;
            let run = platform.run(&tenant, &locked, &platform.start, "failed").await;
            assert_eq!(seen::state(&run, "only"), "failed/auth", "{kind}: {run:#}");
            assert!(!run.to_string().contains("wr0ng-p4ss"), "{kind}: {run}");
        }
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_rotated_credential_is_used_by_the_next_start() {
    stack::with(async |stack| {
        let tenant = tenant::new(stack).await;
        for platform in platforms(stack).await {
            let kind = platform.kind;
            platform.connect(&tenant, kind, "old-p4ss", &platform.settings).await;
            platform.run(&tenant, kind, &platform.start, "failed").await;
            let vaults = work::all(&tenant.administrator, "/vaults").await;
            let name = format!("vault of {kind}");
            let vault = vaults.iter().find(|vault| vault["name"] == name.as_str()).expect("its vault");
            work::credential(&tenant.administrator, vault, "password", &platform.password).await;
            platform.run(&tenant, kind, &platform.start, "succeeded").await;
        }
        invariants::hold(stack, &tenant).await;
    });
}
