//! Work of tests: the vaults, connections, jobs and runs that a test needs before it can say what it claims.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    caller::{Administrator, Caller},
    world::World,
};

/// How long work that has nothing to wait for may take on a busy machine.
pub const SOON: Duration = Duration::from_secs(30);

/// The id of a resource that was answered.
pub fn id(resource: &Value) -> String {
    resource["id"].as_str().unwrap_or_else(|| panic!("no id in {resource}")).to_owned()
}

/// A managed vault.
pub async fn vault(by: &Administrator, name: &str) -> Value {
    by.post("/vaults", &json!({ "name": name, "kind": "managed" })).await.expect(201)
}

/// A secret in a managed vault.
pub async fn credential(by: &Administrator, vault: &Value, name: &str, value: &str) {
    let path = format!("/vaults/{}/credentials/{name}", id(vault));
    let answer = by.put(&path, &json!({ "value": value })).await;
    assert!(matches!(answer.status, 200 | 201 | 204), "{}: {} {}", path, answer.status, answer.text());
}

/// A connection of kind `http` to a world, without a credential.
pub async fn connection(by: &Administrator, name: &str, world: &World) -> Value {
    let body = json!({ "name": name, "kind": "http", "settings": { "base_url": world.url() } });
    by.post("/connections", &body).await.expect(201)
}

/// A task whose answer is its end: `POST /start/NAME`.
pub fn at_once(name: &str, connection: &str, depends_on: &[&str]) -> Value {
    json!({
        "name": name, "connection": connection, "depends_on": depends_on,
        "start": { "path": format!("/start/{name}"), "body": { "task": name } },
    })
}

/// A task of [`World::of_runs`]: started, polled each second, and cancelled on its platform.
pub fn polled(name: &str, connection: &str, depends_on: &[&str]) -> Value {
    let states = json!({ "running": "running", "succeeded": "succeeded", "failed": "failed", "cancelled": "cancelled" });
    json!({
        "name": name, "connection": connection, "depends_on": depends_on,
        "start": {
            "path": "/runs", "body": { "task": name }, "run_id_pointer": "/id",
            "poll": { "path": "/runs/{run_id}", "state_pointer": "/state", "states": states, "interval_s": 1 },
            "cancel": { "path": "/runs/{run_id}/cancel" },
        },
    })
}

/// A job of these tasks.
pub async fn job(by: &Administrator, name: &str, tasks: &[Value]) -> Value {
    by.post("/jobs", &json!({ "name": name, "tasks": tasks })).await.expect(201)
}

/// Tasks `t0`, `t1`, … each after the one before, each ended by its answer.
pub fn chain(connection: &str, length: usize) -> Vec<Value> {
    let names: Vec<String> = (0..length).map(|n| format!("t{n}")).collect();
    let before = |n: usize| n.checked_sub(1).map(|n| names[n].as_str());
    (0..length).map(|n| at_once(&names[n], connection, before(n).as_slice())).collect()
}

/// A task `first`, `width` tasks after it, and a task `last` after those.
pub fn fan(connection: &str, width: usize) -> Vec<Value> {
    let names: Vec<String> = (0..width).map(|n| format!("t{n}")).collect();
    let middle: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut tasks = vec![at_once("first", connection, &[])];
    tasks.extend(middle.iter().map(|name| at_once(name, connection, &["first"])));
    tasks.push(at_once("last", connection, &middle));
    tasks
}

/// Starts a job now.
pub async fn run(by: &Caller, job: &Value) -> Value {
    let body = json!({ "parameters": {} });
    by.post(&format!("/jobs/{}/runs", id(job)), &body).await.expect(201)
}

/// A run that came to this state; any other end, or none in time, fails the test and says why.
pub async fn wait_for_run(by: &Caller, run: &Value, state: &str, within: Duration) -> Value {
    let (path, deadline) = (format!("/runs/{}", id(run)), Instant::now() + within);
    loop {
        let seen = by.get(&path).await.expect(200);
        if seen["state"] == state {
            return seen;
        }
        let ended = !matches!(seen["state"].as_str(), Some("pending" | "active"));
        assert!(!ended, "the run did not come to {state}: {seen:#}");
        assert!(Instant::now() < deadline, "the run is not {state} in {within:?}: {seen:#}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// Waits until something holds.
pub async fn until(what: &str, within: Duration, mut holds: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + within;
    while !holds().await {
        assert!(Instant::now() < deadline, "{what}: not within {within:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// The items of a list, over all of its pages.
pub async fn all(by: &Caller, path: &str) -> Vec<Value> {
    let (mut items, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let glue = if path.contains('?') { '&' } else { '?' };
        let more = cursor.map(|cursor| format!("{glue}cursor={cursor}")).unwrap_or_default();
        let page = by.get(&format!("{path}{more}")).await.expect(200);
        items.extend(page["items"].as_array().expect("items").iter().cloned());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return items;
        }
    }
}

/// A key that was never used: of an idempotent request, of a name.
pub fn fresh(prefix: &str) -> String {
    let id: Uuid = crate::tenant::random_id();
    format!("{prefix}-{}", id.simple())
}
