//! The `airflow` kind against the REST API of Airflow 2, as its OpenAPI document has it (apache-airflow 2.10.5): Basic
//! authentication, a body without `logical_date`, lists ordered by `execution_date`. Airflow 2 itself needs an older Python
//! than most machines have, so this is a world.

use serde_json::{Value, json};
use tests::{
    invariants, seen, stack,
    tenant::{self, Tenant},
    work::{self, SOON},
    world::{Answer, Entry, World},
};

/// `operator:p4ss`
const BASIC: &str = "Basic b3BlcmF0b3I6cDRzcw==";

/// DAGs: `quick` ends at the second question, `long` when it is told to, and of `lost` the first answer is.
fn airflow() -> World {
    World::new(|request, before| {
        if request.headers.get("authorization").is_none_or(|value| value != BASIC) {
            return problem(401, "Unauthorized");
        }
        let path = request.path.split('?').next().unwrap_or_default();
        let Some(rest) = path.strip_prefix("/api/v1/dags/") else { return problem(404, "Not Found") };
        match (request.method.as_str(), rest.split('/').collect::<Vec<_>>().as_slice()) {
            ("POST", ["~", "dagRuns", "list"]) => list(request, before),
            ("POST", [dag, "dagRuns"]) => start(dag, request, before),
            ("GET", [dag, "dagRuns", id]) => match started(dag, id, before) {
                true => Answer::Json(200, run(dag, id, before)),
                false => problem(404, "DAGRun not found"),
            },
            ("PATCH", [dag, "dagRuns", id]) if request.json() == json!({ "state": "failed" }) => {
                Answer::Json(200, run(dag, id, before))
            }
            _ => problem(404, "Not Found"),
        }
    })
}

fn problem(status: u16, title: &str) -> Answer {
    Answer::Json(status, json!({ "detail": title, "status": status, "title": title, "type": "about:blank" }))
}

fn start(dag: &str, request: &Entry, before: &[Entry]) -> Answer {
    let body = request.json();
    let fields: Vec<_> = body.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
    if fields != ["conf", "dag_run_id"] {
        return problem(400, "a body that the document of v1 does not have");
    }
    let id = body["dag_run_id"].as_str().unwrap_or_default();
    match (started(dag, id, before), dag) {
        (true, _) => problem(409, "Conflict"),
        (false, "lost") => Answer::Cut,
        (false, _) => Answer::Json(200, run(dag, id, before)),
    }
}

fn list(request: &Entry, before: &[Entry]) -> Answer {
    let body = request.json();
    if body["order_by"] != "-execution_date" {
        return problem(400, "Ordering with this attribute is disallowed or does not exist");
    }
    let asked = body["dag_ids"].as_array().cloned().unwrap_or_default();
    let runs: Vec<Value> = before
        .iter()
        .filter_map(|earlier| Some((dag_started(earlier)?, earlier.json())))
        .filter(|(dag, _)| asked.contains(&json!(dag)))
        .map(|(dag, body)| run(&dag, body["dag_run_id"].as_str().unwrap_or_default(), before))
        .collect();
    Answer::Json(200, json!({ "total_entries": runs.len(), "dag_runs": runs }))
}

/// The DAG that a request started.
fn dag_started(request: &Entry) -> Option<String> {
    let dag = request.path.strip_prefix("/api/v1/dags/")?.strip_suffix("/dagRuns")?;
    (request.method == "POST").then(|| dag.to_owned())
}

fn started(dag: &str, id: &str, before: &[Entry]) -> bool {
    before.iter().any(|e| dag_started(e).as_deref() == Some(dag) && e.json()["dag_run_id"] == id)
}

fn run(dag: &str, id: &str, before: &[Entry]) -> Value {
    let stopped = before.iter().any(|e| e.method == "PATCH" && e.path.ends_with(id));
    let asked = before.iter().filter(|e| {
        e.method == "GET" && e.path.ends_with(id) || e.method == "POST" && e.path.ends_with("/list")
    });
    let state = match (stopped, dag, asked.count()) {
        (true, ..) => "failed",
        (_, "long", _) => "running",
        (_, _, 0) => "queued",
        _ => "success",
    };
    json!({ "dag_id": dag, "dag_run_id": id, "state": state, "conf": {}, "logical_date": "2026-05-04T01:00:00+00:00" })
}

async fn connected(tenant: &Tenant, world: &World) {
    let by = &tenant.administrator;
    let vault = work::vault(by, "secrets").await;
    work::credential(by, &vault, "airflow", "p4ss").await;
    let settings = json!({ "base_url": world.url(), "api": "v1", "user": "operator" });
    let credential = json!({ "vault": "secrets", "name": "airflow" });
    let body =
        json!({ "name": "airflow", "kind": "airflow", "settings": settings, "credential": credential });
    by.post("/connections", &body).await.expect(201);
}

fn task(name: &str, dag: &str) -> Value {
    json!({ "name": name, "connection": "airflow", "start": { "dag_id": dag, "conf": {} } })
}

#[test]
fn runs_are_started_under_our_ids_listed_together_and_one_whose_answer_was_lost_is_taken_over() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, airflow());
        connected(&tenant, &world).await;
        let tasks: Vec<_> = (0..4).map(|n| task(&format!("quick{n}"), "quick")).collect();
        let job =
            work::job(&tenant.administrator, "many", &[tasks, vec![task("lost", "lost")]].concat()).await;
        let run = work::run(&tenant.operator, &job).await;
        let run = work::wait_for_run(&tenant.operator, &run, "succeeded", SOON * 3).await;
        let quick = &seen::attempts(&run, "quick0")[0];
        let id = quick["external_run_id"].as_str().expect("an id");
        assert_eq!(quick["id"], id, "the DAG run bears the attempt's id");
        assert_eq!(quick["external_url"], format!("{}/dags/quick/grid?dag_run_id={id}", world.url()));
        assert_eq!(seen::attempts(&run, "lost").len(), 1, "taken over, not made again");
        assert!(world.count("POST", "/api/v1/dags/~/dagRuns/list") > 0, "one question for many");
        let ids: std::collections::BTreeSet<_> = world
            .ledger()
            .iter()
            .filter(|e| dag_started(e).is_some())
            .map(|e| e.json()["dag_run_id"].to_string())
            .collect();
        assert_eq!(ids.len(), 5, "five DAG runs in all");
        invariants::hold(stack, &tenant).await;
    });
}

#[test]
fn a_cancelled_run_is_set_to_failed_and_ends_as_cancelled() {
    stack::with(async |stack| {
        let (tenant, world) = (tenant::new(stack).await, airflow());
        connected(&tenant, &world).await;
        let job = work::job(&tenant.administrator, "endless", &[task("dag", "long")]).await;
        let run = work::run(&tenant.operator, &job).await;
        let path = format!("/runs/{}", work::id(&run));
        work::until("it runs", SOON, async || {
            seen::state(&tenant.operator.get(&path).await.expect(200), "dag") == "active/running"
        })
        .await;
        tenant.operator.post(&format!("{path}/cancel"), &json!({})).await;
        let run = work::wait_for_run(&tenant.operator, &run, "cancelled", SOON * 3).await;
        assert_eq!(seen::state(&run, "dag"), "cancelled");
        assert!(world.ledger().iter().any(|e| e.method == "PATCH"), "Airflow was told");
        invariants::hold(stack, &tenant).await;
    });
}
