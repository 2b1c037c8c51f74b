//! What was seen: in a run as the API tells it, and in a platform's own ledger.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::world::{Entry, World};

/// One task of a run.
#[track_caller]
pub fn task<'a>(run: &'a Value, name: &str) -> &'a Value {
    let tasks = run["tasks"].as_array().into_iter().flatten();
    tasks.into_iter().find(|task| task["name"] == name).unwrap_or_else(|| panic!("no task {name} in {run:#}"))
}

/// The attempts of a task of a run, oldest first.
#[track_caller]
pub fn attempts(run: &Value, name: &str) -> Vec<Value> {
    task(run, name)["attempts"].as_array().cloned().unwrap_or_default()
}

/// State and reason of a task of a run, as `state/reason`.
#[track_caller]
pub fn state(run: &Value, name: &str) -> String {
    let task = task(run, name);
    let text = |field: &str| task[field].as_str().unwrap_or_default().to_owned();
    if task["reason"].is_null() { text("state") } else { format!("{}/{}", text("state"), text("reason")) }
}

/// The names of the tasks that [`crate::work::at_once`] started, in the order in which the platform was asked.
pub fn starts(world: &World) -> Vec<String> {
    world.ledger().iter().filter_map(started).collect()
}

/// For each task that was started, the idempotency keys it was started with: a platform that knows them counts each as one.
pub fn keys(world: &World, header: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut keys = BTreeMap::<String, BTreeSet<String>>::new();
    for entry in world.ledger() {
        let Some(task) = started(&entry) else { continue };
        let key = entry
            .headers
            .get(header)
            .unwrap_or_else(|| panic!("{task} was started without {header}"))
            .clone();
        keys.entry(task).or_default().insert(key);
    }
    keys
}

/// The most requests that were being answered at once, when each takes as long as `took`.
pub fn overlap(ledger: &[Entry], took: std::time::Duration) -> usize {
    let during = |at| ledger.iter().filter(|e| e.at <= at && at < e.at + took).count();
    ledger.iter().map(|entry| during(entry.at)).max().unwrap_or(0)
}

/// How many different idempotency keys came with the starts at one path.
pub fn keys_of(world: &World, path: &str, header: &str) -> usize {
    let starts = world.ledger().into_iter().filter(|e| e.method == "POST" && e.path == path);
    starts.filter_map(|e| e.headers.get(header).cloned()).collect::<BTreeSet<_>>().len()
}

fn started(entry: &Entry) -> Option<String> {
    (entry.method == "POST").then(|| entry.path.strip_prefix("/start/").map(str::to_owned))?
}
