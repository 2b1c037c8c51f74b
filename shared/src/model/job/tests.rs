//! Claims about what is known to be wrong with a job at save.

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::model::problem;

fn kind_of(name: &str) -> Option<ConnectionKind> {
    match name {
        "warehouse" => Some(ConnectionKind::Postgres),
        "web" => Some(ConnectionKind::Http),
        "airflow" => Some(ConnectionKind::Airflow),
        _ => None,
    }
}

fn problems(body: Value) -> Vec<(String, String)> {
    let found = match problem::read::<JobDefinition>(&body) {
        Ok(job) => validate(&job, &kind_of, &crate::template::variables_of),
        Err(found) => found,
    };
    found.into_iter().map(|p| (p.pointer, p.message)).collect()
}

fn pointers(body: Value) -> Vec<String> {
    problems(body).into_iter().map(|(pointer, _)| pointer).collect()
}

fn task(name: &str, depends_on: &[&str]) -> Value {
    json!({ "name": name, "connection": "warehouse", "start": { "sql": "select 1" }, "depends_on": depends_on })
}

fn job(tasks: Vec<Value>) -> Value {
    json!({ "name": "j", "tasks": tasks })
}

fn with(field: &str, value: Value) -> Value {
    let mut task = task("a", &[]);
    task[field] = value;
    job(vec![task])
}

#[test]
fn the_example_of_the_documentation_is_a_job() {
    let body = json!({
        "name": "nightly-sales",
        "parameters": { "type": "object", "properties": { "day": { "type": "string", "format": "date" } } },
        "tasks": [
            { "name": "load", "connection": "warehouse",
              "start": { "sql": "insert into sales_clean select * from sales where day = $1", "args": ["{{ params.day }}"] },
              "retry": { "max_attempts": 3, "backoff_s": 30 }, "timeouts": { "start_to_close_s": 3600 } },
            { "name": "refresh", "connection": "airflow", "depends_on": ["load"], "trigger_rule": "all_success",
              "start": { "dag_id": "refresh", "conf": { "day": "{{ params.day }}", "rows": "{{ tasks.load.outputs.rows }}" } } } ],
        "max_active_runs": 1 });
    assert_eq!(problems(body), []);
}

#[test]
fn an_unknown_field_anywhere_is_named_by_its_pointer() {
    assert_eq!(pointers(json!({ "name": "j", "tasks": [], "owner": "x" })), ["/owner"]);
    assert_eq!(pointers(with("timeout", json!(1))), ["/tasks/0/timeout"]);
    assert_eq!(pointers(with("retry", json!({ "attempts": 1 }))), ["/tasks/0/retry/attempts"]);
    assert_eq!(pointers(with("start", json!({ "sql": "select 1", "x": 1 }))), ["/tasks/0/start/x"]);
}

#[test]
fn a_wrong_type_is_named_by_its_pointer() {
    assert_eq!(pointers(with("priority", json!("high"))), ["/tasks/0/priority"]);
    assert_eq!(pointers(with("weight", json!(-1))), ["/tasks/0/weight"]);
    assert_eq!(pointers(with("trigger_rule", json!("sometimes"))), ["/tasks/0/trigger_rule"]);
    assert_eq!(pointers(with("depends_on", json!("b"))), ["/tasks/0/depends_on"]);
}

#[test]
fn names_are_unique_and_short() {
    assert_eq!(pointers(job(vec![task("a", &[]), task("a", &[])])), ["/tasks/1/name"]);
    assert_eq!(pointers(job(vec![task("a b", &[])])), ["/tasks/0/name"]);
    let mut long = job(vec![task("a", &[])]);
    long["name"] = json!("x".repeat(101));
    assert_eq!(pointers(long), ["/name"]);
}

#[test]
fn a_dependency_names_another_task_once() {
    assert_eq!(pointers(job(vec![task("a", &["b"])])), ["/tasks/0/depends_on/0"]);
    assert_eq!(pointers(job(vec![task("a", &["a"])])), ["/tasks/0/depends_on/0"]);
    assert_eq!(pointers(job(vec![task("a", &[]), task("b", &["a", "a"])])), ["/tasks/1/depends_on/1"]);
}

#[test]
fn a_cycle_names_its_members_and_only_those() {
    let tasks = vec![
        task("before", &[]),
        task("a", &["before", "c"]),
        task("b", &["a"]),
        task("c", &["b"]),
        task("after", &["c"]),
    ];
    let found = problems(job(tasks));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "/tasks/1/depends_on");
    let message = &found[0].1;
    assert!(
        ["a → b → c → a", "b → c → a → b", "c → a → b → c"].iter().any(|circle| message.ends_with(circle)),
        "{message}"
    );
}

#[test]
fn two_cycles_are_two_problems() {
    let tasks = vec![task("a", &["b"]), task("b", &["a"]), task("c", &["d"]), task("d", &["c"])];
    assert_eq!(pointers(job(tasks)), ["/tasks/0/depends_on", "/tasks/2/depends_on"]);
}

#[test]
fn caps_are_kept() {
    assert_eq!(pointers(job(vec![])), ["/tasks"]);
    let many = |count: usize| job((0..count).map(|i| task(&format!("t{i}"), &[])).collect());
    assert_eq!(pointers(many(500)), Vec::<String>::new());
    assert_eq!(pointers(many(501)), ["/tasks"]);
    let names: Vec<String> = (0..100).map(|i| format!("t{i}")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut tasks: Vec<Value> = all.iter().map(|name| task(name, &[])).collect();
    tasks.extend((0..21).map(|i| task(&format!("u{i}"), &all)));
    assert_eq!(pointers(job(tasks)), ["/tasks"]);
}

#[test]
fn numbers_are_in_their_ranges() {
    for (field, value, pointer) in [
        ("priority", json!(0), "/tasks/0/priority"),
        ("priority", json!(11), "/tasks/0/priority"),
        ("weight", json!(0), "/tasks/0/weight"),
        ("retry", json!({ "max_attempts": 0 }), "/tasks/0/retry/max_attempts"),
        ("retry", json!({ "backoff_factor": 0.5 }), "/tasks/0/retry/backoff_factor"),
        ("timeouts", json!({ "start_s": 61 }), "/tasks/0/timeouts/start_s"),
        ("timeouts", json!({ "start_to_close_s": 0 }), "/tasks/0/timeouts/start_to_close_s"),
    ] {
        assert_eq!(pointers(with(field, value)), [pointer]);
    }
}

#[test]
fn a_connection_has_to_exist_and_a_start_to_fit_it() {
    assert_eq!(pointers(with("connection", json!("nowhere"))), ["/tasks/0/connection"]);
    assert_eq!(pointers(with("connection", json!("airflow"))), ["/tasks/0/start/sql"]);
    assert_eq!(pointers(with("start", json!([]))), ["/tasks/0/start"]);
}

#[test]
fn templates_name_only_what_there_will_be() {
    let args = |template: &str| with("start", json!({ "sql": "select $1", "args": [template] }));
    for template in [
        "{{ params.nope }}",
        "{{ run.nope }}",
        "{{ tasks.nope.outputs.x }}",
        "{{ tasks.a.outputs.x }}",
        "{{ other }}",
        "{{ params.",
    ] {
        assert_eq!(pointers(args(template)), ["/tasks/0/start/args/0"], "{template}");
    }
    assert_eq!(pointers(args("{{ run.logical_date }}")), Vec::<String>::new());
    assert_eq!(pointers(with("run_if", json!("params.nope > 1"))), ["/tasks/0/run_if"]);
    assert_eq!(pointers(with("run_if", json!("run.trigger == 'manual'"))), Vec::<String>::new());
}

#[test]
fn outputs_may_be_used_of_any_task_that_comes_before() {
    let mut last = task("c-1", &["b-1"]);
    last["start"]["args"] = json!(["{{ tasks['a-1'].outputs.rows }}"]);
    assert_eq!(
        pointers(job(vec![task("a-1", &[]), task("b-1", &["a-1"]), last.clone()])),
        Vec::<String>::new()
    );
    last["depends_on"] = json!([]);
    let found = problems(job(vec![task("a-1", &[]), task("b-1", &["a-1"]), last]));
    assert_eq!(found[0].0, "/tasks/2/start/args/0");
    assert!(found[0].1.contains("does not come after"), "{found:?}");
}

#[test]
fn a_job_that_is_open_to_more_parameters_may_use_them() {
    let mut body = with("start", json!({ "sql": "select $1", "args": ["{{ params.more }}"] }));
    body["parameters"] = json!({ "type": "object", "additionalProperties": true });
    assert_eq!(pointers(body.clone()), Vec::<String>::new());
    body["parameters"] = json!({ "type": "object", "additionalProperties": false });
    assert_eq!(pointers(body.clone()), ["/tasks/0/start/args/0"]);
    body["parameters"] = json!([]);
    assert_eq!(pointers(body)[0], "/parameters");
}

#[test]
fn sql_is_no_template_but_may_look_like_one() {
    assert_eq!(
        pointers(with("start", json!({ "sql": "select '{{ params.day }}'" }))),
        ["/tasks/0/start/sql"]
    );
    assert_eq!(
        pointers(with("start", json!({ "sql": "select '{{1,2},{3,4}}'::int[]" }))),
        Vec::<String>::new()
    );
}

#[test]
fn a_stored_definition_reads_back_as_it_was() {
    let body = job(vec![task("a", &[]), task("b", &["a"])]);
    let read: JobDefinition = problem::read(&body).expect("a job");
    let stored = serde_json::to_value(&read).expect("serialises");
    assert_eq!(problem::read::<JobDefinition>(&stored).expect("a job"), read);
}

proptest! {
    #[test]
    fn a_job_that_is_accepted_has_a_graph_and_one_with_a_cycle_is_not(
        edges in proptest::collection::btree_set((0..12_usize, 0..12_usize), 0..20),
    ) {
        let names: Vec<String> = (0..12).map(|i| format!("t{i}")).collect();
        let tasks = (0..12).map(|i| {
            let before: Vec<&str> = edges.iter().filter(|(task, up)| *task == i && up != task).map(|(_, up)| names[*up].as_str()).collect();
            task(&names[i], &before)
        }).collect();
        let body = job(tasks);
        let read: JobDefinition = problem::read(&body).expect("a job");
        let accepted = problems(body).is_empty();
        prop_assert_eq!(accepted, super::super::graph::Graph::of(&read).is_ok());
    }
}
